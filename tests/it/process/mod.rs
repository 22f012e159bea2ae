//! The real binary as a process of its own, between the simulated Slack and Fivetran.
//!
//! Time is the machine's. A process can be started in its own future
//! (`SYNCGATE_CLOCK_AHEAD_S`, debug builds only), so that a call settles without three minutes of
//! waiting; the simulators' clock is moved by as much. Only processes that a [`Stage`] started are
//! ended by it, by their id.

mod check;
mod people;
mod tools;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use syncgate::model::Clock;
use syncgate::sim::SimClock;
use syncgate::sim::fault::Faults;
use syncgate::sim::fivetran::FivetranSim;
use syncgate::sim::ledger::{Ledger, Service};
use syncgate::sim::serve::{self, Server};
use syncgate::sim::slack::SlackSim;

use crate::harness::people as usual;
use crate::harness::{API_KEY, API_SECRET, BOT_TOKEN, Database, SIGNING_SECRET, WEBHOOK_SECRET};
pub use tools::*;

/// How long anything that is waited for may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// Runs a test body on each database.
pub fn stage(body: impl AsyncFn(&mut Stage)) {
    for database in Database::engines() {
        let run = async {
            let mut stage = Stage::new(database, usual::POLICY).await;
            body(&mut stage).await;
            stage.check().await;
            stage.end().await;
        };
        // The same snapshot holds on each engine.
        insta::allow_duplicates! { runtime().block_on(run) }
    }
}

