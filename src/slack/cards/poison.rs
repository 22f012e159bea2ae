//! Model data full of words that want to act, for the tests.

use chrono_tz::Tz;
use proptest::prelude::*;

use super::golden::states;
use super::samples::*;
use super::*;
use crate::model::*;
use crate::slack::words;

/// Words that want to be more than words.
pub(super) fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<!channel>",
        "<@U0EVIL>",
        "<#C0EVIL|x>",
        "<https://evil.example|ok>",
        "https://evil.example",
        "@here",
        "```",
        "*Approved*",
        "\n",
        "\u{202E}",
        "\u{200B}",
        "&lt;!channel&gt;",
        "👩‍👩‍👧‍👦",
        "\u{301}",
        "\"}],",
        "|",
        ":tada:",
        "a",
        " ",
        "<!date^1^{time}^https://evil.example|x>",
    ]);
    prop_oneof![
        prop::collection::vec(pieces, 0..30).prop_map(|p| p.concat()),
        "\\PC{0,60}",
        (1_usize..5_000).prop_map(|n| "x<".repeat(n)),
    ]
}

pub(super) fn action() -> impl Strategy<Value = Action> {
    (
        0_usize..8,
        prop::collection::vec((hostile(), hostile()), 0..20),
    )
        .prop_map(|(kind, tables)| {
            let mut action = every_action().swap_remove(kind);
            if let Action::ResyncTables { tables: set } = &mut action {
                set.clear();
                for (schema, table) in tables {
                    set.entry(schema).or_default().push(table);
                }
            }
            action
        })
}

pub(super) fn a_line() -> impl Strategy<Value = Line> {
    (
        hostile(),
        hostile(),
        hostile(),
        action(),
        any::<Option<i64>>(),
        any::<bool>(),
    )
        .prop_map(|(name, id, reason, action, frequency, paused)| {
            let mut line = line(&name, action);
            line.connection = ConnectionId::new(id);
            line.reason = reason.clone();
            line.pre_image.sync_frequency = frequency;
            line.pre_image.paused = paused;
            line.pre_image.daily_sync_time = Some(name);
            line.pre_image.schedule_type = ScheduleType::Other(reason);
            line
        })
}

pub(super) fn a_state() -> impl Strategy<Value = StepState> {
    (0_u8..10, hostile()).prop_map(|(kind, text)| poisoned(kind, text))
}

pub(super) fn poisoned(kind: u8, text: String) -> StepState {
    let call = intent(&Action::Resume);
    let because = RevertReason::Undo {
        by: Actor::Rule { name: text.clone() },
    };
    let doubt = Doubt::BadAnswer {
        status: 500,
        detail: text.clone(),
    };
    let (at, since) = (at(12, 12), at(12, 12));
    match kind {
        0 => StepState::Queued {
            due_at: at,
            attempt: 2,
            note: Some(text),
        },
        1 => StepState::Intended { intent: call },
        2 => StepState::Uncertain {
            intent: call,
            doubt,
            since,
            unprovable: false,
        },
        3 => StepState::Uncertain {
            intent: call,
            doubt,
            since,
            unprovable: true,
        },
        4 => StepState::Done {
            at,
            intent: call,
            restore_at: Some(at),
        },
        5 => StepState::Failed { at, reason: text },
        6 => StepState::Skipped {
            at,
            reason: SkipReason::NotAllowed { why: text },
        },
        7 => StepState::Reverting {
            done: call,
            because,
            since,
            intent: None,
            doubt: Some(doubt),
            due_at: at,
            attempt: 1,
            note: None,
        },
        8 => StepState::Reverted { at, because },
        _ => StepState::RevertRefused {
            at,
            because,
            reason: text,
        },
    }
}

pub(super) fn a_sample() -> impl Strategy<Value = Sample> {
    let lines = prop_oneof![
        3 => prop::collection::vec((a_line(), a_state()), 0..6),
        1 => (a_line(), a_state(), 1_usize..500).prop_map(|(l, s, n)| vec![(l, s); n]),
    ];
    (lines, 0_usize..14, hostile(), 0_u8..3, any::<bool>()).prop_map(
        |(lines, state, text, kind, halted)| {
            let (lines, step_states): (Vec<Line>, Vec<StepState>) = lines.into_iter().unzip();
            let mut s = sample(&text, Vec::new());
            s.shadow = lines.iter().take(9).cloned().collect();
            let lines_shown = lines.len();
            s.revision.lines = lines;
            s.proposal.kind = [
                ProposalKind::Plan,
                ProposalKind::Remediation,
                ProposalKind::Adhoc,
            ][usize::from(kind)];
            s.approvers.push(text.clone());
            s.changed = Some(text.clone());
            s.revision.policy_hash.clone_from(&text);
            s.fingerprint = Fingerprint::stored(text.clone());
            // Rows of hostile names, as many as the words about them can hold, and more.
            s.picture = halted.then(|| {
                let mut picture = picture();
                picture.chart.rows[0].name.clone_from(&text);
                let row = picture.chart.rows[0].clone();
                picture.chart.rows.extend(vec![row; lines_shown]);
                picture
            });
            s.halted = halted.then(|| HaltView {
                by: Actor::Operator,
                reason: Some(text.clone()),
                at: at(12, 0),
            });
            if state == 13 {
                return s.approved(step_states);
            }
            s.proposal.state = states().swap_remove(state).1.proposal.state;
            if let ProposalState::Rejected { reason, .. } = &mut s.proposal.state {
                *reason = text;
            }
            if matches!(s.proposal.state, ProposalState::Approved { .. }) {
                s.approved(step_states)
            } else {
                s
            }
        },
    )
}

