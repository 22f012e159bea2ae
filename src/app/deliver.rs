//! Delivery: brings Slack to what the messages' rows say (SPEC I3, I12).
//!
//! A post cannot be made idempotent: `chat.postMessage` has no key. So each carries its row's key in
//! its metadata, the row is marked before the call, and a post whose answer was lost is looked up
//! before it is repeated.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{App, Ran, crash_point};
use crate::model::{ChannelId, UserId};
use crate::slack::client::Ts;
use crate::slack::{SlackError, words};
use crate::store::{MessageKind, MessageRow};

/// A message that Slack refuses for a reason we do not know is tried so often.
const ATTEMPTS: i64 = 8;
/// Slack takes one message a second in a channel.
const PACE: TimeDelta = TimeDelta::seconds(1);
/// For so many tries a message that gets no answer keeps those behind it waiting, so that an outage
/// does not change their order; half an hour.
const HOLDS_UP: i64 = 60;
/// When the bot or a channel is shut out, how long until the next look.
const SHUT_OUT: TimeDelta = TimeDelta::minutes(1);
/// A `response_url` is good for five uses within thirty minutes.
const ANSWER_USES: i64 = 5;
const ANSWER_LIFE: TimeDelta = TimeDelta::minutes(29);

/// A message that was delivered.
struct Delivered {
    /// Its address, when that is new.
    ts: Option<String>,
    /// It was there already, from an attempt whose answer was lost.
    found: bool,
}

impl Delivered {
    fn as_it_was() -> Self {
        Self {
            ts: None,
            found: false,
        }
    }
}

