//! Modify: a new revision, who may then approve it, and the form's own traps (SPEC §6, I2).

use chrono::TimeDelta;
use serde_json::json;
use syncgate::sim::fivetran::Connection;
use syncgate::sim::slack::{Ack, plain_view};

use crate::harness::people::{ANA, EMIL, ERIN, LEAD, VIV, without_age};
use crate::harness::{World, world, world_with};

/// Opens the form of a proposal and sends it with these values.
async fn modify(w: &World, user: &str, id: i64, values: &[(&str, &str)]) -> Ack {
    w.click_on(user, id, "Modify…").await;
    w.submit(user, values).await
}

fn errors(ack: &Ack) -> String {
    assert!(ack.ok(), "{ack:?}");
    let body = ack.json();
    assert_eq!(body["response_action"], "errors", "{ack:?}");
    body["errors"].to_string()
}

fn unix(w: &World, hours: i64) -> String {
    (w.now() + TimeDelta::hours(hours)).timestamp().to_string()
}

#[test]
fn t021_i2_a_click_on_an_older_revision_is_refused() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        let old = w.value_of(1, "approve");
        let ack = modify(w, EMIL, 1, &[("line:0:minutes", "120")]).await;
        assert!(ack.ok() && ack.body.is_empty(), "{ack:?}");
        let refused = "#1 was changed: revision 2 is the current one";
        for (count, action) in (1..).zip(["approve", "undo"]) {
            w.click_forged(ERIN, 1, action, &old).await;
            let told = w.told(ERIN);
            assert!(told.contains(refused), "{action}: {told}");
            assert_eq!(w.slack.ephemerals(ERIN).len(), count, "{action}");
            assert_eq!(w.audited("request.refused").await, count, "{action}");
        }
        // The form is open by then, so the form says it.
        w.click_forged(ERIN, 1, "modify", &old).await;
        let form = plain_view(&w.slack.views(ERIN).pop().unwrap());
        assert!(form.contains(refused), "{form}");
        assert_eq!(w.fivetran_saw(), "");
        let card = w.card_of(1);
        assert!(
            card.contains("Changed in revision 2: changed orders"),
            "{card}"
        );
        w.click_on(ERIN, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id FrequencySet { minutes: 120 }");
    });
}

#[test]
fn t025_a_form_opened_before_a_change_is_refused_in_the_form() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.click_on(EMIL, 1, "Modify…").await;
        w.click_on(ERIN, 1, "Reject…").await;
        assert!(modify(w, LEAD, 1, &[("line:0:minutes", "120")]).await.ok());
        let late = errors(&w.submit(EMIL, &[("line:0:minutes", "180")]).await);
        assert!(late.contains("revision 2 is the current one"), "{late}");
        let late = errors(&w.submit(ERIN, &[("reason", "no")]).await);
        assert!(late.contains("revision 2 is the current one"), "{late}");
        assert_eq!(w.state_of(1), "Proposed");
        assert_eq!(
            w.sql_text("SELECT CAST(max(number) AS TEXT) FROM revisions")
                .await,
            "2"
        );
        w.click_on(ERIN, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id FrequencySet { minutes: 120 }");
    });
}

#[test]
fn t025_a_form_opened_before_the_decision_is_refused_in_the_form() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.click_on(EMIL, 1, "Modify…").await;
        w.click_on(ERIN, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id FrequencySet { minutes: 60 }");
        let late = errors(&w.submit(EMIL, &[("line:0:minutes", "180")]).await);
        assert!(late.contains("approved already by"), "{late}");
        w.command(ANA, "schedule orders every 8h").await;
        w.click_on(EMIL, 2, "Modify…").await;
        w.clock.advance(std::time::Duration::from_secs(4 * 3600));
        let late = errors(&w.submit(EMIL, &[("line:0:minutes", "180")]).await);
        assert!(late.contains("expired"), "{late}");
    });
}

#[test]
fn t026_a_submission_delivered_twice_makes_one_revision() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.click_on(EMIL, 1, "Modify…").await;
        let view = w.slack.views(EMIL).pop().unwrap();
        let chosen = json!({"type": "static_select", "selected_option": {"value": "120"}});
        let values = json!({"line:0:minutes": {"v": chosen}});
        let payload = w.slack.submission_payload(EMIL, &view.id, values).unwrap();
        let acks = tokio::join!(
            w.slack.interact(&payload),
            w.slack.interact(&payload),
            w.slack.interact(&payload)
        );
        assert!(acks.0.ok() && acks.1.ok() && acks.2.ok(), "{acks:?}");
        w.settle().await;
        w.restart().await;
        assert!(w.slack.interact(&payload).await.ok());
        w.settle().await;
        assert_eq!(
            w.sql_text("SELECT CAST(max(number) AS TEXT) FROM revisions")
                .await,
            "2"
        );
        assert_eq!(w.audited("proposal.modified").await, 1);
    });
}

