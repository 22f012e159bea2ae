//! What the account was made to do by API calls, in order.
//!
//! Scheduled syncs and the foreign edits of a test are not effects: they did not come through the API.

use std::fmt;

use chrono::{DateTime, Utc};

/// One accepted mutating call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Position in the account's history of calls, from 1.
    pub seq: u64,
    /// When the change was applied, which may be later than the request (`apply_late`).
    pub at: DateTime<Utc>,
    /// The connection; for webhook calls the webhook's id.
    pub connection_id: String,
    /// The main thing the call did.
    pub what: EffectKind,
    /// What the same call did besides: a killed sync, a second field, setup tests that nobody asked for.
    pub also: Vec<EffectKind>,
}

impl Effect {
    /// Whether the call did this, as its main effect or besides.
    pub fn did(&self, kind: &EffectKind) -> bool {
        self.what == *kind || self.also.contains(kind)
    }
}

/// The kinds of change that a call can make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectKind {
    /// A sync began.
    SyncStarted {
        /// Whether the call carried `force: true`.
        force: bool,
    },
    /// A running sync was stopped.
    SyncKilled,
    /// `paused` became true.
    Paused,
    /// `paused` became false.
    Resumed,
    /// `sync_frequency` changed.
    FrequencySet {
        /// The new frequency.
        minutes: u32,
    },
    /// `daily_sync_time` changed.
    DailySyncTimeSet {
        /// The new time, `HH:00`.
        time: Option<String>,
    },
    /// `schedule_type` changed.
    ScheduleTypeSet {
        /// `auto` or `manual`.
        schedule_type: String,
    },
    /// `data_delay_sensitivity` or `data_delay_threshold` changed.
    DataDelaySet,
    /// A historical re-sync of everything was accepted.
    Resync,
    /// A re-sync of some tables was accepted.
    TablesResync {
        /// `schema.table`, sorted.
        tables: Vec<String>,
    },
    /// Setup tests ran against the source.
    SetupTestsRun,
    /// `config`, `auth` or another field that Syncgate must never touch was written.
    ConfigChanged {
        /// The names of the fields.
        fields: Vec<String>,
    },
    /// The schema config was reloaded from the source.
    SchemaReloaded,
    /// A webhook was created.
    WebhookCreated,
    /// A webhook was changed.
    WebhookChanged,
    /// A webhook was deleted.
    WebhookDeleted,
    /// The call was accepted and changed nothing.
    NoChange,
}

impl fmt::Display for EffectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SyncStarted { force: false } => f.write_str("a sync was started"),
            Self::SyncStarted { force: true } => f.write_str("a sync was started by force"),
            Self::SyncKilled => f.write_str("the running sync was stopped"),
            Self::Paused => f.write_str("paused"),
            Self::Resumed => f.write_str("resumed"),
            Self::FrequencySet { minutes } => write!(f, "now syncs every {minutes} minutes"),
            Self::DailySyncTimeSet { time: Some(time) } => write!(f, "now syncs daily at {time}"),
            Self::DailySyncTimeSet { time: None } => f.write_str("no longer syncs at a fixed time"),
            Self::ScheduleTypeSet { schedule_type } => write!(f, "schedule is now {schedule_type}"),
            Self::DataDelaySet => f.write_str("the limit for delays was changed"),
            Self::Resync => f.write_str("a re-sync of everything was started"),
            Self::TablesResync { tables } => write!(f, "re-sync of {}", tables.join(", ")),
            Self::SetupTestsRun => f.write_str("setup tests were run"),
            Self::ConfigChanged { fields } => write!(f, "changed: {}", fields.join(", ")),
            Self::SchemaReloaded => f.write_str("the schema was reloaded"),
            Self::WebhookCreated => f.write_str("a webhook was created"),
            Self::WebhookChanged => f.write_str("a webhook was changed"),
            Self::WebhookDeleted => f.write_str("a webhook was deleted"),
            Self::NoChange => f.write_str("nothing to change"),
        }
    }
}
