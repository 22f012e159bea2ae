//! T038: every cell of people × actions × connections × requesters against a small model that is
//! written from SPEC §4 and §7 without looking at the code.

use std::collections::BTreeSet;

use super::{member, policy, subject};
use crate::model::{ActionKind, Actor};
use crate::policy::verdict::{may, may_approve};
use crate::policy::*;

const POLICY: &str = r#"
roles:
  viewer: [everyone]
  operator: [S0OPS, U0BOTH]
  approver: [U0APP, U0BOTH, "@leads"]
  admin: [U0ADM]
approvals: {quorum: 1, by_action: {historical_resync: 2, sync_now: 1}}
adhoc: {direct: [sync_now, set_frequency]}
tiers:
  critical: {approvals: {quorum: 3}, adhoc: {direct: []}}
  loose: {approvals: {self_approval: true}}
connections:
  - {match: {schema: crit}, tier: critical}
  - {match: {schema: loose}, tier: loose}
"#;

/// A person: user, groups, standing, and whether they are operator, approver, admin by the file.
type Person = (&'static str, &'static [&'static str], Standing, [bool; 3]);

const PEOPLE: [Person; 9] = [
    ("U0NONE", &[], Standing::Full, [false, false, false]),
    ("U0OP", &["S0OPS"], Standing::Full, [true, false, false]),
    ("U0APP", &[], Standing::Full, [false, true, false]),
    ("U0LEAD", &["leads"], Standing::Full, [false, true, false]),
    ("U0BOTH", &[], Standing::Full, [true, true, false]),
    ("U0ADM", &[], Standing::Full, [false, false, true]),
    ("U0BOTH", &[], Standing::Guest, [true, true, false]),
    ("U0ADM", &[], Standing::Deactivated, [false, false, true]),
    (
        "U0APP",
        &["S0OPS"],
        Standing::OtherWorkspace,
        [true, true, false],
    ),
];

/// The model's answers for one cell: ask, direct, quorum, approve.
fn model(person: &Person, kind: ActionKind, schema: &str, own: bool) -> (bool, bool, u32, bool) {
    let (_, _, standing, [operator, approver, _]) = person;
    let full = *standing == Standing::Full;
    let direct = match (schema, kind) {
        ("crit", _) => false,
        (_, ActionKind::SyncNow | ActionKind::SetFrequency) => true,
        _ => false,
    };
    let quorum = match (schema, kind) {
        ("crit", _) => 3,
        (_, ActionKind::HistoricalResync) => 2,
        _ => 1,
    };
    let approve = full && *approver && (!own || schema == "loose");
    (full && *operator, direct, quorum, approve)
}

#[test]
fn t038_every_cell_of_the_matrix_agrees_with_the_model() {
    let policy = policy(POLICY);
    let mut cells = 0;
    for person in &PEOPLE {
        let (user, groups, standing, [_, _, admin]) = person;
        let member = Member {
            standing: *standing,
            ..member(user, groups)
        };
        let full = *standing == Standing::Full;
        assert_eq!(may(Role::Viewer, &member, &policy).is_ok(), full);
        assert_eq!(may(Role::Admin, &member, &policy).is_ok(), full && *admin);
        for kind in ActionKind::ALL {
            for schema in ["crit", "loose", "plain"] {
                for requester in [Some(*user), Some("U0OTHER"), None] {
                    let subject = subject(schema);
                    let requesters: BTreeSet<Actor> = match requester {
                        Some(id) => BTreeSet::from([Actor::user(&id.into()), Actor::Syncgate]),
                        None => BTreeSet::from([Actor::Operator]),
                    };
                    let got = (
                        may(Role::Operator, &member, &policy).is_ok(),
                        policy.may_run_directly(kind, &subject),
                        policy.quorum([(kind, &subject)].into_iter()),
                        may_approve(&policy, &member, &requesters, [&subject]).is_ok(),
                    );
                    let expected = model(person, kind, schema, requester == Some(*user));
                    assert_eq!(
                        got, expected,
                        "{user} {standing:?} {kind} {schema} {requester:?}"
                    );
                    let said = policy.explain(kind, &subject, &member);
                    assert_eq!(
                        (said.ask.is_ok(), said.direct, said.quorum),
                        (got.0, got.1, got.2)
                    );
                    cells += 1;
                }
            }
        }
    }
    assert!(cells >= 500, "{cells}");
}
