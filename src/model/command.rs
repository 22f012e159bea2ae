//! The words that people type after `/syncgate`, or after `@syncgate` in a thread (SPEC §4).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::ProposalId;
use super::schedule::{DailyTime, Frequency};

/// What a person asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "the commands and their arguments are SPEC §4's table"
)]
pub enum Command {
    Help,
    Status {
        connection: Option<String>,
    },
    Sync {
        connection: String,
        force: bool,
    },
    Resync {
        connection: String,
        tables: Vec<String>,
    },
    Pause {
        connection: String,
        minutes: Option<i64>,
    },
    Resume {
        connection: String,
    },
    Schedule {
        connection: String,
        schedule: Schedule,
    },
    Plan {
        now: bool,
    },
    Approve {
        id: ProposalId,
    },
    Modify {
        id: ProposalId,
    },
    Reject {
        id: ProposalId,
        reason: String,
    },
    Undo {
        id: ProposalId,
    },
    Halt {
        reason: Option<String>,
    },
    Unhalt,
    Audit {
        id: ProposalId,
    },
    Incidents,
    Explain {
        what: String,
    },
}

/// What `schedule` sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// How often.
    pub frequency: Frequency,
    /// At which hour, once a day.
    pub daily: Option<DailyTime>,
}

/// Words that are no command, with what to type instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// For the person, in one or two sentences.
    pub message: String,
}

fn wrong(message: impl Into<String>) -> CommandError {
    CommandError {
        message: message.into(),
    }
}

/// In minutes.
const LONGEST_PAUSE: i64 = 366 * 24 * 60;

/// The first words that are understood, with their usage.
const USAGE: [(&str, &str); 17] = [
    ("help", "help"),
    ("status", "status [connection]"),
    ("incidents", "incidents"),
    ("explain", "explain <connection or incident>"),
    ("sync", "sync <connection> [force]"),
    ("resync", "resync <connection> [schema.table …]"),
    ("pause", "pause <connection> [for 2h]"),
    ("resume", "resume <connection>"),
    (
        "schedule",
        "schedule <connection> every 6h, or daily at 03:00",
    ),
    ("plan", "plan [now]"),
    ("approve", "approve <number>"),
    ("modify", "modify <number>"),
    ("reject", "reject <number> <reason>"),
    ("undo", "undo <number>"),
    ("halt", "halt [reason]"),
    ("unhalt", "unhalt"),
    ("audit", "audit <number>"),
];

impl Command {
    /// The longest text that is read; what is longer is refused, not cut.
    pub const MAX_CHARS: usize = 2_000;

    /// Every first word with its usage, for the help text.
    pub fn usages() -> impl Iterator<Item = (&'static str, &'static str)> {
        USAGE.into_iter()
    }

