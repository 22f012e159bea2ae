//! One sentence in the thread for each thing that happens.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::action::asked;
use super::message::{Builder, Message};
use super::outcome::of_step;
use super::people::{approvals, decision_of};
use super::proposal::{ProposalView, state_of};
use super::text::Words;
use crate::model::{Actor, Decision, Line, ProposalId, ProposalState, Step, Verdict};

fn note(words: &Words) -> Message {
    Builder::new(words).build()
}

/// A step came into a new state.
pub fn step_note(step: &Step, line: &Line, tz: Tz) -> Message {
    let outcome = of_step(step, false, tz);
    note(
        &Words::new()
            .bold(outcome.word)
            .say(": ")
            .name(&line.name)
            .say(", ")
            .then(asked(&line.action, tz))
            .say("; ")
            .then(outcome.detail)
            .say("."),
    )
}

/// Somebody decided; `have` of `quorum` people have approved by now.
pub fn decision_note(decision: &Decision, have: u32, quorum: u32, tz: Tz) -> Message {
    let words = decision_of(decision, tz);
    let words = match decision.verdict {
        Verdict::Approve if have < quorum => words
            .say(". ")
            .number(have)
            .say(" of ")
            .number(quorum)
            .say(" approvals: it waits for more."),
        Verdict::Approve => words.say(". That is enough: it runs."),
        Verdict::Direct => words.say(". It runs."),
        Verdict::Undo => words.say(". It is taken back."),
        Verdict::Reject => match &decision.reason {
            Some(reason) => words.say(": ").quote(reason, 500).say(". Nothing changes."),
            None => words.say(". Nothing changes."),
        },
    };
    note(&words)
}

/// Somebody made a new revision.
pub fn modified_note(v: &ProposalView<'_>, by: &Actor) -> Message {
    let words = Words::new()
        .bold("Modified")
        .say(" by ")
        .actor(by)
        .say(": revision ")
        .number(v.revision.number)
        .say(" is the current one");
    note(&match v.changed {
        Some(changed) => words.say(". ").quote(changed, 500).say("."),
        None => words.say("."),
    })
}

/// Nobody has decided yet.
pub fn reminder(v: &ProposalView<'_>, mentions: &[String]) -> Message {
    asking(v, mentions, ": this still waits for you. ")
}

/// Nobody has decided for so long that others are asked.
pub fn escalation(v: &ProposalView<'_>, mentions: &[String]) -> Message {
    asking(v, mentions, ": nobody has decided on this, please look. ")
}

/// The mentions stand in a text of our own words only: Slack is known to notify from there.
fn asking(v: &ProposalView<'_>, mentions: &[String], ask: &'static str) -> Message {
    let words = Words::new()
        .bold(state_of(v).as_str())
        .say(" · #")
        .number(v.proposal.id)
        .say(" · ")
        .roles(mentions)
        .say(ask)
        .number(approvals(v))
        .say(" of ")
        .number(v.quorum)
        .say(" approvals.");
    note(&match &v.proposal.state {
        ProposalState::Proposed { expires_at, .. } => words
            .say(" No answer by ")
            .time(*expires_at, v.tz)
            .say(": nothing changes."),
        ProposalState::Draft
        | ProposalState::Approved { .. }
        | ProposalState::Rejected { .. }
        | ProposalState::Expired { .. }
        | ProposalState::Superseded { .. } => words,
    })
}

/// The time is over.
pub fn expired_note(proposal: ProposalId, at: DateTime<Utc>, tz: Tz) -> Message {
    note(
        &Words::new()
            .bold("Expired")
            .say(": nobody answered #")
            .number(proposal)
            .say(" by ")
            .time(at, tz)
            .say(". Nothing was changed; ask again to get a new one."),
    )
}

/// A newer proposal took its place.
pub fn superseded_note(proposal: ProposalId, by: Option<ProposalId>) -> Message {
    let words = Words::new().bold("Superseded").say(": ");
    let words = match by {
        Some(by) => words.say("#").number(by).say(" took the place of #"),
        None => words.say("nothing is left to do for #"),
    };
    note(&words.number(proposal).say(". Nothing of it was changed."))
}