impl App {
    /// Sends one message that is due.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn deliver_one(&self) -> anyhow::Result<Ran> {
        let now = self.ctx.now();
        let mut tx = self.store.begin().await?;
        let Some(row) = tx.claim_message(now).await? else {
            return Ok(Ran::Empty);
        };
        if row.ts.is_none() && matches!(row.kind, MessageKind::Card | MessageKind::Reply) {
            let door = format!("slack:{}", row.channel);
            if !tx.take_turn(&door, now, now + PACE).await? {
                // Another worker posts in this channel in this very moment.
                return Ok(Ran::Ran);
            }
        }
        let expired_answer = row.kind == MessageKind::Answer && {
            let url = row.response_url.as_deref().unwrap_or_default();
            now - row.created_at > ANSWER_LIFE || tx.response_url_uses(url).await? >= ANSWER_USES
        };
        tx.commit().await?;
        crash_point!("message-marked");
        let sent = if expired_answer {
            self.send_ephemeral(&row).await
        } else {
            self.send_message(&row).await
        };
        crash_point!("message-sent");
        self.message_outcome(&row, sent).await?;
        crash_point!("message-recorded");
        Ok(Ran::Ran)
    }

    async fn send_message(&self, row: &MessageRow) -> Result<Delivered, SlackError> {
        let blocks = blocks_of(row);
        let channel = ChannelId::new(row.channel.clone());
        match (row.kind, &row.ts) {
            (MessageKind::Card | MessageKind::Reply, Some(ts)) => {
                self.slack
                    .update(&channel, &Ts(ts.clone()), &row.text, &blocks)
                    .await?;
                Ok(Delivered::as_it_was())
            }
            (MessageKind::Card | MessageKind::Reply, None) => self.post_once(row, &blocks).await,
            (MessageKind::Ephemeral, _) => self.send_ephemeral(row).await,
            (MessageKind::Answer, _) => {
                let url = row.response_url.as_deref().unwrap_or_default();
                match self.slack.respond(url, &row.text, &blocks).await {
                    Ok(()) => Ok(Delivered::as_it_was()),
                    // Used up, expired or not Slack's: the person is told in the channel instead.
                    Err(error) if error.is_permanent() => self.send_ephemeral(row).await,
                    Err(error) => Err(error),
                }
            }
        }
    }

    async fn send_ephemeral(&self, row: &MessageRow) -> Result<Delivered, SlackError> {
        let channel = ChannelId::new(row.channel.clone());
        let user = UserId::new(row.recipient.clone().unwrap_or_default());
        let thread = row.thread_ts.as_deref();
        self.slack
            .ephemeral(&channel, &user, thread, &row.text, &blocks_of(row))
            .await?;
        Ok(Delivered::as_it_was())
    }

    async fn post_once(&self, row: &MessageRow, blocks: &Value) -> Result<Delivered, SlackError> {
        let channel = ChannelId::new(row.channel.clone());
        let thread = row.thread_ts.as_deref();
        let mut text = row.text.clone();
        let mut blocks = blocks.clone();
        if let Some(since) = row.doubt_since {
            // Slack's clock and ours may differ by a little.
            let since = since - TimeDelta::minutes(1);
            match self.slack.find(&channel, thread, &row.key, since).await {
                Ok(Some(ts)) => {
                    return Ok(Delivered {
                        ts: Some(ts.0),
                        found: true,
                    });
                }
                Ok(None) => {}
                // Without the right to look, at most one duplicate, marked as such.
                Err(error) if error.is_permanent() => {
                    text = words::maybe_twice(&text);
                    if let Value::Array(blocks) = &mut blocks {
                        blocks.push(words::maybe_twice_block());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let ts = self
            .slack
            .post(&channel, thread, &text, &blocks, &row.key)
            .await?;
        Ok(Delivered {
            ts: Some(ts.0),
            found: false,
        })
    }

    async fn message_outcome(
        &self,
        row: &MessageRow,
        sent: Result<Delivered, SlackError>,
    ) -> anyhow::Result<()> {
        let now = self.ctx.now();
        // What an earlier attempt left open stays open until the channel was looked at.
        let doubt = row.doubt_since.is_some() && row.ts.is_none();
        let mut tx = self.store.begin().await?;
        match sent {
            Ok(Delivered { ts, found }) => {
                tx.message_sent(row, ts.as_deref(), now).await?;
                if found {
                    // What was found may be an earlier version: bring it up to date.
                    tx.message_stale(row, now).await?;
                }
            }
            Err(SlackError::RateLimited { retry_after }) => {
                let until = now + TimeDelta::from_std(retry_after)?;
                tx.pace(door(row), until).await?;
                tx.message_deferred(row, until, doubt, "rate limited")
                    .await?;
            }
            Err(SlackError::Refused { code, detail }) if !SlackError::is_outage(&code) => {
                self.message_refused(&mut tx, row, &code, &detail, now)
                    .await?;
            }
            Err(error) => {
                let until = now + backoff(row.attempts);
                let doubt = doubt || matches!(error, SlackError::Ambiguous { .. });
                // It is Slack that is away, not this message: the others wait behind it, or they
                // would overtake each other when it is back.
                if !error.is_about_this_message() && row.attempts <= HOLDS_UP {
                    tx.pace(door(row), until).await?;
                }
                tx.message_deferred(row, until, doubt, &error.to_string())
                    .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    async fn message_refused(
        &self,
        tx: &mut crate::store::Tx,
        row: &MessageRow,
        code: &str,
        detail: &str,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let detail = self.redacted(detail);
        let why = format!("{code} {detail}");
        tracing::warn!(message = %row.key, channel = %row.channel, code, "Slack refused a message");
        let fallback = self.policy.load().default_channel();
        let doubt = row.doubt_since.is_some() && row.ts.is_none();
        let elsewhere = row.kind == MessageKind::Card && row.channel != fallback.as_str();
        match code {
            // The whole bot is shut out: everything waits until somebody mends it.
            "token_revoked" | "invalid_auth" | "account_inactive" | "not_authed"
            | "token_expired" | "missing_scope" => {
                tx.pace(door(row), now + SHUT_OUT).await?;
                tx.message_deferred(row, now + SHUT_OUT, doubt, &why)
                    .await?;
            }
            "invalid_blocks" | "invalid_blocks_format" | "msg_too_long" | "msg_blocks_too_long"
                if !row.degraded =>
            {
                tx.message_rerouted(row, &row.channel, true, now, &why)
                    .await?;
            }
            "channel_not_found" | "not_in_channel" | "is_archived" if elsewhere => {
                tx.message_rerouted(row, fallback.as_str(), row.degraded, now, &why)
                    .await?;
            }
            // Somebody deleted the card: it is posted anew, or its story would go on unseen.
            "message_not_found" if row.ts.is_some() => tx.message_lost(row, now).await?,
            "channel_not_found" | "not_in_channel" | "is_archived"
                if row.kind == MessageKind::Card =>
            {
                tracing::error!(channel = %row.channel, code, "the default channel takes no messages");
                tx.pace(&format!("slack:{}", row.channel), now + SHUT_OUT)
                    .await?;
                tx.message_deferred(row, now + SHUT_OUT, doubt, &why)
                    .await?;
            }
            // A note follows its card, which finds out by an edit whether it is gone or moves to
            // another channel.
            "channel_not_found"
            | "not_in_channel"
            | "is_archived"
            | "thread_not_found"
            | "cannot_reply_to_message"
                if row.kind == MessageKind::Reply =>
            {
                tx.parent_in_question(row, now).await?;
                tx.message_deferred(row, now + backoff(row.attempts), doubt, &why)
                    .await?;
            }
            _ if row.attempts >= ATTEMPTS || row.kind != MessageKind::Card => {
                let facts = json!({ "message": row.key, "code": code, "detail": detail });
                let actor = crate::model::Actor::Syncgate;
                tx.audit(self.entry("message.dead", actor, "slack", facts));
                tx.message_dead(row, &why).await?;
            }
            _ => {
                tx.message_deferred(row, now + backoff(row.attempts), doubt, &why)
                    .await?
            }
        }
        Ok(())
    }
}

/// The row's blocks; none when Slack refused them: the text alone still says everything.
fn blocks_of(row: &MessageRow) -> Value {
    if row.degraded {
        return words::text_only(&row.text);
    }
    serde_json::from_str(&row.blocks).unwrap_or_else(|_| words::text_only(&row.text))
}

/// The pace that a 429 of this message sets: Slack limits by method.
fn door(row: &MessageRow) -> &'static str {
    match (row.kind, &row.ts) {
        (MessageKind::Card | MessageKind::Reply, None) => "slack:post",
        (MessageKind::Card | MessageKind::Reply, Some(_)) => "slack:update",
        (MessageKind::Ephemeral, _) => "slack:ephemeral",
        (MessageKind::Answer, _) => "slack:answer",
    }
}

fn backoff(attempts: i64) -> TimeDelta {
    let exponent = u32::try_from(attempts.clamp(1, 6) - 1).unwrap_or(0);
    TimeDelta::seconds(2_i64.pow(exponent))
}
