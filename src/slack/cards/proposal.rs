//! The card of a proposal: what is asked, what it does, who decided, how far it is.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::action::kinds;
use super::choice::buttons;
use super::in_force::{InForce, in_force};
use super::lines::{lines, shadow};
use super::message::{Builder, Message};
use super::people::{decided, still_needed};
use super::picture::{self, Picture};
use super::text::Words;
use crate::model::{
    Actor, CardState, Decision, Fingerprint, Line, Progress, Proposal, ProposalKind, ProposalState,
    Revision, Step, StepState, audit,
};

/// The halt in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HaltView {
    /// Who halted.
    pub by: Actor,
    /// Why, if they said so.
    pub reason: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// All that a proposal's card shows.
#[derive(Clone, Copy, Debug)]
pub struct ProposalView<'a> {
    /// The proposal.
    pub proposal: &'a Proposal,
    /// Its current revision.
    pub revision: &'a Revision,
    /// That revision's fingerprint.
    pub fingerprint: &'a Fingerprint,
    /// Its actions by position; none before the approval.
    pub steps: &'a [Step],
    /// The decisions on this revision, and those to undo it.
    pub decisions: &'a [Decision],
    /// Approvals that it takes.
    pub quorum: u32,
    /// Who may approve: user ids, group ids, handles, `everyone`.
    pub approvers: &'a [String],
    /// Lines of connections in shadow mode: shown, not in the fingerprint, never run.
    pub shadow: &'a [Line],
    /// For a plan: what Syncgate has set and will set back.
    pub overrides: &'a [InForce],
    /// The halt in force.
    pub halted: Option<&'a HaltView>,
    /// What the last modification changed.
    pub changed: Option<&'a str>,
    /// For a plan: its picture, once Slack has it ready.
    pub picture: Option<&'a Picture>,
    /// The end of the audit chain.
    pub head: &'a audit::Head,
    /// The policy's zone, for where the reader's is not known.
    pub tz: Tz,
    /// Now.
    pub now: DateTime<Utc>,
}

/// The card of any proposal.
pub fn proposal_card(v: &ProposalView<'_>) -> Message {
    let state = state_of(v);
    let head = Words::new()
        .bold(state.as_str())
        .say(" · #")
        .number(v.proposal.id)
        .say(" ")
        .then(headline(v));
    let mut card = Builder::with_fallback(&fallback(v, state), &head).paragraph(&effect(v, state));
    if let Some(changed) = v.changed {
        card = card.paragraph(
            &Words::new()
                .bold("Changed")
                .say(" in revision ")
                .number(v.revision.number)
                .say(": ")
                .quote(changed, 500),
        );
    }
    if let Some(halt) = v.halted.filter(|_| can_wait(v)) {
        card = card.paragraph(&halted(halt, v.tz));
    }
    card = lines(card, v);
    if !v.shadow.is_empty() {
        card = card.paragraph(&shadow(v));
    }
    if !v.overrides.is_empty() {
        card = card.paragraph(&in_force(v.overrides, v.tz));
    }
    if let Some(picture) = v.picture {
        card = card.block(picture::block(picture));
    }
    card.paragraph(&still_needed(v))
        .paragraph(&decided(v))
        .buttons(buttons(v))
        .small(&footer(v))
        .build()
}

/// The card of a plan: its headline counts the changes.
pub fn plan_card(v: &ProposalView<'_>) -> Message {
    proposal_card(v)
}

/// What a day without changes says, in one line, and what is in force for a while. A plan that comes
/// late has a title that says so.
pub fn unchanged_day(
    connections: usize,
    late: Option<&str>,
    overrides: &[InForce],
    head: &audit::Head,
    tz: Tz,
) -> Message {
    let words = Words::new().bold("Done");
    let words = match late {
        Some(title) => words
            .say(" · ")
            .quote(title, 150)
            .say(". It changes nothing: "),
        None => words.say(" · Today's plan changes nothing: "),
    };
    let words = words
        .count(connections, "connection runs", "connections run")
        .say(" as Fivetran has them scheduled.");
    let mut card = Builder::new(&words);
    if !overrides.is_empty() {
        card = card.paragraph(&in_force(overrides, tz));
    }
    card.small(&chain(head)).build()
}

/// The state word.
pub(super) fn state_of(v: &ProposalView<'_>) -> CardState {
    let states = v.steps.iter().map(|step| &step.state);
    match &v.proposal.state {
        // Between the approval and the first step's row there is nothing to count yet.
        ProposalState::Approved { .. } if v.steps.is_empty() => CardState::Approved,
        decision => Progress::of(states).card_state(decision, v.halted.is_some()),
    }
}

