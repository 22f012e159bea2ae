//! The ledger: every request that arrived at a simulated service, in order, and what was answered.
//!
//! Tests assert on it what left our process, whatever our process believes it sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::lock;

/// Which simulated service a request arrived at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// The Slack Web API and the response URLs.
    Slack,
    /// The Fivetran REST API.
    Fivetran,
    /// The OpenAI-compatible model server.
    Llm,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Position in the ledger, from 1; counts over all services.
    pub seq: u64,
    /// When it had arrived completely, by the simulated clock.
    pub at: DateTime<Utc>,
    /// Where it arrived.
    pub service: Service,
    /// The HTTP method in capitals.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Headers in order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; what is not UTF-8 is replaced.
    pub body: String,
    /// The status that was answered; `None`: no answer was given (yet).
    pub status: Option<u16>,
    /// Number of the TCP connection that carried it.
    pub connection: u64,
}

impl Entry {
    /// The value of a header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON, or null when it is something else.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// A request before it has its place in the ledger.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// See [`Entry::at`].
    pub at: DateTime<Utc>,
    /// See [`Entry::service`].
    pub service: Service,
    /// See [`Entry::method`].
    pub method: String,
    /// See [`Entry::path`].
    pub path: String,
    /// See [`Entry::headers`].
    pub headers: Vec<(String, String)>,
    /// See [`Entry::body`].
    pub body: String,
    /// See [`Entry::connection`].
    pub connection: u64,
}

/// A handle on the ledger; clones share it.
#[derive(Clone, Default)]
pub struct Ledger {
    entries: Arc<Mutex<Vec<Entry>>>,
    changed: Arc<Notify>,
}

impl Ledger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    /// All requests so far, in order of arrival.
    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.entries).clone()
    }

    /// The requests of one service with this method whose path begins with the prefix.
    pub fn matching(&self, service: Service, method: &str, path_prefix: &str) -> Vec<Entry> {
        let wanted = |e: &&Entry| {
            e.service == service && e.method == method && e.path.starts_with(path_prefix)
        };
        lock(&self.entries).iter().filter(wanted).cloned().collect()
    }

    /// Enters a request; returns its number.
    pub fn record(&self, arrival: Arrival) -> u64 {
        let Arrival {
            at,
            service,
            method,
            path,
            headers,
            body,
            connection,
        } = arrival;
        let mut entries = lock(&self.entries);
        let seq = entries.len() as u64 + 1;
        entries.push(Entry {
            seq,
            at,
            service,
            method,
            path,
            headers,
            body,
            status: None,
            connection,
        });
        drop(entries);
        self.changed.notify_waiters();
        seq
    }

    /// Notes what a request was answered.
    pub fn answered(&self, seq: u64, status: u16) {
        if let Some(entry) = lock(&self.entries).iter_mut().find(|e| e.seq == seq) {
            entry.status = Some(status);
        }
        self.changed.notify_waiters();
    }

    /// Waits in real time for the first entry that satisfies the predicate; `None` when the time is up.
    pub async fn wait_for(
        &self,
        within: Duration,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Option<Entry> {
        let found = async {
            loop {
                let notified = self.changed.notified();
                tokio::pin!(notified);
                // Registered before the look, so that an entry written between look and wait is not missed.
                notified.as_mut().enable();
                if let Some(entry) = lock(&self.entries).iter().find(|e| wanted(e)).cloned() {
                    return entry;
                }
                notified.await;
            }
        };
        tokio::time::timeout(within, found).await.ok()
    }
}
