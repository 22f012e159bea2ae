//! The answers to commands and clicks, which only the person who asked sees.

mod attend;
mod audit;
mod incidents;
mod more;
mod refusal;
mod status;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub use attend::{
    card_form_unopened, dismissed, feedback_taken, incident_over, incident_unknown, muted,
    no_cause, snoozed, taken, taken_already,
};
pub use audit::audit_story;
pub use incidents::{ExplainView, explanation, incidents, model_spent, nothing_to_explain};
pub use more::{
    already_proposed, already_syncing, approved_by, approved_twice, connection_gone,
    connection_unread, digest_late, doubt_settled, fivetran_unreadable, flexible_schedule,
    form_refused, form_unchanged, form_unopened, key_refused, manual_has_no_frequency, maybe_twice,
    maybe_twice_block, no_plan_yet, no_trigger, not_taken_back_yet, pause_too_long, plan_stands,
    planned, policy_refused, records_changed, rights_unknown, text_only, webhook_down, webhook_up,
};
pub use refusal::{
    Choice, ambiguous, command_error, connection_not_found, connection_paused, evidence_gone,
    expired_trigger, fivetran_down, guest, lines_unopened, not_allowed, nothing_to_undo, refused,
    same_already, self_approval, stale_revision, step_is_settled, unknown_action, unknown_proposal,
    went_wrong, wrong_workspace,
};
pub use status::{OverrideView, StatusRow, StatusView, status_empty, status_fleet, status_one};

use super::cards::{Builder, HaltView, Message, Words};
use crate::model::{Actor, ChannelId, Command, Fingerprint, ProposalId};

/// What a person may do here; roles do not nest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// May look.
    pub viewer: bool,
    /// May ask for changes.
    pub operator: bool,
    /// May decide.
    pub approver: bool,
    /// May halt.
    pub admin: bool,
}

fn answer(words: &Words) -> Message {
    Builder::new(words).build()
}

/// Who a command is for.
fn right_for(word: &str, rights: Rights) -> bool {
    match word {
        "help" => true,
        "status" | "incidents" | "explain" | "plan" | "audit" => rights.viewer,
        "take" | "mute" | "sync" | "resync" | "pause" | "resume" | "schedule" => rights.operator,
        "approve" | "modify" | "reject" | "undo" => rights.approver,
        "halt" | "unhalt" => rights.admin,
        _ => false,
    }
}

/// What a person can do here with his rights.
pub fn help(rights: Rights) -> Message {
    let mut words = Words::new()
        .bold("Help")
        .say(": what you can do here. In a thread, mention me with the same words.");
    for (word, usage) in Command::usages() {
        if right_for(word, rights) {
            words = words.say("\n").code(usage).say(" ").say(explained(word));
        }
    }
    if !(rights.viewer || rights.operator || rights.approver || rights.admin) {
        words = words.say("\nThe policy gives you no role, so you can only read this.");
    }
    answer(&words)
}

/// What a command does, by its first word.
pub fn explained(word: &str) -> &'static str {
    match word {
        "help" => "shows this",
        "status" => "shows the fleet, or one connection",
        "incidents" => "lists what is wrong now",
        "explain" => "tells why a connection's last sync failed, afresh",
        "take" => "says that you are on an incident",
        "mute" => "silences a connection for a while: no mention, no reminder, no new card",
        "sync" => "syncs now; `force` kills a running sync and always asks",
        "resync" => "reads tables, or everything, from the source again; always asks",
        "pause" => "pauses, with an end; always asks",
        "resume" => "resumes a paused connection",
        "schedule" => "changes how often it syncs",
        "plan" => "shows today's plan; `now` makes a new one",
        "approve" => "approves a proposal, like its button",
        "modify" => "opens the form to change a proposal",
        "reject" => "rejects a proposal; the reason is kept",
        "undo" => "takes back what a proposal changed, where Fivetran allows it",
        "halt" => "stops every execution at once",
        "unhalt" => "lets executions go on",
        "audit" => "tells the story of one proposal",
        _ => "",
    }
}

/// A proposal was posted.
pub fn posted(id: ProposalId, channel: &ChannelId, expires_at: DateTime<Utc>, tz: Tz) -> Message {
    answer(
        &Words::new()
            .bold("Proposed")
            .say(": #")
            .number(id)
            .say(" is in ")
            .channel(channel)
            .say(" and waits for approval until ")
            .time(expires_at, tz)
            .say("."),
    )
}

