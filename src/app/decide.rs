//! Approve and reject: the gate itself (SPEC §6, I1–I3, I8).

use std::collections::BTreeMap;

use serde_json::json;

use super::asked::Asked;
use super::card::{Whole, approvals_of};
use super::handle::Reply;
use super::{App, Flow, Stop, crash_point, say};
use crate::model::{
    Actor, Decision, Proposal, ProposalId, Refusal, StepState, Transition, UserId, Verdict,
};
use crate::policy::verdict::may_approve;
use crate::policy::{Member, Role};
use crate::slack::client::ViewId;
use crate::slack::inbound::Field;
use crate::slack::{Button, SlackError, cards, modals, words};
use crate::store::Tx;

impl App {
    /// A click on Approve.
    pub(crate) async fn approve_by_button(
        &self,
        asked: &Asked,
        member: &Member,
        value: &str,
    ) -> Flow<()> {
        let button = self.button(value)?;
        let mut tx = self.store.begin().await?;
        let whole = self.pressed(&mut tx, &button).await?;
        self.approve(tx, asked, member, whole).await
    }

    /// `approve 12`: the current revision, whichever that is; the answer names it.
    pub(crate) async fn approve_by_number(
        &self,
        asked: &Asked,
        member: &Member,
        id: ProposalId,
    ) -> Flow<()> {
        let mut tx = self.store.begin().await?;
        let whole = self.existing(&mut tx, id).await?;
        self.approve(tx, asked, member, whole).await
    }

    async fn approve(&self, mut tx: Tx, asked: &Asked, member: &Member, whole: Whole) -> Flow<()> {
        let now = self.ctx.now();
        let policy = self.policy.load_full();
        let id = whole.proposal.id;
        if let Some(line) = whole.unplaced() {
            return say("connection.unread", words::connection_unread(&line.name));
        }
        let subjects = whole.subjects.iter().map(|(_, subject)| subject);
        may_approve(&policy, member, &whole.revision.requesters, subjects)
            .map_err(|denied| self.denied(&denied, member, Some(id)))?;
        let approved = whole
            .proposal
            .state
            .clone()
            .approve(now, whole.fingerprint.clone());
        let approved = approved.map_err(|refusal| self.too_late(&whole, &refusal))?;
        let decision = Decision {
            proposal: id,
            revision: whole.revision.number,
            fingerprint: whole.fingerprint.clone(),
            verdict: Verdict::Approve,
            by: asked.user.clone(),
            via: asked.via,
            reason: None,
            policy_hash: policy.hash().to_owned(),
            delivery: asked.key.clone(),
            at: now,
        };
        let quorum = self.quorum(&whole);
        if !self
            .record_decision(&mut tx, &decision, "decision.approve")
            .await?
        {
            let given = approvals_of(&whole).len();
            return say("decision.twice", words::approved_twice(id, given, quorum));
        }
        let mut given = approvals_of(&whole);
        given.insert(asked.user.clone());
        let have = u32::try_from(given.len()).unwrap_or(u32::MAX);
        let reached = have >= quorum;
        let mut proposal = whole.proposal;
        if reached {
            proposal.state = approved;
            tx.insert_steps(&whole.revision, now).await?;
            let facts = json!({
                "revision": whole.revision.number,
                "fingerprint": whole.fingerprint.as_str(),
                "approvals": given.len(),
                "quorum": quorum,
            });
            tx.audit(self.entry(
                "proposal.approved",
                Actor::user(&asked.user),
                super::propose::subject(id),
                facts,
            ));
        }
        // Also where the quorum is not reached: two approvals in one instant must see each other.
        tx.update_proposal(&proposal, whole.version).await?;
        self.show(&mut tx, id).await?;
        let note = cards::decision_note(&decision, have, quorum, policy.timezone());
        let name = format!("approve:{}:{}", whole.revision.number, asked.user);
        self.note(&mut tx, &proposal, &name, &note).await?;
        let answer = words::approval_taken(&words::ApprovalView {
            id,
            revision: whole.revision.number,
            fingerprint: &whole.fingerprint,
            have,
            quorum,
            halted: tx.halted().await?.is_some(),
        });
        crash_point!("decision-before-commit");
        self.settle(tx, asked, &answer, "approved").await?;
        crash_point!("decision-committed");
        Ok(())
    }

