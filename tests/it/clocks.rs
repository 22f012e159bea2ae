//! Clocks that change, jump or differ: what is timed happens once, and nothing is lost by it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::harness::people::{ANA, without_age};
use crate::harness::{CHANNEL, World, world, world_with};

const HALF_AN_HOUR: Duration = Duration::from_secs(1800);

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A policy in New York's time with a digest at this time.
fn new_york(time: &str) -> String {
    let digest = format!("digest: {{at: \"{time}\"}}\nmode: copilot");
    let policy = without_age().replace("mode: copilot", &digest);
    policy.replace("Europe/Berlin", "America/New_York")
}

impl World {
    /// Lets time go from one moment to another, half an hour at a time.
    async fn lives(&self, from: &str, until: &str) {
        self.clock.set(at(from));
        while self.now() < at(until) {
            self.later(HALF_AN_HOUR).await;
        }
    }

    /// The days whose digest was posted, as often as it was.
    async fn days(&self) -> Vec<String> {
        let audit = self.audit().await.into_iter();
        let posted = audit.filter(|(code, _)| code == "digest.posted");
        let days = posted.map(|(_, facts)| facts["day"].as_str().unwrap().to_owned());
        days.collect()
    }
}

#[test]
fn t171_there_is_one_digest_a_day_over_both_changes_of_the_clocks() {
    world_with(&new_york("08:00"), async |w| {
        w.lives("2026-10-31T04:00:00Z", "2026-11-03T04:00:00Z")
            .await;
        assert_eq!(w.days().await, ["2026-10-31", "2026-11-01", "2026-11-02"]);
        // In between nobody was there: nothing is made up for.
        w.lives("2027-03-13T05:00:00Z", "2027-03-16T04:00:00Z")
            .await;
        let days = w.days().await.split_off(3);
        assert_eq!(days, ["2027-03-13", "2027-03-14", "2027-03-15"]);
    });
}

#[test]
fn t172_a_digest_in_the_hour_that_is_left_out_or_comes_twice_is_posted_once() {
    world_with(&new_york("01:30"), async |w| {
        w.lives("2026-11-01T04:00:00Z", "2026-11-02T04:30:00Z")
            .await;
        assert_eq!(w.days().await, ["2026-11-01"]);
    });
    world_with(&new_york("02:30"), async |w| {
        w.lives("2027-03-14T05:00:00Z", "2027-03-15T04:00:00Z")
            .await;
        assert_eq!(w.days().await, ["2027-03-14"]);
    });
}

#[test]
fn t174_a_clock_that_jumps_posts_no_digest_twice_and_lets_nothing_expire() {
    world_with(&new_york("08:00"), async |w| {
        let start = at("2026-11-23T14:00:00Z");
        w.clock.set(start);
        w.settle().await;
        w.command(ANA, "pause orders for 2h").await;
        assert_eq!(w.days().await, ["2026-11-23"]);
        for minutes in [10, 60, -10, -60, -24 * 60] {
            w.clock.set(start + TimeDelta::minutes(minutes));
            w.settle().await;
            w.later(Duration::from_secs(60)).await;
        }
        assert_eq!(
            w.days().await,
            ["2026-11-23"],
            "none twice, none of yesterday"
        );
        w.clock.set(start + TimeDelta::minutes(5));
        w.settle().await;
        assert!(w.card().starts_with("Proposed"), "{}", w.card());
        w.clock.set(at("2026-11-24T13:30:00Z"));
        w.settle().await;
        assert_eq!(w.days().await, ["2026-11-23", "2026-11-24"]);
        let words: BTreeSet<String> = w.cards(CHANNEL).iter().map(|c| c.text.clone()).collect();
        assert!(
            words.iter().any(|text| text.starts_with("Expired")),
            "{words:?}"
        );
    });
}

#[test]
fn t178_a_webhook_from_ten_minutes_ahead_is_taken_and_believed_when_it_is_read() {
    world(async |w| {
        w.webhooks();
        let ahead = w.now() + TimeDelta::minutes(10);
        w.edit("orders_id", |c| {
            c.failed_at = Some(ahead - TimeDelta::minutes(10))
        });
        let outcome = syncgate::sim::fivetran::Outcome::fails_unknown(1, "connection reset");
        let mut hook = w
            .fivetran
            .webhook_request("orders_id", "s1", Some(&outcome))
            .unwrap();
        let mut body: serde_json::Value = serde_json::from_str(&hook.body).unwrap();
        body["created"] = ahead
            .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
            .into();
        hook.body = body.to_string();
        let sent = w.send(w.as_fivetran(hook.body.clone())).await;
        assert_eq!(sent.status, 200);
        w.settle().await;
        let card = w.incident();
        assert!(card.contains("connection reset"), "{card}");
        let health = w.app().health().await.unwrap();
        assert!(health.inbox_oldest_s >= 0 && health.messages_oldest_s >= 0);
    });
}
