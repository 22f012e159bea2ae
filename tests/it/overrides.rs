//! Undo, and changes that end by themselves (SPEC §3 I10).

use std::time::Duration;

use crate::harness::people::{ANA, EMIL, LEAD, VIV};
use crate::harness::{World, world};

const HOUR: Duration = Duration::from_secs(3600);

async fn paused(w: &mut World) {
    w.command(ANA, "pause orders for 2h").await;
    w.click_on(EMIL, 1, "Approve").await;
    assert_eq!(w.fivetran_saw(), "orders_id Paused");
}

#[test]
fn i10_a_pause_ends_by_itself_also_after_a_restart() {
    world(async |w| {
        paused(w).await;
        assert!(w.card_of(1).contains("Ends by itself"), "{}", w.card_of(1));
        w.restart().await;
        w.later(HOUR).await;
        assert_eq!(w.fivetran_saw(), "");
        w.later(HOUR).await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        assert_eq!(w.state_of(1), "Undone");
    });
}

#[test]
fn i10_a_pause_whose_end_came_while_nobody_ran_ends_at_the_start() {
    world(async |w| {
        paused(w).await;
        w.crash().await;
        w.clock.advance(HOUR * 10);
        w.start().await;
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
    });
}

#[test]
fn i10_a_later_pause_keeps_its_own_end() {
    world(async |w| {
        paused(w).await;
        w.command(ANA, "resume orders").await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        w.command(ANA, "pause orders for 5h").await;
        w.click_on(EMIL, 3, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        w.later(HOUR * 3).await;
        assert_eq!(
            w.fivetran_saw(),
            "",
            "the first pause's end is not the second's"
        );
        w.later(HOUR * 2).await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
    });
}

#[test]
fn i10_an_undone_resume_leaves_nothing_paused_for_good() {
    world(async |w| {
        paused(w).await;
        w.command(ANA, "resume orders").await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        w.later(HOUR).await;
        w.command(EMIL, "undo 2").await;
        assert_eq!(
            w.fivetran_saw(),
            "orders_id Paused",
            "the pause that was cut goes on"
        );
        w.later(HOUR).await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed", "to its own end");
    });
}

#[test]
fn i10_a_resume_is_not_undone_into_a_pause_whose_end_has_passed() {
    world(async |w| {
        paused(w).await;
        w.command(ANA, "resume orders").await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        w.later(HOUR * 3).await;
        w.command(EMIL, "undo 2").await;
        w.later(HOUR).await;
        assert_eq!(w.fivetran_saw(), "", "{}", w.card_of(2));
        assert!(!w.fivetran.connection("orders_id").unwrap().paused);
    });
}

#[test]
fn an_approver_undoes_a_pause_and_a_schedule() {
    world(async |w| {
        paused(w).await;
        w.command(ANA, "schedule hubspot daily at 03:00").await;
        w.click_on(EMIL, 2, "Approve").await;
        assert_eq!(w.fivetran_saw(), "hub_id FrequencySet { minutes: 1440 }");
        w.command(VIV, "undo 1").await;
        assert!(w.told(VIV).contains("you may not"), "{}", w.told(VIV));
        w.click_on(EMIL, 1, "Undo").await;
        w.command(LEAD, "undo #2").await;
        assert_eq!(
            w.fivetran_saw(),
            "orders_id Resumed\nhub_id FrequencySet { minutes: 360 }"
        );
        assert_eq!(
            (w.state_of(1), w.state_of(2)),
            ("Undone".into(), "Undone".into())
        );
        w.later(HOUR * 3).await;
        assert_eq!(w.fivetran_saw(), "", "its end has nothing left to do");
        w.command(EMIL, "undo 1").await;
        assert!(
            w.told(EMIL).contains("nothing of #1 can be taken back"),
            "{}",
            w.told(EMIL)
        );
    });
}

#[test]
fn t052_an_undo_after_somebody_changed_the_value_is_refused() {
    world(async |w| {
        w.command(ANA, "schedule hubspot every 1h").await;
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "hub_id FrequencySet { minutes: 60 }");
        w.edit("hub_id", |c| c.sync_frequency = 180);
        w.click_on(EMIL, 1, "Undo").await;
        assert_eq!(w.fivetran_saw(), "");
        let card = w.card_of(1);
        assert!(
            card.contains("Not undone: Somebody changed the connection since"),
            "{card}"
        );
        assert_eq!(w.audited("revert.refused").await, 1);
    });
}

