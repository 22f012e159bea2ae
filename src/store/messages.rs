//! Messages to Slack. A row holds what the message should say; the sender brings Slack to it.
//!
//! So an edit that is overtaken by a later one is never sent, a message is edited only once it is
//! posted, and a restart needs no queue to be replayed.

use chrono::{DateTime, Duration, Utc};

use super::inbox::FORGOTTEN;
use super::{Error, Result, Tx, on};
use crate::model::ChannelId;

/// What kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// A message of a channel, edited in place for its whole life.
    Card,
    /// A message in a card's thread.
    Reply,
    /// For one person in a channel.
    Ephemeral,
    /// The answer to a command or click, by its `response_url`.
    Answer,
}

impl MessageKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Reply => "reply",
            Self::Ephemeral => "ephemeral",
            Self::Answer => "answer",
        }
    }

    fn parse(word: &str) -> Result<Self> {
        match word {
            "card" => Ok(Self::Card),
            "reply" => Ok(Self::Reply),
            "ephemeral" => Ok(Self::Ephemeral),
            "answer" => Ok(Self::Answer),
            other => Err(Error::corrupt("message", format!("no message is {other}"))),
        }
    }
}

/// What a message should say.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The message's own name: `proposal:12`, or anything unique for one that is sent once.
    pub key: String,
    /// What kind.
    pub kind: MessageKind,
    /// Where.
    pub channel: String,
    /// The key of the card whose thread it stands in.
    pub parent: Option<String>,
    /// The thread of somebody else's message that it stands in.
    pub thread_ts: Option<String>,
    /// Whom it is for, if it is for one person.
    pub recipient: Option<String>,
    /// Where an answer goes.
    pub response_url: Option<String>,
    /// The fallback text.
    pub text: String,
    /// The blocks, as JSON.
    pub blocks: String,
    /// Changes when the content does, and only then: a new audit head in the footer is no reason
    /// for an edit.
    pub content: String,
    /// When the request that it answers came; its address is good from then on.
    pub asked_at: Option<DateTime<Utc>>,
}

/// A message that a sender holds.
#[derive(Clone, Debug)]
pub struct MessageRow {
    /// Its row.
    pub id: i64,
    /// Its name.
    pub key: String,
    /// What kind.
    pub kind: MessageKind,
    /// Where.
    pub channel: String,
    /// The timestamp of the thread it belongs to.
    pub thread_ts: Option<String>,
    /// Whom it is for.
    pub recipient: Option<String>,
    /// Where an answer goes.
    pub response_url: Option<String>,
    /// The fallback text.
    pub text: String,
    /// The blocks, as JSON.
    pub blocks: String,
    /// The version that is being sent.
    pub version: i64,
    /// Its address in Slack, once posted.
    pub ts: Option<String>,
    /// How often it was tried, this time included.
    pub attempts: i64,
    /// Set when an earlier post of it may have arrived without our knowing: look before posting.
    pub doubt_since: Option<DateTime<Utc>>,
    /// Slack refused its blocks: plain text only.
    pub degraded: bool,
    /// It was repeated without knowing whether the first came through.
    pub twin: bool,
    /// When it was first to be sent; of an answer, when it was asked for.
    pub created_at: DateTime<Utc>,
    /// Until when it is the sender's; what became of it is written down only by the one who has it.
    pub lease_until: DateTime<Utc>,
}

