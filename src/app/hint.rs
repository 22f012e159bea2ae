//! Fivetran's webhooks: each is a hint, and a reading says what is in it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::App;
use crate::fivetran::{Priority, Webhook};
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

/// What a reading says of a webhook's hint.
enum Hint {
    Confirmed,
    Contradicted,
    /// The connection does not exist.
    Gone,
    /// Not to be seen yet, and the webhook is young.
    TooEarly,
}

impl App {
    /// A webhook is a hint: what it says is confirmed by reading before anything is decided.
    pub(super) async fn handle_webhook(&self, row: &InboxRow) -> anyhow::Result<()> {
        let webhook: Webhook = serde_json::from_str(&row.body)?;
        let stale = webhook
            .created
            .is_some_and(|at| row.received_at - at > STALE);
        let outcome = match (&webhook.connection_id, stale) {
            _ if webhook.is_test => "test",
            (_, true) => "stale",
            (None, _) => "ignored",
            (Some(id), false) => match self.confirm(id, &webhook, row.received_at).await? {
                Hint::Confirmed => "confirmed",
                Hint::Contradicted => "contradicted",
                Hint::Gone => "gone",
                Hint::TooEarly => return self.look_again_soon(row).await,
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

    /// What a reading says of the hint.
    async fn confirm(
        &self,
        id: &ConnectionId,
        webhook: &Webhook,
        received_at: DateTime<Utc>,
    ) -> anyhow::Result<Hint> {
        let Some(connection) = self.read(id, Priority::Background).await? else {
            self.gone(id).await?;
            return Ok(Hint::Gone);
        };
        let mut tx = self.store.begin().await?;
        tx.save_connection(&connection).await?;
        tx.commit().await?;
        // A reason belongs to one failure: the one that ended when the webhook says.
        let told_at = webhook.created.unwrap_or(received_at);
        let same = |at: DateTime<Utc>| (at - told_at).abs() <= NEAR;
        let shows_it = connection.failed_at.is_some_and(same);
        let reason = webhook.reason.as_deref();
        let reason = reason.filter(|_| webhook.tells_of_failure() && shows_it);
        self.observe(&connection, reason).await?;
        let fresh = webhook.created.is_some_and(|at| self.ctx.now() - at < LAG);
        let later = connection.last_end().is_some_and(|at| at > told_at);
        Ok(match webhook.tells_of_failure() {
            true if shows_it => Hint::Confirmed,
            true if fresh && !later => Hint::TooEarly,
            true => Hint::Contradicted,
            false => Hint::Confirmed,
        })
    }

    /// Fivetran's readings may lag behind its webhooks: a failure that cannot be seen yet is looked
    /// for again.
    async fn look_again_soon(&self, row: &InboxRow) -> anyhow::Result<()> {
        let mut tx = self.store.begin().await?;
        tx.defer_inbox(&row.key, self.ctx.now() + AGAIN).await?;
        Ok(tx.commit().await?)
    }
}
