//! The queue to Slack and the steps to Fivetran under outages, poison and several workers: each
//! message once and in its order (I12), each call once (I4).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use syncgate::app::{App, Ran};
use syncgate::sim::fault::FaultKind;
use syncgate::sim::fivetran::Connection;
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::{Message, plain};
use syncgate::store::{Draft, MessageKind};

use crate::harness::people::{ANA, EMIL};
use crate::harness::{CHANNEL, World, world};

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

fn draft(key: &str, channel: &str, parent: Option<&str>, text: &str) -> Draft {
    Draft {
        asked_at: None,
        key: key.into(),
        kind: parent.map_or(MessageKind::Card, |_| MessageKind::Reply),
        channel: channel.into(),
        parent: parent.map(Into::into),
        thread_ts: None,
        recipient: None,
        response_url: None,
        text: text.into(),
        blocks: "[]".into(),
        content: text.into(),
    }
}

async fn put(w: &World, drafts: &[Draft]) {
    let mut tx = w.app().store.begin().await.unwrap();
    for draft in drafts {
        tx.put_message(draft, w.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// What happens in the hours in which Slack is away: a pause runs and ends, and an operator halts
/// and lets go twice.
async fn a_long_night(w: &mut World) {
    while w.app().run_step().await.unwrap() == Ran::Ran {}
    for _ in 0..2 {
        w.later(minutes(50)).await;
        w.halts(Some("night")).await;
        w.later(minutes(20)).await;
        w.unhalts().await;
    }
    w.later(minutes(20)).await;
}

/// What stands there afterwards: every card once, as it is now, and every note once.
async fn the_morning_after(w: &mut World, edits_before: usize) {
    w.later(minutes(2)).await;
    w.settle().await;
    assert_eq!(w.fivetran_saw(), "orders_id Paused\norders_id Resumed");
    let words: Vec<String> = w.roots().iter().map(|m| first_word(&plain(m))).collect();
    assert_eq!(
        words,
        ["Undone", "Halted", "Unhalted", "Halted", "Unhalted"]
    );
    let card = &w.roots()[0];
    assert_eq!(
        card.versions.len() - edits_before,
        1,
        "outdated edits were sent"
    );
    let notes: Vec<String> = w
        .slack
        .thread(CHANNEL, &card.ts)
        .iter()
        .map(|m| first_word(&m.text))
        .collect();
    assert_eq!(
        notes,
        [
            "Approved", "Sent", "Sent", "Done", "Undoing", "Undoing", "Undoing", "Ended"
        ]
    );
    assert_eq!(w.app().health().await.unwrap().messages_waiting, 0);
}

fn first_word(text: &str) -> String {
    let end = |c: char| !c.is_alphanumeric();
    let mut words = text.split(end).filter(|word| !word.is_empty());
    words.next().unwrap_or_default().to_owned()
}

#[test]
fn i12_after_hours_without_slack_everything_comes_in_order_and_once() {
    world(async |w| {
        w.command(ANA, "pause orders for 1h").await;
        w.decided(EMIL, "Approve").await;
        let edits = w.roots()[0].versions.len();
        w.down(Service::Slack).await;
        a_long_night(w).await;
        w.up(Service::Slack).await;
        the_morning_after(w, edits).await;
    });
}

#[test]
fn i12_after_hours_of_slacks_errors_everything_comes_in_order_and_once() {
    world(async |w| {
        w.command(ANA, "pause orders for 1h").await;
        w.decided(EMIL, "Approve").await;
        let edits = w.roots()[0].versions.len();
        for fault in [
            FaultKind::Close { apply: false },
            FaultKind::answer(503, "<html>"),
        ] {
            w.always(Service::Slack, "POST", "/api/chat.", fault);
        }
        let busy = r#"{"ok":false,"error":"service_unavailable"}"#;
        w.always(
            Service::Slack,
            "POST",
            "/response/",
            FaultKind::answer(200, busy),
        );
        a_long_night(w).await;
        w.faults.clear();
        the_morning_after(w, edits).await;
    });
}

#[test]
fn i12_slacks_own_word_for_an_outage_loses_nothing() {
    world(async |w| {
        w.command(ANA, "pause orders for 1h").await;
        w.decided(EMIL, "Approve").await;
        let edits = w.roots()[0].versions.len();
        let busy = r#"{"ok":false,"error":"service_unavailable"}"#;
        w.always(
            Service::Slack,
            "POST",
            "/api/chat.",
            FaultKind::answer(200, busy),
        );
        a_long_night(w).await;
        w.faults.clear();
        the_morning_after(w, edits).await;
    });
}

#[test]
fn i12_a_later_card_does_not_overtake_one_that_waits_for_slack() {
    world(async |w| {
        for fault in [
            None,
            Some(FaultKind::answer(503, "")),
            Some(FaultKind::Close { apply: false }),
        ] {
            match &fault {
                None => w.down(Service::Slack).await,
                Some(fault) => w.always(Service::Slack, "POST", "/api/chat.", fault.clone()),
            }
            // The first is tried ever more seldom by the time the second comes.
            put(w, &[draft(&format!("{fault:?} 1"), CHANNEL, None, "first")]).await;
            w.seconds(40).await;
            put(
                w,
                &[draft(&format!("{fault:?} 2"), CHANNEL, None, "second")],
            )
            .await;
            w.seconds(4).await;
            w.faults.clear();
            if fault.is_none() {
                w.up(Service::Slack).await;
            }
            w.seconds(40).await;
        }
        let texts: Vec<String> = w.roots().into_iter().map(|m| m.text).collect();
        assert_eq!(texts, ["first", "second"].repeat(3));
    });
}

#[test]
fn notes_wait_for_their_card() {
    world(async |w| {
        // The card has to wait by itself, nothing else has.
        let refused = FaultKind::answer(200, r#"{"ok":false,"error":"restricted_action"}"#);
        for _ in 0..3 {
            w.fault(Service::Slack, "/api/chat.postMessage", refused.clone());
        }
        assert!(w.command_now(ANA, "sync orders").await);
        w.later(minutes(1)).await;
        let posts = w.slack_calls("chat.postMessage");
        let in_thread: Vec<bool> = posts.iter().map(|p| p["thread_ts"].is_string()).collect();
        assert_eq!(in_thread[..5], [false, false, false, false, true]);
        assert_eq!(w.roots().len(), 1);
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
    });
}

#[test]
fn t157_a_message_that_slack_never_takes_holds_nobody_up() {
    world(async |w| {
        // Slack answers no_text to the first, and the second is in a thread that will never be.
        put(
            w,
            &[
                draft("poison", CHANNEL, None, ""),
                draft("below", CHANNEL, Some("poison"), "below"),
                draft("one", CHANNEL, None, "one"),
                draft("two", CHANNEL, None, "two"),
            ],
        )
        .await;
        w.seconds(5).await;
        let texts: Vec<String> = w.roots().iter().map(|m| m.text.clone()).collect();
        assert_eq!(texts, ["one", "two"]);
        for _ in 0..8 {
            w.later(minutes(1)).await;
        }
        let health = w.app().health().await.unwrap();
        assert_eq!((health.messages_dead, health.messages_waiting), (2, 0));
        let dead = w.codes().await;
        assert_eq!(
            dead.iter().filter(|code| *code == "message.dead").count(),
            1
        );
    });
}

/// Runs one kind of worker eight times side by side until all is done, with the clock going on.
async fn eight<F>(w: &World, step: impl Fn(Arc<App>) -> F + Clone + Send + 'static)
where
    F: Future<Output = anyhow::Result<Ran>> + Send,
{
    for _ in 0..60 {
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (app, step) = (w.app().clone(), step.clone());
            workers.spawn(async move {
                // A worker that finds nothing looks again: the others may have left something.
                for _ in 0..6 {
                    while step(app.clone()).await.unwrap() == Ran::Ran {}
                }
            });
        }
        workers.join_all().await;
        w.clock.advance(Duration::from_secs(1));
    }
}

#[test]
fn i3_eight_senders_send_each_message_once_and_in_its_order() {
    world(async |w| {
        let mut drafts = Vec::new();
        for n in 0..12 {
            let channel = format!("C0MANY{}", n % 4);
            w.slack.add_channel(&channel, &channel);
            let card = format!("card {n}");
            drafts.push(draft(&card, &channel, None, &card));
            for m in 0..3 {
                let note = format!("note {n}.{m}");
                drafts.push(draft(&note, &channel, Some(&card), &note));
            }
        }
        for n in 0..12 {
            let only = draft(&format!("only {n}"), CHANNEL, None, &format!("only {n}"));
            let (kind, recipient) = (MessageKind::Ephemeral, Some(ANA.to_owned()));
            drafts.push(Draft {
                kind,
                recipient,
                ..only
            });
        }
        put(w, &drafts).await;
        eight(w, |app| async move { app.deliver_one().await }).await;
        let mut sent: BTreeMap<String, usize> = BTreeMap::new();
        let mut posts = w.slack_calls("chat.postMessage");
        posts.extend(w.slack_calls("chat.postEphemeral"));
        for post in posts {
            *sent
                .entry(post["text"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        assert!(sent.values().all(|times| *times == 1), "{sent:?}");
        assert_eq!(sent.len(), drafts.len());
        for channel in 0..4 {
            let all = w.slack.messages(&format!("C0MANY{channel}"));
            for (parent, card) in all.iter().filter(|m| m.thread_ts.is_none()).zip(0..) {
                assert_eq!(parent.text, format!("card {}", channel + 4 * card));
                let notes = all
                    .iter()
                    .filter(|m| m.thread_ts.as_ref() == Some(&parent.ts));
                let notes: Vec<&Message> = notes.collect();
                assert!(notes.iter().map(|m| &m.text).is_sorted() && notes.len() == 3);
            }
        }
    });
}

#[test]
fn i4_eight_executors_make_each_call_once() {
    world(async |w| {
        // Its cards go out one a second.
        w.leaves_work = true;
        for n in 0..10 {
            let id = format!("many_{n}");
            let connection = Connection::new(&id, "hubspot", &id, "g_warehouse");
            w.fivetran
                .add_connection(connection.every(360).takes_minutes(60));
        }
        w.command(ANA, "status").await;
        for n in 0..10 {
            // Twice: the second finds that the first runs, or has overtaken it.
            for ask in [format!("sync many_{n}"), format!("sync many_{n}")] {
                assert!(w.slack.command(ANA, CHANNEL, &ask).await.ok());
            }
        }
        w.take_up().await;
        w.always(
            Service::Fivetran,
            "POST",
            "/v1/",
            FaultKind::Delay(Duration::from_millis(20)),
        );
        eight(w, |app| async move { app.run_step().await }).await;
        let mut calls: BTreeMap<String, usize> = BTreeMap::new();
        for write in w.writes() {
            *calls.entry(write.path).or_default() += 1;
        }
        assert_eq!(calls.len(), 10);
        assert!(calls.values().all(|times| *times == 1), "{calls:?}");
        assert_eq!(w.fivetran_saw().lines().count(), 10);
        w.settle().await;
    });
}
