//! Webhooks from the registration to the last retry.

use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;

use super::*;

/// A receiver that keeps the bodies and answers with a settable status.
struct Receiver {
    url: String,
    bodies: Arc<Mutex<Vec<String>>>,
    status: Arc<AtomicU16>,
}

impl Receiver {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let status = Arc::new(AtomicU16::new(200));
        let state = (bodies.clone(), status.clone());
        let app = Router::new()
            .route("/hook", post(receive))
            .with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Receiver {
            url,
            bodies,
            status,
        }
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// The bodies since the last call.
    fn got(&self) -> Vec<String> {
        std::mem::take(&mut *self.bodies.lock().unwrap())
    }
}

type Received = (Arc<Mutex<Vec<String>>>, Arc<AtomicU16>);

async fn receive(State((bodies, status)): State<Received>, body: String) -> StatusCode {
    bodies.lock().unwrap().push(body);
    StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap()
}

#[tokio::test]
async fn a_sync_tells_its_start_and_its_end() {
    let (w, receiver) = (Account::new(), Receiver::start().await);
    w.sim.set_webhook(&receiver.url, "hush");
    w.sim.next_sync("a", reconnect(3));
    w.wait(70);
    assert_eq!(w.sim.deliver_webhooks().await, 2);
    let got = receiver.got();
    assert!(got[0].starts_with(
        r#"{"event":"sync_start","created":"2026-11-22T11:00:00.000Z","connector_type":"postgres""#
    ));
    assert!(got[1].ends_with(
        r#""data":{"status":"FAILURE_WITH_TASK","reason":"FATAL: password authentication failed for user \"etl\"","taskType":"reconnect"}}"#
    ));
    assert_eq!(w.sim.deliver_webhooks().await, 0);
}

#[tokio::test]
async fn what_was_not_taken_comes_again() {
    let (w, receiver) = (Account::new(), Receiver::start().await);
    w.sim.set_webhook(&receiver.url, "hush");
    receiver.answer(503);
    w.post("/v1/connections/a/sync", "{}").await;
    assert_eq!(w.sim.deliver_webhooks().await, 0);
    w.wait(4);
    assert_eq!(w.sim.deliver_webhooks().await, 0);
    let first = receiver.got();
    assert_eq!(first.len(), 1);
    receiver.answer(200);
    w.wait(1);
    // The retry of the start, and the end that has come meanwhile.
    assert_eq!(w.sim.deliver_webhooks().await, 2);
    assert_eq!(receiver.got()[0], first[0]);
}

#[tokio::test]
async fn registering_posts_a_test_and_needs_its_answer() {
    let (w, receiver) = (Account::new(), Receiver::start().await);
    let body = serde_json::json!({"url": receiver.url, "events": ["sync_end"], "secret": "hush"})
        .to_string();
    receiver.answer(500);
    assert_eq!(w.post("/v1/webhooks/account", &body).await.status, 400);
    receiver.answer(200);
    let created = w.post("/v1/webhooks/account", &body).await;
    assert_eq!(
        (created.status, &created.body["data"]["secret"]),
        (200, &"******".into())
    );
    assert!(receiver.got()[1].contains("\"event\":\"test_event\""));
    let id = created.body["data"]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/webhooks/{id}");
    assert_eq!(
        w.patch(&path, r#"{"active":false}"#).await.body["data"]["active"],
        false
    );
    assert_eq!(
        w.post(&format!("{path}/test"), r#"{"event":"sync_end"}"#)
            .await
            .body["data"]["succeed"],
        true
    );
    assert_eq!(w.send("DELETE", &path, "").await.status, 200);
    assert_eq!(w.get(&path).await.status, 404);
    assert_eq!(
        w.did(),
        [
            EffectKind::WebhookCreated,
            EffectKind::WebhookChanged,
            EffectKind::WebhookDeleted
        ]
    );
}

#[tokio::test]
async fn only_https_is_registered_off_this_machine() {
    let w = Account::new();
    let body = r#"{"url":"http://example.com/hook","events":["sync_end"],"active":false}"#;
    assert_eq!(w.post("/v1/webhooks/account", body).await.status, 400);
    let body = body.replace("http:", "https:");
    assert_eq!(w.post("/v1/webhooks/account", &body).await.status, 200);
}

#[tokio::test]
async fn a_test_can_take_the_exact_bytes() {
    let w = Account::new();
    w.sim.set_webhook("http://127.0.0.1:9/hook", "hush");
    w.post("/v1/connections/a/sync", "{}").await;
    let taken = w.sim.take_webhooks();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].headers[1].0, "X-Fivetran-Signature-256");
    let end = w
        .sim
        .webhook_request("a", "sync-1", Some(&Outcome::succeeds(1)))
        .unwrap();
    assert!(end.body.ends_with(
        r#""sync_id":"sync-1","destination_group_id":"warehouse","data":{"status":"SUCCESSFUL"}}"#
    ));
    assert!(w.sim.take_webhooks().is_empty());
}
