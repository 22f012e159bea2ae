//! The program itself, started as an operator starts it: what it prints, and when it does not start.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use syncgate::model::{Clock, Ctx};
use syncgate::sim::fault::{Fault, FaultKind, Faults};
use syncgate::sim::fivetran::FivetranSim;
use syncgate::sim::ledger::{Ledger, Service};
use syncgate::sim::serve::{Server, serve};
use syncgate::sim::slack::{Ack, SlackSim};

use crate::harness::people::{ANA, POLICY, VIV, populate};
use crate::harness::wire::hmac;
use crate::harness::{API_KEY, API_SECRET, BOT_TOKEN, CHANNEL, SIGNING_SECRET, WEBHOOK_SECRET};
use crate::secrets::{everything, leaks, refusal};

/// The real program against the simulators, with everything that it prints.
struct Program {
    slack: SlackSim,
    faults: Faults,
    url: String,
    child: Child,
    heard: std::thread::JoinHandle<String>,
    folder: tempfile::TempDir,
    _servers: [Server; 2],
}

impl Program {
    async fn start(rust_log: &str, format: &str) -> Self {
        let ctx = Ctx::new(Clock::machine());
        let start = ctx.now();
        let now: syncgate::sim::SimClock = Arc::new(move || ctx.now());
        let slack = SlackSim::new(now.clone(), SIGNING_SECRET, BOT_TOKEN);
        let fivetran = FivetranSim::new(now.clone(), API_KEY, API_SECRET);
        populate(&slack, &fivetran, start);
        let (ledger, faults) = (Ledger::new(), Faults::new());
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let up = async |service, router| {
            serve(
                service,
                router,
                ledger.clone(),
                faults.clone(),
                now.clone(),
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
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.yml"), POLICY).unwrap();
        let mut child = program(&folder)
            .arg("serve")
            .env("SLACK_API_URL", format!("{}/api", servers[0].url()))
            .env("FIVETRAN_API_URL", servers[1].url())
            .env("RUST_LOG", rust_log)
            .env("SYNCGATE_LOG_FORMAT", format)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let heard = std::thread::spawn(move || {
            let mut said = String::new();
            for line in lines.map_while(Result::ok) {
                if line.contains("ready")
                    && let Some((_, rest)) = line.split_once("http://")
                {
                    let address = rest.split(['"', ' ']).next().unwrap();
                    ready.send(format!("http://{address}")).unwrap();
                }
                said.push_str(&line);
                said.push('\n');
            }
            said
        });
        let Ok(url) = is_ready.recv_timeout(Duration::from_secs(60)) else {
            let _ = child.kill();
            panic!("it did not start:\n{}", heard.join().unwrap());
        };
        slack.set_target(&url);
        Self {
            slack,
            faults,
            url,
            child,
            heard,
            folder,
            _servers: servers,
        }
    }

    /// Ends it as an operator would; everything that it has said.
    fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "{ended}");
        drop(self.folder);
        self.heard.join().unwrap()
    }