impl MessageRow {
    /// Whether everybody in the channel sees it, and Slack names it by a timestamp.
    pub fn stands_in_channel(&self) -> bool {
        matches!(self.kind, MessageKind::Card | MessageKind::Reply)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    key: String,
    kind: String,
    channel: String,
    thread_ts: Option<String>,
    recipient: Option<String>,
    response_url: Option<String>,
    text: String,
    blocks: String,
    version: i64,
    ts: Option<String>,
    attempts: i64,
    posting_since: Option<DateTime<Utc>>,
    degraded: bool,
    twin: bool,
    created_at: DateTime<Utc>,
}

/// How long a sender may take over one message.
const LEASE: Duration = Duration::seconds(30);

/// Messages that may be sent at `$1`.
macro_rules! sendable {
    ($which:literal) => {
        concat!(
            // First what needs no look at the row: while Slack is away, thousands may wait. A note stands
            // where its card does, also when that had to go to another channel.
            "SELECT m.id FROM messages m LEFT JOIN messages c ON c.key = m.parent \
             WHERE m.run_after <= $1 \
               AND (m.kind <> 'answer' OR NOT EXISTS ( \
                     SELECT 1 FROM pace WHERE name = 'slack:answer' AND next_at > $1)) \
               AND (m.kind <> 'ephemeral' OR NOT EXISTS ( \
                     SELECT 1 FROM pace WHERE name = 'slack:ephemeral' AND next_at > $1)) \
               AND (m.lease_until IS NULL OR m.lease_until <= $1) \
               AND (m.parent IS NULL OR c.ts IS NOT NULL) \
               AND NOT EXISTS (SELECT 1 FROM messages o WHERE o.parent = m.parent AND o.id < m.id \
                     AND o.run_after IS NOT NULL AND o.ts IS NULL) \
               AND NOT EXISTS (SELECT 1 FROM messages o WHERE o.channel = m.channel \
                     AND o.kind = 'card' AND m.kind = 'card' AND o.id < m.id AND o.ts IS NULL \
                     AND m.ts IS NULL AND o.run_after <= $1 AND o.lease_until > $1) \
               AND NOT EXISTS (SELECT 1 FROM pace WHERE pace.next_at > $1 \
                     AND m.kind IN ('card', 'reply') AND ( \
                     (m.ts IS NULL \
                        AND pace.name IN ('slack:' || COALESCE(c.channel, m.channel), 'slack:post')) \
                  OR (m.ts IS NOT NULL AND pace.name = 'slack:update') \
                  OR (m.ts IS NULL AND m.posting_since IS NOT NULL \
                        AND pace.name = 'slack:history'))) ",
            $which
        )
    };
}

impl Tx {
    /// Says what a message should be; it is posted or edited soon after the commit. Nothing
    /// happens when its content is what it was.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_message(&mut self, draft: &Draft, now: DateTime<Utc>) -> Result<()> {
        let id = self.next("message").await?;
        on!(self, conn => sqlx::query(
            "INSERT INTO messages (id, key, kind, channel, parent, thread_ts, recipient, response_url, \
                                   text, blocks, content, version, run_after, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $13) \
             ON CONFLICT (key) DO UPDATE SET text = excluded.text, blocks = excluded.blocks, \
                 content = excluded.content, version = messages.version + 1, degraded = FALSE, \
                 run_after = COALESCE(messages.run_after, excluded.run_after), attempts = 0 \
             WHERE messages.content <> excluded.content",
        )
        .bind(id)
        .bind(&draft.key)
        .bind(draft.kind.as_str())
        .bind(&draft.channel)
        .bind(&draft.parent)
        .bind(&draft.thread_ts)
        .bind(&draft.recipient)
        .bind(&draft.response_url)
        .bind(&draft.text)
        .bind(&draft.blocks)
        .bind(&draft.content)
        .bind(now)
        .bind(draft.asked_at.unwrap_or(now))
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// The message that may be sent next: its card is posted, the thread before it is sent, no
    /// earlier card is on its way to the channel, its channel and method are open.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_message(&mut self, now: DateTime<Utc>) -> Result<Option<i64>> {
        Ok(
            on!(self, conn => sqlx::query_scalar(sendable!("ORDER BY m.id LIMIT 1"))
            .bind(now)
            .fetch_optional(conn)
            .await)?,
        )
    }

    /// Takes a message if it may still be sent now, and marks it as under way, so that a crash from
    /// here on leaves a trace.
    ///
    /// # Errors
    /// When the database refuses or the row cannot be read.
    pub async fn claim_message(
        &mut self,
        id: i64,
        now: DateTime<Utc>,
    ) -> Result<Option<MessageRow>> {
        let still = on!(self, conn => sqlx::query_scalar::<_, i64>(sendable!("AND m.id = $2"))
            .bind(now)
            .bind(id)
            .fetch_optional(conn)
            .await)?;
        if still.is_none() {
            return Ok(None);
        }
        let lease_until = now + self.lasting(LEASE);
        // The row as it was tells whether an earlier post is in doubt; so it is read before it is
        // marked, in the same transaction. The guard says that nothing happened to it in between:
        // another worker may have sent it and let it go.
        let row = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT m.id, m.key, m.kind, COALESCE(p.channel, m.channel) AS channel, \
                    COALESCE(p.ts, m.thread_ts) AS thread_ts, m.recipient, m.response_url, \
                    m.text, m.blocks, m.version, m.ts, m.attempts + 1 AS attempts, m.posting_since, \
                    m.degraded, m.twin, m.created_at \
             FROM messages m LEFT JOIN messages p ON p.key = m.parent WHERE m.id = $1",
        )
        .bind(id)
        .fetch_one(conn)
        .await)?;
        // On PostgreSQL another sender may have taken it, sent it and let it go between these
        // statements: it must still be due, and as it was read.
        let taken = on!(self, conn => sqlx::query(
            "UPDATE messages SET lease_until = $1, attempts = attempts + 1, \
                    posting_since = COALESCE(posting_since, $2) \
             WHERE id = $3 AND run_after <= $2 AND (lease_until IS NULL OR lease_until <= $2) \
               AND version = $4 AND COALESCE(ts, '') = COALESCE($5, '')",
        )
        .bind(lease_until)
        .bind(now)
        .bind(id)
        .bind(row.version)
        .bind(&row.ts)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        if taken != 1 {
            return Ok(None);
        }
        match read(row, lease_until) {
            Ok(row) => Ok(Some(row)),
            // It must not stand before all others for ever.
            Err(error) => self.set_aside(id, &error).await.map(|()| None),
        }
    }

