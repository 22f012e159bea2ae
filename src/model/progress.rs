//! How far a proposal has come: derived from its decision and its actions, never stored.

use serde::{Deserialize, Serialize};

use super::proposal::ProposalState;
use super::step::StepState;

/// The state word that a card's text begins with (SPEC §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words are defined in SPEC §6")]
pub enum CardState {
    Proposed,
    Approved,
    Executing,
    Done,
    PartlyFailed,
    Failed,
    Unknown,
    Rejected,
    Expired,
    Superseded,
    Halted,
    Undone,
}

impl CardState {
    /// The word, as people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "Proposed",
            Self::Approved => "Approved",
            Self::Executing => "Executing",
            Self::Done => "Done",
            Self::PartlyFailed => "Partly failed",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
            Self::Rejected => "Rejected",
            Self::Expired => "Expired",
            Self::Superseded => "Superseded",
            Self::Halted => "Halted",
            Self::Undone => "Undone",
        }
    }
}

/// A count of the actions by how far they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "each counts the actions in the states of its name"
)]
pub struct Progress {
    pub total: usize,
    pub waiting: usize,
    pub sent: usize,
    pub unknown: usize,
    pub done: usize,
    pub failed: usize,
    pub skipped: usize,
    pub reverting: usize,
    pub reverted: usize,
    pub not_undone: usize,
}

impl Progress {
    /// Counts.
    pub fn of<'a>(steps: impl IntoIterator<Item = &'a StepState>) -> Self {
        let mut p = Self::default();
        for step in steps {
            p.total += 1;
            match step {
                StepState::Queued { .. } => p.waiting += 1,
                StepState::Intended { .. } => p.sent += 1,
                StepState::Uncertain { .. } => p.unknown += 1,
                StepState::Done { .. } => p.done += 1,
                StepState::Failed { .. } => p.failed += 1,
                StepState::Skipped { .. } => p.skipped += 1,
                StepState::Reverting { doubt: Some(_), .. } => p.unknown += 1,
                StepState::Reverting { doubt: None, .. } => p.reverting += 1,
                StepState::Reverted { .. } => p.reverted += 1,
                StepState::RevertRefused { .. } => p.not_undone += 1,
            }
        }
        p
    }

    /// The card's word.
    pub fn card_state(self, decision: &ProposalState, halted: bool) -> CardState {
        match decision {
            ProposalState::Draft | ProposalState::Proposed { .. } => CardState::Proposed,
            ProposalState::Rejected { .. } => CardState::Rejected,
            ProposalState::Expired { .. } => CardState::Expired,
            ProposalState::Superseded { .. } => CardState::Superseded,
            ProposalState::Approved { .. } => self.after_approval(halted),
        }
    }

    fn after_approval(self, halted: bool) -> CardState {
        if self.unknown > 0 {
            CardState::Unknown
        } else if halted && self.waiting > 0 {
            CardState::Halted
        } else if self.waiting == self.total {
            CardState::Approved
        } else if self.waiting + self.sent + self.reverting > 0 {
            CardState::Executing
        } else if self.failed + self.skipped == self.total {
            CardState::Failed
        } else if self.failed + self.skipped + self.not_undone > 0 {
            CardState::PartlyFailed
        } else if self.reverted > 0 && self.done == 0 {
            CardState::Undone
        } else {
            CardState::Done
        }
    }
}
