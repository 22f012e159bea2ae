//! Notes in an incident's thread. The mentions stand in texts of our own words only: Slack is known to
//! notify from there.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::attend::lasted;
use super::message::{Builder, Message};
use super::text::Words;
use crate::model::{Incident, Late, LateRule, Taken};

fn note(words: &Words) -> Message {
    Builder::new(words).build()
}

fn about(incident: &Incident) -> Words {
    Words::new()
        .bold(incident.state.title())
        .say(" · incident ")
        .number(incident.id)
        .say(": ")
}

/// Somebody is on it, perhaps in another's place.
pub fn taken_note(incident: &Incident, taken: &Taken) -> Message {
    let words = about(incident).user(&taken.by).say(" is on it");
    note(&match &taken.from {
        Some(before) => words.say(" now, in the place of ").user(before).say("."),
        None => words.say("."),
    })
}

/// Nobody is on it after some minutes: its owner is told.
pub fn owner_note(incident: &Incident, owner: &str, tz: Tz) -> Message {
    let words = about(incident)
        .role(owner)
        .say(", you own this connection. It has failed ");
    let words = match incident.failures {
        1 => words.say("once"),
        times => words.number(times).say(" times"),
    };
    let words = words.say(" since ").time(incident.opened_at, tz);
    let words = match incident.care.earlier {
        0 => words,
        earlier => words
            .say(", after ")
            .count(earlier, "other incident", "other incidents")
            .say(" like it within 24 h"),
    };
    note(&words.say(", and nobody is on it."))
}

/// The data will be late soon.
pub fn late_note(
    incident: &Incident,
    late: &Late,
    told: &[String],
    now: DateTime<Utc>,
    tz: Tz,
) -> Message {
    let words = about(incident);
    let words = match told {
        [] => words,
        told => words.roles(told).say(": "),
    };
    let words = words.say("in ").then(lasted(late.at - now));
    let words = words
        .say(", at ")
        .time(late.at, tz)
        .say(", its data is late by ");
    note(
        &words
            .code(match late.rule {
                LateRule::MaxAge => "max_age",
                LateRule::FreshBy => "fresh_by",
            })
            .say("."),
    )
}
