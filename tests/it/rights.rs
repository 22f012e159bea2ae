//! Who may: checked at the click, against the policy in force and live membership (SPEC I8).

use std::time::Duration;

use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::User;

use crate::harness::people::{ANA, EMIL, ERIN, GUEST, LEAD, POLICY, VIV};
use crate::harness::{World, world, world_with};

const BOT: &str = "U0ROBOT";
const STRANGER: &str = "U0STRANGER";
const LEFT: &str = "U0LEFT";

/// People whom the policy would let decide, were they full members.
fn outsiders(w: &World) {
    w.slack.add_user(User {
        is_bot: true,
        ..User::new(BOT, "Robot")
    });
    w.slack.add_user(User {
        team_id: "T0OTHER".into(),
        ..User::new(STRANGER, "Stranger")
    });
    w.slack.add_user(User {
        deleted: true,
        ..User::new(LEFT, "Left")
    });
    let all = [EMIL, ERIN, BOT, STRANGER, LEFT, GUEST];
    w.slack.set_group_members("S0DATAENG", &all);
    w.slack
        .set_group_members("S0ANALYTICS", &[ANA, EMIL, BOT, STRANGER, LEFT, GUEST]);
}

/// Tries every way of deciding; nothing may come of it.
async fn tries_everything(w: &World, user: &str) {
    let approve = w.value_of(1, "approve");
    for action in ["approve", "modify", "reject", "undo", "settle_done"] {
        let value = match action {
            "settle_done" => format!("{approve}.0"),
            _ => approve.clone(),
        };
        w.click_forged(user, 1, action, &value).await;
    }
    if let Some(view) = w
        .slack
        .views(user)
        .into_iter()
        .find(|v| v.view["callback_id"] == "reject")
    {
        let ack = w.slack.submit(user, &view.id, &[("reason", "mine")]).await;
        assert!(ack.ok(), "{ack:?}");
    }
    for command in [
        "approve 1",
        "reject 1 mine",
        "undo 1",
        "modify 1",
        "halt",
        "unhalt",
    ] {
        w.command(user, command).await;
    }
}

#[test]
fn t031_who_is_no_approver_is_refused_alone_and_told_whom_to_ask() {
    world(async |w| {
        w.command(EMIL, "schedule orders every 1h").await;
        for user in [VIV, ANA] {
            let before = w.all_messages().len();
            tries_everything(w, user).await;
            w.click_on(user, 1, "Approve").await;
            insta::allow_duplicates! {
                insta::assert_snapshot!(w.told(user), @"*Refused*: you may not decide on proposals here. Ask one of <!subteam^S0DATAENG>, <@U0LEAD>.");
            }
            assert_eq!(
                w.all_messages().len(),
                before,
                "the channel hears nothing of it"
            );
        }
        assert_eq!(w.state_of(1), "Proposed");
        assert!(
            w.card_of(1).contains("Approvals: 0 of 1"),
            "{}",
            w.card_of(1)
        );
        let refused: Vec<_> = w
            .audit()
            .await
            .into_iter()
            .filter(|(c, _)| c == "request.refused")
            .collect();
        assert!(refused.len() >= 22, "{}", refused.len());
        assert!(
            refused
                .iter()
                .any(|(_, body)| body["why"] == "role_missing"),
            "{refused:?}"
        );
        assert_eq!(w.audited("decision.approve").await, 0);
    });
}

#[test]
fn t032_t033_t034_t035_guests_strangers_bots_and_those_who_left_have_no_rights() {
    world(async |w| {
        outsiders(w);
        w.command(EMIL, "schedule orders every 1h").await;
        for user in [GUEST, STRANGER, BOT, LEFT] {
            tries_everything(w, user).await;
            for command in [
                "status",
                "sync hubspot",
                "pause hubspot",
                "plan now",
                "audit 1",
            ] {
                w.command(user, command).await;
                let told = w.told(user);
                let why = if user == GUEST {
                    "guests of the workspace may not"
                } else {
                    "only from members of its own workspace"
                };
                assert!(told.contains(why), "{user} {command}: {told}");
            }
        }
        assert_eq!(
            (w.state_of(1), w.fivetran_saw()),
            ("Proposed".into(), String::new())
        );
        assert_eq!(
            w.sql_text("SELECT CAST(count(*) AS TEXT) FROM proposals")
                .await,
            "1"
        );
        assert_eq!(
            w.sql_text("SELECT CAST(count(*) AS TEXT) FROM halt").await,
            "0"
        );
    });
}

#[test]
fn t036_a_right_removed_between_approval_and_execution_stops_it() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        assert!(w.press_on(EMIL, 1, "Approve").await.ok());
        w.decide_only().await;
        w.slack.set_group_members("S0DATAENG", &[ERIN]);
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "");
        let card = w.card_of(1);
        assert!(card.contains("Skipped: the policy in force no longer allows it: U0EMIL no longer has the role approver"), "{card}");
        assert_eq!(w.audited("action.skipped").await, 1);
    });
}