    async fn told(&mut self, user: &str, times: usize) {
        for _ in 0..6_000 {
            if self.slack.ephemerals(user).len() >= times {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let _ = self.child.kill();
        panic!("{user} was told {:?}", self.slack.ephemerals(user));
    }
}

/// The program with our canaries as its settings and a clean environment else.
fn program(folder: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syncgate"));
    command
        .env_clear()
        .current_dir(folder.path())
        .env("SLACK_BOT_TOKEN", BOT_TOKEN)
        .env("SLACK_SIGNING_SECRET", SIGNING_SECRET)
        .env("FIVETRAN_API_KEY", API_KEY)
        .env("FIVETRAN_API_SECRET", API_SECRET)
        .env("FIVETRAN_WEBHOOK_SECRET", WEBHOOK_SECRET)
        .env("SYNCGATE_BIND", "127.0.0.1:0")
        .env("HOME_BANKING_PIN", "9137")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn on_this_machine(body: impl Future<Output = ()>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(body);
}

/// Everything that logs may be told to log, and what they would rather hold back besides.
const LOUDEST: &str = "trace,slack_morphism::hyper_tokio=trace,hyper::proto=trace,hyper_util::client=trace,\
                       reqwest::connect=trace,sqlx::query=trace,rustls::client=trace";

#[test]
fn t009_t126_the_logs_at_trace_hold_no_secret_and_no_right_signature() {
    on_this_machine(async {
        for format in ["text", "json"] {
            let mut program = Program::start(LOUDEST, format).await;
            let mut command = program.slack.command_request(VIV, CHANNEL, "help");
            let right = command.headers[2].1.clone();
            command.headers[2].1 = format!("v0={}", "0".repeat(64));
            assert_eq!(program.slack.deliver(&command).await.status, 401);
            let mut webhook = command.clone();
            webhook.path = "/fivetran/webhooks".to_owned();
            webhook.body = "{}".to_owned();
            webhook.headers = vec![
                ("content-type".into(), "application/json".into()),
                ("x-fivetran-signature-256".into(), "0".repeat(64)),
            ];
            let right_hook = hmac(WEBHOOK_SECRET, &[b"{}"]);
            assert_eq!(program.slack.deliver(&webhook).await.status, 401);
            let said = everything();
            for words in ["status orders", "help", &said] {
                assert!(ok(program.slack.command(VIV, CHANNEL, words).await));
            }
            let quoting = Fault::always(
                Service::Fivetran,
                "/v1/connections/",
                FaultKind::answer(500, refusal()),
            );
            program.told(VIV, 3).await;
            program.faults.add(quoting);
            let refused = Fault::once(
                Service::Slack,
                "/response/",
                FaultKind::answer(400, refusal()),
            );
            program.faults.add(refused);
            assert!(ok(program.slack.command(ANA, CHANNEL, "sync orders").await));
            program.told(ANA, 1).await;
            let metrics = get(&program.url, "/metrics").await;
            assert!(metrics.contains("syncgate_unauthorized_total"), "{metrics}");
            let pages = format!(
                "{metrics} {} {}",
                get(&program.url, "/healthz").await,
                get(&program.url, "/readyz").await
            );
            assert_eq!(leaks(&pages), Vec::<&str>::new());
            let heard = program.stop();
            for word in [
                "not Slack's",
                "not Fivetran's",
                "cannot read",
                "InvalidInput",
                "stopping",
            ] {
                assert!(heard.contains(word), "no {word} in\n{heard}");
            }
            assert_eq!(leaks(&heard), Vec::<&str>::new(), "{heard}");
            for right in [&right[3..], &right_hook, "9137"] {
                assert!(!heard.contains(right), "{right}");
            }
            if format == "json" {
                let broken = heard
                    .lines()
                    .find(|line| serde_json::from_str::<serde_json::Value>(line).is_err());
                assert_eq!(broken, None);
            }
        }
    });
}

fn ok(ack: Ack) -> bool {
    ack.ok()
}

async fn get(url: &str, path: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client
        .get(format!("{url}{path}"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}

#[test]
fn t008_t128_with_a_wrong_setting_it_refuses_to_start_and_repeats_none() {
    on_this_machine(async {
        let folder = tempfile::tempdir().unwrap();
        for (name, value) in [
            ("SLACK_SIGNING_SECRET", ""),
            ("SLACK_SIGNING_SECRET", "changeme-changeme-9137"),
            ("FIVETRAN_WEBHOOK_SECRET", "your-secret-here-9137"),
            ("SLACK_BOT_TOKEN", "token-hunter2-Xq7"),
            ("DATABASE_URL", "mysql://u:hunter2-Xq7@db/x"),
            ("SLACK_API_URL", "http://u:hunter2-Xq7@slack.example/api"),
        ] {
            let output = program(&folder)
                .arg("serve")
                .env(name, value)
                .output()
                .unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains(&format!("{name}: ")), "{said}");
            assert!(leaks(&said).is_empty() && !said.contains("9137"), "{said}");
        }
        for arguments in [
            &["--print-config"][..],
            &["serve", "--print-config"],
            &["status"],
            &["audit", "verify"],
        ] {
            let output = program(&folder).args(arguments).output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8(said).unwrap();
            assert!(
                !output.status.success() && leaks(&said).is_empty() && !said.contains("9137"),
                "{said}"
            );
        }
    });
}
