//! What is under way or in force: approved actions that are not settled, and changes that do not stay.

use chrono::{DateTime, Utc};

use super::steps::{COLUMNS, Row};
use super::{Result, Tx, on};
use crate::model::{Step, StepState};

/// A change that is in force and does not stay.
#[derive(Clone, Debug)]
pub struct Override {
    /// The step that made it.
    pub step: Step,
    /// When Syncgate takes it back; `None` when it is at it, and has not succeeded yet.
    pub ends_at: Option<DateTime<Utc>>,
}

impl Tx {
    /// Every step whose call has not been made, or of which nothing is proved yet; a row that cannot be
    /// read is left out.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn steps_under_way(&mut self) -> Result<Vec<Step>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM steps WHERE state IN ('queued', 'intended', 'uncertain') ORDER BY id"
        )))
        .fetch_all(conn)
        .await)?;
        Ok(rows.into_iter().filter_map(|row| row.read().ok()).collect())
    }

    /// Every change in force that has an end or is being taken back; a row that cannot be read is
    /// left out and logged.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn overrides(&mut self) -> Result<Vec<Override>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM steps \
             WHERE state = 'reverting' OR (state = 'done' AND run_after IS NOT NULL) ORDER BY id"
        )))
        .fetch_all(conn)
        .await)?;
        let mut overrides = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id;
            match row.read() {
                Ok(step) => {
                    let ends_at = match step.state {
                        StepState::Done { restore_at, .. } => restore_at,
                        _ => None,
                    };
                    overrides.push(Override { step, ends_at });
                }
                // One damaged row must not hide the others from whoever has to end them.
                Err(error) => tracing::error!(step = id, %error, "an override cannot be read"),
            }
        }
        Ok(overrides)
    }

    /// Calls on their way that can be taken back: each may be in force in a moment.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn calls_that_may_hold(&mut self) -> Result<usize> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM steps WHERE in_flight AND state <> 'reverting'"
        )))
        .fetch_all(conn)
        .await)?;
        let steps = rows.into_iter().filter_map(|row| row.read().ok());
        let reversible = steps.filter(|step| {
            let intent = step.state.intent();
            intent.is_some_and(|intent| intent.inverse.is_some())
        });
        Ok(reversible.count())
    }

    /// How many changes are being taken back.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open_reverts(&mut self) -> Result<i64> {
        Ok(on!(self, conn => sqlx::query_scalar(
            "SELECT count(*) FROM steps WHERE state = 'reverting'",
        )
        .fetch_one(conn)
        .await)?)
    }

    /// How many steps are not settled.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open_steps(&mut self) -> Result<i64> {
        Ok(on!(self, conn => sqlx::query_scalar(
            "SELECT count(*) FROM steps WHERE state IN ('queued', 'intended', 'uncertain', 'reverting')",
        )
        .fetch_one(conn)
        .await)?)
    }

    /// How many proposals wait for a decision, and how many incidents live.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open_matters(&mut self) -> Result<(i64, i64)> {
        Ok(on!(self, conn => sqlx::query_as(
            "SELECT (SELECT count(*) FROM proposals WHERE state = 'proposed'), \
                    (SELECT count(*) FROM incidents WHERE open)",
        )
        .fetch_one(conn)
        .await)?)
    }
}
