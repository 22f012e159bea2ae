//! The one way a step changes.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{App, Flow};
use crate::model::{Actor, Intent, Step, StepState, Transition};
use crate::slack::cards;
use crate::store::Tx;

impl App {
    /// The one way a step changes: transition, compare-and-set, audit, card and thread, all in one
    /// transaction.
    pub(crate) async fn advance(
        &self,
        tx: &mut Tx,
        step: &Step,
        change: Transition,
        run_after: Option<DateTime<Utc>>,
        held_until: Option<DateTime<Utc>>,
        by: Actor,
    ) -> Flow<Step> {
        let now = self.ctx.now();
        let next = step
            .state
            .clone()
            .apply(change, now)
            .map_err(anyhow::Error::from)?;
        let run_after = match &next {
            // A change with an end is taken up again at its end.
            StepState::Done { restore_at, .. } => *restore_at,
            // What is settled is never taken up again.
            StepState::Failed { .. }
            | StepState::Skipped { .. }
            | StepState::Reverted { .. }
            | StepState::RevertRefused { .. } => None,
            StepState::Queued { .. }
            | StepState::Intended { .. }
            | StepState::Uncertain { .. }
            | StepState::Reverting { .. } => run_after,
        };
        let before = step.state.as_str();
        let step = tx.save_step(step, next, run_after, held_until).await?;
        let facts = json!({
            "proposal": step.proposal,
            "revision": step.revision,
            "position": step.position,
            "connection": step.connection,
            "from": before,
            "to": &step.state,
            "request": step.state.intent().map(|intent| json!({
                "method": intent.call.method(),
                "path": intent.call.path(&step.connection),
                "body": intent.call.body(),
                "sha256": intent.body_sha256,
            })),
        });
        let code = audit_code(&step.state);
        tx.audit(self.entry(code, by, super::propose::subject(step.proposal), facts));
        // First the card: a note is written only beside one that stands or is to come.
        self.show(tx, step.proposal).await?;
        if is_told(&step.state)
            && let Some(whole) = self.whole(tx, step.proposal).await?
            && let Some(line) = whole.revision.line_of(&step)
        {
            let tz = self.policy.load().timezone();
            let name = format!("step:{}:{}", step.id.0, step.version);
            let note = cards::step_note(&step, line, tz);
            self.note(tx, &whole.proposal, &name, &note).await?;
        }
        Ok(step)
    }
}

/// Whether the thread tells it. What is tried again and again for days is on the card and in the
/// audit log; the thread has it a few times.
fn is_told(state: &StepState) -> bool {
    match state {
        StepState::Reverting { attempt, .. } => *attempt <= Intent::MAX_ATTEMPTS,
        _ => true,
    }
}

/// Stable codes; `docs/audit.md` lists them.
pub(super) fn audit_code(state: &StepState) -> &'static str {
    match state {
        StepState::Queued { .. } => "action.queued",
        StepState::Intended { intent } if intent.accepted_at.is_some() => "action.accepted",
        StepState::Intended { .. } => "action.intended",
        StepState::Uncertain { .. } => "action.uncertain",
        StepState::Done { .. } => "action.done",
        StepState::Failed { .. } => "action.failed",
        StepState::Skipped { .. } => "action.skipped",
        StepState::Reverting {
            intent: Some(_),
            doubt: Some(_),
            ..
        } => "revert.uncertain",
        StepState::Reverting {
            intent: Some(i), ..
        } if i.accepted_at.is_some() => "revert.accepted",
        StepState::Reverting {
            intent: Some(_), ..
        } => "revert.intended",
        StepState::Reverting { intent: None, .. } => "revert.queued",
        StepState::Reverted { .. } => "revert.done",
        StepState::RevertRefused { .. } => "revert.refused",
    }
}
