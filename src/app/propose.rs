//! Making a proposal: the one way in for commands, incidents and plans.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::asked::Asked;
use super::card::card_key;
use super::{App, Flow, Stop};
use crate::model::{
    Action, Actor, Caution, ChannelId, Connection, Decision, Incident, IncidentId, Line, Place,
    PreImage, Proposal, ProposalId, ProposalKind, ProposalState, Refusal, Revision, Verdict,
};
use crate::slack::cards;
use crate::store::{Stored, Tx};
use crate::triage::advice;

/// What is to be proposed.
pub(crate) struct Request {
    pub kind: ProposalKind,
    pub requester: Actor,
    pub channel: ChannelId,
    pub title: String,
    pub lines: Vec<Line>,
    pub shadow: Vec<Line>,
    pub incident: Option<IncidentId>,
    /// Set where the policy lets the person's own command be the decision.
    pub direct: Option<Asked>,
}

/// One line for a connection as it was just read.
pub(crate) fn line(connection: &Connection, action: Action, reason: String) -> Line {
    Line {
        connection: connection.id.clone(),
        name: connection.schema.clone(),
        action,
        place: None,
        pre_image: PreImage::of(connection),
        reason,
        caution: None,
        decide_by: None,
    }
}

impl App {
    /// Stores the proposal, puts it before people (or queues it at once, where the command is the
    /// decision) and shows its card.
    pub(crate) async fn propose(&self, tx: &mut Tx, request: Request) -> Flow<ProposalId> {
        let now = self.ctx.now();
        let policy = self.policy.load();
        let id = tx.next_proposal().await?;
        let lines = self.placed(tx, request.lines).await?;
        let revision = Revision {
            expires_at: self.expiry(&lines, now),
            proposal: id,
            number: 1,
            lines,
            requesters: BTreeSet::from([request.requester.clone()]),
            created_at: now,
            policy_hash: policy.hash().to_owned(),
        };
        let mut proposal = Proposal {
            id,
            kind: request.kind,
            state: ProposalState::Draft,
            revision: 1,
            requester: request.requester,
            channel: request.channel,
            title: request.title,
            incident: request.incident,
            shadow: request.shadow,
            created_at: now,
        };
        tx.insert_proposal(&proposal).await?;
        let fingerprint = tx.insert_revision(&revision).await?;
        let facts = json!({
            "kind": proposal.kind.as_str(),
            "title": proposal.title,
            "revision": 1,
            "fingerprint": fingerprint.as_str(),
            "policy_hash": policy.hash(),
            "lines": &revision.lines,
            "shadow": &proposal.shadow,
        });
        tx.audit(self.entry(
            "proposal.created",
            proposal.requester.clone(),
            subject(id),
            facts,
        ));
        // What only shadow lines propose is shown and never decided on: it stays a draft.
        if !revision.lines.is_empty() {
            proposal.state = match &request.direct {
                Some(_) => proposal
                    .state
                    .direct(now, fingerprint.clone())
                    .map_err(bug)?,
                None => {
                    let remind_at = policy.remind_after().map(|after| now + super::span(after));
                    let escalate_at = policy
                        .escalate_after()
                        .map(|after| now + super::span(after));
                    let expires_at = revision.expires_at;
                    proposal
                        .state
                        .propose(expires_at, remind_at, escalate_at)
                        .map_err(bug)?
                }
            };
            tx.update_proposal(&proposal, 1).await?;
        }
        if let Some(asked) = request.direct {
            let decision = Decision {
                proposal: id,
                revision: 1,
                fingerprint,
                verdict: Verdict::Direct,
                by: asked.user,
                via: asked.via,
                reason: None,
                policy_hash: policy.hash().to_owned(),
                delivery: asked.key,
                at: now,
            };
            self.record_decision(tx, &decision, "proposal.direct")
                .await?;
            tx.insert_steps(&revision, now).await?;
        }
        self.show(tx, id).await?;
        Ok(id)
    }

