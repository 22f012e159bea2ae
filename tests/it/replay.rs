//! What comes twice, late, changed, or just before a crash.

use std::time::Duration;

use serde_json::json;
use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::fivetran::Outcome;
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::{Message, Signed, SlackSim};

use crate::harness::people::{ANA, EMIL};
use crate::harness::wire::{Request, form};
use crate::harness::{CHANNEL, World, world};
use crate::process::stage;

/// A click of Emil's on Approve, signed, not delivered.
async fn approval(w: &World) -> Signed {
    w.command(ANA, "pause orders for 2h").await;
    approval_of(&w.slack, &w.with_button("Approve"))
}

fn approval_of(slack: &SlackSim, card: &Message) -> Signed {
    let button = button(&card.blocks);
    let payload = slack.click_payload(EMIL, CHANNEL, &card.ts, button);
    slack.signed(
        "/slack/interactions",
        form(&[("payload", &payload.to_string())]),
    )
}

fn button(blocks: &[serde_json::Value]) -> serde_json::Value {
    let elements = blocks
        .iter()
        .filter_map(|block| block["elements"].as_array())
        .flatten();
    let mut buttons = elements.filter(|e| e["action_id"] == "approve");
    buttons.next().expect("an Approve button").clone()
}

async fn times(w: &World, code: &str) -> usize {
    w.codes().await.iter().filter(|c| *c == code).count()
}

/// Delivers it so often at once; every answer.
async fn at_once(w: &World, request: &Signed, times: usize) -> Vec<(u16, String)> {
    let all = (0..times).map(async |_| {
        let ack = w.slack.deliver(request).await;
        (ack.status, ack.body)
    });
    futures_util::future::join_all(all).await
}

#[test]
fn t013_one_click_delivered_a_hundred_times_decides_once() {
    world(async |w| {
        let click = approval(w).await;
        let mut answers = at_once(w, &click, 2).await;
        w.settle().await;
        for _ in 0..14 {
            w.clock.advance(Duration::from_secs(20));
            answers.extend(at_once(w, &click, 7).await);
            w.settle().await;
        }
        assert_eq!(answers.len(), 100);
        assert!(
            answers.iter().all(|answer| *answer == (200, String::new())),
            "{answers:?}"
        );
        assert_eq!(times(w, "decision.approve").await, 1);
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        let told = w.slack.ephemerals(EMIL);
        assert_eq!(told.len(), 1, "{told:?}");
    });
}

#[test]
fn t014_the_same_click_after_a_kill_9_still_decides_once() {
    stage(async |s| {
        s.start().await;
        assert!(s.types(ANA, "pause orders for 2h").await.ok());
        s.says("Proposed").await;
        let click = approval_of(&s.slack, &s.cards(CHANNEL)[0]);
        assert!(s.slack.deliver(&click).await.ok());
        s.kill();
        // Whatever was on its way has settled by then.
        s.skip(200);
        for _ in 0..2 {
            s.start().await;
            assert!(s.slack.deliver(&click).await.ok());
            s.quiet().await;
            s.kill();
        }
        s.start().await;
        assert_eq!(s.recorded("decision.approve").await, 1);
        assert_eq!(s.effects(), "orders_id Paused");
    });
}

#[test]
fn t015_a_replay_after_301_seconds_is_401() {
    world(async |w| {
        let command = w.slack.command_request(ANA, CHANNEL, "sync orders");
        w.clock.advance(Duration::from_secs(300));
        assert_eq!(w.slack.deliver(&command).await.status, 200);
        w.clock.advance(Duration::from_secs(1));
        let late = w.slack.deliver(&command).await;
        assert_eq!((late.status, late.body.as_str()), (401, ""));
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
    });
}

/// The event of Ana's mention, as Slack would deliver it.
fn mention(w: &World, words: &str) -> String {
    let text = format!("<@{}> {words}", w.slack.bot_user());
    let ts = w.slack.say(ANA, CHANNEL, &text, None);
    w.slack.event_body(json!({
        "type": "app_mention", "user": ANA, "text": text, "ts": ts, "channel": CHANNEL, "event_ts": ts,
    }))
}

