//! What came in: written before its 200, settled in the transaction of its consequences.

use chrono::{DateTime, Duration, Utc};

use super::{Error, Result, Tx, on};

/// A delivery at the door, verified and parsed.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Slack's or Fivetran's own identity of the delivery.
    pub key: String,
    /// `command`, `interaction`, `event` or `webhook`.
    pub route: &'static str,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// What it says, parsed and redacted, as JSON.
    pub body: String,
    /// SHA-256 of the raw body, in hex.
    pub raw_sha256: String,
    /// The signature it came with: a second delivery with the same one is a replay.
    pub signature: String,
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

impl Tx {
    /// Takes up to `limit` deliveries that wait, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim_inbox(
        &mut self,
        worker: &str,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<InboxRow>> {
        // The guard stands outside the sub-select too: PostgreSQL evaluates the sub-select on an
        // older snapshot and would hand one row to two workers (DESIGN §2).
        let mut rows = on!(self, conn => sqlx::query_as::<_, InboxRow>(
            "UPDATE inbox SET run_after = $1, worker = $2, attempts = attempts + 1 \
             WHERE key IN (SELECT key FROM inbox WHERE run_after <= $3 ORDER BY run_after LIMIT $4) \
               AND run_after <= $3 \
             RETURNING key, route, received_at, body, attempts",
        )
        .bind(now + LEASE)
        .bind(worker)
        .bind(now)
        .bind(limit)
        .fetch_all(conn)
        .await)?;
        rows.sort_by(|a, b| (a.received_at, &a.key).cmp(&(b.received_at, &b.key)));
        Ok(rows)
    }

    /// One delivery, open or settled.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn inbox_row(&mut self, key: &str) -> Result<Option<InboxRow>> {
        Ok(on!(self, conn => sqlx::query_as(
            "SELECT key, route, received_at, body, attempts FROM inbox WHERE key = $1",
        )
        .bind(key)
        .fetch_optional(conn)
        .await)?)
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
        if done == 1 { Ok(()) } else { Err(Error::Lost) }
    }

    /// Marks up to `limit` deliveries as chained, and gives them, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn take_receipts(&mut self, limit: i64) -> Result<Vec<Receipt>> {
        let mut taken = on!(self, conn => sqlx::query_as::<_, Receipt>(
            "UPDATE inbox SET audited = TRUE WHERE NOT audited AND key IN \
               (SELECT key FROM inbox WHERE NOT audited ORDER BY received_at LIMIT $1) \
             RETURNING key, route, received_at, body, attempts, raw_sha256",
        )
        .bind(limit)
        .fetch_all(conn)
        .await)?;
        taken.sort_by(|a, b| (a.row.received_at, &a.row.key).cmp(&(b.row.received_at, &b.row.key)));
        Ok(taken)
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
            "SELECT count(*) FROM inbox WHERE outcome LIKE 'dead:%'",
        )
        .fetch_one(conn)
        .await)?)
    }
}
