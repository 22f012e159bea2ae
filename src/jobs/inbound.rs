//! Deliveries: claimed in small groups, handled one by one.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::app::{App, Ran, Reply};
use crate::store::InboxRow;

/// Deliveries that are claimed in one transaction.
const GROUP: i64 = 16;
/// A delivery that failed so often is put aside.
const ATTEMPTS: i64 = 5;
/// While so many deliveries share a commit, the door is pressed: acknowledging comes first.
const PRESSED: usize = 8;
/// How long handling rests for the door's sake, at most once per group.
const YIELD: Duration = Duration::from_millis(250);

/// Handles what waits.
///
/// # Errors
/// When the database does not answer.
pub async fn run_inbox(app: &Arc<App>) -> anyhow::Result<Ran> {
    if app.inbox.pressure() >= PRESSED {
        // Slack gives three seconds for the acknowledgement and none for the answer.
        tokio::time::sleep(YIELD).await;
    }
    let mut tx = app.store.begin().await?;
    let rows = tx
        .claim_inbox(&app.ctx.worker, app.ctx.now(), GROUP)
        .await?;
    if rows.is_empty() {
        return Ok(Ran::Empty);
    }
    tx.commit().await?;
    for row in rows {
        handle(app, &row).await?;
    }
    Ok(Ran::Ran)
}

/// Handles a delivery whose bringer waits for the answer and holds it.
pub async fn handle_held(app: &Arc<App>, row: &InboxRow) -> anyhow::Result<Reply> {
    handle(app, row).await
}

async fn handle(app: &Arc<App>, row: &InboxRow) -> anyhow::Result<Reply> {
    let task = {
        let app = app.clone();
        let row = row.clone();
        tokio::spawn(async move { app.handle(&row).await })
    };
    let why = match task.await {
        Ok(Ok(reply)) => return Ok(reply),
        Ok(Err(error)) => format!("{error:#}"),
        Err(error) => format!("panicked: {}", error.is_panic()),
    };
    tracing::error!(delivery = %row.key, attempts = row.attempts, error = %why, "a delivery failed");
    if row.attempts >= ATTEMPTS {
        app.bury(row, &why).await?;
        return Ok(Reply::Taken);
    }
    let mut tx = app.store.begin().await?;
    let wait = TimeDelta::seconds(2_i64.pow(u32::try_from(row.attempts.clamp(0, 6)).unwrap_or(0)));
    tx.defer_inbox(&row.key, app.ctx.now() + wait).await?;
    tx.commit().await?;
    Ok(Reply::Taken)
}
