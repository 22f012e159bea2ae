//! Webhooks: who is told, the exact bytes, and the retries.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Duration, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use super::connection::Connection;
use super::logs::{End, Finished};
use super::wire::{millis, timestamp};

/// Each retry waits this much longer than the one before.
const RETRY_STEP: Duration = Duration::minutes(5);

/// After this long without a 2xx the webhook is switched off.
const GIVE_UP_AFTER: Duration = Duration::hours(24);

/// A registered webhook.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// The group it is limited to; none for one of the whole account.
    pub group_id: Option<String>,
    /// Where it posts.
    pub url: String,
    /// The events it wants.
    pub events: Vec<String>,
    /// Whether it posts at all; Fivetran switches it off after a day of failures.
    pub active: bool,
    /// The key of its signatures; without one the posts are not signed.
    pub secret: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// One post, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRequest {
    /// Where it goes.
    pub url: String,
    /// Content type and signature.
    pub headers: Vec<(String, String)>,
    /// The body that is signed.
    pub body: String,
}

impl WebhookRequest {
    /// The request for a body, signed when there is a secret: upper-case hex, no prefix.
    pub fn new(url: &str, secret: Option<&str>, body: String) -> Self {
        let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        if let Some(signature) = secret.and_then(|s| sign(s, &body)) {
            headers.push(("X-Fivetran-Signature-256".to_owned(), signature));
        }
        WebhookRequest {
            url: url.to_owned(),
            headers,
            body,
        }
    }
}

fn sign(secret: &str, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(body.as_bytes());
    Some(hex::encode_upper(mac.finalize().into_bytes()))
}

/// A post that was not answered with 2xx yet.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    number: u64,
    pub request: WebhookRequest,
    webhook_id: String,
    first_at: DateTime<Utc>,
    next_at: DateTime<Utc>,
    attempts: i32,
}

/// All webhooks and what they still have to deliver.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    pub registered: BTreeMap<String, Webhook>,
    queue: VecDeque<Delivery>,
    created: u64,
    posted: u64,
}

/// The payload, in the order of fields and with the names of the live capture.
#[derive(Serialize)]
struct Payload<'a> {
    event: &'a str,
    created: String,
    connector_type: &'a str,
    connector_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    connector_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_group_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<EndData<'a>>,
}

#[derive(Serialize)]
struct EndData<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(rename = "taskType", skip_serializing_if = "Option::is_none")]
    task_type: Option<&'a str>,
    #[serde(rename = "rescheduledAt", skip_serializing_if = "Option::is_none")]
    rescheduled_at: Option<String>,
}

impl<'a> EndData<'a> {
    fn new(end: &'a End) -> Self {
        let (task_type, rescheduled_at) = match end {
            End::FailureWithTask { task_type, .. } => (Some(task_type.as_str()), None),
            End::Rescheduled { until, .. } => (None, Some(timestamp(*until))),
            End::Successful | End::Failure { .. } | End::Canceled { .. } => (None, None),
        };
        EndData {
            status: end.status(),
            reason: end.reason(),
            task_type,
            rescheduled_at,
        }
    }
}

/// The body of a sync event: compact JSON.
pub(super) fn sync_body(
    c: &Connection,
    sync_id: &str,
    end: Option<&End>,
    at: DateTime<Utc>,
) -> String {
    let payload = Payload {
        event: if end.is_some() {
            "sync_end"
        } else {
            "sync_start"
        },
        created: millis(at),
        connector_type: &c.service,
        connector_id: &c.id,
        connector_name: Some(&c.schema),
        sync_id: Some(sync_id),
        group_id: None,
        destination_group_id: Some(&c.group_id),
        data: end.map(EndData::new),
    };
    serde_json::to_string(&payload).unwrap_or_default()
}

/// The body that registration posts (`test_event`), or that the test call posts for the event of its choice.
pub(super) fn test_body(event: &str, at: DateTime<Utc>) -> String {
    let registration = event == "test_event";
    let payload = Payload {
        event,
        created: millis(at),
        connector_type: "_connector_type",
        connector_id: "_connector_1",
        connector_name: None,
        sync_id: None,
        group_id: registration.then_some("_destination_1"),
        destination_group_id: (!registration).then_some("_destination_1"),
        data: None,
    };
    serde_json::to_string(&payload).unwrap_or_default()
}

impl Hooks {
    /// Registers a webhook under an id of its own.
    pub fn register(&mut self, mut webhook: Webhook) -> Webhook {
        self.created += 1;
        webhook.id = format!("webhook_{}", self.created);
        self.registered.insert(webhook.id.clone(), webhook.clone());
        webhook
    }

    pub fn sync_started(&mut self, c: &Connection, now: DateTime<Utc>) {
        let Some(run) = &c.running else { return };
        self.enqueue(c, "sync_start", &sync_body(c, &run.sync_id, None, now), now);
    }

    pub fn sync_ended(&mut self, c: &Connection, sync: &Finished, now: DateTime<Utc>) {
        self.enqueue(
            c,
            "sync_end",
            &sync_body(c, &sync.sync_id, Some(&sync.end), now),
            now,
        );
    }