    async fn set_aside(&mut self, id: i64, why: &Error) -> Result<()> {
        tracing::error!(message = id, error = %why, "a message cannot be read and is set aside");
        on!(self, conn => sqlx::query(
            "UPDATE messages SET run_after = NULL, lease_until = NULL, error = $1 WHERE id = $2",
        )
        .bind(why.to_string())
        .bind(id)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// How often an answer's address was used already.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn response_url_uses(&mut self, url: &str) -> Result<i64> {
        Ok(on!(self, conn => sqlx::query_scalar(
            "SELECT count(*) FROM messages WHERE response_url = $1 AND sent_version > 0",
        )
        .bind(url)
        .fetch_one(conn)
        .await)?)
    }

    /// Whether there is a message of this name, sent or not.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn has_message(&mut self, key: &str) -> Result<bool> {
        let found: Option<i64> = on!(self, conn => sqlx::query_scalar(
            "SELECT id FROM messages WHERE key = $1",
        )
        .bind(key)
        .fetch_optional(conn)
        .await)?;
        Ok(found.is_some())
    }

    /// How many cards of incidents wait to be posted in a channel.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn incident_cards_waiting(&mut self, channel: &ChannelId) -> Result<i64> {
        Ok(on!(self, conn => sqlx::query_scalar(
            "SELECT count(*) FROM messages WHERE run_after IS NOT NULL AND ts IS NULL \
               AND channel = $1 AND key LIKE 'incident:%'",
        )
        .bind(channel.as_str())
        .fetch_one(conn)
        .await)?)
    }

    /// How many messages wait, since when, and how many were given up.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn message_backlog(&mut self) -> Result<(i64, Option<DateTime<Utc>>, i64)> {
        Ok(on!(self, conn => sqlx::query_as(
            "SELECT (SELECT count(*) FROM messages WHERE run_after IS NOT NULL), \
                    (SELECT min(created_at) FROM messages WHERE run_after IS NOT NULL), \
                    (SELECT count(*) FROM messages WHERE run_after IS NULL AND error IS NOT NULL)",
        )
        .fetch_one(conn)
        .await)?)
    }

    /// Forgets some answers that were given before `before`; whether there may be more.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_answers(&mut self, before: DateTime<Utc>) -> Result<bool> {
        let forgotten = on!(self, conn => sqlx::query(
            "DELETE FROM messages WHERE id IN ( \
                 SELECT id FROM messages WHERE kind IN ('answer', 'ephemeral') \
                    AND created_at < $1 AND run_after IS NULL LIMIT $2)",
        )
        .bind(before)
        .bind(FORGOTTEN)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        Ok(forgotten == FORGOTTEN.unsigned_abs())
    }
}

fn read(row: Row, lease_until: DateTime<Utc>) -> Result<MessageRow> {
    Ok(MessageRow {
        id: row.id,
        key: row.key,
        kind: MessageKind::parse(&row.kind)?,
        channel: row.channel,
        thread_ts: row.thread_ts,
        recipient: row.recipient,
        response_url: row.response_url,
        text: row.text,
        blocks: row.blocks,
        version: row.version,
        ts: row.ts,
        attempts: row.attempts,
        doubt_since: row.posting_since,
        degraded: row.degraded,
        twin: row.twin,
        created_at: row.created_at,
        lease_until,
    })
}
