//! The forms: modify, reject, and the one that stands while something loads.
//!
//! What a submission sends back, in `view.state.values[block_id][action_id]`:
//!
//! | form (`callback_id`) | block_id | action_id | element | value |
//! |---|---|---|---|---|
//! | `modify` | `line:<position>:keep` | `v` | `static_select` | `selected_option.value`: `keep` or `drop` |
//! | `modify` | `line:<position>:until` | `v` | `datetimepicker` | `selected_date_time`: Unix seconds; absent = no end |
//! | `modify` | `line:<position>:time` | `v` | `datetimepicker` | `selected_date_time`: Unix seconds |
//! | `modify` | `line:<position>:minutes` | `v` | `static_select` | `selected_option.value`: one of [`Frequency::ALLOWED`] |
//! | `modify` | `line:<position>:hour` | `v` | `static_select` | `selected_option.value`: `0`–`23`, or `none` |
//! | `modify` | `line:<position>:force` | `v` | `static_select` | `selected_option.value`: `force` or `plain` |
//! | `reject` | `reason` | `v` | `plain_text_input` | `value`: 1 to 1,000 characters |
//!
//! | `dismiss` | `reason` | `v` | `plain_text_input` | `value`: 1 to 1,000 characters |
//! | `feedback` | `category` | `v` | `static_select` | `selected_option.value`: a kind of cause, or `unknown` |
//!
//! `<position>` counts a revision's lines from 0. `private_metadata` is the button's value: proposal,
//! revision, fingerprint. `time` is `sync_at`'s, `until` the end of a pause or of a frequency,
//! `minutes` and `hour` are a frequency's; `hour` counts only with 1440 minutes. `force` is there
//! only where the line forces already: a form never widens to it. A line without a block stays as
//! it is.

use serde_json::{Value, json};
use slack_morphism::prelude::*;

use super::cards::{
    ProposalView, Words, asked, blocks_json, button_value, now_of, numbered_line, option,
    plain_text, slack_time,
};
use crate::model::{Action, Frequency, IncidentId, Line};

/// Lines that the form offers; each takes up to four blocks of the hundred.
pub const LINES: usize = 20;
/// Lines of evidence that are shown; a form takes a hundred blocks.
const SHOWN: usize = 90;
/// The block of the reject form that holds the reason.
pub const REASON: &str = "reason";

/// The block of the feedback form that holds what it really was.
pub const CATEGORY: &str = "category";
/// What a person chooses who does not know what it really was.
pub const UNKNOWN: &str = "unknown";

/// Where a form shows what is wrong with the whole of it, when nothing in it was filled in.
pub fn first_field(callback_id: &str) -> &'static str {
    match callback_id {
        "reject" | "dismiss" => REASON,
        "feedback" => CATEGORY,
        _ => "line:0:keep",
    }
}

/// The form to modify a proposal.
pub fn modify_modal(v: &ProposalView<'_>) -> Value {
    let mut blocks = vec![
        Words::new()
            .say("Revision ")
            .number(v.revision.number)
            .say(" of #")
            .number(v.proposal.id)
            .say(". Saving makes a new revision; it asks again for what it adds.")
            .block(),
    ];
    for (position, line) in v.revision.lines.iter().enumerate().take(LINES) {
        blocks.extend(line_blocks(v, position, line));
    }
    let left_out = v.revision.lines.len().saturating_sub(LINES);
    if left_out > 0 {
        blocks.push(
            Words::new()
                .say("… and ")
                .number(left_out)
                .say(" more, which stay as they are. Reject and ask again to change them.")
                .block(),
        );
    }
    let mut view = modal("modify", "Modify", "Save new revision", &blocks);
    view["private_metadata"] = button_value(v.revision, v.fingerprint).into();
    view
}

/// The form that asks why; `button` is what the reject button carried.
pub fn reject_modal(button: &str) -> Value {
    why_modal("reject", "Reject", button)
}