    fn enqueue(&mut self, c: &Connection, event: &str, body: &str, now: DateTime<Utc>) {
        for hook in self.registered.values().filter(|h| h.active) {
            let ours = hook.group_id.as_ref().is_none_or(|g| *g == c.group_id);
            if ours && hook.events.iter().any(|e| e == event) {
                self.posted += 1;
                self.queue.push_back(Delivery {
                    number: self.posted,
                    request: WebhookRequest::new(
                        &hook.url,
                        hook.secret.as_deref(),
                        body.to_owned(),
                    ),
                    webhook_id: hook.id.clone(),
                    first_at: now,
                    next_at: now,
                    attempts: 0,
                });
            }
        }
    }

    /// What is to be posted by now, oldest first.
    pub fn due(&self, now: DateTime<Utc>) -> Vec<Delivery> {
        self.queue
            .iter()
            .filter(|d| d.next_at <= now)
            .cloned()
            .collect()
    }

    /// Empties the queue without posting.
    pub fn drain(&mut self) -> Vec<WebhookRequest> {
        self.queue.drain(..).map(|d| d.request).collect()
    }

    /// Notes the answer to a post: done, again later, or given up with the webhook switched off.
    pub fn settle(&mut self, delivery: &Delivery, accepted: bool, now: DateTime<Utc>) {
        let Some(place) = self.queue.iter().position(|d| d.number == delivery.number) else {
            return;
        };
        if accepted {
            self.queue.remove(place);
            return;
        }
        let Some(kept) = self.queue.get_mut(place) else {
            return;
        };
        kept.attempts += 1;
        kept.next_at = now + RETRY_STEP * kept.attempts;
        if now - kept.first_at >= GIVE_UP_AFTER {
            if let Some(hook) = self.registered.get_mut(&delivery.webhook_id) {
                hook.active = false;
            }
            self.queue.retain(|d| d.webhook_id != delivery.webhook_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPTURED: &str = "{\"event\":\"sync_end\",\"created\":\"2026-05-22T00:06:08.638Z\",\
        \"connector_type\":\"google_cloud_postgresql\",\"connector_id\":\"assimilate_seem\",\"connector_name\":\"ftar_pg\",\
        \"sync_id\":\"b4703f73-6315-4e22-8d7a-3bfb18b2fed2\",\"destination_group_id\":\"inappropriate_implode\",\
        \"data\":{\"status\":\"SUCCESSFUL\"}}";

    #[test]
    fn the_bytes_and_the_signature_are_those_of_the_live_capture() {
        let c = Connection::new(
            "assimilate_seem",
            "google_cloud_postgresql",
            "ftar_pg",
            "inappropriate_implode",
        );
        let at = "2026-05-22T00:06:08.638Z".parse().unwrap();
        let body = sync_body(
            &c,
            "b4703f73-6315-4e22-8d7a-3bfb18b2fed2",
            Some(&End::Successful),
            at,
        );
        assert_eq!(body, CAPTURED);
        assert_eq!(body.len(), 287);
        let request = WebhookRequest::new(
            "http://localhost/",
            Some("test-secret-32-bytes-of-randomness"),
            body,
        );
        let signature = "547007E80CB87B8CB8C58D88BE4E0DACC306ADCA5746B781890989C181C8A618";
        assert_eq!(
            request.headers[1],
            ("X-Fivetran-Signature-256".to_owned(), signature.to_owned())
        );
    }

    #[test]
    fn the_test_payload_has_no_sync_and_no_data() {
        let at = "2026-11-22T10:00:00Z".parse().unwrap();
        assert_eq!(
            test_body("test_event", at),
            "{\"event\":\"test_event\",\"created\":\"2026-11-22T10:00:00.000Z\",\"connector_type\":\"_connector_type\",\
             \"connector_id\":\"_connector_1\",\"group_id\":\"_destination_1\"}"
        );
        assert!(
            test_body("sync_end", at).ends_with("\"destination_group_id\":\"_destination_1\"}")
        );
    }

    #[test]
    fn retries_wait_longer_each_time_and_the_webhook_is_switched_off_after_a_day() {
        let start: DateTime<Utc> = "2026-11-22T10:00:00Z".parse().unwrap();
        let mut hooks = Hooks::default();
        let id = hooks.register(webhook(start)).id;
        let mut c = Connection::new("a", "postgres", "a", "g");
        c.running = Some(super::super::connection::Run {
            sync_id: "s".into(),
            started_at: start,
            ends_at: None,
            outcome: super::super::outcome::Outcome::NeverEnds,
        });
        hooks.sync_started(&c, start);
        let mut now = start;
        let mut minutes = Vec::new();
        while let Some(next) = hooks.queue.front().map(|d| d.next_at) {
            now = next;
            minutes.push((now - start).num_minutes());
            let due = hooks.due(now);
            hooks.settle(&due[0], false, now);
        }
        assert_eq!(minutes[..5], [0, 5, 15, 30, 50]);
        assert!(now - start >= GIVE_UP_AFTER);
        assert!(!hooks.registered[&id].active);
    }

    fn webhook(created_at: DateTime<Utc>) -> Webhook {
        Webhook {
            id: String::new(),
            group_id: None,
            url: "http://127.0.0.1:9/".into(),
            events: vec!["sync_start".into(), "sync_end".into()],
            active: true,
            secret: None,
            created_at,
        }
    }
}
