//! One example of every request that the client can make, for a test that holds them against
//! Fivetran's OpenAPI file.

use chrono::DateTime;
use serde_json::Value;

use crate::model::{Action, ActionKind, Call, ConnectionId, Frequency, TableSet};

/// A request as it leaves, without headers.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleRequest {
    /// The HTTP method.
    pub method: &'static str,
    /// The path below the base, from `/v1` on.
    pub path: String,
    /// The body; null for a GET.
    pub body: Value,
}

/// Every read, and the call of every action that the model knows.
pub fn sample_requests() -> Vec<SampleRequest> {
    let id = ConnectionId::new("interchangeable_revenge");
    let reads = [
        "/v1/account/info",
        "/v1/groups",
        "/v1/connections",
        "/v1/connections/interchangeable_revenge",
    ];
    let reads = reads.map(|path| SampleRequest {
        method: "GET",
        path: path.to_owned(),
        body: Value::Null,
    });
    let actions = ActionKind::ALL.into_iter().flat_map(actions_of);
    let writes = actions.map(|action| {
        let call = Call::of(&action);
        SampleRequest {
            method: call.method(),
            path: call.path(&id),
            // The body is JSON by construction; null would fail every schema.
            body: serde_json::from_str(&call.body()).unwrap_or(Value::Null),
        }
    });
    reads.into_iter().chain(writes).collect()
}

/// Examples of a kind; a kind that is new does not compile until it has one.
fn actions_of(kind: ActionKind) -> Vec<Action> {
    let time = DateTime::UNIX_EPOCH;
    match kind {
        ActionKind::SyncNow => vec![Action::SyncNow { force: false }],
        ActionKind::SyncForce => vec![Action::SyncNow { force: true }],
        ActionKind::SyncAt => vec![Action::SyncAt { time }],
        ActionKind::Pause => vec![Action::Pause { until: time }],
        ActionKind::Resume => vec![Action::Resume],
        ActionKind::SetFrequency => {
            let every = |minutes, daily_sync_time| Action::SetFrequency {
                minutes,
                daily_sync_time,
                until: None,
            };
            let hours = Frequency::ALLOWED.into_iter();
            let mut all: Vec<Action> = hours
                .filter_map(|minutes| Frequency::try_from(minutes).ok())
                .map(|minutes| every(minutes, None))
                .collect();
            all.push(every(Frequency::DAILY, "03:00".parse().ok()));
            all
        }
        ActionKind::ResyncTables => {
            let tables = vec!["orders".to_owned(), "Customers".to_owned()];
            vec![Action::ResyncTables {
                tables: TableSet::from([("public".to_owned(), tables)]),
            }]
        }
        ActionKind::HistoricalResync => vec![Action::HistoricalResync],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_action_has_its_request() {
        let samples = sample_requests();
        let bodies: Vec<String> = samples.iter().map(|s| s.body.to_string()).collect();
        for body in [
            r#"{"force":false}"#,
            r#"{"force":true}"#,
            r#"{"paused":true,"run_setup_tests":false}"#,
            r#"{"daily_sync_time":"03:00","run_setup_tests":false,"sync_frequency":1440}"#,
            r#"{"public":["orders","Customers"]}"#,
            "{}",
        ] {
            assert!(
                bodies.iter().any(|b| b == body),
                "{body} is not in {bodies:?}"
            );
        }
        assert!(
            samples
                .iter()
                .all(|s| s.method == "GET" || s.body.is_object())
        );
    }
}
