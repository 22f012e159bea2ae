//! Who may do what, and in which words they are told that they may not.

use std::collections::BTreeSet;

use insta::assert_snapshot;

use super::{EXAMPLE, member, policy, subject};
use crate::model::{ActionKind, Actor, UserId};
use crate::policy::verdict::{Reason, may, may_approve};
use crate::policy::*;

fn requested_by(users: &[&str]) -> BTreeSet<Actor> {
    users
        .iter()
        .map(|u| Actor::user(&UserId::new(*u)))
        .collect()
}

#[test]
fn t031_who_has_no_role_is_told_who_has() {
    let policy = policy("roles: {approver: [U0LEAD, \"@data-eng\"], operator: [everyone]}");
    let denied = may(Role::Approver, &member("U0X", &[]), &policy).unwrap_err();
    assert_eq!(denied.code(), "role_missing");
    assert_snapshot!(denied, @"You need the role approver for this; U0LEAD and @data-eng have it.");
    assert_snapshot!(may(Role::Admin, &member("U0X", &[]), &policy).unwrap_err(), @"You need the role admin for this; the policy gives it to nobody.");
    assert_eq!(may(Role::Operator, &member("U0X", &[]), &policy), Ok(()));
}

#[test]
fn t032_to_t035_only_full_members_have_roles_even_when_listed() {
    let policy = policy("roles: {viewer: [everyone], admin: [U0X, S0TEAM]}");
    for standing in [
        Standing::Guest,
        Standing::Bot,
        Standing::Deactivated,
        Standing::OtherWorkspace,
    ] {
        let member = Member {
            standing,
            ..member("U0X", &["S0TEAM"])
        };
        assert!(policy.roles_of(&member).is_empty(), "{standing:?}");
        let denied = may(Role::Viewer, &member, &policy).unwrap_err();
        assert_eq!(
            (denied.reason, denied.code()),
            (Reason::NotAMember, "not_a_member")
        );
    }
}

#[test]
fn roles_come_by_id_group_handle_and_everyone_and_any_role_may_view() {
    let policy =
        policy("roles: {operator: [\"@analysts\"], approver: [S0ENG, leads], admin: [U0BOSS]}");
    let roles = |user: &str, groups: &[&str]| policy.roles_of(&member(user, groups));
    assert_eq!(roles("U0X", &[]), BTreeSet::new());
    assert_eq!(
        roles("U0X", &["analysts"]),
        [Role::Viewer, Role::Operator].into()
    );
    assert_eq!(
        roles("U0X", &["@leads"]),
        [Role::Viewer, Role::Approver].into()
    );
    assert_eq!(
        roles("U0X", &["S0ENG"]),
        [Role::Viewer, Role::Approver].into()
    );
    assert_eq!(roles("U0BOSS", &[]), [Role::Viewer, Role::Admin].into());
    // Nobody becomes the boss by calling a group so.
    assert_eq!(roles("U0X", &["U0BOSS"]), BTreeSet::new());
}

#[test]
fn t036_a_right_that_was_removed_is_gone() {
    let before = policy("roles: {approver: [U0A, U0B]}");
    let after = policy("roles: {approver: [U0B]}");
    let a = member("U0A", &[]);
    assert!(may_approve(&before, &a, &requested_by(&[]), [&subject("x")]).is_ok());
    assert!(may_approve(&after, &a, &requested_by(&[]), [&subject("x")]).is_err());
}

#[test]
fn t039_a_requester_may_not_approve_unless_every_tier_allows_it() {
    let policy = policy(
        "roles: {approver: [U0A, U0B]}\ntiers: {low: {approvals: {self_approval: true}}}\nconnections: [{match: {schema: \"low*\"}, tier: low}]",
    );
    let (low, other) = (subject("low_1"), subject("other"));
    let a = member("U0A", &[]);
    let own = requested_by(&["U0A"]);
    assert_eq!(may_approve(&policy, &a, &own, [&low]), Ok(()));
    let denied = may_approve(&policy, &a, &own, [&low, &other]).unwrap_err();
    assert_eq!(denied.code(), "own_request");
    assert_snapshot!(denied, @"You asked for this, so somebody else must approve it: U0B may.");
    assert_eq!(
        may_approve(&policy, &member("U0B", &[]), &own, [&low, &other]),
        Ok(())
    );
    assert!(
        may_approve(&policy, &a, &own, []).is_err(),
        "no subject allows nothing"
    );
}

#[test]
fn t040_who_widened_a_revision_asks_for_it_and_the_first_requester_may_approve() {
    let policy = policy("roles: {approver: [U0A, U0B]}");
    let widened_by_b = requested_by(&["U0B"]);
    let x = subject("x");
    assert!(may_approve(&policy, &member("U0B", &[]), &widened_by_b, [&x]).is_err());
    assert!(may_approve(&policy, &member("U0A", &[]), &widened_by_b, [&x]).is_ok());
}

#[test]
fn the_only_approver_is_told_that_there_is_no_other() {
    let policy = policy("roles: {approver: [U0A]}");
    let own = requested_by(&["U0A"]);
    let denied = may_approve(&policy, &member("U0A", &[]), &own, [&subject("x")]).unwrap_err();
    assert_snapshot!(denied, @"You asked for this, so somebody else must approve it, but the policy names no other approver.");
}