#[test]
fn t016_an_event_that_slack_delivers_four_times_is_handled_once() {
    world(async |w| {
        let body = mention(w, "sync orders");
        assert!(w.slack.deliver_event(&body, None).await.ok());
        for (number, minutes) in [(1, 0), (2, 1), (3, 5)] {
            w.clock.advance(Duration::from_mins(minutes));
            w.settle().await;
            let ack = w
                .slack
                .deliver_event(&body, Some((number, "http_timeout")))
                .await;
            assert_eq!((ack.status, ack.body.as_str()), (200, ""));
        }
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        assert_eq!(w.count("inbox").await, 1);
    });
}

#[test]
fn t017_another_body_under_a_known_event_id_is_refused_and_recorded() {
    world(async |w| {
        let body = mention(w, "sync orders");
        assert!(w.slack.deliver_event(&body, None).await.ok());
        let forged = body.replace("sync orders", "sync hubspot");
        let ack = w
            .slack
            .deliver_event(&forged, Some((1, "http_timeout")))
            .await;
        assert_eq!(
            (ack.status, ack.body.as_str(), ack.no_retry),
            (409, "", true)
        );
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        assert_eq!(times(w, "inbound.forged").await, 1);
    });
}

/// A sync of `orders` has failed; the webhook that says so.
fn failure(w: &World) -> String {
    let failed_at = w.now();
    let outcome = Outcome::fails(
        5,
        "reconnect",
        "Reconnect",
        "FATAL: password authentication failed",
    );
    w.edit("orders_id", |c| {
        c.failed_at = Some(failed_at);
        c.setup_state = "broken".into();
    });
    w.fivetran
        .webhook_request("orders_id", "sync-1", Some(&outcome))
        .unwrap()
        .body
}

#[test]
fn t053_a_webhook_counts_with_its_signature_in_either_case() {
    world(async |w| {
        let body = failure(w);
        let upper = w.as_fivetran(body.clone());
        assert_eq!(w.send(upper).await.status, 200);
        let lower = crate::harness::wire::hmac(crate::harness::WEBHOOK_SECRET, &[body.as_bytes()]);
        let lower = w.as_fivetran(body).set("x-fivetran-signature-256", lower);
        assert_eq!(w.send(lower).await.status, 200);
        w.settle().await;
        assert!(w.channel().contains("orders"), "{}", w.channel());
    });
}

#[test]
fn t054_t055_t056_a_webhook_that_is_not_fivetrans_is_401() {
    world(async |w| {
        let body = failure(w);
        let good = w.as_fivetran(body.clone());
        let name = "x-fivetran-signature-256";
        let signature = good.headers[1].1.clone();
        let mut bad: Vec<(String, Request)> = (0..body.len() * 8)
            .step_by(3)
            .map(|bit| {
                let mut flipped = body.clone().into_bytes();
                flipped[bit / 8] ^= 1 << (bit % 8);
                (format!("bit {bit}"), good.clone().body(flipped))
            })
            .collect();
        let spaced = body.replacen(',', ", ", 1);
        let sha = [b"sha256=", &signature[..]].concat();
        bad.extend([
            ("a space more".to_owned(), good.clone().body(spaced)),
            ("no signature".to_owned(), good.clone().without(name)),
            ("an empty one".to_owned(), good.clone().set(name, "")),
            (
                "half of it".to_owned(),
                good.clone().set(name, &signature[..32]),
            ),
            ("with a prefix".to_owned(), good.clone().set(name, sha)),
            ("twice".to_owned(), good.clone().with(name, &signature)),
            (
                "of nobody".to_owned(),
                good.clone()
                    .set(name, crate::harness::wire::hmac("", &[body.as_bytes()])),
            ),
        ]);
        for (what, request) in bad {
            let answer = w.send(request).await;
            assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{what}");
        }
        assert_eq!(w.count("inbox").await, 0);
        assert_eq!(w.send(good).await.status, 200);
        w.settle().await;
    });
}

#[test]
fn t057_a_webhook_delivered_a_thousand_times_is_one_row_and_one_card() {
    world(async |w| {
        let body = failure(w);
        for _ in 0..20 {
            let all = (0..50).map(async |_| w.send(w.as_fivetran(body.clone())).await.status);
            let all = futures_util::future::join_all(all).await;
            assert!(all.iter().all(|status| *status == 200), "{all:?}");
        }
        w.settle().await;
        assert_eq!(w.count("inbox").await, 1);
        assert_eq!(w.slack.messages(CHANNEL).len(), 1, "{}", w.channel());
        assert_eq!(times(w, "incident.opened").await, 1);
    });
}

