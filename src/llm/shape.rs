//! The form in which a server takes a question, found out by trying: a schema, else JSON at all, else
//! plain text; either spelling of the token limit; a temperature or none.

use serde_json::{Value, json};

use super::prompt::schema;
use super::transport::ServerSaid;
use super::wire::{Message, Request};

/// Tokens of an answer. The longest that is of the form has some 350; models that think first count
/// that too, and the time ends those that never stop.
const TOKENS: u32 = 1_500;

/// How strictly the answer's form is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    JsonSchema,
    JsonObject,
    Plain,
}

impl Format {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::JsonSchema => "json_schema",
            Self::JsonObject => "json_object",
            Self::Plain => "plain",
        }
    }

    fn parameter(self) -> Option<Value> {
        match self {
            Self::JsonSchema => Some(json!({
                "type": "json_schema",
                "json_schema": { "name": "root_cause", "strict": true, "schema": schema() },
            })),
            Self::JsonObject => Some(json!({ "type": "json_object" })),
            Self::Plain => None,
        }
    }
}

/// What one server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub format: Format,
    /// `max_completion_tokens`, which OpenAI's newer models insist on, and not `max_tokens`.
    new_limit: bool,
    temperature: bool,
}

impl Shape {
    pub(super) const FIRST: Self = Self {
        format: Format::JsonSchema,
        new_limit: true,
        temperature: true,
    };

    pub(super) fn request<'a>(self, model: &'a str, messages: &'a [Message]) -> Request<'a> {
        Request {
            model,
            messages,
            response_format: self.format.parameter(),
            max_completion_tokens: self.new_limit.then_some(TOKENS),
            max_tokens: (!self.new_limit).then_some(TOKENS),
            temperature: self.temperature.then_some(0),
        }
    }

    /// The next form to try after a refusal; none where the form was not the trouble, or nothing is
    /// left to try.
    pub(super) fn after(self, said: &ServerSaid) -> Option<Self> {
        if !matches!(said.status, 400 | 404 | 415 | 422 | 500 | 501) {
            return None;
        }
        let words = said.body.to_lowercase();
        // A form's own name in the complaint; the messages about one name the other too.
        if self.new_limit && words.contains("max_completion_tokens") && !words.contains("instead") {
            return Some(Self {
                new_limit: false,
                ..self
            });
        }
        if !self.new_limit && words.contains("max_tokens") {
            return None;
        }
        if self.temperature && words.contains("temperature") {
            return Some(Self {
                temperature: false,
                ..self
            });
        }
        let format = match self.format {
            Format::JsonSchema => Format::JsonObject,
            Format::JsonObject => Format::Plain,
            Format::Plain => return None,
        };
        Some(Self { format, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> ServerSaid {
        ServerSaid {
            status,
            retry_after: None,
            body: body.to_owned(),
        }
    }

    #[test]
    fn each_refusal_is_answered_by_what_it_complains_of() {
        let first = Shape::FIRST;
        let next = first.after(&said(500, "Internal Server Error")).unwrap();
        assert_eq!(next.format, Format::JsonObject);
        let next = next.after(&said(422, "response_format: unknown")).unwrap();
        assert_eq!(next.format, Format::Plain);
        assert_eq!(next.after(&said(500, "")), None, "nothing is left to try");
        let warm = first
            .after(&said(400, "Unsupported value: 'temperature'"))
            .unwrap();
        assert_eq!((warm.format, warm.temperature), (Format::JsonSchema, false));
        let old = first
            .after(&said(400, "unknown field max_completion_tokens"))
            .unwrap();
        assert_eq!((old.format, old.new_limit), (Format::JsonSchema, false));
        for other in [401, 403, 429, 503] {
            assert_eq!(first.after(&said(other, "")), None, "{other}");
        }
    }

    #[test]
    fn the_bytes_put_the_proof_before_the_judgement() {
        let sent = serde_json::to_string(&Shape::FIRST.request("m", &[])).unwrap();
        let at = |key: &str| sent.find(&format!("\"{key}\":{{\"")).unwrap();
        assert!(
            at("evidence") < at("explanation") && at("explanation") < at("kind"),
            "{sent}"
        );
        assert!(sent.contains(r#""max_completion_tokens":1500"#) && !sent.contains("stream"));
    }
}