#[test]
fn t040_who_widens_may_not_approve_and_who_asked_may() {
    world(async |w| {
        w.command(EMIL, "pause orders for 2h").await;
        let until = unix(w, 3);
        assert!(modify(w, ERIN, 1, &[("line:0:until", &until)]).await.ok());
        w.click_on(ERIN, 1, "Approve").await;
        assert!(
            w.told(ERIN).contains("somebody else has to approve it"),
            "{}",
            w.told(ERIN)
        );
        assert_eq!(w.fivetran_saw(), "");
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
    });
}

#[test]
fn t040_who_narrows_stays_an_approver() {
    let policy = without_age().replace("max_pause: 6h", "sla: {max_age: 1h}");
    world_with(&policy, async |w| {
        let stale = Connection::new("more_id", "postgres", "more", "g_warehouse")
            .succeeded_at(w.now() - TimeDelta::hours(3));
        w.fivetran.add_connection(stale);
        w.edit("orders_id", |c| {
            c.succeeded_at = c.succeeded_at.map(|at| at - TimeDelta::hours(3))
        });
        w.command(ANA, "plan now").await;
        assert!(w.card_of(1).contains("2 changes"), "{}", w.card_of(1));
        assert!(modify(w, EMIL, 1, &[("line:0:keep", "drop")]).await.ok());
        assert!(w.card_of(1).contains("dropped more"), "{}", w.card_of(1));
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
    });
}

#[test]
fn an_approval_of_the_old_revision_does_not_count_for_the_new_one() {
    world(async |w| {
        w.command(ANA, "schedule salesforce every 1h").await;
        w.click_on(EMIL, 1, "Approve").await;
        assert!(modify(w, LEAD, 1, &[("line:0:minutes", "120")]).await.ok());
        assert!(
            w.card_of(1).contains("Approvals: 0 of 2"),
            "{}",
            w.card_of(1)
        );
        w.click_on(ERIN, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "");
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "sales_id FrequencySet { minutes: 120 }");
    });
}

#[test]
fn the_form_refuses_what_cannot_be() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        let (past, far) = (unix(w, -1), unix(w, 7));
        let said = errors(&modify(w, EMIL, 1, &[("line:0:until", &past)]).await);
        assert!(said.contains("This time has passed"), "{said}");
        let said = errors(&w.submit(EMIL, &[("line:0:until", &far)]).await);
        assert!(said.contains("at most 360 minutes"), "{said}");
        let said = errors(&w.submit(EMIL, &[("line:0:keep", "drop")]).await);
        assert!(said.contains("Nothing is left"), "{said}");
        let said = errors(&w.submit(EMIL, &[]).await);
        assert!(said.contains("Nothing was changed"), "{said}");
        assert_eq!(
            w.sql_text("SELECT CAST(max(number) AS TEXT) FROM revisions")
                .await,
            "1"
        );
    });
}

#[test]
fn t024_forged_form_values_widen_nothing() {
    world(async |w| {
        w.command(ANA, "sync orders force").await;
        w.command(ANA, "schedule hubspot every 1h").await;
        w.command(ANA, "pause orders for 2h").await;
        let forged = [
            (
                2,
                "line:0:minutes",
                json!({"selected_option": {"value": "7"}}),
            ),
            (
                2,
                "line:0:minutes",
                json!({"selected_option": {"value": "-60"}}),
            ),
            (
                2,
                "line:0:minutes",
                json!({"selected_option": {"value": "DROP TABLE"}}),
            ),
            (2, "line:0:minutes", json!({"value": "60"})),
            (3, "line:0:until", json!({"selected_date_time": -1})),
            (3, "line:0:until", json!({"selected_date_time": i64::MAX})),
            (3, "line:0:until", json!({"value": "for ever"})),
            (
                1,
                "line:0:force",
                json!({"selected_option": {"value": "more"}}),
            ),
        ];
        for (id, block, value) in forged {
            w.click_on(EMIL, id, "Modify…").await;
            let view = w.slack.views(EMIL).pop().unwrap();
            let values = json!({block: {"v": value}});
            let ack = w.slack.submit_raw(EMIL, &view.id, values).await;
            w.settle().await;
            errors(&ack);
        }
        assert_eq!(
            w.sql_text("SELECT CAST(max(number) AS TEXT) FROM revisions")
                .await,
            "1"
        );
    });
}

