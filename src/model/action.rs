//! The closed set of changes that Syncgate can make (SPEC §5).

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::schedule::{DailyTime, Frequency};

/// Source tables by source schema, spelled as the source spells them.
pub type TableSet = BTreeMap<String, Vec<String>>;

/// One change to one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Start a sync as soon as it is approved.
    SyncNow {
        /// Kill a running sync and start over.
        force: bool,
    },
    /// Start a sync at a time of ours.
    SyncAt {
        /// When.
        time: DateTime<Utc>,
    },
    /// Pause; a pause always has an end.
    Pause {
        /// When Syncgate resumes it.
        until: DateTime<Utc>,
    },
    /// Resume a paused connection.
    Resume,
    /// Change how often Fivetran syncs.
    SetFrequency {
        /// Minutes between syncs.
        minutes: Frequency,
        /// The hour of a daily sync.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        daily_sync_time: Option<DailyTime>,
        /// When Syncgate sets the prior values again; never, if unset.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<DateTime<Utc>>,
    },
    /// Re-sync tables from the source.
    ResyncTables {
        /// Which.
        tables: TableSet,
    },
    /// Re-sync the whole history.
    HistoricalResync,
    /// Run the setup tests: a look at the source with the connection's credentials.
    RunSetupTests,
}

/// An action without its arguments, as the policy names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// [`Action::SyncNow`] without force.
    SyncNow,
    /// [`Action::SyncNow`] with force: the policy can never make it direct.
    SyncForce,
    /// [`Action::SyncAt`].
    SyncAt,
    /// [`Action::Pause`].
    Pause,
    /// [`Action::Resume`].
    Resume,
    /// [`Action::SetFrequency`].
    SetFrequency,
    /// [`Action::ResyncTables`].
    ResyncTables,
    /// [`Action::HistoricalResync`].
    HistoricalResync,
    /// [`Action::RunSetupTests`].
    RunSetupTests,
}

impl ActionKind {
    /// Every kind, in the order of SPEC §5.
    pub const ALL: [Self; 9] = [
        Self::SyncNow,
        Self::SyncForce,
        Self::SyncAt,
        Self::Pause,
        Self::Resume,
        Self::SetFrequency,
        Self::ResyncTables,
        Self::HistoricalResync,
        Self::RunSetupTests,
    ];

    /// The word in the policy file and in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SyncNow => "sync_now",
            Self::SyncForce => "sync_force",
            Self::SyncAt => "sync_at",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::SetFrequency => "set_frequency",
            Self::ResyncTables => "resync_tables",
            Self::HistoricalResync => "historical_resync",
            Self::RunSetupTests => "run_setup_tests",
        }
    }

    /// The kind that a word of the policy names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether the act always asks, whatever the policy says: `force`, re-syncs and pauses do.
    pub fn always_asks(self) -> bool {
        match self {
            Self::SyncForce | Self::Pause | Self::ResyncTables | Self::HistoricalResync => true,
            Self::SyncNow
            | Self::SyncAt
            | Self::Resume
            | Self::SetFrequency
            | Self::RunSetupTests => false,
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Action {
    /// The action without its arguments.
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::SyncNow { force: false } => ActionKind::SyncNow,
            Self::SyncNow { force: true } => ActionKind::SyncForce,
            Self::SyncAt { .. } => ActionKind::SyncAt,
            Self::Pause { .. } => ActionKind::Pause,
            Self::Resume => ActionKind::Resume,
            Self::SetFrequency { .. } => ActionKind::SetFrequency,
            Self::ResyncTables { .. } => ActionKind::ResyncTables,
            Self::HistoricalResync => ActionKind::HistoricalResync,
            Self::RunSetupTests => ActionKind::RunSetupTests,
        }
    }

    /// When its effect ends by itself and Syncgate puts the prior state back.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Pause { until } => Some(*until),
            Self::SetFrequency { until, .. } => *until,
            Self::SyncNow { .. }
            | Self::SyncAt { .. }
            | Self::Resume
            | Self::ResyncTables { .. }
            | Self::HistoricalResync
            | Self::RunSetupTests => None,
        }
    }

    /// When it is due, if later than its approval.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::SyncAt { time } => Some(*time),
            Self::SyncNow { .. }
            | Self::Pause { .. }
            | Self::Resume
            | Self::SetFrequency { .. }
            | Self::ResyncTables { .. }
            | Self::HistoricalResync
            | Self::RunSetupTests => None,
        }
    }
}
