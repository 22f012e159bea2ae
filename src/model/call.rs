//! The writes that can leave for Fivetran, and no others (DESIGN §2, "Unrepresentable harm").
//!
//! There is no DELETE, no `config` or `auth`, no `is_historical_sync`; a PATCH cannot be built
//! without `run_setup_tests: false`; `force` exists only on [`Call::Sync`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::action::{Action, TableSet};
use super::connection::PreImage;
use super::ids::ConnectionId;
use super::schedule::{DailyTime, Frequency};

/// One mutating request to Fivetran, without the connection it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// `POST /v1/connections/{id}/sync`
    Sync {
        /// Kills a running sync.
        force: bool,
    },
    /// `POST /v1/connections/{id}/resync`
    Resync,
    /// `POST /v1/connections/{id}/schemas/tables/resync`
    ResyncTables {
        /// Source tables by source schema.
        tables: TableSet,
    },
    /// `POST /v1/connections/{id}/test`
    Test,
    /// `PATCH /v1/connections/{id}`
    Patch(Patch),
}

/// The fields that Syncgate may set; at least one is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sync_frequency: Option<Frequency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    daily_sync_time: Option<DailyTime>,
}

impl Patch {
    fn paused(paused: bool) -> Self {
        Self {
            paused: Some(paused),
            ..Self::default()
        }
    }

    fn frequency(minutes: Frequency, daily_sync_time: Option<DailyTime>) -> Self {
        Self {
            sync_frequency: Some(minutes),
            daily_sync_time,
            ..Self::default()
        }
    }

    /// Whether a reading already shows every field that this sets.
    pub fn holds_in(&self, image: &PreImage) -> bool {
        self.paused.is_none_or(|paused| paused == image.paused)
            && self
                .sync_frequency
                .is_none_or(|f| Some(f.minutes()) == image.sync_frequency)
            && self
                .daily_sync_time
                .is_none_or(|t| Some(t.to_string()) == image.daily_sync_time)
    }

    /// Whether both set a field of the same name.
    pub fn overlaps(&self, other: &Self) -> bool {
        (self.paused.is_some() && other.paused.is_some())
            || (self.sync_frequency.is_some() && other.sync_frequency.is_some())
            || (self.daily_sync_time.is_some() && other.daily_sync_time.is_some())
    }

    /// Whether it stops the connection.
    pub fn pauses(&self) -> bool {
        self.paused == Some(true)
    }

    /// Whether two readings agree on every field that this sets.
    pub fn same_in(&self, one: &PreImage, other: &PreImage) -> bool {
        (self.paused.is_none() || one.paused == other.paused)
            && (self.sync_frequency.is_none() || one.sync_frequency == other.sync_frequency)
            && (self.daily_sync_time.is_none() || one.daily_sync_time == other.daily_sync_time)
    }
}

impl Call {
    /// The request that carries out an action.
    pub fn of(action: &Action) -> Self {
        match action {
            Action::SyncNow { force } => Self::Sync { force: *force },
            Action::SyncAt { .. } => Self::Sync { force: false },
            Action::Pause { .. } => Self::Patch(Patch::paused(true)),
            Action::Resume => Self::Patch(Patch::paused(false)),
            Action::SetFrequency {
                minutes,
                daily_sync_time,
                ..
            } => Self::Patch(Patch::frequency(*minutes, *daily_sync_time)),
            Action::ResyncTables { tables } => Self::ResyncTables {
                tables: tables.clone(),
            },
            Action::HistoricalResync => Self::Resync,
            Action::RunSetupTests => Self::Test,
        }
    }

    /// The request that takes an action back, from what was there before it; `None` where Fivetran
    /// has no way back (a sync, a re-sync) or the prior value is one that it would not take.
    pub fn inverse_of(action: &Action, before: &PreImage) -> Option<Self> {
        match action {
            Action::Pause { .. } | Action::Resume => {
                Some(Self::Patch(Patch::paused(before.paused)))
            }
            Action::SetFrequency {
                daily_sync_time, ..
            } => {
                let minutes = Frequency::try_from(before.sync_frequency?).ok()?;
                let daily = match before.daily_sync_time.as_deref() {
                    Some(time) if minutes == Frequency::DAILY => Some(time.parse().ok()?),
                    // A daily connection without a time of its own cannot be made one again.
                    None if minutes == Frequency::DAILY && daily_sync_time.is_some() => {
                        return None;
                    }
                    _ => None,
                };
                Some(Self::Patch(Patch::frequency(minutes, daily)))
            }
            Action::SyncNow { .. }
            | Action::SyncAt { .. }
            | Action::ResyncTables { .. }
            | Action::HistoricalResync
            | Action::RunSetupTests => None,
        }
    }

