//! Proposals, revisions, decisions.

use chrono::{DateTime, Utc};

use super::{Error, Result, Tx, held, on, read_json, write_json};
use crate::model::{
    Decision, Fingerprint, Proposal, ProposalId, ProposalKind, Revision, UserId, Verdict, Via,
};

/// A proposal with the version that a change of it must name.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The proposal.
    pub proposal: Proposal,
    /// Its version.
    pub version: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    document: String,
    version: i64,
}

impl Row {
    fn read(self) -> Result<Stored> {
        Ok(Stored {
            proposal: read_json("proposal", &self.document)?,
            version: self.version,
        })
    }
}

/// One damaged row must not keep the others from whoever looks after them.
fn readable(rows: Vec<Row>) -> Vec<Stored> {
    let read = |row: Row| match row.read() {
        Ok(stored) => Some(stored),
        Err(error) => {
            tracing::error!(%error, "a proposal is left out");
            None
        }
    };
    rows.into_iter().filter_map(read).collect()
}

#[derive(sqlx::FromRow)]
struct DecisionRow {
    proposal_id: i64,
    revision: i64,
    fingerprint: String,
    verdict: String,
    by_user: String,
    via: String,
    reason: Option<String>,
    policy_hash: String,
    delivery: String,
    at: DateTime<Utc>,
}

impl DecisionRow {
    fn read(self) -> Result<Decision> {
        let verdict = match self.verdict.as_str() {
            "approve" => Verdict::Approve,
            "reject" => Verdict::Reject,
            "direct" => Verdict::Direct,
            "undo" => Verdict::Undo,
            other => return Err(Error::corrupt("decision", format!("no verdict is {other}"))),
        };
        let via: Via = read_json("decision", &format!("\"{}\"", self.via))?;
        Ok(Decision {
            proposal: ProposalId(self.proposal_id),
            revision: self.revision,
            fingerprint: Fingerprint::stored(self.fingerprint),
            verdict,
            by: UserId::new(self.by_user),
            via,
            reason: self.reason,
            policy_hash: self.policy_hash,
            delivery: self.delivery,
            at: self.at,
        })
    }
}

fn via_word(via: Via) -> &'static str {
    match via {
        Via::Button => "button",
        Via::Command => "command",
        Via::Modal => "modal",
    }
}

