//! `syncgate demo`: the whole product on one machine, against a simulated Slack and Fivetran.
//!
//! The service is the real one, on a port of its own, configured as any other; only the addresses
//! it is given are the simulators'. Its database lives in a temporary folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use tokio::net::TcpListener;

use super::serve;
use super::{Failure, Outcome, logging};
use crate::app::PolicyFile;
use crate::config::{Settings, Variables};
use crate::model::{Clock, Ctx};
use crate::sim::fault::Faults;
use crate::sim::fivetran::{FivetranSim, Outcome as SyncOutcome};
use crate::sim::ledger::{Ledger, Service};
use crate::sim::page::{self, Extra, Fields};
use crate::sim::scenarios::demo as scenario;
use crate::sim::serve::Server;
use crate::sim::slack::{SlackSim, User};
use crate::sim::{SimClock, serve as serve_sim};

const CHANNEL: &str = "C0DATAOPS";
const LEAD: &str = "U0LEAD";
/// The connection whose failure the demo opens with: it can simply be tried again.
const FAILED: &str = "gentle_harvest";

pub(super) async fn run(variables: &Variables) -> Outcome {
    logging::start(variables);
    let page_listener = listen(variables).await?;
    let page_url = format!("http://{}", page_listener.local_addr()?);
    let outside = Outside::start().await?;
    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let service = outside.serve(folder.path()).await?;
    let Outside {
        slack, fivetran, ..
    } = &outside;
    let router = page::router(slack.clone(), extra(fivetran));
    let page = tokio::spawn(axum::serve(page_listener, router).into_future());
    let log = tokio::spawn(keep_log(fivetran.clone(), log_folder(folder.path())));
    let webhooks = tokio::spawn(deliver_webhooks(fivetran.clone()));
    open(fivetran);
    println!("Syncgate demo: open {page_url} in a browser. Ctrl-C ends it; nothing is kept.");
    let ended = service.until_stopped().await;
    for task in [
        page.abort_handle(),
        log.abort_handle(),
        webhooks.abort_handle(),
    ] {
        task.abort();
    }
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// Listens for the page where `SYNCGATE_BIND` says.
async fn listen(variables: &Variables) -> Result<TcpListener, Failure> {
    let bind: SocketAddr = variables
        .get("SYNCGATE_BIND")
        .unwrap_or("127.0.0.1:8080")
        .parse()
        .map_err(|_| Failure::User("SYNCGATE_BIND: is no address; write 127.0.0.1:8080".into()))?;
    TcpListener::bind(bind).await.map_err(|error| {
        Failure::User(format!(
            "SYNCGATE_BIND: cannot listen on {bind}: {error}; set SYNCGATE_BIND to a free address"
        ))
    })
}

/// The simulated Slack and Fivetran, and what the service needs to speak with them.
struct Outside {
    slack: SlackSim,
    fivetran: FivetranSim,
    servers: [Server; 2],
    token: String,
    signing: String,
    webhook: String,
    key: String,
    secret: String,
}

impl Outside {
    async fn start() -> Result<Self, Failure> {
        let ctx = Ctx::new(Clock::machine());
        let clock: SimClock = {
            let ctx = ctx.clone();
            Arc::new(move || ctx.now())
        };
        let [signing, webhook, key, secret] = std::array::from_fn(|_| ctx.new_id());
        let token = format!("xoxb-{}", ctx.new_id());
        let fivetran = scenario::account(clock.clone(), &key, &secret);
        let slack = SlackSim::new(clock.clone(), &signing, &token);
        people(&slack);
        let (ledger, faults) = (Ledger::new(), Faults::new());
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let up = async |service, router| {
            let (ledger, faults) = (ledger.clone(), faults.clone());
            serve_sim::serve(service, router, ledger, faults, clock.clone(), any).await
        };
        let servers = [
            up(Service::Slack, slack.router()).await?,
            up(Service::Fivetran, fivetran.router()).await?,
        ];
        slack.set_public_url(servers[0].url());
        Ok(Self {
            slack,
            fivetran,
            servers,
            token,
            signing,
            webhook,
            key,
            secret,
        })
    }

    /// Starts the service with its files in this folder, and tells the simulators where it is.
    async fn serve(&self, folder: &Path) -> Result<serve::Service, Failure> {
        let policy = folder.join("policy.yml");
        std::fs::write(&policy, include_str!("demo_policy.yml"))?;
        std::fs::create_dir(log_folder(folder))?;
        let [slack, fivetran] = &self.servers;
        let settings = Settings::read(&Variables::of([
            ("SLACK_BOT_TOKEN", self.token.as_str()),
            ("SLACK_SIGNING_SECRET", &self.signing),
            ("SLACK_API_URL", &format!("{}/api", slack.url())),
            ("FIVETRAN_API_KEY", &self.key),
            ("FIVETRAN_API_SECRET", &self.secret),
            ("FIVETRAN_API_URL", &fivetran.url()),
            ("FIVETRAN_WEBHOOK_SECRET", &self.webhook),
            (
                "DATABASE_URL",
                &format!("sqlite://{}", folder.join("demo.db").display()),
            ),
            (
                "SYNCGATE_LOG_SOURCE",
                &format!("file:{}", log_folder(folder).display()),
            ),
            ("SYNCGATE_BIND", "127.0.0.1:0"),
        ]))?;
        let file = PolicyFile::new(policy, settings.own_secrets());
        let service = serve::start(&settings, file).await?;
        self.slack.set_target(&service.url);
        let webhooks = format!("{}/fivetran/webhooks", service.url);
        self.fivetran.set_webhook(&webhooks, &self.webhook);
        Ok(service)
    }
}

/// What the page shows beside the channel.
fn extra(fivetran: &FivetranSim) -> Extra {
    let (shown, switched) = (fivetran.clone(), fivetran.clone());
    Extra {
        title: "Syncgate demo".into(),
        panel: Arc::new(move || panel(&shown)),
        switch: Arc::new(move |fields| switch(&switched, &fields)),
    }
}

fn people(slack: &SlackSim) {
    slack.add_user(User::new(LEAD, "Lena Lead"));
    slack.add_user(User::new("U0ENGINEER", "Emil Engineer"));
    slack.add_user(User::new("U0ANALYST", "Ana Analyst"));
    slack.add_user(User {
        is_restricted: true,
        ..User::new("U0GUEST", "Gus Guest")
    });
    slack.add_group("S0DATAENG", "data-eng", &[LEAD, "U0ENGINEER"]);
    slack.add_group("S0ANALYTICS", "analytics", &["U0ANALYST", "U0ENGINEER"]);
    slack.add_channel(CHANNEL, "data-ops");
}

/// The demo opens with an incident; the policy's timetable brings the plan.
fn open(fivetran: &FivetranSim) {
    let reason = "com.zendesk.client.ZendeskResponseException: HTTP 503 Service Unavailable: \
                  the server is temporarily unable to handle the request";
    // What fails here is over when somebody tries again, within a minute.
    fivetran.repair(FAILED, 1);
    fivetran.next_sync(
        FAILED,
        SyncOutcome::fails(0, "unknown_sync_failure", "Sync failed", reason),
    );
    fivetran.start_sync(FAILED);
}

/// Where the simulated Platform Connector leaves its rows.
fn log_folder(folder: &Path) -> PathBuf {
    folder.join("log")
}

async fn deliver_webhooks(fivetran: FivetranSim) {
    loop {
        fivetran.tick();
        fivetran.deliver_webhooks().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Writes the log as soon as something fails: in the demo nobody waits for the connector. It waits for
/// no webhook, so the rows are there when the card is made.
async fn keep_log(fivetran: FivetranSim, log: PathBuf) {
    let mut logged = Vec::new();
    loop {
        fivetran.tick();
        let failures = failures(&fivetran);
        if failures != logged {
            if let Err(error) = write_log(&fivetran, &log) {
                tracing::warn!(%error, "the demo's log cannot be written");
            }
            logged = failures;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// When which connection failed last.
fn failures(fivetran: &FivetranSim) -> Vec<(String, DateTime<Utc>)> {
    let lines = fivetran.panel().connections.into_iter();
    let failed = lines.filter_map(|line| {
        let failed_at = fivetran.connection(&line.id)?.failed_at?;
        Some((line.id, failed_at))
    });
    failed.collect()
}

/// The newest rows of the log, as a whole file in the place of the last one.
fn write_log(fivetran: &FivetranSim, folder: &Path) -> anyhow::Result<()> {
    const ROWS: usize = 2_000;
    let rows = fivetran.log_rows();
    let mut text = String::new();
    for row in rows.iter().skip(rows.len().saturating_sub(ROWS)) {
        text.push_str(&serde_json::to_string(row)?);
        text.push('\n');
    }
    let unfinished = folder.join(".log.jsonl");
    std::fs::write(&unfinished, text)?;
    std::fs::rename(unfinished, folder.join("log.jsonl"))?;
    Ok(())
}

/// The simulated Fivetran beside the channel: what each connection does, and what arrived.
fn panel(fivetran: &FivetranSim) -> Markup {
    let panel = fivetran.panel();
    html! {
        h2 { "Simulated Fivetran" }
        table {
            thead { tr { th { "Connection" } th { "State" } th { "Every" } th { "" } } }
            tbody {
                @for line in &panel.connections {
                    tr {
                        td { strong { (line.schema) } br; small { (line.id) } }
                        td {
                            (line.sync_state)
                            @if line.failed { " · failed" }
                            @if line.schedule_type == "manual" { " · manual" }
                        }
                        td { (line.sync_frequency) " min" }
                        td {
                            form method="post" action="/page/switch" {
                                input type="hidden" name="connection" value=(line.id);
                                button name="do" value="fail" { "Fail now" }
                                button name="do" value="mend" { "Mend" }
                            }
                        }
                    }
                }
            }
        }
        h2 { "Changes that arrived" }
        @if panel.effects.is_empty() { p { "None yet." } }
        ol reversed {
            @for effect in panel.effects.iter().take(12) {
                li { (effect.at.format("%H:%M:%S")) " " (effect.connection_id) ": " (effect.what) }
            }
        }
    }
}

fn switch(fivetran: &FivetranSim, fields: &Fields) {
    let field = |name: &str| {
        fields
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    let Some(id) = field("connection") else {
        return;
    };
    match field("do") {
        Some("fail") => {
            let reason = "java.net.SocketTimeoutException: Read timed out after 300000 ms";
            fivetran.fail_now(
                id,
                SyncOutcome::fails(0, "unknown_sync_failure", "Sync failed", reason),
            );
        }
        Some("mend") => {
            fivetran.repair(id, 1);
        }
        _ => {}
    }
}
