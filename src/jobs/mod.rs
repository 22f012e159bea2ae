//! What drives the use cases: workers that find their work in the database, and a timetable.
//!
//! Each worker's step is a function of the [`App`] that does one thing and says whether there was
//! anything to do. The loops here only wait. A step that panics is caught and its row comes back
//! after its lease; a loop that ends takes the process with it, visibly.

mod inbound;
mod metrics;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::app::{App, PolicyFile, Ran};

pub use inbound::{handle_held, run_inbox};

/// How often a worker looks for work that nobody rang for: retries, timers, other replicas' rows.
const IDLE: Duration = Duration::from_millis(500);
/// How long a worker rests after a fault of the database.
const AFTER_FAULT: Duration = Duration::from_secs(1);
/// How often receipts are chained: one record for many, and each soon enough.
const RECEIPTS: Duration = Duration::from_secs(10);
/// Steps that run side by side: each waits for Fivetran most of its time.
const STEP_WORKERS: usize = 4;
/// Messages that are sent side by side.
const MESSAGE_WORKERS: usize = 2;

/// Runs every worker until `stop` says so, then lets each finish what it has begun.
///
/// # Errors
/// When a worker ends on its own: a bug, and the process must not go on without it.
pub async fn run(
    app: Arc<App>,
    policy: Arc<PolicyFile>,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut workers = JoinSet::new();
    for _ in 0..STEP_WORKERS {
        let app = app.clone();
        let task = app.clone();
        spawn(
            &mut workers,
            "steps",
            stop.clone(),
            app,
            |app| &app.wake.steps,
            move || {
                let app = task.clone();
                async move { app.run_step().await }
            },
        );
    }
    for _ in 0..MESSAGE_WORKERS {
        let app = app.clone();
        let task = app.clone();
        spawn(
            &mut workers,
            "messages",
            stop.clone(),
            app,
            |app| &app.wake.messages,
            move || {
                let app = task.clone();
                async move { app.deliver_one().await }
            },
        );
    }
    let task = app.clone();
    spawn(
        &mut workers,
        "inbox",
        stop.clone(),
        app.clone(),
        |app| &app.wake.inbox,
        move || {
            let app = task.clone();
            async move { run_inbox(&app).await }
        },
    );
    timed(
        &mut workers,
        "timers",
        Duration::from_secs(1),
        stop.clone(),
        app.clone(),
        |app| Box::pin(async move { app.run_timers().await }),
    );
    timed(
        &mut workers,
        "poll",
        Duration::from_secs(1),
        stop.clone(),
        app.clone(),
        |app| Box::pin(async move { app.poll().await }),
    );
    timed(
        &mut workers,
        "slack identity",
        Duration::from_mins(10),
        stop.clone(),
        app.clone(),
        |app| Box::pin(async move { app.learn_team().await }),
    );
    timed(
        &mut workers,
        "fivetran identity",
        Duration::from_mins(10),
        stop.clone(),
        app.clone(),
        |app| Box::pin(async move { app.learn_account().await }),
    );
    timed(
        &mut workers,
        "fold",
        Duration::from_secs(1),
        stop.clone(),
        app.clone(),
        |app| {
            Box::pin(async move {
                app.store.fold().await?;
                Ok(Ran::Ran)
            })
        },
    );
    timed(
        &mut workers,
        "receipts",
        RECEIPTS,
        stop.clone(),
        app.clone(),
        |app| {
            Box::pin(async move {
                while app.chain_receipts().await? == Ran::Ran {}
                Ok(Ran::Ran)
            })
        },
    );
    timed(
        &mut workers,
        "metrics",
        Duration::from_secs(5),
        stop.clone(),
        app.clone(),
        |app| Box::pin(async move { metrics::update(&app).await }),
    );
    timed(
        &mut workers,
        "policy",
        Duration::from_secs(2),
        stop.clone(),
        app,
        move |app| {
            let policy = policy.clone();
            Box::pin(async move { app.reload_policy(&policy).await })
        },
    );
    while let Some(ended) = workers.join_next().await {
        if !*stop.borrow() {
            let why = ended.map_or_else(|error| error.to_string(), |name| format!("{name} ended"));
            anyhow::bail!("a worker stopped: {why}");
        }
    }
    Ok(())
}

type Step = std::pin::Pin<Box<dyn Future<Output = anyhow::Result<Ran>> + Send>>;

/// A worker that runs one step after the other while there is something to do.
fn spawn<F>(
    workers: &mut JoinSet<&'static str>,
    name: &'static str,
    mut stop: watch::Receiver<bool>,
    app: Arc<App>,
    bell: fn(&App) -> &Notify,
    step: impl Fn() -> F + Send + 'static,
) where
    F: Future<Output = anyhow::Result<Ran>> + Send + 'static,
{
    workers.spawn(async move {
        while !*stop.borrow() {
            let rest = match caught(name, step()).await {
                Some(Ok(Ran::Ran)) => continue,
                Some(Ok(Ran::Empty)) => IDLE,
                Some(Err(error)) => {
                    tracing::error!(worker = name, error = format!("{error:#}"), "a step failed");
                    AFTER_FAULT
                }
                None => AFTER_FAULT,
            };
            tokio::select! {
                () = bell(&app).notified() => {}
                () = tokio::time::sleep(rest) => {}
                _ = stop.changed() => {}
            }
        }
        name
    });
}

/// Something that is done again and again, with a pause in between.
fn timed(
    workers: &mut JoinSet<&'static str>,
    name: &'static str,
    every: Duration,
    mut stop: watch::Receiver<bool>,
    app: Arc<App>,
    step: impl Fn(Arc<App>) -> Step + Send + 'static,
) {
    workers.spawn(async move {
        while !*stop.borrow() {
            let rest = match caught(name, step(app.clone())).await {
                Some(Ok(_)) => every,
                Some(Err(error)) => {
                    tracing::warn!(
                        job = name,
                        error = format!("{error:#}"),
                        "a timed job failed"
                    );
                    every.min(Duration::from_secs(10))
                }
                None => every,
            };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                _ = stop.changed() => {}
            }
        }
        name
    });
}

/// Runs a step in a task of its own, so that its panic ends nothing else. The panic itself was
/// reported by the process's hook.
async fn caught<F>(name: &str, step: F) -> Option<anyhow::Result<Ran>>
where
    F: Future<Output = anyhow::Result<Ran>> + Send + 'static,
{
    match tokio::spawn(step).await {
        Ok(result) => Some(result),
        Err(error) if error.is_panic() => {
            tracing::error!(worker = name, "a step did not finish");
            None
        }
        // The runtime is being taken down, and this task with it.
        Err(_) => std::future::pending().await,
    }
}
