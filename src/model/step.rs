//! One action on its way to Fivetran: the states of SPEC §6, "What happens then is stored per
//! action".
//!
//! The rule that everything here serves: the intent is durable before the call, and after a doubt
//! only a reading decides. A state knows the calls that were made under it, so that a process that
//! finds the row after a crash needs nothing else.

use std::fmt;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::call::Call;
use super::connection::{Connection, Difference};
use super::ids::{ActionId, ConnectionId, ProposalId};

/// One action of an approved revision, as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its row.
    pub id: ActionId,
    /// Of which proposal.
    pub proposal: ProposalId,
    /// Of which revision.
    pub revision: i64,
    /// Which line of that revision, from 0.
    pub position: i64,
    /// The connection that the line names.
    pub connection: ConnectionId,
    /// How far it is.
    pub state: StepState,
    /// Counts the changes of the row: every change is a compare-and-set on it.
    pub version: i64,
}

/// A call that was decided, committed before it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The request.
    pub call: Call,
    /// SHA-256 of its body, in hex.
    pub body_sha256: String,
    /// What takes it back, stored before the call; `None` where nothing does.
    pub inverse: Option<Call>,
    /// The connection as it was read just before.
    pub before: Connection,
    /// 1 for the first time.
    pub attempt: u32,
    /// When it was committed.
    pub at: DateTime<Utc>,
    /// When Fivetran said yes, if it did.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Under which id Fivetran knows the call, for its support: the audit log has it from here.
    pub request_id: Option<String>,
}

impl Intent {
    /// After so long nothing can come of a call any more: our own time-out (90 s) plus Fivetran's
    /// deadline (60 s, `reference/fivetran.md` §1), with a margin.
    pub const SETTLES_AFTER: Duration = Duration::seconds(180);

    /// How long a call that Fivetran accepted may stay unseen before people are asked.
    pub const SEEN_WITHIN: Duration = Duration::minutes(15);

    /// Sends of one call at most, the first included.
    pub const MAX_ATTEMPTS: u32 = 3;

    /// How long to wait after this many tries of taking something back that came to nothing: it is
    /// never given up (SPEC I10), only tried ever more seldom, at last every half hour.
    pub fn rest_after(attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(6);
        Duration::seconds(30 << doublings).min(Duration::minutes(30))
    }

    /// From when on a reading proves that nothing happened.
    pub fn settled_at(&self) -> DateTime<Utc> {
        self.at + Self::SETTLES_AFTER
    }
}

/// Why it is not known whether a call took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "doubt", rename_all = "snake_case")]
pub enum Doubt {
    /// The process ended between the intent and the outcome.
    Crash,
    /// No answer in time, or the connection broke.
    NoAnswer {
        /// What the transport said, redacted.
        detail: String,
    },
    /// An answer that does not say what happened: a 5xx, no JSON, another connection's id.
    BadAnswer {
        /// The status.
        status: u16,
        /// What was odd.
        detail: String,
    },
    /// Accepted, but no reading shows it.
    NotSeen,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash => f.write_str("Syncgate was stopped in the middle of the call"),
            Self::NoAnswer { detail } => write!(f, "Fivetran gave no answer ({detail})"),
            Self::BadAnswer { status, detail } => {
                write!(
                    f,
                    "Fivetran's answer does not say what happened ({status}: {detail})"
                )
            }
            Self::NotSeen => f.write_str("Fivetran accepted the call, but no reading shows it yet"),
        }
    }
}

/// Why an approved action did not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "skip", rename_all = "snake_case")]
pub enum SkipReason {
    /// The connection is no longer what the card showed.
    Drifted {
        /// What changed.
        differences: Vec<Difference>,
    },
    /// The connection is gone.
    Gone,
    /// What it would do is already so.
    AlreadySo {
        /// In words.
        what: String,
    },
    /// Another proposal changed the connection after this card was posted.
    OvertakenBy {
        /// Which.
        proposal: ProposalId,
    },
    /// The time for it has passed.
    TooLate,
    /// The policy in force no longer allows it.
    NotAllowed {
        /// Why.
        why: String,
    },
    /// The record does not hold together: it was changed behind Syncgate's back.
    NotTheApproved {
        /// What does not fit.
        what: String,
    },
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drifted { differences } => {
                f.write_str("the connection changed after the card was posted: ")?;
                for (i, d) in differences.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    write!(f, "{comma}{} was {}, is {}", d.field, d.was, d.now)?;
                }
                Ok(())
            }
            Self::Gone => f.write_str("the connection no longer exists"),
            Self::AlreadySo { what } => f.write_str(what),
            Self::OvertakenBy { proposal } => {
                write!(
                    f,
                    "#{proposal} changed the connection after this card was posted"
                )
            }
            Self::TooLate => f.write_str("its time had passed"),
            Self::NotAllowed { why } => write!(f, "the policy in force no longer allows it: {why}"),
            Self::NotTheApproved { what } => {
                write!(f, "the stored proposal is not what was approved: {what}")
            }
        }
    }
}

