//! What stands in one frame of Slack's, read tolerantly.

use serde_json::{Value, json};

/// Slack's ids of envelopes are UUIDs.
const MAX_ID: usize = 200;

/// What Slack says over a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The connection is ready.
    Hello,
    /// It is about to be closed by Slack; a new one is wanted.
    Refresh,
    /// Socket Mode was switched off in the app's settings.
    Disabled,
    /// A delivery.
    Envelope(Envelope),
    /// Nothing that we know.
    Unknown,
}

/// One delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What to acknowledge it by.
    pub id: String,
    /// Of what kind it is.
    pub kind: Kind,
    /// The payload: JSON, the same bytes for every delivery of the same thing.
    pub payload: Vec<u8>,
    /// Whether the acknowledgement may carry an answer.
    pub takes_answer: bool,
}

/// The kinds of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `slash_commands`
    Command,
    /// `interactive`
    Interaction,
    /// `events_api`
    Event,
}

/// What an envelope is acknowledged with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ack {
    /// That it was taken.
    Plain,
    /// That it was taken, and an answer, for example a form's errors.
    With(Value),
}

/// What is needed to acknowledge an envelope.
#[derive(Clone, Debug)]
pub(super) struct Acker {
    id: String,
    takes_answer: bool,
}

impl Envelope {
    pub(super) fn acker(&self) -> Acker {
        let (id, takes_answer) = (self.id.clone(), self.takes_answer);
        Acker { id, takes_answer }
    }
}

impl Acker {
    /// The frame that acknowledges it.
    pub fn frame(&self, ack: Ack) -> String {
        match ack {
            Ack::With(payload) if self.takes_answer => {
                json!({ "envelope_id": self.id, "payload": payload }).to_string()
            }
            Ack::Plain | Ack::With(_) => json!({ "envelope_id": self.id }).to_string(),
        }
    }
}

/// Reads a frame. What is not JSON, or of a kind that we do not know, is [`Frame::Unknown`].
pub(super) fn read(text: &str) -> Frame {
    let Ok(frame) = serde_json::from_str::<Value>(text) else {
        return Frame::Unknown;
    };
    let kind = match frame.get("type").and_then(Value::as_str) {
        Some("hello") => return Frame::Hello,
        Some("disconnect") => return disconnect(&frame),
        Some("slash_commands") => Kind::Command,
        Some("interactive") => Kind::Interaction,
        Some("events_api") => Kind::Event,
        _ => return Frame::Unknown,
    };
    let id = frame.get("envelope_id").and_then(Value::as_str);
    let id = id.filter(|id| !id.is_empty() && id.len() <= MAX_ID);
    let (Some(id), Some(payload)) = (id, frame.get("payload")) else {
        return Frame::Unknown;
    };
    Frame::Envelope(Envelope {
        id: id.to_owned(),
        kind,
        payload: payload.to_string().into_bytes(),
        takes_answer: frame.get("accepts_response_payload") == Some(&Value::Bool(true)),
    })
}

fn disconnect(frame: &Value) -> Frame {
    match frame.get("reason").and_then(Value::as_str) {
        Some("link_disabled") => Frame::Disabled,
        // `warning`, `refresh_requested`, and whatever comes to them later.
        _ => Frame::Refresh,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(text: &str) -> Envelope {
        match read(text) {
            Frame::Envelope(envelope) => envelope,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_frame_of_slacks_is_told_apart() {
        for (text, frame) in [
            (r#"{"type":"hello","num_connections":1}"#, Frame::Hello),
            (
                r#"{"type":"disconnect","reason":"warning"}"#,
                Frame::Refresh,
            ),
            (
                r#"{"type":"disconnect","reason":"refresh_requested"}"#,
                Frame::Refresh,
            ),
            (r#"{"type":"disconnect"}"#, Frame::Refresh),
            (
                r#"{"type":"disconnect","reason":"link_disabled"}"#,
                Frame::Disabled,
            ),
            (
                r#"{"type":"something_new","envelope_id":"e"}"#,
                Frame::Unknown,
            ),
            (r#"{"type":"events_api","envelope_id":"e"}"#, Frame::Unknown),
            (r#"{"type":"events_api","payload":{}}"#, Frame::Unknown),
            (
                r#"{"type":"events_api","envelope_id":7,"payload":{}}"#,
                Frame::Unknown,
            ),
            ("[]", Frame::Unknown),
            ("not JSON", Frame::Unknown),
        ] {
            assert_eq!(read(text), frame, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&deep), Frame::Unknown);
        let long = json!({"type": "events_api", "envelope_id": "e".repeat(201), "payload": {}});
        assert_eq!(read(&long.to_string()), Frame::Unknown);
    }

    #[test]
    fn a_payload_has_the_same_bytes_however_it_is_spelled() {
        let one = envelope(r#"{"type":"interactive","envelope_id":"1","payload":{"a":1,"b":"ü"}}"#);
        let two = envelope(
            r#"{"payload": {"b": "\u00fc", "a": 1}, "envelope_id": "2", "type": "interactive"}"#,
        );
        assert_eq!(one.payload, two.payload);
    }

    #[test]
    fn an_answer_goes_only_into_an_ack_that_takes_one() {
        let mut it = envelope(
            r#"{"type":"interactive","envelope_id":"e1","accepts_response_payload":true,"payload":{}}"#,
        );
        let answer = Ack::With(json!({"response_action": "errors"}));
        insta::assert_snapshot!(it.acker().frame(answer.clone()), @r#"{"envelope_id":"e1","payload":{"response_action":"errors"}}"#);
        insta::assert_snapshot!(it.acker().frame(Ack::Plain), @r#"{"envelope_id":"e1"}"#);
        it.takes_answer = false;
        insta::assert_snapshot!(it.acker().frame(answer), @r#"{"envelope_id":"e1"}"#);
    }
}
