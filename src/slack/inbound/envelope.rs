//! What Slack sends over a socket: the same things, as JSON objects.
//!
//! The keys are those of the same delivery over HTTP, so that one that comes by both ways counts
//! once. Events have one form on both ways: `super::event`.

use super::interaction::interaction_of;
use super::json::object;
use super::{BadPayload, Parsed, form};

/// Reads the payload of a slash command: an object with the form's fields.
///
/// # Errors
/// When it is no such object.
pub fn command(payload: &[u8]) -> Result<Parsed, BadPayload> {
    super::command_of(form::of_object(&object(text(payload)?)?))
}

/// Reads the payload of an interaction: what over HTTP stands in the form's field `payload`.
///
/// # Errors
/// When it is not such an object, or a kind that we know lacks what it needs.
pub fn interaction(payload: &[u8]) -> Result<Parsed, BadPayload> {
    interaction_of(&object(text(payload)?)?, payload)
}

fn text(payload: &[u8]) -> Result<&str, BadPayload> {
    std::str::from_utf8(payload).map_err(|_| BadPayload::NotUtf8)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_reads_as_over_http() {
        let fields = [
            ("team_id", "T1"),
            ("user_id", "U1"),
            ("channel_id", "C1"),
            ("text", "sync sales force"),
            ("trigger_id", "1.2.abc"),
            ("response_url", "https://hooks.slack.com/commands/T1/1/abc"),
        ];
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut object = json!({"is_enterprise_install": false, "odd": {"a": [1]}});
        for (name, value) in fields {
            object[name] = json!(value);
        }
        let read = command(object.to_string().as_bytes()).unwrap();
        assert_eq!(read, super::super::command(form.as_bytes()).unwrap());
    }

    #[test]
    fn an_interaction_reads_as_over_http() {
        let payload = json!({
            "type": "block_actions", "team": {"id": "T1"}, "user": {"id": "U1"}, "trigger_id": "1.2",
            "actions": [{"action_id": "approve", "value": "v", "action_ts": "17.1"}],
        })
        .to_string();
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload)
            .finish();
        let read = interaction(payload.as_bytes()).unwrap();
        assert_eq!(read, super::super::interaction(form.as_bytes()).unwrap());
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for (payload, error) in [
            ("{}", BadPayload::Lacks("trigger_id")),
            (r#"{"trigger_id": 7}"#, BadPayload::Lacks("trigger_id")),
            ("[]", BadPayload::NotAnObject),
            ("\"text\"", BadPayload::NotAnObject),
            (r#"{"payload": "{}"}"#, BadPayload::OtherRoute),
        ] {
            assert_eq!(command(payload.as_bytes()), Err(error), "{payload}");
        }
        assert_eq!(command(b"\xff"), Err(BadPayload::NotUtf8));
    }
}
