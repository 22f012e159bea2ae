//! The actions of approved revisions, on their way to Fivetran.

use chrono::{DateTime, Duration, Utc};

use super::{Error, Inner, Result, Tx, held, on, read_json, write_json};
use crate::model::{ActionId, ConnectionId, ProposalId, Revision, Step, StepState};

/// How long a worker holds a step without saying that it still lives. A call in flight renews it;
/// so a crash is noticed within this time (SPEC I4: ten seconds).
pub const LEASE: Duration = Duration::seconds(8);

/// Which steps a claim looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Each.
    Any,
    /// Those whose call was made before: to be read back, ended or taken back.
    Sent,
}

/// What a claim found.
#[derive(Clone, Debug)]
pub enum Claimed {
    /// A step, held by this worker now.
    Step(Step),
    /// A row that was changed behind Syncgate's back.
    Unreadable(Unreadable),
}

/// A step whose document cannot be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Its row.
    pub id: ActionId,
    /// Of which proposal.
    pub proposal: ProposalId,
    /// Why.
    pub why: String,
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: i64,
    proposal_id: i64,
    revision: i64,
    position: i64,
    connection_id: String,
    document: String,
    version: i64,
}

pub(super) const COLUMNS: &str =
    "id, proposal_id, revision, position, connection_id, document, version";

impl Row {
    pub(super) fn read(self) -> Result<Step> {
        let state: StepState = read_json("action", &self.document)?;
        Ok(Step {
            id: ActionId(self.id),
            proposal: ProposalId(self.proposal_id),
            revision: self.revision,
            position: self.position,
            connection: ConnectionId::new(self.connection_id),
            state,
            version: self.version,
        })
    }
}

