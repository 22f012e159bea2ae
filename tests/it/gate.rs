//! The gate: what is decided, by how many, runs once, and nothing else runs (SPEC I1, I2, I9).

use std::time::Duration;

use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::ledger::Service;

use crate::harness::people::{ANA, EMIL, ERIN, LEAD, POLICY};
use crate::harness::{CHANNEL, Database, World, world, world_with};

/// Asks for another frequency than the connection has; who asks may not decide.
async fn ask_schedule(w: &World, name: &str, id: &str) {
    let now = w.fivetran.connection(id).unwrap().sync_frequency;
    let next = if now == 60 { "2h" } else { "1h" };
    w.command(ANA, &format!("schedule {name} every {next}"))
        .await;
}

fn rounds(w: &World, sqlite: i64, postgres: i64) -> i64 {
    match w.database {
        Database::Sqlite(_) => sqlite,
        Database::Postgres { .. } => postgres,
    }
}

#[test]
fn i1_nothing_is_sent_before_somebody_decides() {
    world(async |w| {
        for ask in [
            "pause orders for 2h",
            "schedule hubspot every 1h",
            "sync salesforce",
            "sync orders force",
            "resync orders public.orders",
            "resync hubspot",
            "resume old_paused",
        ] {
            w.command(ANA, ask).await;
        }
        assert_eq!(
            w.fivetran_saw(),
            "paused_id Resumed",
            "the direct act alone"
        );
        w.later(Duration::from_secs(5 * 3600)).await;
        assert_eq!(w.fivetran_saw(), "", "nobody answered");
        assert_eq!(w.audited("proposal.expired").await, 6);
    });
}

#[test]
fn t019_approve_clicked_twice_in_one_instant_counts_once() {
    world(async |w| {
        w.command(ANA, "sync salesforce").await;
        let twice = tokio::join!(
            w.press_on(EMIL, 1, "Approve"),
            w.press_on(EMIL, 1, "Approve")
        );
        assert!(twice.0.ok() && twice.1.ok());
        w.at_once().await;
        assert!(
            w.card_of(1).contains("Approvals: 1 of 2"),
            "{}",
            w.card_of(1)
        );
        assert_eq!(w.audited("decision.approve").await, 1);
        let told: Vec<_> = w
            .slack
            .ephemerals(EMIL)
            .into_iter()
            .map(|e| e.text)
            .collect();
        assert!(
            told.iter().any(|t| t.contains("counts, 1 of 2")),
            "{told:?}"
        );
        assert!(
            told.iter()
                .any(|t| t.contains("you have approved #1 already")),
            "{told:?}"
        );
    });
}

#[test]
fn t020_approve_and_reject_in_one_instant_one_wins_and_the_other_is_told() {
    world(async |w| {
        for id in 1..=rounds(w, 200, 50) {
            ask_schedule(w, "orders", "orders_id").await;
            let reject = format!("reject {id} not today");
            let acks = tokio::join!(
                w.press_on(EMIL, id, "Approve"),
                w.slack.command(ERIN, CHANNEL, &reject)
            );
            assert!(acks.0.ok() && acks.1.ok());
            w.at_once().await;
            let (saw, told_emil, told_erin) = (w.fivetran_saw(), w.told(EMIL), w.told(ERIN));
            match w.state_of(id).as_str() {
                "Done" => {
                    assert!(saw.starts_with("orders_id FrequencySet"), "{id}: {saw}");
                    assert!(told_emil.contains("counts, 1 of 1"), "{id}: {told_emil}");
                    let late = format!("#{id} is approved already by <@{EMIL}>");
                    assert!(told_erin.contains(&late), "{id}: {told_erin}");
                }
                "Rejected" => {
                    assert_eq!(saw, "", "{id}");
                    assert!(
                        told_erin.contains(&format!("#{id} is rejected")),
                        "{told_erin}"
                    );
                    let late = format!("#{id} was rejected by <@{ERIN}>");
                    assert!(told_emil.contains(&late), "{id}: {told_emil}");
                }
                other => panic!("#{id} is {other}"),
            }
        }
        let approved = w.audited("proposal.approved").await;
        let rejected = w.audited("proposal.rejected").await;
        assert!(
            approved > 0 && rejected > 0,
            "the same one wins each time: {approved}, {rejected}"
        );
        let decided = i64::try_from(approved + rejected).unwrap();
        assert_eq!(decided, rounds(w, 200, 50));
    });
}

