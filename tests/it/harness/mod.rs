//! The test world: simulators on loopback, the real app, a fresh database, a clock that is set.
//!
//! The workers do not run by themselves here: [`World::settle`] drives each of them step by step until
//! nothing is due, moving the clock by a second at a time while something waits for its turn. So a
//! test sees every state it wants to see, and no test sleeps.

mod check;
mod database;
mod faults;
mod handles;
pub mod hooks;
mod looks;
mod model;
pub mod people;
pub mod proof;
mod raw;
mod seen;
mod socket;
mod tables;
pub mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use syncgate::app::{App, Parts, PolicyFile, Ran};
use syncgate::config::{Settings, Variables};
use syncgate::fivetran::{self, FivetranClient, LogSource};
use syncgate::http::{Door, router, serve_socket};
use syncgate::model::{Clock, Ctx};
use syncgate::sim::fault::Faults;
use syncgate::sim::fivetran::FivetranSim;
use syncgate::sim::ledger::{Ledger, Service};
use syncgate::sim::serve::Server;
use syncgate::sim::slack::{Ack, SlackSim};
use syncgate::sim::{SimClock, serve};
use syncgate::slack::SlackClient;
use syncgate::slack::socket::Line;
use syncgate::store::{InboxWriter, Lock, Store};
use tokio::sync::watch;
use tokio::task::AbortHandle;

pub use database::{Database, server};
pub use hooks::MINUTE;
pub use raw::{Raw, literal};

/// The channel of the policy's default route.
pub const CHANNEL: &str = "C0DATAOPS";

/// Secrets that must never be seen outside the process.
pub const BOT_TOKEN: &str = "xoxb-canary-bot-token-0001";
pub const SIGNING_SECRET: &str = "canary-signing-secret-0002";
pub const API_KEY: &str = "canaryapikey0003";
pub const API_SECRET: &str = "canary-api-secret-0004";
pub const WEBHOOK_SECRET: &str = "canary-webhook-secret-0005";
pub const MODEL_KEY: &str = "canary-model-key-0007";
pub const APP_TOKEN: &str = "xapp-canary-app-token-0006";
pub const SECRETS: [&str; 7] = [
    MODEL_KEY,
    APP_TOKEN,
    BOT_TOKEN,
    SIGNING_SECRET,
    API_KEY,
    API_SECRET,
    WEBHOOK_SECRET,
];

/// Runs a test body on each database, in a world of its own.
pub fn world(body: impl AsyncFn(&mut World) + Sync) {
    world_with(people::POLICY, body);
}

/// The same under another policy.
pub fn world_with(policy: &str, body: impl AsyncFn(&mut World) + Sync) {
    // What a whole test awaits lies in one frame, too large for a test's thread without optimisation.
    let name = std::thread::current().name().unwrap_or("test").to_owned();
    let thread = std::thread::Builder::new().name(name).stack_size(64 << 20);
    let ended = std::thread::scope(|scope| {
        let test = thread.spawn_scoped(scope, || on_each_engine(policy, &body));
        test.unwrap().join()
    });
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

fn on_each_engine(policy: &str, body: &impl AsyncFn(&mut World)) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for engine in Database::engines() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let run = async {
            let _seat = engine.seat().await;
            let mut world = World::new(engine, policy).await;
            body(&mut world).await;
            world.check_all().await;
            world.end().await;
        };
        // The same snapshot holds on each engine.
        insta::allow_duplicates! { runtime.block_on(run) }
    }
}

/// A world.
pub struct World {
    pub slack: SlackSim,
    pub fivetran: FivetranSim,
    pub ledger: Ledger,
    pub faults: Faults,
    pub clock: Clock,
    pub database: Database,
    pub settings: Settings,
    /// Whether the test may end with actions or messages on their way.
    pub leaves_work: bool,
    /// Whether the service is started in Socket Mode.
    pub by_socket: bool,
    /// The language model, if the test wants one.
    pub model: Option<model::Model>,
    /// Where the log is, from the next start on.
    pub log: Option<LogSource>,
    service: Option<Running>,
    policy: tempfile::TempPath,
    _servers: [Server; 2],
    effects_seen: usize,
    client: OnceLock<reqwest::Client>,
}

