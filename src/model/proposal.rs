//! Proposals and their revisions.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::action::Action;
use super::actor::Actor;
use super::canonical;
use super::connection::{Place, PreImage};
use super::ids::{ChannelId, ConnectionId, IncidentId, ProposalId};
use super::step::Step;

/// What a proposal came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalKind {
    /// The daily plan.
    Plan,
    /// An incident.
    Remediation,
    /// A person's command.
    Adhoc,
}

impl ProposalKind {
    /// The word in the database and in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Remediation => "remediation",
            Self::Adhoc => "adhoc",
        }
    }
}

/// One action of a revision, with what people saw of its connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which connection.
    pub connection: ConnectionId,
    /// Its schema name, as the card shows it.
    pub name: String,
    /// What to do.
    pub action: Action,
    /// What the policy's rules matched it by when it was proposed: should the connection not be read
    /// later, the same rules still hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What the card showed of the connection.
    pub pre_image: PreImage,
    /// Why, in a few sentences.
    pub reason: String,
    /// Why it would do harm, by the cause of an incident that is open on the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caution: Option<Caution>,
    /// When a decision comes too late for what the planner wants to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decide_by: Option<DateTime<Utc>>,
}

/// What an open incident says against a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caution {
    /// Which incident.
    pub incident: IncidentId,
    /// What the action would do, in the catalogue's words.
    pub harm: String,
}

/// A numbered version of a proposal; people decide on exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Of which proposal.
    pub proposal: ProposalId,
    /// 1, 2, 3…
    pub number: i64,
    /// The actions in order.
    pub lines: Vec<Line>,
    /// Who may not approve it: the requester, and whoever widened it.
    pub requesters: BTreeSet<Actor>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When an approval comes too late.
    pub expires_at: DateTime<Utc>,
    /// SHA-256 of the policy file it was made under.
    pub policy_hash: String,
}

impl Revision {
    /// The text that the fingerprint is made over.
    ///
    /// # Errors
    /// Never in practice: a revision holds no floating-point number.
    pub fn canonical(&self) -> Result<String, serde_json::Error> {
        canonical::text(self)
    }

    /// The line that a step of this revision carries out.
    pub fn line_of(&self, step: &Step) -> Option<&Line> {
        let position = usize::try_from(step.position).ok()?;
        self.lines.get(position)
    }

    /// Whether `self` asks for no more than `older` did: each of its lines was there, unchanged.
    pub fn narrows(&self, older: &Revision) -> bool {
        self.lines.iter().all(|line| older.lines.contains(line))
    }
}

