//! Who asked, how, and where the answer goes.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::App;
use crate::model::{ChannelId, Command, UserId, Via};
use crate::slack::cards::Message;
use crate::slack::inbound::Inbound;
use crate::store::{self, Draft, InboxRow, Lane, MessageKind, Tx};

/// Who takes up what a person asks: a `halt` must not wait behind readings of Fivetran.
pub fn lane_of(inbound: &Inbound) -> Lane {
    let command = match inbound {
        Inbound::Command { text, .. } | Inbound::Mention { text, .. } => text,
        Inbound::Click { action_id, .. } if action_id == "check" => return Lane::Ask,
        // A choice among connections carries the command.
        Inbound::Click { value, .. } => value,
        Inbound::Submit { .. }
        | Inbound::GroupChanged { .. }
        | Inbound::Challenge { .. }
        | Inbound::SslCheck
        | Inbound::Ignored { .. } => return Lane::Decide,
    };
    match Command::parse(command) {
        Ok(command) if command.reads_fivetran() => Lane::Ask,
        _ => Lane::Decide,
    }
}

/// One request of one person.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The inbox key, which settles with the answer.
    pub key: String,
    /// When it came.
    pub at: DateTime<Utc>,
    /// Who.
    pub user: UserId,
    /// Where, if it was in a channel.
    pub channel: Option<ChannelId>,
    /// How.
    pub via: Via,
    /// Opens a modal within three seconds.
    pub trigger_id: Option<String>,
    /// The thread in which it was asked.
    thread_ts: Option<String>,
    response_url: Option<String>,
}

impl Asked {
    /// The same request, answered where its proposal is, if it came from no channel.
    pub fn placed(&self, channel: &ChannelId) -> Self {
        let channel = self.channel.clone().unwrap_or_else(|| channel.clone());
        Self {
            channel: Some(channel),
            ..self.clone()
        }
    }

    /// The request behind a delivery; `None` where no person asked.
    pub fn of(row: &InboxRow, inbound: &Inbound) -> Option<Self> {
        let asked = |user: &UserId, via| Self {
            key: row.key.clone(),
            at: row.received_at,
            user: user.clone(),
            channel: None,
            via,
            trigger_id: None,
            thread_ts: None,
            response_url: None,
        };
        match inbound {
            Inbound::Command {
                user,
                channel,
                trigger_id,
                response_url,
                ..
            } => Some(Self {
                channel: Some(channel.clone()),
                trigger_id: Some(trigger_id.clone()),
                response_url: Some(response_url.clone()).filter(|url| !url.is_empty()),
                ..asked(user, Via::Command)
            }),
            Inbound::Click {
                user,
                channel,
                thread_ts,
                trigger_id,
                response_url,
                ..
            } => Some(Self {
                channel: channel.clone(),
                thread_ts: thread_ts.clone(),
                trigger_id: Some(trigger_id.clone()),
                response_url: response_url.clone(),
                ..asked(user, Via::Button)
            }),
            Inbound::Submit { user, .. } => Some(asked(user, Via::Modal)),
            Inbound::Mention {
                user,
                channel,
                thread_ts,
                ..
            } => Some(Self {
                channel: Some(channel.clone()),
                thread_ts: thread_ts.clone(),
                ..asked(user, Via::Command)
            }),
            Inbound::GroupChanged { .. }
            | Inbound::Challenge { .. }
            | Inbound::SslCheck
            | Inbound::Ignored { .. } => None,
        }
    }
}

/// A message of ours as a row of the outbox.
pub(crate) fn draft(
    key: String,
    kind: MessageKind,
    channel: &ChannelId,
    message: &Message,
) -> Draft {
    Draft {
        key,
        kind,
        channel: channel.to_string(),
        parent: None,
        thread_ts: None,
        recipient: None,
        response_url: None,
        text: message.text.clone(),
        blocks: message.blocks.to_string(),
        content: content_of(message),
        asked_at: None,
    }
}

/// A digest of what a message says.
pub(crate) fn content_of(message: &Message) -> String {
    let whole = Value::Array(vec![message.text.clone().into(), message.blocks.clone()]);
    crate::model::canonical::sha256("syncgate.message.v1", &whole.to_string())
}

impl App {
    /// Answers the person alone: by the request's own address, else in the channel, else in the
    /// default channel.
    pub(crate) async fn answer(
        &self,
        tx: &mut Tx,
        asked: &Asked,
        message: &Message,
    ) -> store::Result<()> {
        let kind = match asked.response_url {
            Some(_) => MessageKind::Answer,
            None => MessageKind::Ephemeral,
        };
        let channel = asked
            .channel
            .clone()
            .unwrap_or_else(|| self.policy.load().default_channel());
        let draft = Draft {
            recipient: Some(asked.user.to_string()),
            response_url: asked.response_url.clone(),
            thread_ts: asked.thread_ts.clone(),
            asked_at: Some(asked.at),
            ..draft(format!("answer:{}", asked.key), kind, &channel, message)
        };
        tx.put_message(&draft, self.ctx.now()).await
    }
}
