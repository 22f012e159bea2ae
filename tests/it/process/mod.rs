//! The real binary as a process of its own, between the simulated Slack and Fivetran.
//!
//! Time is the machine's. A process can be started in its own future
//! (`SYNCGATE_CLOCK_AHEAD_S`, debug builds only), so that a call settles without three minutes of
//! waiting; the simulators' clock is moved by as much. Only processes that a [`Stage`] started are
//! ended by it, by their id.

mod check;
mod database;
mod people;
mod tools;
mod waiting;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use syncgate::model::Clock;
use syncgate::sim::SimClock;
use syncgate::sim::fault::Faults;
use syncgate::sim::fivetran::FivetranSim;
use syncgate::sim::ledger::{Ledger, Service};
use syncgate::sim::serve::{self, Server};
use syncgate::sim::slack::SlackSim;
use tokio::sync::SemaphorePermit;

use crate::harness::people as usual;
use crate::harness::{API_KEY, API_SECRET, BOT_TOKEN, Database, SIGNING_SECRET, WEBHOOK_SECRET};
pub use tools::*;

/// How long anything that is waited for may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(20);

/// Runs a test body on each database, side by side: a stage waits most of its time.
pub fn stage(body: impl AsyncFn(&mut Stage)) {
    let runs = Database::engines().into_iter().map(async |database| {
        let mut stage = Stage::new(database, usual::POLICY).await;
        body(&mut stage).await;
        if stage.ended().is_none() && stage.process.is_some() && !stage.leaves_work {
            stage.quiet().await;
        }
        stage.check().await;
        stage.end().await;
    });
    // The same snapshot holds on each engine.
    insta::allow_duplicates! { runtime().block_on(join_all(runs)) };
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
    /// Whether the test may end with actions or messages on their way.
    pub leaves_work: bool,
    ahead: Arc<AtomicI64>,
    process: Option<Process>,
    _servers: [Server; 2],
    // Given up last, when the process is dead.
    _seat: Option<SemaphorePermit<'static>>,
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
        let seat = database.seat().await;
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
            leaves_work: false,
            ahead,
            process: None,
            _servers: servers,
            _seat: seat,
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

    /// Waits so long for the process to end by itself; whether it did.
    pub async fn dies_within(&mut self, time: Duration) -> bool {
        for _ in 0..time.as_millis() / LOOK.as_millis() {
            if self.ended().is_some() {
                return true;
            }
            tokio::time::sleep(LOOK).await;
        }
        false
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

    pub async fn end(mut self) {
        self.process = None;
        let Self {
            database, _seat, ..
        } = self;
        database.drop().await;
    }
}
