//! What Syncgate has set and will set back, for the digest (SPEC I10).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::text::Words;
use crate::model::ProposalId;

/// One change in force that does not stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The connection's name.
    pub name: String,
    /// Which proposal changed it.
    pub by: ProposalId,
    /// Until when; `None` while it is being taken back.
    pub until: Option<DateTime<Utc>>,
}

/// So many are named; the digest is to be read.
const SHOWN: usize = 10;

/// Names them all, or as many as fit.
pub(super) fn in_force(overrides: &[InForce], tz: Tz) -> Words {
    let mut words = Words::new()
        .bold("Overrides in force")
        .say(", which stay as they are while Syncgate itself is down:");
    for held in overrides.iter().take(SHOWN) {
        words = words
            .say("\n• ")
            .name(&held.name)
            .say(", changed by #")
            .number(held.by);
        words = match held.until {
            Some(until) => words.say(", until ").time(until, tz),
            None => words.say(", is being taken back"),
        };
    }
    match overrides.len().saturating_sub(SHOWN) {
        0 => words,
        more => words
            .say("\n… and ")
            .number(more)
            .say(" more: ")
            .code("status")
            .say(" counts them."),
    }
}
