//! The account seen from outside: through its HTTP surface and a clock that the test moves.

mod contract;
mod life;
mod rest;
mod webhooks;

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use tower::ServiceExt as _;

use super::{Connection, EffectKind, FivetranSim, Group, Outcome};

/// A Sunday at ten.
const START: &str = "2026-11-22T10:00:00Z";

/// An account with a clock.
struct Account {
    sim: FivetranSim,
    now: Arc<Mutex<DateTime<Utc>>>,
}

/// One answer.
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Account {
    /// With one connection `a` that syncs hourly, five minutes long.
    fn new() -> Self {
        let account = Account::empty();
        let a = Connection::new("a", "postgres", "shop", "warehouse")
            .every(60)
            .takes_minutes(5);
        account
            .sim
            .add_connection(a.tables("public", &["orders", "customers"]));
        account
    }

    fn empty() -> Self {
        let now = Arc::new(Mutex::new(START.parse().unwrap()));
        let clock = now.clone();
        let sim = FivetranSim::new(Arc::new(move || *clock.lock().unwrap()), "key", "secret");
        sim.add_group(Group::new("warehouse", "Warehouse", "snowflake"));
        Account { sim, now }
    }

    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    /// Lets time pass.
    fn wait(&self, minutes: i64) {
        *self.now.lock().unwrap() += Duration::minutes(minutes);
    }

    async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "").await
    }

    async fn post(&self, path: &str, body: &str) -> Reply {
        self.send("POST", path, body).await
    }

    async fn patch(&self, path: &str, body: &str) -> Reply {
        self.send("PATCH", path, body).await
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let headers = [
            ("authorization", "Basic a2V5OnNlY3JldA=="),
            ("accept", "application/json;version=2"),
            ("content-type", "application/json"),
        ];
        self.send_with(method, path, body, &headers).await
    }

    async fn send_with(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.sim.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    /// Connection `a` as it really is.
    fn a(&self) -> Connection {
        self.sim.connection("a").unwrap()
    }

    /// The status that a read shows of connection `a`.
    async fn status(&self) -> Value {
        self.get("/v1/connections/a").await.body["data"]["status"].clone()
    }

    /// The main effects of all calls so far.
    fn did(&self) -> Vec<EffectKind> {
        self.sim.effects().into_iter().map(|e| e.what).collect()
    }
}

fn reconnect(minutes: u32) -> Outcome {
    Outcome::fails(
        minutes,
        "reconnect",
        "Reconnect",
        "FATAL: password authentication failed for user \"etl\"",
    )
}