/// The service while it is up.
pub struct Running {
    pub app: Arc<App>,
    pub door: Arc<Door>,
    pub line: Line,
    pub url: String,
    pub policy: PolicyFile,
    /// Stops the socket in order.
    pub stop_socket: watch::Sender<bool>,
    tasks: Vec<AbortHandle>,
    _lock: Lock,
}

impl World {
    /// A world with the usual people, channels and connections, and the service running.
    pub async fn new(database: Database, policy: &str) -> Self {
        let start: DateTime<Utc> = "2026-11-23T07:00:00Z".parse().unwrap();
        let clock = Clock::fixed(start);
        let sim_clock: SimClock = {
            let clock = clock.clone();
            Arc::new(move || clock.now())
        };
        let slack = SlackSim::new(sim_clock.clone(), SIGNING_SECRET, BOT_TOKEN);
        let fivetran = FivetranSim::new(sim_clock.clone(), API_KEY, API_SECRET);
        // A machine that builds and tests at once is slow; what takes too long is measured elsewhere.
        slack.set_patience(Duration::from_secs(30));
        people::populate(&slack, &fivetran, start);
        let (ledger, faults) = (Ledger::new(), Faults::new());
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let up = async |service, router| {
            serve::serve(
                service,
                router,
                ledger.clone(),
                faults.clone(),
                sim_clock.clone(),
                any,
            )
            .await
            .unwrap()
        };
        let servers = [
            up(Service::Slack, slack.router()).await,
            up(Service::Fivetran, fivetran.router()).await,
        ];
        slack.set_public_url(servers[0].url());
        let settings = Settings::read(&Variables::of([
            ("SLACK_BOT_TOKEN", BOT_TOKEN),
            ("SLACK_SIGNING_SECRET", SIGNING_SECRET),
            ("SLACK_APP_TOKEN", APP_TOKEN),
            ("SLACK_API_URL", &format!("{}/api", servers[0].url())),
            ("FIVETRAN_API_KEY", API_KEY),
            ("FIVETRAN_API_SECRET", API_SECRET),
            ("FIVETRAN_API_URL", &servers[1].url()),
            ("FIVETRAN_WEBHOOK_SECRET", WEBHOOK_SECRET),
            ("DATABASE_URL", &database.url()),
        ]))
        .unwrap();
        let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&file, policy).unwrap();
        let mut world = Self {
            slack,
            fivetran,
            ledger,
            faults,
            clock,
            database,
            settings,
            leaves_work: false,
            by_socket: false,
            model: None,
            log: None,
            service: None,
            policy: file,
            _servers: servers,
            effects_seen: 0,
            client: OnceLock::new(),
        };
        world.start().await;
        world
    }

    /// Starts the service on what the database holds.
    pub async fn start(&mut self) {
        let ctx = Ctx::new(self.clock.clone());
        let settings = &self.settings;
        let (store, lock) = database::opened(&settings.database).await;
        if let Store::Sqlite { .. } = store {
            let mut tx = store.begin().await.unwrap();
            tx.free_leases(ctx.now()).await.unwrap();
            tx.commit().await.unwrap();
        }
        let file = PolicyFile::new(self.policy.to_path_buf(), settings.own_secrets());
        let (policy, redactor) = file.load().unwrap();
        let fivetran = FivetranClient::new(
            fivetran::Settings {
                base: settings.fivetran.api.clone(),
                key: settings.fivetran.key.clone(),
                secret: settings.fivetran.secret.clone(),
                timeout: Duration::from_millis(600),
            },
            ctx.clone(),
        )
        .unwrap();
        let slack = SlackClient::new(&settings.slack_api, settings.slack_token.clone()).unwrap();
        let slack = slack.with_deadline(Duration::from_millis(1_500));
        let (inbox, writer) = InboxWriter::new(store.clone());
        let slack_api = settings.slack_api.clone();
        let parts = Parts {
            ctx,
            store,
            inbox,
            slack,
            slack_api,
            fivetran,
            llm: self.model.as_ref().map(|model| Arc::new(model.client())),
            policy,
            redactor,
            log_source: self.log.clone(),
            webhook: settings.webhook_in_use(),
        };
        let app = App::new(parts);
        app.record_policy().await.unwrap();
        // Slack or Fivetran may be down in this test: then they are learned when they are back.
        let _ = app.learn_team().await;
        let _ = app.learn_account().await;
        let line = self.line();
        let door = Arc::new(Door {
            app: app.clone(),
            slack_secrets: settings.slack_secrets.clone(),
            webhook_secrets: settings.webhook_secrets.clone(),
            socket: self.by_socket.then(|| line.status()),
            metrics: None,
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let http = tokio::spawn(axum::serve(listener, router(door.clone())).into_future());
        let mut tasks = vec![http.abort_handle(), tokio::spawn(writer).abort_handle()];
        let (stop, stopped) = watch::channel(false);
        if self.by_socket {
            let socket = serve_socket(door.clone(), line.clone(), stopped);
            tasks.push(tokio::spawn(socket).abort_handle());
        }
        self.slack.set_target(&url);
        self.service = Some(Running {
            app,
            door,
            line,
            stop_socket: stop,
            url,
            policy: file,
            tasks,
            _lock: lock,
        });
    }

    /// Ends the service in the middle of whatever it does: its tasks are dropped where they stand,
    /// nothing is drained, and what was not committed is rolled back. It is no `kill -9`, since the
    /// store is closed in order; for that there is `process::Stage`.
    pub async fn crash(&mut self) {
        if let Some(service) = self.service.take() {
            for task in &service.tasks {
                task.abort();
            }
            service.app.store.close().await;
        }
    }

    /// A crash and a start on the same database.
    pub async fn restart(&mut self) {
        self.crash().await;
        self.start().await;
    }

    pub fn service(&self) -> &Running {
        self.service.as_ref().expect("the service runs")
    }

    pub fn app(&self) -> &Arc<App> {
        &self.service().app
    }

    async fn end(mut self) {
        self.crash().await;
        self.database.drop().await;
    }

    // ---- time -------------------------------------------------------------------------------

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// One round of every worker; whether any found something to do.
    pub async fn round(&self) -> bool {
        let app = self.app();
        self.fivetran.tick();
        let mut ran = false;
        ran |= self.take_up_one().await;
        ran |= app.run_timers().await.unwrap() == Ran::Ran;
        ran |= app.run_digest().await.unwrap() == Ran::Ran;
        ran |= app.run_step().await.unwrap() == Ran::Ran;
        ran |= app.ask_model().await.unwrap() == Ran::Ran;
        ran |= app.deliver_one().await.unwrap() == Ran::Ran;
        ran |= app.run_picture().await.unwrap() == Ran::Ran;
        ran
    }

    /// Drives every worker until nothing is due, moving the clock while messages or readings wait
    /// for their turn, for half a minute at most.
    pub async fn settle(&self) {
        for _ in 0..30 {
            while self.round().await {}
            if !self.something_waits().await {
                return;
            }
            self.clock.advance(Duration::from_secs(1));
        }
    }

    async fn something_waits(&self) -> bool {
        let health = self.app().health().await.unwrap();
        health.messages_waiting > 0 || health.inbox_waiting > 0 || health.actions_open > 0
    }

    /// Lets time pass, in steps of at most ten seconds, with every worker running.
    pub async fn pass(&self, span: Duration) {
        let mut left = span;
        while !left.is_zero() {
            let step = left.min(Duration::from_secs(10));
            self.clock.advance(step);
            left -= step;
            while self.round().await {}
        }
        self.settle().await;
    }

    // ---- what people do ----------------------------------------------------------------------

    /// Types a command in the channel and lets everything happen that follows.
    pub async fn command(&self, user: &str, text: &str) {
        let ack = self.slack.command(user, CHANNEL, text).await;
        assert!(ack.ok(), "{user}: {text}: {ack:?}");
        self.settle().await;
    }

    /// Clicks the button with this label on the newest message that has one.
    pub async fn click(&self, user: &str, label: &str) {
        let ack = self.press(user, label).await;
        assert!(ack.ok(), "{user}: {label}: {ack:?}");
        self.settle().await;
    }

    /// The same, without letting anything follow.
    pub async fn press(&self, user: &str, label: &str) -> Ack {
        let message = self.with_button(label);
        self.slack
            .click_label(user, &message.channel, &message.ts, label)
            .await
    }

    /// Fills and submits the person's open modal.
    pub async fn submit(&self, user: &str, values: &[(&str, &str)]) -> Ack {
        let view = self.slack.views(user).pop().expect("a modal is open");
        let ack = self.slack.submit(user, &view.id, values).await;
        self.settle().await;
        ack
    }
}
