//! A failed sync: webhook or reading, one card, a remedy, recovery (SPEC §2.2, I13).

use chrono::TimeDelta;
use syncgate::sim::fivetran::{Notice, Outcome, WebhookRequest};
use syncgate::sim::slack::{Message, plain};

use crate::harness::people::{EMIL, ERIN, POLICY, VIV};
use crate::harness::{CHANNEL, MINUTE, WEBHOOK_SECRET, World, world, world_with};

const REASON: &str =
    "canceling statement due to statement timeout, password=hunter2secret <!channel>";

impl World {
    /// Posts one webhook by hand and lets everything happen that follows.
    pub async fn posted(&self, request: &WebhookRequest) -> u16 {
        let status = self.post(request).await;
        self.settle().await;
        status
    }

    /// The incidents' cards.
    pub fn incidents(&self) -> Vec<Message> {
        let mut cards = self.cards(CHANNEL);
        cards.retain(|m| m.text.contains("incident"));
        cards
    }

    pub fn incident(&self) -> String {
        let cards = self.incidents();
        assert_eq!(
            cards.len(),
            1,
            "one card per living problem:\n{}",
            self.channel()
        );
        plain(&cards[0])
    }
}

#[test]
fn a_failed_sync_posts_one_card_with_its_reason_redacted_and_inert_and_a_remedy() {
    world(async |w| {
        w.webhooks();
        w.syncs(
            "orders_id",
            Outcome::fails(1, "source_timeout", "The source did not answer", REASON),
        )
        .await;
        w.told_by_webhook().await;
        insta::assert_snapshot!(steady(&w.incident()), @"
        Open · incident 1 · orders orders_id: the sync failed
        Since 23 Nov 08:01 CET, failed 1 time, last 23 Nov 08:01 CET.
        Cause, confirmed: source_timeout. A query at the database (postgres) takes longer than it may, waits for a lock, or was cancelled.
        1. what the sync said:
        | canceling statement due to statement timeout, password=
        No log was read.
        What the sync said:
        | canceling statement due to statement timeout, password=‹secret-1› ‹!channel>
        Task, stops syncing source_timeout:
        | The source did not answer
        Next: approve #1, which would sync orders again.
        *What people can do*:
        1. Move the sync to a quieter time of the source.
        2. Make the slow query faster, or its limit longer.
        *Do not* re-sync tables or re-sync the history: it asks even more of what gives too little already.
        More about it: <https://www.postgresql.org/docs/current/>
        [Approve the fix] [Show lines] [I'm on it] [Dismiss] [… Silence its reminders for 1 h / Silence its reminders for 4 h]
        [Cause is right] [Partly] [Wrong]
        ~ audit #4 <hash>
        ");
        let raw = format!("{:?}", w.ledger.entries());
        assert!(!raw.contains("hunter2secret"));
        assert_eq!(w.fivetran_saw(), "", "nobody decided yet");
    });
}

pub fn steady(text: &str) -> String {
    regex::Regex::new("[0-9a-f]{16}")
        .unwrap()
        .replace_all(text, "<hash>")
        .into_owned()
}

#[test]
fn an_approved_remedy_syncs_once_and_a_success_resolves_the_incident() {
    world(async |w| {
        w.webhooks();
        w.syncs("orders_id", Outcome::fails_unknown(1, "connection reset"))
            .await;
        w.told_by_webhook().await;
        assert!(w.incident().starts_with("Open"));
        w.click(EMIL, "Approve the fix").await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        assert!(w.incident().starts_with("Recovering"), "{}", w.incident());
        w.pass(6 * MINUTE).await;
        w.told_by_webhook().await;
        assert!(w.incident().starts_with("Resolved"), "{}", w.incident());
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn a_failure_that_comes_again_is_counted_on_the_same_card_and_gets_a_fresh_remedy() {
    world(async |w| {
        w.webhooks();
        for n in 1..=3 {
            w.syncs("orders_id", Outcome::fails_unknown(1, "connection reset"))
                .await;
            w.told_by_webhook().await;
            let times = if n == 1 {
                "1 time".to_owned()
            } else {
                format!("{n} times")
            };
            assert!(
                w.incident().contains(&format!("failed {times}")),
                "{}",
                w.incident()
            );
        }
        w.click(EMIL, "Approve the fix").await;
        w.fivetran.next_sync("orders_id", Outcome::succeeds(1));
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        w.syncs_again_and_fails().await;
        assert!(w.incident().starts_with("Open"), "{}", w.incident());
        assert!(w.incident().contains("[Approve the fix]"));
        let created = w
            .codes()
            .await
            .iter()
            .filter(|c| *c == "proposal.created")
            .count();
        assert_eq!(
            created, 2,
            "one while the first waited, one after it was used up"
        );
    });
}

impl World {
    /// The sync that runs ends badly.
    async fn syncs_again_and_fails(&self) {
        self.edit("orders_id", |c| {
            if let Some(run) = &mut c.running {
                run.outcome = Outcome::fails_unknown(1, "connection reset");
            }
        });
        self.pass(6 * MINUTE).await;
        self.told_by_webhook().await;
    }
}

#[test]
fn t062_a_webhook_that_lies_opens_nothing() {
    world(async |w| {
        w.webhooks();
        let lie = w
            .fivetran
            .webhook_request("orders_id", "s1", Some(&Outcome::fails_unknown(1, "no")))
            .unwrap();
        assert_eq!(w.posted(&lie).await, 200);
        w.pass(3 * MINUTE).await;
        assert!(w.incidents().is_empty());
        assert_eq!(w.hints().await, ["contradicted"]);
        let late = w
            .fivetran
            .webhook_request("orders_id", "s2", Some(&Outcome::fails_unknown(1, "no")))
            .unwrap();
        let now = w.now();
        w.edit("orders_id", |c| {
            c.failed_at = Some(now - TimeDelta::minutes(9));
            c.succeeded_at = Some(now - TimeDelta::minutes(3));
        });
        assert_eq!(w.posted(&late).await, 200);
        w.pass(3 * MINUTE).await;
        assert!(w.incidents().is_empty(), "it succeeded since");
    });
}

#[test]
fn t057_one_webhook_a_hundred_times_is_one_row_and_one_card() {
    world(async |w| {
        w.webhooks();
        w.syncs("orders_id", Outcome::fails_unknown(1, "connection reset"))
            .await;
        let end = w.fivetran.take_webhooks().pop().unwrap();
        for _ in 0..100 {
            assert_eq!(w.posted(&end).await, 200);
        }
        assert!(w.incident().contains("failed 1 time"), "{}", w.incident());
        let received = w
            .codes()
            .await
            .into_iter()
            .filter(|c| c == "webhook.received")
            .count();
        assert_eq!(received, 1);
    });
}

#[test]
fn t059_t060_failure_and_success_in_any_order_tell_one_story_that_ends_green() {
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        world(async |w| {
            w.webhooks();
            w.syncs("orders_id", Outcome::fails_unknown(1, "connection reset"))
                .await;
            let mut posts = w.fivetran.take_webhooks();
            posts.remove(0);
            if order[0] == 0 {
                assert_eq!(w.posted(&posts[0]).await, 200, "this one comes in time");
            }
            w.syncs("orders_id", Outcome::succeeds(1)).await;
            posts.extend(w.fivetran.take_webhooks());
            for n in order.into_iter().chain(order) {
                assert_eq!(w.posted(&posts[n]).await, 200);
            }
            let cards = w.incidents();
            assert!(cards.len() <= 1);
            assert!(
                cards.iter().all(|card| card.text.starts_with("Resolved")),
                "{}",
                w.channel()
            );
            assert_eq!(
                cards.len(),
                usize::from(order[0] == 0),
                "a failure that is over opens nothing"
            );
            w.command(ERIN, "status").await;
            assert!(
                w.app()
                    .store
                    .snapshot()
                    .await
                    .unwrap()
                    .open_incidents()
                    .await
                    .unwrap()
                    .is_empty()
            );
            if order[0] == 0 {
                w.command(EMIL, "approve 1").await;
                let told = w.told(EMIL);
                assert!(told.contains("no longer needed"), "{told}");
            }
        });
    }
}

#[test]
fn i13_the_reading_finds_what_no_webhook_told_and_a_late_webhook_adds_the_reason() {
    world(async |w| {
        w.webhooks();
        w.syncs("orders_id", Outcome::fails_unknown(1, "deadlock detected"))
            .await;
        let end = w.fivetran.take_webhooks().pop().unwrap();
        w.polls().await;
        assert!(w.incident().starts_with("Open"));
        assert!(
            !w.incident().contains("deadlock detected"),
            "no reading tells it"
        );
        w.polls().await;
        assert!(w.incident().contains("failed 1 time"), "{}", w.incident());
        w.posted(&end).await;
        assert!(
            w.incident().contains("deadlock detected"),
            "{}",
            w.incident()
        );
        assert!(w.incident().contains("failed 1 time"), "{}", w.incident());
    });
}

#[test]
fn i13_an_old_failure_and_a_planned_reschedule_are_no_incidents() {
    world(async |w| {
        let now = w.now();
        w.edit("orders_id", |c| {
            c.failed_at = Some(now - TimeDelta::hours(9))
        });
        w.webhooks();
        w.syncs("hub_id", Outcome::reschedules(now + TimeDelta::hours(1)))
            .await;
        w.told_by_webhook().await;
        w.polls().await;
        assert!(w.incidents().is_empty(), "{}", w.channel());
    });
}

#[test]
fn a_reconnect_task_is_a_persons_work_and_has_no_button() {
    world(async |w| {
        w.webhooks();
        w.syncs(
            "orders_id",
            Outcome::fails(1, "reconnect", "Reconnect", "the token was revoked"),
        )
        .await;
        w.told_by_webhook().await;
        let card = w.incident();
        assert!(
            card.contains("A person must mend the connection in Fivetran"),
            "{card}"
        );
        assert!(!card.contains("[Approve"), "{card}");
        assert!(!w.codes().await.contains(&"proposal.created".to_owned()));
        w.fivetran.repair("orders_id", 1);
        w.syncs("orders_id", Outcome::succeeds(1)).await;
        w.told_by_webhook().await;
        assert!(w.incident().starts_with("Resolved"), "{}", w.incident());
    });
}

#[test]
fn in_shadow_mode_an_incident_is_shown_and_nothing_is_proposed() {
    let shadow = POLICY.replace("mode: copilot", "mode: shadow");
    world_with(&shadow, async |w| {
        w.webhooks();
        w.syncs("orders_id", Outcome::fails_unknown(1, "connection reset"))
            .await;
        w.told_by_webhook().await;
        assert!(!w.incident().contains("[Approve"), "{}", w.incident());
        assert!(
            w.incident()
                .contains("in shadow mode: Syncgate would propose: sync now."),
            "{}",
            w.incident()
        );
        assert!(!w.codes().await.contains(&"proposal.created".to_owned()));
    });
}

#[test]
fn a_success_supersedes_the_remedy_that_still_waits() {
    world(async |w| {
        w.webhooks();
        w.syncs("orders_id", Outcome::fails_unknown(1, "connection reset"))
            .await;
        w.told_by_webhook().await;
        w.syncs("orders_id", Outcome::succeeds(1)).await;
        w.told_by_webhook().await;
        assert!(w.incident().starts_with("Resolved"));
        let remedy = w.all_messages().into_iter().find(|m| m.text.contains("#1"));
        let remedy = remedy.expect("the remedy's own card");
        assert!(remedy.text.starts_with("Superseded"), "{}", plain(&remedy));
        assert!(!plain(&remedy).contains("[Approve]"));
        w.command(VIV, "status").await;
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn t061_test_events_and_unknown_ones_are_taken_and_come_to_nothing() {
    world(async |w| {
        let bodies = [
            r#"{"event":"test_event","created":"2026-11-23T07:00:00Z","connector_id":"_connector_1","group_id":"_destination_1"}"#,
            r#"{"event":"brand_new","created":7,"data":[1],"x":{"y":null}}"#,
            r#"{"event":"connection_failure","connection_id":"orders_id","connection_name":"orders"}"#,
            r#"{"event":"sync_end","connector_id":"nobody","data":{"status":"FAILURE"}}"#,
            r#"{"event":"sync_end","connector_id":"../../v1/users","data":"not an object"}"#,
            r#"{"event":"dbt_run_failed"}"#,
        ];
        for body in bodies {
            let request = WebhookRequest::new("", Some(WEBHOOK_SECRET), body.to_owned());
            assert_eq!(w.posted(&request).await, 200, "{body}");
        }
        assert!(w.cards(CHANNEL).is_empty(), "{}", w.channel());
        let received = w
            .codes()
            .await
            .into_iter()
            .filter(|c| c == "webhook.received")
            .count();
        assert_eq!(received, bodies.len());
        let paths: Vec<String> = w.ledger.entries().into_iter().map(|e| e.path).collect();
        assert!(!paths.iter().any(|p| p.contains("/users")), "{paths:?}");
    });
}

#[test]
fn i13_a_warning_or_a_paused_failure_is_told_with_what_a_person_can_do() {
    world(async |w| {
        let now = w.now();
        w.edit("paused_id", |c| {
            c.failed_at = Some(now);
            c.warnings
                .push(Notice::new("schema_size", "Too many tables"));
        });
        w.polls().await;
        let card = w.incident();
        assert!(
            card.contains("It is paused; resume it once the cause is mended."),
            "{card}"
        );
        assert!(
            card.contains("schema_size") && card.contains("Too many tables"),
            "{card}"
        );
    });
}
