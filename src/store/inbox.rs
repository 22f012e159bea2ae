//! What came in: written before its 200, settled in the transaction of its consequences.

use chrono::{DateTime, Duration, Utc};

use super::{Error, Result, Tx, held, on};

/// Which workers take a delivery up, so that nobody waits behind a reading that he does not need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Decided without Fivetran: clicks, forms, the emergency handle.
    Decide,
    /// What a person asks for that Fivetran is read for first.
    Ask,
    /// What Fivetran tells by itself.
    Hint,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 3] = [Self::Decide, Self::Ask, Self::Hint];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Ask => "ask",
            Self::Hint => "hint",
        }
    }
}

/// A delivery at the door, verified and parsed.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Slack's or Fivetran's own identity of the delivery.
    pub key: String,
    /// `command`, `interaction`, `event` or `webhook`.
    pub route: &'static str,
    /// Who takes it up.
    pub lane: Lane,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// What it says, parsed and redacted, as JSON.
    pub body: String,
    /// SHA-256 of the raw body, in hex.
    pub raw_sha256: String,
    /// Handled by the one who brings it, not by the workers, until its lease ends.
    pub held: bool,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// Stored.
    New,
    /// Stored before: a retry, a replay, a second replica.
    Again,
    /// Another body came under the same key.
    Forged,
}

/// A delivery that waits to be handled.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct InboxRow {
    /// Its identity.
    pub key: String,
    /// The route it came by.
    pub route: String,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// What it says, as JSON.
    pub body: String,
    /// How often it was tried, this time included.
    pub attempts: i64,
}

/// A delivery whose receipt is to be chained.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Receipt {
    /// The delivery.
    #[sqlx(flatten)]
    pub row: InboxRow,
    /// SHA-256 of the raw body, in hex.
    pub raw_sha256: String,
}

/// How long a worker may take over one delivery before another takes it.
pub(super) const LEASE: Duration = Duration::seconds(30);

/// Rows that are forgotten in one transaction: others wait for it.
pub(super) const FORGOTTEN: i64 = 500;