#[test]
fn t036_an_operators_own_sync_stops_when_he_left_before_it_ran() {
    world(async |w| {
        assert!(
            w.slack
                .command(ANA, crate::harness::CHANNEL, "sync orders")
                .await
                .ok()
        );
        w.decide_only().await;
        w.slack.change_user(ANA, |u| u.deleted = true);
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "");
        assert_eq!(w.state_of(1), "Failed");
    });
}

#[test]
fn t039_nobody_approves_what_he_asked_for() {
    world(async |w| {
        w.command(EMIL, "schedule orders every 1h").await;
        w.click_on(EMIL, 1, "Approve").await;
        assert!(
            w.told(EMIL).contains("you asked for #1 or widened it"),
            "{}",
            w.told(EMIL)
        );
        w.command(EMIL, "approve 1").await;
        assert_eq!(
            (w.state_of(1), w.fivetran_saw()),
            ("Proposed".into(), String::new())
        );
        w.command(EMIL, "reject 1 changed my mind").await;
        assert_eq!(w.state_of(1), "Rejected");
    });
}

#[test]
fn t039_unless_the_policy_says_so() {
    world_with(
        &POLICY.replace("self_approval: false", "self_approval: true"),
        async |w| {
            w.command(EMIL, "schedule orders every 1h").await;
            w.click_on(EMIL, 1, "Approve").await;
            assert_eq!(w.fivetran_saw(), "orders_id FrequencySet { minutes: 60 }");
        },
    );
}

#[test]
fn i8_who_left_the_group_is_refused_at_the_very_next_click() {
    world(async |w| {
        w.command(ANA, "sync salesforce").await;
        w.click_on(EMIL, 1, "Approve").await;
        assert!(w.told(EMIL).contains("counts, 1 of 2"), "{}", w.told(EMIL));
        w.slack.set_group_members("S0DATAENG", &[EMIL]);
        w.click_on(ERIN, 1, "Approve").await;
        assert!(
            w.told(ERIN).contains("you may not decide on proposals"),
            "{}",
            w.told(ERIN)
        );
        assert_eq!(w.fivetran_saw(), "");
        w.slack.set_group_members("S0DATAENG", &[EMIL, ERIN]);
        w.click_on(ERIN, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "sales_id SyncStarted { force: false }");
    });
}

#[test]
fn i8_the_policy_in_force_decides_at_the_click() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        let before = POLICY.replace(
            "approver: [S0DATAENG, U0LEAD]",
            "approver: [U0LEAD, U0ERIN]",
        );
        w.set_policy(&before).await;
        w.click_on(EMIL, 1, "Approve").await;
        assert!(
            w.told(EMIL).contains("Ask one of <@U0LEAD>, <@U0ERIN>"),
            "{}",
            w.told(EMIL)
        );
        w.click_on(LEAD, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id FrequencySet { minutes: 60 }");
    });
}

#[test]
fn a_changed_policy_does_not_void_an_approval_but_its_limits_hold() {
    world(async |w| {
        w.command(ANA, "pause orders for 5h").await;
        w.command(ANA, "schedule hubspot every 1h").await;
        for id in [1, 2] {
            assert!(w.press_on(EMIL, id, "Approve").await.ok());
        }
        w.decide_only().await;
        w.set_policy(&POLICY.replace("max_pause: 6h", "max_pause: 1h"))
            .await;
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "hub_id FrequencySet { minutes: 60 }");
        assert!(
            w.card_of(1).contains("longer than max_pause"),
            "{}",
            w.card_of(1)
        );
    });
}

#[test]
fn i8_when_slack_tells_no_rights_nobody_unknown_is_let_through_t042() {
    world(async |w| {
        w.command(ANA, "sync salesforce").await;
        w.click_on(EMIL, 1, "Approve").await;
        let down = FaultKind::answer(500, "{}");
        w.faults
            .add(Fault::always(Service::Slack, "users.info", down));
        w.click_on(ERIN, 1, "Approve").await;
        assert!(
            w.told(ERIN).contains("your rights cannot be checked"),
            "{}",
            w.told(ERIN)
        );
        assert_eq!(w.fivetran_saw(), "");
        // A reading of the last five minutes stands in for a known person, and no longer.
        w.command(EMIL, "reject 1 later").await;
        assert_eq!(w.state_of(1), "Rejected");
        w.clock.advance(Duration::from_secs(301));
        w.command(EMIL, "status").await;
        assert!(
            w.told(EMIL).contains("your rights cannot be checked"),
            "{}",
            w.told(EMIL)
        );
        w.faults.clear();
    });
}
