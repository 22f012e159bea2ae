//! The plan: `plan now`, its rules, its channels, its life (SPEC §2.1).

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use syncgate::sim::fivetran::Outcome;
use syncgate::sim::slack::plain;

use crate::harness::people::{ANA, EMIL, POLICY, VIV, without_age};
use crate::harness::{CHANNEL, World, world, world_with};

const FINANCE: &str = "C0FINDATA";

impl World {
    /// Lets the critical connection's data grow older than its two hours.
    fn salesforce_is_old(&self) {
        let now = self.now();
        self.edit("sales_id", |c| {
            c.succeeded_at = Some(now - TimeDelta::hours(5))
        });
    }

    /// A sync of a manual connection was put off: Fivetran will never start it.
    fn hubspot_is_stuck(&self) {
        let now = self.now();
        self.edit("hub_id", |c| {
            c.schedule_type = "manual".to_owned();
            c.rescheduled_for = Some(now - TimeDelta::minutes(10));
        });
    }

    fn newest(&self, channel: &str) -> String {
        self.cards(channel).last().map(plain).unwrap_or_default()
    }

    /// The fingerprint's revision of a proposal, as it is stored.
    async fn revision(&self, proposal: i64, number: i64) -> Value {
        let sql = format!(
            "SELECT canonical FROM revisions WHERE proposal_id = {proposal} AND number = {number}"
        );
        serde_json::from_str(&self.raw().await.texts(&sql).await.remove(0)).unwrap()
    }
}

/// The words without the footer's hashes, which differ between engines.
fn steady(text: &str) -> String {
    let footer = regex::Regex::new("audit #.*").unwrap();
    footer.replace_all(text, "audit …").into_owned()
}