impl Tx {
    /// Whether a delivery of a lane is due.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn inbox_due(&mut self, lane: Lane, now: DateTime<Utc>) -> Result<bool> {
        let due = on!(self, conn => sqlx::query_scalar::<_, i32>(
            "SELECT 1 FROM inbox WHERE lane = $1 AND run_after <= $2 LIMIT 1",
        )
        .bind(lane.as_str())
        .bind(now)
        .fetch_optional(conn)
        .await)?;
        Ok(due.is_some())
    }

    /// Takes the delivery of a lane that has waited longest, if one is due.
    ///
    /// # Errors
    /// [`Error::Lost`] when another worker took it in this moment: there may be a next one.
    pub async fn claim_inbox(
        &mut self,
        worker: &str,
        lane: Lane,
        now: DateTime<Utc>,
    ) -> Result<Option<InboxRow>> {
        let due = on!(self, conn => sqlx::query_scalar::<_, String>(
            "SELECT key FROM inbox WHERE lane = $1 AND run_after <= $2 \
             ORDER BY run_after, received_at, key LIMIT 1",
        )
        .bind(lane.as_str())
        .bind(now)
        .fetch_optional(conn)
        .await)?;
        let Some(key) = due else { return Ok(None) };
        let until = now + self.lasting(LEASE);
        let taken = on!(self, conn => sqlx::query_as::<_, InboxRow>(
            "UPDATE inbox SET run_after = $1, worker = $2, attempts = attempts + 1 \
             WHERE key = $3 AND run_after <= $4 \
             RETURNING key, route, received_at, body, attempts",
        )
        .bind(until)
        .bind(worker)
        .bind(key)
        .bind(now)
        .fetch_optional(conn)
        .await)?;
        taken.map(Some).ok_or(Error::Lost)
    }

    /// Keeps a delivery for the worker that handles it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn keep_inbox(&mut self, key: &str, now: DateTime<Utc>) -> Result<()> {
        let until = now + self.lasting(LEASE);
        self.defer_inbox(key, until).await
    }

    /// Whether a delivery is settled.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn inbox_settled(&mut self, key: &str) -> Result<bool> {
        let open = on!(self, conn => sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM inbox WHERE key = $1 AND run_after IS NOT NULL",
        )
        .bind(key)
        .fetch_one(conn)
        .await)?;
        Ok(open == 0)
    }

    /// Settles a delivery; exactly one transaction can.
    ///
    /// # Errors
    /// [`Error::Lost`] when another worker settled it first: nothing of this transaction may stay.
    pub async fn settle_inbox(&mut self, key: &str, outcome: &str) -> Result<()> {
        let done = on!(self, conn => sqlx::query(
            "UPDATE inbox SET run_after = NULL, outcome = $1 WHERE key = $2 AND run_after IS NOT NULL",
        )
        .bind(outcome)
        .bind(key)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)
    }

    /// Up to `limit` deliveries that are not chained yet, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn unchained(&mut self, limit: i64) -> Result<Vec<Receipt>> {
        Ok(on!(self, conn => sqlx::query_as(
            "SELECT key, route, received_at, body, attempts, raw_sha256 FROM inbox \
             WHERE NOT audited ORDER BY received_at, key LIMIT $1",
        )
        .bind(limit)
        .fetch_all(conn)
        .await)?)
    }

    /// Marks these deliveries, the oldest that are not chained yet, as chained.
    ///
    /// # Errors
    /// [`Error::Lost`] when they are no longer just those: another replica chains them, or one that
    /// came before the last of them was stored after it.
    pub async fn mark_chained(&mut self, receipts: &[Receipt]) -> Result<()> {
        let Some(Receipt { row: last, .. }) = receipts.last() else {
            return Ok(());
        };
        let marked = on!(self, conn => sqlx::query(
            "UPDATE inbox SET audited = TRUE \
             WHERE NOT audited AND received_at <= $1 AND (received_at, key) <= ($1, $2)",
        )
        .bind(last.received_at)
        .bind(&last.key)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        if usize::try_from(marked) == Ok(receipts.len()) {
            Ok(())
        } else {
            Err(Error::Lost)
        }
    }

    /// Gives a delivery back, to be tried again later.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn defer_inbox(&mut self, key: &str, until: DateTime<Utc>) -> Result<()> {
        on!(self, conn => sqlx::query(
            "UPDATE inbox SET run_after = $1 WHERE key = $2 AND run_after IS NOT NULL",
        )
        .bind(until)
        .bind(key)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// Gives a delivery back for a reason that lies outside: this attempt does not count.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn postpone_inbox(&mut self, key: &str, until: DateTime<Utc>) -> Result<()> {
        on!(self, conn => sqlx::query(
            "UPDATE inbox SET run_after = $1, attempts = attempts - 1 \
             WHERE key = $2 AND run_after IS NOT NULL",
        )
        .bind(until)
        .bind(key)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// How many deliveries wait, and since when.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn inbox_backlog(&mut self) -> Result<(i64, Option<DateTime<Utc>>)> {
        Ok(on!(self, conn => sqlx::query_as(
            "SELECT count(*), min(received_at) FROM inbox WHERE run_after IS NOT NULL",
        )
        .fetch_one(conn)
        .await)?)
    }

    /// Deliveries that failed too often and were put aside.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn dead_inbox(&mut self) -> Result<i64> {
        Ok(on!(self, conn => sqlx::query_scalar(
            "SELECT count(*) FROM inbox WHERE substr(outcome, 1, 5) = 'dead:'",
        )
        .fetch_one(conn)
        .await)?)
    }

    /// Forgets some deliveries that were settled, have their receipt in the audit chain and came before
    /// `before`; whether there may be more.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_inbox(&mut self, before: DateTime<Utc>) -> Result<bool> {
        let forgotten = on!(self, conn => sqlx::query(
            "DELETE FROM inbox WHERE key IN ( \
                 SELECT key FROM inbox WHERE run_after IS NULL AND audited AND received_at < $1 LIMIT $2)",
        )
        .bind(before)
        .bind(FORGOTTEN)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        Ok(forgotten == FORGOTTEN.unsigned_abs())
    }
}
