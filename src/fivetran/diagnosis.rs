//! The diagnosis endpoints of 2026: what Fivetran itself says of a failure (`reference/fivetran.md`
//! §2.7). Not every account has them, and the fields of a sync's history are not documented, so
//! everything is read leniently.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::budget::Priority;
use super::client::FivetranClient;
use super::read::{Get, ReadError, decode};
use super::transport::{ACCEPT_CONNECTION, ANSWER_LIMIT};
use super::wire::Page;
use crate::model::{ConnectionId, Notice};

/// Notices that are taken from one list, the first ones.
const NOTICES: usize = 20;

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `GET …/errors`, a private preview.
    Errors,
    /// `GET …/warnings`.
    Warnings,
    /// `GET …/sync-history`: the syncs that failed.
    History,
}

impl List {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Errors, Self::Warnings, Self::History];

    fn path(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Warnings => "warnings",
            Self::History => "sync-history",
        }
    }
}

/// One item, whatever it holds.
#[derive(Deserialize)]
#[serde(transparent)]
struct ItemWire(Map<String, Value>);

impl FivetranClient {
    /// What a list says of a connection, between two moments at most seven days apart where the list is
    /// of syncs.
    ///
    /// # Errors
    /// See [`ReadError`]; 403 and 404 say that the account does not have the list.
    pub async fn diagnosis(
        &self,
        list: List,
        id: &ConnectionId,
        span: (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<Notice>, ReadError> {
        let path = format!("/v1/connections/{}/{}", id.as_str(), list.path());
        let iso = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let query = match list {
            List::History => vec![("start_time", iso(span.0)), ("end_time", iso(span.1))],
            List::Errors | List::Warnings => Vec::new(),
        };
        let get = Get {
            path: &path,
            query,
            accept: ACCEPT_CONNECTION,
            limit: ANSWER_LIMIT,
        };
        let answer = self.fetch(&get, Priority::Background).await?;
        let page: Page<ItemWire> = decode(&get, &answer)?;
        let items = page.items.into_iter().filter_map(|item| item.0);
        let notices = items.flat_map(|ItemWire(item)| match list {
            List::Errors => vec![error(&item)],
            List::Warnings => warnings(&item),
            List::History => failure(&item).into_iter().collect(),
        });
        Ok(notices.take(NOTICES).collect())
    }
}

/// The first of these words that is a text.
fn word(item: &Map<String, Value>, names: &[&str]) -> Option<String> {
    let texts = names.iter().filter_map(|name| item.get(*name)?.as_str());
    texts
        .map(str::trim)
        .find(|text| !text.is_empty())
        .map(str::to_owned)
}

fn error(item: &Map<String, Value>) -> Notice {
    Notice {
        code: word(item, &["type", "code"]).unwrap_or_else(|| "error".to_owned()),
        message: word(item, &["title", "message"]).unwrap_or_default(),
        details: word(item, &["reason", "details", "message"]),
    }
}

/// The warnings of one table, or of none.
fn warnings(item: &Map<String, Value>) -> Vec<Notice> {
    let place = ["schema", "table"].map(|name| word(item, &[name]));
    let place = place.into_iter().flatten().collect::<Vec<_>>().join(".");
    let inner = item.get("warnings").and_then(Value::as_array);
    let objects = inner.into_iter().flatten().filter_map(Value::as_object);
    let notices = objects.map(|warning| {
        let title = word(warning, &["message", "title"]).unwrap_or_default();
        Notice {
            code: word(warning, &["code", "type"]).unwrap_or_else(|| "warning".to_owned()),
            message: match place.as_str() {
                "" => title,
                place => format!("{title} ({place})"),
            },
            details: word(warning, &["details"]),
        }
    });
    notices.collect()
}

/// A sync that failed and says why.
fn failure(item: &Map<String, Value>) -> Option<Notice> {
    let status = word(item, &["status", "state", "result"])?;
    let reason = word(item, &["reason", "error", "message", "failure_reason"])?;
    status.to_uppercase().contains("FAIL").then(|| Notice {
        code: status,
        message: "a sync failed".to_owned(),
        details: Some(reason),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(json: Value) -> Map<String, Value> {
        json.as_object().unwrap().clone()
    }

    #[test]
    fn items_of_the_lists_are_read_as_far_as_they_are_known() {
        let told = error(&item(serde_json::json!({
            "type": "reconnect", "title": "Reconnect", "reason": "token expired",
            "message": "Enter a new one.", "created_at": null, "new": {"x": 1},
        })));
        assert_eq!(
            (told.code.as_str(), told.details.as_deref()),
            ("reconnect", Some("token expired"))
        );
        let odd = error(&item(serde_json::json!({"type": 7, "message": "what?"})));
        assert_eq!(
            (odd.code.as_str(), odd.message.as_str()),
            ("error", "what?")
        );
        let warned = warnings(&item(serde_json::json!({
            "schema": "s", "table": "t", "warnings": [{"code": "resync_table_warning", "message": "Re-sync"}, 5],
        })));
        assert_eq!(warned.len(), 1);
        assert_eq!(warned[0].message, "Re-sync (s.t)");
        let failed = failure(&item(
            serde_json::json!({"status": "FAILURE_WITH_TASK", "reason": "no such host"}),
        ));
        assert_eq!(failed.unwrap().details.as_deref(), Some("no such host"));
        assert_eq!(
            failure(&item(
                serde_json::json!({"status": "SUCCESSFUL", "reason": "x"})
            )),
            None
        );
        assert_eq!(failure(&item(serde_json::json!({"duration": 5}))), None);
    }
}
