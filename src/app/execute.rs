//! The executor: one approved action, once (SPEC I1, I2, I4).
//!
//! A worker takes a step that is due and makes its next move. The order is always the same: read
//! the live state, commit the intent, call, commit what came of it. Between the commit of the intent
//! and the commit of the outcome the process may end at any instruction; the row then says that a
//! call may have been made, and only a reading decides what to do next (`reading.rs`).
//!
//! Races that are accepted, and why they are harmless:
//! - Somebody changes the connection in the Fivetran dashboard between our reading and our call.
//!   Fivetran has no conditional write. The window is one round trip.
//! - A worker that is stopped for longer than its lease between the check of its deadline and the
//!   first byte of its call sends although another worker has taken over. The other one only reads
//!   until the call has settled (`Intent::settled_at`), so it finds the effect and sends nothing.

use std::convert::Infallible;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::card::Whole;
use super::fitness::unfit;
use super::proof::{is_unreadable, not_the_approved};
use super::shut::{ACCOUNT, RATE_LIMIT};
use super::{App, Flow, Ran, Stop, crash_point};
use crate::fivetran::{Priority, Sent};
use crate::model::{
    Actor, Call, Connection, Doubt, Intent, PreImage, RevertReason, SkipReason, Step, StepState,
    Transition,
};
use crate::store::{Claimed, Due, STEP_LEASE, Tx};

impl App {
    /// Takes one step that is due and makes its next move.
    ///
    /// # Errors
    /// A fault of the database; the step stays as it is and is taken again after its lease.
    pub async fn run_step(&self) -> anyhow::Result<Ran> {
        self.run_one(Due::Any).await
    }

    /// The same, but nothing that waits for its first call: that is the service's to send.
    ///
    /// # Errors
    /// As with [`App::run_step`].
    pub async fn run_sent_step(&self) -> anyhow::Result<Ran> {
        self.run_one(Due::Sent).await
    }

    async fn run_one(&self, due: Due) -> anyhow::Result<Ran> {
        let now = self.ctx.now();
        if !self.store.snapshot().await?.step_due(now).await? {
            return Ok(Ran::Empty);
        }
        let mut tx = self.store.begin().await?;
        let step = match tx.claim_step(&self.ctx.worker, now, due).await {
            Ok(Some(Claimed::Step(step))) => step,
            Ok(Some(Claimed::Unreadable(row))) => return self.set_aside(tx, &row).await,
            Ok(None) => return Ok(Ran::Empty),
            Err(error) if error.is_race() => return Ok(Ran::Ran),
            Err(error) => return Err(error.into()),
        };
        tx.commit().await?;
        match self.holding(&step, self.next_move(&step)).await {
            Ok(()) | Err(Stop::Race) => Ok(Ran::Ran),
            Err(Stop::Fail(error)) if is_unreadable(&error) => {
                self.refuse_unreadable(&step, error).await
            }
            Err(Stop::Fail(error)) => Err(error),
            Err(Stop::Say { code, .. }) => anyhow::bail!("a step has nobody to talk to: {code}"),
        }
    }

    async fn next_move(&self, step: &Step) -> Flow<()> {
        let now = self.ctx.now();
        match &step.state {
            StepState::Queued { .. } => self.start(step).await,
            // Claimed without an answer: the process that made the call is gone.
            StepState::Intended { intent } if intent.accepted_at.is_none() => {
                self.move_on(step, Transition::Doubt(Doubt::Crash), Some(now))
                    .await
            }
            StepState::Reverting {
                intent: Some(intent),
                doubt: None,
                ..
            } if intent.accepted_at.is_none() => {
                self.move_on(step, Transition::Doubt(Doubt::Crash), Some(now))
                    .await
            }
            StepState::Intended { .. }
            | StepState::Uncertain { .. }
            | StepState::Reverting {
                intent: Some(_), ..
            } => self.read_back(step).await,
            StepState::Done { .. } => {
                self.move_on(step, Transition::Revert(RevertReason::Ended), Some(now))
                    .await
            }
            StepState::Reverting { intent: None, .. } => self.start_revert(step).await,
            StepState::Failed { .. }
            | StepState::Skipped { .. }
            | StepState::Reverted { .. }
            | StepState::RevertRefused { .. } => Ok(()),
        }
    }

