//! What became of sending a message. Only the sender whose lease it is writes that down: one whose
//! lease has ended knows nothing of what the next one did.

use chrono::{DateTime, Duration, Utc};

use super::{Error, MessageRow, Result, Tx, held, on};

impl Tx {
    /// The message is in Slack as of `version`; a newer version goes out next, a second after this
    /// one at the earliest.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn message_sent(
        &mut self,
        row: &MessageRow,
        ts: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let done = on!(self, conn => sqlx::query(
            "UPDATE messages SET sent_version = $1, ts = COALESCE($2, ts), sent_at = $3, \
                    posting_since = NULL, lease_until = NULL, error = NULL, attempts = 0, \
                    run_after = CASE WHEN version > $1 THEN $4 END \
             WHERE id = $5 AND lease_until = $6",
        )
        .bind(row.version)
        .bind(ts)
        .bind(now)
        .bind(now + Duration::seconds(1))
        .bind(row.id)
        .bind(row.lease_until)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)
    }

    /// The message is in Slack, but perhaps not as it should be: edit it next.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn message_stale(&mut self, row: &MessageRow, now: DateTime<Utc>) -> Result<()> {
        on!(self, conn => sqlx::query("UPDATE messages SET run_after = $1 WHERE id = $2")
            .bind(now)
            .bind(row.id)
            .execute(conn)
            .await
            .map(|_| ()))?;
        Ok(())
    }

    /// A card that nobody has seen, and that says nothing any more, is not sent at all, nor what
    /// waits in its thread, nor the notes about it that wait in another. Says whether that is so: one
    /// that is on its way, or may have arrived, stays.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn message_unsaid(&mut self, key: &str, now: DateTime<Utc>) -> Result<bool> {
        let dropped = on!(self, conn => sqlx::query(
            "DELETE FROM messages WHERE key = $1 AND ts IS NULL AND posting_since IS NULL \
               AND run_after IS NOT NULL AND (lease_until IS NULL OR lease_until <= $2)",
        )
        .bind(key)
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        if dropped == 0 {
            return Ok(false);
        }
        on!(self, conn => sqlx::query(
            "DELETE FROM messages WHERE ts IS NULL \
               AND (parent = $1 OR substr(key, 1, length($2)) = $2)",
        )
        .bind(key)
        .bind(notes_of(key))
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(true)
    }

    /// Whether this message stands in Slack or is to be sent. Until the commit nobody drops it or
    /// gives it up.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn hold_message(&mut self, key: &str) -> Result<bool> {
        let held = on!(self, conn => sqlx::query(
            "UPDATE messages SET key = key \
             WHERE key = $1 AND (ts IS NOT NULL OR run_after IS NOT NULL)",
        )
        .bind(key)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        Ok(held == 1)
    }

    /// The message was deleted in Slack: it is posted anew.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn message_lost(&mut self, row: &MessageRow, now: DateTime<Utc>) -> Result<()> {
        let done = on!(self, conn => sqlx::query(
            "UPDATE messages SET ts = NULL, posting_since = NULL, lease_until = NULL, \
                    run_after = $1 WHERE id = $2 AND lease_until = $3",
        )
        .bind(now)
        .bind(row.id)
        .bind(row.lease_until)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)
    }

    /// Slack does not take a note in this card's thread: the card is edited next, which tells
    /// whether it is still there and whether its channel is.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn parent_in_question(&mut self, row: &MessageRow, now: DateTime<Utc>) -> Result<()> {
        on!(self, conn => sqlx::query(
            "UPDATE messages SET run_after = COALESCE(run_after, $1) \
             WHERE key = (SELECT parent FROM messages WHERE id = $2) AND ts IS NOT NULL",
        )
        .bind(now)
        .bind(row.id)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// The message is to be tried again. `in_doubt` keeps the mark that it may have arrived.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn message_deferred(
        &mut self,
        row: &MessageRow,
        until: DateTime<Utc>,
        in_doubt: bool,
        error: &str,
    ) -> Result<()> {
        let done = on!(self, conn => sqlx::query(
            "UPDATE messages SET run_after = $1, lease_until = NULL, error = $2, \
                    posting_since = CASE WHEN $3 THEN posting_since END \
             WHERE id = $4 AND lease_until = $5",
        )
        .bind(until)
        .bind(error)
        .bind(in_doubt)
        .bind(row.id)
        .bind(row.lease_until)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)
    }

    /// The message will be tried as plain text, or in another channel. A newer version of it was
    /// refused nothing yet, so only this one is made plainer.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn message_rerouted(
        &mut self,
        row: &MessageRow,
        channel: &str,
        degraded: bool,
        now: DateTime<Utc>,
        error: &str,
    ) -> Result<()> {
        let done = on!(self, conn => sqlx::query(
            "UPDATE messages SET channel = $1, run_after = $3, lease_until = NULL, \
                    degraded = CASE WHEN version = $7 THEN $2 ELSE degraded END, \
                    posting_since = NULL, error = $4 WHERE id = $5 AND lease_until = $6",
        )
        .bind(channel)
        .bind(degraded)
        .bind(now)
        .bind(error)
        .bind(row.id)
        .bind(row.lease_until)
        .bind(row.version)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)
    }

    /// Marks that the message is repeated without knowing whether it came through, or that the
    /// repetition was none.
    ///
    /// # Errors
    /// [`Error::Lost`] when another sender has it.
    pub async fn message_twin(&mut self, row: &MessageRow, twin: bool) -> Result<()> {
        let done = on!(self, conn => sqlx::query(
            "UPDATE messages SET twin = $1 WHERE id = $2 AND lease_until = $3",
        )
        .bind(twin)
        .bind(row.id)
        .bind(row.lease_until)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)
    }

    /// This version of the message will never arrive, and if no other did, neither will what waits in
    /// its thread and the notes about it; the reason is kept. A newer version is tried; then this
    /// says `false`.
    ///
    /// # Errors
    /// [`Error::Lost`] when another sender has it.
    pub async fn message_dead(
        &mut self,
        row: &MessageRow,
        now: DateTime<Utc>,
        error: &str,
    ) -> Result<bool> {
        let waits = on!(self, conn => sqlx::query_scalar::<_, bool>(
            "UPDATE messages SET run_after = CASE WHEN version > $1 THEN $2 END, \
                    lease_until = NULL, posting_since = NULL, error = $3 \
             WHERE id = $4 AND lease_until = $5 RETURNING run_after IS NOT NULL",
        )
        .bind(row.version)
        .bind(now)
        .bind(error)
        .bind(row.id)
        .bind(row.lease_until)
        .fetch_optional(conn)
        .await)?;
        if waits.ok_or(Error::Lost)? {
            return Ok(false);
        }
        on!(self, conn => sqlx::query(
            "UPDATE messages SET run_after = NULL, lease_until = NULL, posting_since = NULL, \
                    error = $1 \
             WHERE (parent = $2 OR substr(key, 1, length($3)) = $3) AND run_after IS NOT NULL \
               AND EXISTS (SELECT 1 FROM messages p WHERE p.key = $2 AND p.ts IS NULL)",
        )
        .bind(error)
        .bind(&row.key)
        .bind(notes_of(&row.key))
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(true)
    }
}

/// How the keys of the notes about a message begin.
fn notes_of(key: &str) -> String {
    format!("{key}:")
}
