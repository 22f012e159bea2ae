//! Fivetran's webhooks: is it Fivetran's, and what does it hint at?
//!
//! The signature is HMAC-SHA256 over the raw body in hex, without a time or an id (docs:
//! rest-api/webhooks), so a body can be replayed for ever: what it says is a hint, to be confirmed
//! by reading the connection.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::wire::{as_text, as_time, field};
use crate::model::{ConnectionId, GroupId};

/// A webhook's body. All texts are untrusted and may hold secrets of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// For example `sync_end`; an open set.
    pub event: String,
    /// When Fivetran says that it happened.
    pub created: Option<DateTime<Utc>>,
    /// `connection_id` or, as of 2026, `connector_id`.
    pub connection_id: Option<ConnectionId>,
    /// The name that Fivetran gives it.
    pub connection_name: Option<String>,
    /// `destination_group_id` or `group_id`.
    pub group_id: Option<GroupId>,
    /// The sync that this is about; test events have none.
    pub sync_id: Option<String>,
    /// `SUCCESSFUL`, `FAILURE`, `FAILURE_WITH_TASK`, `RESCHEDULED`, `CANCELED`; an open set.
    pub status: Option<String>,
    /// Why it failed, in the source's words.
    pub reason: Option<String>,
    /// The kind of task that the failure opened, for example `reconnect`.
    pub task_type: Option<String>,
    /// Sent when a webhook is registered or tried; about no real connection.
    pub is_test: bool,
    /// What tells two events apart when neither time nor sync does.
    digest: String,
}

/// Why a body is not a webhook; safe to show and to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWebhook {
    /// Not JSON, not an object, or nested too deeply.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// There is no `event`.
    #[error("the body names no event")]
    NoEvent,
}

/// Whether `header` (`X-Fivetran-Signature-256`: 64 hex digits of either case) is the signature of
/// `raw` under any of the secrets. Takes the same time wherever a signature differs.
pub fn verify(secrets: &[SecretString], raw: &[u8], header: &str) -> bool {
    let mut tag = [0_u8; 32];
    if hex::decode_to_slice(header, &mut tag).is_err() {
        return false;
    }
    let mut good = false;
    for secret in secrets {
        let secret = secret.expose_secret().as_bytes();
        // Anybody can sign with an empty secret.
        let mac = Hmac::<Sha256>::new_from_slice(secret).ok();
        let Some(mut mac) = mac.filter(|_| !secret.is_empty()) else {
            continue;
        };
        mac.update(raw);
        good |= mac.verify_slice(&tag).is_ok();
    }
    good
}

/// Reads a body. Depth is bounded by the parser, size by whoever took the body in.
///
/// # Errors
/// When it is no JSON object with an event; everything else may be missing, unknown or extra.
pub fn parse(raw: &[u8]) -> Result<Webhook, BadWebhook> {
    let body: Map<String, Value> =
        serde_json::from_slice(raw).map_err(|_| BadWebhook::NotAnObject)?;
    let data = data(body.get("data"));
    let either = |one: &str, other: &str| field(&body, one).or_else(|| field(&body, other));
    let event = field(&body, "event").ok_or(BadWebhook::NoEvent)?;
    let connection = either("connection_id", "connector_id");
    let group = either("destination_group_id", "group_id");
    let test_names = [
        connection.as_deref().unwrap_or_default(),
        group.as_deref().unwrap_or_default(),
    ];
    Ok(Webhook {
        is_test: event == "test_event" || test_names.into_iter().any(is_test_name),
        event,
        created: field(&body, "created").and_then(|text| as_time(&text)),
        connection_id: connection.map(ConnectionId::new),
        connection_name: either("connection_name", "connector_name"),
        group_id: group.map(GroupId::new),
        sync_id: field(&body, "sync_id"),
        status: field(&data, "status"),
        reason: field(&data, "reason"),
        task_type: field(&data, "taskType").or_else(|| field(&data, "task_type")),
        digest: hex::encode(Sha256::digest(raw)),
    })
}

/// `_connector_1`, `_destination_1`: what Fivetran's test events are about.
fn is_test_name(name: &str) -> bool {
    let number = ["_connector_", "_connection_", "_destination_"]
        .into_iter()
        .find_map(|prefix| name.strip_prefix(prefix));
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// `data` as an object. Some senders encode it twice; a text that is no JSON is the reason.
fn data(value: Option<&Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(fields)) => fields.clone(),
        Some(Value::String(text)) => serde_json::from_str(text)
            .unwrap_or_else(|_| Map::from_iter([("reason".to_owned(), text.as_str().into())])),
        Some(other) => as_text(other)
            .map(|text| Map::from_iter([("reason".to_owned(), text.into())]))
            .unwrap_or_default(),
        None => Map::new(),
    }
}

