//! A Fivetran connection as it was read at one moment.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{ConnectionId, GroupId};

/// An enum of Fivetran's that may grow: a value that we do not know is kept as it came.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A value that this version does not know.
            Other(String),
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)+
                    _ => Self::Other(text),
                }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.as_str().to_owned()
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(text: &str) -> Result<Self, Infallible> {
                Ok(Self::from(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

open_enum!(
    /// Who starts syncs: Fivetran (`auto`) or only the API (`manual`).
    ScheduleType {
        /// Fivetran starts syncs by the frequency.
        Auto = "auto",
        /// Only a call starts a sync, a rescheduled one included.
        Manual = "manual",
    }
);
open_enum!(
    /// Whether the connection can sync at all.
    SetupState {
        /// Setup tests never passed.
        Incomplete = "incomplete",
        /// Able to sync.
        Connected = "connected",
        /// Needs a person.
        Broken = "broken",
    }
);
open_enum!(
    /// What the connection does now.
    SyncState {
        /// Waits for its next turn.
        Scheduled = "scheduled",
        /// Runs now.
        Syncing = "syncing",
        /// Paused.
        Paused = "paused",
        /// Waits until the source allows more calls; see `rescheduled_for`.
        Rescheduled = "rescheduled",
    }
);
open_enum!(
    /// Fivetran's own verdict on freshness.
    UpdateState {
        /// Within its delay threshold.
        OnSchedule = "on_schedule",
        /// Later than its delay threshold.
        Delayed = "delayed",
    }
);

/// A task (stops syncing) or a warning (does not), as Fivetran words it: untrusted text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Fivetran's code, an open set: `reconnect`, `unknown_sync_failure`…
    pub code: String,
    /// The title.
    pub message: String,
    /// More words, where Fivetran has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

/// A group, which is a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name, as people call it.
    pub name: String,
}

/// A connection as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The connector type, for example `salesforce`.
    pub service: String,
    /// The schema it writes to: the name that people use for it.
    pub schema: String,
    /// Its group.
    pub group_id: GroupId,
    /// Whether it is paused.
    pub paused: bool,
    /// Minutes between syncs; unset where Fivetran leaves it out.
    pub sync_frequency: Option<i64>,
    /// `HH:MM`, only with a frequency of 1440.
    pub daily_sync_time: Option<String>,
    /// Who starts syncs.
    pub schedule_type: ScheduleType,
    /// Able to sync, or not.
    pub setup_state: SetupState,
    /// What it does now.
    pub sync_state: SyncState,
    /// Fivetran's verdict on freshness.
    pub update_state: UpdateState,
    /// Whether a historical sync is under way.
    pub is_historical_sync: bool,
    /// When a rescheduled sync is due.
    pub rescheduled_for: Option<DateTime<Utc>>,
    /// End of the last sync that succeeded.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// End of the last sync that failed; a later success does not clear it.
    pub failed_at: Option<DateTime<Utc>>,
    /// What stops it.
    pub tasks: Vec<Notice>,
    /// What troubles it.
    pub warnings: Vec<Notice>,
    /// The type of the flexible `schedule` object, for example `CRON`: it rules over the frequency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Schema and service as Fivetran has them, where they hold what may not be shown: only the
    /// policy's rules are matched against these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawNames>,
    /// When this was read.
    pub read_at: DateTime<Utc>,
}

/// Names of a connection that are never shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawNames {
    /// The schema it writes to.
    pub schema: String,
    /// The connector type.
    pub service: String,
}

/// The code of a [`Notice`] that tells of a setup test that did not pass.
pub const SETUP_TEST: &str = "setup_test";

impl Connection {
    /// Whether Fivetran could use it, by all that is known without a sync.
    pub fn is_in_order(&self) -> bool {
        let failed_a_test = self.warnings.iter().any(|w| w.code == SETUP_TEST);
        self.setup_state == SetupState::Connected && self.tasks.is_empty() && !failed_a_test
    }

