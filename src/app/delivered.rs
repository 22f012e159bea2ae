//! What became of a delivery, and what that means for the message and those behind it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::App;
use super::deliver::Sent;
use crate::model::Actor;
use crate::slack::SlackError;
use crate::store::{MessageKind, MessageRow, Tx};

/// A message that Slack refuses for a reason that may pass is tried so often.
const ATTEMPTS: i64 = 8;
/// For so many tries a message that gets no answer keeps those behind it waiting, so that an outage
/// does not change their order; half an hour.
const HOLDS_UP: i64 = 60;
/// When the bot or a channel is shut out, how long until the next look.
const SHUT_OUT: TimeDelta = TimeDelta::minutes(1);

impl App {
    /// Writes down what became of an attempt. When its lease has ended meanwhile, another worker has
    /// the message and finds out for itself.
    pub(super) async fn message_outcome(&self, row: &MessageRow, sent: Sent) -> anyhow::Result<()> {
        let mut tx = self.store.begin().await?;
        match self.write_outcome(&mut tx, row, sent).await {
            Ok(()) => Ok(tx.commit().await?),
            Err(error) if is_lost(&error) => {
                tracing::warn!(message = %row.key, "its lease ended before its outcome was known");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn write_outcome(&self, tx: &mut Tx, row: &MessageRow, sent: Sent) -> anyhow::Result<()> {
        let now = self.ctx.now();
        match sent {
            Sent::There(ts) => tx.message_sent(row, ts.as_deref(), now).await?,
            // What was found may be an earlier version: it is brought up to date next.
            Sent::Found(ts) => {
                tx.message_sent(row, Some(&ts), now).await?;
                tx.message_stale(row, now).await?;
            }
            Sent::NotLooked(error) => {
                self.message_failed(tx, row, error, "slack:history").await?;
            }
            Sent::GivenUp => {
                let why = "it was sent twice, and Slack did not say whether either came through";
                self.message_given_up(tx, row, "unknown", why).await?;
            }
            Sent::Failed(error) => {
                // What Slack refused or never got was no repetition.
                if in_doubt(row) && !row.twin && !matches!(error, SlackError::Ambiguous { .. }) {
                    tx.message_twin(row, false).await?;
                }
                self.message_failed(tx, row, error, door(row)).await?;
            }
        }
        Ok(())
    }

    async fn message_failed(
        &self,
        tx: &mut Tx,
        row: &MessageRow,
        error: SlackError,
        limited: &'static str,
    ) -> anyhow::Result<()> {
        let now = self.ctx.now();
        // What an earlier attempt left open stays open until the channel was looked at.
        let doubt = in_doubt(row) || matches!(error, SlackError::Ambiguous { .. });
        match &error {
            SlackError::RateLimited { retry_after } => {
                let until = now + TimeDelta::from_std(*retry_after)?;
                tx.pace(limited, until).await?;
                tx.message_deferred(row, until, in_doubt(row), "rate limited")
                    .await?;
            }
            SlackError::Refused { code, .. } if !SlackError::is_outage(code) => {
                self.message_refused(tx, row, &error, code, now).await?;
            }
            _ => {
                let until = now + backoff(row.attempts);
                // It is Slack that is away, not this message: the others wait behind it, or they
                // would overtake each other when it is back.
                if !error.is_about_this_message() && row.attempts <= HOLDS_UP {
                    tx.pace(door(row), until).await?;
                }
                tx.message_deferred(row, until, doubt, &error.to_string())
                    .await?;
            }
        }
        Ok(())
    }

    async fn message_refused(
        &self,
        tx: &mut Tx,
        row: &MessageRow,
        error: &SlackError,
        code: &str,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let remedy = error.remedy();
        let why = self.redacted(&format!("{error}. {remedy}"));
        // The card is worth more than its picture, which may be what Slack does not take.
        if code == "invalid_blocks" && self.without_picture(tx, row, &why).await? {
            return Ok(tx.message_deferred(row, now, in_doubt(row), &why).await?);
        }
        tracing::warn!(message = %row.key, channel = %row.channel, code, remedy, "Slack refused a message");
        let fallback = self.policy.load().default_channel();
        let elsewhere = row.kind == MessageKind::Card && row.channel != fallback.as_str();
        let later = now + backoff(row.attempts);
        match code {
            // The whole bot is shut out: everything waits until somebody mends it.
            "token_revoked" | "invalid_auth" | "account_inactive" | "not_authed"
            | "token_expired" | "missing_scope" => {
                tx.pace(door(row), now + SHUT_OUT).await?;
                tx.message_deferred(row, now + SHUT_OUT, in_doubt(row), &why)
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
                tracing::error!(channel = %row.channel, code, remedy, "the default channel takes no messages");
                tx.pace(&format!("slack:{}", row.channel), now + SHUT_OUT)
                    .await?;
                tx.message_deferred(row, now + SHUT_OUT, in_doubt(row), &why)
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
                tx.message_deferred(row, later, in_doubt(row), &why).await?;
            }
            _ if row.attempts < ATTEMPTS
                && (row.kind == MessageKind::Card || !error.is_permanent()) =>
            {
                tx.message_deferred(row, later, in_doubt(row), &why).await?;
            }
            _ => self.message_given_up(tx, row, code, &why).await?,
        }
        Ok(())
    }

    /// The message is set aside, unless there is a newer version to try.
    async fn message_given_up(
        &self,
        tx: &mut Tx,
        row: &MessageRow,
        code: &str,
        why: &str,
    ) -> anyhow::Result<()> {
        if tx.message_dead(row, self.ctx.now(), why).await? {
            let facts = json!({ "message": row.key, "code": code, "detail": why });
            tx.audit(self.entry("message.dead", Actor::Syncgate, "slack", facts));
        }
        Ok(())
    }
}

/// Whether an earlier post of it may stand in Slack without our knowing where.
fn in_doubt(row: &MessageRow) -> bool {
    row.doubt_since.is_some() && row.ts.is_none()
}

pub(super) fn is_lost(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<crate::store::Error>()
        .is_some_and(crate::store::Error::is_race)
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

pub(super) fn backoff(attempts: i64) -> TimeDelta {
    let exponent = u32::try_from(attempts.clamp(1, 6) - 1).unwrap_or(0);
    TimeDelta::seconds(2_i64.pow(exponent))
}
