//! Answers about connections, plans and the service itself, and the plain forms of a message.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::answer;
use super::refusal::refusal;
use crate::model::{ConnectionId, ProposalId, UserId};
use crate::slack::cards::{Message, Words};

/// Slack does not say who somebody is: nobody is let through on a guess.
pub fn rights_unknown() -> Message {
    answer(&refusal().say(
        "Slack does not tell Syncgate who you are right now, so your rights cannot be checked. Nothing was done; try again in a minute.",
    ))
}

/// The connection cannot be read, so nothing is claimed and nothing done.
pub fn fivetran_unreadable(why: &str) -> Message {
    answer(
        &Words::new()
            .bold("Unknown")
            .say(": the connection cannot be read now, so nothing was done. ")
            .quote(why, 300),
    )
}

/// Fivetran says that the connection is gone.
pub fn connection_gone(name: &str) -> Message {
    answer(
        &Words::new()
            .bold("Not found")
            .say(": Fivetran has no connection ")
            .id(name)
            .say(" any more."),
    )
}

/// A sync is running; only force would do something.
pub fn already_syncing(name: &str, id: &ConnectionId) -> Message {
    answer(
        &Words::new()
            .bold("Nothing to do")
            .say(": ")
            .name(name)
            .say(" is syncing now. To kill that sync and start over, write ")
            .code("sync")
            .say(" ")
            .id(id.as_str())
            .say(" ")
            .code("force")
            .say("; that asks for approval."),
    )
}

/// Under `manual` a frequency means nothing.
pub fn manual_has_no_frequency(name: &str) -> Message {
    answer(&refusal().name(name).say(
        " has the schedule type manual: only a call starts its syncs, and a frequency would change nothing.",
    ))
}

/// The policy bounds a pause, since a long one can force a re-sync.
pub fn pause_too_long(name: &str, longest: TimeDelta) -> Message {
    answer(
        &refusal()
            .name(name)
            .say(" may be paused for at most ")
            .number(longest.num_minutes())
            .say(" minutes (max_pause): a longer pause can lose the source's log and force a re-sync."),
    )
}

/// The same thing waits for a decision already.
pub fn already_proposed(id: ProposalId, name: &str) -> Message {
    answer(
        &Words::new()
            .bold("Nothing to do")
            .say(": #")
            .number(id)
            .say(" asks for the same of ")
            .name(name)
            .say(" and waits for a decision."),
    )
}

/// A second approval by the same person.
pub fn approved_twice(id: ProposalId, have: usize, quorum: u32) -> Message {
    answer(
        &Words::new()
            .bold("Nothing to do")
            .say(": you have approved #")
            .number(id)
            .say(" already; it has ")
            .number(have)
            .say(" of ")
            .number(quorum)
            .say(" approvals."),
    )
}

/// Somebody else was faster; says who.
pub fn approved_by(id: ProposalId, by: &[UserId]) -> Message {
    let mut words = refusal().say("#").number(id).say(" is approved already");
    for (i, user) in by.iter().take(5).enumerate() {
        words = words.say(if i == 0 { " by " } else { ", " }).user(user);
    }
    answer(&words.say("."))
}

/// Where today's plan stands.
pub fn plan_stands(id: ProposalId, state: &'static str) -> Message {
    let words = Words::new()
        .bold("Plan")
        .say(": the last one is #")
        .number(id)
        .say(", ")
        .say(state)
        .say(". ");
    answer(&words.code("plan now").say(" makes a new one."))
}

/// No plan was made yet.
pub fn no_plan_yet() -> Message {
    answer(
        &Words::new()
            .bold("Plan")
            .say(": there is none yet. ")
            .code("plan now")
            .say(" makes one."),
    )
}

/// A plan was made.
pub fn planned(changes: usize) -> Message {
    let words = Words::new().bold("Plan").say(": ");
    answer(&match changes {
        0 => words.say("nothing has to change; the channel says so."),
        n => words
            .count(n, "change is", "changes are")
            .say(" proposed in the channel."),
    })
}

/// Fivetran refuses our key: nothing can be done until somebody mends it.
pub fn key_refused() -> Message {
    answer(&Words::new().bold("Failed").say(
        ": Fivetran refuses Syncgate's API key, so nothing is sent. Make a new key in Fivetran, put it into FIVETRAN_API_KEY and FIVETRAN_API_SECRET, and restart Syncgate.",
    ))
}

/// Something is still not taken back after several tries.
pub fn not_taken_back_yet(id: ProposalId, connection: &ConnectionId) -> Message {
    answer(
        &Words::new()
            .bold("Failed")
            .say(": what #")
            .number(id)
            .say(" changed on ")
            .id(connection.as_str())
            .say(" cannot be taken back yet. Until then it stays as it is; Syncgate goes on trying, ever more seldom, and the card says why. Who cannot wait changes it in Fivetran."),
    )
}

/// The stored records of a proposal are not what was approved.
pub fn records_changed(id: ProposalId, what: &str) -> Message {
    answer(
        &Words::new()
            .bold("Refused")
            .say(": the stored records of #")
            .number(id)
            .say(" are not what was approved, so they are not executed: ")
            .quote(what, 300)
            .say(". Somebody changed the database behind Syncgate's back; ")
            .code("syncgate audit verify")
            .say(" checks the chain."),
    )
}

/// A changed policy file is wrong; the one before stays in force.
pub fn policy_refused(why: &str) -> Message {
    answer(
        &Words::new()
            .bold("Failed")
            .say(": the changed policy file is wrong, so the one before stays in force. ")
            .quote(why, 1_500),
    )
}

/// The text of a post that may stand in the channel a second time.
pub fn maybe_twice(text: &str) -> String {
    format!(
        "{text} (This message may stand here twice: Slack did not say whether the first came through.)"
    )
}

/// The same as a block.
pub fn maybe_twice_block() -> Value {
    json!({ "type": "context", "elements": [{
        "type": "plain_text",
        "text": "This message may stand here twice: Slack did not say whether the first came through.",
    }]})
}

/// Blocks that say no more than the fallback text: for when Slack refuses the rest.
pub fn text_only(text: &str) -> Value {
    let text: String = text.chars().take(2_900).collect();
    json!([{ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } }])
}