#[test]
fn i13_a_plan_wakes_what_is_stuck_and_syncs_what_is_too_old() {
    world(async |w| {
        w.salesforce_is_old();
        w.hubspot_is_stuck();
        w.command(ANA, "plan now").await;
        insta::assert_snapshot!(steady(&w.newest(CHANNEL)), @r"
        Proposed · #1 Plan: 2 changes · Plan of Monday, 23 November
        Syncgate asks for 2 changes (2 syncs).
        1. hubspot hub_id: sync now
        Now: every 6h, manual: only a call starts a sync, not paused
        Why: Its sync was rescheduled, but its schedule is manual: Fivetran will never start it.
        Undo: none, Fivetran cannot cancel a sync; its load and cost stay
        2. salesforce sales_id: sync now
        Now: every 6h, not paused
        Why: Its data is 5 h old; the limit is 2 h.
        Undo: none, Fivetran cannot cancel a sync; its load and cost stay
        Approvals: 0 of 2, still needed: 2 of <!subteam^S0DATAENG>, <@U0LEAD>. No answer by 23 Nov 12:00 CET: nothing changes.
        [Approve] [Modify…] [Reject…]
        ~ audit …
        ");
        assert_eq!(w.fivetran_saw(), "", "a plan changes nothing by itself");
        w.command(EMIL, "approve 1").await;
        w.command("U0ERIN", "approve 1").await;
        let saw = w.fivetran_saw();
        assert_eq!(
            saw.lines()
                .filter(|l| l.contains("SyncStarted { force: false }"))
                .count(),
            2,
            "{saw}"
        );
        assert!(
            w.newest(CHANNEL).starts_with("Done"),
            "{}",
            w.newest(CHANNEL)
        );
    });
}

#[test]
fn i13_a_planned_reschedule_under_auto_or_after_the_next_plan_is_left_alone() {
    world_with(&without_age(), async |w| {
        let now = w.now();
        w.edit("orders_id", |c| {
            c.rescheduled_for = Some(now + TimeDelta::minutes(10))
        });
        w.edit("hub_id", |c| {
            c.schedule_type = "manual".to_owned();
            c.rescheduled_for = Some(now + TimeDelta::days(2));
        });
        w.command(ANA, "plan now").await;
        assert!(
            w.newest(CHANNEL).contains("changes nothing"),
            "{}",
            w.newest(CHANNEL)
        );
    });
}

#[test]
fn what_will_be_too_old_is_synced_at_a_time_that_the_card_names() {
    world(async |w| {
        w.command(ANA, "plan now").await;
        insta::assert_snapshot!(steady(&w.newest(CHANNEL)), @r"
        Proposed · #1 Plan: 1 change · Plan of Monday, 23 November
        Syncgate asks for 1 change (1 sync at a set time).
        1. salesforce sales_id: sync at 23 Nov 08:50 CET
        Now: every 6h, not paused
        Why: Its data passes its limit of 2 h at Mon 09:30. The next one ends at about Mon 13:30, if a sync takes 30 min. Its frequency cannot keep that limit; every 2h would.
        Decide by: 23 Nov 08:50 CET
        Side effects: by Syncgate's clock: if Syncgate is down then, it does not run
        Undo: until it runs, undo cancels it; none afterwards
        Approvals: 0 of 2, still needed: 2 of <!subteam^S0DATAENG>, <@U0LEAD>. No answer by 23 Nov 08:50 CET: nothing changes.
        [Approve] [Modify…] [Reject…]
        ~ audit …
        ");
        w.command(EMIL, "approve 1").await;
        w.command("U0ERIN", "approve 1").await;
        w.later(Duration::from_secs(40 * 60)).await;
        assert_eq!(w.fivetran_saw(), "", "not yet");
        w.later(Duration::from_secs(10 * 60)).await;
        assert_eq!(w.fivetran_saw(), "sales_id SyncStarted { force: false }");
        assert!(
            !w.newest(CHANNEL).contains("Decide by"),
            "{}",
            w.newest(CHANNEL)
        );
    });
}

#[test]
fn what_is_approved_already_is_not_in_the_next_plan() {
    world(async |w| {
        w.command(ANA, "plan now").await;
        w.command(EMIL, "approve 1").await;
        w.command("U0ERIN", "approve 1").await;
        w.command(ANA, "plan now").await;
        let card = w.newest(CHANNEL);
        // What is approved is for 08:50; this is what the limit needs after it.
        assert!(card.contains("sync at 23 Nov 10:40 CET"), "{card}");
        assert!(!card.contains("sync at 23 Nov 08:50"), "{card}");
        w.later(Duration::from_secs(50 * 60)).await;
        assert_eq!(w.fivetran_saw(), "sales_id SyncStarted { force: false }");
    });
}

#[test]
fn a_planned_sync_is_overtaken_only_by_one_shortly_before_it() {
    for (minutes, runs) in [(15, 2), (25, 1)] {
        world(async |w| {
            w.command(ANA, "plan now").await;
            w.command(EMIL, "approve 1").await;
            w.command("U0ERIN", "approve 1").await;
            // The plan's sync is due 50 minutes after the start.
            w.later(Duration::from_secs(minutes * 60)).await;
            w.command(ANA, "sync salesforce").await;
            w.command(EMIL, "approve 2").await;
            w.command("U0ERIN", "approve 2").await;
            w.later(Duration::from_secs(50 * 60)).await;
            let saw = w.fivetran_saw();
            let syncs = saw.matches("sales_id SyncStarted").count();
            assert_eq!(syncs, runs, "{minutes} min after the start: {saw}");
        });
    }
}

#[test]
fn a_connection_whose_cause_needs_a_person_is_left_out_of_the_plan() {
    world(async |w| {
        let now = w.now();
        w.edit("sales_id", |c| {
            c.succeeded_at = Some(now - TimeDelta::hours(5));
            c.failed_at = Some(now - TimeDelta::hours(1));
        });
        w.webhooks();
        w.syncs(
            "sales_id",
            Outcome::fails_unknown(1, "ORA-01017: invalid username/password"),
        )
        .await;
        w.told_by_webhook().await;
        assert!(
            w.incident().contains("credential_expired"),
            "{}",
            w.incident()
        );
        w.command(ANA, "plan now").await;
        assert!(
            w.newest(CHANNEL).contains("changes nothing"),
            "{}",
            w.newest(CHANNEL)
        );
    });
}

#[test]
fn an_unchanged_day_says_so_in_one_line() {
    world_with(&without_age(), async |w| {
        w.command(ANA, "plan now").await;
        insta::assert_snapshot!(steady(&w.newest(CHANNEL)), @r"
        *Done* · Today's plan changes nothing: 4 connections run as Fivetran has them scheduled.
        ~ audit …
        ");
        assert!(!w.codes().await.contains(&"proposal.created".to_owned()));
    });
}

#[test]
fn a_new_plan_supersedes_the_one_that_waits_and_the_old_card_says_so() {
    world(async |w| {
        w.salesforce_is_old();
        w.command(ANA, "plan now").await;
        let old = w.cards(CHANNEL).pop().unwrap();
        w.hubspot_is_stuck();
        w.command(ANA, "plan now").await;
        let old = w.slack.message(CHANNEL, &old.ts).unwrap();
        assert!(old.text.starts_with("Superseded"), "{}", plain(&old));
        assert!(
            plain(&old).contains("#2"),
            "it names its successor: {}",
            plain(&old)
        );
        assert!(!plain(&old).contains("[Approve]"));
        w.command(EMIL, "approve 1").await;
        assert!(w.told(EMIL).contains("#2"), "{}", w.told(EMIL));
        assert!(w.newest(CHANNEL).starts_with("Proposed"));
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn a_shadow_connections_line_is_shown_apart_and_is_no_part_of_what_is_approved() {
    let policy = POLICY.replace(
        "  - match: {service: postgres}",
        "  - match: {schema: hubspot}\n    mode: shadow\n  - match: {service: postgres}",
    );
    world_with(&policy, async |w| {
        w.salesforce_is_old();
        w.hubspot_is_stuck();
        w.command(ANA, "plan now").await;
        let card = w.newest(CHANNEL);
        assert!(card.contains("Shadow mode, shown only"), "{card}");
        assert!(
            card.contains(", because its sync was rescheduled"),
            "{card}"
        );
        assert!(
            card.contains("hubspot") && card.contains("1 change"),
            "{card}"
        );
        let revision = w.revision(1, 1).await;
        assert_eq!(revision["lines"].as_array().unwrap().len(), 1);
        assert!(
            !revision.to_string().contains("hub_id"),
            "not in the fingerprint: {revision}"
        );
        w.command(EMIL, "approve 1").await;
        w.command("U0ERIN", "approve 1").await;
        assert_eq!(w.fivetran_saw(), "sales_id SyncStarted { force: false }");
    });
}

#[test]
fn a_plan_of_shadow_lines_alone_has_no_button_and_cannot_be_approved() {
    let shadow = POLICY.replace("mode: copilot", "mode: shadow");
    world_with(&shadow, async |w| {
        w.salesforce_is_old();
        w.command(ANA, "plan now").await;
        let card = w.newest(CHANNEL);
        assert!(
            card.contains("salesforce") && !card.contains("[Approve]") && !card.contains("[Modify"),
            "{card}"
        );
        w.command(EMIL, "approve 1").await;
        w.command("U0ERIN", "approve 1").await;
        w.pass(std::time::Duration::from_secs(5 * 3600)).await;
        assert_eq!(w.fivetran_saw(), "");
        assert!(w.writes().is_empty());
    });
}

#[test]
fn every_routed_channel_gets_one_card_of_its_own_connections() {
    let policy = POLICY.replace(
        "channels: {default: C0DATAOPS}",
        "channels:\n  default: C0DATAOPS\n  routes:\n    - {match: {schema: hubspot}, channel: C0FINDATA}",
    );
    world_with(&policy, async |w| {
        w.slack.add_channel(FINANCE, "finance-data");
        w.salesforce_is_old();
        w.hubspot_is_stuck();
        w.command(ANA, "plan now").await;
        assert_eq!((w.cards(CHANNEL).len(), w.cards(FINANCE).len()), (1, 1));
        let (ours, finance) = (w.newest(CHANNEL), w.newest(FINANCE));
        assert!(
            ours.contains("salesforce") && !ours.contains("hubspot"),
            "{ours}"
        );
        assert!(
            finance.contains("hubspot") && !finance.contains("salesforce"),
            "{finance}"
        );
        w.edit("hub_id", |c| c.rescheduled_for = None);
        w.command(ANA, "plan now").await;
        let finance = &w.cards(FINANCE)[0];
        assert!(finance.text.starts_with("Superseded"), "{}", plain(finance));
        assert!(
            w.newest(FINANCE).contains("changes nothing"),
            "{}",
            w.newest(FINANCE)
        );
    });
}

#[test]
fn dropping_a_line_narrows_the_plan_and_the_editor_may_still_approve() {
    world(async |w| {
        w.salesforce_is_old();
        w.hubspot_is_stuck();
        w.command(ANA, "plan now").await;
        w.click(EMIL, "Modify…").await;
        let lines = w.revision(1, 1).await["lines"].as_array().unwrap().clone();
        let sales = lines
            .iter()
            .position(|l| l["connection"] == "sales_id")
            .unwrap();
        let ack = w
            .submit(EMIL, &[(&format!("line:{sales}:keep"), "drop")])
            .await;
        assert!(ack.ok(), "{ack:?}");
        let card = w.newest(CHANNEL);
        assert!(
            card.contains("in revision 2") && card.contains("1 change"),
            "{card}"
        );
        assert_eq!(w.revision(1, 2).await["lines"].as_array().unwrap().len(), 1);
        w.click(EMIL, "Approve").await;
        assert_eq!(w.fivetran_saw(), "hub_id SyncStarted { force: false }");
    });
}

#[test]
fn only_an_operator_makes_a_plan_and_everybody_may_ask_how_it_stands() {
    world(async |w| {
        w.salesforce_is_old();
        w.command(VIV, "plan now").await;
        assert!(w.cards(CHANNEL).is_empty());
        w.command(VIV, "plan").await;
        let none = w.told(VIV);
        w.command(ANA, "plan now").await;
        w.command(VIV, "plan").await;
        assert_ne!(w.told(VIV), none);
        assert!(w.told(VIV).contains("#1"), "{}", w.told(VIV));
    });
}

#[test]
fn a_new_plan_takes_the_place_of_the_one_that_waits() {
    let policy = without_age().replace("max_pause: 6h", "sla: {max_age: 6h}");
    world_with(&policy, async |w| {
        let now = w.now();
        w.edit("orders_id", |c| {
            c.succeeded_at = Some(now - TimeDelta::hours(7))
        });
        w.command(VIV, "plan").await;
        assert!(w.told(VIV).contains("there is none yet"), "{}", w.told(VIV));
        w.command(VIV, "plan now").await;
        assert!(
            w.told(VIV).contains("you may not ask for changes"),
            "{}",
            w.told(VIV)
        );
        w.clock.advance(Duration::from_secs(3600));
        w.command(ANA, "plan now").await;
        let old = w.value_of(1, "approve");
        w.command(ANA, "plan now").await;
        assert_eq!(
            (w.state_of(1), w.state_of(2)),
            ("Superseded".into(), "Proposed".into())
        );
        w.click_forged(EMIL, 1, "approve", &old).await;
        assert!(
            w.told(EMIL).contains("#1 was replaced by #2"),
            "{}",
            w.told(EMIL)
        );
        assert_eq!(w.fivetran_saw(), "");
        w.click_on(EMIL, 2, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        w.command(VIV, "plan").await;
        assert!(
            w.told(VIV).contains("the last one is #2, approved"),
            "{}",
            w.told(VIV)
        );
        w.command(ANA, "plan now").await;
        assert!(w.channel().contains("changes nothing"), "{}", w.channel());
    });
}
