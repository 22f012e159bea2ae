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
use crate::store::Lane;

pub use inbound::{handle_held, run_inbox, tell_late};

/// How often a worker looks for work that nobody rang for: retries, timers, other replicas' rows.
const IDLE: Duration = Duration::from_millis(500);
/// How long a worker rests after a fault of the database.
const AFTER_FAULT: Duration = Duration::from_secs(1);
/// While so many deliveries share a commit, the door is pressed: acknowledging comes first. Slack
/// gives three seconds for that, and for the answer half an hour.
const PRESSED: usize = 8;
/// How long a worker rests for the door's sake, at most once per step.
const YIELD: Duration = Duration::from_secs(1);
/// How often receipts are chained: one record for many, and each soon enough.
const RECEIPTS: Duration = Duration::from_secs(10);
/// A timed job that failed is tried again after this at the latest.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// Steps that run side by side: each waits for Fivetran most of its time.
const STEP_WORKERS: usize = 4;
/// Messages that are sent side by side.
const MESSAGE_WORKERS: usize = 2;
/// Questions to the model that are asked side by side.
const QUESTION_WORKERS: usize = 2;

/// Deliveries of a lane that are handled side by side.
fn inbox_workers(lane: Lane) -> usize {
    match lane {
        // Each may wait for Fivetran, and a person waits for it.
        Lane::Ask => 4,
        Lane::Decide | Lane::Hint => 2,
    }
}

/// Runs every worker until `stop` says so, then lets each finish what it has begun.
///
/// # Errors
/// When a worker ends on its own: a bug, and the process must not go on without it.
pub async fn run(
    app: Arc<App>,
    policy: Arc<PolicyFile>,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut workers = Workers {
        running: JoinSet::new(),
        app,
        stop,
    };
    workers.start(policy);
    while let Some(ended) = workers.running.join_next().await {
        if !*workers.stop.borrow() {
            let why = ended.map_or_else(|error| error.to_string(), |name| format!("{name} ended"));
            anyhow::bail!("a worker stopped: {why}");
        }
    }
    Ok(())
}

/// The workers, each a loop in a task of its own.
struct Workers {
    running: JoinSet<&'static str>,
    app: Arc<App>,
    stop: watch::Receiver<bool>,
}

impl Workers {
    /// The timetable.
    fn start(&mut self, policy: Arc<PolicyFile>) {
        let seconds = Duration::from_secs;
        for _ in 0..STEP_WORKERS {
            self.work(
                "steps",
                |app| &app.wake.steps,
                |app| async move { app.run_step().await },
            );
        }
        for _ in 0..MESSAGE_WORKERS {
            self.work(
                "messages",
                |app| &app.wake.messages,
                |app| async move { app.deliver_one().await },
            );
        }
        for _ in 0..QUESTION_WORKERS {
            self.work(
                "questions",
                |app| &app.wake.questions,
                |app| async move { app.ask_model().await },
            );
        }
        for lane in Lane::ALL {
            for _ in 0..inbox_workers(lane) {
                self.work(
                    "inbox",
                    move |app| app.wake.lane(lane),
                    move |app| async move { run_inbox(&app, lane).await },
                );
            }
        }
        self.repeat(
            "timers",
            seconds(1),
            |app| async move { app.run_timers().await },
        );
        self.repeat(
            "digest",
            seconds(1),
            |app| async move { app.run_digest().await },
        );
        self.repeat("pictures", seconds(1), |app| async move {
            while app.run_picture().await? == Ran::Ran {}
            Ok(Ran::Ran)
        });
        self.repeat("poll", seconds(1), |app| async move { app.poll().await });
        self.repeat("slack identity", seconds(600), |app| async move {
            app.learn_team().await
        });
        self.repeat("slack groups", seconds(600), |app| async move {
            app.learn_groups().await
        });
        self.repeat(
            "forget",
            seconds(30),
            |app| async move { app.forget().await },
        );
        self.repeat("fivetran identity", seconds(600), |app| async move {
            app.learn_account().await
        });
        self.repeat("webhook", seconds(600), |app| async move {
            app.watch_webhook().await
        });
        self.repeat("fold", seconds(1), |app| async move {
            app.store.fold().await?;
            Ok(Ran::Ran)
        });
        let stop = self.stop.clone();
        self.repeat("receipts", RECEIPTS, move |app| {
            let stop = stop.clone();
            async move {
                while !*stop.borrow() && app.chain_receipts().await? == Ran::Ran {
                    stand_back(&app).await;
                }
                Ok(Ran::Ran)
            }
        });
        self.repeat("metrics", seconds(5), |app| async move {
            metrics::update(&app).await
        });
        self.repeat("policy", seconds(2), move |app| {
            let policy = policy.clone();
            async move { app.reload_policy(&policy).await }
        });
    }

    /// A worker that runs one step after the other while there is something to do.
    fn work<F>(
        &mut self,
        name: &'static str,
        bell: impl Fn(&App) -> &Notify + Send + 'static,
        step: impl Fn(Arc<App>) -> F + Send + 'static,
    ) where
        F: Future<Output = anyhow::Result<Ran>> + Send + 'static,
    {
        let (app, mut stop) = (self.app.clone(), self.stop.clone());
        self.running.spawn(async move {
            while !*stop.borrow() {
                stand_back(&app).await;
                let rest = match caught(name, step(app.clone())).await {
                    Some(Ok(Ran::Ran)) => continue,
                    Some(Ok(Ran::Empty)) => IDLE,
                    Some(Err(error)) => {
                        let error = format!("{error:#}");
                        tracing::error!(worker = name, error, "a step failed");
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
    fn repeat<F>(
        &mut self,
        name: &'static str,
        every: Duration,
        step: impl Fn(Arc<App>) -> F + Send + 'static,
    ) where
        F: Future<Output = anyhow::Result<Ran>> + Send + 'static,
    {
        let (app, mut stop) = (self.app.clone(), self.stop.clone());
        self.running.spawn(async move {
            while !*stop.borrow() {
                let rest = match caught(name, step(app.clone())).await {
                    Some(Err(error)) => {
                        let error = format!("{error:#}");
                        tracing::warn!(job = name, error, "a timed job failed");
                        every.min(AFTER_FAILURE)
                    }
                    Some(Ok(_)) | None => every,
                };
                tokio::select! {
                    () = tokio::time::sleep(rest) => {}
                    _ = stop.changed() => {}
                }
            }
            name
        });
    }
}

/// Rests while the door is pressed.
async fn stand_back(app: &App) {
    if app.inbox.pressure() >= PRESSED {
        tokio::time::sleep(YIELD).await;
    }
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
