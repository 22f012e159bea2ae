//! Deliveries: each taken up by one worker of its lane.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::app::{App, Ran, Reply};
use crate::store::{InboxRow, Lane};

/// A delivery that failed so often is put aside.
const ATTEMPTS: i64 = 5;
/// How often a worker says that it still has its delivery: well within the lease.
const KEEP: Duration = Duration::from_secs(10);

/// Handles one delivery of a lane.
///
/// # Errors
/// When the database does not answer.
pub async fn run_inbox(app: &Arc<App>, lane: Lane) -> anyhow::Result<Ran> {
    let now = app.ctx.now();
    if !app.store.snapshot().await?.inbox_due(lane, now).await? {
        return Ok(Ran::Empty);
    }
    let mut tx = app.store.begin().await?;
    let claimed = tx.claim_inbox(&app.ctx.worker, lane, now).await;
    let row = match claimed {
        Ok(Some(row)) => row,
        Ok(None) => return Ok(Ran::Empty),
        // Another worker took that one; there may be a next.
        Err(error) if error.is_race() => return Ok(Ran::Ran),
        Err(error) => return Err(error.into()),
    };
    tx.commit().await?;
    if let Some(reply) = handle_held(app, &row).await {
        tell_late(app, &row, reply).await;
    }
    Ok(Ran::Ran)
}

/// Handles a delivery that the caller holds; `None` when it did not succeed, and is tried again
/// later or was put aside.
pub async fn handle_held(app: &Arc<App>, row: &InboxRow) -> Option<Reply> {
    let why = match run(app, row).await {
        Ok(reply) => return Some(reply),
        Err(why) => why,
    };
    tracing::error!(delivery = %row.key, attempts = row.attempts, error = %why, "a delivery failed");
    let put_back = if row.attempts >= ATTEMPTS {
        app.bury(row, &why).await
    } else {
        defer(app, row).await
    };
    if let Err(error) = put_back {
        // Its lease brings it back.
        tracing::error!(delivery = %row.key, error = format!("{error:#}"), "it could not be put back");
    }
    None
}

/// Tells the person by a message what nobody waits for any more.
pub async fn tell_late(app: &Arc<App>, row: &InboxRow, reply: Reply) {
    let Reply::FieldErrors(errors) = reply else {
        return;
    };
    if let Err(error) = app.tell_fields(row, &errors).await {
        tracing::error!(delivery = %row.key, error = format!("{error:#}"), "a form's errors are not told");
    }
}

/// Runs the handling in a task of its own, so that its panic ends nothing else, and keeps the
/// delivery for it however long it takes.
async fn run(app: &Arc<App>, row: &InboxRow) -> Result<Reply, String> {
    let mut task = {
        let app = app.clone();
        let row = row.clone();
        tokio::spawn(async move { app.handle(&row).await })
    };
    loop {
        tokio::select! {
            ended = &mut task => return match ended {
                Ok(Ok(reply)) => Ok(reply),
                Ok(Err(error)) => Err(format!("{error:#}")),
                Err(error) => Err(format!("panicked: {}", error.is_panic())),
            },
            () = tokio::time::sleep(KEEP) => {
                if let Err(error) = keep(app, row).await {
                    tracing::warn!(delivery = %row.key, error = format!("{error:#}"), "not kept");
                }
            }
        }
    }
}

async fn keep(app: &App, row: &InboxRow) -> anyhow::Result<()> {
    let mut tx = app.store.begin().await?;
    tx.keep_inbox(&row.key, app.ctx.now()).await?;
    Ok(tx.commit().await?)
}

async fn defer(app: &App, row: &InboxRow) -> anyhow::Result<()> {
    let mut tx = app.store.begin().await?;
    let wait = TimeDelta::seconds(2_i64.pow(u32::try_from(row.attempts.clamp(0, 6)).unwrap_or(0)));
    tx.defer_inbox(&row.key, app.ctx.now() + wait).await?;
    Ok(tx.commit().await?)
}
