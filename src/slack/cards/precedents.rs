//! What came of the same trouble before, on an incident's card. People are not named: the card would
//! call them each time.

use chrono_tz::Tz;

use super::attend::voices;
use super::text::Words;
use crate::model::{Feedback, Held, Precedent};

/// One line each, the last first; what approvers said that it really was stands above.
pub(in crate::slack) fn precedents(all: &[Precedent], tz: Tz) -> Words {
    let mut words = said(all);
    for (number, one) in all.iter().enumerate() {
        words = if number > 0 || !words.is_empty() {
            words.say("\n")
        } else {
            words
        };
        let label = if number == 0 {
            "Last time"
        } else {
            "Before that"
        };
        words = words.bold(label).say(": ").then(row(one, tz));
    }
    words
}

fn row(one: &Precedent, tz: Tz) -> Words {
    let mut words = Words::new()
        .time(one.opened_at, tz)
        .say(", incident ")
        .number(one.incident);
    if let Some(name) = &one.elsewhere {
        words = words.say(" of ").name(name);
    }
    words = words.say(": ");
    for (number, kind) in one.done.iter().enumerate() {
        words = words
            .say(if number > 0 { ", " } else { "" })
            .id(kind.as_str());
    }
    if one.done.is_empty() {
        words = words.say("nothing was done in Fivetran");
    }
    if one.taken {
        words = words.say(", a person was on it");
    }
    words = words.say(match one.held {
        Held::Held => "; it held.",
        Held::Failed => "; it recovered, and failed again within a day.",
        Held::TooSoon => "; it recovered less than a day ago.",
        Held::Dismissed => "; it was dismissed.",
    });
    match one.said.as_slice() {
        [] => words,
        said => words.say(" ").then(voices(said)).say("."),
    }
}

/// The newest word of an approver on what the same trouble really was.
fn said(all: &[Precedent]) -> Words {
    let meant = |f: &&Feedback| f.approver && f.category.is_some();
    let found = all
        .iter()
        .find_map(|one| Some((one, one.said.iter().find(meant)?)));
    match found {
        Some((
            one,
            Feedback {
                category: Some(category),
                ..
            },
        )) => Words::new()
            .bold("People said")
            .say(" of the same error in incident ")
            .number(one.incident)
            .say(": ")
            .id(category)
            .say("."),
        _ => Words::new(),
    }
}
