//! What became of a write, as far as its answer tells.

use std::time::Duration;

use serde_json::{Map, Value};

use super::transport::{Answer, cut, explain};
use super::wire::field;

/// What is known of a write after its one request (SPEC I4). Texts of Fivetran's are untrusted and
/// at most 300 characters long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Fivetran said yes; only a reading shows that it took effect.
    Accepted {
        /// Fivetran's `X-Request-Id`, for the audit log.
        request_id: Option<String>,
    },
    /// A definite no: nothing happened.
    Refused {
        /// The HTTP status, 4xx.
        status: u16,
        /// Fivetran's code, for example `NotFound_Connection`; empty if there is none.
        code: String,
        /// Fivetran's message, or what came instead.
        message: String,
    },
    /// The key is wrong, revoked or lacks the right: nothing happened.
    KeyRefused {
        /// 401 or 403.
        status: u16,
        /// Fivetran's message.
        message: String,
    },
    /// A 429, or an earlier one still holds and nothing was sent: nothing happened.
    Throttled {
        /// How long to wait, up to 2 h.
        retry_after: Duration,
    },
    /// It provably never left this machine.
    NotSent {
        /// Why.
        why: String,
    },
    /// It may or may not have taken effect; only a reading tells.
    Unknown {
        /// The HTTP status, if an answer began.
        status: Option<u16>,
        /// What came instead of an answer.
        detail: String,
    },
}

/// What came of a request that got no answer.
pub(super) fn without_answer(what: &str, error: &reqwest::Error) -> Sent {
    let detail = format!("{what}: {}", explain(error));
    // A write has a connection of its own, so an error while connecting comes before its first
    // byte.
    if error.is_connect() || error.is_builder() {
        Sent::NotSent { why: detail }
    } else {
        Sent::Unknown {
            status: None,
            detail,
        }
    }
}

/// What an answer (other than a 429) says about a write to what has this `id`; unset where the write
/// makes something new.
pub(super) fn of_answer(what: &str, id: Option<&str>, answer: &Answer) -> Sent {
    let status = answer.status;
    let fields = answer.body.as_deref().map_err(String::as_str);
    let fields = fields.and_then(|body| object(body).ok_or("the answer is not Fivetran's JSON"));
    let unknown = |why: &str| Sent::Unknown {
        status: Some(status),
        detail: format!("{what}: {status}: {why}"),
    };
    match status {
        200..=299 => match &fields {
            Ok(fields) => accepted(id, fields, answer).unwrap_or_else(|why| unknown(&why)),
            Err(why) => unknown(why),
        },
        401 | 403 => Sent::KeyRefused {
            status,
            message: words(&fields),
        },
        // A 408 comes from whatever stands in between and gave up waiting; it does not say for what.
        400..=499 if status != 408 => Sent::Refused {
            status,
            code: fields
                .as_ref()
                .ok()
                .and_then(|f| field(f, "code"))
                .map_or_else(String::new, |code| cut(&code)),
            message: words(&fields),
        },
        _ => unknown(&words(&fields)),
    }
}

fn accepted(
    id: Option<&str>,
    fields: &Map<String, Value>,
    answer: &Answer,
) -> Result<Sent, String> {
    if fields.get("code").and_then(Value::as_str) != Some("Success") {
        return Err(format!("not a success: {}", describe(fields)));
    }
    // A PATCH answers with the whole connection, a sync with nothing.
    let told = fields.get("data").and_then(|data| data.get("id"));
    if id.is_some() && told.is_some_and(|told| told.as_str() != id) {
        return Err("the answer is about something else".to_owned());
    }
    let request_id = answer.headers.get("x-request-id");
    Ok(Sent::Accepted {
        request_id: request_id.and_then(|v| v.to_str().ok()).map(cut),
    })
}

/// Fivetran's code and message in one line, from whatever came.
pub(super) fn words_of(answer: &Answer) -> String {
    match &answer.body {
        Ok(body) => object(body).map_or_else(
            || "the answer is not Fivetran's JSON".to_owned(),
            |fields| describe(&fields),
        ),
        Err(why) => why.clone(),
    }
}

fn words(fields: &Result<Map<String, Value>, &str>) -> String {
    match fields {
        Ok(fields) => describe(fields),
        Err(why) => (*why).to_owned(),
    }
}

fn describe(fields: &Map<String, Value>) -> String {
    match (field(fields, "code"), field(fields, "message")) {
        (Some(code), Some(message)) => cut(&format!("{code}: {message}")),
        (Some(text), None) | (None, Some(text)) => cut(&text),
        (None, None) => "the answer has neither code nor message".to_owned(),
    }
}

/// The body as a JSON object. The parser bounds the depth, the transport the size.
pub(super) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(body).ok()
}