impl Tx {
    /// The number of the next proposal.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_proposal(&mut self) -> Result<ProposalId> {
        Ok(ProposalId(self.next("proposal").await?))
    }

    /// Keeps others from making a proposal until this transaction ends. SQLite has one writer.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn lock_proposals(&mut self) -> Result<()> {
        on!(self, conn => sqlx::query(
            "UPDATE counters SET value = value WHERE name = 'proposal'",
        )
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// Keeps others from changing a proposal until this transaction ends, so that what is read of
    /// it from here on stays true. SQLite has one writer.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn hold_proposal(&mut self, id: ProposalId) -> Result<()> {
        on!(self, conn => sqlx::query("UPDATE proposals SET version = version WHERE id = $1")
            .bind(id.0)
            .execute(conn)
            .await
            .map(|_| ()))?;
        Ok(())
    }

    /// Stores a new proposal.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_proposal(&mut self, proposal: &Proposal) -> Result<()> {
        let document = write_json("proposal", proposal)?;
        on!(self, conn => sqlx::query(
            "INSERT INTO proposals (id, kind, state, document, version, next_timer, created_at) \
             VALUES ($1, $2, $3, $4, 1, $5, $6)",
        )
        .bind(proposal.id.0)
        .bind(proposal.kind.as_str())
        .bind(proposal.state.as_str())
        .bind(&document)
        .bind(proposal.state.next_timer())
        .bind(proposal.created_at)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// Changes a proposal that was read at `version`.
    ///
    /// # Errors
    /// [`Error::Lost`] when somebody else changed it first.
    pub async fn update_proposal(&mut self, proposal: &Proposal, version: i64) -> Result<()> {
        let document = write_json("proposal", proposal)?;
        let done = on!(self, conn => sqlx::query(
            "UPDATE proposals SET state = $1, document = $2, version = version + 1, next_timer = $3 \
             WHERE id = $4 AND version = $5",
        )
        .bind(proposal.state.as_str())
        .bind(&document)
        .bind(proposal.state.next_timer())
        .bind(proposal.id.0)
        .bind(version)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)
    }

    /// One proposal.
    ///
    /// # Errors
    /// When the database refuses or the document cannot be read.
    pub async fn proposal(&mut self, id: ProposalId) -> Result<Option<Stored>> {
        let row = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT document, version FROM proposals WHERE id = $1",
        )
        .bind(id.0)
        .fetch_optional(conn)
        .await)?;
        row.map(Row::read).transpose()
    }

    /// The proposals that wait for a decision, and those that are only shown, oldest first; those that cannot be read are left out
    /// and logged.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn waiting_proposals(&mut self, kind: ProposalKind) -> Result<Vec<Stored>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT document, version FROM proposals WHERE state IN ('draft', 'proposed') \
               AND kind = $1 ORDER BY id",
        )
        .bind(kind.as_str())
        .fetch_all(conn)
        .await)?;
        Ok(readable(rows))
    }

    /// The newest proposals of a kind, newest first.
    ///
    /// # Errors
    /// When the database refuses or a document cannot be read.
    pub async fn latest_proposal(&mut self, kind: ProposalKind) -> Result<Option<Stored>> {
        let row = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT document, version FROM proposals WHERE kind = $1 ORDER BY id DESC LIMIT 1",
        )
        .bind(kind.as_str())
        .fetch_optional(conn)
        .await)?;
        row.map(Row::read).transpose()
    }

    /// Proposals whose reminder, escalation or expiry is due; those that cannot be read are left out
    /// and logged.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn due_proposals(&mut self, now: DateTime<Utc>) -> Result<Vec<Stored>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT document, version FROM proposals WHERE next_timer <= $1 ORDER BY next_timer \
             LIMIT 50",
        )
        .bind(now)
        .fetch_all(conn)
        .await)?;
        Ok(readable(rows))
    }

    /// Proposals that were approved and still have actions that are not settled.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn unsettled_proposals(&mut self) -> Result<Vec<ProposalId>> {
        let ids = on!(self, conn => sqlx::query_scalar::<_, i64>(
            "SELECT DISTINCT proposal_id FROM steps \
             WHERE state IN ('queued', 'intended', 'uncertain', 'reverting') ORDER BY proposal_id",
        )
        .fetch_all(conn)
        .await)?;
        Ok(ids.into_iter().map(ProposalId).collect())
    }

    /// Stores a revision as its canonical text; answers its fingerprint.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_revision(&mut self, revision: &Revision) -> Result<Fingerprint> {
        let canonical = revision
            .canonical()
            .map_err(|error| Error::corrupt("revision", error))?;
        let fingerprint = Fingerprint::of(&canonical);
        on!(self, conn => sqlx::query(
            "INSERT INTO revisions (proposal_id, number, canonical, fingerprint) \
             VALUES ($1, $2, $3, $4)",
        )
        .bind(revision.proposal.0)
        .bind(revision.number)
        .bind(&canonical)
        .bind(fingerprint.as_str())
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(fingerprint)
    }

    /// One revision with the fingerprint that its stored text gives now: whoever changed the text
    /// changed the fingerprint, and the approval no longer fits.
    ///
    /// # Errors
    /// When the database refuses or the text cannot be read.
    pub async fn revision(
        &mut self,
        proposal: ProposalId,
        number: i64,
    ) -> Result<Option<(Revision, Fingerprint)>> {
        let canonical = on!(self, conn => sqlx::query_scalar::<_, String>(
            "SELECT canonical FROM revisions WHERE proposal_id = $1 AND number = $2",
        )
        .bind(proposal.0)
        .bind(number)
        .fetch_optional(conn)
        .await)?;
        canonical
            .map(|text| Ok((read_json("revision", &text)?, Fingerprint::of(&text))))
            .transpose()
    }

    /// Stores a decision; says whether this person had not made it before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_decision(&mut self, decision: &Decision) -> Result<bool> {
        let done = on!(self, conn => sqlx::query(
            "INSERT INTO decisions \
               (proposal_id, revision, fingerprint, verdict, by_user, via, reason, policy_hash, \
                delivery, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        )
        .bind(decision.proposal.0)
        .bind(decision.revision)
        .bind(decision.fingerprint.as_str())
        .bind(decision.verdict.as_str())
        .bind(decision.by.as_str())
        .bind(via_word(decision.via))
        .bind(&decision.reason)
        .bind(&decision.policy_hash)
        .bind(&decision.delivery)
        .bind(decision.at)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }

    /// The decisions on one revision, oldest first.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub async fn decisions(
        &mut self,
        proposal: ProposalId,
        revision: i64,
    ) -> Result<Vec<Decision>> {
        let rows = on!(self, conn => sqlx::query_as::<_, DecisionRow>(
            "SELECT proposal_id, revision, fingerprint, verdict, by_user, via, reason, policy_hash, \
                    delivery, at \
             FROM decisions WHERE proposal_id = $1 AND revision = $2 ORDER BY at, by_user",
        )
        .bind(proposal.0)
        .bind(revision)
        .fetch_all(conn)
        .await)?;
        rows.into_iter().map(DecisionRow::read).collect()
    }
}
