//! Answers about connections, plans and the service itself, and the plain forms of a message.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
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

/// No rule of the policy can be asked about a connection of which nothing is known.
pub fn connection_unread(name: &str) -> Message {
    answer(
        &Words::new()
            .bold("Not approved")
            .say(": Syncgate knows nothing of the connection ")
            .id(name)
            .say(" at the moment, so it cannot tell which of the policy's rules hold for it. ")
            .say("Ask for the change again once Fivetran shows the connection."),
    )
}

/// A frequency has no effect beside a flexible schedule.
pub fn flexible_schedule(name: &str, kind: &str) -> Message {
    answer(
        &Words::new()
            .bold("Not changed")
            .say(": ")
            .name(name)
            .say(" runs by a schedule of the kind ")
            .id(kind)
            .say(", which rules over the sync frequency: Fivetran would take a new frequency and ")
            .say("go on as before. Change the schedule in Fivetran."),
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

/// A person said what no reading could tell.
pub fn doubt_settled(id: ProposalId, ran: bool) -> Message {
    let words = Words::new()
        .bold("Noted")
        .say(": that action of #")
        .number(id);
    answer(&words.say(if ran {
        " counts as done, because you saw that it ran."
    } else {
        " counts as failed, because you saw that it did not run. Ask again if it is still wanted."
    }))
}

/// Nothing in the form differs from the revision that it shows.
pub fn form_unchanged() -> Message {
    answer(&Words::new().say("Nothing was changed. Approve it as it is, or change something."))
}

/// A form did not open, for a reason that is not the person's.
pub fn form_unopened(command: &'static str, id: ProposalId, why: &str) -> Message {
    answer(
        &Words::new()
            .bold("Failed")
            .say(": the form did not open. ")
            .quote(why, 300)
            .say(". Nothing was changed; click again in a minute, or write ")
            .command(command, id)
            .say("."),
    )
}

/// A mention cannot open a form: Slack gives it nothing to open one with.
pub fn no_trigger(command: &'static str, id: ProposalId) -> Message {
    answer(
        &refusal()
            .say("a mention cannot open a form. Use the button on the card of #")
            .number(id)
            .say(", or write ")
            .command(command, id)
            .say(" as a slash command."),
    )
}

/// What was wrong with a form that Slack had closed by the time it was read.
pub fn form_refused<'a>(
    id: Option<ProposalId>,
    errors: impl IntoIterator<Item = &'a String>,
) -> Message {
    let words = Words::new().bold("Not saved").say(": the form");
    let words = match id {
        Some(id) => words.say(" of #").number(id),
        None => words,
    };
    let words = words.say(" was not taken, and Slack had closed it by then. ");
    let words = errors
        .into_iter()
        .take(5)
        .fold(words, |words, error| words.quote(error, 300).say(" "));
    answer(&words.say("Open it again from the card."))
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

/// The digest's time has come, but Fivetran cannot be read.
pub fn digest_late(day: NaiveDate, until: DateTime<Utc>, tz: Tz) -> Message {
    let day = day.format("%A, %-d %B").to_string();
    answer(
        &Words::new()
            .bold("Unknown")
            .say(": the plan of ")
            .quote(&day, 40)
            .say(" is late, since Fivetran does not answer. Syncgate tries again every minute until ")
            .time(until, tz)
            .say(" and posts the plan as soon as it can."),
    )
}

/// Fivetran's webhook does not post.
pub fn webhook_down(faults: &str) -> Message {
    answer(
        &Words::new()
            .bold("Unknown")
            .say(": Fivetran's webhook does not tell of failures. ")
            .quote(faults, 400)
            .say(" Whoever runs Syncgate repairs it with `syncgate webhook install`. Until then failures are found by reading the account, some time later."),
    )
}

/// It does again.
pub fn webhook_up() -> Message {
    answer(
        &Words::new()
            .bold("Resolved")
            .say(": Fivetran's webhook tells of failures again."),
    )
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
            .say(": the policy file cannot be taken up, so the one before stays in force. ")
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
