//! `syncgate policy explain`: who may do what, and why, with and without database and Slack.

use serde_json::Value;
use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::ledger::Service;

use crate::harness::Database;
use crate::harness::people::{ANA, GUEST, POLICY, VIV};
use crate::operator::{no, ok};
use crate::process::{Stage, runtime, stage};

async fn explained(s: &Stage, action: &str, connection: &str, user: &str) -> String {
    ok(s, &["policy", "explain", action, connection, user]).await
}

/// A service that has read the fleet.
async fn knows_the_fleet(s: &mut Stage) {
    s.start().await;
    s.until("the fleet is known", async |s| {
        let said = explained(s, "sync_now", "hubspot", ANA).await;
        !said.contains("Note: ")
    })
    .await;
}

#[test]
fn it_says_who_may_and_by_which_rule() {
    stage(async |s| {
        knows_the_fleet(s).await;
        // Ana is an operator by the group S0ANALYTICS alone: only Slack knows that.
        insta::assert_snapshot!(explained(s, "sync_now", "orders", ANA).await, @r"
        orders_id is matched by the rule on line 20: tier standard, mode copilot.
        U0ANA has the roles viewer and operator.
        U0ANA may ask for sync_now, and it runs at once: the tier standard lets it run without a second person.
        Where it asks, it needs 1 approval by the role approver; S0DATAENG and U0LEAD have it.
        U0ANA may not approve it: You need the role approver for this; S0DATAENG and U0LEAD have it.
        ");
        insta::assert_snapshot!(explained(s, "pause", "sales_id", ANA).await, @r"
        sales_id is matched by the rule on line 16: tier critical, mode copilot.
        U0ANA has the roles viewer and operator.
        U0ANA may ask for pause; it always waits for approval, whatever the policy says.
        Where it asks, it needs 2 approvals by the role approver; S0DATAENG and U0LEAD have it.
        U0ANA may not approve it: You need the role approver for this; S0DATAENG and U0LEAD have it.
        ");
        insta::assert_snapshot!(explained(s, "sync_now", "orders_id", VIV).await, @r"
        orders_id is matched by the rule on line 20: tier standard, mode copilot.
        U0VIV has the role viewer.
        U0VIV may not ask for sync_now: You need the role operator for this; S0ANALYTICS and U0LEAD have it.
        Where it asks, it needs 1 approval by the role approver; S0DATAENG and U0LEAD have it.
        U0VIV may not approve it: You need the role approver for this; S0DATAENG and U0LEAD have it.
        ");
        insta::assert_snapshot!(explained(s, "sync_now", "orders", GUEST).await, @r"
        orders_id is matched by the rule on line 20: tier standard, mode copilot.
        U0GUEST has no role.
        U0GUEST may not ask for sync_now: Sorry, guests cannot do this: only full members of this workspace have roles.
        Where it asks, it needs 1 approval by the role approver; S0DATAENG and U0LEAD have it.
        U0GUEST may not approve it: Sorry, guests cannot do this: only full members of this workspace have roles.
        ");
        let json = ["policy", "explain", "pause", "salesforce", ANA, "--json"];
        let json: Value = serde_json::from_str(&ok(s, &json).await).unwrap();
        assert_eq!(json["verdict"], "asks");
        assert_eq!(
            (&json["tier"], &json["quorum"]),
            (&"critical".into(), &2.into())
        );
        assert_eq!(json["connection"]["id"], "sales_id");
        assert_eq!(json["notes"], serde_json::json!([]));
        assert_eq!(s.writes().len(), 0);
    });
}

#[test]
fn what_it_cannot_know_it_says() {
    runtime().block_on(async {
        let database = Database::Sqlite(tempfile::tempdir().unwrap());
        let s = Stage::new(database, POLICY).await;
        let said = explained(&s, "sync_now", "salesforce_eu", ANA).await;
        let file = s.settings["DATABASE_URL"].replace("sqlite://", "");
        let said = said.replace(&file, "FILE");
        insta::assert_snapshot!(said, @r"
        salesforce_eu is matched by the rule on line 16: tier critical, mode copilot.
        U0ANA has the role viewer.
        U0ANA may not ask for sync_now: You need the role operator for this; S0ANALYTICS and U0LEAD have it.
        Where it asks, it needs 2 approvals by the role approver; S0DATAENG and U0LEAD have it.
        U0ANA may not approve it: You need the role approver for this; S0DATAENG and U0LEAD have it.
        Note: The database cannot be read, so `salesforce_eu` is taken for both the id and the schema; its service and its group are not known, and rules that match by them do not match here.
        Note: Who this is could not be read (DATABASE_URL: there is no database at FILE; `syncgate serve` makes it). The person is taken for a full member of the workspace who is in no user group: a guest has no rights, and a member of S0ANALYTICS, S0DATAENG may have more rights.
        ");
        let said = no(&s, &["policy", "explain", "delete", "orders", ANA]).await;
        insta::assert_snapshot!(said, @"`delete` is no action; the actions are: sync_now, sync_force, sync_at, pause, resume, set_frequency, resync_tables, historical_resync, run_setup_tests");
        let said = no(&s, &["policy", "explain", "pause", "orders", "ana"]).await;
        insta::assert_snapshot!(said, @"`ana` is no Slack user id; it begins with U and is on the person's profile under Copy member ID");
    });
}

#[test]
fn without_slack_groups_are_unknown_and_that_is_told() {
    stage(async |s| {
        knows_the_fleet(s).await;
        s.kill();
        let away = Fault::always(
            Service::Slack,
            "users.info",
            FaultKind::Close { apply: false },
        );
        s.faults.add(away);
        let said = explained(s, "sync_now", "orders", ANA).await;
        s.faults.clear();
        assert!(said.contains("U0ANA may not ask for sync_now"), "{said}");
        assert!(
            said.contains("Note: Who this is could not be read ("),
            "{said}"
        );
        assert!(
            said.contains("a member of S0ANALYTICS, S0DATAENG may have more rights"),
            "{said}"
        );
    });
}
