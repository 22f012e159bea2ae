//! Taking an action back: the stored inverse, sent only if the connection still shows what the
//! action set (SPEC I10).

use super::{App, Flow};
use crate::fivetran::Priority;
use crate::model::{Action, Actor, Call, Intent, Patch, PreImage, Step, StepState, Transition};
use crate::slack::words;
use crate::store::Tx;

impl App {
    /// The inverse is due: compare, then send it.
    pub(super) async fn start_revert(&self, step: &Step) -> Flow<()> {
        let StepState::Reverting { done, attempt, .. } = &step.state else {
            return Ok(());
        };
        let now = self.ctx.now();
        let mut tx = self.store.snapshot().await?;
        if let Some(shut) = self.shut(&mut tx, now).await? {
            drop(tx);
            return self.wait_behind(step, &shut).await;
        }
        let approved = self.inverse_is_approved(&mut tx, step).await?;
        let others = tx.steps_on(&step.connection).await?;
        drop(tx);
        if !approved {
            let text = "The stored record is not what was approved.";
            let mut tx = self.store.begin().await?;
            let change = Transition::Fail(text.to_owned());
            self.advance(&mut tx, step, change, None, None, Actor::Syncgate)
                .await?;
            self.alarm(&mut tx, step.proposal, text).await?;
            return self.finish(tx).await;
        }
        let (Call::Patch(set), Some(Call::Patch(inverse))) = (&done.call, &done.inverse) else {
            let text = "Fivetran has no way to take this back.".to_owned();
            return self.move_on(step, Transition::Fail(text), None).await;
        };
        let live = match self.read(&step.connection, Priority::People).await {
            Ok(Some(live)) => live,
            Ok(None) => {
                let text = "The connection no longer exists.".to_owned();
                return self.move_on(step, Transition::Fail(text), None).await;
            }
            Err(error) => {
                tracing::warn!(step = step.id.0, %error, "cannot read before a revert");
                return self.wait_for_fivetran(step, &error).await;
            }
        };
        let image = PreImage::of(&live);
        if inverse.holds_in(&image) {
            return self
                .move_on(step, Transition::Done { restore_at: None }, None)
                .await;
        }
        if !set.holds_in(&image) {
            let text =
                "Somebody changed the connection since; it stays as they left it.".to_owned();
            return self.move_on(step, Transition::Fail(text), None).await;
        }
        if let Some(text) = self.forbids(step, done, set, inverse, &others).await? {
            return self.move_on(step, Transition::Fail(text), None).await;
        }
        let call = Call::Patch(inverse.clone());
        let intent = Intent {
            body_sha256: call.body_sha256(),
            inverse: None,
            call,
            before: live,
            attempt: *attempt,
            at: self.ctx.now(),
            accepted_at: None,
            request_id: None,
        };
        self.intend_and_send(step, intent, None).await
    }

    /// Why taking it back would undo somebody else's work, or leave the connection paused for good.
    async fn forbids(
        &self,
        step: &Step,
        done: &Intent,
        set: &Patch,
        inverse: &Patch,
        others: &[Step],
    ) -> Flow<Option<String>> {
        let others = || others.iter().filter(|other| other.id != step.id);
        // The value is the one that this step set, but a later one set it anew.
        for other in others() {
            if let StepState::Done { intent, .. } = &other.state
                && intent.at > done.at
                && matches!(&intent.call, Call::Patch(later) if later.overlaps(set))
            {
                let by = other.proposal;
                return Ok(Some(format!("#{by} changed it since; it stays so.")));
            }
        }
        if !inverse.pauses() {
            return Ok(None);
        }
        // A resume cut a pause of ours short. Only while a step still holds that pause's end does
        // the pause go on to it; without one nobody would ever end it (SPEC I10).
        let mut over = None;
        for other in others() {
            match self.cut_short(other, done).await? {
                Some(Cut::HoldsItsEnd) => return Ok(None),
                Some(Cut::Over) => over = Some(other.proposal),
                None => {}
            }
        }
        Ok(over.map(|by| format!("The pause of #{by} is over; it stays running.")))
    }

    /// What became of a pause, if `other` is one that was in force when the resume was sent.
    async fn cut_short(&self, other: &Step, resume: &Intent) -> Flow<Option<Cut>> {
        let cut = match &other.state {
            StepState::Done {
                intent, restore_at, ..
            } if intent.at < resume.at => match restore_at {
                Some(end) if *end > self.ctx.now() => Cut::HoldsItsEnd,
                _ => Cut::Over,
            },
            StepState::Reverting { done, .. } if done.at < resume.at => Cut::Over,
            StepState::Reverted { at, .. } | StepState::RevertRefused { at, .. }
                if *at >= resume.at =>
            {
                Cut::Over
            }
            StepState::Uncertain { intent, .. } if intent.at < resume.at => Cut::Over,
            StepState::Done { .. }
            | StepState::Reverting { .. }
            | StepState::Reverted { .. }
            | StepState::RevertRefused { .. }
            | StepState::Uncertain { .. }
            | StepState::Queued { .. }
            | StepState::Intended { .. }
            | StepState::Failed { .. }
            | StepState::Skipped { .. } => return Ok(None),
        };
        let pauses = matches!(self.action_of(other).await?, Some(Action::Pause { until }) if until > resume.at);
        Ok(pauses.then_some(cut))
    }

    /// What a step carries out.
    pub(super) async fn action_of(&self, step: &Step) -> Flow<Option<Action>> {
        let mut tx = self.store.snapshot().await?;
        let revision = tx.revision(step.proposal, step.revision).await?;
        Ok(revision.and_then(|(revision, _)| Some(revision.line_of(step)?.action.clone())))
    }

    /// A try to take something back came to nothing. It is never given up for that: it is tried
    /// again, ever more seldom, and the channel is told once (SPEC I10).
    pub(super) async fn revert_later(&self, step: &Step, note: String) -> Flow<()> {
        let StepState::Reverting { attempt, .. } = step.state else {
            return Ok(());
        };
        let due_at = self.ctx.now() + Intent::rest_after(attempt);
        let mut tx = self.store.begin().await?;
        let change = Transition::Requeue {
            due_at,
            sent: true,
            note,
        };
        self.advance(&mut tx, step, change, Some(due_at), None, Actor::Syncgate)
            .await?;
        if attempt > 1 {
            self.alert_of_revert(&mut tx, step).await?;
        }
        self.finish(tx).await
    }

    /// Says in the default channel, once per action, that something stays as it is for now.
    pub(super) async fn alert_of_revert(&self, tx: &mut Tx, step: &Step) -> Flow<()> {
        let channel = self.policy.load().default_channel();
        let key = format!("alert:revert:{}", step.id.0);
        let message = words::not_taken_back_yet(step.proposal, &step.connection);
        self.post(tx, key, &channel, &message).await
    }
}

/// What became of a pause that a resume cut short.
enum Cut {
    /// Its step still waits for its end.
    HoldsItsEnd,
    /// Nothing would end it any more.
    Over,
}
