//! What people are told of what they decided, and what becomes of it when records, rights or
//! readings fail.

use std::time::Duration;

use syncgate::sim::fault::FaultKind;
use syncgate::sim::ledger::Service;

use crate::harness::people::{ANA, EMIL, LEAD, POLICY};
use crate::harness::{CHANNEL, world, world_with};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn i4_a_doubt_whose_connection_stays_unreadable_is_put_to_people() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        assert!(w.press_on(EMIL, 1, "Approve").await.ok());
        w.fault_on_write(FaultKind::Close { apply: true });
        w.decide_only().await;
        w.app().run_step().await.unwrap();
        assert_eq!(w.writes().len(), 1);
        let no = FaultKind::answer(403, r#"{"code":"Forbidden","message":"not this one"}"#);
        w.always(Service::Fivetran, "GET", "/v1/connections/orders_id", no);
        w.pass(Duration::from_secs(600)).await;
        assert_eq!(w.state_of(1), "Unknown");
        assert!(!w.card_of(1).contains("[It ran]"), "{}", w.card_of(1));
        w.pass(Duration::from_secs(900)).await;
        assert!(w.card_of(1).contains("[It ran]"), "{}", w.card_of(1));
        w.faults.clear();
        w.click(EMIL, "It ran").await;
        assert_eq!(w.state_of(1), "Done");
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        w.later(HOUR * 2).await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed", "it keeps its end");
    });
}

#[test]
fn an_approval_names_what_it_covers_and_a_halt_that_it_waits_for() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        let told = w.told(ANA);
        assert!(
            told.contains("until 23 Nov 10:00 CET"),
            "the pause's own end: {told}"
        );
        w.command(LEAD, "halt").await;
        w.command(EMIL, "approve 1").await;
        let fingerprint = w
            .sql_text("SELECT substr(fingerprint, 1, 8) FROM revisions WHERE proposal_id = 1")
            .await;
        let told = w.told(EMIL);
        let named = format!("You approved revision 1, fingerprint {fingerprint}");
        assert!(told.contains(&named), "{told}");
        assert!(told.contains("waits for the end of the halt"), "{told}");
        assert!(w.unhalts().await);
        w.later(Duration::from_secs(30)).await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
    });
}

#[test]
fn i1_a_direct_command_runs_only_while_the_policy_in_force_lets_it() {
    world(async |w| {
        assert!(w.halts(None).await);
        w.command(ANA, "sync orders").await;
        let policy = POLICY.replace("  standard: {}", "  standard: {adhoc: {direct: []}}");
        w.set_policy(&policy).await;
        assert!(w.unhalts().await);
        w.later(Duration::from_secs(30)).await;
        assert_eq!(w.fivetran_saw(), "");
        let card = w.card_of(1);
        assert!(
            card.contains("may no longer run without an approval"),
            "{card}"
        );
    });
}

#[test]
fn an_approver_is_read_once_for_many_actions() {
    world(async |w| {
        assert!(w.halts(None).await);
        for ask in [
            "pause orders for 2h",
            "schedule hubspot every 1h",
            "resume old_paused",
        ] {
            w.command(ANA, ask).await;
        }
        for id in [1, 2] {
            w.click_on(EMIL, id, "Approve").await;
        }
        w.later(Duration::from_secs(600)).await;
        let before = w.slack_calls("usergroups.users.list").len();
        assert!(w.unhalts().await);
        w.later(Duration::from_secs(30)).await;
        assert_eq!(w.fivetran_saw().lines().count(), 3);
        let read = w.slack_calls("usergroups.users.list").len() - before;
        assert!(read <= 4, "two people, two groups each: {read}");
    });
}

#[test]
fn one_damaged_proposal_keeps_no_other_from_its_timer() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.command(ANA, "schedule hubspot every 1h").await;
        w.sql("UPDATE proposals SET document = '{}' WHERE id = 1")
            .await;
        w.command(ANA, "schedule salesforce every 1h").await;
        w.later(HOUR * 5).await;
        assert_eq!(
            (w.state_of(2), w.state_of(3)),
            ("Expired".into(), "Expired".into())
        );
    });
}

#[test]
fn i10_a_pause_whose_records_are_damaged_raises_one_alarm() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        w.sql("UPDATE revisions SET canonical = 'garbage' WHERE proposal_id = 1")
            .await;
        let reads = w.fivetran_requests();
        w.pass(HOUR * 2 + Duration::from_secs(600)).await;
        let alarms = w.channel().matches("are not what was approved").count();
        assert_eq!(alarms, 1, "{}", w.channel());
        assert!(w.fivetran_requests() - reads < 5);
    });
}

#[test]
fn the_audit_log_has_fivetrans_own_id_of_an_accepted_call() {
    world(async |w| {
        assert!(w.slack.command(ANA, CHANNEL, "sync orders").await.ok());
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        let audit = w.audit().await;
        let (_, body) = audit
            .iter()
            .find(|(code, _)| code == "action.accepted")
            .unwrap();
        let id = &body["to"]["intent"]["request_id"];
        assert!(id.as_str().is_some_and(|id| !id.is_empty()), "{body}");
    });
}

#[test]
fn i10_the_digest_shows_every_override_in_force() {
    let policy = POLICY.replace("max_age: 2h", "max_age: 6h");
    world_with(&policy, async |w| {
        w.command(ANA, "pause orders for 2h").await;
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        w.command(ANA, "plan now").await;
        let unchanged = w.top();
        let held = "orders, changed by #1, until 23 Nov 10:00 CET";
        assert!(unchanged.contains("changes nothing"), "{unchanged}");
        assert!(unchanged.contains(held), "{unchanged}");
        let old = w.now() - chrono::TimeDelta::hours(7);
        w.edit("sales_id", |c| c.succeeded_at = Some(old));
        w.command(ANA, "plan now").await;
        assert!(w.card_of(2).contains("Plan: 1 change"), "{}", w.card_of(2));
        assert!(w.card_of(2).contains(held), "{}", w.card_of(2));
    });
}

#[test]
fn a_plan_of_shadow_lines_alone_says_so_and_gives_way_to_the_next() {
    let policy = POLICY.replace("    tier: critical", "    mode: shadow\n    tier: critical");
    world_with(&policy, async |w| {
        let old = w.now() - chrono::TimeDelta::hours(5);
        w.edit("sales_id", |c| c.succeeded_at = Some(old));
        w.command(ANA, "plan now").await;
        let card = w.card_of(1);
        assert!(
            card.contains("Plan: 1 change in shadow mode, shown only"),
            "{card}"
        );
        w.command(ANA, "plan now").await;
        assert_eq!(w.state_of(1), "Superseded");
        assert!(
            w.thread_of(1).contains("#2 took the place of #1"),
            "{}",
            w.thread_of(1)
        );
    });
}