#[test]
fn the_quorum_is_that_of_the_strictest_line() {
    let policy = policy(
        "roles: {approver: [S0ENG]}\napprovals: {quorum: 2, by_action: {historical_resync: 3, sync_now: 1, pause: 1}}\ntiers: {critical: {approvals: {quorum: 4}}, low: {approvals: {quorum: 1}}}\nconnections: [{match: {schema: \"crit*\"}, tier: critical}, {match: {schema: \"low*\"}, tier: low}]",
    );
    let quorum = |lines: &[(ActionKind, &Subject)]| policy.quorum(lines.iter().copied());
    let (crit, low, plain) = (subject("crit"), subject("low"), subject("plain"));
    assert_eq!(quorum(&[(ActionKind::Resume, &plain)]), 2);
    assert_eq!(quorum(&[(ActionKind::SyncNow, &plain)]), 1);
    assert_eq!(quorum(&[(ActionKind::SyncForce, &plain)]), 1);
    assert_eq!(quorum(&[(ActionKind::HistoricalResync, &low)]), 3);
    assert_eq!(quorum(&[(ActionKind::HistoricalResync, &crit)]), 4);
    assert_eq!(quorum(&[(ActionKind::Resume, &low)]), 1);
    assert_eq!(
        quorum(&[(ActionKind::Resume, &low), (ActionKind::Pause, &crit)]),
        4
    );
    assert_eq!(quorum(&[]), 2);
}

#[test]
fn what_runs_directly_is_the_tiers_word_then_the_policys_then_built_in() {
    use ActionKind::{Resume, SetFrequency, SyncForce, SyncNow};
    let rules = "\nconnections: [{match: {schema: crit}, tier: critical}, {match: {schema: open}, tier: open}]";
    let built_in = policy(rules);
    let told = policy(&format!(
        "adhoc: {{direct: [resume]}}\ntiers: {{critical: {{}}, open: {{adhoc: {{direct: [set_frequency]}}}}}}{rules}"
    ));
    for (policy, schema, direct) in [
        (&built_in, "crit", vec![]),
        (&built_in, "open", vec![SyncNow, Resume]),
        (&built_in, "other", vec![SyncNow, Resume]),
        (&told, "crit", vec![Resume]),
        (&told, "open", vec![SetFrequency]),
        (&told, "other", vec![Resume]),
    ] {
        for kind in ActionKind::ALL {
            let expected = direct.contains(&kind);
            assert_eq!(
                policy.may_run_directly(kind, &subject(schema)),
                expected,
                "{schema} {kind}"
            );
        }
        assert!(!policy.may_run_directly(SyncForce, &subject(schema)));
    }
}

#[test]
fn an_explanation_says_who_may_and_why() {
    let policy = Policy::parse(EXAMPLE).unwrap();
    let analyst = member("U0ANA", &["S0ANALYTICS"]);
    let lead = member("U0LEAD", &[]);
    let explain = |kind, schema, member| policy.explain(kind, &subject(schema), member).to_string();
    assert_snapshot!(explain(ActionKind::SyncNow, "salesforce_eu", &analyst), @r#"
    id_of_salesforce_eu is matched by the rule on line 94: tier critical, mode copilot.
    U0ANA has the roles viewer and operator.
    U0ANA may ask for sync_now; it waits for approval, for the tier critical does not let it run directly.
    Where it asks, it needs 2 approvals by the role approver; S0DATAENG and U0LEAD have it.
    U0ANA may not approve it: You need the role approver for this; S0DATAENG and U0LEAD have it.
    "#);
    assert_snapshot!(explain(ActionKind::SyncNow, "marketing_ads", &analyst), @r#"
    id_of_marketing_ads is matched by the rule on line 104: tier standard, mode copilot.
    U0ANA has the roles viewer and operator.
    U0ANA may ask for sync_now, and it runs at once: the tier standard lets it run without a second person.
    Where it asks, it needs 1 approval by the role approver; S0DATAENG and U0LEAD have it.
    U0ANA may not approve it: You need the role approver for this; S0DATAENG and U0LEAD have it.
    "#);
    assert_snapshot!(explain(ActionKind::HistoricalResync, "marketing_ads", &lead), @r#"
    id_of_marketing_ads is matched by the rule on line 104: tier standard, mode copilot.
    U0LEAD has the roles viewer, approver and admin.
    U0LEAD may not ask for historical_resync: You need the role operator for this; S0ANALYTICS has it.
    Where it asks, it needs 2 approvals by the role approver; S0DATAENG and U0LEAD have it.
    U0LEAD may approve it when somebody else asks, but not their own request.
    "#);
    let guest = Member {
        standing: Standing::Guest,
        ..lead.clone()
    };
    assert_snapshot!(explain(ActionKind::Pause, "x", &guest), @r#"
    id_of_x is matched by the rule on line 104: tier standard, mode copilot.
    U0LEAD has no role.
    U0LEAD may not ask for pause: Sorry, guests cannot do this: only full members of this workspace have roles.
    Where it asks, it needs 1 approval by the role approver; S0DATAENG and U0LEAD have it.
    U0LEAD may not approve it: Sorry, guests cannot do this: only full members of this workspace have roles.
    "#);
}