#[test]
fn a_forced_sync_can_lose_its_force_and_a_daily_hour_is_taken() {
    world(async |w| {
        w.fivetran.start_sync("orders_id");
        w.command(ANA, "sync orders force").await;
        assert!(modify(w, EMIL, 1, &[("line:0:force", "plain")]).await.ok());
        w.click_on(ERIN, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "", "it is syncing already");
        assert!(
            w.card_of(1).contains("orders is syncing already"),
            "{}",
            w.card_of(1)
        );
        w.command(ANA, "schedule hubspot every 1h").await;
        let daily = [("line:0:minutes", "1440"), ("line:0:hour", "3")];
        assert!(modify(w, EMIL, 2, &daily).await.ok());
        w.click_on(ERIN, 2, "Approve").await;
        assert_eq!(w.fivetran_saw(), "hub_id FrequencySet { minutes: 1440 }");
        let hub = w.fivetran.connection("hub_id").unwrap();
        assert_eq!(hub.daily_sync_time.as_deref(), Some("03:00"));
    });
}

#[test]
fn modify_as_a_command_opens_the_form_for_approvers_alone() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.command(VIV, "modify 1").await;
        let view = plain_view(&w.slack.views(VIV).pop().unwrap());
        assert!(view.contains("you may not decide on proposals"), "{view}");
        w.command(EMIL, "modify 1").await;
        assert!(w.submit(EMIL, &[("line:0:minutes", "120")]).await.ok());
        assert!(w.card_of(1).contains("sync every 2h"), "{}", w.card_of(1));
        w.command(EMIL, "modify 9").await;
        let view = plain_view(&w.slack.views(EMIL).pop().unwrap());
        assert!(view.contains("there is no #9"), "{view}");
    });
}

/// A fleet of which so many connections are late, with names that want to be markup.
fn late_fleet(w: &World, size: usize) {
    for n in 0..size {
        let name = format!("bulk_{n:03}_<!channel>_*{}*", "long".repeat(n % 20));
        let late = Connection::new(&format!("bulk{n:03}"), "hubspot", &name, "g_warehouse")
            .every(1440)
            .succeeded_at(w.now() - TimeDelta::hours(3));
        w.fivetran.add_connection(late);
    }
}

fn late_policy() -> String {
    let bulk = "max_pause: 6h\n  - match: {schema: \"bulk_*\"}\n    sla: {max_age: 1h}";
    without_age().replace("max_pause: 6h", bulk)
}

#[test]
fn t050_a_plan_of_five_hundred_lines_keeps_slacks_limits() {
    world_with(&late_policy(), async |w| {
        late_fleet(w, 500);
        w.command(ANA, "plan now").await;
        w.later(std::time::Duration::from_secs(120)).await;
        assert!(w.card_of(1).contains("500 changes"), "{}", w.card_of(1));
        w.click_on(EMIL, 1, "Modify…").await;
        assert_eq!(
            w.slack.views(EMIL).pop().unwrap().view["callback_id"],
            "modify"
        );
        w.command(EMIL, "reject 1 too many").await;
        assert_eq!(w.state_of(1), "Rejected");
        let canonical = w.sql_text("SELECT canonical FROM revisions").await;
        let stored = w.sql_text("SELECT fingerprint FROM revisions").await;
        assert_eq!(
            syncgate::model::Fingerprint::of(&canonical).as_str(),
            stored
        );
    });
}

#[test]
fn t050_of_a_plan_of_thirty_lines_those_that_were_kept_run() {
    world_with(&late_policy(), async |w| {
        late_fleet(w, 30);
        w.command(ANA, "plan now").await;
        let drop = [("line:0:keep", "drop"), ("line:19:keep", "drop")];
        let ack = modify(w, EMIL, 1, &drop).await;
        assert!(ack.ok() && ack.body.is_empty(), "{ack:?}");
        assert!(w.card_of(1).contains("28 changes"), "{}", w.card_of(1));
        w.click_on(EMIL, 1, "Approve").await;
        w.later(std::time::Duration::from_secs(120)).await;
        let saw = w.fivetran_saw();
        assert_eq!(saw.lines().count(), 28);
        assert!(
            !saw.contains("bulk000 ") && !saw.contains("bulk019 "),
            "{saw}"
        );
        assert_eq!(w.state_of(1), "Done");
        // One message a second: the thread tells each of the steps.
        w.pass(std::time::Duration::from_secs(120)).await;
        // One message a second: the thread tells each of the steps.
        w.pass(std::time::Duration::from_secs(120)).await;
    });
}
