//! How far one action is, in words.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::text::Words;
use crate::model::{Doubt, Intent, RevertReason, Step, StepState};

/// A word for the state, and what there is to say about it.
#[derive(Clone, Debug)]
pub(in crate::slack) struct Outcome {
    /// One of: Waiting, Sent, Unknown, Done, Failed, Skipped, Undoing, Undone, Ended, Not undone.
    pub(in crate::slack) word: &'static str,
    /// The rest of the sentence; may be empty.
    pub(in crate::slack) detail: Words,
    /// Whether people are asked what became of it.
    pub(in crate::slack) ask: bool,
}

fn said(word: &'static str, detail: Words) -> Outcome {
    Outcome {
        word,
        detail,
        ask: false,
    }
}

/// How far a step is.
pub(in crate::slack) fn of_step(step: &Step, halted: bool, tz: Tz) -> Outcome {
    let words = Words::new();
    match &step.state {
        StepState::Queued {
            due_at,
            attempt,
            note,
        } => {
            let words = waiting(*due_at, *attempt, halted, tz);
            said(
                "Waiting",
                match note {
                    Some(note) => words.say(": ").quote(note, 200),
                    None => words,
                },
            )
        }
        StepState::Intended { intent } => said("Sent", sent(intent, tz)),
        StepState::Uncertain {
            doubt,
            since,
            unprovable,
            ..
        } => uncertain(doubt, *since, *unprovable, tz),
        StepState::Done { at, restore_at, .. } => {
            let words = words.say("Fivetran took it, ").time(*at, tz);
            said(
                "Done",
                match restore_at {
                    Some(end) => words.say(". Ends by itself ").time(*end, tz),
                    None => words,
                },
            )
        }
        StepState::Failed { at, reason } => {
            said("Failed", words.quote(reason, 300).say(", ").time(*at, tz))
        }
        StepState::Skipped { at, reason } => {
            let reason = reason.to_string();
            said("Skipped", words.quote(&reason, 400).say(", ").time(*at, tz))
        }
        StepState::Reverting {
            because,
            doubt,
            due_at,
            intent,
            note,
            ..
        } => match (doubt, intent) {
            (Some(doubt), _) => reverting_in_doubt(because, doubt),
            (None, Some(intent)) => said(
                "Undoing",
                because_of(because).say("; sent ").then(sent(intent, tz)),
            ),
            (None, None) => {
                let words = because_of(because).say(", due ").time(*due_at, tz);
                said(
                    "Undoing",
                    match note {
                        Some(note) => words.say(": ").quote(note, 200),
                        None => words,
                    },
                )
            }
        },
        StepState::Reverted {
            at,
            because: RevertReason::Ended,
        } => said(
            "Ended",
            words.say("what was before is set again, ").time(*at, tz),
        ),
        StepState::Reverted { at, because } => {
            said("Undone", because_of(because).say(", ").time(*at, tz))
        }
        StepState::RevertRefused {
            at,
            because,
            reason,
        } => {
            let words = words.quote(reason, 300).say(" (").then(because_of(because));
            said("Not undone", words.say("), ").time(*at, tz))
        }
    }
}

fn waiting(due_at: DateTime<Utc>, attempt: u32, halted: bool, tz: Tz) -> Words {
    let mut words = Words::new();
    if halted {
        words = words.say("halted, nothing is sent; ");
    }
    words = words.say("due ").time(due_at, tz);
    if attempt > 1 {
        words = words.say(", try ").number(attempt);
    }
    words
}

fn uncertain(doubt: &Doubt, since: DateTime<Utc>, unprovable: bool, tz: Tz) -> Outcome {
    let words = doubted(Words::new(), doubt).say(", ").time(since, tz);
    Outcome {
        word: "Unknown",
        detail: if unprovable {
            words.say(". No reading can tell whether it ran: look in Fivetran and say so here")
        } else {
            words.say(". Being checked")
        },
        ask: unprovable,
    }
}

fn sent(intent: &Intent, tz: Tz) -> Words {
    let words = Words::new().time(intent.at, tz);
    match intent.accepted_at {
        Some(_) => words.say("; Fivetran accepted it, waiting to see it"),
        None => words.say("; no answer yet"),
    }
}

fn doubted(words: Words, doubt: &Doubt) -> Words {
    match doubt {
        Doubt::Crash => words.say("Syncgate was stopped in the middle of the call"),
        Doubt::NotSeen => words.say("Fivetran accepted the call, but no reading shows it yet"),
        Doubt::NoAnswer { .. } | Doubt::BadAnswer { .. } => words.quote(&doubt.to_string(), 250),
    }
}

fn reverting_in_doubt(because: &RevertReason, doubt: &Doubt) -> Outcome {
    let words = Words::new().say("whether it was taken back: ");
    let words = doubted(words, doubt).say(" (").then(because_of(because));
    said("Unknown", words.say("). Being checked"))
}

fn because_of(because: &RevertReason) -> Words {
    let words = Words::new();
    match because {
        RevertReason::Undo { by } => words.say("undo asked by ").actor(by),
        RevertReason::Ended => words.say("its time ended"),
        RevertReason::Restore => words.say("every override was ended by hand"),
    }
}
