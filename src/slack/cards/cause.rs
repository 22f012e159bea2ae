//! Why a sync failed: the cause, its proof in numbered quotations, and what people can do.

use slack_morphism::prelude::*;

use super::before::changed_before;
use super::message::Builder;
use super::opinion::opinion;
use super::text::Words;
use crate::model::{Cause, Certainty, LogRead, Quote};
use crate::slack::inert::Inert;

/// Quotations that are shown, and their lengths.
const QUOTES: usize = 3;
const LONGEST: usize = 600;
const LINES: usize = 6;

/// Adds the cause to a message.
pub(in crate::slack) fn explained(mut card: Builder, cause: &Cause) -> Builder {
    card = card.paragraph(&verdict(cause));
    for (number, quote) in (1_usize..).zip(cause.quotes.iter().take(QUOTES)) {
        card = card.block(numbered(number, quote));
    }
    card = card.paragraph(&told_of_log(cause));
    card = changed_before(card, &cause.before);
    match &cause.opinion {
        Some(said) => opinion(card, said),
        None => card,
    }
}

/// What people can do, one a line.
pub(in crate::slack) fn steps(steps: &[&'static str]) -> Words {
    let mut words = Words::new();
    for (number, &step) in (1_usize..).zip(steps) {
        words = match number {
            1 => words.bold("What people can do").say(":\n1. "),
            _ => words.say("\n").number(number).say(". "),
        };
        words = words.say(step);
    }
    words
}

fn verdict(cause: &Cause) -> Words {
    let certainty = cause.certainty();
    let words = Words::new()
        .bold("Cause")
        .say(", ")
        .bold(certainty.as_str())
        .say(match certainty {
            Certainty::Confirmed | Certainty::Likely => ": ",
            Certainty::Inconclusive => ", perhaps: ",
        });
    words
        .id(&cause.category)
        .say(". ")
        .quote(&cause.summary, 600)
}

/// Words of the log: set apart, so that nobody takes them for Syncgate's.
pub(super) fn numbered(number: usize, quote: &Quote) -> SlackBlock {
    numbered_line(number, &quote.origin, &quote.text)
}

/// The same of any foreign line.
pub(in crate::slack) fn numbered_line(number: usize, origin: &str, text: &str) -> SlackBlock {
    let words = Words::new().number(number).say(". ").quote(origin, 150);
    let text = Inert::block(text, LONGEST, LINES);
    let mut rich = words.say(":").rich();
    rich.elements
        .push(SlackRichTextPreformatted::new(vec![text.as_str().into()]).into());
    rich.into()
}

fn told_of_log(cause: &Cause) -> Words {
    let words = Words::new();
    let words = if cause.quotes.is_empty() {
        words.say("Nothing that was read proves it. ")
    } else {
        words
    };
    match cause.log {
        LogRead::Off => words.say("No log was read."),
        LogRead::Failed => words.say("The log could not be read."),
        LogRead::Rows { rows, passed_over } => {
            let words = match rows {
                0 => words.say("The log has no row of this failure yet"),
                _ => words.say("Read from the log: ").count(rows, "row", "rows"),
            };
            match passed_over {
                0 => words.say("."),
                _ => words
                    .say("; ")
                    .count(passed_over, "line or file", "lines or files")
                    .say(" of it could not be read."),
            }
        }
    }
}
