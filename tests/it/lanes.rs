//! Nobody waits behind a reading that he does not need, and no hint is lost because Fivetran is away.

use std::time::Duration;

use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::fivetran::Outcome;
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::plain;

use crate::harness::people::{ANA, EMIL, LEAD};
use crate::harness::{CHANNEL, MINUTE, World, world};

/// Every reading of a connection ends like this until the faults are cleared.
fn readings(w: &World, kind: FaultKind) {
    let fault = Fault::always(Service::Fivetran, "/v1/connections/", kind);
    w.faults.add(fault.on("GET"));
}

/// A webhook that tells of a failed sync of `orders`.
async fn hint(w: &World, sync: usize) {
    let outcome = Outcome::fails_unknown(1, "deadlock detected");
    let sync = format!("sync-{sync}");
    let request = w
        .fivetran
        .webhook_request("orders_id", &sync, Some(&outcome));
    assert_eq!(w.post(&request.unwrap()).await, 200);
}

#[test]
fn a_halt_is_in_force_at_once_while_fivetran_hangs_and_webhooks_pile_up() {
    world(async |w| {
        w.webhooks();
        readings(w, FaultKind::Hang { apply: false });
        for n in 0..10 {
            hint(w, n).await;
            assert!(w.slack.command(ANA, CHANNEL, "sync orders").await.ok());
        }
        assert!(w.slack.command(LEAD, CHANNEL, "halt now").await.ok());
        let workers = w.workers();
        let halted = async {
            while !w.app().health().await.unwrap().halted {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let soon = tokio::time::timeout(Duration::from_secs(2), halted).await;
        assert!(soon.is_ok(), "the halt waited for Fivetran");
        let waiting = w.app().health().await.unwrap().inbox_waiting;
        assert!(waiting > 0, "Fivetran was to hang all the while");
        w.faults.clear();
        workers.end().await;
        // Failures that cannot be seen are looked for as long as a reading may lag.
        w.pass(5 * MINUTE).await;
        assert_eq!(w.fivetran_saw(), "");
        w.leaves_work = true;
    });
}

#[test]
fn a_webhook_waits_for_fivetran_and_its_reason_is_not_lost() {
    world(async |w| {
        w.webhooks();
        let why = Outcome::fails_unknown(1, "deadlock detected");
        w.syncs("orders_id", why).await;
        readings(w, FaultKind::answer(500, "{}"));
        w.told_by_webhook().await;
        w.pass(5 * MINUTE).await;
        assert!(w.cards(CHANNEL).is_empty(), "{}", w.channel());
        w.faults.clear();
        w.pass(5 * MINUTE).await;
        let card = w.card();
        assert!(card.contains("deadlock detected"), "{card}");
        assert_eq!(w.audited("inbound.dead").await, 0);
    });
}

#[test]
fn a_webhook_that_nobody_could_confirm_for_a_day_is_stale() {
    world(async |w| {
        w.webhooks();
        readings(w, FaultKind::answer(401, "{}"));
        hint(w, 1).await;
        w.settle().await;
        w.clock.advance(Duration::from_secs(25 * 3600));
        w.settle().await;
        let health = w.app().health().await.unwrap();
        assert_eq!((health.inbox_waiting, health.inbox_dead), (0, 0));
        let stale = "inbox WHERE outcome = 'stale'";
        assert_eq!(w.count(stale).await, 1);
    });
}

#[test]
fn a_webhook_that_can_change_nothing_costs_no_reading() {
    world(async |w| {
        w.webhooks();
        w.syncs("orders_id", Outcome::succeeds(1)).await;
        let before = w.fivetran_requests();
        w.told_by_webhook().await;
        assert_eq!(w.fivetran_requests(), before);
    });
}

/// What only this person was told last, while nobody held the form's request any more.
fn told(w: &World) -> String {
    let told = w.slack.ephemerals(EMIL);
    told.last()
        .map(|e| plain(&e.as_message()))
        .unwrap_or_default()
}

#[test]
fn what_is_wrong_with_a_form_is_told_by_a_message_when_slack_waits_no_longer() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        w.click(EMIL, "Modify…").await;
        w.clock.advance(Duration::from_secs(360));
        let slow = FaultKind::Delay(Duration::from_millis(1_300));
        // Who that is, which groups there are, who is in them: together longer than Slack waits.
        w.always(Service::Slack, "GET", "/api/user", slow);
        let view = w.slack.views(EMIL).pop().unwrap();
        let ack = w.slack.submit(EMIL, &view.id, &[]).await;
        assert!(ack.ok() && ack.body.is_empty(), "{ack:?}");
        w.until_settled().await;
        w.faults.clear();
        w.settle().await;
        insta::assert_snapshot!(told(w), @"Not saved: the form of #1 was not taken, and Slack had closed it by then. Nothing was changed. Approve it as it is, or change something. Open it again from the card.");
    });
}

#[test]
fn what_is_wrong_with_a_form_is_told_by_a_message_after_a_crash() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        w.click(EMIL, "Modify…").await;
        let hang = FaultKind::Hang { apply: false };
        w.always(Service::Slack, "GET", "/api/users.info", hang);
        let view = w.slack.views(EMIL).pop().unwrap();
        let submitted = async { w.slack.submit(EMIL, &view.id, &[]).await };
        // The delivery is stored, and the process dies before it is handled.
        let _ = tokio::time::timeout(Duration::from_millis(700), submitted).await;
        assert_eq!(w.app().health().await.unwrap().inbox_waiting, 1);
        w.crash().await;
        w.faults.clear();
        w.start().await;
        w.later(MINUTE).await;
        assert!(told(w).contains("Not saved"), "{}", told(w));
        assert_eq!(w.state_of(1), "Proposed");
    });
}

#[test]
fn a_refused_rejection_is_said_in_its_form() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        w.click(EMIL, "Reject…").await;
        w.slack.set_group_members("S0DATAENG", &[]);
        let ack = w.submit(EMIL, &[("reason", "no")]).await;
        let said = ack.json()["errors"]["reason"].to_string();
        assert!(said.contains("you may not decide"), "{ack:?}");
        let answers = w.slack.ephemerals(EMIL).len();
        assert_eq!(answers, 0, "it is said once");
    });
}