/// The form that asks why an incident is none; `button` is what the dismiss button carried.
pub fn dismiss_modal(button: &str) -> Value {
    why_modal("dismiss", "Dismiss", button)
}

/// The form that asks what it really was; `metadata` is what to send back with the answer, `kinds`
/// the closed set of causes.
pub fn feedback_modal(metadata: &str, kinds: &[&'static str]) -> Value {
    let mut options = vec![("I do not know", UNKNOWN)];
    options.extend(kinds.iter().map(|kind| (*kind, *kind)));
    let blocks = [select(CATEGORY, "What was it really?", &options, UNKNOWN)];
    let mut view = modal("feedback", "The cause", "Save", &blocks);
    view["private_metadata"] = metadata.into();
    view
}

fn why_modal(callback_id: &str, title: &str, button: &str) -> Value {
    let input = SlackBlockPlainTextInputElement::new()
        .with_action_id(SlackActionId("v".to_owned()))
        .with_multiline(true)
        .with_min_length(1)
        .with_max_length(1_000);
    let blocks = [
        SlackInputBlock::new(plain_text("Why?", 2_000), input.into())
            .with_block_id(SlackBlockId(REASON.to_owned()))
            .with_hint(plain_text(
                "Stands on the card and in the audit log.",
                2_000,
            ))
            .into(),
    ];
    let mut view = modal(callback_id, title, title, &blocks);
    view["private_metadata"] = button.into();
    view
}

/// One line of what an incident's cause was read from.
#[derive(Clone, Copy, Debug)]
pub struct EvidenceLine<'a> {
    /// Where it stands.
    pub origin: &'a str,
    /// What it says.
    pub text: &'a str,
}

