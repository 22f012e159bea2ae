//! Taking an action back: the stored inverse, sent only if the connection still shows what the
//! action set (SPEC I10).

use super::{App, Flow};
use crate::fivetran::Priority;
use crate::model::{Action, Call, Intent, Patch, PreImage, Step, StepState, Transition};

impl App {
    /// The inverse is due: compare, then send it.
    pub(super) async fn start_revert(&self, step: &Step) -> Flow<()> {
        let StepState::Reverting { done, .. } = &step.state else {
            return Ok(());
        };
        let now = self.ctx.now();
        let mut tx = self.store.snapshot().await?;
        if let Some(shut) = self.shut(&mut tx, now).await? {
            drop(tx);
            return self.defer(step, shut.until).await;
        }
        let approved = self.inverse_is_approved(&mut tx, step).await?;
        let others = tx.steps_on(&step.connection).await?;
        drop(tx);
        if !approved {
            let text = "The stored record is not what was approved.".to_owned();
            return self.move_on(step, Transition::Fail(text), None).await;
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
            attempt: 1,
            at: self.ctx.now(),
            accepted_at: None,
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
        // A resume cut a pause of ours short. While that has its end before it, the pause goes on to
        // that end; afterwards nobody would ever end it (SPEC I10).
        let mut tx = self.store.snapshot().await?;
        for other in others() {
            let Some((revision, _)) = tx.revision(other.proposal, other.revision).await? else {
                continue;
            };
            let position = usize::try_from(other.position).unwrap_or(usize::MAX);
            let Some(Action::Pause { until }) = revision.lines.get(position).map(|l| &l.action)
            else {
                continue;
            };
            if done.at < *until && *until <= self.ctx.now() {
                let by = other.proposal;
                let text = format!("The pause of #{by} has ended since; it stays running.");
                return Ok(Some(text));
            }
        }
        Ok(None)
    }
}
