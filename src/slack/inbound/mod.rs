//! What Slack sends us, read tolerantly: slash commands, interactions, events.
//!
//! Ours and not the client crate's types, because those lose fields that we need (`view.id` of a
//! click in a modal, selected users and dates) and fail on shapes that we do not know. Here a field
//! that we do not use may have any shape, a kind of payload that we do not know is
//! [`Inbound::Ignored`] and is acknowledged, and only a payload that lacks what its kind needs is
//! [`BadPayload`].
//!
//! Nothing here is to be believed before [`super::signature::verify`] has passed.

pub mod envelope;
mod event;
mod form;
mod interaction;
mod json;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{ChannelId, UserId};

pub use event::event;
pub use interaction::interaction;

/// What one request asks for. It is stored with the inbox row, so its JSON form stays readable by
/// later versions.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(tag = "inbound", rename_all = "snake_case")]
pub enum Inbound {
    /// A slash command, whatever its name in this workspace.
    Command {
        /// The workspace.
        team: String,
        /// Who typed it.
        user: UserId,
        /// Where.
        channel: ChannelId,
        /// What stands after the command's name, as typed; mentions in Slack's escaped form.
        text: String,
        /// Opens a modal, once, within 3 s.
        trigger_id: String,
        /// Where the answer may be posted: 5 times, within 30 min. Check it with
        /// [`super::response_url::allowed`]; empty when Slack sent none.
        response_url: String,
    },
    /// A click on a button or a choice in a menu, on a message or in a modal.
    Click {
        /// The workspace.
        team: String,
        /// Who clicked.
        user: UserId,
        /// The message's channel; none in a modal.
        channel: Option<ChannelId>,
        /// The message.
        message_ts: Option<String>,
        /// The thread in which the message stands.
        thread_ts: Option<String>,
        /// Which element.
        action_id: String,
        /// The button's value, or the value of the selected option; empty when there is none.
        value: String,
        /// Opens a modal, once, within 3 s.
        trigger_id: String,
        /// Where the answer may be posted: 5 times, within 30 min.
        response_url: Option<String>,
        /// The modal in which the click happened.
        view_id: Option<String>,
    },
    /// A modal was submitted.
    Submit {
        /// The workspace.
        team: String,
        /// Who submitted.
        user: UserId,
        /// The modal.
        view_id: String,
        /// The state of the modal that the person saw.
        view_hash: Option<String>,
        /// Which kind of modal.
        callback_id: String,
        /// What we stored in the modal when we opened it.
        private_metadata: String,
        /// What the person entered, by `block_id`.
        values: BTreeMap<String, Field>,
    },
    /// Somebody addressed the bot: `@syncgate status`.
    Mention {
        /// The workspace.
        team: String,
        /// Who wrote it.
        user: UserId,
        /// Where.
        channel: ChannelId,
        /// The message itself.
        ts: String,
        /// The thread in which the message stands.
        thread_ts: Option<String>,
        /// What was written, without the mention of the bot.
        text: String,
    },
    /// A user group was changed: what is remembered of it no longer holds.
    GroupChanged {
        /// The user group, `S…`.
        group: String,
    },
    /// Slack asks whether this address is ours; the answer repeats the challenge.
    Challenge {
        /// What to repeat.
        challenge: String,
    },
    /// Slack checks our certificate; the answer is an empty 200.
    SslCheck,
    /// Of a kind that we do not use; acknowledged and forgotten.
    Ignored {
        /// The kind, as Slack names it, cut to 60 harmless characters.
        what: String,
    },
}

/// What a person entered in one block of a modal.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Text, number, e-mail address, URL: as typed.
    Text(String),
    /// The value of the selected option; or a user, channel, conversation, date (`2026-11-22`),
    /// time (`08:30`).
    Chosen(String),
    /// The values of all selected options; none selected is an empty list.
    ChosenMany(Vec<String>),
    /// A date and time in Unix seconds.
    At(i64),
    /// Left empty, or of a kind that we do not use.
    None,
}

/// A request that was read, with what is needed before it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The idempotency key: the same for every delivery of the same thing, different for different
    /// things. Commands: the trigger. Clicks: trigger and time of action. Submissions: the modal
    /// and its hash. Events: the event's id. Everything else: the SHA-256 of the body.
    pub key: String,
    /// What it asks for.
    pub inbound: Inbound,
}

/// Why a signed request cannot be read. Its text never repeats the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPayload {
    /// Bytes, or percent-encoded bytes, that are not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// More fields than any payload of Slack's has.
    #[error("the form has more than {} fields", form::MAX_FIELDS)]
    TooManyFields,
    /// A body that another route could read too: what was signed for one is not taken by the other.
    #[error("the body is not of this route")]
    OtherRoute,
    /// A field that may be there once is there twice: two readers could take different ones.
    #[error("the form field {0} is there twice")]
    Twice(&'static str),
    /// Not JSON, or nested deeper than 128 levels.
    #[error("the payload is not JSON")]
    NotJson,
    /// JSON, but not an object.
    #[error("the payload is not a JSON object")]
    NotAnObject,
    /// A field without which the payload cannot be understood.
    #[error("the payload lacks {0}")]
    Lacks(&'static str),
}

/// Reads the body of a slash command (`application/x-www-form-urlencoded`).
///
/// # Errors
/// When it is not such a body.
pub fn command(body: &[u8]) -> Result<Parsed, BadPayload> {
    let form = form::read(body)?;
    if form.is_ssl_check() {
        return Ok(ssl_check(body));
    }
    command_of(form)
}

/// A slash command from its fields, whichever way they came.
fn command_of(form: form::Form) -> Result<Parsed, BadPayload> {
    if form.payload.is_some() {
        return Err(BadPayload::OtherRoute);
    }
    let team = form.team_id.clone().or(form.enterprise_id.clone());
    let trigger_id = form.trigger_id.ok_or(BadPayload::Lacks("trigger_id"))?;
    let inbound = Inbound::Command {
        team: team.ok_or(BadPayload::Lacks("team_id"))?,
        user: UserId::new(form.user_id.ok_or(BadPayload::Lacks("user_id"))?),
        channel: ChannelId::new(form.channel_id.ok_or(BadPayload::Lacks("channel_id"))?),
        text: form.text.unwrap_or_default(),
        trigger_id: trigger_id.clone(),
        response_url: form.response_url.unwrap_or_default(),
    };
    Ok(Parsed {
        key: format!("command:{trigger_id}"),
        inbound,
    })
}

fn ssl_check(body: &[u8]) -> Parsed {
    Parsed {
        key: body_key(body),
        inbound: Inbound::SslCheck,
    }
}

/// The key of what carries no id of its own.
fn body_key(body: &[u8]) -> String {
    format!("body:{}", hex::encode(Sha256::digest(body)))
}

/// The name of an unknown kind, fit for a log line.
fn ignored(kind: &str) -> Inbound {
    let harmless = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    Inbound::Ignored {
        what: kind.chars().filter(harmless).take(60).collect(),
    }
}