/// Whether a halt keeps anything of it from being sent, now or after an approval.
fn can_wait(v: &ProposalView<'_>) -> bool {
    match &v.proposal.state {
        ProposalState::Draft | ProposalState::Proposed { .. } => true,
        ProposalState::Approved { .. } => v.steps.iter().any(|step| {
            matches!(
                step.state,
                StepState::Queued { .. } | StepState::Reverting { .. }
            )
        }),
        ProposalState::Rejected { .. }
        | ProposalState::Expired { .. }
        | ProposalState::Superseded { .. } => false,
    }
}

fn headline(v: &ProposalView<'_>) -> Words {
    match v.proposal.kind {
        ProposalKind::Plan => Words::new()
            .bold("Plan")
            .say(": ")
            .then(match v.revision.lines.len() {
                0 => Words::new()
                    .count(v.shadow.len(), "change", "changes")
                    .say(" in shadow mode, shown only"),
                n => Words::new().count(n, "change", "changes"),
            })
            .say(" · ")
            .quote(&v.proposal.title, 150),
        ProposalKind::Remediation | ProposalKind::Adhoc => Words::new().title(&v.proposal.title),
    }
}

fn fallback(v: &ProposalView<'_>, state: CardState) -> Words {
    let words = Words::new()
        .say(state.as_str())
        .say(": #")
        .number(v.proposal.id)
        .say(" ")
        .quote(&v.proposal.title, 150)
        .say(". ")
        .then(effect(v, state));
    match &v.proposal.state {
        ProposalState::Proposed { expires_at, .. } => words
            .say(" No answer by ")
            .time(*expires_at, v.tz)
            .say(" changes nothing."),
        ProposalState::Draft
        | ProposalState::Approved { .. }
        | ProposalState::Rejected { .. }
        | ProposalState::Expired { .. }
        | ProposalState::Superseded { .. } => words,
    }
}

/// What is asked by whom, or how far it is.
fn effect(v: &ProposalView<'_>, state: CardState) -> Words {
    let words = Words::new().actor(&v.proposal.requester).say(" asks for ");
    let words = kinds(words, &v.revision.lines);
    let words = match v.proposal.incident {
        Some(incident) => words.say(", for incident ").number(incident),
        None => words,
    };
    match state {
        CardState::Proposed
        | CardState::Rejected
        | CardState::Expired
        | CardState::Superseded
        | CardState::Approved => words.say("."),
        CardState::Executing
        | CardState::Done
        | CardState::PartlyFailed
        | CardState::Failed
        | CardState::Unknown
        | CardState::Halted
        | CardState::Undone => words.say(": ").then(progress(v)).say("."),
    }
}

fn progress(v: &ProposalView<'_>) -> Words {
    let p = Progress::of(v.steps.iter().map(|step| &step.state));
    let mut words = Words::new()
        .number(p.done)
        .say(" of ")
        .number(p.total)
        .say(" done");
    for (n, what) in [
        (p.sent, " sent"),
        (p.unknown, " unknown"),
        (p.failed, " failed"),
        (p.skipped, " skipped"),
        (p.reverting, " being undone"),
        (p.reverted, " undone or ended"),
        (p.not_undone, " not undone"),
        (p.waiting, " waiting"),
    ] {
        if n > 0 {
            words = words.say(", ").number(n).say(what);
        }
    }
    words
}

fn halted(halt: &HaltView, tz: Tz) -> Words {
    let words = Words::new()
        .bold("Halted")
        .say(" by ")
        .actor(&halt.by)
        .say(", ")
        .time(halt.at, tz);
    match &halt.reason {
        Some(reason) => words.say(": ").quote(reason, 300),
        None => words,
    }
    .say(". Nothing that waits is sent until ")
    .code("unhalt")
    .say(".")
}

fn footer(v: &ProposalView<'_>) -> Words {
    chain(v.head)
        .say(" · policy ")
        .hex(&v.revision.policy_hash, 8)
        .say(" · fingerprint ")
        .hex(v.fingerprint.as_str(), 8)
}

/// The end of the audit chain: the channel is its witness.
pub(super) fn chain(head: &audit::Head) -> Words {
    Words::new()
        .say("audit #")
        .number(head.seq)
        .say(" ")
        .hex(&head.hash, 16)
}