/// The lines that an incident's cause was read from. Words of others: each is set apart.
pub fn lines_modal(id: IncidentId, lines: &[EvidenceLine<'_>]) -> Value {
    let head = Words::new()
        .say("What the cause of incident ")
        .number(id)
        .say(" was read from, without secrets. It came from the source, the destination and Fivetran.");
    let numbered = (1_usize..).zip(lines.iter().take(SHOWN));
    let lines_shown = numbered.map(|(n, line)| numbered_line(n, line.origin, line.text));
    let mut blocks = vec![head.block()];
    blocks.extend(lines_shown);
    let left_out = lines.len().saturating_sub(SHOWN);
    if left_out > 0 {
        blocks.push(
            Words::new()
                .say("… and ")
                .number(left_out)
                .say(" more.")
                .block(),
        );
    }
    let mut view = notice_modal(&head);
    view["title"] = json!(plain_text("Lines", 24));
    view["blocks"] = blocks_json(&blocks);
    view
}

/// What stands while something loads: a trigger lives three seconds, so a form opens at once.
pub fn loading_modal() -> Value {
    notice_modal(&Words::new().say("Loading…"))
}

/// What stands instead of a form that cannot be shown.
pub fn refused_modal(why: &super::cards::Message) -> Value {
    let mut view = notice_modal(&Words::new().say("-"));
    view["blocks"] = why.blocks.clone();
    view
}

fn notice_modal(words: &Words) -> Value {
    json!({
        "type": "modal",
        "callback_id": "notice",
        "title": plain_text("Syncgate", 24),
        "close": plain_text("Close", 24),
        "blocks": blocks_json(&[words.block()]),
    })
}

fn modal(callback_id: &str, title: &str, submit: &str, blocks: &[SlackBlock]) -> Value {
    json!({
        "type": "modal",
        "callback_id": callback_id,
        "title": plain_text(title, 24),
        "submit": plain_text(submit, 24),
        "close": plain_text("Cancel", 24),
        "blocks": blocks_json(blocks),
    })
}

fn line_blocks(v: &ProposalView<'_>, position: usize, line: &Line) -> Vec<SlackBlock> {
    let id = |what: &str| format!("line:{position}:{what}");
    let title = Words::new()
        .number(position + 1)
        .say(". ")
        .name(&line.name)
        .say(" (")
        .id(line.connection.as_str())
        .say("): ")
        .then(asked(&line.action, v.tz))
        .say(". Now ")
        .then(now_of(&line.pre_image));
    let keep = [("Keep it", "keep"), ("Drop it", "drop")];
    let mut blocks = vec![select(&id("keep"), &title.plain(), &keep, "keep")];
    match &line.action {
        Action::SyncNow { force: true } => blocks.push(select(
            &id("force"),
            "Force",
            &[("Kill a running sync", "force"), ("Do not kill", "plain")],
            "force",
        )),
        Action::SyncAt { time } => blocks.push(moment(&id("time"), "Sync at", *time, false)),
        Action::Pause { until } => {
            blocks.push(moment(&id("until"), "Paused until", *until, false));
        }
        Action::SetFrequency {
            minutes,
            daily_sync_time,
            until,
        } => {
            blocks.push(frequency(&id("minutes"), *minutes));
            blocks.push(hour(&id("hour"), daily_sync_time.map(|time| time.hour())));
            if let Some(until) = until {
                blocks.push(moment(&id("until"), "Until, then back", *until, true));
            }
        }
        Action::SyncNow { force: false }
        | Action::Resume
        | Action::ResyncTables { .. }
        | Action::HistoricalResync
        | Action::RunSetupTests => {}
    }
    blocks
}

fn select(block_id: &str, label: &str, options: &[(&str, &str)], chosen: &str) -> SlackBlock {
    let options: Vec<_> = options
        .iter()
        .map(|(label, value)| option(label, value))
        .collect();
    let initial = options.iter().find(|o| o.value == chosen).cloned();
    let mut select = SlackBlockStaticSelectElement::new()
        .with_action_id(SlackActionId("v".to_owned()))
        .with_options(options);
    select.initial_option = initial;
    input(block_id, label, select.into(), false)
}

fn frequency(block_id: &str, minutes: Frequency) -> SlackBlock {
    let options: Vec<(String, String)> = Frequency::ALLOWED
        .into_iter()
        .filter_map(|m| Frequency::try_from(m).ok())
        .map(|f| (format!("every {f}"), f.minutes().to_string()))
        .collect();
    let options: Vec<(&str, &str)> = options
        .iter()
        .map(|(label, value)| (label.as_str(), value.as_str()))
        .collect();
    select(
        block_id,
        "How often",
        &options,
        &minutes.minutes().to_string(),
    )
}

fn hour(block_id: &str, hour: Option<u8>) -> SlackBlock {
    let hours: Vec<(String, String)> = (0..24)
        .map(|h| (format!("{h:02}:00 UTC"), h.to_string()))
        .collect();
    let mut options = vec![("Fivetran's own", "none")];
    options.extend(hours.iter().map(|(l, v)| (l.as_str(), v.as_str())));
    let chosen = hour.map_or_else(|| "none".to_owned(), |h| h.to_string());
    select(
        block_id,
        "Hour of a daily sync (counts only with every 24h)",
        &options,
        &chosen,
    )
}

fn moment(
    block_id: &str,
    label: &str,
    at: chrono::DateTime<chrono::Utc>,
    optional: bool,
) -> SlackBlock {
    let mut picker =
        SlackBlockDateTimePickerElement::new().with_action_id(SlackActionId("v".to_owned()));
    // Slack takes ten digits here.
    if (1_000_000_000..10_000_000_000).contains(&at.timestamp()) {
        picker.initial_date_time = slack_time(at);
    }
    input(block_id, label, picker.into(), optional)
}

fn input(
    block_id: &str,
    label: &str,
    element: SlackInputBlockElement,
    optional: bool,
) -> SlackBlock {
    let block = SlackInputBlock::new(plain_text(label, 2_000), element)
        .with_block_id(SlackBlockId(block_id.to_owned()));
    if optional {
        block.with_optional(true).into()
    } else {
        block.into()
    }
}
