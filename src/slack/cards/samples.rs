//! Model data to make cards of, in tests.

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::{HaltView, Picture, ProposalView, Siblings};
use crate::model::*;

/// A moment of the samples' day.
pub(crate) fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 22, hour, minute, 0).unwrap()
}

/// Everything that a view borrows.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) proposal: Proposal,
    pub(crate) revision: Revision,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) steps: Vec<Step>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) quorum: u32,
    pub(crate) approvers: Vec<String>,
    pub(crate) shadow: Vec<Line>,
    pub(crate) halted: Option<HaltView>,
    pub(crate) changed: Option<String>,
    pub(crate) picture: Option<Picture>,
    pub(crate) head: audit::Head,
    pub(crate) now: DateTime<Utc>,
}

/// `U0ANNA` asks, at noon, for these actions, each on a connection of its own.
pub(crate) fn sample(title: &str, actions: Vec<Action>) -> Sample {
    let names = [
        "salesforce_prod",
        "orders_pg",
        "stripe",
        "hubspot",
        "netsuite",
    ];
    let lines = actions
        .into_iter()
        .enumerate()
        .map(|(i, action)| line(names[i % names.len()], action))
        .collect();
    let revision = Revision {
        proposal: ProposalId(12),
        number: 1,
        lines,
        requesters: [Actor::user(&"U0ANNA".into())].into(),
        created_at: at(12, 0),
        expires_at: at(16, 0),
        policy_hash: "abcdef12".repeat(8),
    };
    let fingerprint = Fingerprint::of(&revision.canonical().unwrap());
    Sample {
        proposal: Proposal {
            shadow: Vec::new(),
            id: ProposalId(12),
            kind: ProposalKind::Adhoc,
            state: ProposalState::Proposed {
                expires_at: at(16, 0),
                remind_at: Some(at(13, 0)),
                escalate_at: None,
            },
            revision: 1,
            requester: Actor::user(&"U0ANNA".into()),
            channel: "C0DATAOPS".into(),
            title: title.to_owned(),
            incident: None,
            created_at: at(12, 0),
        },
        revision,
        fingerprint,
        steps: Vec::new(),
        decisions: Vec::new(),
        quorum: 1,
        approvers: vec!["S0DATAENG".to_owned(), "U0LEAD".to_owned()],
        shadow: Vec::new(),
        halted: None,
        changed: None,
        picture: None,
        head: audit::Head {
            seq: 12,
            hash: "3f9a41c07b2e".repeat(6)[..64].to_owned(),
        },
        now: at(12, 5),
    }
}

/// The picture of a plan at noon: three connections of eight, one of them woken, one in shadow mode.
pub(crate) fn picture() -> Picture {
    let row = |name: &str, minutes, first_end, due| ChartRow {
        connection: ConnectionId::new(format!("id_{name}")),
        name: name.to_owned(),
        takes: 30,
        by_itself: ByItself::Every { minutes, first_end },
        due,
        approved: Vec::new(),
        added: Vec::new(),
    };
    let next_noon = at(12, 0) + chrono::TimeDelta::days(1);
    let mut chart = Chart::new(at(12, 0), next_noon, Tz::Europe__Berlin);
    chart.rows = vec![
        row("hubspot", 360, at(13, 0), Vec::new()),
        row("salesforce_prod", 360, at(16, 30), vec![at(14, 30)]),
        row("marketing_ads", 45, at(12, 20), Vec::new()),
    ];
    chart.rows[0].by_itself = ByItself::Never;
    chart.rows[2].approved = vec![at(12, 0), at(20, 0)];
    chart.more = 5;
    let now = line("hubspot", Action::SyncNow { force: false });
    let later = line("salesforce_prod", Action::SyncAt { time: at(13, 50) });
    let shown = line("marketing_ads", Action::SyncAt { time: at(18, 0) });
    Picture {
        file: "F0PICTURE1".to_owned(),
        chart: chart.with(&[now, later], &[shown]),
    }
}

impl Sample {
    pub(crate) fn view(&self) -> ProposalView<'_> {
        ProposalView {
            proposal: &self.proposal,
            revision: &self.revision,
            fingerprint: &self.fingerprint,
            steps: &self.steps,
            decisions: &self.decisions,
            quorum: self.quorum,
            approvers: &self.approvers,
            shadow: &self.shadow,
            overrides: &[],
            picture: self.picture.as_ref(),
            halted: self.halted.as_ref(),
            changed: self.changed.as_deref(),
            head: &self.head,
            tz: Tz::Europe__Berlin,
            now: self.now,
        }
    }

    /// Approved by `U0LEAD` at 12:10, its steps in these states.
    pub(crate) fn approved(mut self, states: Vec<StepState>) -> Self {
        self.proposal.state = ProposalState::Approved {
            at: at(12, 10),
            fingerprint: self.fingerprint.clone(),
        };
        self.decisions.push(self.decision(Verdict::Approve));
        self.steps = (0..).zip(states).map(|(i, state)| step(i, state)).collect();
        self
    }

    pub(crate) fn decision(&self, verdict: Verdict) -> Decision {
        Decision {
            proposal: self.proposal.id,
            revision: self.revision.number,
            fingerprint: self.fingerprint.clone(),
            verdict,
            by: "U0LEAD".into(),
            via: Via::Button,
            reason: None,
            policy_hash: self.revision.policy_hash.clone(),
            delivery: "command:12".to_owned(),
            at: at(12, 10),
        }
    }
}

