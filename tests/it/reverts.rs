//! Taking something back on bad days: it is never given up, never said to be done, and never leaves
//! anything paused for good (SPEC I10).

use std::time::Duration;

use syncgate::model::Intent;
use syncgate::sim::fault::FaultKind;
use syncgate::sim::ledger::Service;

use crate::harness::people::{ANA, EMIL, LEAD};
use crate::harness::{CHANNEL, World, world};

const HOUR: Duration = Duration::from_secs(3600);

/// A pause of two hours is in force.
async fn paused(w: &mut World) {
    w.command(ANA, "pause orders for 2h").await;
    w.click_on(EMIL, 1, "Approve").await;
    assert_eq!(w.fivetran_saw(), "orders_id Paused");
}

/// Fivetran says this to every change from now on.
fn refused(w: &World, status: u16) {
    let answer = FaultKind::answer(status, r#"{"code":"Forbidden","message":"not now"}"#);
    w.always(Service::Fivetran, "PATCH", "/v1/connections/", answer);
}

impl World {
    fn paused_now(&self) -> bool {
        self.fivetran.connection("orders_id").unwrap().paused
    }
}

#[test]
fn i10_a_refused_call_that_takes_something_back_is_tried_until_it_is_taken() {
    world(async |w| {
        for (id, status) in [(1, 403), (2, 409)] {
            w.command(ANA, "pause orders for 2h").await;
            w.click_on(EMIL, id, "Approve").await;
            refused(w, status);
            let before = w.writes().len();
            w.pass(HOUR * 2 + Duration::from_secs(60)).await;
            assert_eq!(w.state_of(id), "Executing", "{}", w.card_of(id));
            let card = w.card_of(id);
            assert!(card.contains(&status.to_string()), "{card}");
            w.command(ANA, "status orders").await;
            let told = w.told(ANA);
            assert!(
                told.contains(&format!("changed by #{id}, is being taken back")),
                "{told}"
            );
            w.pass(HOUR * 3).await;
            let sent = w.writes().len() - before;
            assert!((8..=16).contains(&sent), "{sent} calls in three hours");
            let alerts = w.channel().matches("cannot be taken back yet").count();
            assert_eq!(alerts, usize::try_from(id).unwrap(), "{}", w.channel());
            w.faults.clear();
            w.later(HOUR).await;
            assert_eq!(w.state_of(id), "Undone", "{}", w.card_of(id));
            assert_eq!(w.fivetran_saw(), "orders_id Paused\norders_id Resumed");
        }
    });
}

#[test]
fn i10_a_lasting_error_slows_the_tries_down() {
    world(async |w| {
        paused(w).await;
        let oops = FaultKind::answer(500, r#"{"code":"ServerError","message":"Oops"}"#);
        w.always(Service::Fivetran, "PATCH", "/v1/connections/", oops);
        w.pass(HOUR * 5).await;
        let sent: Vec<_> = w.writes().iter().map(|e| e.at).skip(1).collect();
        assert!((5..=10).contains(&sent.len()), "{sent:?}");
        for pair in sent.windows(2) {
            assert!(pair[1] - pair[0] >= Intent::SETTLES_AFTER, "{pair:?}");
        }
        w.faults.clear();
        w.later(HOUR).await;
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        assert_eq!(w.state_of(1), "Undone");
    });
}

#[test]
fn i10_what_fivetran_accepts_and_does_not_show_is_sent_again() {
    world(async |w| {
        paused(w).await;
        let yes = r#"{"code":"Success","data":{"id":"orders_id"}}"#;
        w.fault(
            Service::Fivetran,
            "/v1/connections/orders_id",
            FaultKind::answer(200, yes),
        );
        w.faults.clear();
        w.fault_on_write(FaultKind::answer(200, yes));
        w.command(EMIL, "undo 1").await;
        assert_eq!(w.state_of(1), "Unknown", "{}", w.card_of(1));
        w.pass(Duration::from_secs(400)).await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        assert_eq!(w.state_of(1), "Undone");
    });
}

#[test]
fn i10_what_is_not_taken_back_for_good_is_not_called_done() {
    world(async |w| {
        w.command(ANA, "schedule hubspot every 1h").await;
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "hub_id FrequencySet { minutes: 60 }");
        refused(w, 400);
        w.command(EMIL, "undo 1").await;
        assert_eq!(w.state_of(1), "Partly failed", "{}", w.card_of(1));
        assert!(w.card_of(1).contains("1 not undone"), "{}", w.card_of(1));
        assert_eq!(w.audited("revert.refused").await, 1);
    });
}

#[test]
fn i10_a_resume_is_not_undone_when_the_pause_that_it_cut_was_undone_before() {
    world(async |w| {
        paused(w).await;
        w.command(ANA, "resume orders").await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        w.command(EMIL, "undo 1").await;
        assert_eq!(w.state_of(1), "Undone", "there was nothing left to do");
        w.command(EMIL, "undo 2").await;
        assert_eq!(w.fivetran_saw(), "", "nobody would end that pause");
        let card = w.card_of(2);
        assert!(
            card.contains("The pause of #1 is over; it stays running"),
            "{card}"
        );
        assert!(!w.paused_now());
    });
}

#[test]
fn a_resume_is_undone_although_a_pause_that_never_was_would_have_ended_by_now() {
    world(async |w| {
        w.fault_on_write(FaultKind::answer(409, r#"{"code":"Conflict"}"#));
        w.command(ANA, "pause orders for 2h").await;
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.state_of(1), "Failed");
        w.faults.clear();
        w.edit("orders_id", |c| c.paused = true);
        w.command(ANA, "resume orders").await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        w.later(HOUR * 3).await;
        w.command(EMIL, "undo 2").await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused", "as people had it");
    });
}

#[test]
fn i10_restore_ends_an_override_on_a_connection_that_another_call_is_on_its_way_to() {
    world(async |w| {
        paused(w).await;
        w.fault_on_write(FaultKind::Close { apply: false });
        w.command(ANA, "schedule orders every 1h").await;
        w.click_on(EMIL, 2, "Approve").await;
        assert_eq!(w.state_of(2), "Unknown");
        assert_eq!(w.app().restore().await.unwrap(), 1);
        assert_eq!(w.state_of(2), "Unknown");
        w.pass(Duration::from_secs(400)).await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        assert_eq!(w.state_of(1), "Undone");
        // It did not happen, and the connection is no longer what its card showed.
        assert_eq!(w.state_of(2), "Failed", "{}", w.card_of(2));
    });
}

#[test]
fn an_undo_beside_a_call_on_its_way_is_taken_and_waits_for_it() {
    world(async |w| {
        paused(w).await;
        w.fault_on_write(FaultKind::Close { apply: false });
        w.command(ANA, "schedule orders every 1h").await;
        w.click_on(EMIL, 2, "Approve").await;
        assert_eq!(w.state_of(2), "Unknown");
        w.command(EMIL, "undo 1").await;
        assert!(
            w.told(EMIL).contains("*Undoing* 1 change"),
            "{}",
            w.told(EMIL)
        );
        w.pass(Duration::from_secs(400)).await;
        assert_eq!(w.state_of(1), "Undone");
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
    });
}

#[test]
fn a_revert_that_cannot_read_says_so_once() {
    world(async |w| {
        paused(w).await;
        let page = FaultKind::answer(503, "{}");
        w.always(Service::Fivetran, "GET", "/v1/connections/", page);
        w.pass(HOUR * 2 + Duration::from_secs(600)).await;
        assert!(w.audited("revert.queued").await <= 3);
        w.faults.clear();
        w.pass(Duration::from_secs(60)).await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
    });
}

#[test]
fn an_undo_while_the_call_is_on_its_way_says_so() {
    world(async |w| {
        w.fault_on_write(FaultKind::Close { apply: true });
        w.command(ANA, "pause orders for 2h").await;
        w.click_on(EMIL, 1, "Approve").await;
        w.faults.clear();
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        w.fault_on_write(FaultKind::Close { apply: false });
        w.command(ANA, "schedule hubspot every 1h").await;
        w.click_on(EMIL, 2, "Approve").await;
        assert_eq!(w.state_of(2), "Unknown");
        w.command(EMIL, "undo 2").await;
        let told = w.told(EMIL);
        assert!(
            told.contains("1 change of #2 is still on its way; undo again when the card says Done"),
            "{told}"
        );
        w.pass(Duration::from_secs(400)).await;
        assert_eq!(w.fivetran_saw(), "hub_id FrequencySet { minutes: 60 }");
    });
}

#[test]
fn an_approved_action_is_not_overtaken_by_a_call_that_never_happened() {
    world(async |w| {
        w.command(ANA, "schedule hubspot every 1h").await;
        assert!(
            w.slack
                .command(ANA, CHANNEL, "pause hubspot for 2h")
                .await
                .ok()
        );
        w.decide_only().await;
        let busy = FaultKind::Answer {
            status: 429,
            headers: vec![("retry-after".into(), "3600".into())],
            body: String::new(),
        };
        w.fault_on_write(busy);
        assert!(w.press_on(EMIL, 1, "Approve").await.ok());
        w.decide_only().await;
        w.seconds(3).await;
        w.command(LEAD, "undo 1").await;
        w.click_on(EMIL, 2, "Approve").await;
        w.later(HOUR + Duration::from_secs(60)).await;
        assert_eq!(w.fivetran_saw(), "hub_id Paused", "{}", w.card_of(2));
    });
}
