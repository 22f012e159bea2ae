//! Answers to those who are on an incident, want silence, or say what they think of a cause.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::answer;
use super::refusal::refusal;
use crate::model::{IncidentId, IncidentState, Judgement, UserId};
use crate::slack::cards::{Message, Words};

fn of_incident(what: &'static str, id: IncidentId) -> Words {
    Words::new().bold(what).say(": incident ").number(id)
}

/// It is the person's now.
pub fn taken(id: IncidentId, from: Option<&UserId>) -> Message {
    let words = of_incident("Taken", id);
    answer(&match from {
        Some(before) => words
            .say(" is yours now; ")
            .user(before)
            .say(" had it and is told."),
        None => words.say(" is yours: its owner is not called, and the card says so."),
    })
}

/// It is the person's already.
pub fn taken_already(id: IncidentId) -> Message {
    answer(&of_incident("Taken", id).say(" is yours already."))
}

/// Reminders are silent until then.
pub fn snoozed(id: IncidentId, until: DateTime<Utc>, tz: Tz) -> Message {
    let words = of_incident("Silent", id).say(" reminds nobody until ");
    answer(&words.time(until, tz).say(". The card is kept up to date."))
}

/// It is waved away.
pub fn dismissed(id: IncidentId) -> Message {
    answer(
        &of_incident("Dismissed", id)
            .say(". If the connection fails again, a new incident is opened."),
    )
}

/// A connection is silent until then.
pub fn muted(name: &str, until: DateTime<Utc>, tz: Tz) -> Message {
    let words = Words::new()
        .bold("Muted")
        .say(": ")
        .name(name)
        .say(" until ");
    answer(&words.time(until, tz).say(
        ". Until then its failures are recorded, but nobody is mentioned or reminded and no new card is posted; what is still wrong then gets its card.",
    ))
}

/// A person's word on a cause counts.
pub fn feedback_taken(id: IncidentId, judgement: Judgement) -> Message {
    let words = of_incident("Thank you", id).say(" has your word on its cause: ");
    answer(
        &words
            .say(judgement.as_str())
            .say(". Your newest word counts."),
    )
}

/// No incident has that number.
pub fn incident_unknown(id: IncidentId) -> Message {
    let words = Words::new()
        .bold("Not found")
        .say(": there is no incident ");
    answer(
        &words
            .number(id)
            .say("; ")
            .code("incidents")
            .say(" lists those that are open."),
    )
}

/// It is over.
pub fn incident_over(id: IncidentId, state: IncidentState) -> Message {
    let words = refusal()
        .say("incident ")
        .number(id)
        .say(" is over: it is ");
    answer(&words.say(state.as_str()).say("."))
}

/// There is no cause on which anybody could have a view.
pub fn no_cause(id: IncidentId) -> Message {
    let words = refusal().say("incident ").number(id);
    answer(&words.say(" names no cause."))
}

/// The form of an incident did not open.
pub fn card_form_unopened(why: Option<&str>) -> Message {
    let words = refusal();
    answer(&match why {
        Some(why) => words
            .say("the form did not open. ")
            .quote(why, 300)
            .say(". Nothing was changed; click again in a minute."),
        None => words.say(
            "Slack gave Syncgate three seconds to open the form, and they had passed. Click again.",
        ),
    })
}
