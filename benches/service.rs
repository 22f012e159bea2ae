//! The real binary between the simulated Slack and Fivetran, without a model: from a failed sync's
//! webhook to the card in the channel; `doctor` with all up; and an account of 5,000 connections, read
//! and planned. Reports; asserts nothing.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench measures real time, and stops when it cannot go on"
)]

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use syncgate::model::Clock;
use syncgate::sim::SimClock;
use syncgate::sim::fault::Faults;
use syncgate::sim::fivetran::{Connection, FivetranSim, Group, Outcome};
use syncgate::sim::ledger::{Ledger, Service};
use syncgate::sim::serve::{self, Server};
use syncgate::sim::slack::{SlackSim, User, plain};

const FAILURES: usize = 60;
/// Between two failures: a channel takes one message a second.
const APART: Duration = Duration::from_secs(3);
const FLEET: usize = 5_000;
const LOOK: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(60);
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const BOT: &str = "xoxb-bench";
const CHANNEL: &str = "C0BENCH";
const POLICY: &str = "version: 1\ntimezone: UTC\nchannels: {default: C0BENCH}\nroles: {viewer: [everyone], approver: [U0A]}\nconnections: [{match: {schema: \"schema_*\"}, sla: {max_age: 3h}}]\n";

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        cards().await;
        fleet().await;
    });
}

/// From a failure to its card, and `doctor` beside the service.
async fn cards() {
    let place = Place::new(FAILURES).await;
    let _serve = Serve(place.command("serve").spawn().unwrap());
    place.ready().await;
    let hook = format!("http://{}/fivetran/webhooks", place.address);
    place.fivetran.set_webhook(&hook, SECRET);
    let mut taken = Vec::new();
    for n in 0..FAILURES {
        let outcome = Outcome::fails(0, "reconnect", "Reconnect", "connection refused");
        let failed = Instant::now();
        assert!(place.fivetran.fail_now(&id(n), outcome));
        place.fivetran.deliver_webhooks().await;
        let title = format!("schema_{n} {}", id(n));
        until("the card is there", async || {
            let mut all = place.slack.messages(CHANNEL).into_iter();
            all.any(|message| plain(&message).contains(&title))
        })
        .await;
        taken.push(failed.elapsed());
        tokio::time::sleep(APART).await;
    }
    taken.sort();
    let at = |share: usize| taken[(taken.len() * share).div_ceil(100) - 1];
    let (half, most, worst) = (at(50), at(95), at(100));
    println!("{FAILURES} webhooks to cards: p50 {half:.0?}, p95 {most:.0?}, worst {worst:.0?}");
    println!("doctor, all up: {:.0?}", place.run("doctor").await);
}

/// The whole of `plan`: the account is read by the API, a thousand connections a call, and planned.
async fn fleet() {
    let place = Place::new(FLEET).await;
    let taken = place.run("plan").await;
    let requests = place.ledger.entries();
    let lists = requests
        .iter()
        .filter(|r| r.path.starts_with("/v1/connections?"));
    let lists = lists.count();
    println!("plan, {FLEET} connections: {taken:.0?}, {lists} calls for the list of connections");
}

/// Simulators, and a folder for the service between them.
struct Place {
    slack: SlackSim,
    fivetran: FivetranSim,
    ledger: Ledger,
    folder: tempfile::TempDir,
    address: SocketAddr,
    servers: [Server; 2],
}

/// The service; it ends with the bench.
struct Serve(Child);

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Place {
    async fn new(connections: usize) -> Self {
        let machine = Clock::machine();
        let clock: SimClock = Arc::new(move || machine.now());
        let slack = SlackSim::new(clock.clone(), SECRET, BOT);
        let fivetran = FivetranSim::new(clock.clone(), "key", "secret");
        slack.add_user(User::new("U0A", "Ann"));
        slack.add_channel(CHANNEL, "data-ops");
        fivetran.add_group(Group::new("g", "Warehouse", "snowflake"));
        for n in 0..connections {
            let connection = Connection::new(&id(n), "postgres", &format!("schema_{n}"), "g");
            fivetran.add_connection(connection.every(360).succeeded_at(clock()));
        }
        let (any, ledger): (SocketAddr, _) = (([127, 0, 0, 1], 0).into(), Ledger::new());
        let up = async |service, router| {
            let (ledger, faults) = (ledger.clone(), Faults::new());
            let served = serve::serve(service, router, ledger, faults, clock.clone(), any);
            served.await.unwrap()
        };
        let servers = [
            up(Service::Slack, slack.router()).await,
            up(Service::Fivetran, fivetran.router()).await,
        ];
        slack.set_public_url(servers[0].url());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.yml"), POLICY).unwrap();
        let free = std::net::TcpListener::bind(any).unwrap();
        let address = free.local_addr().unwrap();
        Self {
            slack,
            fivetran,
            ledger,
            folder,
            address,
            servers,
        }
    }

    fn command(&self, subcommand: &str) -> Command {
        let database = format!("sqlite://{}", self.folder.path().join("db").display());
        let [slack, fivetran] = self.servers.each_ref().map(Server::url);
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncgate"));
        command
            .arg(subcommand)
            .env_clear()
            .envs([
                ("SLACK_BOT_TOKEN", BOT),
                ("SLACK_SIGNING_SECRET", SECRET),
                ("SLACK_API_URL", &format!("{slack}/api")),
                ("FIVETRAN_API_KEY", "key"),
                ("FIVETRAN_API_SECRET", "secret"),
                ("FIVETRAN_API_URL", &fivetran),
                ("FIVETRAN_WEBHOOK_SECRET", SECRET),
                ("DATABASE_URL", &database),
                ("SYNCGATE_POLICY", "policy.yml"),
                ("SYNCGATE_BIND", &self.address.to_string()),
                ("RUST_LOG", "warn"),
            ])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Runs a subcommand to its end; what it says of this place does not matter.
    async fn run(&self, subcommand: &str) -> Duration {
        let mut command = self.command(subcommand);
        let began = Instant::now();
        let ran = tokio::task::spawn_blocking(move || command.status());
        ran.await.unwrap().unwrap();
        began.elapsed()
    }

    /// Waits until the service knows its workspace and has read the account.
    async fn ready(&self) {
        let client = reqwest::Client::new();
        let url = format!("http://{}/readyz", self.address);
        until("it is ready", async || {
            let Ok(answer) = client.get(&url).send().await else {
                return false;
            };
            let body: serde_json::Value = answer.json().await.unwrap_or_default();
            body["state"]["slack_known"] == true
        })
        .await;
        tokio::time::sleep(APART).await;
    }
}

fn id(n: usize) -> String {
    format!("connection_{n}")
}

async fn until(what: &str, so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !so().await {
        assert!(began.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(LOOK).await;
    }
}
