//! Undo: what ran is taken back by its stored inverse, what waits is not sent.

use super::asked::Asked;
use super::card::Whole;
use super::{App, Flow, say};
use crate::model::{
    Actor, Decision, ProposalId, ProposalState, RevertReason, StepState, Transition, Verdict,
};
use crate::policy::{Member, Role};
use crate::slack::{cards, words};
use crate::store::Tx;

impl App {
    /// A click on Undo.
    pub(crate) async fn undo_by_button(
        &self,
        asked: &Asked,
        member: &Member,
        value: &str,
    ) -> Flow<()> {
        self.require(Role::Approver, member)?;
        let button = self.button(value)?;
        let mut tx = self.store.begin().await?;
        let whole = self.pressed(&mut tx, &button).await?;
        self.take_back(tx, asked, whole).await
    }

    /// `undo 12`.
    pub(crate) async fn undo(&self, asked: &Asked, member: &Member, id: ProposalId) -> Flow<()> {
        self.require(Role::Approver, member)?;
        let mut tx = self.store.begin().await?;
        let whole = self.existing(&mut tx, id).await?;
        self.take_back(tx, asked, whole).await
    }

    /// Takes back whatever of a proposal can be taken back. One approver is enough (SPEC §6).
    async fn take_back(&self, mut tx: Tx, asked: &Asked, whole: Whole) -> Flow<()> {
        let now = self.ctx.now();
        let id = whole.proposal.id;
        let ProposalState::Approved { .. } = whole.proposal.state else {
            return say("undo.not_approved", words::nothing_to_undo(id));
        };
        let because = RevertReason::Undo {
            by: Actor::user(&asked.user),
        };
        let (mut taken_back, mut on_their_way) = (0, 0);
        let by = Actor::user(&asked.user);
        for step in &whole.steps {
            match &step.state {
                StepState::Queued { .. } => taken_back += 1,
                StepState::Done { intent, .. } if intent.inverse.is_some() => taken_back += 1,
                StepState::Intended { intent } | StepState::Uncertain { intent, .. }
                    if intent.inverse.is_some() =>
                {
                    on_their_way += 1;
                    continue;
                }
                StepState::Done { .. }
                | StepState::Intended { .. }
                | StepState::Uncertain { .. }
                | StepState::Failed { .. }
                | StepState::Skipped { .. }
                | StepState::Reverting { .. }
                | StepState::Reverted { .. }
                | StepState::RevertRefused { .. } => continue,
            }
            let change = Transition::Revert(because.clone());
            self.advance(&mut tx, step, change, Some(now), None, by.clone())
                .await?;
        }
        if taken_back == 0 && on_their_way > 0 {
            return say(
                "undo.too_early",
                words::still_on_their_way(id, on_their_way),
            );
        }
        if taken_back == 0 {
            return say("undo.nothing", words::nothing_to_undo(id));
        }
        let decision = Decision {
            proposal: id,
            revision: whole.revision.number,
            fingerprint: whole.fingerprint.clone(),
            verdict: Verdict::Undo,
            by: asked.user.clone(),
            via: asked.via,
            reason: None,
            policy_hash: self.policy.load().hash().to_owned(),
            delivery: asked.key.clone(),
            at: now,
        };
        // Nobody undoes twice in the table of decisions, but a second undo may take back what the
        // first could not: the audit log has each.
        const CODE: &str = "decision.undo";
        if !self.record_decision(&mut tx, &decision, CODE).await? {
            let facts = super::propose::facts_of(&decision);
            tx.audit(self.entry(CODE, by, super::propose::subject(id), facts));
        }
        self.show(&mut tx, id).await?;
        let note = cards::decision_note(&decision, 0, 0, self.policy.load().timezone());
        self.note(
            &mut tx,
            &whole.proposal,
            &format!("undo:{}:{}", asked.user, now.timestamp_micros()),
            &note,
        )
        .await?;
        self.settle(
            tx,
            asked,
            &words::undoing(id, taken_back, on_their_way),
            "undo",
        )
        .await
    }
}