#[test]
fn two_people_click_approve_in_one_millisecond_and_it_runs_once() {
    world(async |w| {
        for id in 1..=rounds(w, 20, 30) {
            ask_schedule(w, "orders", "orders_id").await;
            let acks = tokio::join!(
                w.press_on(EMIL, id, "Approve"),
                w.press_on(ERIN, id, "Approve")
            );
            assert!(acks.0.ok() && acks.1.ok());
            w.at_once().await;
            assert_eq!(w.fivetran_saw().lines().count(), 1, "#{id}");
            assert_eq!(w.state_of(id), "Done");
            let told = w.told(EMIL) + &w.told(ERIN);
            assert!(told.contains("counts, 1 of 1"), "#{id}: {told}");
            assert!(
                told.contains(&format!("#{id} is approved already by")),
                "{told}"
            );
        }
    });
}

#[test]
fn t041_a_quorum_of_two_needs_two_people() {
    world(async |w| {
        w.command(ANA, "sync salesforce").await;
        w.click_on(EMIL, 1, "Approve").await;
        w.click_on(EMIL, 1, "Approve").await;
        w.command(EMIL, "approve 1").await;
        assert_eq!(w.fivetran_saw(), "");
        assert_eq!(w.state_of(1), "Proposed");
        let card = w.card_of(1);
        assert!(card.contains("Approvals: 1 of 2"), "{card}");
        w.click_on(ERIN, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "sales_id SyncStarted { force: false }");
        assert_eq!(w.state_of(1), "Done");
    });
}

#[test]
fn t041_two_approvals_of_a_quorum_in_one_instant_both_count_and_it_runs_once() {
    world(async |w| {
        for id in 1..=rounds(w, 20, 40) {
            ask_schedule(w, "salesforce", "sales_id").await;
            let acks = tokio::join!(
                w.press_on(EMIL, id, "Approve"),
                w.press_on(ERIN, id, "Approve")
            );
            assert!(acks.0.ok() && acks.1.ok());
            w.at_once().await;
            assert_eq!(
                w.fivetran_saw().lines().count(),
                1,
                "#{id}: {}",
                w.card_of(id)
            );
            assert_eq!(w.state_of(id), "Done");
        }
        let approvals = w.audited("decision.approve").await;
        assert_eq!(approvals, 2 * w.audited("proposal.approved").await);
    });
}

#[test]
fn a_mixed_plan_needs_the_strictest_quorum_of_its_lines() {
    let policy = POLICY.replace("max_pause: 6h", "max_pause: 6h\n    sla: {max_age: 1h}");
    world_with(&policy, async |w| {
        w.clock.advance(Duration::from_secs(3 * 3600));
        w.command(ANA, "plan now").await;
        assert!(w.card_of(1).contains("2 changes"), "{}", w.card_of(1));
        w.click_on(EMIL, 1, "Approve").await;
        assert!(
            w.card_of(1).contains("Approvals: 1 of 2"),
            "{}",
            w.card_of(1)
        );
        assert_eq!(w.fivetran_saw(), "");
        w.click_on(LEAD, 1, "Approve").await;
        let saw = w.fivetran_saw();
        assert!(
            saw.contains("orders_id SyncStarted") && saw.contains("sales_id SyncStarted"),
            "{saw}"
        );
    });
}

#[test]
fn t022_a_click_after_the_expiry_is_refused() {
    world(async |w| {
        w.command(ANA, "pause orders for 8h").await;
        assert!(
            w.told(ANA).contains("at most 360 minutes"),
            "{}",
            w.told(ANA)
        );
        w.command(ANA, "schedule orders every 1h").await;
        let value = w.value_of(1, "approve");
        // The timer has not fired yet: the time alone decides.
        w.clock.advance(Duration::from_secs(4 * 3600));
        assert!(w.press_on(EMIL, 1, "Approve").await.ok());
        w.settle().await;
        assert!(
            w.told(EMIL).contains("#1 expired 23 Nov 12:00 CET"),
            "{}",
            w.told(EMIL)
        );
        assert_eq!(w.state_of(1), "Expired");
        w.click_forged(ERIN, 1, "approve", &value).await;
        assert!(w.told(ERIN).contains("#1 expired"), "{}", w.told(ERIN));
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn t023_an_approval_before_the_expiry_runs_after_it() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.clock.advance(Duration::from_secs(4 * 3600 - 60));
        assert!(w.press_on(EMIL, 1, "Approve").await.ok());
        w.decide_only().await;
        w.clock.advance(Duration::from_secs(3600));
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "orders_id FrequencySet { minutes: 60 }");
        assert_eq!(w.audited("proposal.expired").await, 0);
    });
}

