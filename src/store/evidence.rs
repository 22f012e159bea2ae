//! What the cause of an incident was read from.

use chrono::{DateTime, Utc};

use super::{Result, Tx, on};
use crate::model::IncidentId;

/// Forgotten in one transaction.
const BATCH: i64 = 200;

impl Tx {
    /// Keeps an incident's evidence; only the latest failure's is kept.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_evidence(
        &mut self,
        incident: IncidentId,
        document: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        on!(self, conn => sqlx::query(
            "INSERT INTO evidence (incident_id, document, stored_at) VALUES ($1, $2, $3) \
             ON CONFLICT (incident_id) DO UPDATE SET document = excluded.document, \
                 stored_at = excluded.stored_at",
        )
        .bind(incident.0)
        .bind(document)
        .bind(now)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// Forgets an incident's evidence.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn drop_evidence(&mut self, incident: IncidentId) -> Result<()> {
        on!(self, conn => sqlx::query("DELETE FROM evidence WHERE incident_id = $1")
            .bind(incident.0)
            .execute(conn)
            .await
            .map(|_| ()))?;
        Ok(())
    }

    /// An incident's evidence, as it was kept.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn evidence(&mut self, incident: IncidentId) -> Result<Option<String>> {
        Ok(on!(self, conn => sqlx::query_scalar(
            "SELECT document FROM evidence WHERE incident_id = $1",
        )
        .bind(incident.0)
        .fetch_optional(conn)
        .await)?)
    }

    /// Forgets evidence that was kept before a time, a few at once; says whether there may be more.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_evidence(&mut self, before: DateTime<Utc>) -> Result<bool> {
        let done = on!(self, conn => sqlx::query(
            "DELETE FROM evidence WHERE incident_id IN \
                 (SELECT incident_id FROM evidence WHERE stored_at < $1 LIMIT $2)",
        )
        .bind(before)
        .bind(BATCH)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        Ok(done == BATCH.unsigned_abs())
    }
}
