//! Who decided, when, and who is still asked.

use std::collections::BTreeSet;

use chrono_tz::Tz;

use super::proposal::ProposalView;
use super::text::Words;
use crate::model::{Decision, ProposalState, Verdict, Via};

/// Decisions that a card names; the rest is counted.
const SHOWN: usize = 8;

/// How many people approved exactly this content.
pub(super) fn approvals(v: &ProposalView<'_>) -> usize {
    let people: BTreeSet<&str> = v
        .decisions
        .iter()
        .filter(|d| d.verdict == Verdict::Approve && d.fingerprint == *v.fingerprint)
        .map(|d| d.by.as_str())
        .collect();
    people.len()
}

/// What is still needed, and until when; empty once it is decided.
pub(super) fn still_needed(v: &ProposalView<'_>) -> Words {
    let ProposalState::Proposed { expires_at, .. } = &v.proposal.state else {
        return Words::new();
    };
    let quorum = usize::try_from(v.quorum).unwrap_or(usize::MAX);
    let have = approvals(v);
    let mut words = Words::new()
        .say("Approvals: ")
        .number(have)
        .say(" of ")
        .number(quorum);
    if let Some(missing) = quorum.checked_sub(have).filter(|n| *n > 0) {
        words = words.say(", still needed: ").number(missing).say(" of ");
        words = if v.approvers.is_empty() {
            words.say("nobody: the policy names no approver")
        } else {
            words.roles(v.approvers)
        };
    }
    if v.now >= *expires_at {
        return words
            .say(". Nobody answered by ")
            .time(*expires_at, v.tz)
            .say(": nothing changes.");
    }
    words
        .say(". No answer by ")
        .time(*expires_at, v.tz)
        .say(": nothing changes.")
}

/// Who decided what, one line each, with the end of the proposal where no decision made it.
pub(super) fn decided(v: &ProposalView<'_>) -> Words {
    let mut words = Words::new();
    // The rejection has a line of its own, with its reason.
    let told: Vec<&Decision> = v
        .decisions
        .iter()
        .filter(|d| d.verdict != Verdict::Reject)
        .collect();
    let cut = told.len().saturating_sub(SHOWN);
    if cut > 0 {
        words = words.number(cut).say(" earlier decisions. ");
    }
    for (i, decision) in told.into_iter().skip(cut).enumerate() {
        let next = if i > 0 { words.say("\n") } else { words };
        words = next.then(decision_of(decision, v.tz)).say(".");
    }
    let line = if words.is_empty() { "" } else { "\n" };
    match &v.proposal.state {
        ProposalState::Rejected { at, by, reason } => words
            .say(line)
            .say("Rejected by ")
            .actor(by)
            .say(", ")
            .time(*at, v.tz)
            .say(": ")
            .quote(reason, 500)
            .say(". Nothing was changed."),
        ProposalState::Expired { at } => words
            .say(line)
            .say("Nobody answered by ")
            .time(*at, v.tz)
            .say(": nothing was changed."),
        ProposalState::Superseded { at, by } => superseded(words.say(line), *by)
            .say(", ")
            .time(*at, v.tz)
            .say(". Nothing of this one was changed."),
        ProposalState::Draft | ProposalState::Proposed { .. } | ProposalState::Approved { .. } => {
            words
        }
    }
}

fn superseded(words: Words, by: Option<crate::model::ProposalId>) -> Words {
    match by {
        Some(by) => words.say("#").number(by).say(" took its place"),
        None => words.say("What it was for is over"),
    }
}

/// One decision: `Approved by @u, 14:00, by button`.
pub(super) fn decision_of(decision: &Decision, tz: Tz) -> Words {
    let words = Words::new().say(match decision.verdict {
        Verdict::Approve => "Approved by ",
        Verdict::Reject => "Rejected by ",
        Verdict::Direct => "Run at once, as the policy allows, by ",
        Verdict::Undo => "Undo asked by ",
    });
    let words = words
        .user(&decision.by)
        .say(", ")
        .time(decision.at, tz)
        .say(match decision.via {
            Via::Button => ", by button",
            Via::Command => ", by command",
            Via::Modal => ", by form",
        });
    match (&decision.reason, decision.verdict) {
        (Some(reason), Verdict::Approve | Verdict::Direct | Verdict::Undo) => {
            words.say(": ").quote(reason, 200)
        }
        // A rejection's reason stands with the state.
        (Some(_), Verdict::Reject) | (None, _) => words,
    }
}
