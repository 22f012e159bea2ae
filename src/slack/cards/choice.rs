//! The buttons of a proposal's card, and the dialogs that state what a click does.

use chrono_tz::Tz;
use slack_morphism::prelude::*;

use super::action::{asked, is_dangerous, kinds, side_effects};
use super::blocks::{button, button_value, confirm};
use super::proposal::ProposalView;
use super::text::Words;
use crate::model::{Action, Line, ProposalState, Step, StepState};

/// The buttons that the proposal's state leaves.
pub(super) fn buttons(v: &ProposalView<'_>) -> Vec<SlackBlockButtonElement> {
    let value = button_value(v.revision, v.fingerprint);
    match &v.proposal.state {
        ProposalState::Proposed { expires_at, .. }
            if v.now < *expires_at && !v.revision.lines.is_empty() =>
        {
            vec![
                approve_button(&value, &v.revision.lines, v.tz),
                button("modify", "Modify…", &value),
                button("reject", "Reject…", &value),
            ]
        }
        ProposalState::Approved { .. } if v.steps.iter().any(|s| can_undo(v, s)) => {
            vec![button("undo", "Undo", &value).with_confirm(confirm(
                "Undo this?",
                &undo_effect(v),
                "Undo",
                false,
            ))]
        }
        ProposalState::Draft
        | ProposalState::Proposed { .. }
        | ProposalState::Approved { .. }
        | ProposalState::Rejected { .. }
        | ProposalState::Expired { .. }
        | ProposalState::Superseded { .. } => Vec::new(),
    }
}

fn approve_button(value: &str, lines: &[Line], tz: Tz) -> SlackBlockButtonElement {
    let danger = lines.iter().any(|line| is_dangerous(&line.action));
    button("approve", "Approve", value)
        .with_style(SlackBlockButtonStyle::Primary)
        .with_confirm(confirm(
            "Approve this?",
            &approval_effect(lines, tz),
            "Approve",
            danger,
        ))
}

/// What a click on Approve does, for the dialog.
fn approval_effect(lines: &[Line], tz: Tz) -> Words {
    if let [line] = lines {
        let effects = side_effects(&line.action, &line.pre_image, tz);
        let words = Words::new()
            .quote(&line.name, 60)
            .say(": ")
            .then(asked(&line.action, tz))
            .say(". ");
        return match effects.is_empty() {
            true => words,
            false => words.say("Side effects: ").then(effects).say("."),
        };
    }
    kinds(Words::new().say("Syncgate makes "), lines)
        .say(". What each does stands on the card; some of it cannot be undone.")
}

/// A done step with an inverse, or a sync that waits for its time.
fn can_undo(v: &ProposalView<'_>, step: &Step) -> bool {
    match &step.state {
        StepState::Done { intent, .. } => intent.inverse.is_some(),
        StepState::Queued { due_at, .. } => {
            let line = usize::try_from(step.position)
                .ok()
                .and_then(|position| v.revision.lines.get(position));
            *due_at > v.now && line.is_some_and(|line| matches!(line.action, Action::SyncAt { .. }))
        }
        StepState::Intended { .. }
        | StepState::Uncertain { .. }
        | StepState::Failed { .. }
        | StepState::Skipped { .. }
        | StepState::Reverting { .. }
        | StepState::Reverted { .. }
        | StepState::RevertRefused { .. } => false,
    }
}

fn undo_effect(v: &ProposalView<'_>) -> Words {
    let n = v.steps.iter().filter(|step| can_undo(v, step)).count();
    Words::new()
        .say("Syncgate takes back ")
        .count(n, "change", "changes")
        .say(" of ")
        .number(v.steps.len())
        .say(". A value that somebody changed since stays as it is, and the card says so.")
}

/// The two answers to a step that no reading can decide.
pub(super) fn settle_buttons(v: &ProposalView<'_>, step: &Step) -> Vec<SlackBlockButtonElement> {
    let value = format!(
        "{}.{}",
        button_value(v.revision, v.fingerprint),
        step.position
    );
    vec![
        button("settle_done", "It ran", &value),
        button("settle_failed", "It did not run", &value),
    ]
}
