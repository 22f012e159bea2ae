//! What is kept of deliveries: long enough to know a repetition, and no longer.

use std::time::Duration;

use chrono::TimeDelta;
use syncgate::app::Ran;
use syncgate::store::{Arrival, Arrived, Lane};

use crate::harness::people::{ANA, POLICY};
use crate::harness::{CHANNEL, world, world_with};
use crate::model::{HOST, ODD};

#[test]
fn what_is_settled_is_forgotten_after_a_week_and_what_waits_is_not() {
    world(async |w| {
        w.command(ANA, "help").await;
        assert!(w.slack.command(ANA, CHANNEL, "help").await.ok());
        let rows = async || (w.count("inbox").await, w.count("messages").await);
        w.clock.advance(Duration::from_secs(6 * 86_400));
        w.app().forget().await.unwrap();
        assert_eq!(rows().await, (2, 1));
        w.clock.advance(Duration::from_secs(2 * 86_400));
        w.app().forget().await.unwrap();
        assert_eq!(rows().await, (2, 0), "no receipt of it is in the chain yet");
        while w.app().chain_receipts().await.unwrap() == Ran::Ran {}
        w.app().forget().await.unwrap();
        assert_eq!(rows().await, (1, 0), "one delivery waits");
        w.settle().await;
    });
}

#[test]
fn prompts_are_kept_as_long_as_the_policy_says_and_the_chain_for_ever() {
    let year = format!("{POLICY}retention: {{prompts: 365d}}\n");
    for (policy, left) in [(year.as_str(), 1), (POLICY, 2)] {
        world_with(policy, async |w| {
            w.with_model().await;
            w.webhooks();
            w.fails(HOST).await;
            w.fails_unasked(ODD).await;
            let put_at = async |at: &str| {
                w.meddle(&format!("UPDATE model_calls SET created_at = '{at}'"))
                    .await;
                w.app().forget().await.unwrap();
                w.count("model_calls").await
            };
            assert_eq!(put_at("2025-11-24T00:00:00Z").await, 2, "364 days ago");
            // However old, what waits is not forgotten.
            assert_eq!(put_at("2025-11-21T00:00:00Z").await, left);
            let known = w.model_records().await;
            assert_eq!(known[0].0, "model.asked");
            assert!(known[0].1["prompt_sha256"].is_string());
            w.settle().await;
        });
    }
}

#[test]
fn evidence_is_kept_as_long_as_the_policy_says() {
    let month = format!("{POLICY}retention: {{evidence: 30d}}\n");
    for (policy, left) in [(month.as_str(), 0), (POLICY, 1)] {
        world_with(policy, async |w| {
            w.webhooks();
            w.fails(HOST).await;
            let after_days = async |days: u64| {
                w.clock.advance(Duration::from_secs(days * 86_400));
                w.app().forget().await.unwrap();
                w.count("evidence").await
            };
            assert_eq!(after_days(29).await, 1);
            assert_eq!(after_days(2).await, left);
            w.settle().await;
        });
    }
}

#[test]
fn the_questions_of_a_day_are_kept_for_its_limits_whatever_the_policy_says() {
    let hour = format!("{POLICY}retention: {{prompts: 1h}}\n");
    world_with(&hour, async |w| {
        w.with_model().await;
        w.webhooks();
        w.fails(HOST).await;
        w.settle().await;
        assert_eq!(w.count("model_calls").await, 1);
        w.clock.advance(Duration::from_secs(23 * 3_600));
        w.app().forget().await.unwrap();
        assert_eq!(w.count("model_calls").await, 1);
        w.clock.advance(Duration::from_secs(2 * 3_600));
        w.app().forget().await.unwrap();
        assert_eq!(w.count("model_calls").await, 0);
    });
}

#[test]
fn a_delivery_that_is_stored_behind_a_later_one_is_not_taken_for_chained() {
    world(async |w| {
        let arrival = |key: &str, age: i64| Arrival {
            key: key.to_owned(),
            route: "event",
            lane: Lane::Decide,
            received_at: w.now() - TimeDelta::milliseconds(age),
            body: r#"{"inbound":"ignored","what":"test"}"#.to_owned(),
            raw_sha256: key.to_owned(),
            held: false,
        };
        let store = async |arrival| w.app().inbox.store(arrival).await.unwrap();
        assert_eq!(store(arrival("second", 1)).await, Arrived::New);
        let snapshot = async || w.app().store.snapshot().await.unwrap();
        let seen = snapshot().await.unchained(9).await.unwrap();
        assert_eq!(store(arrival("first", 2)).await, Arrived::New);
        let mut tx = w.app().store.begin().await.unwrap();
        let marked = tx.mark_chained(&seen).await;
        assert!(marked.is_err_and(|error| error.is_race()));
        drop(tx);
        let seen = snapshot().await.unchained(9).await.unwrap();
        let keys: Vec<&str> = seen.iter().map(|taken| taken.row.key.as_str()).collect();
        assert_eq!(keys, ["first", "second"]);
        w.settle().await;
    });
}

#[test]
fn t013_deliveries_that_come_again_in_one_group_are_told_apart() {
    world(async |w| {
        let arrival = |key: &str, body: &str| Arrival {
            key: key.to_owned(),
            route: "event",
            lane: Lane::Decide,
            received_at: w.now(),
            body: format!(r#"{{"inbound":"ignored","what":"{body}"}}"#),
            raw_sha256: body.to_owned(),
            held: false,
        };
        let inbox = &w.app().inbox;
        inbox.store(arrival("old", "a")).await.unwrap();
        // Asked for in one go, so that they share a commit.
        let stored = futures_util::future::join_all([
            inbox.store(arrival("new", "b")),
            inbox.store(arrival("old", "a")),
            inbox.store(arrival("new", "b")),
            inbox.store(arrival("old", "c")),
            inbox.store(arrival("newer", "d")),
        ])
        .await;
        let stored: Vec<Arrived> = stored.into_iter().map(Result::unwrap).collect();
        use Arrived::{Again, Forged, New};
        assert_eq!(stored, [New, Again, Again, Forged, New]);
        assert_eq!(w.count("inbox").await, 3);
        w.settle().await;
    });
}
