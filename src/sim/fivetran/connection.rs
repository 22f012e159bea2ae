//! One simulated connection: the facts Fivetran shows, and how its syncs will end.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::outcome::Outcome;

/// A task or a warning as the connection's status lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Fivetran's code, an open set.
    pub code: String,
    /// The title that goes with the code.
    pub message: String,
    /// The text below the title.
    pub details: Option<String>,
}

impl Notice {
    /// A notice without details.
    pub fn new(code: &str, message: &str) -> Self {
        Notice {
            code: code.into(),
            message: message.into(),
            details: None,
        }
    }
}

/// A sync that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Fivetran's id of the sync.
    pub sync_id: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ends; none for one that hangs until it is killed.
    pub ends_at: Option<DateTime<Utc>>,
    /// How it ends.
    pub outcome: Outcome,
}

/// The state that a re-sync or sync call changes, kept aside while effects are hidden from reads.
#[derive(Debug, Clone)]
pub(super) struct Veil {
    running: Option<Run>,
    is_historical_sync: bool,
    succeeded_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
    rescheduled_for: Option<DateTime<Utc>>,
    tasks: Vec<Notice>,
    setup_state: String,
}

/// One connection of the simulated account. A test builds it with [`Connection::new`] and the methods that follow, and
/// edits the public fields later through `FivetranSim::change`.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The id, by custom two words.
    pub id: String,
    /// The connector type.
    pub service: String,
    /// The name: the destination schema.
    pub schema: String,
    /// The group, which is also the destination.
    pub group_id: String,
    /// The user who connected it.
    pub connected_by: String,
    /// When it was created; taken from the clock when it is added if left empty.
    pub created_at: Option<DateTime<Utc>>,
    /// The end of the last successful sync.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// The end of the last failed sync; never cleared.
    pub failed_at: Option<DateTime<Utc>>,
    /// Whether syncing is switched off.
    pub paused: bool,
    /// Minutes between syncs.
    pub sync_frequency: u32,
    /// `HH:00`, only with 1440.
    pub daily_sync_time: Option<String>,
    /// `auto` or `manual`.
    pub schedule_type: String,
    /// The alpha schedule object, shown when it is set and otherwise without meaning here.
    pub schedule: Option<Value>,
    /// LOW, NORMAL, HIGH, CUSTOM or SYNC_FREQUENCY.
    pub data_delay_sensitivity: String,
    /// Minutes, for CUSTOM.
    pub data_delay_threshold: u32,
    /// `incomplete`, `connected` or `broken`.
    pub setup_state: String,
    /// Errors that stop syncing.
    pub tasks: Vec<Notice>,
    /// Complaints that do not.
    pub warnings: Vec<Notice>,
    /// Whether the next or running sync reads everything anew.
    pub is_historical_sync: bool,
    /// When a rescheduled sync is to be started again.
    pub rescheduled_for: Option<DateTime<Utc>>,
    /// How the source is reached.
    pub networking_method: String,
    /// The source's configuration, secrets masked.
    pub config: Value,
    /// The result of the last setup tests.
    pub setup_tests: Vec<Value>,
    /// Source schema → its tables; empty means that there is no schema config yet.
    pub tables: BTreeMap<String, Vec<String>>,
    /// Whether the connector type can re-sync single tables.
    pub table_resync: bool,
    /// How syncs end for which nothing else is planned.
    pub usual: Outcome,
    /// By how many percent the duration of a usual sync varies.
    pub jitter_percent: u32,
    /// The sync under way.
    pub running: Option<Run>,
    /// Planned ends of the next syncs.
    pub(super) planned: VecDeque<Outcome>,
    /// Failures in a row; Fivetran makes a task of an unknown error only at the third.
    pub(super) failures_in_a_row: u32,
    /// Scheduled slots up to here are over.
    pub(super) slots_after: DateTime<Utc>,
    /// A re-sync was accepted while paused and starts with the resume.
    pub(super) resync_waits: bool,
    /// How many syncs have begun, the seed of sync ids.
    pub(super) runs: u64,
    pub(super) veil: Option<Box<Veil>>,
}

