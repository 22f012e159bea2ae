//! The card of incidents of which too many were found at once for a card each.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::message::{Builder, Message};
use super::proposal::chain;
use super::text::Words;
use crate::model::{IncidentState, audit};

/// All that the card shows.
#[derive(Clone, Debug)]
pub struct FloodView {
    /// The hour in which they were found. They may have failed long before, while nobody could look.
    pub since: DateTime<Utc>,
    /// How many.
    pub failed: i64,
    /// How many of them still have no card of their own and are not over.
    pub open: i64,
    /// The policy's zone.
    pub tz: Tz,
    /// The end of the audit chain.
    pub head: audit::Head,
}

/// One card in place of very many; its counts are exact.
pub fn flood_card(v: &FloodView) -> Message {
    let state = if v.open > 0 {
        IncidentState::Open
    } else {
        IncidentState::Resolved
    };
    let many = if v.failed == 1 {
        " more failed connection found since "
    } else {
        " more failed connections found since "
    };
    let head = Words::new()
        .bold(state.title())
        .say(" · ")
        .number(v.failed)
        .say(many)
        .time(v.since, v.tz);
    let fallback = Words::new()
        .say(state.title())
        .say(": ")
        .number(v.failed)
        .say(many)
        .time(v.since, v.tz)
        .say(".");
    let rest = match v.open {
        0 => Words::new().say("All of them run again, or have got a card of their own."),
        open => Words::new()
            .number(open)
            .say(" of them are open and have no card of their own: too many were found at once. ")
            .code("incidents")
            .say(" lists what is open, ")
            .code("explain")
            .say(" with a name tells why. Whatever fails again gets its card."),
    };
    Builder::with_fallback(&fallback, &head)
        .paragraph(&rest)
        .small(&chain(&v.head))
        .build()
}