    /// A click on Reject asks for the reason.
    pub(crate) async fn open_reject(&self, asked: &Asked, value: &str) -> Flow<()> {
        let button = self.button(value)?;
        self.open_view(
            asked,
            &modals::reject_modal(value),
            "reject",
            button.proposal,
        )
        .await?;
        let mut tx = self.store.begin().await?;
        tx.settle_inbox(&asked.key, "modal opened").await?;
        Ok(tx.commit().await?)
    }

    /// The reason was given.
    pub(crate) async fn submit_reject(
        &self,
        asked: &Asked,
        metadata: &str,
        values: &BTreeMap<String, Field>,
    ) -> Flow<Reply> {
        let button = self.button(metadata)?;
        let reason = match values.get(modals::REASON) {
            Some(Field::Text(reason)) if !reason.trim().is_empty() => reason.trim().to_owned(),
            _ => {
                let error = "Say why; the reason is kept with the decision.".to_owned();
                let errors = BTreeMap::from([(modals::REASON.to_owned(), error)]);
                return self.refuse_fields(asked, "fields", errors).await;
            }
        };
        let member = self.member(&asked.user).await?;
        let mut tx = self.store.begin().await?;
        let whole = self.pressed(&mut tx, &button).await?;
        let asked = asked.placed(&whole.proposal.channel);
        self.reject(tx, &asked, &member, whole, &reason).await?;
        Ok(Reply::Taken)
    }

    /// `reject 12 <reason>`.
    pub(crate) async fn reject_by_number(
        &self,
        asked: &Asked,
        member: &Member,
        id: ProposalId,
        reason: &str,
    ) -> Flow<()> {
        let mut tx = self.store.begin().await?;
        let whole = self.existing(&mut tx, id).await?;
        self.reject(tx, asked, member, whole, reason).await
    }

    async fn reject(
        &self,
        mut tx: Tx,
        asked: &Asked,
        member: &Member,
        whole: Whole,
        reason: &str,
    ) -> Flow<()> {
        let now = self.ctx.now();
        let id = whole.proposal.id;
        self.require(Role::Approver, member)?;
        let reason = self.redacted(reason);
        let rejected = whole.proposal.state.clone();
        let rejected = rejected.reject(now, Actor::user(&asked.user), reason.clone());
        let state = rejected.map_err(|refusal| self.too_late(&whole, &refusal))?;
        let decision = Decision {
            proposal: id,
            revision: whole.revision.number,
            fingerprint: whole.fingerprint.clone(),
            verdict: Verdict::Reject,
            by: asked.user.clone(),
            via: asked.via,
            reason: Some(reason),
            policy_hash: self.policy.load().hash().to_owned(),
            delivery: asked.key.clone(),
            at: now,
        };
        self.record_decision(&mut tx, &decision, "proposal.rejected")
            .await?;
        let proposal = Proposal {
            state,
            ..whole.proposal
        };
        let tz = self.policy.load().timezone();
        tx.update_proposal(&proposal, whole.version).await?;
        self.show(&mut tx, id).await?;
        self.note(
            &mut tx,
            &proposal,
            "reject",
            &cards::decision_note(&decision, 0, 0, tz),
        )
        .await?;
        self.settle(tx, asked, &words::rejection_taken(id), "rejected")
            .await
    }

