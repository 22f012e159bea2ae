//! The lines of a revision on its card, each with how far it is.

use super::action::{asked, is_dangerous, now_of, side_effects, undo};
use super::choice::settle_buttons;
use super::message::{BLOCKS, Builder};
use super::outcome::of_step;
use super::proposal::ProposalView;
use super::text::Words;
use crate::model::{Line, ProposalState, Step};

/// Blocks left for the lines and their buttons when everything else has its place.
const LINE_BLOCKS: usize = BLOCKS - 15;

/// UTF-16 units for all lines together: Slack refuses a message as too long well before fifty
/// full blocks, and nobody reads so far.
const LINE_UNITS: usize = 9_000;

/// One line of the revision with its step.
struct Row<'a> {
    position: usize,
    words: Words,
    settle: Option<&'a Step>,
    urgent: bool,
}

fn row<'a>(v: &ProposalView<'a>, position: usize, line: &Line) -> Row<'a> {
    let step = v
        .steps
        .iter()
        .find(|step| usize::try_from(step.position) == Ok(position));
    let outcome = step.map(|step| of_step(step, v.halted.is_some(), v.tz));
    let mut words = line_words(position, line, v);
    let mut urgent = is_dangerous(&line.action);
    if let Some(outcome) = &outcome {
        words = words.say("\n").bold(outcome.word).say(": ");
        words = words.then(outcome.detail.clone());
        urgent = matches!(
            outcome.word,
            "Unknown" | "Failed" | "Skipped" | "Not undone"
        );
    }
    Row {
        position,
        words,
        settle: step.filter(|_| outcome.is_some_and(|o| o.ask)),
        urgent,
    }
}

fn line_words(position: usize, line: &Line, v: &ProposalView<'_>) -> Words {
    let tz = v.tz;
    let effects = side_effects(&line.action, &line.pre_image, tz);
    let mut words = Words::new()
        .number(position + 1)
        .say(". ")
        .name(&line.name)
        .say(" ")
        .id(line.connection.as_str())
        .say(": ")
        .then(asked(&line.action, tz))
        .say("\nNow: ")
        .then(now_of(&line.pre_image));
    // A person's own command needs no reason: the card says who asked.
    if !line.reason.is_empty() {
        words = words.say("\nWhy: ").quote(&line.reason, 300);
    }
    if let Some(caution) = &line.caution {
        words = words
            .say("\n")
            .bold("Warning")
            .say(": incident ")
            .number(caution.incident)
            .say(" speaks against it: ")
            .quote(&caution.harm, 200)
            .say(".");
    }
    if let (ProposalState::Proposed { expires_at, .. }, Some(at)) =
        (&v.proposal.state, line.decide_by)
    {
        words = words.say("\nDecide by: ").time(at.min(*expires_at), tz);
    }
    if !effects.is_empty() {
        words = words.say("\nSide effects: ").then(effects);
    }
    words
        .say("\nUndo: ")
        .then(undo(&line.action, &line.pre_image))
}

/// Adds the lines of the revision that fit, and says how many do not.
pub(super) fn lines(mut card: Builder, v: &ProposalView<'_>) -> Builder {
    let rows: Vec<Row<'_>> = v
        .revision
        .lines
        .iter()
        .enumerate()
        .map(|(position, line)| row(v, position, line))
        .collect();
    let total = rows.len();
    let shown = fitting(rows);
    let left_out = total - shown.len();
    for row in shown {
        card = card.paragraph(&row.words);
        if let Some(step) = row.settle {
            card = card.buttons(settle_buttons(v, step));
        }
    }
    if left_out > 0 {
        card = card.paragraph(
            &Words::new()
                .say("… and ")
                .number(left_out)
                .say(" more: ")
                .command("audit", v.proposal.id)
                .say(" shows all."),
        );
    }
    card
}

/// The lines that fit, in order. What needs an answer is cut last; before the approval what kills,
/// costs or stops data comes next, after it what went wrong.
fn fitting(mut rows: Vec<Row<'_>>) -> Vec<Row<'_>> {
    rows.sort_by_key(|row| (row.settle.is_none(), !row.urgent, row.position));
    let mut blocks = 0;
    let mut size = 0;
    let fit = rows
        .iter()
        .take_while(|row| {
            blocks += 1 + usize::from(row.settle.is_some());
            size += row.words.size();
            blocks <= LINE_BLOCKS && size <= LINE_UNITS
        })
        .count();
    rows.truncate(fit);
    rows.sort_by_key(|row| row.position);
    rows
}

/// The lines of connections in shadow mode.
pub(super) fn shadow(v: &ProposalView<'_>) -> Words {
    const SHOWN: usize = 5;
    let mut words = Words::new()
        .bold("Shadow mode")
        .say(", shown only, not part of what is approved and never run:");
    for line in v.shadow.iter().take(SHOWN) {
        words = words
            .say("\n• ")
            .name(&line.name)
            .say(" ")
            .id(line.connection.as_str())
            .say(": ")
            .then(asked(&line.action, v.tz))
            .say(", because ")
            .quote(&in_a_sentence(&line.reason), 200);
    }
    match v.shadow.len().saturating_sub(SHOWN) {
        0 => words,
        more => words.say("\n… and ").number(more).say(" more."),
    }
}

/// A reason or a title as it goes on in a sentence: its first letter small, unless that stands alone or in an
/// abbreviation.
pub(super) fn in_a_sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::in_a_sentence;

    #[test]
    fn a_reason_goes_on_in_a_sentence() {
        for (reason, told) in [
            ("Its data is old.", "its data is old."),
            ("its data is old.", "its data is old."),
            ("Übermorgen.", "übermorgen."),
            ("SLA missed.", "SLA missed."),
            ("A sync.", "A sync."),
            ("", ""),
        ] {
            assert_eq!(in_a_sentence(reason), told);
        }
    }
}