impl Webhook {
    /// The same for every delivery of one event: connection, event, sync and time (Fivetran sends
    /// no delivery id). Where the body has no readable time, the whole body counts, so that two
    /// events never pass for one.
    pub fn key(&self) -> String {
        let when = self.created.map_or_else(
            || self.digest.clone(),
            |at| at.timestamp_micros().to_string(),
        );
        let connection = self.connection_id.as_ref().map(ConnectionId::as_str);
        let parts = json!([connection, self.event, self.sync_id, when]);
        hex::encode(Sha256::digest(parts.to_string()))
    }

    /// Whether it hints at a failure: any status with FAIL in it, known or not, and the event that
    /// is named for one.
    pub fn tells_of_failure(&self) -> bool {
        let failed = |status: &String| status.to_ascii_uppercase().contains("FAIL");
        self.status.as_ref().is_some_and(failed) || self.event == "connection_failure"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIVE: &[u8] = include_bytes!("../../tests/data/fivetran/webhook_sync_end.json");
    const SECRET: &str = "test-secret-32-bytes-of-randomness";
    const SIGNATURE: &str = "547007E80CB87B8CB8C58D88BE4E0DACC306ADCA5746B781890989C181C8A618";

    fn secrets(all: &[&str]) -> Vec<SecretString> {
        all.iter().map(|s| SecretString::from(*s)).collect()
    }

    fn read(body: &str) -> Webhook {
        parse(body.as_bytes()).unwrap()
    }

    /// T053, T055, T056.
    #[test]
    fn a_signature_counts_in_either_case_and_for_any_secret() {
        let ours = secrets(&["old", SECRET]);
        assert!(verify(&ours, LIVE, SIGNATURE));
        assert!(verify(&ours, LIVE, &SIGNATURE.to_lowercase()));
        assert!(!verify(&secrets(&["old"]), LIVE, SIGNATURE));
        assert!(!verify(&[], LIVE, SIGNATURE));
        let spaced = [LIVE, b" "].concat();
        assert!(!verify(&ours, &spaced, SIGNATURE));
        for wrong in [
            "",
            "00",
            "zz",
            &SIGNATURE[..63],
            &SIGNATURE[..32],
            &format!("{SIGNATURE}00"),
            &format!("sha256={SIGNATURE}"),
            &format!(" {SIGNATURE}"),
            "ünïcode",
        ] {
            assert!(!verify(&ours, LIVE, wrong), "{wrong}");
        }
    }

    #[test]
    fn nobody_signs_with_an_empty_secret() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"").unwrap();
        mac.update(LIVE);
        let signature = hex::encode(mac.finalize().into_bytes());
        assert!(!verify(&secrets(&[""]), LIVE, &signature));
    }

    proptest! {
        /// T054.
        #[test]
        fn a_flipped_bit_is_refused(place in 0..LIVE.len() * 8) {
            let mut raw = LIVE.to_vec();
            raw[place / 8] ^= 1 << (place % 8);
            prop_assert!(!verify(&secrets(&[SECRET]), &raw, SIGNATURE));
        }

        #[test]
        fn no_bytes_make_it_panic(raw: Vec<u8>, header: String) {
            let _ = parse(&raw);
            prop_assert!(!verify(&secrets(&[SECRET]), &raw, &header));
        }
    }

    #[test]
    fn a_captured_body_is_read() {
        let hook = parse(LIVE).unwrap();
        assert_eq!(hook.event, "sync_end");
        assert_eq!(hook.connection_id, Some("assimilate_seem".into()));
        assert_eq!(hook.connection_name.as_deref(), Some("ftar_pg"));
        assert_eq!(hook.group_id, Some("inappropriate_implode".into()));
        assert_eq!(hook.status.as_deref(), Some("SUCCESSFUL"));
        assert!(!hook.is_test && !hook.tells_of_failure());
        let created = hook.created.unwrap();
        assert_eq!(created.to_rfc3339(), "2026-05-22T00:06:08.638+00:00");
    }

    #[test]
    fn a_failure_is_read_with_its_reason_even_when_encoded_twice() {
        let data = r#"{"status":"FAILURE_WITH_TASK","reason":"FATAL: no","taskType":"reconnect"}"#;
        let plain = format!(r#"{{"event":"sync_end","connection_id":"a","data":{data}}}"#);
        let twice = json!({"event": "sync_end", "connector_id": "a", "data": data}).to_string();
        for body in [plain, twice] {
            let hook = read(&body);
            assert!(hook.tells_of_failure());
            assert_eq!(hook.connection_id, Some("a".into()));
            assert_eq!(hook.reason.as_deref(), Some("FATAL: no"));
            assert_eq!(hook.task_type.as_deref(), Some("reconnect"));
        }
        let text = read(r#"{"event":"sync_end","data":"it broke"}"#);
        assert_eq!(text.reason.as_deref(), Some("it broke"));
    }

    #[test]
    fn unknown_words_with_fail_in_them_are_failures() {
        let of =
            |status| read(&json!({"event": "sync_end", "data": {"status": status}}).to_string());
        for (status, fails) in [
            ("FAILED", true),
            ("partial_failure", true),
            ("RESCHEDULED", false),
            ("CANCELED", false),
        ] {
            assert_eq!(of(status).tells_of_failure(), fails, "{status}");
        }
        assert!(read(r#"{"event":"connection_failure"}"#).tells_of_failure());
    }

    /// T061.
    #[test]
    fn test_events_and_strangers_are_taken() {
        let test = r#"{"event":"test_event","created":"2026-11-22T08:00:00Z",
            "connector_type":"_connector_type","connector_id":"_connector_1","group_id":"_destination_1"}"#;
        assert!(read(test).is_test);
        assert!(read(r#"{"event":"sync_end","destination_group_id":"_destination_1"}"#).is_test);
        assert!(!read(r#"{"event":"sync_end","connector_id":"_connector_x"}"#).is_test);
        let strange = read(r#"{"event":"brand_new","created":7,"data":[1],"x":{"y":null}}"#);
        assert_eq!(strange.created, None);
        assert_eq!(strange.reason.as_deref(), Some("[1]"));
    }

    #[test]
    fn both_spellings_at_once_are_no_conflict() {
        let hook =
            read(r#"{"event":"e","connector_id":"old","connection_id":"new","group_id":""}"#);
        assert_eq!(hook.connection_id, Some("new".into()));
        assert_eq!(hook.group_id, None);
        let hook = read(r#"{"event":"e","connector_id":"old","connection_id":""}"#);
        assert_eq!(hook.connection_id, Some("old".into()));
    }

    #[test]
    fn a_key_is_one_event_whatever_its_spelling() {
        let key = |body: &str| read(body).key();
        let one = key(
            r#"{"event":"e","connector_id":"a","sync_id":"s","created":"2026-11-22T08:00:00Z"}"#,
        );
        let same = key(
            r#"{"sync_id":"s","event":"e","connection_id":"a","created":"2026-11-22T08:00:00.000Z","x":1}"#,
        );
        assert_eq!(one, same);
        for other in [
            r#"{"event":"f","connector_id":"a","sync_id":"s","created":"2026-11-22T08:00:00Z"}"#,
            r#"{"event":"e","connector_id":"b","sync_id":"s","created":"2026-11-22T08:00:00Z"}"#,
            r#"{"event":"e","connector_id":"a","sync_id":"t","created":"2026-11-22T08:00:00Z"}"#,
            r#"{"event":"e","connector_id":"a","sync_id":"s","created":"2026-11-22T08:00:01Z"}"#,
            r#"{"event":"e","connector_id":"a","created":"2026-11-22T08:00:00Z"}"#,
        ] {
            assert_ne!(one, key(other), "{other}");
        }
        let timeless = |n| format!(r#"{{"event":"e","connector_id":"a","created":"?","n":{n}}}"#);
        assert_ne!(key(&timeless(1)), key(&timeless(2)));
    }

    /// T135.
    #[test]
    fn hostile_json_is_an_error_and_no_crash() {
        let nested = "[".repeat(100_000);
        let inside = format!(r#"{{"event":"e","data":{nested}"#);
        let double = json!({"event": "e", "data": nested}).to_string();
        for bad in [
            nested.as_str(),
            &inside,
            "",
            "7",
            "[]",
            "null",
            "{",
            "\u{feff}{}",
        ] {
            assert_eq!(parse(bad.as_bytes()), Err(BadWebhook::NotAnObject));
        }
        assert_eq!(
            parse(br#"{"event":"\ud800"}"#),
            Err(BadWebhook::NotAnObject)
        );
        assert_eq!(parse(b"{\"event\":\"\xff\"}"), Err(BadWebhook::NotAnObject));
        for none in ["{}", r#"{"event":""}"#, r#"{"event":null}"#] {
            assert_eq!(parse(none.as_bytes()), Err(BadWebhook::NoEvent), "{none}");
        }
        // A text that only looks like JSON is kept as it is.
        assert_eq!(read(&double).reason.unwrap().len(), 100_000);
    }
}