    /// Whether Fivetran is read before it is answered: such a command may have to wait.
    pub fn reads_fivetran(&self) -> bool {
        match self {
            Self::Status { .. }
            | Self::Sync { .. }
            | Self::Resync { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Schedule { .. }
            | Self::Explain { .. }
            | Self::Plan { .. } => true,
            Self::Help
            | Self::Approve { .. }
            | Self::Modify { .. }
            | Self::Reject { .. }
            | Self::Undo { .. }
            | Self::Halt { .. }
            | Self::Unhalt
            | Self::Incidents
            | Self::Audit { .. } => false,
        }
    }

    /// Whether it changes and decides nothing.
    pub fn only_looks(&self) -> bool {
        match self {
            Self::Help
            | Self::Status { .. }
            | Self::Incidents
            | Self::Explain { .. }
            | Self::Plan { now: false }
            | Self::Audit { .. } => true,
            Self::Sync { .. }
            | Self::Resync { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Schedule { .. }
            | Self::Plan { now: true }
            | Self::Approve { .. }
            | Self::Modify { .. }
            | Self::Reject { .. }
            | Self::Undo { .. }
            | Self::Halt { .. }
            | Self::Unhalt => false,
        }
    }

    /// Reads a command.
    ///
    /// # Errors
    /// In words for the person: the usage, or the nearest command.
    pub fn parse(text: &str) -> Result<Self, CommandError> {
        if text.chars().count() > Self::MAX_CHARS {
            return Err(wrong(format!(
                "That is more than {} characters; try `help`.",
                Self::MAX_CHARS
            )));
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let Some((first, rest)) = words.split_first() else {
            return Ok(Self::Help);
        };
        let word = first.to_lowercase();
        match word.as_str() {
            "help" => Ok(Self::Help),
            "status" => Ok(Self::Status {
                connection: joined(rest),
            }),
            "incidents" => Ok(Self::Incidents),
            "explain" => Ok(Self::Explain {
                what: one(rest, "explain")?,
            }),
            "sync" => sync(rest),
            "resync" => resync(rest),
            "pause" => pause(rest),
            "resume" => Ok(Self::Resume {
                connection: one(rest, "resume")?,
            }),
            "schedule" => schedule(rest),
            "plan" => plan(rest),
            "approve" => Ok(Self::Approve {
                id: number(rest, "approve")?,
            }),
            "modify" => Ok(Self::Modify {
                id: number(rest, "modify")?,
            }),
            "reject" => reject(rest),
            "undo" => Ok(Self::Undo {
                id: number(rest, "undo")?,
            }),
            "halt" => Ok(Self::Halt {
                reason: joined(rest),
            }),
            "unhalt" => Ok(Self::Unhalt),
            "audit" => Ok(Self::Audit {
                id: number(rest, "audit")?,
            }),
            _ => Err(unknown(&word)),
        }
    }
}

fn unknown(word: &str) -> CommandError {
    let nearest = USAGE
        .into_iter()
        .map(|(known, usage)| (strsim::jaro_winkler(word, known), usage))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.7);
    match nearest {
        Some((_, usage)) => wrong(format!("There is no such command. Did you mean `{usage}`?")),
        None => wrong("There is no such command. `help` lists what you can do here."),
    }
}

fn usage(command: &str) -> CommandError {
    let usage = USAGE
        .into_iter()
        .find(|(word, _)| *word == command)
        .map_or(command, |(_, u)| u);
    wrong(format!("Write `{usage}`."))
}

fn joined(words: &[&str]) -> Option<String> {
    (!words.is_empty()).then(|| words.join(" "))
}

fn one(words: &[&str], command: &str) -> Result<String, CommandError> {
    joined(words).ok_or_else(|| usage(command))
}

fn number(words: &[&str], command: &str) -> Result<ProposalId, CommandError> {
    match words {
        [number] => {
            let digits = number.strip_prefix('#').unwrap_or(number);
            digits.parse().map(ProposalId).map_err(|_| usage(command))
        }
        _ => Err(usage(command)),
    }
}

fn sync(words: &[&str]) -> Result<Command, CommandError> {
    let (force, name) = match words.split_last() {
        Some((last, name)) if last.eq_ignore_ascii_case("force") => (true, name),
        _ => (false, words),
    };
    Ok(Command::Sync {
        connection: one(name, "sync")?,
        force,
    })
}

fn resync(words: &[&str]) -> Result<Command, CommandError> {
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

fn pause(words: &[&str]) -> Result<Command, CommandError> {
    let at = words
        .iter()
        .position(|word| word.eq_ignore_ascii_case("for"));
    let (name, minutes) = match at {
        Some(at) => {
            let span = words[at + 1..].join("");
            let minutes = minutes(&span)?;
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

fn minutes(span: &str) -> Result<i64, CommandError> {
    let unclear = || {
        wrong(format!(
            "`{span}` is not a length of time; write 30m, 2h or 1d."
        ))
    };
    let span: Duration = humantime::parse_duration(span).map_err(|_| unclear())?;
    let minutes = i64::try_from(span.as_secs() / 60).map_err(|_| unclear())?;
    if minutes < 1 {
        return Err(wrong("The shortest pause is one minute."));
    }
    Ok(minutes)
}

fn schedule(words: &[&str]) -> Result<Command, CommandError> {
    let at = words
        .iter()
        .position(|word| word.eq_ignore_ascii_case("every") || word.eq_ignore_ascii_case("daily"))
        .ok_or_else(|| usage("schedule"))?;
    let connection = one(&words[..at], "schedule")?;
    let rest = &words[at + 1..];
    let schedule = if words[at].eq_ignore_ascii_case("every") {
        let span = rest.join("");
        let minutes = minutes(&span)?;
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

fn plan(words: &[&str]) -> Result<Command, CommandError> {
    match words {
        [] => Ok(Command::Plan { now: false }),
        [now] if now.eq_ignore_ascii_case("now") => Ok(Command::Plan { now: true }),
        _ => Err(usage("plan")),
    }
}

fn reject(words: &[&str]) -> Result<Command, CommandError> {
    let (first, reason) = words.split_first().ok_or_else(|| usage("reject"))?;
    let id = number(&[first], "reject")?;
    let reason = joined(reason).ok_or_else(|| {
        wrong(format!(
            "Say why: `reject {id} <reason>`. The reason is kept."
        ))
    })?;
    Ok(Command::Reject { id, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match Command::parse(text) {
            Ok(command) => format!("{command:?}"),
            Err(error) => error.message,
        }
    }

    #[test]
    fn commands_are_read_as_people_type_them() {
        insta::assert_snapshot!(said("sync salesforce"), @r#"Sync { connection: "salesforce", force: false }"#);
        insta::assert_snapshot!(said("SYNC  sales force FORCE"), @r#"Sync { connection: "sales force", force: true }"#);
        insta::assert_snapshot!(said("pause orders for 2 h"), @r#"Pause { connection: "orders", minutes: Some(120) }"#);
        insta::assert_snapshot!(said("schedule orders every 6h"), @r#"Schedule { connection: "orders", schedule: Schedule { frequency: Frequency(360), daily: None } }"#);
        insta::assert_snapshot!(said("schedule orders daily at 03:00"), @r#"Schedule { connection: "orders", schedule: Schedule { frequency: Frequency(1440), daily: Some(DailyTime(3)) } }"#);
        insta::assert_snapshot!(said("approve #12"), @"Approve { id: ProposalId(12) }");
        insta::assert_snapshot!(said(""), @"Help");
    }

    #[test]
    fn what_is_no_command_is_answered_with_the_nearest() {
        insta::assert_snapshot!(said("synch salesforce"), @"There is no such command. Did you mean `sync <connection> [force]`?");
        insta::assert_snapshot!(said("xyzzy"), @"There is no such command. `help` lists what you can do here.");
        insta::assert_snapshot!(said("reject 3"), @"Say why: `reject 3 <reason>`. The reason is kept.");
        insta::assert_snapshot!(said("schedule orders every 7h"), @"Fivetran does not sync every 420 minutes; the nearest it takes is 6h (it takes 1m, 5m, 15m, 30m, 1h, 2h, 3h, 6h, 8h, 12h, 24h)");
        insta::assert_snapshot!(said("resync orders customers"), @"`customers` is not a table: write schema.table, as the source spells it.");
        insta::assert_snapshot!(said("pause orders for 300000y"), @"The longest pause is 366 days.");
        insta::assert_snapshot!(said("approve twelve"), @"Write `approve <number>`.");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = Command::parse(&text);
        }

        #[test]
        fn no_arguments_make_a_command_panic(word in "(sync|pause|schedule|reject|resync|approve)", rest in "[ a-z0-9.:#,]*") {
            let _ = Command::parse(&format!("{word} {rest}"));
        }
    }
}