/// An operator's own command runs without a second person.
pub fn running(id: ProposalId, channel: &ChannelId) -> Message {
    answer(
        &Words::new()
            .bold("Approved")
            .say(": #")
            .number(id)
            .say(" runs by your own decision, as the policy allows; its card is in ")
            .channel(channel)
            .say("."),
    )
}

/// An approval that counts.
#[derive(Clone, Copy, Debug)]
pub struct ApprovalView<'a> {
    /// Of which proposal.
    pub id: ProposalId,
    /// Of which revision.
    pub revision: i64,
    /// Of which content.
    pub fingerprint: &'a Fingerprint,
    /// How many people have approved by now.
    pub have: u32,
    /// How many it takes.
    pub quorum: u32,
    /// Whether a halt is in force.
    pub halted: bool,
}

/// An approval counts. It names what was approved: `approve 12` did not.
pub fn approval_taken(v: &ApprovalView<'_>) -> Message {
    let words = Words::new()
        .bold("Approved")
        .say(": your approval of #")
        .number(v.id)
        .say(" counts, ")
        .number(v.have)
        .say(" of ")
        .number(v.quorum)
        .say(". You approved revision ")
        .number(v.revision)
        .say(", fingerprint ")
        .hex(v.fingerprint.as_str(), 8);
    answer(&match (v.have < v.quorum, v.halted) {
        (true, _) => words.say(". It waits for more."),
        (false, true) => words
            .say(". It waits for the end of the halt: ")
            .code("unhalt")
            .say(" lets it go on."),
        (false, false) => words.say(". It runs."),
    })
}

/// A rejection counts.
pub fn rejection_taken(id: ProposalId) -> Message {
    answer(
        &Words::new()
            .bold("Rejected")
            .say(": #")
            .number(id)
            .say(" is rejected with your reason. Nothing changes."),
    )
}

/// A modification was saved.
pub fn modified(id: ProposalId, revision: i64) -> Message {
    answer(
        &Words::new()
            .bold("Modified")
            .say(": revision ")
            .number(revision)
            .say(" of #")
            .number(id)
            .say(" is the current one."),
    )
}

/// An undo is on its way; what is still to be settled is not part of it.
pub fn undoing(id: ProposalId, changes: usize, on_their_way: usize) -> Message {
    let words = Words::new()
        .bold("Undoing")
        .say(" ")
        .count(changes, "change", "changes")
        .say(" of #")
        .number(id)
        .say("; the card tells each.");
    answer(&match on_their_way {
        0 => words,
        n => words
            .say(" ")
            .number(n)
            .say(" more still on the way: undo again when the card says Done."),
    })
}

/// What is asked to be undone is not settled yet.
pub fn still_on_their_way(id: ProposalId, changes: usize) -> Message {
    answer(
        &Words::new()
            .bold("Not yet")
            .say(": ")
            .count(changes, "change", "changes")
            .say(" of #")
            .number(id)
            .say(match changes {
                1 => " is still on its way; ",
                _ => " are still on their way; ",
            })
            .say("undo again when the card says Done."),
    )
}

/// Executions are halted; for the channel.
pub fn halt_announced(halt: &HaltView, waiting: usize, tz: Tz) -> Message {
    let words = Words::new()
        .bold("Halted")
        .say(" by ")
        .actor(&halt.by)
        .say(", ")
        .time(halt.at, tz);
    let words = match &halt.reason {
        Some(reason) => words.say(": ").quote(reason, 500),
        None => words,
    };
    answer(
        &words
            .say(". Nothing is sent to Fivetran; ")
            .count(waiting, "action waits", "actions wait")
            .say(". ")
            .code("unhalt")
            .say(" lets them go on; those past their time are skipped then."),
    )
}

/// Executions go on; for the channel.
pub fn unhalt_announced(by: &Actor, at: DateTime<Utc>, waiting: usize, tz: Tz) -> Message {
    answer(
        &Words::new()
            .bold("Unhalted")
            .say(" by ")
            .actor(by)
            .say(", ")
            .time(at, tz)
            .say(": ")
            .count(waiting, "action goes on", "actions go on")
            .say(", those past their time are skipped."),
    )
}

/// `halt` while halted, `unhalt` while not.
pub fn halt_is_so(halt: Option<&HaltView>, tz: Tz) -> Message {
    let words = Words::new();
    answer(&match halt {
        Some(halt) => words
            .bold("Halted")
            .say(" already, by ")
            .actor(&halt.by)
            .say(", ")
            .time(halt.at, tz)
            .say("."),
        None => words
            .bold("Not halted")
            .say(": there is nothing to let go on."),
    })
}