#[test]
fn i9_reminder_escalation_and_expiry_ask_and_execute_nothing() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.later(Duration::from_secs(3600)).await;
        let thread = w.thread_of(1);
        assert!(thread.contains("this still waits for you"), "{thread}");
        assert!(thread.contains("<!subteam^S0DATAENG>"), "{thread}");
        w.later(Duration::from_secs(3600)).await;
        let thread = w.thread_of(1);
        assert!(
            thread.contains("<@U0LEAD>: nobody has decided on this"),
            "{thread}"
        );
        w.restart().await;
        w.later(Duration::from_secs(2 * 3600)).await;
        assert_eq!(w.state_of(1), "Expired");
        let thread = w.thread_of(1);
        assert!(thread.contains("nobody answered #1"), "{thread}");
        assert_eq!(thread.matches("still waits for you").count(), 1, "{thread}");
        assert_eq!(thread.matches("nobody has decided").count(), 1, "{thread}");
        w.later(Duration::from_secs(24 * 3600)).await;
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn i2_forged_and_foreign_button_values_change_nothing_t024() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.command(ANA, "schedule hubspot every 1h").await;
        let own = w.value_of(1, "approve");
        let fingerprint = own.rsplit_once('.').unwrap().1.to_owned();
        let long = format!("{own}{}", "0".repeat(2_001 - own.len()));
        let forged = [
            format!("v1.2.1.{fingerprint}"),
            format!("v1.1.1.{}", "0".repeat(32)),
            format!("v1.1.2.{fingerprint}"),
            format!("v1.99.1.{fingerprint}"),
            format!("v2.1.1.{fingerprint}"),
            own.to_uppercase(),
            long,
            String::new(),
            "1".to_owned(),
            "' OR 1=1 --".to_owned(),
        ];
        for value in &forged {
            for action in [
                "approve",
                "undo",
                "settle_done",
                "settle_failed",
                "nonsense",
            ] {
                w.click_forged(LEAD, 1, action, value).await;
                let told = w.told(LEAD);
                let refused = told.starts_with("*Refused*") || told.starts_with("*Not found*");
                assert!(refused, "{action} {value}: {told}");
            }
        }
        assert_eq!(
            (w.state_of(1), w.state_of(2)),
            ("Proposed".into(), "Proposed".into())
        );
        assert_eq!(w.audited("request.refused").await, forged.len() * 5);
    });
}

#[test]
fn i2_an_undo_button_with_another_fingerprint_is_refused_t024() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id FrequencySet { minutes: 60 }");
        let forged = format!("v1.1.1.{}", "0".repeat(32));
        w.click_forged(EMIL, 1, "undo", &forged).await;
        assert_eq!(w.fivetran_saw(), "", "{}", w.told(EMIL));
        assert_eq!(w.state_of(1), "Done");
    });
}

#[test]
fn t049_two_open_proposals_on_one_connection_never_both_run() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        w.command(ANA, "schedule orders every 1h").await;
        let acks = tokio::join!(
            w.press_on(EMIL, 1, "Approve"),
            w.press_on(ERIN, 2, "Approve")
        );
        assert!(acks.0.ok() && acks.1.ok());
        w.at_once().await;
        assert_eq!(w.fivetran_saw().lines().count(), 1);
        let cards = w.card_of(1) + &w.card_of(2);
        assert!(
            cards.contains("changed the connection after this card was posted"),
            "{cards}"
        );
        if w.state_of(1) == "Done" {
            w.command(EMIL, "undo 1").await;
            assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        }
    });
}

#[test]
fn t049_nor_when_one_of_them_reads_slowly() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.command(ANA, "sync orders force").await;
        assert!(w.press_on(EMIL, 1, "Approve").await.ok());
        assert!(w.press_on(EMIL, 2, "Approve").await.ok());
        w.decide_only().await;
        let slow = Fault::once(
            Service::Fivetran,
            "/v1/connections/orders_id",
            FaultKind::Delay(Duration::from_millis(450)),
        );
        w.faults.add(slow.on("GET"));
        let before = w.ledger.entries().len() as u64;
        let app = w.app().clone();
        let first = tokio::spawn(async move { app.run_step().await });
        let reads =
            |e: &syncgate::sim::ledger::Entry| e.seq > before && e.path.contains("orders_id");
        assert!(
            w.ledger
                .wait_for(Duration::from_secs(5), reads)
                .await
                .is_some()
        );
        // The other worker does its whole work meanwhile.
        while w.round().await {}
        first.await.unwrap().unwrap();
        w.settle().await;
        assert_eq!(
            w.fivetran_saw().lines().count(),
            1,
            "{}\n{}",
            w.card_of(1),
            w.card_of(2)
        );
    });
}
