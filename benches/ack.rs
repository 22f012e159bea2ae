//! How fast a signed slash command is made durable and acknowledged, beside the same server when it
//! only verifies the signature. Reports; asserts nothing.
//!
//! Both servers and the load share this machine's cores, so trust the ratio and not the figures;
//! `docs/performance.md` says how the figures of a pinned server are taken.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench measures real time, and stops when it cannot go on"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use secrecy::SecretString;
use syncgate::app::{App, Parts};
use syncgate::fivetran::{FivetranClient, Settings};
use syncgate::http::{Door, router};
use syncgate::model::{Clock, Ctx};
use syncgate::policy::Policy;
use syncgate::sim::slack::signature;
use syncgate::slack::{SlackClient, signature as verifier};
use syncgate::store::{Access, InboxWriter, Store};
use syncgate::triage::redact::Redactor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const CONNECTIONS: usize = 32;
const RUN: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;
const POLICY: &str = "version: 1\ntimezone: UTC\nchannels: {default: C0BENCH}\nroles: {viewer: [everyone], approver: [U0A]}\n";

/// Requests a second, and the 99th percentile of the time that one took.
struct Figures {
    per_second: f64,
    p99: Duration,
}

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let verify = listen(verify_only()).await;
        let durable = listen(service(folder.path()).await).await;
        let mut ratios = Vec::new();
        for round in 0..ROUNDS {
            let bare = load(&verify, round).await;
            let full = load(&durable, round).await;
            ratios.push(full.per_second / bare.per_second);
            println!(
                "round {round}: verify only {:>7.0}/s p99 {:?}; durable {:>7.0}/s p99 {:?}; ratio {:.3}",
                bare.per_second,
                bare.p99,
                full.per_second,
                full.p99,
                ratios[round]
            );
        }
        ratios.sort_by(f64::total_cmp);
        println!("median ratio {:.3}", ratios[ROUNDS / 2]);
    });
}

async fn listen(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

fn verify_only() -> Router {
    let secrets: Arc<[SecretString]> = Arc::from([SecretString::from(SECRET)]);
    // Made once, as in the service: what is compared is the durability and nothing else.
    let ctx = Ctx::new(Clock::machine());
    let handler = move |headers: HeaderMap, body: Bytes| async move {
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|v| v.to_str().ok())
                .unwrap_or("")
        };
        let now = ctx.now();
        let time = header("x-slack-request-timestamp");
        match verifier::verify(&secrets, time, header("x-slack-signature"), &body, now) {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::UNAUTHORIZED,
        }
    };
    Router::new().route("/slack/commands", post(handler))
}

/// The real door on a real SQLite file; the workers do not run, so that the door alone is measured.
async fn service(folder: &std::path::Path) -> Router {
    let ctx = Ctx::new(Clock::machine());
    let address = format!("sqlite://{}", folder.join("bench.db").display());
    let (store, lock) = Store::open(&address, Access::Serve).await.unwrap();
    // The lock lives as long as the process.
    std::mem::forget(lock);
    let (inbox, writer) = InboxWriter::new(store.clone());
    tokio::spawn(writer);
    let nowhere: url::Url = "http://127.0.0.1:9/api".parse().unwrap();
    let fivetran = Settings {
        base: "http://127.0.0.1:9".parse().unwrap(),
        key: "key".into(),
        secret: "secret".to_owned().into(),
        timeout: Settings::TIMEOUT,
    };
    let app = App::new(Parts {
        slack: SlackClient::new(&nowhere, "xoxb-bench".to_owned().into()).unwrap(),
        slack_api: nowhere,
        fivetran: FivetranClient::new(fivetran, ctx.clone()).unwrap(),
        llm: None,
        policy: Arc::new(Policy::parse(POLICY).unwrap()),
        redactor: Redactor::new(&[]).unwrap(),
        log_source: None,
        webhook: None,
        ctx,
        store,
        inbox,
    });
    let slack_secrets = vec![SecretString::from(SECRET)];
    router(Arc::new(Door {
        app,
        slack_secrets,
        webhook_secrets: vec![],
        socket: None,
        metrics: None,
    }))
}

async fn load(address: &str, round: usize) -> Figures {
    let began = Instant::now();
    let mut tasks = Vec::new();
    for connection in 0..CONNECTIONS {
        let address = address.to_owned();
        tasks.push(tokio::spawn(async move {
            one(&address, round, connection, began).await
        }));
    }
    let mut taken = Vec::new();
    for task in tasks {
        taken.extend(task.await.unwrap());
    }
    taken.sort();
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    let per_second = taken.len() as f64 / began.elapsed().as_secs_f64();
    Figures {
        per_second,
        p99: taken[taken.len() * 99 / 100],
    }
}

async fn one(address: &str, round: usize, connection: usize, began: Instant) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let ctx = Ctx::new(Clock::machine());
    let mut answer = [0_u8; 1024];
    let mut taken = Vec::new();
    while began.elapsed() < RUN {
        let body = format!(
            "team_id=T1&user_id=U1&channel_id=C1&command=%2Fsyncgate&text=status+orders&api_app_id=A1\
             &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1%2F1%2Fx\
             &trigger_id={address}.{round}.{connection}.{}",
            taken.len()
        );
        let time = ctx.now().timestamp().to_string();
        let signed = signature(SECRET, &time, &body);
        let request = format!(
            "POST /slack/commands HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             x-slack-request-timestamp: {time}\r\nx-slack-signature: {signed}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        let read = stream.read(&mut answer).await.unwrap();
        assert!(
            answer[..read].starts_with(b"HTTP/1.1 200"),
            "{:?}",
            String::from_utf8_lossy(&answer[..read])
        );
        taken.push(sent.elapsed());
    }
    taken
}