impl Connection {
    /// A connected connection that syncs every six hours by itself and takes ten minutes.
    pub fn new(id: &str, service: &str, schema: &str, group_id: &str) -> Self {
        Connection {
            id: id.into(),
            service: service.into(),
            schema: schema.into(),
            group_id: group_id.into(),
            connected_by: "mournful_shalt".into(),
            created_at: None,
            succeeded_at: None,
            failed_at: None,
            paused: false,
            sync_frequency: 360,
            daily_sync_time: None,
            schedule_type: "auto".into(),
            schedule: None,
            data_delay_sensitivity: "NORMAL".into(),
            data_delay_threshold: 0,
            setup_state: "connected".into(),
            tasks: Vec::new(),
            warnings: Vec::new(),
            is_historical_sync: false,
            rescheduled_for: None,
            networking_method: "Directly".into(),
            config: json!({}),
            setup_tests: Vec::new(),
            tables: BTreeMap::new(),
            table_resync: true,
            usual: Outcome::succeeds(10),
            jitter_percent: 0,
            running: None,
            planned: VecDeque::new(),
            failures_in_a_row: 0,
            slots_after: DateTime::<Utc>::MIN_UTC,
            resync_waits: false,
            runs: 0,
            veil: None,
        }
    }

    /// Syncs every so many minutes.
    pub fn every(mut self, minutes: u32) -> Self {
        self.sync_frequency = minutes;
        self
    }

    /// Syncs once a day at a whole hour, `HH:00`.
    pub fn daily_at(mut self, time: &str) -> Self {
        self.sync_frequency = 1440;
        self.daily_sync_time = Some(time.into());
        self
    }

    /// Never syncs by itself.
    pub fn manual(mut self) -> Self {
        self.schedule_type = "manual".into();
        self
    }

    /// Starts paused.
    pub fn paused(mut self) -> Self {
        self.paused = true;
        self
    }

    /// Was created then.
    pub fn created_at(mut self, at: DateTime<Utc>) -> Self {
        self.created_at = Some(at);
        self
    }

    /// Last succeeded then.
    pub fn succeeded_at(mut self, at: DateTime<Utc>) -> Self {
        self.succeeded_at = Some(at);
        self
    }

    /// Last failed then.
    pub fn failed_at(mut self, at: DateTime<Utc>) -> Self {
        self.failed_at = Some(at);
        self
    }

    /// Usually succeeds after so many minutes.
    pub fn takes_minutes(mut self, minutes: u32) -> Self {
        self.usual = Outcome::succeeds(minutes);
        self
    }

    /// Durations of usual syncs vary by this much, up and down, always the same for the same sync.
    pub fn jitter_percent(mut self, percent: u32) -> Self {
        self.jitter_percent = percent;
        self
    }

    /// Has these tables in a source schema.
    pub fn tables(mut self, schema: &str, tables: &[&str]) -> Self {
        self.tables
            .entry(schema.into())
            .or_default()
            .extend(tables.iter().map(|t| (*t).to_owned()));
        self
    }

    /// Whether the connection starts syncs by itself.
    pub fn is_auto(&self) -> bool {
        self.schedule_type == "auto"
    }

    /// `status.sync_state`, as a read shows it.
    pub fn sync_state(&self) -> &'static str {
        if self.paused {
            "paused"
        } else if self.running.is_some() {
            "syncing"
        } else if self.rescheduled_for.is_some() {
            "rescheduled"
        } else {
            "scheduled"
        }
    }

    /// `status.update_state`: `delayed` when the data is older than the frequency and the account's patience allow.
    /// Fivetran does not publish how many minutes a sensitivity stands for; these are of the right order.
    pub fn update_state(&self, now: DateTime<Utc>) -> &'static str {
        let patience = match self.data_delay_sensitivity.as_str() {
            "LOW" => 1440,
            "HIGH" => 15,
            "CUSTOM" => i64::from(self.data_delay_threshold),
            "SYNC_FREQUENCY" => i64::from(self.sync_frequency),
            _ => 120,
        };
        let allowed = chrono::Duration::minutes(i64::from(self.sync_frequency) + patience);
        match self.succeeded_at {
            Some(at) if !self.paused && now - at > allowed => "delayed",
            _ => "on_schedule",
        }
    }

    /// Remembers what reads shall show while effects are hidden; the first veil stays.
    pub(super) fn draw_veil(&mut self) {
        if self.veil.is_none() {
            self.veil = Some(Box::new(Veil {
                running: self.running.clone(),
                is_historical_sync: self.is_historical_sync,
                succeeded_at: self.succeeded_at,
                failed_at: self.failed_at,
                rescheduled_for: self.rescheduled_for,
                tasks: self.tasks.clone(),
                setup_state: self.setup_state.clone(),
            }));
        }
    }

    /// The connection as a read shows it.
    pub(super) fn shown(&self) -> Connection {
        let mut shown = self.clone();
        if let Some(veil) = shown.veil.take() {
            shown.running = veil.running;
            shown.is_historical_sync = veil.is_historical_sync;
            shown.succeeded_at = veil.succeeded_at;
            shown.failed_at = veil.failed_at;
            shown.rescheduled_for = veil.rescheduled_for;
            shown.tasks = veil.tasks;
            shown.setup_state = veil.setup_state;
        }
        shown
    }
}
