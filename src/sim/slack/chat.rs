//! `chat.*` and the history of conversations.

use serde_json::{Value, json};

use super::api::{Call, Failure, Reply};
use super::files::check_images;
use super::limits::{Surface, check_blocks, too_many_tables};
use super::state::{Ephemeral, Message, State};

/// What a message says.
pub(super) struct Content {
    pub text: String,
    pub blocks: Vec<Value>,
}

/// Slack cuts a longer text of a new message.
const CUT: usize = 40_000;
/// Slack refuses a longer text of an edit.
const EDIT: usize = 4_000;

/// Reads and checks text and blocks, and fills in the ids that were left out.
pub(super) fn content(state: &mut State, call: &Call) -> Result<Content, Failure> {
    let text: String = call.text("text").chars().take(CUT).collect();
    let blocks = call
        .json("blocks")
        .map_err(|_| Failure::from("invalid_blocks_format"))?;
    let mut blocks = match blocks {
        None => Vec::new(),
        Some(Value::Array(blocks)) => blocks,
        Some(_) => return Err("invalid_blocks_format".into()),
    };
    if text.is_empty() && blocks.is_empty() {
        return Err("no_text".into());
    }
    let problems = check_blocks(Surface::Message, &blocks);
    if !problems.is_empty() {
        return Err(Failure::with("invalid_blocks", problems));
    }
    check_images(state, &blocks)?;
    if too_many_tables(&blocks) {
        return Err("only_one_table_allowed".into());
    }
    state.fill_ids(&mut blocks);
    Ok(Content { text, blocks })
}

fn metadata(call: &Call) -> Result<Option<Value>, Failure> {
    let metadata = call
        .json("metadata")
        .map_err(|_| Failure::from("invalid_metadata_format"))?;
    match metadata {
        None => Ok(None),
        Some(value) if value["event_type"].is_string() && value["event_payload"].is_object() => {
            Ok(Some(value))
        }
        Some(_) => Err("invalid_metadata_schema".into()),
    }
}

/// The channel to write to; a user's id means the direct message with him.
fn writable(state: &mut State, call: &Call) -> Result<String, Failure> {
    let id = call.text("channel");
    if state.users.contains_key(&id) {
        return Ok(state.open_im(&id));
    }
    let public = state.scopes.contains("chat:write.public");
    match state.channels.get(&id) {
        None => Err("channel_not_found".into()),
        Some(c) if c.is_archived => Err("is_archived".into()),
        Some(c) if c.is_member || (public && !c.is_private) => Ok(id),
        // A private channel does not exist for those who are not in it.
        Some(c) if c.is_private => Err("channel_not_found".into()),
        Some(_) => Err("not_in_channel".into()),
    }
}

fn readable(state: &State, call: &Call) -> Result<String, Failure> {
    let id = call.text("channel");
    match state.channels.get(&id) {
        Some(c) if c.is_member => Ok(id),
        Some(c) if !c.is_private => Err("not_in_channel".into()),
        _ => Err("channel_not_found".into()),
    }
}

fn thread(state: &State, channel: &str, call: &Call) -> Result<Option<String>, Failure> {
    match call.given("thread_ts") {
        Some(ts) if state.message(channel, &ts).is_none() => Err("cannot_reply_to_message".into()),
        other => Ok(other),
    }
}

pub(super) fn post_message(state: &mut State, call: &Call) -> Reply {
    let channel = writable(state, call)?;
    let thread_ts = thread(state, &channel, call)?;
    let metadata = metadata(call)?;
    let Content { text, blocks } = content(state, call)?;
    let message = Message {
        channel: channel.clone(),
        ts: String::new(),
        thread_ts,
        user: state.bot_user.clone(),
        text,
        blocks,
        metadata,
        versions: Vec::new(),
        marked_edited: false,
    };
    let ts = state.post(call.now, message);
    Ok(json!({"channel": channel, "ts": ts, "message": shown(state, &channel, &ts)}))
}

fn shown(state: &State, channel: &str, ts: &str) -> Value {
    state
        .message(channel, ts)
        .map(|m| state.message_json(m, true))
        .unwrap_or_default()
}

/// The bot's own message to be changed.
fn own(state: &State, channel: &str, ts: &str, refusal: &str) -> Result<(), Failure> {
    match state.message(channel, ts) {
        None => Err("message_not_found".into()),
        Some(m) if m.user != state.bot_user => Err(refusal.into()),
        Some(_) => Ok(()),
    }
}

