//! Pictures of plans: what each shows, and how far it has come into Slack.

use chrono::{DateTime, Duration, Utc};

use super::{Result, Tx, held, on, read_json, write_json};
use crate::model::{Chart, ProposalId};

/// How long a worker may take over one picture: it draws, and calls Slack three times.
const LEASE: Duration = Duration::seconds(45);

/// A picture that a worker holds.
#[derive(Clone, Debug)]
pub struct PictureRow {
    /// Whose card it is for.
    pub proposal: ProposalId,
    /// The revision that it is of.
    pub revision: i64,
    /// What it shows.
    pub facts: Chart,
    /// The upload, once Slack has given it a name.
    pub file: Option<String>,
    /// How often something was tried, this time included.
    pub attempts: i64,
    /// How often Slack refused a card because of it.
    pub refused: i64,
    /// Until when it is the worker's.
    lease_until: DateTime<Utc>,
}

/// A picture that a card may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyPicture {
    /// Slack's name for the file.
    pub file: String,
    /// What it shows.
    pub facts: Chart,
}

/// How far a picture has come.
#[derive(Clone, Copy, Debug, Default)]
pub struct PictureStep<'a> {
    /// The upload; unset to begin another.
    pub file: Option<&'a str>,
    /// Slack has it ready.
    pub ready: bool,
    /// When to go on; never, if unset.
    pub run_after: Option<DateTime<Utc>>,
    /// What stopped it.
    pub error: Option<&'a str>,
}

#[derive(sqlx::FromRow)]
struct Row {
    revision: i64,
    facts: String,
    file: Option<String>,
    attempts: i64,
    refused: i64,
}

