//! Faults as a client sees them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::post;
use chrono::DateTime;

use super::*;
use crate::sim::fault::Fault;

struct Bench {
    server: Server,
    ledger: Ledger,
    faults: Faults,
    effects: Arc<AtomicUsize>,
    client: reqwest::Client,
}

async fn bench() -> Bench {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let effects = Arc::new(AtomicUsize::new(0));
    let counted = effects.clone();
    let effect = post(async move || {
        counted.fetch_add(1, Ordering::SeqCst);
        r#"{"code":"Success"}"#
    });
    let (ledger, faults) = (Ledger::new(), Faults::new());
    let clock: SimClock = Arc::new(|| DateTime::UNIX_EPOCH);
    let router = Router::new().route("/v1/sync", effect);
    let bind = ([127, 0, 0, 1], 0).into();
    let server = serve(
        Service::Fivetran,
        router,
        ledger.clone(),
        faults.clone(),
        clock,
        bind,
    );
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_millis(500));
    let (server, client) = (server.await.unwrap(), client.build().unwrap());
    Bench {
        server,
        ledger,
        faults,
        effects,
        client,
    }
}

impl Bench {
    async fn call(&self) -> reqwest::Result<(u16, String)> {
        let url = format!("{}/v1/sync?a=1", self.server.url());
        let response = self.client.post(url).body("{}").send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    async fn with(&self, kind: FaultKind) -> (reqwest::Result<(u16, String)>, usize) {
        self.faults
            .add(Fault::once(Service::Fivetran, "/sync", kind).on("POST"));
        let before = self.effects.load(Ordering::SeqCst);
        let answer = self.call().await;
        (answer, self.effects.load(Ordering::SeqCst) - before)
    }

    fn last(&self) -> Option<u16> {
        self.ledger.entries().last().unwrap().status
    }
}

#[tokio::test]
async fn what_arrives_is_in_the_ledger() {
    let b = bench().await;
    assert_eq!(
        b.call().await.unwrap(),
        (200, r#"{"code":"Success"}"#.into())
    );
    let entries = b.ledger.matching(Service::Fivetran, "POST", "/v1/sync");
    assert_eq!(entries[0].path, "/v1/sync?a=1");
    assert_eq!(
        (
            entries[0].body.as_str(),
            entries[0].status,
            entries[0].connection
        ),
        ("{}", Some(200), 1)
    );
    let found = b
        .ledger
        .wait_for(Duration::from_millis(10), |e| e.status == Some(404))
        .await;
    assert!(found.is_none());
}

#[tokio::test]
async fn faults_happen_on_the_wire() {
    let b = bench().await;
    let (answer, effects) = b.with(FaultKind::rate_limited(30)).await;
    assert_eq!((answer.unwrap().0, effects, b.last()), (429, 0, Some(429)));
    let (answer, effects) = b.with(FaultKind::apply_then_answer(500, "{}")).await;
    assert_eq!((answer.unwrap().0, effects, b.last()), (500, 1, Some(500)));
    let (answer, effects) = b.with(FaultKind::Delay(Duration::from_millis(5))).await;
    assert_eq!((answer.unwrap().0, effects), (200, 1));
    let (answer, effects) = b
        .with(FaultKind::Drip {
            every: Duration::from_millis(2),
        })
        .await;
    assert_eq!(
        (answer.unwrap().1.as_str(), effects),
        (r#"{"code":"Success"}"#, 1)
    );
    assert_eq!(b.call().await.unwrap().0, 200, "each fault happens once");
}

#[tokio::test]
async fn no_answer_is_no_answer() {
    let b = bench().await;
    for apply in [false, true] {
        let count = usize::from(apply);
        let (answer, effects) = b.with(FaultKind::Close { apply }).await;
        let error = answer.unwrap_err();
        assert!(error.is_request() && !error.is_timeout(), "{error:?}");
        assert_eq!((effects, b.last()), (count, None));
        let (answer, effects) = b.with(FaultKind::Hang { apply }).await;
        assert!(answer.unwrap_err().is_timeout());
        assert_eq!((effects, b.last()), (count, None));
        let (answer, effects) = b.with(FaultKind::HalfAnswer { apply }).await;
        let error = answer.unwrap_err();
        assert!(
            error.is_body() || error.is_decode(),
            "the head had come: {error:?}"
        );
        assert_eq!((effects, b.last()), (count, Some(200)));
    }
}

#[tokio::test]
async fn an_effect_comes_after_the_client_has_gone() {
    let b = bench().await;
    let (answer, effects) = b.with(FaultKind::Delay(Duration::from_millis(700))).await;
    assert!(answer.unwrap_err().is_timeout());
    assert_eq!(effects, 0);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(b.effects.load(Ordering::SeqCst), 1);
}