    /// Whether the call may be sent again once it is proved that nothing happened (SPEC I4).
    pub fn repeatable(&self) -> bool {
        match self {
            Self::Sync { force: false } | Self::Patch(_) => true,
            // Each run looks at the source with a login that may be locked after a few.
            Self::Sync { force: true } | Self::Resync | Self::ResyncTables { .. } | Self::Test => {
                false
            }
        }
    }

    /// The HTTP method.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Patch(_) => "PATCH",
            Self::Sync { .. } | Self::Resync | Self::ResyncTables { .. } | Self::Test => "POST",
        }
    }

    /// The path below the REST base; the id is percent-encoded, whatever it holds.
    pub fn path(&self, connection: &ConnectionId) -> String {
        let id = encode_segment(connection.as_str());
        match self {
            Self::Sync { .. } => format!("/v1/connections/{id}/sync"),
            Self::Resync => format!("/v1/connections/{id}/resync"),
            Self::ResyncTables { .. } => format!("/v1/connections/{id}/schemas/tables/resync"),
            Self::Test => format!("/v1/connections/{id}/test"),
            Self::Patch(_) => format!("/v1/connections/{id}"),
        }
    }

    /// The exact bytes of the body, as JSON text.
    pub fn body(&self) -> String {
        match self {
            Self::Sync { force } => json!({ "force": force }).to_string(),
            // An empty body is refused (`reference/fivetran.md`).
            Self::Resync | Self::Test => "{}".to_owned(),
            Self::ResyncTables { tables } => json!(tables).to_string(),
            Self::Patch(patch) => {
                let mut fields = Map::new();
                if let Some(paused) = patch.paused {
                    fields.insert("paused".into(), paused.into());
                }
                if let Some(minutes) = patch.sync_frequency {
                    fields.insert("sync_frequency".into(), minutes.minutes().into());
                }
                if let Some(time) = patch.daily_sync_time {
                    fields.insert("daily_sync_time".into(), time.to_string().into());
                }
                fields.insert("run_setup_tests".into(), false.into());
                Value::Object(fields).to_string()
            }
        }
    }

    /// SHA-256 of [`Call::body`] in hex: what the intent records and the wire must carry.
    pub fn body_sha256(&self) -> String {
        hex::encode(Sha256::digest(self.body().as_bytes()))
    }
}

pub(super) fn encode_segment(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_patch_forbids_setup_tests() {
        let until = chrono::DateTime::UNIX_EPOCH;
        for action in [
            Action::Pause { until },
            Action::Resume,
            Action::SetFrequency {
                minutes: Frequency::DAILY,
                daily_sync_time: Some("03:00".parse().unwrap()),
                until: None,
            },
        ] {
            let body: Value = serde_json::from_str(&Call::of(&action).body()).unwrap();
            assert_eq!(body["run_setup_tests"], false, "{action:?}");
            assert!(body.get("is_historical_sync").is_none());
        }
    }

    #[test]
    fn a_daily_time_is_taken_back_only_where_the_one_before_is_known() {
        let at = |time: &str| Action::SetFrequency {
            minutes: Frequency::DAILY,
            daily_sync_time: Some(time.parse().unwrap()),
            until: None,
        };
        let hourly = Action::SetFrequency {
            minutes: Frequency::try_from(60).unwrap(),
            daily_sync_time: None,
            until: None,
        };
        let daily = |time: Option<&str>| PreImage {
            paused: false,
            sync_frequency: Some(1440),
            daily_sync_time: time.map(str::to_owned),
            schedule_type: crate::model::ScheduleType::Auto,
            setup_state: crate::model::SetupState::Connected,
            is_historical_sync: false,
        };
        assert_eq!(Call::inverse_of(&at("03:00"), &daily(None)), None);
        assert_eq!(Call::inverse_of(&at("03:00"), &daily(Some("3 am"))), None);
        let back = Call::inverse_of(&at("03:00"), &daily(Some("05:00"))).unwrap();
        assert_eq!(back, Call::of(&at("05:00")));
        let back = Call::inverse_of(&hourly, &daily(None)).unwrap();
        assert!(back.body().contains("1440"), "{}", back.body());
    }

    #[test]
    fn an_id_cannot_leave_its_path_segment() {
        let id = ConnectionId::new("../x/y?z#");
        assert_eq!(
            Call::Resync.path(&id),
            "/v1/connections/%2E%2E%2Fx%2Fy%3Fz%23/resync"
        );
    }
}
