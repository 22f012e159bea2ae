//! The form in which a server takes a question, found out by trying: a schema, else JSON at all, else
//! plain text; either spelling of the token limit; a temperature or none.

use chrono::{DateTime, TimeDelta, Utc};
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
    pub(super) fn after(self, said: &ServerSaid) -> Option<Simpler> {
        if !matches!(said.status, 400 | 404 | 415 | 422 | 500 | 501) {
            return None;
        }
        let words = said.body.to_lowercase();
        let names = |any: &[&str]| any.iter().any(|name| words.contains(name));
        // Some servers answer 500 to a form that they do not know, and all to a mishap.
        let simpler = |shape, named| Simpler {
            shape,
            proved: named && said.status != 500,
        };
        // A form's own name in the complaint; the messages about one name the other too.
        if self.new_limit && names(&["max_completion_tokens"]) && !names(&["instead"]) {
            let new_limit = false;
            return Some(simpler(Self { new_limit, ..self }, true));
        }
        if !self.new_limit && names(&["max_tokens"]) {
            return None;
        }
        if self.temperature && names(&["temperature"]) {
            let temperature = false;
            return Some(simpler(
                Self {
                    temperature,
                    ..self
                },
                true,
            ));
        }
        let format = match self.format {
            Format::JsonSchema => Format::JsonObject,
            Format::JsonObject => Format::Plain,
            Format::Plain => return None,
        };
        Some(simpler(Self { format, ..self }, names(&FORMATS)))
    }
}

/// How a server names a format that it does not take.
const FORMATS: [&str; 4] = [
    "response_format",
    "json_schema",
    "json_object",
    "structured output",
];

/// A simpler form, after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Simpler {
    pub shape: Shape,
    /// Whether the server said that it does not take the other one; else it may have had a bad
    /// moment.
    pub proved: bool,
}

/// What is known of the form that a server takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Learned {
    /// For good: nothing stricter is left to try, or it was refused by its name.
    proved: Shape,
    /// What it took after refusals that prove nothing, and until when that is remembered.
    supposed: Option<(Shape, DateTime<Utc>)>,
}

impl Learned {
    /// So long nothing stricter is tried after a refusal that proves nothing: a server that answers
    /// 500 to whatever it does not know costs a few requests more in that time.
    pub(super) const SUPPOSED: TimeDelta = TimeDelta::hours(1);

    pub(super) const NOTHING: Self = Self {
        proved: Shape::FIRST,
        supposed: None,
    };

    /// The form to begin with, and until when it is only supposed.
    pub(super) fn at(self, now: DateTime<Utc>) -> (Shape, Option<DateTime<Utc>>) {
        match self.supposed {
            Some((shape, until)) if now < until => (shape, Some(until)),
            _ => (self.proved, None),
        }
    }

    /// A request of this form was taken; `until` as it was begun with, or as refusals made it.
    pub(super) fn taken(&mut self, shape: Shape, until: Option<DateTime<Utc>>) {
        match until {
            Some(until) => self.supposed = Some((shape, until)),
            None => {
                *self = Self {
                    proved: shape,
                    supposed: None,
                }
            }
        }
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
        let after = |shape: Shape, status, body| shape.after(&said(status, body));
        let object = after(first, 500, "Internal Server Error").unwrap();
        assert_eq!(
            (object.shape.format, object.proved),
            (Format::JsonObject, false)
        );
        let plain = after(object.shape, 422, "response_format: unknown").unwrap();
        assert_eq!((plain.shape.format, plain.proved), (Format::Plain, true));
        assert_eq!(after(plain.shape, 500, ""), None, "nothing is left to try");
        let warm = after(first, 400, "Unsupported value: 'temperature'").unwrap();
        let (shape, proved) = (warm.shape, warm.proved);
        assert_eq!(
            (shape.format, shape.temperature, proved),
            (Format::JsonSchema, false, true)
        );
        let old = after(first, 400, "unknown field max_completion_tokens").unwrap();
        let (shape, proved) = (old.shape, old.proved);
        assert_eq!(
            (shape.format, shape.new_limit, proved),
            (Format::JsonSchema, false, true)
        );
        for other in [401, 403, 429, 503] {
            assert_eq!(after(first, other, ""), None, "{other}");
        }
    }

    #[test]
    fn only_a_refusal_by_its_name_proves_that_a_form_is_not_taken() {
        let proves = |status, body| Shape::FIRST.after(&said(status, body)).unwrap().proved;
        for status in [400, 404, 415, 422, 501] {
            assert!(
                proves(status, "This model does not know json_schema"),
                "{status}"
            );
            assert!(!proves(status, "Bad request"), "{status}");
        }
        // A gateway may repeat the request when it breaks down.
        assert!(!proves(
            500,
            "error while handling response_format, temperature"
        ));
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
