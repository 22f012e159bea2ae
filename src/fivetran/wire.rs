//! Fivetran's JSON, read leniently: unknown fields and values are let through, a field may be
//! absent or null; what must not be guessed (is it paused? when did it end?) makes the one item
//! unreadable, never the list.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::hooks::Hook;
use crate::model::{
    Connection, ConnectionId, Group, GroupId, Notice, SETUP_TEST, ScheduleType, SetupState,
    SyncState, UpdateState,
};

/// What stands in an open enum when Fivetran leaves the field out.
const UNKNOWN: &str = "unknown";

/// Around every answer (OpenAPI file: `code`, `message`, `data`); the message is read only to be shown.
#[derive(Deserialize)]
pub(super) struct Envelope<T> {
    #[serde(default, deserialize_with = "text")]
    pub(super) code: Option<String>,
    pub(super) data: Option<T>,
}

/// One page of a list.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(super) struct Page<T> {
    /// Absent or null is an answer that we do not understand: an empty fleet is `[]`.
    #[serde(deserialize_with = "list")]
    pub(super) items: Vec<Item<T>>,
    #[serde(default, deserialize_with = "text")]
    pub(super) next_cursor: Option<String>,
}

/// An item, if it can be read.
pub(super) struct Item<T>(pub(super) Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Item<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        Ok(Self(serde_json::from_value(value).ok()))
    }
}

/// `GET /v1/account/info`.
#[derive(Deserialize)]
pub(super) struct AccountWire {
    pub(super) account_id: String,
    #[serde(default, deserialize_with = "text")]
    pub(super) account_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) user_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) system_key_id: Option<String>,
}

/// An item of `GET /v1/groups`.
#[derive(Deserialize)]
pub(super) struct GroupWire {
    id: String,
    #[serde(default, deserialize_with = "text")]
    name: Option<String>,
}

impl From<GroupWire> for Group {
    fn from(wire: GroupWire) -> Self {
        Self {
            name: wire.name.unwrap_or_else(|| wire.id.clone()),
            id: GroupId::new(wire.id),
        }
    }
}

/// An item of `GET /v1/webhooks`.
#[derive(Deserialize)]
pub(super) struct HookWire {
    id: String,
    url: String,
    active: Option<bool>,
    events: Option<Vec<String>>,
    #[serde(default, deserialize_with = "text", rename = "type")]
    kind: Option<String>,
}

impl HookWire {
    pub(super) fn into_hook(self) -> Option<Hook> {
        let hook = Hook {
            of_account: self.kind.as_deref() != Some("group"),
            id: self.id,
            url: self.url,
            events: self.events.unwrap_or_default(),
            active: self.active.unwrap_or(false),
        };
        (!hook.id.is_empty()).then_some(hook)
    }
}

/// A connection, in a list and alone (OpenAPI file: `ConnectorResponse`).
#[derive(Deserialize)]
pub(super) struct ConnectionWire {
    id: String,
    #[serde(default, deserialize_with = "text")]
    service: Option<String>,
    #[serde(default, deserialize_with = "text")]
    schema: Option<String>,
    #[serde(default, deserialize_with = "text")]
    group_id: Option<String>,
    paused: Option<bool>,
    #[serde(default, deserialize_with = "minutes")]
    sync_frequency: Option<i64>,
    #[serde(default, deserialize_with = "text")]
    daily_sync_time: Option<String>,
    #[serde(default, deserialize_with = "text")]
    schedule_type: Option<String>,
    #[serde(default, deserialize_with = "time")]
    succeeded_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "time")]
    failed_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "schedule")]
    schedule: Option<String>,
    /// In a connection that is read alone.
    setup_tests: Option<Value>,
    status: Option<StatusWire>,
}

#[derive(Default, Deserialize)]
struct StatusWire {
    #[serde(default, deserialize_with = "text")]
    setup_state: Option<String>,
    #[serde(default, deserialize_with = "text")]
    sync_state: Option<String>,
    #[serde(default, deserialize_with = "text")]
    update_state: Option<String>,
    is_historical_sync: Option<bool>,
    #[serde(default, deserialize_with = "time")]
    rescheduled_for: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "notices")]
    tasks: Vec<Notice>,
    #[serde(default, deserialize_with = "notices")]
    warnings: Vec<Notice>,
}

