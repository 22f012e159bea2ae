//! The emergency handle: one row means that nothing is sent.

use chrono::{DateTime, Utc};

use super::{Inner, Result, Tx, on, read_json, write_json};
use crate::model::Actor;

/// Who halted, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Who.
    pub by: Actor,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Tx {
    /// The halt in force. An unreadable row is an error, and so stops as well.
    ///
    /// # Errors
    /// When the database refuses or the row cannot be read.
    pub async fn halted(&mut self) -> Result<Option<Halt>> {
        let row = on!(self, conn => sqlx::query_as::<_, (String, Option<String>, DateTime<Utc>)>(
            "SELECT actor, reason, at FROM halt WHERE one = 1",
        )
        .fetch_optional(conn)
        .await)?;
        row.map(|(actor, reason, at)| {
            Ok(Halt {
                by: read_json("halt", &actor)?,
                reason,
                at,
            })
        })
        .transpose()
    }

    /// The halt in force, and none can come into force before this transaction ends: whoever is
    /// about to commit an intent asks this way.
    ///
    /// # Errors
    /// When the database refuses or the row cannot be read.
    pub async fn halted_until_commit(&mut self) -> Result<Option<Halt>> {
        // SQLite has one writer; on PostgreSQL a halt waits for the intents that are under way.
        if let Inner::Postgres(tx) = &mut self.inner {
            sqlx::query("LOCK TABLE halt IN SHARE MODE")
                .execute(&mut **tx)
                .await?;
        }
        self.halted().await
    }

    /// Halts; says whether that is new.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_halt(&mut self, halt: &Halt) -> Result<bool> {
        let actor = write_json("halt", &halt.by)?;
        let done = on!(self, conn => sqlx::query(
            "INSERT INTO halt (one, actor, reason, at) VALUES (1, $1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(&actor)
        .bind(&halt.reason)
        .bind(halt.at)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }

    /// Ends the halt; says whether there was one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn clear_halt(&mut self) -> Result<bool> {
        let done = on!(self, conn => sqlx::query("DELETE FROM halt WHERE one = 1")
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }
}
