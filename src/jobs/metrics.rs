//! Gauges that are read from the database, since that is where the state is.

use std::sync::Arc;

use metrics::gauge;

use crate::app::{App, Ran};

/// Brings the gauges up to date.
pub(super) async fn update(app: &Arc<App>) -> anyhow::Result<Ran> {
    let health = app.health().await?;
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let set = |name: &'static str, value: i64| gauge!(name).set(value as f64);
    set("syncgate_inbox_waiting", health.inbox_waiting);
    set("syncgate_inbox_oldest_seconds", health.inbox_oldest_s);
    set("syncgate_inbox_dead", health.inbox_dead);
    set("syncgate_messages_waiting", health.messages_waiting);
    set("syncgate_messages_oldest_seconds", health.messages_oldest_s);
    set("syncgate_messages_dead", health.messages_dead);
    set("syncgate_questions_waiting", health.questions_waiting);
    set("syncgate_proposals_waiting", health.proposals_waiting);
    set("syncgate_incidents_open", health.incidents_open);
    set("syncgate_actions_open", health.actions_open);
    set(
        "syncgate_overrides",
        i64::try_from(health.overrides).unwrap_or(i64::MAX),
    );
    set("syncgate_halted", i64::from(health.halted));
    Ok(Ran::Ran)
}