    /// The lines with what the policy matches their connections by, and with what an open incident
    /// says against them: people may do what is dangerous, but not unawares.
    async fn placed(&self, tx: &mut Tx, mut lines: Vec<Line>) -> Flow<Vec<Line>> {
        for line in &mut lines {
            let open = tx.open_incident(&line.connection).await?;
            line.caution = open.and_then(|(incident, _)| self.caution(&incident, &line.action));
            if let Some(connection) = tx.connection(&line.connection).await? {
                let group = tx.group_name(&connection.group_id).await?;
                line.place = Some(Place::of(&connection, group));
            }
        }
        Ok(lines)
    }

    fn caution(&self, incident: &Incident, action: &Action) -> Option<Caution> {
        // What spoke against it is mended, as far as anybody can tell without trying.
        let cause = incident.cause.as_ref().filter(|_| !incident.checked)?;
        let harm = advice::harm_of(&self.catalogue.load(), cause, action)?;
        Some(Caution {
            incident: incident.id,
            harm: harm.to_owned(),
        })
    }

    /// Takes back what still waits for people; what was decided stays as it is.
    pub(crate) async fn supersede(
        &self,
        tx: &mut Tx,
        stored: Stored,
        by: Option<ProposalId>,
    ) -> Flow<()> {
        let id = stored.proposal.id;
        let Ok(state) = stored.proposal.state.clone().supersede(self.ctx.now(), by) else {
            return Ok(());
        };
        let proposal = Proposal {
            state,
            ..stored.proposal
        };
        tx.update_proposal(&proposal, stored.version).await?;
        let facts = json!({ "by": by });
        tx.audit(self.entry("proposal.superseded", Actor::Syncgate, subject(id), facts));
        if tx.message_unsaid(&card_key(id), self.ctx.now()).await? {
            // Slack was away all its life: nobody misses it.
            return Ok(());
        }
        self.show(tx, id).await?;
        let note = cards::superseded_note(id, by);
        self.note(tx, &proposal, "superseded", &note).await
    }

    /// Until when an approval can still do something: the policy's time, but no longer than the last
    /// of the changes itself would last or wait. Those past their time are skipped then.
    pub(crate) fn expiry(&self, lines: &[Line], now: DateTime<Utc>) -> DateTime<Utc> {
        let policys = now + super::span(self.policy.load().expires_after());
        let mut last = Some(now);
        for line in lines {
            // What has no end of its own can be done at any time.
            let end = line.action.until().or(line.action.due_at());
            last = last.zip(end).map(|(last, end)| last.max(end));
        }
        last.filter(|last| *last > now)
            .map_or(policys, |last| policys.min(last))
    }

    /// Stores a decision and its audit record; says whether the person had not made it before.
    pub(crate) async fn record_decision(
        &self,
        tx: &mut Tx,
        decision: &Decision,
        code: &'static str,
    ) -> Flow<bool> {
        let new = tx.insert_decision(decision).await?;
        if new {
            tx.audit(self.entry(
                code,
                Actor::user(&decision.by),
                subject(decision.proposal),
                facts_of(decision),
            ));
        }
        Ok(new)
    }
}

/// What the audit chain keeps of a decision.
pub(crate) fn facts_of(decision: &Decision) -> serde_json::Value {
    json!({
        "revision": decision.revision,
        "fingerprint": decision.fingerprint.as_str(),
        "verdict": decision.verdict.as_str(),
        "via": decision.via,
        "delivery": decision.delivery,
        "reason": decision.reason,
        "policy_hash": decision.policy_hash,
    })
}

/// The audit subject of a proposal.
pub(crate) fn subject(id: ProposalId) -> String {
    format!("proposal:{id}")
}

/// A fresh draft takes every first step; anything else is ours to mend.
fn bug(refusal: Refusal) -> Stop {
    Stop::Fail(anyhow::anyhow!(
        "a new proposal refuses its first step: {refusal:?}"
    ))
}