impl Tx {
    /// Asks for a picture of a plan's first revision; it is made soon after the card is posted.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn want_picture(
        &mut self,
        proposal: ProposalId,
        facts: &Chart,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let facts = write_json("picture", facts)?;
        on!(self, conn => sqlx::query(
            "INSERT INTO pictures (proposal_id, revision, facts, run_after) VALUES ($1, 1, $2, $3)",
        )
        .bind(proposal.0)
        .bind(&facts)
        .bind(now)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// Asks for the picture of another revision, if the plan has one at all. Whoever works on the
    /// old one finds that it is no longer his.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn redraw_picture(
        &mut self,
        proposal: ProposalId,
        revision: i64,
        now: DateTime<Utc>,
    ) -> Result<()> {
        on!(self, conn => sqlx::query(
            "UPDATE pictures SET revision = $1, file = NULL, ready = FALSE, attempts = 0, \
                    refused = 0, run_after = $2, lease_until = NULL, error = NULL \
             WHERE proposal_id = $3",
        )
        .bind(revision)
        .bind(now)
        .bind(proposal.0)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// The picture that something is to be done about: its card stands in Slack already, which
    /// comes without it first, and Slack's files are open.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_picture(&mut self, now: DateTime<Utc>) -> Result<Option<ProposalId>> {
        let id: Option<i64> = on!(self, conn => sqlx::query_scalar(
            "SELECT p.proposal_id FROM pictures p \
             JOIN messages m ON m.key = 'proposal:' || p.proposal_id AND m.ts IS NOT NULL \
             WHERE p.run_after <= $1 AND (p.lease_until IS NULL OR p.lease_until <= $1) \
               AND NOT EXISTS (SELECT 1 FROM pace WHERE name = 'slack:files' AND next_at > $1) \
             ORDER BY p.run_after, p.proposal_id LIMIT 1",
        )
        .bind(now)
        .fetch_optional(conn)
        .await)?;
        Ok(id.map(ProposalId))
    }

    /// Takes a picture if something is still to be done about it.
    ///
    /// # Errors
    /// When the database refuses. A row that cannot be read is set aside and is no error.
    pub async fn claim_picture(
        &mut self,
        proposal: ProposalId,
        now: DateTime<Utc>,
    ) -> Result<Option<PictureRow>> {
        let lease_until = now + self.lasting(LEASE);
        let row: Option<Row> = on!(self, conn => sqlx::query_as(
            "UPDATE pictures SET lease_until = $1, attempts = attempts + 1 \
             WHERE proposal_id = $2 AND run_after <= $3 \
               AND (lease_until IS NULL OR lease_until <= $3) \
             RETURNING revision, facts, file, attempts, refused",
        )
        .bind(lease_until)
        .bind(proposal.0)
        .bind(now)
        .fetch_optional(conn)
        .await)?;
        let Some(row) = row else {
            return Ok(None);
        };
        match read_json("picture", &row.facts) {
            Ok(facts) => Ok(Some(PictureRow {
                proposal,
                revision: row.revision,
                facts,
                file: row.file,
                attempts: row.attempts,
                refused: row.refused,
                lease_until,
            })),
            Err(error) => {
                tracing::error!(%proposal, %error, "a picture cannot be read and is set aside");
                let why = error.to_string();
                self.set_picture_aside(proposal, &why).await.map(|()| None)
            }
        }
    }

    async fn set_picture_aside(&mut self, proposal: ProposalId, why: &str) -> Result<()> {
        on!(self, conn => sqlx::query(
            "UPDATE pictures SET run_after = NULL, lease_until = NULL, error = $1 \
             WHERE proposal_id = $2",
        )
        .bind(why)
        .bind(proposal.0)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// Slack has named the upload; the worker keeps the picture.
    ///
    /// # Errors
    /// [`Error::Lost`](super::Error::Lost) when the picture is no longer the worker's.
    pub async fn picture_named(&mut self, row: &PictureRow, file: &str) -> Result<()> {
        let done = on!(self, conn => sqlx::query(
            "UPDATE pictures SET file = $1 WHERE proposal_id = $2 AND lease_until = $3",
        )
        .bind(file)
        .bind(row.proposal.0)
        .bind(row.lease_until)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)
    }

    /// Writes down how far the picture has come, and lets it go.
    ///
    /// # Errors
    /// [`Error::Lost`](super::Error::Lost) when it is no longer the worker's: its lease has ended, or another revision
    /// asks for another picture.
    pub async fn picture_step(&mut self, row: &PictureRow, step: PictureStep<'_>) -> Result<()> {
        let done = on!(self, conn => sqlx::query(
            "UPDATE pictures SET file = $1, ready = $2, run_after = $3, error = $4, \
                    lease_until = NULL \
             WHERE proposal_id = $5 AND lease_until = $6",
        )
        .bind(step.file)
        .bind(step.ready)
        .bind(step.run_after)
        .bind(step.error)
        .bind(row.proposal.0)
        .bind(row.lease_until)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)
    }

    /// The picture of this revision, if Slack has it ready. One that cannot be read is none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn ready_picture(
        &mut self,
        proposal: ProposalId,
        revision: i64,
    ) -> Result<Option<ReadyPicture>> {
        let row: Option<(String, String)> = on!(self, conn => sqlx::query_as(
            "SELECT file, facts FROM pictures \
             WHERE proposal_id = $1 AND revision = $2 AND ready AND file IS NOT NULL",
        )
        .bind(proposal.0)
        .bind(revision)
        .fetch_optional(conn)
        .await)?;
        let read = |(file, facts): (String, String)| match read_json("picture", &facts) {
            Ok(facts) => Some(ReadyPicture { file, facts }),
            Err(error) => {
                tracing::error!(%proposal, %error, "a picture is left out");
                None
            }
        };
        Ok(row.and_then(read))
    }

    /// Slack refused the card that shows this file: the card goes without it until `again`, or for
    /// good. Answers how often that has happened; `None` when the card shows another one or none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn picture_refused(
        &mut self,
        proposal: ProposalId,
        file: &str,
        again: DateTime<Utc>,
        most: i64,
        why: &str,
    ) -> Result<Option<i64>> {
        Ok(on!(self, conn => sqlx::query_scalar(
            "UPDATE pictures SET ready = FALSE, refused = refused + 1, error = $1, \
                    run_after = CASE WHEN refused + 1 < $2 THEN $3 END \
             WHERE proposal_id = $4 AND file = $5 AND ready RETURNING refused",
        )
        .bind(why)
        .bind(most)
        .bind(again)
        .bind(proposal.0)
        .bind(file)
        .fetch_optional(conn)
        .await)?)
    }
}