/// Who or what takes an action back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum RevertReason {
    /// A person said `undo`.
    Undo {
        /// Who.
        by: Actor,
    },
    /// Its time came.
    Ended,
    /// `syncgate restore` ended every override.
    Restore,
}

/// How far one action is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepState {
    /// Approved, waits for its turn.
    Queued {
        /// Not before.
        due_at: DateTime<Utc>,
        /// 1 for the first time.
        attempt: u32,
        /// Why it waits, when Fivetran made it wait.
        note: Option<String>,
    },
    /// The call is committed; it may be on the wire.
    Intended {
        /// The call.
        intent: Box<Intent>,
    },
    /// Nobody knows yet whether the call took effect.
    Uncertain {
        /// The call.
        intent: Box<Intent>,
        /// Why.
        doubt: Doubt,
        /// Since when.
        since: DateTime<Utc>,
        /// No reading can decide it; people are asked.
        unprovable: bool,
    },
    /// A reading shows that Fivetran took it.
    Done {
        /// When that was seen.
        at: DateTime<Utc>,
        /// The call that did it.
        intent: Box<Intent>,
        /// When Syncgate puts the prior state back.
        restore_at: Option<DateTime<Utc>>,
    },
    /// Fivetran refused, or never took it.
    Failed {
        /// When.
        at: DateTime<Utc>,
        /// In words, redacted.
        reason: String,
    },
    /// Not sent, on purpose.
    Skipped {
        /// When.
        at: DateTime<Utc>,
        /// Why.
        reason: SkipReason,
    },
    /// The inverse is on its way.
    Reverting {
        /// The call that is taken back.
        done: Box<Intent>,
        /// Why.
        because: RevertReason,
        /// Since when.
        since: DateTime<Utc>,
        /// The inverse's own call, once committed.
        intent: Option<Box<Intent>>,
        /// Set while nobody knows whether it took effect.
        doubt: Option<Doubt>,
        /// Not before; Fivetran or a fault made it wait.
        due_at: DateTime<Utc>,
        /// 1 for the first time.
        attempt: u32,
        /// Why it waits, when something made it wait.
        note: Option<String>,
    },
    /// Taken back.
    Reverted {
        /// When that was seen.
        at: DateTime<Utc>,
        /// Why.
        because: RevertReason,
    },
    /// Not taken back, for good: somebody changed the connection since, it is gone, or Fivetran
    /// does not take the value that was before.
    RevertRefused {
        /// When.
        at: DateTime<Utc>,
        /// Why it was to be taken back.
        because: RevertReason,
        /// Why it was not.
        reason: String,
    },
}

impl StepState {
    /// The word in the database.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Intended { .. } => "intended",
            Self::Uncertain { .. } => "uncertain",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Skipped { .. } => "skipped",
            Self::Reverting { .. } => "reverting",
            Self::Reverted { .. } => "reverted",
            Self::RevertRefused { .. } => "revert_refused",
        }
    }

    /// Whether a call for it may be on the wire or may have had its effect: no other action may
    /// touch the connection meanwhile.
    pub fn in_flight(&self) -> bool {
        match self {
            Self::Intended { .. } => true,
            Self::Reverting { intent, .. } => intent.is_some(),
            Self::Uncertain { unprovable, .. } => !unprovable,
            Self::Queued { .. }
            | Self::Done { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Reverted { .. }
            | Self::RevertRefused { .. } => false,
        }
    }

    /// The call that may have had an effect, whatever became of it.
    pub fn intent(&self) -> Option<&Intent> {
        match self {
            Self::Intended { intent }
            | Self::Uncertain { intent, .. }
            | Self::Done { intent, .. } => Some(intent),
            Self::Reverting { intent, done, .. } => Some(intent.as_deref().unwrap_or(done)),
            Self::Queued { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Reverted { .. }
            | Self::RevertRefused { .. } => None,
        }
    }

    /// The call that is being taken back.
    pub fn taken_back(&self) -> Option<&Intent> {
        match self {
            Self::Reverting { done, .. } => Some(done),
            Self::Queued { .. }
            | Self::Intended { .. }
            | Self::Uncertain { .. }
            | Self::Done { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Reverted { .. }
            | Self::RevertRefused { .. } => None,
        }
    }
}
