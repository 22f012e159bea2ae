//! `incidents` and `explain`.

use chrono_tz::Tz;

use super::answer;
use super::status::in_hand;
use crate::model::{Cause, Connection, ConnectionId, Incident, IncidentId, Page, Warned};
use crate::slack::cards::{Builder, Message, Words, explained, more, steps, warnings};

/// Incidents in one block, and blocks in one answer.
const ROWS: usize = 8;
const BLOCKS: usize = 6;

/// Why a connection failed, read afresh.
#[derive(Clone, Copy, Debug)]
pub struct ExplainView<'a> {
    /// The connection as just read.
    pub connection: &'a Connection,
    /// Its open incident.
    pub incident: Option<IncidentId>,
    /// What the analyst says.
    pub cause: &'a Cause,
    /// What people can do about it.
    pub steps: &'a [&'static str],
    /// What would do harm.
    pub warnings: &'a [Warned],
    /// Where more is written about the cause.
    pub page: Option<&'a Page>,
    /// The policy's zone.
    pub tz: Tz,
}

/// The open incidents, the oldest first.
pub fn incidents(open: &[Incident], tz: Tz) -> Message {
    let head = Words::new().bold("Incidents").say(": ");
    if open.is_empty() {
        return answer(&head.say("none is open."));
    }
    let mut card = Builder::new(&head.number(open.len()).say(" open."));
    for chunk in open.chunks(ROWS).take(BLOCKS) {
        let mut words = Words::new();
        for (i, incident) in chunk.iter().enumerate() {
            words = if i > 0 { words.say("\n") } else { words };
            words = words.then(row(incident, tz));
        }
        card = card.paragraph(&words);
    }
    match open.len().saturating_sub(ROWS * BLOCKS) {
        0 => card,
        more => card.paragraph(&Words::new().say("… and ").number(more).say(" more.")),
    }
    .build()
}

fn row(incident: &Incident, tz: Tz) -> Words {
    let words = Words::new()
        .number(incident.id)
        .say(" ")
        .name(&incident.name)
        .say(" since ")
        .time(incident.opened_at, tz)
        .say(", failed ")
        .number(incident.failures)
        .say(if incident.failures == 1 {
            " time"
        } else {
            " times"
        });
    match &incident.cause {
        Some(cause) => words
            .say("; ")
            .say(cause.certainty().as_str())
            .say(": ")
            .id(&cause.category),
        None => words,
    }
    .then(in_hand(incident))
}

/// Why a connection failed, for the one who asked.
pub fn explanation(v: &ExplainView<'_>) -> Message {
    let c = v.connection;
    let words = Words::new()
        .bold("Explained")
        .say(": ")
        .name(&c.schema)
        .say(" ")
        .id(c.id.as_str());
    let words = match v.incident {
        Some(id) => words.say(", incident ").number(id),
        None => words,
    };
    let words = match c.failed_at {
        Some(at) => words.say(", failed ").time(at, v.tz).say("."),
        None => words.say("."),
    };
    explained(Builder::new(&words), v.cause)
        .paragraph(&steps(v.steps))
        .paragraph(&warnings(v.warnings))
        .paragraph(&more(v.page))
        .build()
}

/// The connection's last sync did not fail.
pub fn nothing_to_explain(name: &str, id: &ConnectionId) -> Message {
    answer(
        &Words::new()
            .bold("Nothing to explain")
            .say(": the last sync of ")
            .name(name)
            .say(" ")
            .id(id.as_str())
            .say(" did not fail."),
    )
}

/// The day's calls of the model are used up.
pub fn model_spent(requests: i64, tokens: i64) -> Message {
    answer(
        &Words::new()
            .bold("Paused")
            .say(
                ": the language model is not asked any more for now. In the last 24 hours it took ",
            )
            .number(requests)
            .say(" requests and ")
            .number(tokens)
            .say(
                " tokens, which is the limit. Causes stand on the rules alone until that is less.",
            ),
    )
}