    /// A queued step: check everything again, then send.
    async fn start(&self, step: &Step) -> Flow<()> {
        let now = self.ctx.now();
        let mut tx = self.store.snapshot().await?;
        if let Some(shut) = self.shut(&mut tx, now).await? {
            drop(tx);
            return self.wait_behind(step, &shut).await;
        }
        let whole = self.whole(&mut tx, step.proposal).await?;
        let overtaken = match &whole {
            Some(whole) => {
                let since = seen_until(whole, step);
                tx.overtaken_by(&step.connection, since, step.proposal)
                    .await?
            }
            None => None,
        };
        let about = super::propose::subject(step.proposal);
        let recorded = tx.audit_of(&about).await?;
        drop(tx);
        let checked = match &whole {
            Some(whole) => self.covered(whole, &recorded, step, now),
            None => Err(not_the_approved("the proposal is gone")),
        };
        let (whole, line) = match (whole.as_ref(), checked) {
            (Some(whole), Ok(line)) => (whole, line),
            (_, Err(reason)) => return self.skip(step, reason).await,
            (None, Ok(_)) => {
                return self
                    .skip(step, not_the_approved("the proposal is gone"))
                    .await;
            }
        };
        if let Some(proposal) = overtaken {
            return self.skip(step, SkipReason::OvertakenBy { proposal }).await;
        }
        match self.still_allowed(whole, line, now).await {
            Ok(None) => {}
            Ok(Some(why)) => return self.skip(step, SkipReason::NotAllowed { why }).await,
            Err(Stop::Say { .. }) => return self.defer(step, now + TimeDelta::seconds(30)).await,
            Err(stop) => return Err(stop),
        }
        let live = match self.read(&step.connection, Priority::People).await {
            Ok(Some(live)) => live,
            Ok(None) => return self.skip(step, SkipReason::Gone).await,
            Err(error) => return self.wait_for_fivetran(step, &error).await,
        };
        if let Some(reason) = unfit(line, &live) {
            return self.skip(step, reason).await;
        }
        let StepState::Queued { attempt, .. } = step.state else {
            return Ok(());
        };
        let call = Call::of(&line.action);
        let intent = Intent {
            body_sha256: call.body_sha256(),
            inverse: Call::inverse_of(&line.action, &PreImage::of(&live)),
            call,
            before: Connection { raw: None, ..live },
            attempt,
            at: self.ctx.now(),
            accepted_at: None,
            request_id: None,
        };
        let since = Some(seen_until(whole, step));
        self.intend_and_send(step, intent, since).await
    }

    /// Commits the intent, then makes the call, then commits what came of it. Whoever changed the
    /// connection after `since` has overtaken it.
    pub(super) async fn intend_and_send(
        &self,
        step: &Step,
        intent: Intent,
        since: Option<DateTime<Utc>>,
    ) -> Flow<()> {
        // The intent renews the lease, from its own time on.
        let held_since = self.ctx.monotonic();
        let call = intent.call.clone();
        let mut tx = self.store.begin().await?;
        // Read in the transaction of the intent: after a halt is committed nothing new is sent.
        if tx.halted_until_commit().await?.is_some() {
            drop(tx);
            return self
                .defer(step, self.ctx.now() + TimeDelta::seconds(10))
                .await;
        }
        let held_until = intent.at + self.store.lasting(STEP_LEASE);
        let change = Transition::Intend(Box::new(intent));
        let queued = step;
        let step = self
            .advance(
                &mut tx,
                queued,
                change,
                Some(held_until),
                Some(held_until),
                Actor::Syncgate,
            )
            .await?;
        // Once more: while this worker read, another may have carried out a proposal from intent to
        // outcome. From here on the row keeps everybody else from the connection.
        if let Some(since) = since
            && let Some(proposal) = tx
                .overtaken_by(&step.connection, since, step.proposal)
                .await?
        {
            drop(tx);
            return self
                .skip(queued, SkipReason::OvertakenBy { proposal })
                .await;
        }
        tx.commit().await?;
        crash_point!("intent-committed");
        self.wake.messages.notify_one();
        let lease = STEP_LEASE.to_std().unwrap_or_default();
        // The others see by the rows' clock whether it has ended, and that may have jumped.
        let is_over = self.ctx.now() > held_until;
        if is_over || held_since.elapsed() + Duration::from_secs(2) > lease {
            // We slept through our lease; another may have taken over. The row says "intended", so
            // it will be read back and, if nothing happened, sent again.
            return Ok(());
        }
        let send = self.fivetran.send(&step.connection, &call);
        let sent = self.holding(&step, send).await;
        crash_point!("call-answered");
        self.sent(&step, sent).await
    }

    /// Does something while renewing the lease of its step, so that only a dead worker's step is
    /// taken over, however slowly Fivetran or Slack answers. Once the step has moved on, there is
    /// nothing left to renew.
    async fn holding<T>(&self, step: &Step, work: impl Future<Output = T>) -> T {
        // Side by side: the work may hold the one connection that renewing waits for.
        tokio::select! {
            done = work => done,
            never = self.keep_renewing(step) => match never {},
        }
    }