pub(crate) fn line(name: &str, action: Action) -> Line {
    Line {
        connection: ConnectionId::new(format!("id_{name}")),
        name: name.to_owned(),
        action,
        place: None,
        pre_image: image(),
        reason: "its data is older than it may be".to_owned(),
        caution: None,
        decide_by: None,
    }
}

pub(crate) fn image() -> PreImage {
    PreImage::of(&connection("salesforce_prod"))
}

pub(crate) fn step(position: i64, state: StepState) -> Step {
    Step {
        id: ActionId(position + 100),
        proposal: ProposalId(12),
        revision: 1,
        position,
        connection: "id_salesforce_prod".into(),
        state,
        version: 1,
    }
}

pub(crate) fn connection(name: &str) -> Connection {
    Connection {
        id: ConnectionId::new(format!("id_{name}")),
        service: "salesforce".to_owned(),
        schema: name.to_owned(),
        group_id: "warehouse".into(),
        succeeded_at: Some(at(6, 0)),
        read_at: at(12, 0),
        ..crate::model::samples::connection()
    }
}

pub(crate) fn intent(action: &Action) -> Box<Intent> {
    let call = Call::of(action);
    Box::new(Intent {
        body_sha256: call.body_sha256(),
        call,
        inverse: Call::inverse_of(action, &image()),
        before: connection("salesforce_prod"),
        attempt: 1,
        at: at(12, 11),
        accepted_at: None,
        request_id: None,
    })
}

pub(crate) fn done(action: &Action) -> StepState {
    StepState::Done {
        at: at(12, 12),
        intent: intent(action),
        restore_at: action.until(),
    }
}

pub(crate) fn queued() -> StepState {
    StepState::Queued {
        due_at: at(12, 10),
        attempt: 1,
        note: None,
    }
}

pub(crate) fn unknown(unprovable: bool) -> StepState {
    StepState::Uncertain {
        intent: intent(&Action::HistoricalResync),
        doubt: Doubt::NoAnswer {
            detail: "timed out".to_owned(),
        },
        since: at(12, 12),
        unprovable,
    }
}

pub(crate) fn failed() -> StepState {
    StepState::Failed {
        at: at(12, 12),
        reason: "Fivetran answered 403: the key may not do this".to_owned(),
    }
}

/// One action of each kind.
pub(crate) fn every_action() -> Vec<Action> {
    vec![
        Action::SyncNow { force: false },
        Action::SyncNow { force: true },
        Action::SyncAt { time: at(18, 30) },
        Action::Pause { until: at(20, 0) },
        Action::Resume,
        Action::SetFrequency {
            minutes: Frequency::DAILY,
            daily_sync_time: Some("03:00".parse().unwrap()),
            until: Some(at(23, 0)),
        },
        Action::ResyncTables {
            tables: [(
                "public".to_owned(),
                vec!["orders".to_owned(), "customers".to_owned()],
            )]
            .into(),
        },
        Action::HistoricalResync,
        Action::RunSetupTests,
    ]
}

pub(crate) fn incident(state: IncidentState) -> Incident {
    Incident {
        id: IncidentId(4),
        connection: "id_salesforce_prod".into(),
        name: "salesforce_prod".to_owned(),
        state,
        channel: "C0DATAOPS".into(),
        opened_at: at(11, 0),
        failed_at: at(11, 45),
        failures: 3,
        reason: Some("SocketTimeoutException: Read timed out\n  at List<Row>.read()".to_owned()),
        tasks: vec![Notice {
            code: "reconnect".to_owned(),
            message: "Reconnect the source".to_owned(),
            details: Some("The token has expired.".to_owned()),
        }],
        warnings: vec![Notice {
            code: "slow_source".to_owned(),
            message: "The source answers slowly".to_owned(),
            details: None,
        }],
        cause: Some(Cause {
            category: "source_timeout".to_owned(),
            percent: 95,
            summary: "The source (salesforce) is there, but a call takes too long.".to_owned(),
            quotes: vec![Quote {
                origin: "log row of 2026-11-22 10:44:58.000, SEVERE error".to_owned(),
                text: "SocketTimeoutException: Read timed out".to_owned(),
            }],
            remedies: vec!["reschedule_off_peak".to_owned()],
            log: LogRead::Rows {
                rows: 12,
                passed_over: 1,
            },
            before: vec![Quote {
                origin: "log row of 2026-11-22 03:10:00.000, INFO alter_table, line 4711"
                    .to_owned(),
                text: "table lead, type ADD_COLUMN".to_owned(),
            }],
            family: None,
            opinion: None,
        }),
        proposal: Some(ProposalId(13)),
        resolved_at: (state == IncidentState::Resolved).then(|| at(12, 30)),
        gone: false,
        care: Care::default(),
        checked: false,
        abandoned: false,
        joined: None,
    }
}

pub(crate) fn siblings() -> Siblings {
    Siblings {
        named: vec!["hubspot".to_owned(), "netsuite".to_owned()],
        failing: 7,
        over: 2,
        first_is_over: false,
    }
}

pub(crate) fn warned() -> Vec<Warned> {
    vec![Warned {
        deeds: vec!["re-sync tables", "re-sync the history"],
        harm: "it asks even more of what gives too little already",
    }]
}