#[test]
fn t058_a_webhook_of_three_days_ago_is_taken_recorded_and_believed_in_nothing() {
    world(async |w| {
        let body = failure(w);
        w.clock.advance(Duration::from_hours(72));
        let answer = w.send(w.as_fivetran(body)).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        w.settle().await;
        assert_eq!(w.channel(), "");
        let audit = w.audit().await;
        let (_, record) = audit
            .iter()
            .find(|(code, _)| code == "webhook.received")
            .unwrap();
        assert_eq!(record["outcome"], "stale");
    });
}

/// Every kind of delivery, not handled yet, then a crash.
#[test]
fn i3_what_was_acknowledged_survives_a_crash() {
    world(async |w| {
        let click = approval(w).await;
        let command = w.slack.command_request(ANA, CHANNEL, "sync hubspot");
        let event = mention(w, "status");
        w.edit("sales_id", |c| {
            c.failed_at = Some("2026-11-23T06:59:00Z".parse().unwrap())
        });
        let hook =
            w.fivetran
                .webhook_request("sales_id", "s", Some(&Outcome::fails_unknown(1, "no")));
        let hook = w.send(w.as_fivetran(hook.unwrap().body));
        assert_eq!(hook.await.status, 200);
        assert!(w.slack.deliver(&command).await.ok());
        assert!(w.slack.deliver_event(&event, None).await.ok());
        assert!(w.slack.deliver(&click).await.ok());
        w.restart().await;
        w.settle().await;
        assert_eq!(
            w.fivetran_saw()
                .lines()
                .collect::<std::collections::BTreeSet<_>>(),
            ["orders_id Paused", "hub_id SyncStarted { force: false }"].into()
        );
        assert_eq!(times(w, "incident.opened").await, 1);
        assert!(w.told(ANA).contains("salesforce"), "{}", w.told(ANA));
    });
}

/// What cannot be kept is not acknowledged, whatever it is; the sender's retry is taken.
#[test]
fn i3_what_cannot_be_stored_is_503_and_its_retry_counts() {
    world(async |w| {
        let click = approval(w).await;
        assert!(w.press(EMIL, "Reject…").await.ok());
        w.settle().await;
        let view = w.slack.views(EMIL).pop().unwrap();
        let reason = json!({"reason": {"reason": {"type": "plain_text_input", "value": "no"}}});
        let submit = w
            .slack
            .submission_payload(EMIL, &view.id, reason)
            .unwrap()
            .to_string();
        let submit = w
            .slack
            .signed("/slack/interactions", form(&[("payload", &submit)]));
        let command = w.slack.command_request(ANA, CHANNEL, "sync hubspot");
        let event = w.slack.signed("/slack/events", mention(w, "status"));
        let hook = failure(w);
        w.app().store.close().await;
        for request in [&click, &submit, &command, &event] {
            let ack = w.slack.deliver(request).await;
            assert_eq!(
                (ack.status, ack.body.as_str()),
                (503, ""),
                "{}",
                request.body
            );
        }
        assert_eq!(w.send(w.as_fivetran(hook.clone())).await.status, 503);
        w.restart().await;
        for request in [&click, &command, &event] {
            assert!(w.slack.deliver(request).await.ok());
        }
        assert_eq!(w.send(w.as_fivetran(hook)).await.status, 200);
        w.settle().await;
        let saw = w.fivetran_saw();
        assert!(saw.contains("hub_id SyncStarted { force: false }"), "{saw}");
        assert_eq!(times(w, "decision.approve").await, 1);
        assert_eq!(times(w, "incident.opened").await, 1);
    });
}

/// The card's story goes on where it stopped, once, although Slack was away meanwhile.
#[test]
fn i3_an_answer_that_slack_did_not_take_is_given_after_the_restart() {
    world(async |w| {
        for path in ["/api/chat.", "/response/"] {
            w.faults.add(Fault::always(
                Service::Slack,
                path,
                FaultKind::Close { apply: false },
            ));
        }
        let ack = w.slack.command(ANA, CHANNEL, "sync orders").await;
        assert!(ack.ok());
        while w.round().await {}
        w.restart().await;
        w.faults.clear();
        w.pass(Duration::from_mins(2)).await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        let cards = w.slack.messages(CHANNEL);
        let cards = cards.iter().filter(|m| m.thread_ts.is_none());
        assert_eq!(cards.count(), 1, "{}", w.channel());
    });
}
