//! Why not, and what to do instead.

use chrono_tz::Tz;

use super::answer;
use crate::model::{CommandError, ConnectionId, IncidentId, ProposalId, Refusal};
use crate::slack::cards::{Builder, Message, Words, button};

pub(super) fn refusal() -> Words {
    Words::new().bold("Refused").say(": ")
}

/// The proposal takes no decision any more.
pub fn refused(id: ProposalId, why: &Refusal, tz: Tz) -> Message {
    let words = refusal().say("#").number(id);
    answer(&match why {
        Refusal::AlreadyApproved => words.say(" is approved already."),
        Refusal::AlreadyRejected(by) => words.say(" was rejected by ").actor(by).say(" already."),
        Refusal::Expired(at) => words
            .say(" expired ")
            .time(*at, tz)
            .say(". Nothing was changed; ask again to get a new one."),
        Refusal::Superseded(Some(by)) => words.say(" was replaced by #").number(*by).say("."),
        Refusal::Superseded(None) => {
            words.say(" is no longer needed: what it was for is over, or needs something else.")
        }
        Refusal::NotProposed => words.say(" is not put forward for a decision."),
    })
}

/// The button belongs to an older revision.
pub fn stale_revision(id: ProposalId, current: i64) -> Message {
    answer(
        &refusal()
            .say("#")
            .number(id)
            .say(" was changed: revision ")
            .number(current)
            .say(" is the current one. Look at the card again before you decide."),
    )
}

/// The person has not the right.
pub fn not_allowed(what: &'static str, may: &[String]) -> Message {
    let words = refusal().say("you may not ").say(what).say(" here. ");
    answer(&if may.is_empty() {
        words.say("The policy allows it to nobody.")
    } else {
        words.say("Ask one of ").roles(may).say(".")
    })
}

/// Whoever asked may not approve alone.
pub fn self_approval(id: ProposalId, may: &[String]) -> Message {
    answer(
        &refusal()
            .say("you asked for #")
            .number(id)
            .say(" or widened it, so somebody else has to approve it: ")
            .roles(may)
            .say("."),
    )
}

/// A guest of our own workspace.
pub fn guest() -> Message {
    answer(&refusal().say(
        "guests of the workspace may not give orders to Syncgate. Ask a full member to do it.",
    ))
}

/// Another workspace or a bot.
pub fn wrong_workspace() -> Message {
    answer(&refusal().say("Syncgate takes orders only from members of its own workspace."))
}

/// A button or form that this version does not know.
pub fn unknown_action() -> Message {
    answer(&refusal().say(
        "this version of Syncgate does not know that button. Use the newest card of the proposal.",
    ))
}

/// The form came too late to be opened.
pub fn expired_trigger(command: &'static str, id: ProposalId) -> Message {
    answer(
        &refusal()
            .say("Slack gave Syncgate three seconds to open the form, and they had passed. Click again, or write ")
            .command(command, id)
            .say("."),
    )
}

/// What an incident's cause was read from is not kept, or not any more.
pub fn evidence_gone(id: IncidentId) -> Message {
    answer(
        &Words::new()
            .bold("Not found")
            .say(": the lines of incident ")
            .number(id)
            .say(" are not kept any more. ")
            .command("explain", id)
            .say(" reads them afresh while it is open."),
    )
}

/// The lines cannot be shown, for a reason that is not the person's.
pub fn lines_unopened(why: &str) -> Message {
    answer(
        &Words::new()
            .bold("Failed")
            .say(": the lines could not be shown. ")
            .quote(why, 300)
            .say(". Click again in a minute."),
    )
}

/// No proposal has that number.
pub fn unknown_proposal(id: ProposalId) -> Message {
    answer(
        &Words::new()
            .bold("Not found")
            .say(": there is no #")
            .number(id)
            .say("."),
    )
}

/// Nothing of the proposal can be taken back.
pub fn nothing_to_undo(id: ProposalId) -> Message {
    answer(
        &refusal()
            .say("nothing of #")
            .number(id)
            .say(" can be taken back: nothing was done, or Fivetran has no way back."),
    )
}

