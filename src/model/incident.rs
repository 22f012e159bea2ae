//! Incidents: one living problem, of one connection or of several that it is common to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::care::Care;
use super::cause::Cause;
use super::connection::Notice;
use super::ids::{ChannelId, ConnectionId, IncidentId, ProposalId};

/// How an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Nobody has done anything yet.
    Open,
    /// A person is on it.
    Acknowledged,
    /// Its fix is approved or runs.
    Recovering,
    /// A later success proves that it is over.
    Resolved,
    /// A person waved it away.
    Dismissed,
}

impl IncidentState {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Recovering => "recovering",
            Self::Resolved => "resolved",
            Self::Dismissed => "dismissed",
        }
    }

    /// Whether it lives: its connection has not recovered, and nobody waved it away.
    pub fn is_open(self) -> bool {
        match self {
            Self::Open | Self::Acknowledged | Self::Recovering => true,
            Self::Resolved | Self::Dismissed => false,
        }
    }

    /// The word that the card begins with.
    pub fn title(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Acknowledged => "Acknowledged",
            Self::Recovering => "Recovering",
            Self::Resolved => "Resolved",
            Self::Dismissed => "Dismissed",
        }
    }
}

/// One living problem, with what Fivetran says about it. Every text in it is untrusted and was
/// redacted before it came here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number.
    pub id: IncidentId,
    /// The connection that it was opened for; what Fivetran says below is said of this one.
    pub connection: ConnectionId,
    /// Its schema name.
    pub name: String,
    /// How it stands.
    pub state: IncidentState,
    /// Where its card is.
    pub channel: ChannelId,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// `failed_at` of the latest failure that it counts.
    pub failed_at: DateTime<Utc>,
    /// How often the sync has failed since.
    pub failures: i64,
    /// What the sync said at its end, where a webhook told it.
    pub reason: Option<String>,
    /// What Fivetran says stops it.
    pub tasks: Vec<Notice>,
    /// What Fivetran warns of.
    pub warnings: Vec<Notice>,
    /// Why the sync failed, as far as the analyst can tell.
    #[serde(default)]
    pub cause: Option<Cause>,
    /// The proposal that answers it.
    pub proposal: Option<ProposalId>,
    /// When a success, or the end of the connection, proved that it is over.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Whether it is over because the connection no longer exists.
    #[serde(default)]
    pub gone: bool,
    /// Whether its connection passes its setup tests since the last failure.
    #[serde(default)]
    pub checked: bool,
    /// Whether it ended without a recovery: the last of its connections fails of something else.
    #[serde(default)]
    pub abandoned: bool,
    /// The incident that this one turned out to be part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<IncidentId>,
    /// What people and timers have to do with it.
    #[serde(default)]
    pub care: Care,
}

/// One connection's part in an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which connection.
    pub connection: ConnectionId,
    /// Its schema name.
    pub name: String,
    /// `failed_at` of its latest failure that is counted.
    pub failed_at: DateTime<Utc>,
    /// How often it has failed.
    pub failures: i64,
    /// Whether it is not over.
    pub failing: bool,
    /// Whether it was over because the connection no longer existed.
    pub gone: bool,
}
