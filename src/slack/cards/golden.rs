//! Every kind of message and form as JSON files, which CI also holds against Slack's own schema.
//! `UPDATE_GOLDEN=1 cargo test --lib slack::` writes them anew.

use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::samples::*;
use super::*;
use crate::model::*;
use crate::slack::{limits, modals, words};

pub(super) type Golden = (&'static str, Value);

pub(super) fn message(name: &'static str, message: Message) -> Golden {
    let faults = limits::of_message(&message.text, &message.blocks);
    assert!(faults.is_empty(), "{name}: {faults:?}");
    (
        name,
        json!({"text": message.text, "blocks": message.blocks}),
    )
}

pub(super) fn modal(name: &'static str, view: Value) -> Golden {
    let faults = limits::of_modal(&view);
    assert!(faults.is_empty(), "{name}: {faults:?}");
    (name, view)
}

fn card(name: &'static str, sample: &Sample) -> Golden {
    message(name, proposal_card(&sample.view()))
}

/// The states of SPEC §6, one sample each.
pub(crate) fn states() -> Vec<(&'static str, Sample)> {
    let pause = Action::Pause { until: at(20, 0) };
    let sync = Action::SyncNow { force: false };
    let one = || sample("Pause salesforce_prod", vec![pause.clone()]);
    let two = || sample("Two changes", vec![pause.clone(), sync.clone()]);
    let end = |state| {
        let mut sample = one();
        sample.proposal.state = state;
        sample
    };
    let mut halted = one().approved(vec![queued()]);
    halted.halted = Some(halt());
    let mut undone = one().approved(vec![StepState::Reverted {
        at: at(13, 0),
        because: RevertReason::Undo {
            by: Actor::user(&"U0LEAD".into()),
        },
    }]);
    undone.decisions.push(undone.decision(Verdict::Undo));
    vec![
        ("proposed", one()),
        ("approved", one().approved(vec![queued()])),
        (
            "executing",
            two().approved(vec![
                done(&pause),
                StepState::Intended {
                    intent: intent(&sync),
                },
            ]),
        ),
        ("done", two().approved(vec![done(&pause), done(&sync)])),
        (
            "partly_failed",
            two().approved(vec![done(&pause), failed()]),
        ),
        ("failed", one().approved(vec![failed()])),
        ("unknown_checking", one().approved(vec![unknown(false)])),
        (
            "unknown_asking",
            two().approved(vec![unknown(true), queued()]),
        ),
        (
            "rejected",
            end(ProposalState::Rejected {
                at: at(12, 30),
                by: Actor::user(&"U0LEAD".into()),
                reason: "month end".to_owned(),
            }),
        ),
        ("expired", end(ProposalState::Expired { at: at(16, 0) })),
        (
            "superseded",
            end(ProposalState::Superseded {
                at: at(13, 0),
                by: Some(ProposalId(13)),
            }),
        ),
        ("halted", halted),
        ("undone", undone),
    ]
}

pub(crate) fn halt() -> HaltView {
    HaltView {
        by: Actor::user(&"U0LEAD".into()),
        reason: Some("the warehouse is full".to_owned()),
        at: at(12, 15),
    }
}

/// A plan with every kind of action, modified, partly in shadow mode.
pub(crate) fn plan() -> Sample {
    let mut plan = sample("the next 24 hours", every_action());
    plan.proposal.kind = ProposalKind::Plan;
    plan.proposal.requester = Actor::Syncgate;
    plan.revision.number = 2;
    plan.quorum = 2;
    plan.decisions.push(plan.decision(Verdict::Approve));
    plan.changed = Some("line 3 runs at 19:30, not at 18:00".to_owned());
    plan.shadow = vec![line("marketing_ads", Action::SyncNow { force: false })];
    plan
}

fn cards() -> Vec<Golden> {
    let mut all: Vec<Golden> = states()
        .iter()
        .map(|(name, sample)| card(name, sample))
        .collect();
    all.push(message("plan", plan_card(&plan().view())));
    let pictured = Sample {
        picture: Some(picture()),
        ..plan()
    };
    all.push(card("plan_with_picture", &pictured));
    let many = vec![Action::SyncNow { force: false }; 500];
    all.push(card("plan_of_500", &sample("Many", many)));
    let late = "Plan of Sunday, 22 November, late: it was due at 08:00";
    for (name, late) in [
        ("plan_unchanged", None),
        ("plan_unchanged_late", Some(late)),
    ] {
        let card = unchanged_day(41, late, &in_force(), &plan().head, Tz::Europe__Berlin);
        all.push(message(name, card));
    }
    let words = Remedy {
        proposal: ProposalId(13),
        value: "v1.13.1.0123456789abcdef0123456789abcdef".to_owned(),
        what: "sync now".to_owned(),
        can_approve: true,
        dangerous: false,
    };
    let page = Page::read("https://developer.salesforce.com/docs");
    let alone = Siblings::default();
    let many = siblings();
    for (name, state, remedy) in [
        ("incident_open", IncidentState::Open, Some(&words)),
        ("incident_of_many", IncidentState::Open, Some(&words)),
        ("incident_without_remedy", IncidentState::Open, None),
        (
            "incident_recovering",
            IncidentState::Recovering,
            Some(&words),
        ),
        ("incident_resolved", IncidentState::Resolved, Some(&words)),
        ("incident_dismissed", IncidentState::Dismissed, None),
    ] {
        let view = IncidentView {
            person: None,
            steps: &["Move the sync to a quieter time of the source."],
            warnings: &warned(),
            page: page.as_ref(),
            incident: &incident(state),
            siblings: match name {
                "incident_of_many" => &many,
                _ => &alone,
            },
            can_check: name == "incident_without_remedy",
            lines: true,
            remedy,
            owner: Some("U0CRMOWNER"),
            attended: &Attended::default(),
            head: &plan().head,
            tz: Tz::Europe__Berlin,
            now: at(12, 0),
        };
        all.push(message(name, incident_card(&view)));
    }
    all
}

fn notes() -> Vec<Golden> {
    let tz = Tz::Europe__Berlin;
    let plan = plan();
    let v = plan.view();
    let oncall = ["S0ONCALL".to_owned()];
    let pause = Action::Pause { until: at(20, 0) };
    let decision = plan.decision(Verdict::Approve);
    vec![
        message(
            "note_step",
            step_note(
                &step(0, done(&pause)),
                &line("orders_pg", pause.clone()),
                tz,
            ),
        ),
        message("note_decision", decision_note(&decision, 1, 2, tz)),
        message(
            "note_modified",
            modified_note(&v, &Actor::user(&"U0LEAD".into())),
        ),
        message("note_reminder", reminder(&v, &oncall)),
        message("note_escalation", escalation(&v, &oncall)),
        message("note_expired", expired_note(ProposalId(12), at(16, 0), tz)),
        message(
            "note_superseded",
            superseded_note(ProposalId(12), Some(ProposalId(13))),
        ),
    ]
}

fn in_force() -> [InForce; 2] {
    let held = |name: &str, until| InForce {
        name: name.to_owned(),
        by: ProposalId(12),
        until,
    };
    [
        held("orders_pg", Some(at(20, 0))),
        held("salesforce_prod", None),
    ]
}

fn explained(connection: &Connection, incident: &Incident) -> Message {
    words::explanation(&words::ExplainView {
        warnings: &[],
        page: None,
        connection,
        incident: Some(incident.id),
        cause: incident.cause.as_ref().unwrap(),
        steps: &["Move the sync to a quieter time of the source."],
        tz: Tz::Europe__Berlin,
    })
}

fn answers() -> Vec<Golden> {
    let tz = Tz::Europe__Berlin;
    let all = words::Rights {
        viewer: true,
        operator: true,
        approver: true,
        admin: true,
    };
    let c = connection("salesforce_prod");
    let row = words::StatusRow {
        connection: &c,
        max_age: Some(Duration::from_secs(7_200)),
        overrides: 1,
        incident: false,
        muted: None,
    };
    let held = [words::OverrideView {
        what: "paused by #12".to_owned(),
        until: Some(at(20, 0)),
    }];
    let open = incident(IncidentState::Open);
    let view = words::StatusView {
        connection: &c,
        answered: true,
        group: "warehouse",
        tier: "critical",
        mode: Mode::Copilot,
        max_age: row.max_age,
        overrides: &held,
        incident: Some(&open),
        muted: None,
        tz,
        now: at(12, 5),
    };
    let choices = ["sales_eu", "sales_us"].map(|name| words::Choice {
        id: ConnectionId::new(format!("id_{name}")),
        name: name.to_owned(),
        group: "warehouse".to_owned(),
        command: format!("sync id_{name}"),
    });
    let entry = audit::Entry {
        at: at(12, 10),
        code: "proposal.approved",
        actor: Actor::user(&"U0LEAD".into()),
        subject: "proposal:12".to_owned(),
        body: json!({"revision": 1}),
    };
    let record = audit::Record::link(&entry, &audit::Head::genesis()).unwrap();
    let unclear = Command::parse("synch salesforce").unwrap_err();
    vec![
        message("answer_help", words::help(all)),
        message(
            "answer_status",
            words::status_fleet(&[row], Some(&halt()), None, tz, at(12, 5)),
        ),
        message("answer_status_one", words::status_one(&view)),
        message(
            "answer_incidents",
            words::incidents(std::slice::from_ref(&open), tz),
        ),
        message("answer_explained", explained(&c, &open)),
        message(
            "answer_nothing_to_explain",
            words::nothing_to_explain("salesforce_prod", &c.id),
        ),
        message("answer_which_one", words::ambiguous("sales", &choices)),
        message(
            "answer_not_found",
            words::connection_not_found("slesforce", &["salesforce_prod".to_owned()]),
        ),
        message(
            "answer_paused",
            words::connection_paused("salesforce_prod", &c.id),
        ),
        message("answer_stale", words::stale_revision(ProposalId(12), 3)),
        message(
            "answer_not_allowed",
            words::not_allowed("approve this", &["S0DATAENG".to_owned()]),
        ),
        message("answer_unclear", words::command_error(&unclear)),
        message(
            "answer_audit",
            words::audit_story(ProposalId(12), &[record], tz),
        ),
        message("answer_halted", words::halt_announced(&halt(), 3, tz)),
        message(
            "answer_unhalted",
            words::unhalt_announced(&Actor::Operator, at(12, 40), 3, tz),
        ),
        message(
            "answer_posted",
            words::posted(ProposalId(12), &"C0DATAOPS".into(), at(16, 0), tz),
        ),
    ]
}

fn modals() -> Vec<Golden> {
    let many = vec![every_action()[5].clone(); 50];
    vec![
        modal("modal_modify", modals::modify_modal(&plan().view())),
        modal(
            "modal_modify_50",
            modals::modify_modal(&sample("Many", many).view()),
        ),
        modal(
            "modal_reject",
            modals::reject_modal("v1.12.1.0123456789abcdef0123456789abcdef"),
        ),
        modal(
            "modal_lines",
            modals::lines_modal(
                crate::model::IncidentId(4),
                &[modals::EvidenceLine {
                    origin: "log row of 2026-11-22 10:44:58.000, SEVERE error",
                    text: "SocketTimeoutException: Read timed out <!channel>",
                }],
            ),
        ),
        modal("modal_loading", modals::loading_modal()),
        modal(
            "modal_refused",
            modals::refused_modal(&words::stale_revision(ProposalId(12), 3)),
        ),
    ]
}

#[test]
fn every_message_is_as_its_golden_file_has_it() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let all = [
        cards(),
        notes(),
        answers(),
        modals(),
        super::golden_care::all(),
    ]
    .concat();
    for (name, value) in &all {
        let path = folder.join(format!("{name}.json"));
        let text = serde_json::to_string_pretty(value).unwrap() + "\n";
        if update {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, text).unwrap();
        } else {
            let stored = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(stored, text, "{name}: UPDATE_GOLDEN=1 writes it anew");
        }
    }
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(
        files,
        all.len(),
        "a file that nothing makes any more, or a name twice"
    );
}
