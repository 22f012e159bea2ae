//! The ways in which Fivetran's door is shut, for how long, and who is told: a halt, the account's
//! rate limit, a key that is refused, no answer at all.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{App, Flow};
use crate::fivetran::ReadError;
use crate::model::{Actor, Step, StepState, Transition};
use crate::slack::words;
use crate::store::Tx;

/// The account's door: shut after a 429 until Fivetran's own time.
pub(super) const ACCOUNT: &str = "fivetran";
/// What a card says meanwhile.
pub(super) const RATE_LIMIT: &str = "Fivetran's rate limit is used up";
/// Shut after Fivetran refused the key, until a reading shows that it works again.
const KEY: &str = "fivetran.key";
const KEY_REFUSED: &str = "Fivetran refuses the API key";
/// How long a refused key is not tried.
const KEY_REST: TimeDelta = TimeDelta::minutes(5);

/// Why nothing may be sent now.
pub(super) struct Shut {
    /// Until when.
    pub(super) until: DateTime<Utc>,
    /// What the cards of those who wait say; a halt shows by itself.
    note: Option<&'static str>,
}

impl App {
    /// Whether anything keeps every call from being sent.
    pub(super) async fn shut(&self, tx: &mut Tx, now: DateTime<Utc>) -> Flow<Option<Shut>> {
        if tx.halted().await?.is_some() {
            let until = now + TimeDelta::seconds(10);
            return Ok(Some(Shut { until, note: None }));
        }
        let mut shut = None;
        for (door, note) in [(ACCOUNT, RATE_LIMIT), (KEY, KEY_REFUSED)] {
            if let Some(until) = tx.paced_until(door).await?.filter(|until| *until > now) {
                shut = Some(Shut {
                    until,
                    note: Some(note),
                });
            }
        }
        Ok(shut)
    }

    /// A step that is to be sent waits behind a shut door, and its card says for what and until when.
    pub(super) async fn wait_behind(&self, step: &Step, shut: &Shut) -> Flow<()> {
        match shut.note {
            Some(note) => self.wait_and_say(step, shut.until, note.to_owned()).await,
            None => self.defer(step, shut.until).await,
        }
    }

    async fn wait_and_say(&self, step: &Step, due_at: DateTime<Utc>, note: String) -> Flow<()> {
        let told = match &step.state {
            StepState::Queued { note, .. } | StepState::Reverting { note, .. } => note.as_ref(),
            _ => None,
        };
        if told == Some(&note) {
            return self.defer(step, due_at).await;
        }
        let change = Transition::Requeue {
            due_at,
            sent: false,
            note,
        };
        self.move_on(step, change, Some(due_at)).await
    }

    /// Fivetran cannot be read: the step waits, and its card says why.
    pub(super) async fn wait_for_fivetran(&self, step: &Step, error: &ReadError) -> Flow<()> {
        let now = self.ctx.now();
        match error {
            ReadError::KeyRefused { status, message } => {
                self.reading_refused(step, *status, message).await
            }
            ReadError::Throttled { until } => {
                let mut tx = self.store.begin().await?;
                tx.pace(ACCOUNT, *until).await?;
                tx.commit().await?;
                self.wait_and_say(step, *until, RATE_LIMIT.to_owned()).await
            }
            ReadError::Budget { until } => {
                self.wait_and_say(step, *until, self.read_error(error))
                    .await
            }
            ReadError::Unreachable { .. } | ReadError::Odd { .. } => {
                let due_at = now + TimeDelta::seconds(20);
                self.wait_and_say(step, due_at, self.read_error(error))
                    .await
            }
        }
    }

    /// The connection may not be read: with a key that works otherwise, that is final for the
    /// action; taking something back is never given up for it.
    async fn reading_refused(&self, step: &Step, status: u16, message: &str) -> Flow<()> {
        let due_at = self.ctx.now() + KEY_REST;
        if self.key_is_revoked(status).await {
            let mut tx = self.store.begin().await?;
            self.shut_for_key(&mut tx, status).await?;
            self.finish(tx).await?;
            return self
                .wait_and_say(step, due_at, KEY_REFUSED.to_owned())
                .await;
        }
        let text = self.redacted(&format!("Fivetran refused the API key: {status} {message}"));
        match step.state {
            StepState::Queued { .. } => self.move_on(step, Transition::Fail(text), None).await,
            _ => {
                let mut tx = self.store.begin().await?;
                self.alert_of_revert(&mut tx, step).await?;
                self.finish(tx).await?;
                self.wait_and_say(step, due_at, text).await
            }
        }
    }

    /// 401 or 403 for a call. Nothing happened; a revoked key shuts the door for all. What came of
    /// the call is committed before anything else is asked.
    pub(super) async fn key_refused(&self, step: &Step, status: u16, message: &str) -> Flow<()> {
        let message = self.redacted(message);
        let text = format!("Fivetran refused the API key: {status} {message}");
        match step.state {
            StepState::Reverting { .. } => self.revert_later(step, text).await?,
            _ => self.move_on(step, Transition::Fail(text), None).await?,
        }
        if self.key_is_revoked(status).await {
            let mut tx = self.store.begin().await?;
            self.shut_for_key(&mut tx, status).await?;
            self.finish(tx).await?;
        }
        Ok(())
    }

    /// A key that opens nothing any more, or one that only lacks the right for a connection.
    pub(super) async fn key_is_revoked(&self, status: u16) -> bool {
        status == 401
            || matches!(
                self.fivetran.account().await,
                Err(ReadError::KeyRefused { .. })
            )
    }

    /// Nothing is sent for a while, and people are told once.
    async fn shut_for_key(&self, tx: &mut Tx, status: u16) -> Flow<()> {
        let now = self.ctx.now();
        let before = tx.paced_until(KEY).await?;
        tx.pace(KEY, now + KEY_REST).await?;
        if before.is_none_or(|until| until + KEY_REST < now) {
            let facts = json!({ "status": status });
            tx.audit(self.entry("fivetran.key_refused", Actor::Syncgate, "fivetran", facts));
        }
        let channel = self.policy.load().default_channel();
        // One alert a day at most, however many actions meet the same closed door.
        let key = format!("alert:fivetran.key:{}", now.date_naive());
        self.post(tx, key, &channel, &words::key_refused()).await
    }
}
