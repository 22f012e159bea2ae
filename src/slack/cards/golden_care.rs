//! Golden files of what people do with incidents.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::golden::{Golden, message, modal, plan};
use super::samples::*;
use super::*;
use crate::model::*;
use crate::slack::{button::incident_value, modals, words};

fn said(judgement: Judgement, category: Option<&str>) -> Feedback {
    Feedback {
        by: "U0LEAD".into(),
        judgement,
        category: category.map(str::to_owned),
        approver: true,
        at: at(12, 0),
    }
}

fn attended() -> Attended {
    Attended {
        muted: Some(Silenced {
            by: "U0LEAD".into(),
            until: at(14, 0),
        }),
        late: Some(Late {
            at: at(13, 0),
            rule: LateRule::MaxAge,
        }),
        to_card: Some(TimeDelta::seconds(2)),
        feedback: vec![
            said(Judgement::Wrong, Some("credential_expired")),
            said(Judgement::Right, None),
        ],
    }
}

pub(super) fn precedent(name: Option<&str>, held: Held) -> Precedent {
    Precedent {
        incident: IncidentId(2),
        elsewhere: name.map(str::to_owned),
        opened_at: at(5, 0),
        done: vec![ActionKind::SyncNow],
        taken: true,
        held,
        said: vec![said(Judgement::Partly, Some("credential_expired"))],
    }
}

fn care() -> Care {
    Care {
        first_failed_at: Some(at(10, 59)),
        taken: Some(taken()),
        snoozed: Some(Silenced {
            by: "U0ANNA".into(),
            until: at(13, 0),
        }),
        earlier: 3,
        precedents: vec![
            precedent(None, Held::Held),
            precedent(Some("sales_us"), Held::Failed),
        ],
        recovered_at: Some(at(12, 29)),
        ..Care::default()
    }
}

fn taken() -> Taken {
    Taken {
        by: "U0ANNA".into(),
        at: at(11, 5),
        from: Some("U0LEAD".into()),
    }
}

fn with(state: IncidentState, care: Care) -> Incident {
    Incident {
        care,
        ..incident(state)
    }
}

fn shown(name: &'static str, incident: &Incident) -> Golden {
    let view = IncidentView {
        person: None,
        steps: &["Move the sync to a quieter time of the source."],
        incident,
        siblings: &Siblings::default(),
        can_check: false,
        lines: true,
        warnings: &[],
        page: None,
        remedy: None,
        owner: None,
        attended: &attended(),
        head: &plan().head,
        tz: Tz::Europe__Berlin,
        now: at(12, 0),
    };
    message(name, incident_card(&view))
}

pub(super) fn all() -> Vec<Golden> {
    let tz = Tz::Europe__Berlin;
    let open = with(IncidentState::Acknowledged, care());
    let dismissed = Care {
        dismissed: Some(Dismissal {
            by: "U0ANNA".into(),
            at: at(12, 0),
            reason: "A known maintenance".to_owned(),
        }),
        ..care()
    };
    let late = attended().late.unwrap();
    let value = incident_value(IncidentId(4));
    let asked = modals::feedback_modal(&format!("{value}.wrong"), &["source_timeout"]);
    let owner = ["U0CRMOWNER".to_owned()];
    let flood = |open| FloodView {
        since: at(12, 0),
        failed: 4_920,
        open,
        tz,
        head: plan().head,
    };
    vec![
        message("incident_flood", flood_card(&flood(4_920))),
        message("incident_flood_over", flood_card(&flood(0))),
        shown("incident_acknowledged", &open),
        shown("incident_measured", &with(IncidentState::Resolved, care())),
        shown(
            "incident_waved_away",
            &with(IncidentState::Dismissed, dismissed),
        ),
        message("note_taken", taken_note(&open, &taken())),
        message("note_owner", owner_note(&open, "U0CRMOWNER", tz)),
        message("note_late", late_note(&open, &late, &owner, at(12, 30), tz)),
        message(
            "answer_muted",
            words::muted("salesforce_prod", at(14, 0), tz),
        ),
        modal("modal_dismiss", modals::dismiss_modal(&value)),
        modal("modal_feedback", asked),
    ]
}
