//! What became of a call: only a reading says so (SPEC I4).

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, Flow};
use crate::fivetran::{Priority, ReadError};
use crate::model::{Doubt, Intent, Reading, Reconciled, Step, StepState, Transition, reconcile};

/// An accepted call that no reading shows within this time is in doubt (SPEC I4: ten seconds).
const SHOWN_WITHIN: TimeDelta = TimeDelta::seconds(8);

impl App {
    /// Reads the connection and settles the step, or reads again later.
    pub(super) async fn read_back(&self, step: &Step) -> Flow<()> {
        let Some(intent) = step.state.intent() else {
            return Ok(());
        };
        let read = match self.read(&step.connection, Priority::People).await {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(step = step.id.0, %error, "cannot read back an action");
                let rest = match error {
                    ReadError::KeyRefused { .. } => TimeDelta::minutes(1),
                    _ => TimeDelta::zero(),
                };
                return self.look_again(step, intent, rest).await;
            }
        };
        // The time of the reading, not of its answer: a slow answer must not prove that nothing
        // happened before the call had settled.
        let now = read
            .as_ref()
            .map_or_else(|| self.ctx.now(), |read| read.read_at);
        let reading = read.as_ref().map_or(Reading::Gone, Reading::Found);
        match reconcile(intent, reading, now) {
            Reconciled::Took => {
                let restore_at = self.ends_at(step).await?;
                self.move_on(step, Transition::Done { restore_at }, None)
                    .await
            }
            Reconciled::TooEarly => self.look_again(step, intent, TimeDelta::zero()).await,
            Reconciled::NothingHappened if intent.attempt >= Intent::MAX_ATTEMPTS => {
                let text = format!("Fivetran did not take it in {} attempts.", intent.attempt);
                self.move_on(step, Transition::Fail(text), None).await
            }
            Reconciled::NothingHappened => {
                let note = "A reading proves that nothing happened; it is sent again.".to_owned();
                let change = Transition::Requeue {
                    due_at: now,
                    sent: true,
                    note,
                };
                self.move_on(step, change, Some(now)).await
            }
            Reconciled::Conflict(what) => {
                let text = format!("A person must look: {what}.");
                self.move_on(step, Transition::Fail(text), None).await
            }
            Reconciled::Unprovable => self.move_on(step, Transition::GiveUpReading, None).await,
        }
    }

    /// When the change that was just proved is to end by itself.
    async fn ends_at(&self, step: &Step) -> Flow<Option<DateTime<Utc>>> {
        let mut tx = self.store.snapshot().await?;
        let Some((revision, _)) = tx.revision(step.proposal, step.revision).await? else {
            return Ok(None);
        };
        let position = usize::try_from(step.position).unwrap_or(usize::MAX);
        Ok(revision
            .lines
            .get(position)
            .and_then(|line| line.action.until()))
    }

    /// Nothing is known yet. Soon after the call often, later seldom, and not before `rest`; and what was accepted but is
    /// not shown for long is called by its name: unknown.
    async fn look_again(&self, step: &Step, intent: &Intent, rest: TimeDelta) -> Flow<()> {
        let now = self.ctx.now();
        let age = now - intent.at;
        let wait = if age < TimeDelta::seconds(10) {
            TimeDelta::seconds(1)
        } else if age < TimeDelta::minutes(1) {
            TimeDelta::seconds(5)
        } else {
            TimeDelta::seconds(15)
        };
        let unseen = intent
            .accepted_at
            .is_some_and(|at| now - at >= SHOWN_WITHIN);
        let certain = match &step.state {
            StepState::Intended { .. } => true,
            StepState::Reverting { doubt, .. } => doubt.is_none(),
            _ => false,
        };
        if unseen && certain {
            return self
                .move_on(step, Transition::Doubt(Doubt::NotSeen), Some(now + wait))
                .await;
        }
        self.defer(step, now + wait.max(rest)).await
    }
}
