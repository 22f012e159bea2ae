//! The daily digest: at the policy's time, once a day, whatever happens to the process (SPEC §2.1).

use std::time::Duration;

use chrono::TimeDelta;
use syncgate::sim::fivetran::Connection;
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::plain;

use crate::harness::people::{ANA, POLICY, without_age};
use crate::harness::{CHANNEL, World, world_with};

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

/// The usual policy with a digest. The world's clock starts on Monday at 08:00 in Berlin.
fn with_digest(policy: &str, digest: &str) -> String {
    policy.replace("mode: copilot", &format!("digest: {digest}\nmode: copilot"))
}

fn at_nine() -> String {
    with_digest(POLICY, "{at: \"09:00\"}")
}

impl World {
    /// How many digests were posted, and how many cards stand in the channel.
    async fn digests(&self) -> (usize, usize) {
        let digests = self.audited("digest.posted").await;
        (digests, self.cards(CHANNEL).len())
    }
}

#[test]
fn the_digest_is_posted_at_its_time_and_not_again_after_a_restart() {
    world_with(&at_nine(), async |w| {
        w.later(HOUR - SECOND * 2).await;
        assert_eq!(w.digests().await, (0, 0), "a second too early");
        w.later(SECOND * 2).await;
        assert_eq!(w.digests().await, (1, 1));
        let card = w.card();
        let (words, _) = card.split_once("\n~ audit").unwrap();
        insta::assert_snapshot!(words, @r"
        Proposed · #1 Plan: 1 change · Plan of Monday, 23 November
        Syncgate asks for 1 change (1 sync).
        1. salesforce sales_id: sync now
        Now: every 6h, not paused
        Why: Its data passes its limit of 2 h at Mon 09:30. The next one ends at about Mon 13:30, if a sync takes 30 min. Its frequency cannot keep that limit; every 2h would.
        Undo: none, Fivetran cannot cancel a sync; its load and cost stay
        Approvals: 0 of 2, still needed: 2 of <!subteam^S0DATAENG>, <@U0LEAD>. No answer by 23 Nov 13:00 CET: nothing changes.
        [Approve] [Modify…] [Reject…]
        ");
        w.later(SECOND * 90).await;
        w.restart().await;
        w.later(SECOND * 90).await;
        assert_eq!(w.digests().await, (1, 1));
        assert_eq!(w.fivetran_saw(), "", "a digest changes nothing by itself");
    });
}

#[test]
fn of_two_replicas_in_the_same_moment_one_posts() {
    world_with(&at_nine(), async |w| {
        w.clock.advance(HOUR);
        // Its clock is so far ahead that both believe it is their turn to try.
        let twin = w.twin(SECOND * 61);
        let (ours, theirs) = tokio::join!(w.app().run_digest(), twin.run_digest());
        let ran = [ours.unwrap(), theirs.unwrap()];
        // What the twin posted is due by its clock.
        w.clock.advance(SECOND * 61);
        w.settle().await;
        assert_eq!(w.digests().await, (1, 1), "{ran:?}");
    });
}

#[test]
fn only_its_days_have_a_digest() {
    let policy = with_digest(POLICY, "{at: \"09:00\", days: [tue]}");
    world_with(&policy, async |w| {
        w.later(HOUR * 12).await;
        assert_eq!(w.digests().await, (0, 0), "it is Monday");
        w.later(HOUR * 14).await;
        assert_eq!(w.digests().await, (1, 1));
        assert!(
            w.card().contains("Plan of Tuesday, 24 November"),
            "{}",
            w.card()
        );
    });
}

#[test]
fn a_start_after_the_time_posts_todays_digest_and_not_yesterdays() {
    let policy = with_digest(&without_age(), "{at: \"09:00\", days: [mon]}");
    world_with(&policy, async |w| {
        w.crash().await;
        w.clock.advance(HOUR * 3);
        w.start().await;
        w.settle().await;
        assert_eq!(w.digests().await, (1, 1));
        w.crash().await;
        w.clock.advance(HOUR * 24 * 8);
        w.start().await;
        w.settle().await;
        assert_eq!(w.digests().await, (1, 1), "it is Tuesday of the next week");
    });
}

#[test]
fn the_first_start_owes_no_digest_of_the_day_before() {
    let policy = with_digest(&without_age(), "{at: \"22:00\", days: [sun, mon]}");
    world_with(&policy, async |w| {
        w.settle().await;
        assert_eq!(w.digests().await, (0, 0), "it is Monday, 08:00");
        w.pass(HOUR * 14).await;
        w.settle().await;
        assert_eq!(w.digests().await, (1, 1));
    });
}

#[test]
fn an_unchanged_day_gets_one_line_or_none_as_the_policy_says() {
    for (word, cards) in [("brief", 1), ("skip", 0)] {
        let digest = format!("{{at: \"09:00\", when_unchanged: {word}}}");
        world_with(&with_digest(&without_age(), &digest), async |w| {
            w.later(HOUR * 2).await;
            assert_eq!(w.digests().await, (1, cards), "{word}");
            w.command(ANA, "plan now").await;
            assert!(w.card().contains("changes nothing"), "{}", w.card());
        });
    }
}

#[test]
fn the_digest_takes_the_place_of_a_plan_that_waits() {
    world_with(&at_nine(), async |w| {
        let now = w.now();
        w.edit("sales_id", |c| {
            c.succeeded_at = Some(now - TimeDelta::hours(5))
        });
        w.command(ANA, "plan now").await;
        assert_eq!(w.state_of(1), "Proposed");
        w.later(HOUR).await;
        assert_eq!(
            (w.state_of(1), w.state_of(2)),
            ("Superseded".into(), "Proposed".into())
        );
        assert!(w.thread_of(1).contains("#2"), "{}", w.thread_of(1));
    });
}

#[test]
fn while_fivetran_is_down_people_are_told_once_and_the_digest_comes_later() {
    world_with(&at_nine(), async |w| {
        w.down(Service::Fivetran).await;
        w.later(HOUR).await;
        insta::assert_snapshot!(w.channel(), @"Unknown: the plan of Monday, 23 November is late, since Fivetran does not answer. Syncgate tries again every minute until 24 Nov 00:00 CET and posts the plan as soon as it can.");
        for _ in 0..3 {
            w.later(SECOND * 61).await;
        }
        assert_eq!(w.digests().await, (0, 1), "told once");
        w.up(Service::Fivetran).await;
        w.later(SECOND * 61).await;
        assert_eq!(w.digests().await, (1, 2));
        assert!(w.card().contains("Plan: 1 change"), "{}", w.card());
    });
}

#[test]
fn a_digest_that_is_due_before_midnight_and_comes_after_it_is_its_own_days() {
    let policy = with_digest(POLICY, "{at: \"23:50\"}");
    world_with(&policy, async |w| {
        w.later(HOUR * 15).await;
        w.down(Service::Fivetran).await;
        w.later(HOUR - SECOND * 300).await;
        assert!(
            w.channel().contains("Monday, 23 November is late"),
            "{}",
            w.channel()
        );
        w.later(SECOND * 900).await;
        w.restart().await;
        w.up(Service::Fivetran).await;
        // Ten past midnight.
        w.later(SECOND * 61).await;
        assert_eq!(w.digests().await, (1, 2), "{}", w.channel());
        let title = "Plan of Monday, 23 November, late: it was due at 23:50";
        assert!(w.card().contains(title), "{}", w.card());
        w.later(SECOND * 120).await;
        assert_eq!(w.digests().await, (1, 2), "once");
        // It does not stand in for Tuesday's.
        w.later(HOUR * 24 - SECOND * 1_200).await;
        assert_eq!(w.digests().await, (2, 3));
        let title = "Plan of Tuesday, 24 November\n";
        assert!(w.card().contains(title), "{}", w.card());
    });
}

#[test]
fn a_late_digest_is_told_in_every_channel_that_gets_one() {
    let routes = "channels: {default: C0DATAOPS, routes: [
        {match: {schema: hubspot}, channel: C0HUB}, {match: {schema: nothing}, channel: C0NONE}]}";
    let policy = without_age().replace("channels: {default: C0DATAOPS}", routes);
    let policy = with_digest(&policy, "{at: \"09:00\", when_unchanged: skip}");
    world_with(&policy, async |w| {
        w.slack.add_channel("C0HUB", "hub");
        w.slack.add_channel("C0NONE", "none");
        w.app().poll().await.unwrap();
        w.down(Service::Fivetran).await;
        w.later(HOUR).await;
        w.later(SECOND * 120).await;
        let told = |channel| {
            let cards = w.cards(channel).into_iter();
            cards.map(|card| plain(&card)).collect::<Vec<_>>()
        };
        for channel in [CHANNEL, "C0HUB"] {
            assert_eq!(told(channel).len(), 1, "{channel}: {:?}", told(channel));
            assert!(told(channel)[0].contains("is late"), "{:?}", told(channel));
        }
        // Who was promised a plan is told of it, though there is nothing to change.
        w.up(Service::Fivetran).await;
        w.later(SECOND * 61).await;
        let told = |channel| w.cards(channel).last().map(plain).unwrap_or_default();
        for channel in [CHANNEL, "C0HUB"] {
            assert!(
                told(channel).contains("changes nothing"),
                "{}",
                told(channel)
            );
        }
        assert_eq!(told("C0NONE"), "", "it has no connection, and no digest");
        w.later(HOUR * 24).await;
        assert_eq!(w.cards("C0HUB").len(), 2, "the next day is skipped as ever");
    });
}

#[test]
fn a_fleet_of_none_and_one_of_thousands_get_their_digest() {
    for size in [0_usize, 5_000] {
        world_with(&at_nine(), async |w| {
            for id in ["orders_id", "sales_id", "hub_id", "paused_id"] {
                w.fivetran.delete(id);
            }
            for n in 0..size {
                let schema = if n < 3 { "salesforce" } else { "bulk" };
                let (id, schema) = (format!("f{n}"), format!("{schema}_{n}"));
                let connection = Connection::new(&id, "hubspot", &schema, "g_warehouse");
                let synced_at = w.now() - TimeDelta::minutes(30);
                w.fivetran
                    .add_connection(connection.every(360).succeeded_at(synced_at));
            }
            w.clock.advance(HOUR);
            let began = w.app().ctx.monotonic();
            w.app().run_digest().await.unwrap();
            println!(
                "the digest of {size} connections took {:?}",
                began.elapsed()
            );
            w.settle().await;
            let card = plain(w.cards(CHANNEL).last().unwrap());
            let says = if size == 0 {
                "0 connections run"
            } else {
                "Plan: 3 changes"
            };
            assert!(card.contains(says), "{card}");
        });
    }
}
