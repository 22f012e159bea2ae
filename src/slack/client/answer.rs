//! Answers to a command or a click through its `response_url`.
//!
//! By a client of its own: it follows no redirect, reads no more of the answer than a few words,
//! and has no token that could go astray.

use std::time::Duration;

use serde_json::{Value, json};

use super::error::{self, innermost};
use super::{CONNECT_DEADLINE, SlackClient, SlackError};
use crate::slack::response_url;

/// Slack answers with `ok`, or with an error code.
const MAX_ANSWER_BYTES: usize = 4_096;

pub(super) fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .connect_timeout(CONNECT_DEADLINE)
        .build()
}

impl SlackClient {
    /// Answers a command or a click, visible to that person alone, leaving the card as it is.
    ///
    /// # Errors
    /// See [`SlackError`]. `Refused` with `bad_response_url` when the address is not Slack's: it
    /// was then not called.
    pub async fn respond(
        &self,
        response_url: &str,
        text: &str,
        blocks: &Value,
    ) -> Result<(), SlackError> {
        let url = response_url::allowed(response_url, &self.base)
            .map_err(|why| SlackError::refused("bad_response_url", why.to_string()))?;
        let body = json!({
            "response_type": "ephemeral",
            "replace_original": false,
            "text": text,
            "blocks": blocks,
        });
        let call = async {
            let response = self.answers.post(url).json(&body).send().await;
            read(response.map_err(|error| not_answered(&error))?).await
        };
        let answered = tokio::time::timeout(self.deadline, call)
            .await
            .unwrap_or_else(|_| Err(SlackError::ambiguous("no answer in time")));
        error::count(&answered);
        answered
    }
}

/// The error's own text is not used: it holds the address.
pub(super) fn not_answered(error: &reqwest::Error) -> SlackError {
    if error.is_connect() || error.is_builder() {
        SlackError::NotSent {
            why: innermost(error),
        }
    } else {
        SlackError::ambiguous("the connection broke")
    }
}

async fn read(mut response: reqwest::Response) -> Result<(), SlackError> {
    let status = response.status();
    if status == reqwest::StatusCode::TOO_MANY_REQUESTS {
        return Err(SlackError::rate_limited(retry_after(&response)));
    }
    if status == reqwest::StatusCode::SERVICE_UNAVAILABLE {
        return Err(SlackError::refused("service_unavailable", String::new()));
    }
    if status.is_redirection() {
        return Err(SlackError::refused("redirected", String::new()));
    }
    let mut bytes = Vec::new();
    while bytes.len() < MAX_ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Err(not_answered(&error)),
        }
    }
    let said = String::from_utf8_lossy(&bytes);
    match (status.as_u16(), code(&said)) {
        (200..=299, Said::Ok) => Ok(()),
        (200..=299, Said::Page) => Err(SlackError::ambiguous("an answer that is not Slack's")),
        (200..=499, Said::Code(code)) => Err(SlackError::refused(&code, String::new())),
        (400..=499, _) => Err(SlackError::refused(
            &format!("http_{}", status.as_u16()),
            String::new(),
        )),
        _ => Err(SlackError::ambiguous(format!(
            "HTTP status {}",
            status.as_u16()
        ))),
    }
}

enum Said {
    Ok,
    Code(String),
    Page,
}

/// Slack says it in JSON or as a bare word.
fn code(body: &str) -> Said {
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    match json.get("ok").and_then(Value::as_bool) {
        Some(true) => return Said::Ok,
        Some(false) => {
            let code = json.get("error").and_then(Value::as_str);
            return Said::Code(code.unwrap_or("unknown_error").to_owned());
        }
        None => {}
    }
    match body.trim() {
        "" | "ok" => Said::Ok,
        word if word.len() <= 60 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
            Said::Code(word.to_owned())
        }
        _ => Said::Page,
    }
}

pub(super) fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let seconds = response.headers().get("retry-after")?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}
