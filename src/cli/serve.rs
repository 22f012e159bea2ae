//! `syncgate serve`: the service.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::serve::ListenerExt;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::assemble::{self, Assembled};
use super::{Failure, Outcome, logging};
use crate::config::{Settings, Variables};
use crate::http::{Door, recorder, router, serve_socket};
use crate::jobs;
use crate::model::Clock;
use crate::slack::SlackClient;
use crate::slack::socket::Line;
use crate::store::{Access, Store};

/// What has not ended by then after SIGTERM is left to the next start: it is all in the database.
const DRAIN: Duration = Duration::from_secs(8);

pub(super) async fn run(variables: &Variables) -> Outcome {
    logging::start(variables);
    let (settings, file) = assemble::settings(variables)?;
    let service = start(assemble::clock(), &settings, file).await?;
    service.until_stopped().await?;
    Ok(ExitCode::SUCCESS)
}

/// Words that every kind of finder looks at.
const FIRST_USE: &str = "password=none url=postgres://user:word@host/db?x=1 to a.b@example.com +1 555 0100 Bearer abcdef";

/// Moves what was measured into its buckets: without that it would be kept, one by one, until somebody
/// asks.
async fn drain(metrics: PrometheusHandle) {
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        metrics.run_upkeep();
    }
}

/// A running service.
pub(super) struct Service {
    /// Where it listens.
    pub url: String,
    stop: watch::Sender<bool>,
    http: tokio::task::JoinHandle<std::io::Result<()>>,
    workers: tokio::task::JoinHandle<anyhow::Result<()>>,
    writer: tokio::task::JoinHandle<()>,
    /// In Socket Mode.
    socket: Option<tokio::task::JoinHandle<()>>,
    /// What it remembers.
    pub store: Store,
    _lock: crate::store::Lock,
}

/// Starts the service by this clock; when this returns, it answers.
pub(super) async fn start(
    clock: Clock,
    settings: &Settings,
    file: crate::app::PolicyFile,
) -> Result<Service, Failure> {
    let Assembled {
        app,
        policy,
        writer,
        lock,
    } = assemble::app_by(clock, settings, file, Access::Serve).await?;
    logging::redact(&app);
    let listener = TcpListener::bind(settings.bind).await.map_err(|error| {
        Failure::User(format!(
            "SYNCGATE_BIND: cannot listen on {}: {error}; set it to a free address",
            settings.bind
        ))
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    if let Store::Sqlite { .. } = app.store {
        // Alone on this file: whatever a dead process held is free.
        let mut tx = app.store.begin().await?;
        tx.free_leases(app.ctx.now()).await?;
        tx.commit().await?;
    }
    app.record_policy().await?;
    let line = line(settings)?;
    let metrics = recorder();
    if let Some(metrics) = metrics.clone() {
        tokio::spawn(drain(metrics));
    }
    let door = Arc::new(Door {
        app: app.clone(),
        socket: line.as_ref().map(Line::status),
        slack_secrets: settings.slack_secrets.clone(),
        webhook_secrets: settings.webhook_secrets.clone(),
        metrics,
    });
    let (stop, stopped) = watch::channel(false);
    let mut closing = stopped.clone();
    let listener = listener.tap_io(|stream| {
        // Answers are small; without this each would wait for the peer's acknowledgement.
        let _ = stream.set_nodelay(true);
    });
    let socket = line.map(|line| tokio::spawn(serve_socket(door.clone(), line, stopped.clone())));
    let http = tokio::spawn(
        axum::serve(listener, router(door))
            .with_graceful_shutdown(async move {
                let _ = closing.wait_for(|stop| *stop).await;
            })
            .into_future(),
    );
    let writer = tokio::spawn(writer);
    let workers = tokio::spawn(jobs::run(app.clone(), policy, stopped));
    let warm = app.clone();
    // What finds secrets takes some 60 ms to compile itself at its first use: nobody should wait for
    // it.
    tokio::task::spawn_blocking(move || warm.clean(FIRST_USE.to_owned()));
    let policy = app.policy.load();
    tracing::info!(%url, database = app.store.engine(), policy = policy.short_hash(), "ready");
    drop(policy);
    Ok(Service {
        url,
        stop,
        http,
        workers,
        writer,
        socket,
        store: app.store.clone(),
        _lock: lock,
    })
}

/// The line to Slack, where Socket Mode is on.
fn line(settings: &Settings) -> Result<Option<Line>, Failure> {
    let Some(token) = &settings.slack_app_token else {
        return Ok(None);
    };
    let client = SlackClient::new(&settings.slack_api, token.clone())?;
    Ok(Some(Line::new(client)))
}

/// When a part that need not be there ends; never where it is not.
async fn ended(part: &mut Option<tokio::task::JoinHandle<()>>) {
    match part {
        Some(part) => drop(part.await),
        None => std::future::pending().await,
    }
}

impl Service {
    /// Runs until SIGTERM or Ctrl-C, then drains.
    ///
    /// # Errors
    /// When a part of the service ends by itself: it must not go on without it.
    pub async fn until_stopped(mut self) -> anyhow::Result<()> {
        let disk = self.store.disk();
        let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        tokio::select! {
            ended = &mut self.workers => {
                ended.context("the workers")??;
                anyhow::bail!("the workers ended");
            }
            ended = &mut self.http => {
                ended.context("the HTTP server")??;
                anyhow::bail!("the HTTP server ended");
            }
            () = ended(&mut self.socket) => anyhow::bail!("Slack's socket ended"),
            _ = &mut self.writer => anyhow::bail!("the inbox writer ended"),
            () = disk.failed() => anyhow::bail!(
                "the disk under DATABASE_URL failed to keep what was written; look after it, then start again"
            ),
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("stopping: nothing new is begun, what is under way is finished");
        let _ = self.stop.send(true);
        let drained = tokio::time::timeout(DRAIN, async {
            let _ = (&mut self.http).await;
            if self.socket.is_some() {
                ended(&mut self.socket).await;
            }
            let _ = (&mut self.workers).await;
        })
        .await;
        if drained.is_err() {
            tracing::warn!("not everything ended in time; the next start goes on with it");
        }
        // Folding SQLite's log into its file takes a moment; a hanging server must not keep us.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.store.close()).await;
        Ok(())
    }
}
