//! Slack's Web API, as far as we call it.
//!
//! Requests are made of the client crate's types and sent by its connector; blocks and views go out
//! as the JSON that the cards made, so that nothing is lost on the way. Answers are read by
//! ourselves, because the crate's answer types fail on fields that we do not need (a number in
//! somebody's message metadata), take `{"ok": false}` without a code and any non-JSON 200 for
//! success, and its errors hold whole bodies. What is not plainly "done" or plainly "not done" is
//! [`SlackError::Ambiguous`].
//!
//! There is no rate control and no repetition here: the outbox decides when to send and what to
//! repeat, and a click's answer may not wait in anybody's queue. Every call ends within the
//! deadline, 10 s.

mod answer;
mod error;
#[cfg(test)]
mod fake;
mod files;
mod find;
mod greet;
mod message;
mod people;
mod socket;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trouble_tests;
mod view;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use slack_morphism::prelude::{
    ClientResult, SlackApiToken, SlackClientHyperConnector, SlackHyperClient,
};
use url::Url;

use crate::model::UserId;

pub use error::SlackError;
pub use files::Upload;
pub use greet::Greeting;
pub use people::{Group, Person};

/// From the first byte to the last, connecting included.
const DEADLINE: Duration = Duration::from_secs(10);
/// Shorter than the deadline, so that a host that does not answer at all is told apart: a
/// connection that never stood carried nothing.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// The name of a message within its channel: its time, as Slack writes it (`1700000000.000100`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ts(pub String);

impl fmt::Display for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An open modal, `V…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ViewId(pub String);

/// Who we are in Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The workspace.
    pub team_id: String,
    /// The bot's user.
    pub user_id: UserId,
    /// The bot (`B…`); none for a token that is not a bot's.
    pub bot_id: Option<String>,
}

/// Speaks to one workspace with one bot token. Clones share their connections.
#[derive(Clone)]
pub struct SlackClient {
    api: SlackHyperClient,
    token: Arc<SlackApiToken>,
    /// For `response_url`: sends no token.
    answers: reqwest::Client,
    base: Url,
    deadline: Duration,
}

impl fmt::Debug for SlackClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackClient")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

impl SlackClient {
    /// A client for the Web API under `api_base`, for example `https://slack.com/api`.
    ///
    /// # Errors
    /// A token that cannot be sent in a header, a base that is no HTTP address, or no TLS provider
    /// installed in this process (both libraries underneath would panic on their first use).
    pub fn new(api_base: &Url, token: SecretString) -> anyhow::Result<Self> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            bail!("no TLS provider is installed in this process");
        }
        if !matches!(api_base.scheme(), "http" | "https") || api_base.query().is_some() {
            bail!("SLACK_API_URL must be an http or https address without a query");
        }
        let token = token.expose_secret();
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            bail!("the Slack token is empty or holds characters that no token has");
        }
        // HTTP/1.1 only, and no proxy: what was sent when a connection broke must stay plain to
        // see.
        let https = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector());
        let connector = SlackClientHyperConnector::from(https)
            .with_slack_api_url(api_base.as_str().trim_end_matches('/'));
        Ok(Self {
            api: SlackHyperClient::new(connector),
            token: Arc::new(SlackApiToken::new(token.to_owned().into())),
            answers: answer::http_client().context("the TLS set-up for response_url")?,
            base: api_base.clone(),
            deadline: DEADLINE,
        })
    }

    /// The same client with another deadline for each call, in place of 10 s.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Who the token belongs to (`auth.test`).
    ///
    /// # Errors
    /// See [`SlackError`]; a read can always be repeated.
    pub async fn auth_test(&self) -> Result<Identity, SlackError> {
        let answer = self.get("auth.test", &[]).await?;
        let bot_id = text(&answer, "/bot_id").map(str::to_owned);
        Ok(Identity {
            team_id: required(&answer, "/team_id")?,
            user_id: UserId::new(required(&answer, "/user_id")?),
            bot_id,
        })
    }

    /// A reading method: GET with a query.
    async fn get(
        &self,
        method: &str,
        query: &[(&'static str, Option<&str>)],
    ) -> Result<Value, SlackError> {
        let session = self.api.open_session(&self.token);
        let query = query.to_vec();
        let call = session.http_session_api.http_get(method, &query, None);
        self.within_deadline(call).await
    }

    /// A writing method: POST with a JSON body.
    async fn post_json<R>(&self, method: &str, request: &R) -> Result<Value, SlackError>
    where
        R: Serialize + Send + Sync,
    {
        let session = self.api.open_session(&self.token);
        let call = session.http_session_api.http_post(method, request, None);
        self.within_deadline(call).await
    }

    async fn within_deadline(
        &self,
        call: impl Future<Output = ClientResult<Value>>,
    ) -> Result<Value, SlackError> {
        let called = match tokio::time::timeout(self.deadline, call).await {
            Ok(answered) => answered.map_err(SlackError::from_call).and_then(succeeded),
            Err(_) => Err(SlackError::ambiguous("no answer in time")),
        };
        error::count(&called);
        called
    }
}

/// An answer that says that it was done.
fn succeeded(answer: Value) -> Result<Value, SlackError> {
    match answer.pointer("/ok").and_then(Value::as_bool) {
        Some(true) => Ok(answer),
        // With a code this is an error of the call already; without one it still is no success.
        Some(false) => Err(SlackError::refused("unknown_error", String::new())),
        // The crate hands on an empty object for a 200 that is not JSON: a proxy's page.
        None => Err(SlackError::ambiguous("an answer that is not Slack's")),
    }
}

fn connector() -> HttpConnector {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_DEADLINE));
    http
}

/// A string in an answer, if it is there and not empty.
fn text<'a>(answer: &'a Value, place: &str) -> Option<&'a str> {
    let text = answer.pointer(place)?.as_str()?;
    (!text.is_empty()).then_some(text)
}

/// A string that a successful answer must hold; without it nobody knows what was done.
fn required(answer: &Value, place: &str) -> Result<String, SlackError> {
    text(answer, place)
        .map(str::to_owned)
        .ok_or_else(|| SlackError::ambiguous(format!("an answer without {place}")))
}
