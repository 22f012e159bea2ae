//! Fivetran's webhooks: each is a hint, and a reading says what is in it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::App;
use crate::fivetran::{Priority, ReadError, Webhook};
use crate::model::{Actor, ConnectionId};
use crate::store::InboxRow;

/// A webhook whose own time is older than this tells nothing about the present.
const STALE: TimeDelta = TimeDelta::days(1);
/// A failure that ended so close to a webhook's time is the one that the webhook tells of.
const NEAR: TimeDelta = TimeDelta::minutes(5);
/// For so long a reading may lag behind a webhook.
const LAG: TimeDelta = TimeDelta::minutes(2);
/// How soon it is read again then.
const AGAIN: TimeDelta = TimeDelta::seconds(45);
/// How long a webhook waits for its next reading while Fivetran cannot be read: at least, at most.
const SOON: TimeDelta = TimeDelta::seconds(2);
const SELDOM: TimeDelta = TimeDelta::minutes(10);

/// What comes of a webhook's hint.
enum Hint {
    Confirmed,
    Contradicted,
    /// The connection does not exist.
    Gone,
    /// It tells of nothing that a reading could change.
    Idle,
    /// It is too old to tell of the present.
    Stale,
    /// Fivetran tried the address out.
    Test,
    /// Not to be seen yet, and the webhook is young: read again later. A lag is no fault, so it does
    /// not count as an attempt.
    TooEarly,
}

impl App {
    /// A webhook is a hint: what it says is confirmed by reading before anything is decided.
    pub(super) async fn handle_webhook(&self, row: &InboxRow) -> anyhow::Result<()> {
        let webhook: Webhook = serde_json::from_str(&row.body)?;
        let outcome = match self.heed(row, &webhook).await {
            Ok(Hint::TooEarly) => return self.postpone(row, self.ctx.now() + AGAIN).await,
            Ok(hint) => hint.outcome(),
            Err(error) => match error.downcast_ref::<ReadError>() {
                Some(unread) => return self.heed_later(row, unread).await,
                None => return Err(error),
            },
        };
        let mut tx = self.store.begin().await?;
        let subject = webhook
            .connection_id
            .map_or_else(String::new, |id| format!("connection:{id}"));
        let facts = json!({ "event": webhook.event, "status": webhook.status, "outcome": outcome });
        tx.audit(self.entry("webhook.received", Actor::Syncgate, subject, facts));
        match tx.settle_inbox(&row.key, outcome).await {
            Ok(()) => Ok(tx.commit().await?),
            Err(error) if error.is_race() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What comes of a webhook. Fivetran is read only where the answer can change something: after a
    /// failure, or while an incident lives.
    async fn heed(&self, row: &InboxRow, webhook: &Webhook) -> anyhow::Result<Hint> {
        if webhook.is_test {
            return Ok(Hint::Test);
        }
        if self.ctx.now() - told_at(webhook, row.received_at) > STALE {
            return Ok(Hint::Stale);
        }
        let Some(id) = &webhook.connection_id else {
            return Ok(Hint::Idle);
        };
        if !webhook.tells_of_failure() {
            let open = self.store.snapshot().await?.open_incident(id).await?;
            if open.is_none() {
                return Ok(Hint::Idle);
            }
        }
        self.confirm(id, webhook, row.received_at).await
    }

    /// What a reading says of the hint.
    async fn confirm(
        &self,
        id: &ConnectionId,
        webhook: &Webhook,
        received_at: DateTime<Utc>,
    ) -> anyhow::Result<Hint> {
        let Some(connection) = self.read_soon(id, Priority::Background).await? else {
            self.gone(id).await?;
            return Ok(Hint::Gone);
        };
        let mut tx = self.store.begin().await?;
        tx.save_connection(&connection).await?;
        tx.commit().await?;
        // A reason belongs to one failure: the one that ended when the webhook says.
        let told_at = told_at(webhook, received_at);
        let same = |at: DateTime<Utc>| (at - told_at).abs() <= NEAR;
        let shows_it = connection.failed_at.is_some_and(same);
        let reason = webhook.reason.as_deref();
        let reason = reason.filter(|_| webhook.tells_of_failure() && shows_it);
        self.observe(&connection, reason).await?;
        let fresh = webhook.created.is_some() && self.ctx.now() - told_at < LAG;
        let later = connection.last_end().is_some_and(|at| at > told_at);
        Ok(match webhook.tells_of_failure() {
            true if shows_it => Hint::Confirmed,
            true if fresh && !later => Hint::TooEarly,
            true => Hint::Contradicted,
            false => Hint::Confirmed,
        })
    }

    /// Fivetran cannot be read now, and the webhook alone knows why the sync failed: it waits until
    /// Fivetran lets us read, or else for as long again as it has waited.
    async fn heed_later(&self, row: &InboxRow, why: &ReadError) -> anyhow::Result<()> {
        let now = self.ctx.now();
        let until = match why {
            ReadError::Throttled { until } | ReadError::Budget { until } => *until,
            ReadError::KeyRefused { .. }
            | ReadError::Unreachable { .. }
            | ReadError::Odd { .. } => now + (now - row.received_at).clamp(SOON, SELDOM),
        };
        tracing::warn!(delivery = %row.key, error = %why, %until, "a webhook is confirmed later");
        self.postpone(row, until).await
    }

    async fn postpone(&self, row: &InboxRow, until: DateTime<Utc>) -> anyhow::Result<()> {
        let mut tx = self.store.begin().await?;
        tx.postpone_inbox(&row.key, until).await?;
        Ok(tx.commit().await?)
    }
}

/// When a webhook was made, by its own word; a time that was still to come when it was received is
/// that of a clock that stands ahead.
fn told_at(webhook: &Webhook, received_at: DateTime<Utc>) -> DateTime<Utc> {
    webhook
        .created
        .map_or(received_at, |at| at.min(received_at))
}

impl Hint {
    /// The word for it in the audit chain.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::Gone => "gone",
            Self::Idle => "ignored",
            Self::Stale => "stale",
            Self::Test => "test",
            Self::TooEarly => "too_early",
        }
    }
}