/// A setup test that did not pass, as a warning.
fn failed_test(test: &Value) -> Option<Notice> {
    let word = |key: &str| test.get(key)?.as_str();
    let failed = matches!(word("status"), Some("FAILED" | "JOB_FAILED"));
    failed.then(|| Notice {
        code: SETUP_TEST.to_owned(),
        message: format!("Setup test failed: {}", word("title").unwrap_or("unnamed")),
        details: word("message").map(str::to_owned),
    })
}

impl ConnectionWire {
    /// The connection as it was read at `read_at`; `None` where nothing says whether it is paused,
    /// or it has no id.
    pub(super) fn into_model(self, read_at: DateTime<Utc>) -> Option<Connection> {
        fn word(text: Option<String>) -> String {
            text.unwrap_or_else(|| UNKNOWN.to_owned())
        }
        if self.id.is_empty() {
            return None;
        }
        let mut status = self.status.unwrap_or_default();
        let tests = self.setup_tests.as_ref().and_then(Value::as_array);
        status
            .warnings
            .extend(tests.into_iter().flatten().filter_map(failed_test));
        let told = status.sync_state.as_deref().map(|state| state == "paused");
        Some(Connection {
            paused: self.paused.or(told)?,
            service: word(self.service),
            schema: self.schema.unwrap_or_else(|| self.id.clone()),
            group_id: GroupId::new(self.group_id.unwrap_or_default()),
            id: ConnectionId::new(self.id),
            sync_frequency: self.sync_frequency,
            daily_sync_time: self.daily_sync_time,
            schedule_type: ScheduleType::from(word(self.schedule_type)),
            setup_state: SetupState::from(word(status.setup_state)),
            sync_state: SyncState::from(word(status.sync_state)),
            update_state: UpdateState::from(word(status.update_state)),
            is_historical_sync: status.is_historical_sync.unwrap_or(false),
            rescheduled_for: status.rescheduled_for,
            succeeded_at: self.succeeded_at,
            failed_at: self.failed_at,
            tasks: status.tasks,
            warnings: status.warnings,
            schedule: self.schedule,
            raw: None,
            read_at,
        })
    }
}

/// A value as text: null and the empty text are nothing, what is no text is kept as JSON.
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some(value.to_string())
        }
    }
}

/// A moment in RFC 3339; one without a zone is UTC.
pub(super) fn as_time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .or_else(|_| {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|at| at.and_utc())
        })
        .ok()
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(as_text(&Value::deserialize(from)?))
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    match text(from)? {
        None => Ok(None),
        Some(text) => as_time(&text)
            .map(Some)
            .ok_or_else(|| D::Error::custom("not a time")),
    }
}

/// The type of the flexible schedule. One without a type that we can read rules all the same.
fn schedule<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Null => None,
        Value::Object(fields) => field(&fields, "schedule_type").or(Some(UNKNOWN.to_owned())),
        _ => Some(UNKNOWN.to_owned()),
    })
}

fn minutes<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    match text(from)? {
        None => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| D::Error::custom("not a number of minutes")),
    }
}

fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<Item<T>>, D::Error> {
    Vec::<Item<T>>::deserialize(from)
}

fn notices<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Notice>, D::Error> {
    let Value::Array(items) = Value::deserialize(from)? else {
        return Ok(Vec::new());
    };
    Ok(items.iter().filter_map(notice).collect())
}

fn notice(item: &Value) -> Option<Notice> {
    let Value::Object(fields) = item else {
        return as_text(item).map(|message| Notice {
            code: UNKNOWN.to_owned(),
            message,
            details: None,
        });
    };
    let code = field(fields, "code").unwrap_or_else(|| UNKNOWN.to_owned());
    Some(Notice {
        message: field(fields, "message").unwrap_or_else(|| code.clone()),
        details: field(fields, "details"),
        code,
    })
}