pub(super) fn update(state: &mut State, call: &Call) -> Reply {
    let channel = writable(state, call)?;
    let ts = call.text("ts");
    own(state, &channel, &ts, "cant_update_message")?;
    if call.text("text").chars().count() > EDIT {
        return Err("msg_too_long".into());
    }
    let metadata = metadata(call)?;
    // Text without blocks removes the blocks, as Slack does: what is not given is not kept.
    let Content { text, blocks } = content(state, call)?;
    state.edit(call.now, &channel, &ts, text.clone(), blocks);
    if let (Some(metadata), Some(message)) = (metadata, state.message_mut(&channel, &ts)) {
        message.metadata = Some(metadata);
    }
    Ok(json!({"channel": channel, "ts": ts, "text": text, "message": shown(state, &channel, &ts)}))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Reply {
    let channel = writable(state, call)?;
    let ts = call.text("ts");
    own(state, &channel, &ts, "cant_delete_message")?;
    state
        .messages
        .retain(|m| m.channel != channel || m.ts != ts);
    Ok(json!({"channel": channel, "ts": ts}))
}

pub(super) fn post_ephemeral(state: &mut State, call: &Call) -> Reply {
    let channel = writable(state, call)?;
    let user = call.text("user");
    if state.users.get(&user).is_none_or(|u| u.deleted || u.is_bot) {
        return Err("user_not_in_channel".into());
    }
    let thread_ts = call.given("thread_ts");
    let Content { text, blocks } = content(state, call)?;
    let ts = state.stamp(call.now);
    state.ephemerals.push(Ephemeral {
        ts: ts.clone(),
        user,
        channel,
        thread_ts,
        text,
        blocks,
    });
    Ok(json!({"message_ts": ts}))
}

pub(super) fn permalink(state: &mut State, call: &Call) -> Reply {
    let (channel, ts) = (call.text("channel"), call.text("message_ts"));
    if !state.channels.contains_key(&channel) {
        return Err("channel_not_found".into());
    }
    let message = state.message(&channel, &ts).ok_or("message_not_found")?;
    let mut link = format!(
        "https://{}.slack.com/archives/{channel}/p{}",
        state.team_domain,
        ts.replace('.', "")
    );
    if let Some(thread) = &message.thread_ts {
        link.push_str(&format!("?thread_ts={thread}&cid={channel}"));
    }
    Ok(json!({"channel": channel, "permalink": link}))
}

pub(super) fn history(state: &mut State, call: &Call) -> Reply {
    let channel = readable(state, call)?;
    let mut found: Vec<_> = state
        .messages
        .iter()
        .filter(|m| m.channel == channel && m.thread_ts.is_none())
        .collect();
    // Newest first.
    found.reverse();
    page(state, found, call, 100)
}

pub(super) fn replies(state: &mut State, call: &Call) -> Reply {
    let channel = readable(state, call)?;
    let ts = call.text("ts");
    state.message(&channel, &ts).ok_or("thread_not_found")?;
    let of_thread = |m: &&Message| {
        m.channel == channel && (m.ts == ts || m.thread_ts.as_deref() == Some(ts.as_str()))
    };
    let found = state.messages.iter().filter(of_thread).collect();
    page(state, found, call, 1000)
}

fn page(state: &State, mut found: Vec<&Message>, call: &Call, limit: usize) -> Reply {
    let (oldest, latest, inclusive) = (
        call.given("oldest"),
        call.given("latest"),
        call.flag("inclusive"),
    );
    let after = |ts: &str| {
        oldest
            .as_deref()
            .is_none_or(|o| seconds(ts) > seconds(o) || inclusive && ts == o)
    };
    let before = |ts: &str| {
        latest
            .as_deref()
            .is_none_or(|l| seconds(ts) < seconds(l) || inclusive && ts == l)
    };
    found.retain(|m| after(&m.ts) && before(&m.ts));
    let start = match call.given("cursor") {
        None => 0,
        Some(cursor) => cursor
            .strip_prefix("next:")
            .and_then(|n| n.parse().ok())
            .ok_or("invalid_cursor")?,
    };
    let limit = call.number("limit").unwrap_or(limit).clamp(1, 1000);
    let with_metadata = call.flag("include_all_metadata");
    let shown: Vec<_> = found
        .iter()
        .skip(start)
        .take(limit)
        .map(|m| state.message_json(m, with_metadata))
        .collect();
    let more = found.len() > start + shown.len();
    let mut reply = json!({"messages": shown, "has_more": more});
    if more {
        reply["response_metadata"] = json!({"next_cursor": format!("next:{}", start + limit)});
    }
    Ok(reply)
}

/// A message address in microseconds: as a float two of them would be equal.
fn seconds(ts: &str) -> i64 {
    let (whole, part) = ts.split_once('.').unwrap_or((ts, ""));
    let micros = format!("{part:0<6}").chars().take(6).collect::<String>();
    whole.parse::<i64>().unwrap_or(0) * 1_000_000 + micros.parse::<i64>().unwrap_or(0)
}