#[test]
fn t052_an_undo_after_another_proposal_changed_the_value_is_refused() {
    world(async |w| {
        w.command(ANA, "schedule hubspot every 1h").await;
        w.click_on(EMIL, 1, "Approve").await;
        w.edit("hub_id", |c| c.sync_frequency = 360);
        w.command(ANA, "schedule hubspot every 1h").await;
        w.click_on(EMIL, 2, "Approve").await;
        assert_eq!(w.fivetran_saw().lines().count(), 2);
        w.command(EMIL, "undo 1").await;
        assert_eq!(w.fivetran_saw(), "", "what is so now was set by #2");
        w.command(EMIL, "undo 2").await;
        assert_eq!(w.fivetran_saw(), "hub_id FrequencySet { minutes: 360 }");
    });
}

#[test]
fn an_undo_twice_in_one_instant_sends_one_inverse() {
    world(async |w| {
        paused(w).await;
        let twice = tokio::join!(w.press_on(EMIL, 1, "Undo"), w.press_on(LEAD, 1, "Undo"));
        assert!(twice.0.ok() && twice.1.ok());
        w.at_once().await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        assert_eq!(w.audited("revert.intended").await, 1);
    });
}

#[test]
fn what_was_approved_and_not_yet_sent_can_be_undone() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        assert!(w.press_on(EMIL, 1, "Approve").await.ok());
        w.decide_only().await;
        assert!(
            w.slack
                .command(LEAD, crate::harness::CHANNEL, "undo 1")
                .await
                .ok()
        );
        w.decide_only().await;
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "");
        assert_eq!(w.state_of(1), "Undone");
    });
}

#[test]
fn a_sync_cannot_be_undone_and_the_card_says_so() {
    world(async |w| {
        w.command(ANA, "sync orders").await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        assert!(!w.card_of(1).contains("[Undo]"), "{}", w.card_of(1));
        w.command(EMIL, "undo 1").await;
        assert!(
            w.told(EMIL).contains("nothing of #1 can be taken back"),
            "{}",
            w.told(EMIL)
        );
    });
}

#[test]
fn i10_restore_ends_every_override_by_hand() {
    world(async |w| {
        paused(w).await;
        w.command(ANA, "pause hubspot for 3h").await;
        w.click_on(EMIL, 2, "Approve").await;
        assert_eq!(w.fivetran_saw(), "hub_id Paused");
        w.command(ANA, "status orders").await;
        assert!(
            w.told(ANA).contains("Override: changed by #1"),
            "{}",
            w.told(ANA)
        );
        assert_eq!(w.app().restore().await.unwrap(), 2);
        assert_eq!(w.app().restore().await.unwrap(), 0);
        w.settle().await;
        let mut saw: Vec<_> = w.fivetran_saw().lines().map(str::to_owned).collect();
        saw.sort();
        assert_eq!(saw, ["hub_id Resumed", "orders_id Resumed"]);
        assert!(
            w.card_of(1).contains("every override was ended by hand"),
            "{}",
            w.card_of(1)
        );
    });
}

#[test]
fn i10_an_override_of_what_was_deleted_or_resumed_by_hand_ends_in_words() {
    world(async |w| {
        paused(w).await;
        w.command(ANA, "pause hubspot for 2h").await;
        w.click_on(EMIL, 2, "Approve").await;
        assert_eq!(w.fivetran_saw(), "hub_id Paused");
        w.fivetran.delete("orders_id");
        w.edit("hub_id", |c| c.paused = false);
        w.later(HOUR * 2 + Duration::from_secs(60)).await;
        assert_eq!(w.fivetran_saw(), "");
        assert!(
            w.card_of(1).contains("The connection no longer exists"),
            "{}",
            w.card_of(1)
        );
        assert_eq!(w.state_of(2), "Undone");
    });
}
