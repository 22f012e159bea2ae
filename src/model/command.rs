//! The words that people type after `/syncgate`, or after `@syncgate` in a thread (SPEC §4).

mod arguments;

use serde::{Deserialize, Serialize};

use super::ids::{IncidentId, ProposalId};
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
    Take {
        incident: IncidentId,
    },
    Mute {
        connection: String,
        minutes: i64,
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

/// The first words that are understood, with their usage.
const USAGE: [(&str, &str); 19] = [
    ("help", "help"),
    ("status", "status [connection]"),
    ("incidents", "incidents"),
    ("explain", "explain <connection or incident>"),
    ("take", "take <incident>"),
    ("mute", "mute <connection> for 2h"),
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
            | Self::Mute { .. }
            | Self::Plan { .. } => true,
            Self::Help
            | Self::Approve { .. }
            | Self::Modify { .. }
            | Self::Reject { .. }
            | Self::Undo { .. }
            | Self::Halt { .. }
            | Self::Unhalt
            | Self::Incidents
            | Self::Take { .. }
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
            | Self::Take { .. }
            | Self::Mute { .. }
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
                connection: arguments::joined(rest),
            }),
            "incidents" => Ok(Self::Incidents),
            "explain" => Ok(Self::Explain {
                what: arguments::one(rest, "explain")?,
            }),
            "take" => arguments::take(rest),
            "mute" => arguments::mute(rest),
            "sync" => arguments::sync(rest),
            "resync" => arguments::resync(rest),
            "pause" => arguments::pause(rest),
            "resume" => Ok(Self::Resume {
                connection: arguments::one(rest, "resume")?,
            }),
            "schedule" => arguments::schedule(rest),
            "plan" => arguments::plan(rest),
            "approve" => Ok(Self::Approve {
                id: arguments::number(rest, "approve")?,
            }),
            "modify" => Ok(Self::Modify {
                id: arguments::number(rest, "modify")?,
            }),
            "reject" => arguments::reject(rest),
            "undo" => Ok(Self::Undo {
                id: arguments::number(rest, "undo")?,
            }),
            "halt" => Ok(Self::Halt {
                reason: arguments::joined(rest),
            }),
            "unhalt" => Ok(Self::Unhalt),
            "audit" => Ok(Self::Audit {
                id: arguments::number(rest, "audit")?,
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
        insta::assert_snapshot!(said("take #4"), @"Take { incident: IncidentId(4) }");
        insta::assert_snapshot!(said("take incident 4"), @"Take { incident: IncidentId(4) }");
        insta::assert_snapshot!(said("mute orders for 2 h"), @r#"Mute { connection: "orders", minutes: 120 }"#);
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
        insta::assert_snapshot!(said("mute orders"), @"Write `mute <connection> for 2h`.");
        insta::assert_snapshot!(said("mute orders for 8d"), @"The longest mute is 7 days.");
        insta::assert_snapshot!(said("mute orders for 10s"), @"The shortest mute is one minute.");
        insta::assert_snapshot!(said("take orders"), @"Write `take <incident>`.");
        insta::assert_snapshot!(said("approve twelve"), @"Write `approve <number>`.");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = Command::parse(&text);
        }

        #[test]
        fn no_arguments_make_a_command_panic(word in "(sync|pause|schedule|reject|resync|approve|take|mute)", rest in "[ a-z0-9.:#,]*") {
            let _ = Command::parse(&format!("{word} {rest}"));
        }
    }
}