    async fn keep_renewing(&self, step: &Step) -> Infallible {
        let every = STEP_LEASE.to_std().unwrap_or_default() / 4;
        let mut beat = tokio::time::interval(every);
        beat.tick().await;
        loop {
            beat.tick().await;
            // A lease that cannot be renewed changes nothing about the work under way.
            if let Err(error) = self.renew(step).await {
                tracing::warn!(step = step.id.0, %error, "cannot renew a lease");
            }
        }
    }

    async fn renew(&self, step: &Step) -> anyhow::Result<()> {
        let mut tx = self.store.begin().await?;
        tx.renew_step(step, self.ctx.now() + self.store.lasting(STEP_LEASE))
            .await?;
        Ok(tx.commit().await?)
    }

    /// Commits what came of the call.
    async fn sent(&self, step: &Step, sent: Sent) -> Flow<()> {
        let now = self.ctx.now();
        match sent {
            Sent::Accepted { request_id } => {
                let change = Transition::Accept { request_id };
                self.move_on(step, change, Some(now)).await?;
            }
            Sent::Refused {
                status, message, ..
            } => {
                let text = self.redacted(&format!("Fivetran refused it: {status} {message}"));
                match step.state {
                    // Another time it may be taken: 409, for example, while a setup runs.
                    StepState::Reverting { .. } if !matches!(status, 400 | 404 | 410) => {
                        self.revert_later(step, text).await?;
                    }
                    _ => self.move_on(step, Transition::Fail(text), None).await?,
                }
            }
            Sent::KeyRefused { status, message } => {
                self.key_refused(step, status, &message).await?
            }
            Sent::Throttled { retry_after } => {
                let due_at = now + TimeDelta::from_std(retry_after).unwrap_or(TimeDelta::hours(1));
                let note = RATE_LIMIT.to_owned();
                let mut tx = self.store.begin().await?;
                tx.pace(ACCOUNT, due_at).await?;
                let change = Transition::Requeue {
                    due_at,
                    sent: false,
                    note,
                };
                self.advance(&mut tx, step, change, Some(due_at), None, Actor::Syncgate)
                    .await?;
                self.finish(tx).await?;
            }
            Sent::NotSent { why } => {
                let due_at = now + TimeDelta::seconds(30);
                let note = self.redacted(&format!("Fivetran could not be reached: {why}"));
                let change = Transition::Requeue {
                    due_at,
                    sent: false,
                    note,
                };
                self.move_on(step, change, Some(due_at)).await?;
            }
            Sent::Unknown { status, detail } => {
                let detail = self.redacted(&detail);
                let doubt = match status {
                    Some(status) => Doubt::BadAnswer { status, detail },
                    None => Doubt::NoAnswer { detail },
                };
                self.move_on(step, Transition::Doubt(doubt), Some(now))
                    .await?;
            }
        }
        crash_point!("outcome-committed");
        Ok(())
    }

    async fn skip(&self, step: &Step, reason: SkipReason) -> Flow<()> {
        let alarm = match &reason {
            SkipReason::NotTheApproved { what } => Some(what.clone()),
            _ => None,
        };
        let mut tx = self.store.begin().await?;
        let change = Transition::Skip(reason);
        self.advance(&mut tx, step, change, None, None, Actor::Syncgate)
            .await?;
        if let Some(what) = alarm {
            self.alarm(&mut tx, step.proposal, &what).await?;
        }
        self.finish(tx).await
    }

    pub(super) async fn defer(&self, step: &Step, until: DateTime<Utc>) -> Flow<()> {
        let mut tx = self.store.begin().await?;
        tx.defer_step(step, until).await?;
        Ok(tx.commit().await?)
    }

    /// One transition in a transaction of its own.
    pub(super) async fn move_on(
        &self,
        step: &Step,
        change: Transition,
        run_after: Option<DateTime<Utc>>,
    ) -> Flow<()> {
        let mut tx = self.store.begin().await?;
        self.advance(&mut tx, step, change, run_after, None, Actor::Syncgate)
            .await?;
        self.finish(tx).await
    }

    pub(super) async fn finish(&self, tx: Tx) -> Flow<()> {
        tx.commit().await?;
        self.wake.messages.notify_one();
        self.wake.steps.notify_one();
        self.wake.questions.notify_one();
        Ok(())
    }
}

/// A sync so shortly before the time of a planned one has done what that was for.
const SAME_PURPOSE: TimeDelta = TimeDelta::minutes(30);

/// Whoever changed the connection after this has overtaken the step: since its card was made, and for
/// a sync at a set time only shortly before that. What the card showed of the schedule is compared
/// with the live connection anyway.
fn seen_until(whole: &Whole, step: &Step) -> DateTime<Utc> {
    let made = whole.revision.created_at;
    let line = whole.revision.line_of(step);
    let planned = line.and_then(|line| line.action.due_at());
    planned.map_or(made, |at| made.max(at - SAME_PURPOSE))
}