/// Somebody has said already what became of a step, or a reading has.
pub fn step_is_settled(id: ProposalId) -> Message {
    answer(
        &refusal()
            .say("what became of that action of #")
            .number(id)
            .say(" is settled already."),
    )
}

/// Words that are no command.
pub fn command_error(error: &CommandError) -> Message {
    answer(
        &Words::new()
            .bold("Not understood")
            .say(": ")
            .ticked(&error.message, 500),
    )
}

/// No connection is called so; `near` are the nearest names.
pub fn connection_not_found(typed: &str, near: &[String]) -> Message {
    let words = Words::new()
        .bold("Not found")
        .say(": no connection is called ")
        .quote(typed, 100)
        .say(".");
    let words = match near.split_first() {
        Some((first, rest)) => {
            let words = words.say(" Did you mean ").name(first);
            rest.iter()
                .take(4)
                .fold(words, |words, name| words.say(", ").name(name))
                .say("?")
        }
        None => words.say(" ").code("status").say(" lists them all."),
    };
    answer(&words)
}

/// A connection that a name may mean, with the command that names it by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The connection.
    pub id: ConnectionId,
    /// Its schema name.
    pub name: String,
    /// Its group's name.
    pub group: String,
    /// The whole command with the id in the name's place: `sync abc_def`.
    pub command: String,
}

/// Buttons that an ambiguous name answers with.
const CHOICES: usize = 10;

/// The name means several connections: buttons `choose:<n>` carry the command with the id.
pub fn ambiguous(typed: &str, choices: &[Choice]) -> Message {
    let mut words = Words::new()
        .bold("Which one")
        .say("? ")
        .quote(typed, 100)
        .say(" means ")
        .count(choices.len(), "connection", "connections")
        .say(":");
    for choice in choices.iter().take(CHOICES) {
        words = words
            .say("\n• ")
            .name(&choice.name)
            .say(" ")
            .id(choice.id.as_str())
            .say(" in ")
            .quote(&choice.group, 60);
    }
    let more = choices.len().saturating_sub(CHOICES);
    if more > 0 {
        words = words
            .say("\n… and ")
            .number(more)
            .say(" more; write more of the name.");
    }
    let buttons = choices
        .iter()
        .take(CHOICES)
        .enumerate()
        .filter(|(_, choice)| is_one_word(choice.id.as_str()) && choice.command.len() <= 2_000)
        .map(|(n, choice)| {
            let label = Words::new()
                .quote(&choice.name, 40)
                .say(" ")
                .quote(choice.id.as_str(), 30);
            button(&format!("choose:{n}"), &label.plain(), &choice.command)
        })
        .collect();
    Builder::new(&words).buttons(buttons).build()
}

/// A sync of a paused connection: the way is to resume it, then to sync.
pub fn connection_paused(name: &str, id: &ConnectionId) -> Message {
    let words = refusal()
        .name(name)
        .say(" is paused, and Fivetran does not sync what is paused. Resume it, then sync:");
    let buttons = [("resume", "Resume"), ("sync", "Sync now")]
        .into_iter()
        .enumerate()
        .filter(|_| is_one_word(id.as_str()))
        .map(|(n, (word, label))| button(&format!("choose:{n}"), label, &format!("{word} {id}")))
        .collect();
    Builder::new(&words).buttons(buttons).build()
}

/// Whether an id stays one word, and one connection, in a command: Fivetran's do.
fn is_one_word(id: &str) -> bool {
    (1..=200).contains(&id.len())
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// It is as wished already.
pub fn same_already(name: &str, what: &'static str) -> Message {
    answer(
        &Words::new()
            .bold("Nothing to do")
            .say(": ")
            .name(name)
            .say(" is ")
            .say(what)
            .say(" already."),
    )
}

/// Fivetran does not answer, so nothing is claimed.
pub fn fivetran_down() -> Message {
    answer(&Words::new().bold("Unknown").say(
        ": Fivetran does not answer. Nothing was changed and nothing is guessed; try again in some minutes.",
    ))
}

/// Our fault.
pub fn went_wrong() -> Message {
    answer(&Words::new().bold("Failed").say(
        ": something went wrong on Syncgate's side. It is in the log; nothing was changed by this.",
    ))
}