    /// The schedule that rules where it is no plain interval: changing the frequency has no effect.
    pub fn flexible_schedule(&self) -> Option<&str> {
        let kind = self.schedule.as_deref();
        kind.filter(|kind| !kind.eq_ignore_ascii_case("INTERVAL"))
    }

    /// Whether the last sync failed: `failed_at` is never cleared, so it counts only when it is
    /// later than `succeeded_at`.
    pub fn failed(&self) -> bool {
        self.failed_at
            .is_some_and(|failed| self.succeeded_at.is_none_or(|ok| failed > ok))
    }

    /// The end of the last sync, however it ended.
    pub fn last_end(&self) -> Option<DateTime<Utc>> {
        self.succeeded_at.max(self.failed_at)
    }

    /// Whether a rescheduled sync waits for a start that Fivetran will never give it: under
    /// `manual` only a call starts it.
    pub fn stuck_rescheduled(&self) -> bool {
        self.sync_state == SyncState::Rescheduled && self.schedule_type == ScheduleType::Manual
    }
}

/// What the policy's rules match a connection by, beside its id: as Fivetran words it, never shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The schema it writes to.
    pub schema: String,
    /// The connector type.
    pub service: String,
    /// Its group's id.
    pub group_id: GroupId,
    /// Its group's name.
    pub group_name: String,
}

impl Place {
    /// Where a connection is, in a group of this name.
    pub fn of(connection: &Connection, group_name: String) -> Self {
        let (schema, service) = match &connection.raw {
            Some(raw) => (&raw.schema, &raw.service),
            None => (&connection.schema, &connection.service),
        };
        Self {
            schema: schema.clone(),
            service: service.clone(),
            group_id: connection.group_id.clone(),
            group_name,
        }
    }
}

/// The fields that a person saw on the card and that must still be so when it runs (invariant I2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreImage {
    /// Whether it was paused.
    pub paused: bool,
    /// Minutes between syncs.
    pub sync_frequency: Option<i64>,
    /// `HH:MM` of a daily sync.
    pub daily_sync_time: Option<String>,
    /// Who started syncs.
    pub schedule_type: ScheduleType,
    /// Able to sync, or not.
    pub setup_state: SetupState,
    /// Whether a historical sync was under way.
    pub is_historical_sync: bool,
}

/// One field that is no longer what the card showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The field's name on the wire.
    pub field: String,
    /// What the card showed.
    pub was: String,
    /// What it is now.
    pub now: String,
}

impl PreImage {
    /// What of a reading a card shows and stands for.
    pub fn of(connection: &Connection) -> Self {
        Self {
            paused: connection.paused,
            sync_frequency: connection.sync_frequency,
            daily_sync_time: connection.daily_sync_time.clone(),
            schedule_type: connection.schedule_type.clone(),
            setup_state: connection.setup_state.clone(),
            is_historical_sync: connection.is_historical_sync,
        }
    }

    /// What changed from `self` to `now`, field by field.
    pub fn differences(&self, now: &PreImage) -> Vec<Difference> {
        fn text<T: fmt::Display>(value: Option<&T>) -> String {
            value.map_or_else(|| "none".to_owned(), T::to_string)
        }
        let pairs = [
            ("paused", self.paused.to_string(), now.paused.to_string()),
            (
                "sync_frequency",
                text(self.sync_frequency.as_ref()),
                text(now.sync_frequency.as_ref()),
            ),
            (
                "daily_sync_time",
                text(self.daily_sync_time.as_ref()),
                text(now.daily_sync_time.as_ref()),
            ),
            (
                "schedule_type",
                self.schedule_type.to_string(),
                now.schedule_type.to_string(),
            ),
            (
                "setup_state",
                self.setup_state.to_string(),
                now.setup_state.to_string(),
            ),
            (
                "is_historical_sync",
                self.is_historical_sync.to_string(),
                now.is_historical_sync.to_string(),
            ),
        ];
        pairs
            .into_iter()
            .filter(|(_, was, now)| was != now)
            .map(|(field, was, now)| Difference {
                field: field.to_owned(),
                was,
                now,
            })
            .collect()
    }
}
