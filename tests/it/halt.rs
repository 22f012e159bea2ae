//! Halt stops whatever is not yet sent, at once and durably (SPEC I9).

use std::time::Duration;

use crate::harness::people::{ANA, EMIL, ERIN, LEAD, VIV};
use crate::harness::{World, world};

/// One pause and one schedule change, approved and not yet sent.
async fn two_waiting(w: &World) {
    w.command(ANA, "pause orders for 2h").await;
    w.command(ANA, "schedule hubspot every 1h").await;
    for id in [1, 2] {
        assert!(w.press_on(EMIL, id, "Approve").await.ok());
    }
    w.decide_only().await;
}

#[test]
fn t183_after_a_halt_nothing_is_sent_also_after_a_restart() {
    world(async |w| {
        two_waiting(w).await;
        assert!(
            w.slack
                .command(LEAD, crate::harness::CHANNEL, "halt the warehouse burns")
                .await
                .ok()
        );
        w.decide_only().await;
        w.settle().await;
        assert_eq!(w.state_of(1), "Halted");
        assert!(
            w.channel().contains("the warehouse burns"),
            "{}",
            w.channel()
        );
        w.command(ANA, "sync salesforce").await;
        w.click_on(EMIL, 3, "Approve").await;
        w.click_on(ERIN, 3, "Approve").await;
        w.command(ANA, "sync orders").await;
        w.restart().await;
        w.later(Duration::from_secs(1800)).await;
        assert_eq!(w.fivetran_saw(), "");
        assert!(w.writes().is_empty());
        w.command(LEAD, "unhalt").await;
        w.later(Duration::from_secs(30)).await;
        let mut saw: Vec<_> = w.fivetran_saw().lines().map(str::to_owned).collect();
        saw.sort();
        assert_eq!(
            saw[..2],
            ["hub_id FrequencySet { minutes: 60 }", "orders_id Paused"]
        );
        assert_eq!(saw[2], "sales_id SyncStarted { force: false }");
        assert_eq!(
            saw.len(),
            3,
            "the sync of what was paused meanwhile is skipped: {saw:?}"
        );
    });
}

#[test]
fn t183_after_unhalt_what_is_past_its_time_is_skipped_and_the_rest_goes_on() {
    world(async |w| {
        two_waiting(w).await;
        assert!(w.halts(None).await);
        w.later(Duration::from_secs(3 * 3600)).await;
        assert_eq!(w.fivetran_saw(), "");
        assert!(w.unhalts().await);
        w.later(Duration::from_secs(30)).await;
        assert_eq!(w.fivetran_saw(), "hub_id FrequencySet { minutes: 60 }");
        assert!(
            w.card_of(1).contains("Skipped: its time had passed"),
            "{}",
            w.card_of(1)
        );
        assert_eq!(w.state_of(2), "Done");
    });
}

#[test]
fn t183_an_approval_that_a_halt_kept_beyond_its_life_does_not_run() {
    world(async |w| {
        two_waiting(w).await;
        assert!(w.halts(None).await);
        w.later(Duration::from_secs(4 * 3600 + 60)).await;
        assert!(w.unhalts().await);
        w.later(Duration::from_secs(30)).await;
        assert_eq!(w.fivetran_saw(), "");
        assert_eq!(w.state_of(2), "Failed");
    });
}

#[test]
fn a_halt_from_the_terminal_and_one_as_slack_are_the_same_halt() {
    world(async |w| {
        assert!(w.halts(Some("from the terminal")).await);
        assert!(!w.halts(None).await);
        w.command(LEAD, "halt again").await;
        assert!(
            w.told(LEAD).contains("*Halted* already"),
            "{}",
            w.told(LEAD)
        );
        w.command(LEAD, "unhalt").await;
        assert!(!w.unhalts().await);
        w.command(LEAD, "unhalt").await;
        assert!(w.told(LEAD).contains("*Not halted*"), "{}", w.told(LEAD));
        let codes = w.codes().await;
        let halts: Vec<_> = codes.iter().filter(|c| c.starts_with("halt.")).collect();
        assert_eq!(halts, ["halt.set", "halt.cleared"]);
    });
}

#[test]
fn the_terminals_handles_need_only_the_database_and_slack_is_told_by_whoever_serves() {
    world(async |w| {
        two_waiting(w).await;
        // Beside the service, with neither keys nor a policy file.
        let halt = w.cli(&["halt", "vendor", "is", "down"]);
        assert!(halt.status.success(), "{halt:?}");
        let status = w.cli(&["status"]);
        assert!(status.stdout.starts_with(b"HALTED by "), "{status:?}");
        w.settle().await;
        assert!(w.channel().contains("vendor is down"), "{}", w.channel());
        assert_eq!(w.state_of(1), "Halted");
        assert_eq!(w.fivetran_saw(), "");
        assert!(w.cli(&["unhalt"]).status.success());
        w.settle().await;
        assert!(w.channel().contains("Unhalted"), "{}", w.channel());
        assert_eq!(w.state_of(1), "Done");
        assert_eq!(w.fivetran_saw().lines().count(), 2);
    });
}

#[test]
fn only_an_admin_halts() {
    world(async |w| {
        for user in [VIV, ANA, EMIL] {
            w.command(user, "halt").await;
            assert!(
                w.told(user).contains("you may not halt or unhalt here"),
                "{}",
                w.told(user)
            );
        }
        assert!(!w.app().health().await.unwrap().halted);
    });
}

#[test]
fn the_end_of_an_override_waits_for_the_end_of_a_halt() {
    world(async |w| {
        w.command(ANA, "pause orders for 1h").await;
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        w.command(LEAD, "halt").await;
        w.later(Duration::from_secs(2 * 3600)).await;
        assert_eq!(w.fivetran_saw(), "");
        w.restart().await;
        w.command(LEAD, "unhalt").await;
        w.later(Duration::from_secs(30)).await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        assert_eq!(w.state_of(1), "Undone");
    });
}

#[test]
fn a_damaged_row_does_not_keep_anybody_from_halting() {
    world(async |w| {
        w.leaves_work = true;
        two_waiting(w).await;
        w.sql("UPDATE proposals SET document = '{}' WHERE id = 1")
            .await;
        assert!(w.halts(None).await);
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "");
        assert!(w.app().health().await.unwrap().halted);
    });
}
