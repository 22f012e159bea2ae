//! Decisions of people, and how much Syncgate may decide by itself.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{ProposalId, UserId};
use super::proposal::Fingerprint;

/// What Syncgate may do with what it proposes for a connection (SPEC §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Say what it would do.
    Shadow,
    /// Do it after an approval.
    Copilot,
    /// Do what a policy rule covers.
    Auto,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shadow => "shadow",
            Self::Copilot => "copilot",
            Self::Auto => "auto",
        })
    }
}

/// Where a decision was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A button of the card.
    Button,
    /// A slash command or a mention.
    Command,
    /// A modal that was submitted.
    Modal,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Run it.
    Approve,
    /// Do not.
    Reject,
    /// An operator's own command that the policy lets him run by himself.
    Direct,
    /// Take it back.
    Undo,
}

impl Verdict {
    /// The word in the database and in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Direct => "direct",
            Self::Undo => "undo",
        }
    }
}

/// One person's decision on one revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// On which proposal.
    pub proposal: ProposalId,
    /// On which revision.
    pub revision: i64,
    /// On exactly this content.
    pub fingerprint: Fingerprint,
    /// What.
    pub verdict: Verdict,
    /// By whom.
    pub by: UserId,
    /// How.
    pub via: Via,
    /// Why, where a reason was asked for.
    pub reason: Option<String>,
    /// Under which policy.
    pub policy_hash: String,
    /// The delivery that asked: its signed bytes are in the inbox, and their hash in the chain.
    pub delivery: String,
    /// When.
    pub at: DateTime<Utc>,
}
