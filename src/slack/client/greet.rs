//! Who we are, and what surrounds it: the scopes and the time that Slack's headers tell.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::error::innermost;
use super::{Identity, SlackClient, SlackError, answer, required, text};
use crate::model::{ChannelId, UserId};

/// An answer to `auth.test` is some hundred bytes.
const MAX_ANSWER_BYTES: usize = 65_536;

/// What `auth.test` tells in its body and its headers. Names are untrusted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Who we are.
    pub identity: Identity,
    /// The workspace's name.
    pub team: String,
    /// The bot's name.
    pub bot: String,
    /// What the token may do; unset where Slack does not say.
    pub scopes: Option<BTreeSet<String>>,
    /// Slack's clock, to the second.
    pub date: Option<DateTime<Utc>>,
}

impl SlackClient {
    /// Who the token belongs to, with the headers that the client crate does not hand on.
    ///
    /// # Errors
    /// See [`SlackError`]; a read can always be repeated.
    pub async fn greet(&self) -> Result<Greeting, SlackError> {
        let failed = |error: reqwest::Error| SlackError::NotSent {
            why: innermost(&error),
        };
        let http = answer::http_client().map_err(failed)?;
        let address = format!("{}/auth.test", self.base.as_str().trim_end_matches('/'));
        let call = async {
            let request = http.get(address).bearer_auth(&self.token.token_value.0);
            let mut response = request.send().await.map_err(failed)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                body.extend_from_slice(&chunk);
                if body.len() > MAX_ANSWER_BYTES {
                    break;
                }
            }
            if status == reqwest::StatusCode::TOO_MANY_REQUESTS {
                return Err(SlackError::rate_limited(None));
            }
            read(&body, &headers)
        };
        tokio::time::timeout(self.deadline, call)
            .await
            .unwrap_or_else(|_| Err(SlackError::ambiguous("no answer in time")))
    }

    /// Whether the bot can work in a channel (`conversations.info`; where the token may not ask
    /// that, `conversations.history`, which Slack answers members alone).
    ///
    /// # Errors
    /// `not_in_channel`, `is_archived`, `channel_not_found` as [`SlackError::Refused`]; what is in the
    /// way of knowing as any other error.
    pub async fn is_in_channel(&self, channel: &ChannelId) -> Result<(), SlackError> {
        let query = [("channel", Some(channel.as_str()))];
        match self.get("conversations.info", &query).await {
            Ok(answer) => {
                let is = |flag: &str| answer.pointer(flag) == Some(&Value::Bool(true));
                if is("/channel/is_archived") {
                    Err(SlackError::refused("is_archived", String::new()))
                } else if is("/channel/is_member") {
                    Ok(())
                } else {
                    Err(SlackError::refused("not_in_channel", String::new()))
                }
            }
            Err(SlackError::Refused { code, .. }) if code == "missing_scope" => {
                let query = [("channel", Some(channel.as_str())), ("limit", Some("1"))];
                self.get("conversations.history", &query).await.map(drop)
            }
            Err(error) => Err(error),
        }
    }
}

fn read(body: &[u8], headers: &HeaderMap) -> Result<Greeting, SlackError> {
    let answer: Value = serde_json::from_slice(body)
        .map_err(|_| SlackError::ambiguous("an answer that is not Slack's"))?;
    if answer.get("ok") != Some(&Value::Bool(true)) {
        return Err(match text(&answer, "/error") {
            Some(code) => SlackError::refused(code, String::new()),
            None => SlackError::ambiguous("an answer that is not Slack's"),
        });
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scopes = header("x-oauth-scopes").map(|scopes| {
        let scopes = scopes.split(',').map(str::trim);
        scopes
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect()
    });
    let date = header("date").and_then(|text| DateTime::parse_from_rfc2822(text).ok());
    let team_id = required(&answer, "/team_id")?;
    let user_id = required(&answer, "/user_id")?;
    Ok(Greeting {
        team: text(&answer, "/team").unwrap_or(&team_id).to_owned(),
        bot: text(&answer, "/user").unwrap_or(&user_id).to_owned(),
        identity: Identity {
            user_id: UserId::new(user_id),
            bot_id: text(&answer, "/bot_id").map(str::to_owned),
            team_id,
        },
        scopes,
        date: date.map(|at| at.with_timezone(&Utc)),
    })
}
