//! A simulated language model behind OpenAI's chat completions: honest, at the attackers' service, or
//! out of order in every way that was seen at real servers.

mod answer;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};

use self::answer::{Asked, honest, obedient};
use super::lock;

/// What it calls itself.
pub const NAME: &str = "sim-model-1";

/// How it behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A simple, believable answer out of the prompt's own lines and words.
    Honest,
    /// It does what the text in the log says: names the remedies and kinds that it asks for, repeats
    /// it, and quotes it faithfully, so that every form check passes.
    Obedient,
    /// These words, whatever is asked.
    Says(String),
    /// A friendly letter instead of an object.
    Prose,
    /// The first half of a good object.
    HalfJson,
    /// A good object but for a kind that is none.
    WrongEnum,
    /// A good object that also names a connection to act on.
    OtherConnection(String),
    /// A good object with a confidence that is no number.
    Nan,
    /// Two megabytes.
    Huge,
    /// An answer without content.
    Empty,
    /// An answer that declines.
    Refusal,
    /// It never answers.
    Hang,
    /// It refuses `response_format` with this status, as llama-cpp-python does with 500; without one
    /// it is honest.
    NoFormat(u16),
    /// 429, with so many seconds to wait.
    Throttled(u32),
    /// This status, with an error whose `code` is a number.
    Broken(u16),
    /// Half an answer, then a closed connection.
    Cut,
}

/// A handle on the simulated server; clones share it.
#[derive(Clone)]
pub struct LlmSim {
    inner: Arc<Inner>,
}

struct Inner {
    key: String,
    mode: Mutex<Mode>,
}

impl LlmSim {
    /// An honest model that takes this key.
    pub fn new(key: &str) -> Self {
        let inner = Inner {
            key: key.to_owned(),
            mode: Mutex::new(Mode::Honest),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// How it behaves from now on.
    pub fn set_mode(&self, mode: Mode) {
        *lock(&self.inner.mode) = mode;
    }

    /// How it behaves.
    pub fn mode(&self) -> Mode {
        lock(&self.inner.mode).clone()
    }

    /// `/v1/chat/completions` and `/v1/models`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v1/chat/completions", post(complete))
            .route("/v1/models", get(models))
            .with_state(self.clone())
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let wanted = format!("Bearer {}", self.inner.key);
        headers
            .get("authorization")
            .is_some_and(|given| given.as_bytes() == wanted.as_bytes())
    }
}

async fn models(State(sim): State<LlmSim>, headers: HeaderMap) -> Response {
    if !sim.knows(&headers) {
        return error(401, "invalid_api_key");
    }
    let model = json!({ "id": NAME, "object": "model", "owned_by": "sim" });
    Json(json!({ "object": "list", "data": [model] })).into_response()
}

async fn complete(State(sim): State<LlmSim>, request: Request) -> Response {
    if !sim.knows(request.headers()) {
        return error(401, "invalid_api_key");
    }
    let Ok(body) = axum::body::to_bytes(request.into_body(), 4 << 20).await else {
        return error(413, "too large");
    };
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return error(400, "not JSON");
    };
    let Some(asked) = Asked::of(&request) else {
        return error(400, "messages");
    };
    let has_format = !request["response_format"].is_null();
    match sim.mode() {
        Mode::Honest => says(&honest(&asked).to_string(), &request),
        Mode::Obedient => says(&obedient(&asked).to_string(), &request),
        Mode::Says(words) => says(&words, &request),
        Mode::Prose => says(
            "Of course! It looks like a network problem to me. Shall I retry?",
            &request,
        ),
        Mode::HalfJson => {
            let whole = honest(&asked).to_string();
            let half: String = whole.chars().take(whole.chars().count() / 2).collect();
            says(&half, &request)
        }
        Mode::WrongEnum => says(
            &with(honest(&asked), "kind", json!("netzwerkfehler")),
            &request,
        ),
        Mode::OtherConnection(id) => {
            says(&with(honest(&asked), "connection_id", json!(id)), &request)
        }
        Mode::Nan => {
            let whole = with(honest(&asked), "confidence", json!(0));
            says(
                &whole.replace("\"confidence\":0", "\"confidence\":NaN"),
                &request,
            )
        }
        Mode::Huge => says(&"no such host ".repeat(170_000), &request),
        Mode::Empty => message(
            &json!({ "role": "assistant", "content": null }),
            "stop",
            &request,
        ),
        Mode::Refusal => {
            let refusal = "I cannot help with that.";
            let said = json!({ "role": "assistant", "content": null, "refusal": refusal });
            message(&said, "stop", &request)
        }
        Mode::Hang => std::future::pending().await,
        Mode::NoFormat(status) if has_format => error(status, "response_format is not supported"),
        Mode::NoFormat(_) => says(&honest(&asked).to_string(), &request),
        Mode::Throttled(seconds) => {
            let mut response = error(429, "rate_limit_exceeded");
            response.headers_mut().insert("retry-after", seconds.into());
            response
        }
        Mode::Broken(status) => error(status, "the model is out of order"),
        Mode::Cut => cut(),
    }
}

fn with(mut object: Value, key: &str, value: Value) -> String {
    object[key] = value;
    object.to_string()
}

fn says(words: &str, request: &Value) -> Response {
    let said = json!({ "role": "assistant", "content": words });
    message(&said, "stop", request)
}

fn message(said: &Value, finish: &str, request: &Value) -> Response {
    let (prompt, answer) = (request.to_string().len() / 4, said.to_string().len() / 4);
    Json(json!({
        "id": "chatcmpl-sim",
        "object": "chat.completion",
        "created": 1_764_000_000,
        "model": NAME,
        "choices": [{ "index": 0, "message": said, "finish_reason": finish }],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
        },
    }))
    .into_response()
}

/// As llama.cpp words it: the code is a number.
fn error(status: u16, message: &str) -> Response {
    let body = json!({ "error": { "code": status, "message": message, "type": "error" } });
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(body)).into_response()
}

fn cut() -> Response {
    let first = Ok(r#"{"id":"chatcmpl-sim","choices":[{"message":{"content":"{\"evid"#.to_owned());
    let broken = Err::<String, _>(std::io::Error::other("cut on purpose"));
    let parts: [Result<String, std::io::Error>; 2] = [first, broken];
    let body = Body::from_stream(stream::iter(parts));
    let response = Response::builder()
        .header("content-type", "application/json")
        .body(body);
    response.unwrap_or_else(|_| Response::default())
}
