//! The simulators as judges: what they answered the service is what the real ones would, retries included.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use syncgate::sim::fivetran::Outcome;
use syncgate::sim::ledger::Service;

use crate::harness::people::{ANA, EMIL, ERIN};
use crate::harness::{API_KEY, API_SECRET, CHANNEL, WEBHOOK_SECRET, World, world};
use crate::openapi::Spec;

/// Reads, writes, refusals: what the service does with Fivetran.
async fn a_day(w: &mut World) {
    w.command(ANA, "sync orders").await;
    w.command(ANA, "pause hubspot for 2h").await;
    w.command(EMIL, "approve 2").await;
    w.command(EMIL, "undo 2").await;
    w.command(ANA, "schedule orders daily at 03:00").await;
    w.command(ERIN, "approve 3").await;
    w.command(ANA, "resync orders public.orders").await;
    w.command(ERIN, "approve 4").await;
    w.fivetran.next_sync(
        "sales_id",
        Outcome::fails(1, "source_timeout", "No answer", "no answer"),
    );
    assert!(w.fivetran.start_sync("sales_id"));
    w.pass(std::time::Duration::from_secs(70)).await;
    w.app().poll().await.unwrap();
    w.settle().await;
    w.fivetran_saw();
}

#[test]
fn every_request_and_every_answer_of_a_day_is_as_fivetran_describes_it() {
    let Some(spec) = Spec::load() else { return };
    world(async |w| {
        a_day(w).await;
        let entries = w
            .ledger
            .entries()
            .into_iter()
            .filter(|e| e.service == Service::Fivetran);
        let mut reads = BTreeSet::new();
        for entry in entries {
            if entry.method == "GET" {
                reads.insert(entry.path);
                continue;
            }
            let path = entry.path.split('?').next().unwrap_or_default();
            spec.check_request(&entry.method, path, &entry.json())
                .unwrap_or_else(|why| panic!("{} {path}: {why}", entry.method));
        }
        assert!(reads.len() >= 5, "{reads:?}");
        let (base, client) = (
            w.settings.fivetran.api.to_string(),
            reqwest::Client::builder().build().unwrap(),
        );
        for path in reads {
            let ask = client.get(format!("{}{path}", base.trim_end_matches('/')));
            let answer = ask
                .basic_auth(API_KEY, Some(API_SECRET))
                .header("accept", "application/json;version=2");
            let answer = answer.send().await.unwrap();
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.unwrap();
            spec.check_response("GET", &path, status, &body)
                .unwrap_or_else(|why| panic!("GET {path}: {why}\n{body:#}"));
        }
    });
}

#[test]
fn slacks_retries_of_an_event_bring_it_once_however_often_they_come() {
    world(async |w| {
        w.crash().await;
        let mention = |text: &str| {
            json!({"type": "app_mention", "user": ANA, "channel": CHANNEL, "ts": "1763881200.000100",
                   "text": format!("<@U0BOT> {text}")})
        };
        let acks = w.slack.event_until_taken(mention("sync orders")).await;
        assert_eq!(acks.len(), 4, "once and three times again: {acks:?}");
        w.start().await;
        let acks = w.slack.event_until_taken(mention("sync orders")).await;
        assert_eq!(acks.len(), 1, "{acks:?}");
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        let body = w.slack.event_body(mention("sync hubspot"));
        for retry in [
            None,
            Some((1, "http_timeout")),
            Some((2, "http_timeout")),
            Some((3, "http_error")),
        ] {
            let ack = w.slack.deliver_event(&body, retry).await;
            assert!(ack.ok(), "{ack:?}");
        }
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "hub_id SyncStarted { force: false }");
    });
}

#[test]
fn fivetrans_retries_bring_a_webhook_to_a_service_that_was_away() {
    world(async |w| {
        w.fivetran.set_webhook(
            &format!("{}/fivetran/webhooks", w.service().url),
            "another secret",
        );
        w.fivetran
            .next_sync("hub_id", Outcome::fails_unknown(1, "connection reset"));
        assert!(w.fivetran.start_sync("hub_id"));
        w.pass(std::time::Duration::from_secs(70)).await;
        assert_eq!(
            w.fivetran.deliver_webhooks().await,
            0,
            "401 for another's signature"
        );
        assert!(w.cards(CHANNEL).is_empty());
        w.fivetran.take_webhooks();
        w.fivetran.set_webhook(
            &format!("{}/fivetran/webhooks", w.service().url),
            WEBHOOK_SECRET,
        );
        assert!(w.fivetran.start_sync("hub_id"));
        w.pass(std::time::Duration::from_secs(6 * 60)).await;
        assert!(w.fivetran.deliver_webhooks().await >= 2);
        w.settle().await;
        assert!(
            w.fivetran
                .take_webhooks()
                .iter()
                .all(|post| post.body.contains("hub_id"))
        );
    });
}