    /// A person says what no reading could tell: whether the call took effect.
    pub(crate) async fn settle_doubt(
        &self,
        asked: &Asked,
        member: &Member,
        value: &str,
        ran: bool,
    ) -> Flow<()> {
        let unknown = || Stop::Say {
            code: "action.unknown",
            message: words::unknown_action(),
        };
        let (button, position) = value.rsplit_once('.').ok_or_else(unknown)?;
        let button = self.button(button)?;
        let position: i64 = position.parse().map_err(|_| unknown())?;
        self.require(Role::Approver, member)?;
        let mut tx = self.store.begin().await?;
        let whole = self.pressed(&mut tx, &button).await?;
        let step = whole
            .steps
            .into_iter()
            .find(|step| step.position == position);
        let step = step.ok_or_else(unknown)?;
        let StepState::Uncertain {
            unprovable: true, ..
        } = step.state
        else {
            return say("doubt.settled", words::step_is_settled(button.proposal));
        };
        let change = if ran {
            let line = whole.revision.line_of(&step);
            let restore_at = line.and_then(|line| line.action.until());
            Transition::Done { restore_at }
        } else {
            Transition::Fail("A person looked: it did not run.".to_owned())
        };
        self.advance(&mut tx, &step, change, None, None, Actor::user(&asked.user))
            .await?;
        self.settle(
            tx,
            asked,
            &words::doubt_settled(button.proposal, ran),
            "doubt settled",
        )
        .await
    }

    /// Why a decision comes too late, in words: who was faster, or what time is over.
    pub(crate) fn too_late(&self, whole: &Whole, refusal: &Refusal) -> Stop {
        let id = whole.proposal.id;
        let message = match refusal {
            Refusal::AlreadyApproved => {
                let by: Vec<UserId> = approvals_of(whole).into_iter().collect();
                words::approved_by(id, &by)
            }
            other => words::refused(id, other, self.policy.load().timezone()),
        };
        Stop::Say {
            code: "decision.late",
            message,
        }
    }

    /// The proposal behind a button, when the button is of its current revision and content.
    pub(crate) async fn pressed(&self, tx: &mut Tx, button: &Button) -> Flow<Whole> {
        let whole = self.existing(tx, button.proposal).await?;
        let current = whole.revision.number;
        if button.revision != current
            || !whole.fingerprint.as_str().starts_with(&button.fingerprint)
        {
            return say(
                "decision.stale",
                words::stale_revision(button.proposal, current),
            );
        }
        Ok(whole)
    }

    /// The proposal of a number.
    pub(crate) async fn existing(&self, tx: &mut Tx, id: ProposalId) -> Flow<Whole> {
        match self.whole(tx, id).await? {
            Some(whole) => Ok(whole),
            None => say("proposal.unknown", words::unknown_proposal(id)),
        }
    }

    /// Opens a modal; the person's click or command is good for it for three seconds.
    pub(crate) async fn open_view(
        &self,
        asked: &Asked,
        view: &serde_json::Value,
        command: &'static str,
        id: ProposalId,
    ) -> Flow<ViewId> {
        let Some(trigger) = asked.trigger_id.as_deref() else {
            return say("modal.mention", words::no_trigger(command, id));
        };
        match self.slack.open_view(trigger, view).await {
            Ok(view) => Ok(view),
            Err(error) => self.form_unopened(command, id, &error),
        }
    }

    /// A form did not open, or was not filled: why, and what to do.
    pub(crate) fn form_unopened<T>(
        &self,
        command: &'static str,
        id: ProposalId,
        error: &SlackError,
    ) -> Flow<T> {
        let remedy = error.remedy();
        tracing::warn!(proposal = id.0, %error, remedy, "a form did not open");
        if error.is_expired_trigger() {
            return say("modal.late", words::expired_trigger(command, id));
        }
        let why = self.redacted(&error.to_string());
        say("modal.unopened", words::form_unopened(command, id, &why))
    }

    /// Tells the modal which fields to mend.
    pub(crate) async fn refuse_fields(
        &self,
        asked: &Asked,
        code: &'static str,
        errors: BTreeMap<String, String>,
    ) -> Flow<Reply> {
        let mut tx = self.store.begin().await?;
        let facts = json!({ "why": code, "via": asked.via, "fields": &errors });
        tx.audit(self.entry(
            "request.refused",
            Actor::user(&asked.user),
            "request",
            facts,
        ));
        tx.settle_inbox(&asked.key, "field errors").await?;
        tx.commit().await?;
        Ok(Reply::FieldErrors(errors))
    }
}
