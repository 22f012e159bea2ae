//! What stands after the first word of a command.

use std::time::Duration;

use super::{Command, CommandError, Schedule, usage, wrong};
use crate::model::ids::{IncidentId, ProposalId};
use crate::model::schedule::Frequency;

/// In minutes.
const LONGEST_PAUSE: i64 = 366 * 24 * 60;
/// What is said of a shorter one.
const SHORTEST: &str = "The shortest pause is one minute.";
/// In minutes: a week. What is to be silent for longer is better left out of the policy.
const LONGEST_MUTE: i64 = 7 * 24 * 60;

pub(super) fn joined(words: &[&str]) -> Option<String> {
    (!words.is_empty()).then(|| words.join(" "))
}

pub(super) fn one(words: &[&str], command: &str) -> Result<String, CommandError> {
    joined(words).ok_or_else(|| usage(command))
}

pub(super) fn number(words: &[&str], command: &str) -> Result<ProposalId, CommandError> {
    numbered(words, command).map(ProposalId)
}

fn numbered(words: &[&str], command: &str) -> Result<i64, CommandError> {
    match words {
        [number] => {
            let digits = number.strip_prefix('#').unwrap_or(number);
            digits.parse().map_err(|_| usage(command))
        }
        _ => Err(usage(command)),
    }
}

/// `take 4`, and `take incident 4`, as the card writes it.
pub(super) fn take(words: &[&str]) -> Result<Command, CommandError> {
    let number = match words {
        [word, number] if word.eq_ignore_ascii_case("incident") => &[*number],
        words => words,
    };
    Ok(Command::Take {
        incident: numbered(number, "take").map(IncidentId)?,
    })
}

/// A mute always has an end.
pub(super) fn mute(words: &[&str]) -> Result<Command, CommandError> {
    let at = words
        .iter()
        .position(|word| word.eq_ignore_ascii_case("for"))
        .ok_or_else(|| usage("mute"))?;
    let minutes = minutes(
        &words[at + 1..].join(""),
        "The shortest mute is one minute.",
    )?;
    if minutes > LONGEST_MUTE {
        return Err(wrong("The longest mute is 7 days."));
    }
    Ok(Command::Mute {
        connection: one(&words[..at], "mute")?,
        minutes,
    })
}

pub(super) fn sync(words: &[&str]) -> Result<Command, CommandError> {
    let (force, name) = match words.split_last() {
        Some((last, name)) if last.eq_ignore_ascii_case("force") => (true, name),
        _ => (false, words),
    };
    Ok(Command::Sync {
        connection: one(name, "sync")?,
        force,
    })
}

pub(super) fn resync(words: &[&str]) -> Result<Command, CommandError> {
    let (first, tables) = words.split_first().ok_or_else(|| usage("resync"))?;
    let tables: Vec<String> = tables
        .iter()
        .flat_map(|word| word.split(','))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(odd) = tables.iter().find(|table| !names_a_table(table)) {
        return Err(wrong(format!(
            "`{odd}` is not a table: write schema.table, as the source spells it."
        )));
    }
    Ok(Command::Resync {
        connection: (*first).to_owned(),
        tables,
    })
}

fn names_a_table(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(schema, table)| !schema.is_empty() && !table.is_empty())
}

pub(super) fn pause(words: &[&str]) -> Result<Command, CommandError> {
    let at = words
        .iter()
        .position(|word| word.eq_ignore_ascii_case("for"));
    let (name, minutes) = match at {
        Some(at) => {
            let span = words[at + 1..].join("");
            let minutes = minutes(&span, SHORTEST)?;
            // Longer ones are slips of the pen, and past what a date can hold.
            if minutes > LONGEST_PAUSE {
                return Err(wrong("The longest pause is 366 days."));
            }
            (&words[..at], Some(minutes))
        }
        None => (words, None),
    };
    Ok(Command::Pause {
        connection: one(name, "pause")?,
        minutes,
    })
}

/// A length of time in whole minutes; `shortest` is what to say of less than one.
fn minutes(span: &str, shortest: &str) -> Result<i64, CommandError> {
    let unclear = || {
        wrong(format!(
            "`{span}` is not a length of time; write 30m, 2h or 1d."
        ))
    };
    let span: Duration = humantime::parse_duration(span).map_err(|_| unclear())?;
    let minutes = i64::try_from(span.as_secs() / 60).map_err(|_| unclear())?;
    if minutes < 1 {
        return Err(wrong(shortest));
    }
    Ok(minutes)
}

pub(super) fn schedule(words: &[&str]) -> Result<Command, CommandError> {
    let at = words
        .iter()
        .position(|word| word.eq_ignore_ascii_case("every") || word.eq_ignore_ascii_case("daily"))
        .ok_or_else(|| usage("schedule"))?;
    let connection = one(&words[..at], "schedule")?;
    let rest = &words[at + 1..];
    let schedule = if words[at].eq_ignore_ascii_case("every") {
        let span = rest.join("");
        let minutes = minutes(&span, SHORTEST)?;
        Schedule {
            frequency: Frequency::try_from(minutes).map_err(wrong)?,
            daily: None,
        }
    } else {
        let time = match rest {
            ["at" | "AT" | "At", time] | [time] => time.parse().map_err(wrong)?,
            _ => return Err(usage("schedule")),
        };
        Schedule {
            frequency: Frequency::DAILY,
            daily: Some(time),
        }
    };
    Ok(Command::Schedule {
        connection,
        schedule,
    })
}

pub(super) fn plan(words: &[&str]) -> Result<Command, CommandError> {
    match words {
        [] => Ok(Command::Plan { now: false }),
        [now] if now.eq_ignore_ascii_case("now") => Ok(Command::Plan { now: true }),
        _ => Err(usage("plan")),
    }
}

pub(super) fn reject(words: &[&str]) -> Result<Command, CommandError> {
    let (first, reason) = words.split_first().ok_or_else(|| usage("reject"))?;
    let id = number(&[first], "reject")?;
    let reason = joined(reason).ok_or_else(|| {
        wrong(format!(
            "Say why: `reject {id} <reason>`. The reason is kept."
        ))
    })?;
    Ok(Command::Reject { id, reason })
}