/// SHA-256 over a revision's canonical JSON, in hex: what people approve.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a revision's canonical text.
    pub fn of(canonical: &str) -> Self {
        Self(canonical::sha256("syncgate.revision.v1", canonical))
    }

    /// A fingerprint as it was stored.
    pub fn stored(hex: String) -> Self {
        Self(hex)
    }

    /// All 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 32 hex digits, as a button carries them.
    pub fn short(&self) -> &str {
        self.0.get(..32).unwrap_or(&self.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A proposal without its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its number.
    pub id: ProposalId,
    /// What it came from.
    pub kind: ProposalKind,
    /// How far its decision is.
    pub state: ProposalState,
    /// The current revision; older ones are superseded.
    pub revision: i64,
    /// Who asked for it.
    pub requester: Actor,
    /// Where its card is.
    pub channel: ChannelId,
    /// What the card says in one line.
    pub title: String,
    /// The incident that it answers.
    pub incident: Option<IncidentId>,
    /// What it would do where the policy's mode is `shadow`: shown, never decided on, and not part
    /// of any revision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadow: Vec<Line>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// How far the decision on a proposal is; what happens afterwards is stored per action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ProposalState {
    /// Made, not yet put before people.
    Draft,
    /// Waits for a decision.
    Proposed {
        /// Until when.
        expires_at: DateTime<Utc>,
        /// When to remind, unless that was done.
        remind_at: Option<DateTime<Utc>>,
        /// When to call others in, unless that was done.
        escalate_at: Option<DateTime<Utc>>,
    },
    /// Approved: its actions are queued.
    Approved {
        /// When the last approval came.
        at: DateTime<Utc>,
        /// The content that was approved.
        fingerprint: Fingerprint,
    },
    /// A person said no.
    Rejected {
        /// When.
        at: DateTime<Utc>,
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// Nobody answered in time.
    Expired {
        /// When.
        at: DateTime<Utc>,
    },
    /// A newer proposal took its place.
    Superseded {
        /// When.
        at: DateTime<Utc>,
        /// Which.
        by: Option<ProposalId>,
    },
}

/// Why a decision is not taken; meant for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Approved already.
    AlreadyApproved,
    /// Rejected already, by whom.
    AlreadyRejected(Actor),
    /// Expired at.
    Expired(DateTime<Utc>),
    /// Superseded by.
    Superseded(Option<ProposalId>),
    /// Not yet put before people.
    NotProposed,
}

impl ProposalState {
    /// The word in the database.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Proposed { .. } => "proposed",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Expired { .. } => "expired",
            Self::Superseded { .. } => "superseded",
        }
    }

    /// When a timer of this state fires next: a reminder, an escalation, the expiry.
    pub fn next_timer(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Proposed {
                expires_at,
                remind_at,
                escalate_at,
            } => [Some(*expires_at), *remind_at, *escalate_at]
                .into_iter()
                .flatten()
                .min(),
            Self::Draft
            | Self::Approved { .. }
            | Self::Rejected { .. }
            | Self::Expired { .. }
            | Self::Superseded { .. } => None,
        }
    }

    /// Puts a draft before people.
    ///
    /// # Errors
    /// When it is no draft.
    pub fn propose(
        self,
        expires_at: DateTime<Utc>,
        remind_at: Option<DateTime<Utc>>,
        escalate_at: Option<DateTime<Utc>>,
    ) -> Result<Self, Refusal> {
        match self {
            Self::Draft => Ok(Self::Proposed {
                expires_at,
                remind_at,
                escalate_at,
            }),
            other => Err(other.refusal()),
        }
    }

    /// Approves what waits; an approval that comes after the expiry is refused.
    ///
    /// # Errors
    /// When it no longer waits.
    pub fn approve(self, at: DateTime<Utc>, fingerprint: Fingerprint) -> Result<Self, Refusal> {
        match self {
            Self::Proposed { expires_at, .. } if at >= expires_at => {
                Err(Refusal::Expired(expires_at))
            }
            Self::Proposed { .. } => Ok(Self::Approved { at, fingerprint }),
            other => Err(other.refusal()),
        }
    }

    /// Runs an operator's own command without a second person.
    ///
    /// # Errors
    /// When it is no draft.
    pub fn direct(self, at: DateTime<Utc>, fingerprint: Fingerprint) -> Result<Self, Refusal> {
        match self {
            Self::Draft => Ok(Self::Approved { at, fingerprint }),
            other => Err(other.refusal()),
        }
    }

    /// Rejects what waits.
    ///
    /// # Errors
    /// When it no longer waits.
    pub fn reject(self, at: DateTime<Utc>, by: Actor, reason: String) -> Result<Self, Refusal> {
        match self {
            Self::Proposed { expires_at, .. } if at >= expires_at => {
                Err(Refusal::Expired(expires_at))
            }
            Self::Proposed { .. } => Ok(Self::Rejected { at, by, reason }),
            other => Err(other.refusal()),
        }
    }

    /// Ends what nobody answered.
    ///
    /// # Errors
    /// When it does not wait, or not yet long enough.
    pub fn expire(self, at: DateTime<Utc>) -> Result<Self, Refusal> {
        match self {
            Self::Proposed { expires_at, .. } if at >= expires_at => Ok(Self::Expired { at }),
            other => Err(other.refusal()),
        }
    }

    /// Lets a newer proposal take its place.
    ///
    /// # Errors
    /// When it no longer waits.
    pub fn supersede(self, at: DateTime<Utc>, by: Option<ProposalId>) -> Result<Self, Refusal> {
        match self {
            Self::Draft | Self::Proposed { .. } => Ok(Self::Superseded { at, by }),
            other => Err(other.refusal()),
        }
    }

    /// Why this state takes no decision; for a state that does, that it was not put forward.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Draft | Self::Proposed { .. } => Refusal::NotProposed,
            Self::Approved { .. } => Refusal::AlreadyApproved,
            Self::Rejected { by, .. } => Refusal::AlreadyRejected(by.clone()),
            Self::Expired { at } => Refusal::Expired(*at),
            Self::Superseded { by, .. } => Refusal::Superseded(*by),
        }
    }
}
