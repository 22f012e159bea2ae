//! Whether the rows that are about to act are those that were decided on (SPEC I1).
//!
//! Rows can be changed behind Syncgate's back. So a revision is compared with the fingerprint that
//! was approved, and the decisions with the audit chain, which nobody changes without a trace.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::card::Whole;
use super::propose::{facts_of, subject};
use super::{App, Flow, Ran};
use crate::model::audit::Record;
use crate::model::{
    Actor, Call, Decision, Line, PreImage, ProposalId, ProposalState, SkipReason, Step, Transition,
    Verdict, canonical,
};
use crate::slack::words;
use crate::store::{self, Tx};

/// A row that cannot be taken up.
pub(super) fn not_the_approved(what: &str) -> SkipReason {
    SkipReason::NotTheApproved {
        what: what.to_owned(),
    }
}

/// Whether a stored record cannot be read any more: then it is not what was approved either.
pub(super) fn is_unreadable(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<store::Error>(),
        Some(store::Error::Corrupt { .. })
    )
}

impl App {
    /// Whether a recorded decision covers exactly this line of exactly this content, and still in
    /// time. `recorded` is what the audit chain says of the proposal.
    pub(super) fn covered<'a>(
        &self,
        whole: &'a Whole,
        recorded: &[Record],
        step: &Step,
        now: DateTime<Utc>,
    ) -> Result<&'a Line, SkipReason> {
        let line = approved_line(whole, step)?;
        let ProposalState::Approved { at, .. } = &whole.proposal.state else {
            return Err(not_the_approved("it is not approved"));
        };
        self.decided(whole, recorded, *at)?;
        let latest = match line.action.due_at() {
            Some(due_at) => due_at + TimeDelta::minutes(30),
            None => *at + super::span(self.policy.load().expires_after()),
        };
        let latest = line
            .action
            .until()
            .map_or(latest, |until| latest.min(until));
        if now > latest {
            Err(SkipReason::TooLate)
        } else {
            Ok(line)
        }
    }

    /// Whether the decisions in their table are those in the chain, no more and no fewer, and the
    /// chain says that they were enough.
    fn decided(
        &self,
        whole: &Whole,
        recorded: &[Record],
        approved_at: DateTime<Utc>,
    ) -> Result<(), SkipReason> {
        let number = whole.revision.number;
        let recorded: Vec<(&Record, Value)> = recorded
            .iter()
            .filter(|r| [APPROVE, DIRECT, APPROVED].contains(&r.code.as_str()))
            .filter_map(|r| Some((r, serde_json::from_str::<Value>(&r.body).ok()?)))
            .filter(|(_, body)| body["revision"] == number)
            .collect();
        let counted: Vec<&Decision> = whole
            .decisions
            .iter()
            .filter(|d| matches!(d.verdict, Verdict::Approve | Verdict::Direct))
            .collect();
        let decisions = recorded.iter().filter(|(r, _)| r.code != APPROVED).count();
        let known = |d: &&Decision| {
            d.fingerprint == whole.fingerprint && recorded.iter().any(|(r, _)| self.records(r, d))
        };
        if counted.is_empty() || counted.len() != decisions || !counted.iter().all(known) {
            return Err(not_the_approved(
                "its decisions are not those in the audit log",
            ));
        }
        if counted.iter().map(|d| d.at).max() != Some(approved_at) {
            return Err(not_the_approved("its approval has another time"));
        }
        let fingerprint = whole.fingerprint.as_str();
        let enough = recorded.iter().any(|(r, body)| {
            r.code == DIRECT || (r.code == APPROVED && body["fingerprint"] == fingerprint)
        });
        if enough {
            Ok(())
        } else {
            Err(not_the_approved("the audit log knows of no approval"))
        }
    }

    /// Whether the record is that of the decision. What is recorded went through the redactor.
    fn records(&self, record: &Record, decision: &Decision) -> bool {
        let code = match decision.verdict {
            Verdict::Approve => APPROVE,
            Verdict::Direct => DIRECT,
            Verdict::Reject | Verdict::Undo => return false,
        };
        let facts = facts_of(decision);
        let same = |facts: &Value| canonical::text(facts).is_ok_and(|text| text == record.body);
        let actor = canonical::text(&Actor::user(&decision.by));
        record.code == code
            && actor.is_ok_and(|actor| actor == record.actor)
            && (same(&facts) || same(&self.redactor.load().facts(&facts, &super::is_ours)))
    }

    /// A step whose proposal cannot be read is not sent, and people are told. What may be under way
    /// stays as it is: nothing is known of it.
    pub(super) async fn refuse_unreadable(
        &self,
        step: &Step,
        error: anyhow::Error,
    ) -> anyhow::Result<Ran> {
        let what = self.redacted(&format!("{error:#}"));
        let skip = Transition::Skip(not_the_approved(&what));
        let mut tx = self.store.begin().await?;
        let Ok(next) = step.state.clone().apply(skip, self.ctx.now()) else {
            tracing::error!(step = step.id.0, %error, "a change cannot be looked after");
            self.alarm(&mut tx, step.proposal, &what).await?;
            let later = self.ctx.now() + UNREADABLE_REST;
            return match tx.defer_step(step, later).await {
                Ok(()) => {
                    tx.commit().await?;
                    self.wake.messages.notify_one();
                    Ok(Ran::Ran)
                }
                Err(error) if error.is_race() => Ok(Ran::Ran),
                Err(error) => Err(error.into()),
            };
        };
        let step = match tx.save_step(step, next, None, None).await {
            Ok(step) => step,
            Err(error) if error.is_race() => return Ok(Ran::Ran),
            Err(error) => return Err(error.into()),
        };
        let facts = json!({
            "proposal": step.proposal,
            "position": step.position,
            "connection": step.connection,
            "to": &step.state,
        });
        let code = super::advance::audit_code(&step.state);
        tx.audit(self.entry(code, Actor::Syncgate, subject(step.proposal), facts));
        self.alarm(&mut tx, step.proposal, &what).await?;
        tx.commit().await?;
        self.wake.messages.notify_one();
        Ok(Ran::Ran)
    }

    /// A step that cannot be read itself is set aside, so that it does not hold up the others.
    pub(super) async fn set_aside(
        &self,
        mut tx: Tx,
        unreadable: &store::Unreadable,
    ) -> anyhow::Result<Ran> {
        let what = self.redacted(&unreadable.why);
        tx.set_step_aside(unreadable.id).await?;
        let facts = json!({
            "proposal": unreadable.proposal,
            "action": unreadable.id,
            "why": what,
        });
        let about = subject(unreadable.proposal);
        tx.audit(self.entry("action.skipped", Actor::Syncgate, about, facts));
        self.alarm(&mut tx, unreadable.proposal, &what).await?;
        tx.commit().await?;
        self.wake.messages.notify_one();
        Ok(Ran::Ran)
    }

    /// Tells the default channel, once per proposal, that the database was changed.
    pub(super) async fn alarm(&self, tx: &mut Tx, id: ProposalId, what: &str) -> store::Result<()> {
        let channel = self.policy.load().default_channel();
        let message = words::records_changed(id, what);
        let key = format!("alert:changed:{id}");
        let draft = super::asked::draft(key, crate::store::MessageKind::Card, &channel, &message);
        tx.put_message(&draft, self.ctx.now()).await
    }

    /// Whether the stored inverse is the one that follows from what was approved.
    pub(super) async fn inverse_is_approved(&self, tx: &mut Tx, step: &Step) -> Flow<bool> {
        let Some(whole) = self.whole(tx, step.proposal).await? else {
            return Ok(false);
        };
        let (Ok(line), Some(done)) = (approved_line(&whole, step), step.state.taken_back()) else {
            return Ok(false);
        };
        let before = PreImage::of(&done.before);
        Ok(done.call == Call::of(&line.action)
            && before == line.pre_image
            && done.inverse == Call::inverse_of(&line.action, &before))
    }
}

/// When a change whose records cannot be read is looked at again.
const UNREADABLE_REST: TimeDelta = TimeDelta::minutes(5);

const APPROVE: &str = "decision.approve";
const DIRECT: &str = "proposal.direct";
const APPROVED: &str = "proposal.approved";

/// The line that a step carries out, if it is one of the content that was approved.
fn approved_line<'a>(whole: &'a Whole, step: &Step) -> Result<&'a Line, SkipReason> {
    let ProposalState::Approved { fingerprint, .. } = &whole.proposal.state else {
        return Err(not_the_approved("it is not approved"));
    };
    let same = *fingerprint == whole.fingerprint
        && step.revision == whole.revision.number
        && step.proposal == whole.revision.proposal
        && whole.proposal.revision == whole.revision.number;
    if !same {
        return Err(not_the_approved("its fingerprint is another"));
    }
    let line = whole.revision.line_of(step);
    let line = line.ok_or_else(|| not_the_approved("it has no such line"))?;
    if line.connection != step.connection {
        return Err(not_the_approved("the line names another connection"));
    }
    Ok(line)
}