impl Tx {
    /// Queues every line of an approved revision.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_steps(&mut self, revision: &Revision, now: DateTime<Utc>) -> Result<()> {
        for (position, line) in (0_i64..).zip(&revision.lines) {
            let id = self.next("step").await?;
            let due_at = line.action.due_at().unwrap_or(now).max(now);
            let state = StepState::Queued {
                due_at,
                attempt: 1,
                note: None,
            };
            let document = write_json("action", &state)?;
            on!(self, conn => sqlx::query(
                "INSERT INTO steps (id, proposal_id, revision, position, connection_id, state, \
                                    document, version, in_flight, run_after) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 1, FALSE, $8)",
            )
            .bind(id)
            .bind(revision.proposal.0)
            .bind(revision.number)
            .bind(position)
            .bind(line.connection.as_str())
            .bind(state.as_str())
            .bind(&document)
            .bind(due_at)
            .execute(conn)
            .await
            .map(|_| ()))?;
        }
        Ok(())
    }

    /// Whether any step is due; another worker may hold it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn step_due(&mut self, now: DateTime<Utc>) -> Result<bool> {
        let due = on!(self, conn => sqlx::query_scalar::<_, i32>(
            "SELECT 1 FROM steps WHERE run_after <= $1 LIMIT 1",
        )
        .bind(now)
        .fetch_optional(conn)
        .await)?;
        Ok(due.is_some())
    }

    /// Takes one step that is due and whose connection nobody else works on: no other call is on its
    /// way to it, and no other step of it is held. Whoever holds one decides by what he read of the
    /// connection and of its other steps, and both must still be so when his intent is stored. Lines
    /// of one proposal on one connection keep their order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim_step(
        &mut self,
        worker: &str,
        now: DateTime<Utc>,
        due: Due,
    ) -> Result<Option<Claimed>> {
        if let Inner::Postgres(tx) = &mut self.inner {
            // Claims must see each other; SQLite has one writer. A row and no advisory lock: that
            // would be one for every schema of the database.
            sqlx::query("SELECT value FROM counters WHERE name = 'claims' FOR UPDATE")
                .execute(&mut **tx)
                .await?;
        }
        let until = now + self.lasting(LEASE);
        let row = on!(self, conn => sqlx::query_as::<_, Row>(
            // The guard is repeated outside the sub-select: PostgreSQL runs that on an older
            // snapshot (DESIGN §2).
            "UPDATE steps SET lease_until = $1, worker = $2, version = version + 1 \
             WHERE id = ( \
                 SELECT s.id FROM steps s \
                 WHERE s.run_after <= $3 AND (s.lease_until IS NULL OR s.lease_until <= $3) \
                   AND ($4 OR s.state <> 'queued') \
                   AND NOT EXISTS (SELECT 1 FROM steps o WHERE o.connection_id = s.connection_id \
                                   AND o.id <> s.id AND (o.in_flight OR o.lease_until > $3)) \
                   AND NOT EXISTS (SELECT 1 FROM steps e WHERE e.proposal_id = s.proposal_id \
                                   AND e.revision = s.revision AND e.position < s.position \
                                   AND e.connection_id = s.connection_id AND e.state = 'queued' \
                                   AND s.state = 'queued') \
                 ORDER BY s.run_after, s.id LIMIT 1) \
               AND run_after <= $3 AND (lease_until IS NULL OR lease_until <= $3) \
             RETURNING id, proposal_id, revision, position, connection_id, document, version",
        )
        .bind(until)
        .bind(worker)
        .bind(now)
        .bind(due == Due::Any)
        .fetch_optional(conn)
        .await)?;
        Ok(row.map(|row| {
            let (id, proposal) = (ActionId(row.id), ProposalId(row.proposal_id));
            match row.read() {
                Ok(step) => Claimed::Step(step),
                Err(error) => Claimed::Unreadable(Unreadable {
                    id,
                    proposal,
                    why: error.to_string(),
                }),
            }
        }))
    }

    /// Takes a step that cannot be read out of the queue. If a call was on its way, its connection
    /// stays shut for others.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_step_aside(&mut self, id: ActionId) -> Result<()> {
        on!(self, conn => sqlx::query(
            "UPDATE steps SET state = 'skipped', run_after = NULL, lease_until = NULL, \
                    version = version + 1 WHERE id = $1",
        )
        .bind(id.0)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// Says that the worker still lives; `false` when the step is no longer its own.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn renew_step(&mut self, step: &Step, until: DateTime<Utc>) -> Result<bool> {
        let done = on!(self, conn => sqlx::query(
            "UPDATE steps SET lease_until = $1 WHERE id = $2 AND version = $3",
        )
        .bind(until)
        .bind(step.id.0)
        .bind(step.version)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }

    /// Moves a step to its next state. `run_after` says when its next move is due, `None` that
    /// there is none; `held_until` keeps it with this worker.
    ///
    /// # Errors
    /// [`Error::Lost`] when it is no longer this worker's; a unique violation, which is a race,
    /// when another call is on its way to the connection.
    pub async fn save_step(
        &mut self,
        step: &Step,
        next: StepState,
        run_after: Option<DateTime<Utc>>,
        held_until: Option<DateTime<Utc>>,
    ) -> Result<Step> {
        let document = write_json("action", &next)?;
        let done = on!(self, conn => sqlx::query(
            "UPDATE steps SET state = $1, document = $2, version = version + 1, in_flight = $3, \
                    run_after = $4, lease_until = $5, \
                    intended_at = $6 \
             WHERE id = $7 AND version = $8",
        )
        .bind(next.as_str())
        .bind(&document)
        .bind(next.in_flight())
        .bind(run_after)
        .bind(held_until)
        .bind(last_effect(&step.state, &next))
        .bind(step.id.0)
        .bind(step.version)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        if done != 1 {
            return Err(Error::Lost);
        }
        Ok(Step {
            state: next,
            version: step.version + 1,
            ..step.clone()
        })
    }

    /// Gives a step back unchanged, to be looked at again later.
    ///
    /// # Errors
    /// [`Error::Lost`] when it is no longer this worker's.
    pub async fn defer_step(&mut self, step: &Step, until: DateTime<Utc>) -> Result<()> {
        let done = on!(self, conn => sqlx::query(
            "UPDATE steps SET run_after = $1, lease_until = NULL WHERE id = $2 AND version = $3",
        )
        .bind(until)
        .bind(step.id.0)
        .bind(step.version)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)
    }

    /// Frees what a dead process held. Only for a process that is alone on its database.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn free_leases(&mut self, now: DateTime<Utc>) -> Result<()> {
        for free in [
            "UPDATE steps SET lease_until = NULL WHERE lease_until IS NOT NULL",
            "UPDATE messages SET lease_until = NULL WHERE lease_until IS NOT NULL",
            "UPDATE pictures SET lease_until = NULL WHERE lease_until IS NOT NULL",
            "UPDATE model_calls SET lease_until = NULL WHERE lease_until IS NOT NULL",
        ] {
            on!(self, conn => sqlx::query(free).execute(conn).await.map(|_| ()))?;
        }
        on!(self, conn => sqlx::query("UPDATE inbox SET run_after = $1 WHERE run_after > $1 AND worker IS NOT NULL")
            .bind(now)
            .execute(conn)
            .await
            .map(|_| ()))?;
        Ok(())
    }

    /// The steps of one revision, in its order.
    ///
    /// # Errors
    /// When the database refuses or a document cannot be read.
    pub async fn steps_of(&mut self, proposal: ProposalId, revision: i64) -> Result<Vec<Step>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM steps WHERE proposal_id = $1 AND revision = $2 ORDER BY position"
        )))
        .bind(proposal.0)
        .bind(revision)
        .fetch_all(conn)
        .await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// The proposal, other than `own`, whose call went to the connection after `since`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn overtaken_by(
        &mut self,
        connection: &ConnectionId,
        since: DateTime<Utc>,
        own: ProposalId,
    ) -> Result<Option<ProposalId>> {
        let id = on!(self, conn => sqlx::query_scalar::<_, i64>(
            "SELECT proposal_id FROM steps \
             WHERE connection_id = $1 AND intended_at > $2 AND proposal_id <> $3 \
               AND state NOT IN ('failed', 'queued') \
             ORDER BY intended_at DESC LIMIT 1",
        )
        .bind(connection.as_str())
        .bind(since)
        .bind(own.0)
        .fetch_optional(conn)
        .await)?;
        Ok(id.map(ProposalId))
    }

    /// The last steps on a connection, newest first; those that cannot be read are left out.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn steps_on(&mut self, connection: &ConnectionId) -> Result<Vec<Step>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM steps WHERE connection_id = $1 AND intended_at IS NOT NULL \
             ORDER BY intended_at DESC LIMIT 50"
        )))
        .bind(connection.as_str())
        .fetch_all(conn)
        .await)?;
        Ok(rows.into_iter().filter_map(|row| row.read().ok()).collect())
    }
}

/// When the last call was committed that had an effect or may have one. What provably did not
/// happen overtakes nobody.
fn last_effect(present: &StepState, next: &StepState) -> Option<DateTime<Utc>> {
    let call = match next {
        StepState::Queued { .. } => None,
        StepState::RevertRefused { .. } => present.taken_back(),
        next => next.intent().or(present.intent()),
    };
    call.map(|call| call.at)
}