/// A field as text.
pub(super) fn field(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(as_text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Option<Connection> {
        let wire: ConnectionWire = serde_json::from_value(value).ok()?;
        wire.into_model(DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_whole_connection_is_read() {
        let text = include_str!("../../tests/data/fivetran/connection.json");
        let wire: Envelope<ConnectionWire> = serde_json::from_str(text).unwrap();
        let read = wire.data.unwrap().into_model(DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(read.id.as_str(), "interchangeable_revenge");
        assert_eq!(read.group_id.as_str(), "rarer_gradient");
        assert_eq!(read.schema, "google_sheets.spotify");
        assert_eq!(read.sync_frequency, Some(360));
        assert!(read.stuck_rescheduled());
        assert!(!read.failed(), "an old failed_at is not a failure");
        assert_eq!(read.tasks[0].code, "reconnect");
        assert_eq!(read.tasks[0].details.as_deref(), Some(r#"{"step":2}"#));
        assert_eq!(read.warnings[0].message, "Resync Table Warning");
        assert_eq!(
            read.rescheduled_for.unwrap().to_rfc3339(),
            "2026-11-22T22:59:56.238875+00:00"
        );
    }

    #[test]
    fn unknown_words_and_missing_fields_are_let_through() {
        let read = read(json!({
            "id": "a", "paused": false, "schedule_type": "lunar", "brand_new": [1],
            "daily_sync_time": null, "sync_frequency": "60",
            "status": {"sync_state": "dreaming", "tasks": null, "warnings": ["odd", null]},
        }))
        .unwrap();
        assert_eq!(read.schedule_type, ScheduleType::Other("lunar".into()));
        assert_eq!(read.sync_state, SyncState::Other("dreaming".into()));
        assert_eq!(read.setup_state, SetupState::Other("unknown".into()));
        assert_eq!(read.sync_frequency, Some(60));
        assert_eq!(read.schema, "a");
        assert!(read.tasks.is_empty());
        assert_eq!(read.warnings.len(), 1);
    }

    #[test]
    fn a_flexible_schedule_rules_unless_it_is_a_plain_interval() {
        let kind = |schedule: Value| {
            let wire = json!({"id": "a", "paused": false, "schedule": schedule});
            let connection = read(wire).unwrap();
            connection.flexible_schedule().map(str::to_owned)
        };
        assert_eq!(kind(Value::Null), None);
        assert_eq!(
            kind(json!({"schedule_type": "INTERVAL", "interval": 60})),
            None
        );
        let cron = json!({"schedule_type": "CRON", "cron": "0 3 * * *"});
        assert_eq!(kind(cron).as_deref(), Some("CRON"));
        assert_eq!(kind(json!({})).as_deref(), Some("unknown"));
    }

    #[test]
    fn what_must_not_be_guessed_makes_the_item_unreadable() {
        for wrong in [
            json!({"paused": true}),
            json!({"id": "", "paused": true}),
            json!({"id": "a"}),
            json!({"id": "a", "paused": "perhaps"}),
            json!({"id": "a", "paused": true, "succeeded_at": "yesterday"}),
            json!({"id": "a", "paused": true, "sync_frequency": {}}),
            json!("a"),
        ] {
            assert!(read(wrong.clone()).is_none(), "{wrong}");
        }
        let told = read(json!({"id": "a", "status": {"sync_state": "paused"}}));
        assert!(told.unwrap().paused, "sync_state tells it too");
    }

    #[test]
    fn a_list_needs_items_and_survives_a_bad_one() {
        let page = |text| serde_json::from_str::<Page<GroupWire>>(text);
        assert!(page("{}").is_err());
        assert!(page(r#"{"items":null}"#).is_err());
        let some = page(r#"{"items":[{"id":"g"},7],"next_cursor":""}"#).unwrap();
        assert_eq!(some.items.iter().filter(|item| item.0.is_some()).count(), 1);
        assert_eq!(some.next_cursor, None);
    }
}