pub fn runtime() -> tokio::runtime::Runtime {
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Simulators, a database and a folder, between which processes come and go.
pub struct Stage {
    pub slack: SlackSim,
    pub fivetran: FivetranSim,
    pub ledger: Ledger,
    pub faults: Faults,
    pub folder: tempfile::TempDir,
    pub database: Database,
    pub settings: BTreeMap<String, String>,
    /// Whether a task of the process is to panic in this test.
    pub panics: bool,
    ahead: Arc<AtomicI64>,
    process: Option<Process>,
    _servers: [Server; 2],
}

/// A connection that holds the database's lock as long as it lives.
#[expect(dead_code, reason = "dropping it is all that is done with it")]
pub enum DatabaseLock {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

/// A process that runs, or ran.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // A test that failed half-way leaves nothing behind.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Stage {
    pub async fn new(database: Database, policy: &str) -> Self {
        let ahead = Arc::new(AtomicI64::new(0));
        let machine = Clock::machine();
        let clock: SimClock = {
            let (ahead, machine) = (ahead.clone(), machine.clone());
            Arc::new(move || machine.now() + TimeDelta::seconds(ahead.load(Ordering::SeqCst)))
        };
        let slack = SlackSim::new(clock.clone(), SIGNING_SECRET, BOT_TOKEN);
        // A debug build beside others may be slow; Slack's three seconds are not what is tested.
        slack.set_patience(Duration::from_secs(30));
        let fivetran = FivetranSim::new(clock.clone(), API_KEY, API_SECRET);
        usual::populate(&slack, &fivetran, machine.now());
        let (ledger, faults) = (Ledger::new(), Faults::new());
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let up = async |service, router| {
            let (ledger, faults) = (ledger.clone(), faults.clone());
            let served = serve::serve(service, router, ledger, faults, clock.clone(), any);
            served.await.unwrap()
        };
        let servers = [
            up(Service::Slack, slack.router()).await,
            up(Service::Fivetran, fivetran.router()).await,
        ];
        slack.set_public_url(servers[0].url());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yml");
        std::fs::write(&file, policy).unwrap();
        let settings = [
            ("SLACK_BOT_TOKEN", BOT_TOKEN.to_owned()),
            ("SLACK_SIGNING_SECRET", SIGNING_SECRET.to_owned()),
            ("SLACK_API_URL", format!("{}/api", servers[0].url())),
            ("FIVETRAN_API_KEY", API_KEY.to_owned()),
            ("FIVETRAN_API_SECRET", API_SECRET.to_owned()),
            ("FIVETRAN_API_URL", servers[1].url()),
            ("FIVETRAN_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
            ("DATABASE_URL", database.url()),
            ("SYNCGATE_POLICY", file.display().to_string()),
            ("SYNCGATE_BIND", "127.0.0.1:0".to_owned()),
        ];
        Self {
            slack,
            fivetran,
            ledger,
            faults,
            folder,
            database,
            settings: settings.map(|(n, v)| (n.to_owned(), v)).into(),
            panics: false,
            ahead,
            process: None,
            _servers: servers,
        }
    }

    // ---- processes ---------------------------------------------------------------------------

    /// Another value for a setting.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.to_owned());
    }

    /// The binary with this stage's settings and nothing else of the environment.
    pub fn binary(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncgate"));
        command
            .args(arguments)
            .env_clear()
            .envs(&self.settings)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        let ahead = self.ahead.load(Ordering::SeqCst);
        command.env("SYNCGATE_CLOCK_AHEAD_S", ahead.to_string());
        command
    }

    /// Runs a subcommand to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.binary(arguments);
        let ran = tokio::task::spawn_blocking(move || command.output());
        let ran = tokio::time::timeout(PATIENCE, ran).await;
        ran.expect("a subcommand ends").unwrap().unwrap()
    }

    /// Starts `serve`, without waiting for it.
    pub fn spawn(&mut self, environment: &[(&str, &str)]) {
        let mut command = self.binary(&["serve"]);
        command.envs(environment.iter().copied());
        self.run_as_serve(command);
    }

    /// Starts `serve` under strace with these options; `false` where that is not possible. The
    /// tracer is a grandchild, so the process is still ours and its id the one that `serve` has.
    pub fn spawn_traced(&mut self, options: &[&str]) -> bool {
        if !can_trace() {
            return false;
        }
        let program = self.binary(&["serve"]);
        let mut command = Command::new("strace");
        command
            .args(["-D", "-f", "-o", "/dev/null"])
            .args(options)
            .arg(program.get_program())
            .args(program.get_args())
            .env_clear()
            .envs(program.get_envs().filter_map(|(n, v)| Some((n, v?))))
            .current_dir(self.folder.path());
        self.run_as_serve(command);
        true
    }

    /// Attaches strace to the running process with these options; `None` where that is not
    /// possible.
    pub fn attach(&self, options: &[&str]) -> Option<Tracer> {
        can_trace().then(|| Tracer::attach(self.id(), options))?
    }

    fn run_as_serve(&mut self, mut command: Command) {
        assert!(self.process.is_none(), "one runs already");
        let log = self.folder.path().join("serve.log");
        let file = File::options().create(true).append(true).open(log).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file);
        self.process = Some(Process(command.spawn().unwrap()));
    }

    /// Starts `serve` and waits until it is ready and knows its workspace.
    pub async fn start(&mut self) {
        self.start_with(&[]).await;
    }

    pub async fn start_with(&mut self, environment: &[(&str, &str)]) {
        let before = self.log().len();
        self.spawn(environment);
        self.ready(before).await;
    }

    /// Waits until the process that was spawned, when the log was `before` long, is ready.
    pub async fn ready(&mut self, before: usize) {
        let mut target = None;
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            assert!(
                self.ended().is_none(),
                "it ended at its start:\n{}",
                self.log()
            );
            target = target.or_else(|| address_in(self.log().get(before..).unwrap_or_default()));
            if let Some(address) = target {
                self.slack.set_target(format!("http://{address}"));
                let state = get(address, "/readyz").await;
                if state.is_some_and(|(_, body)| body["state"]["slack_known"] == true) {
                    return;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("it did not become ready:\n{}", self.log());
    }

    /// Moves everybody's time forward. A process that runs keeps its own: restart it.
    pub fn skip(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("it was started").0.id()
    }

    /// How the process ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let process = self.process.as_mut()?;
        process.0.try_wait().unwrap()
    }

    /// Waits for the process to end by itself.
    pub async fn died(&mut self) -> ExitStatus {
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            if let Some(status) = self.ended() {
                self.process = None;
                return status;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("it did not end:\n{}", self.report().await);
    }

    /// Waits a while for the process to end by itself.
    pub async fn dies_within(&mut self, time: Duration) {
        for _ in 0..time.as_millis() / LOOK.as_millis() {
            if self.ended().is_some() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        signal(self.id(), "TERM");
    }

    /// Everything the processes of this stage wrote to stderr.
    pub fn log(&self) -> String {
        let log = self.folder.path().join("serve.log");
        std::fs::read(&log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    // ---- waiting -----------------------------------------------------------------------------

    /// Waits until something is so.
    pub async fn until(&self, what: &str, so: impl AsyncFn(&Self) -> bool) {
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            if so(self).await {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("in vain: {what}\n{}", self.report().await);
    }

    /// All that helps to understand a failure.
    pub async fn report(&self) -> String {
        format!(
            "state: {}\neffects: {}\nmessages: {}\nlog:\n{}",
            self.state().await,
            self.effects(),
            self.channel(),
            self.log()
        )
    }

    /// Where the running process listens.
    pub fn address(&self) -> SocketAddr {
        let log = self.log();
        let last = log.rfind("ready").expect("it was ready once");
        address_in(&log[last..]).unwrap()
    }

    /// What `/readyz` says of the service's state.
    pub async fn state(&self) -> Value {
        let answer = get(self.address(), "/readyz").await;
        answer
            .map(|(_, body)| body["state"].clone())
            .unwrap_or_default()
    }

    /// Waits until every delivery is handled, every action settled and every message sent.
    pub async fn quiet(&self) {
        self.none(&["inbox_waiting", "actions_open", "messages_waiting"])
            .await;
    }

    /// Waits until nothing of these waits.
    pub async fn none(&self, names: &[&str]) {
        let idle = async |stage: &Self| {
            let state = stage.state().await;
            names.iter().all(|name| state[name] == 0)
        };
        // Twice: the counts are not taken in one instant, and one thing leads to the next.
        let really = async |stage: &Self| idle(stage).await && idle(stage).await;
        self.until("nothing waits any more", really).await;
    }

    /// Waits until a card says this.
    pub async fn says(&self, word: &str) {
        let said = async |stage: &Self| stage.states().iter().any(|s| s == word);
        self.until(&format!("a card says {word}"), said).await;
    }

    /// Changes the database behind Syncgate's back.
    pub async fn sql(&self, statement: &str) {
        use sqlx::{Connection, Executor};
        let address = &self.settings["DATABASE_URL"];
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        if let Database::Sqlite(_) = self.database {
            let mut beside = sqlx::SqliteConnection::connect(address).await.unwrap();
            beside.execute(sqlx::query(statement)).await.unwrap();
        } else {
            let mut beside = sqlx::PgConnection::connect(address).await.unwrap();
            beside.execute(sqlx::query(statement)).await.unwrap();
        }
    }

    /// Holds the database as another process would, until it is dropped.
    pub async fn lock_database(&self) -> DatabaseLock {
        use sqlx::{Connection, Executor};
        let address = &self.settings["DATABASE_URL"];
        if let Database::Sqlite(_) = self.database {
            let mut beside = sqlx::SqliteConnection::connect(address).await.unwrap();
            beside.execute("BEGIN IMMEDIATE").await.unwrap();
            DatabaseLock::Sqlite(beside)
        } else {
            let mut beside = sqlx::PgConnection::connect(address).await.unwrap();
            let all = "BEGIN; LOCK TABLE inbox, steps, messages IN ACCESS EXCLUSIVE MODE";
            beside.execute(all).await.unwrap();
            DatabaseLock::Postgres(beside)
        }
    }

    pub async fn end(mut self) {
        self.process = None;
        let Self { database, .. } = self;
        database.drop().await;
    }
}