fn poisoned_connection(text: &str, other: &str) -> Connection {
    let mut c = connection(text);
    c.id = ConnectionId::new(other);
    c.service = other.to_owned();
    c.sync_state = SyncState::Other(text.to_owned());
    c.setup_state = SetupState::Other(other.to_owned());
    c.tasks = poisoned_notices(text, other);
    c
}

fn poisoned_notices(text: &str, other: &str) -> Vec<Notice> {
    let notice = Notice {
        code: other.to_owned(),
        message: text.to_owned(),
        details: Some(other.to_owned()),
    };
    vec![notice; 7]
}

/// More of everything than the analyst ever says.
fn poisoned_cause(text: &str, other: &str) -> Cause {
    let quote = Quote {
        origin: other.to_owned(),
        text: text.to_owned(),
    };
    Cause {
        category: other.to_owned(),
        percent: 95,
        summary: text.to_owned(),
        quotes: vec![quote.clone(); 9],
        remedies: vec![text.to_owned(); 9],
        log: LogRead::Off,
        before: vec![quote; 9],
        opinion: None,
    }
}

/// Every other message with foreign words in it.
pub(super) fn said_with(text: &str, other: &str) -> Vec<Message> {
    let tz = Tz::Europe__Berlin;
    let c = poisoned_connection(text, other);
    let mut open = incident(IncidentState::Open);
    open.name = text.to_owned();
    open.connection = c.id.clone();
    open.reason = Some(text.to_owned());
    open.care.precedents = vec![super::golden_care::precedent(Some(text), Held::Held)];
    open.care.dismissed = Some(Dismissal {
        by: "U0LEAD".into(),
        at: at(12, 0),
        reason: other.to_owned(),
    });
    open.cause = Some(poisoned_cause(text, other));
    open.tasks = poisoned_notices(text, other);
    open.warnings = poisoned_notices(other, text);
    let remedy = Remedy {
        proposal: ProposalId(1),
        value: "v1.1.1.00".to_owned(),
        what: other.to_owned(),
        can_approve: true,
        dangerous: true,
    };
    let choice = words::Choice {
        id: c.id.clone(),
        name: text.to_owned(),
        group: other.to_owned(),
        command: format!("sync {}", c.id),
    };
    let record = audit::Record {
        seq: 1,
        at: text.to_owned(),
        code: other.to_owned(),
        actor: text.to_owned(),
        subject: other.to_owned(),
        body: text.to_owned(),
        prev: String::new(),
        hash: text.to_owned(),
    };
    let row = words::StatusRow {
        connection: &c,
        max_age: None,
        overrides: 2,
        incident: true,
        muted: Some(at(14, 0)),
    };
    let held = vec![
        words::OverrideView {
            what: text.to_owned(),
            until: Some(at(20, 0))
        };
        9
    ];
    let mut rejection = sample("x", Vec::new()).decision(Verdict::Reject);
    rejection.reason = Some(text.to_owned());
    let unclear = CommandError {
        message: text.to_owned(),
    };
    vec![
        incident_card(&IncidentView {
            person: None,
            steps: &["Move the sync to a quieter time of the source."],
            incident: &open,
            siblings: &Siblings::default(),
            can_check: true,
            lines: true,
            remedy: Some(&remedy),
            owner: Some(other),
            attended: &Attended::default(),
            head: &audit::Head::genesis(),
            tz,
            now: at(12, 0),
        }),
        decision_note(&rejection, 0, 1, tz),
        words::ambiguous(text, &vec![choice; 40]),
        words::audit_story(ProposalId(1), &vec![record; 90], tz),
        words::command_error(&unclear),
        words::connection_not_found(text, &vec![other.to_owned(); 9]),
        words::connection_paused(text, &c.id),
        words::halt_announced(
            &HaltView {
                by: Actor::Rule {
                    name: other.to_owned(),
                },
                reason: Some(text.to_owned()),
                at: at(12, 0),
            },
            2,
            tz,
        ),
        words::not_allowed("do this", &[text.to_owned(), other.to_owned()]),
        words::incidents(&vec![open.clone(); 90], tz),
        words::explanation(&words::ExplainView {
            connection: &c,
            incident: Some(open.id),
            cause: &poisoned_cause(text, other),
            steps: &["Sync less often."],
            tz,
        }),
        words::nothing_to_explain(text, &c.id),
        words::status_fleet(&vec![row; 100], None, None, tz, at(12, 0)),
        words::status_one(&words::StatusView {
            connection: &c,
            answered: true,
            group: text,
            tier: other,
            mode: Mode::Auto,
            max_age: None,
            overrides: &held,
            incident: Some(&open),
            muted: None,
            tz,
            now: at(12, 0),
        }),
    ]
}
