//! What became of a call: only a reading says so (SPEC I4).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, Flow};
use crate::fivetran::{Priority, ReadError};
use crate::model::{
    Actor, Call, Doubt, Intent, Reading, Reconciled, Step, StepState, Transition, reconcile,
};

/// An accepted call that no reading shows within this time is in doubt (SPEC I4: ten seconds).
const SHOWN_WITHIN: TimeDelta = TimeDelta::seconds(8);

impl App {
    /// Reads the connection and settles the step, or reads again later.
    pub(super) async fn read_back(&self, step: &Step) -> Flow<()> {
        let Some(intent) = step.state.intent() else {
            return Ok(());
        };
        let doubt_follows = intent.accepted_at.filter(|_| is_certain(&step.state));
        let patience = patience(doubt_follows, self.ctx.now());
        let reading = self.read(&step.connection, Priority::People);
        let read = match tokio::time::timeout(patience, reading).await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return self.unreadable(step, intent, &error).await,
            Err(_) => return self.look_again(step, intent, TimeDelta::zero()).await,
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
                let done = Transition::Done { restore_at };
                let mut tx = self.store.begin().await?;
                self.advance(&mut tx, step, done, None, None, Actor::Syncgate)
                    .await?;
                if let (Call::Test, Some(connection)) = (&intent.call, &read) {
                    self.tested(&mut tx, connection).await?;
                }
                self.finish(tx).await
            }
            Reconciled::TooEarly => self.look_again(step, intent, TimeDelta::zero()).await,
            Reconciled::Conflict(what) => {
                let text = format!("A person must look: {what}.");
                self.move_on(step, Transition::Fail(text), None).await
            }
            Reconciled::NothingHappened => self.nothing_happened(step, intent, now).await,
            Reconciled::NotShown | Reconciled::Unprovable if is_revert(step) => {
                let note = "Fivetran accepted it, but the connection does not show it.".to_owned();
                self.revert_later(step, note).await
            }
            Reconciled::NotShown => {
                let text = "A person must look: Fivetran accepted the change, but the connection \
                            does not show it.";
                self.move_on(step, Transition::Fail(text.to_owned()), None)
                    .await
            }
            Reconciled::Unprovable => self.move_on(step, Transition::GiveUpReading, None).await,
        }
    }

    /// The connection cannot be read. Where Fivetran answers and only this connection stays
    /// unreadable, people are asked in the end.
    async fn unreadable(&self, step: &Step, intent: &Intent, error: &ReadError) -> Flow<()> {
        tracing::warn!(step = step.id.0, %error, "cannot read back an action");
        let (rest, lasting) = match error {
            ReadError::KeyRefused { status, .. } => {
                (TimeDelta::minutes(1), !self.key_is_revoked(*status).await)
            }
            ReadError::Odd { .. } => (TimeDelta::zero(), true),
            ReadError::Throttled { .. }
            | ReadError::Budget { .. }
            | ReadError::Unreachable { .. } => (TimeDelta::zero(), false),
        };
        let late = self.ctx.now() >= intent.settled_at() + Intent::SEEN_WITHIN;
        if late && lasting && !is_revert(step) {
            return self.move_on(step, Transition::GiveUpReading, None).await;
        }
        self.look_again(step, intent, rest).await
    }

    /// That is proved, so the call may be sent again: a few times, and without an end where
    /// something is taken back.
    async fn nothing_happened(&self, step: &Step, intent: &Intent, now: DateTime<Utc>) -> Flow<()> {
        let note = "A reading proves that nothing happened; it is sent again.".to_owned();
        if is_revert(step) {
            return self.revert_later(step, note).await;
        }
        if intent.attempt >= Intent::MAX_ATTEMPTS {
            let text = format!("Fivetran did not take it in {} attempts.", intent.attempt);
            return self.move_on(step, Transition::Fail(text), None).await;
        }
        let change = Transition::Requeue {
            due_at: now,
            sent: true,
            note,
        };
        self.move_on(step, change, Some(now)).await
    }

    /// When the change that was just proved is to end by itself.
    async fn ends_at(&self, step: &Step) -> Flow<Option<DateTime<Utc>>> {
        let action = self.action_of(step).await?;
        Ok(action.and_then(|action| action.until()))
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
        if unseen && is_certain(&step.state) {
            return self
                .move_on(step, Transition::Doubt(Doubt::NotSeen), Some(now + wait))
                .await;
        }
        self.defer(step, now + wait.max(rest)).await
    }
}

/// Whether the card still says that all is well.
fn is_certain(state: &StepState) -> bool {
    match state {
        StepState::Intended { .. } => true,
        StepState::Reverting { doubt, .. } => doubt.is_none(),
        _ => false,
    }
}

/// How long a reading may take. While the card says that all is well with a call that was accepted,
/// no longer than until the doubt is due (SPEC I4); else as long as the client lets it.
fn patience(doubt_follows: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    match doubt_follows {
        Some(accepted_at) => {
            let left = (accepted_at + SHOWN_WITHIN - now)
                .to_std()
                .unwrap_or_default();
            left.max(Duration::from_secs(1))
        }
        None => Intent::SETTLES_AFTER.to_std().unwrap_or_default(),
    }
}

fn is_revert(step: &Step) -> bool {
    matches!(step.state, StepState::Reverting { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i4_a_reading_that_hangs_does_not_hold_up_the_doubt() {
        let accepted = DateTime::UNIX_EPOCH;
        for age in 0..9 {
            let now = accepted + TimeDelta::seconds(age);
            let answered = now + patience(Some(accepted), now);
            assert!(answered >= accepted + SHOWN_WITHIN);
            assert!(answered < accepted + TimeDelta::seconds(10), "{answered}");
        }
        assert!(patience(None, accepted) > Duration::from_secs(90));
    }
}
