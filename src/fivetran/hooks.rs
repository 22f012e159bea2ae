//! The account's webhooks: which there are, and the few calls that set up ours.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::budget::Priority;
use super::client::FivetranClient;
use super::outcome::{self, Sent, object};
use super::read::ReadError;
use super::transport::{ACCEPT_PLAIN, Answer, cut};
use super::wire::{HookWire, field};
use crate::model::HookCall;

/// A registered webhook. Fivetran never shows its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its id.
    pub id: String,
    /// Where it posts.
    pub url: String,
    /// What it posts.
    pub events: Vec<String>,
    /// Whether it posts at all: Fivetran switches it off after a day of failures.
    pub active: bool,
    /// Whether it is for the whole account, and not for one group.
    pub of_account: bool,
}

/// What came of Fivetran's own trial of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// The receiver took the event.
    Taken,
    /// It did not.
    Refused {
        /// What it answered; 0 if nothing.
        status: i64,
        /// Fivetran's words.
        message: String,
    },
    /// Fivetran did not try, or nobody knows.
    NotTried(Sent),
}

impl FivetranClient {
    /// All webhooks that the key can see.
    ///
    /// # Errors
    /// See [`ReadError`]; half a list is an error, never a shorter list.
    pub async fn hooks(&self) -> Result<Vec<Hook>, ReadError> {
        let read = |wire: HookWire, _| wire.into_hook();
        let id = |hook: &Hook| hook.id.clone();
        self.list("/v1/webhooks", ACCEPT_PLAIN, Priority::People, read, id)
            .await
    }

    /// Registers or repairs a webhook: at most one request, never repeated here.
    pub async fn send_hook(&self, call: &HookCall, secret: &SecretString) -> Sent {
        match self.write_hook(call, secret.expose_secret()).await {
            Ok(answer) => sent(call, &answer),
            Err(sent) => sent,
        }
    }

    /// Lets Fivetran post one event that is about no connection, and tells how it was answered.
    pub async fn try_hook(&self, id: &str) -> Tried {
        let call = HookCall::Try { id: id.to_owned() };
        let answer = match self.write_hook(&call, "").await {
            Ok(answer) => answer,
            Err(sent) => return Tried::NotTried(sent),
        };
        match (sent(&call, &answer), data(&answer)) {
            (Sent::Accepted { .. }, Some(data)) => {
                let status = data.get("status").and_then(Value::as_i64).unwrap_or(0);
                if data.get("succeed") == Some(&Value::Bool(true)) {
                    return Tried::Taken;
                }
                let message = data.as_object().and_then(|data| field(data, "message"));
                let message = cut(&message.unwrap_or_default());
                Tried::Refused { status, message }
            }
            (sent, _) => Tried::NotTried(sent),
        }
    }

    async fn write_hook(&self, call: &HookCall, secret: &str) -> Result<Answer, Sent> {
        let body = call.body(secret);
        self.write(call.method(), &call.path(), ACCEPT_PLAIN, body)
            .await
    }
}

fn sent(call: &HookCall, answer: &Answer) -> Sent {
    let about = match call {
        HookCall::Repair { id } => Some(id.as_str()),
        HookCall::Create { .. } | HookCall::Try { .. } => None,
    };
    let what = format!("{} {}", call.method(), call.path());
    outcome::of_answer(&what, about, answer)
}

fn data(answer: &Answer) -> Option<Value> {
    object(answer.body.as_deref().ok()?)?.remove("data")
}
