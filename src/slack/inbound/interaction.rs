//! Clicks and submitted modals.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::{object, required, text};
use super::{BadPayload, Field, Inbound, Parsed, body_key, form, ignored, ssl_check};
use crate::model::{ChannelId, UserId};

/// Where the workspace stands; in an organisation-wide installation `team` is null.
const TEAM: [&str; 3] = ["/team/id", "/user/team_id", "/enterprise/id"];

/// Reads the body of an interaction: a form with one field, `payload`, that holds JSON.
///
/// # Errors
/// When it is not such a body, or a kind that we know lacks what it needs.
pub fn interaction(body: &[u8]) -> Result<Parsed, BadPayload> {
    let form = form::read(body)?;
    if form.is_ssl_check() {
        return Ok(ssl_check(body));
    }
    let payload = object(&form.payload.ok_or(BadPayload::Lacks("payload"))?)?;
    interaction_of(&payload, body)
}

/// An interaction from its payload, whichever way it came; `body` is what to tell it by where it
/// carries no id.
pub(super) fn interaction_of(payload: &Value, body: &[u8]) -> Result<Parsed, BadPayload> {
    let team = text(payload, &TEAM);
    let (key, inbound) = match payload.pointer("/type").and_then(Value::as_str) {
        Some("block_actions") => click(payload, team)?,
        Some("view_submission") => submit(payload, team)?,
        kind => (None, ignored(kind.unwrap_or("untyped"))),
    };
    Ok(Parsed {
        key: key.unwrap_or_else(|| body_key(body)),
        inbound,
    })
}

/// A key where the payload has what makes one, and what it asks for.
type Keyed = (Option<String>, Inbound);

fn click(payload: &Value, team: Option<String>) -> Result<Keyed, BadPayload> {
    // Slack sends one action at a time, in a list for historical reasons.
    let Some(action) = payload.pointer("/actions/0") else {
        return Ok((None, ignored("block_actions/none")));
    };
    let trigger_id = required(payload, "/trigger_id")?;
    let action_ts = text(action, &["/action_ts"]).unwrap_or_default();
    let inbound = Inbound::Click {
        team: team.ok_or(BadPayload::Lacks("team"))?,
        user: UserId::new(required(payload, "/user/id")?),
        channel: text(payload, &["/channel/id", "/container/channel_id"]).map(ChannelId::new),
        message_ts: text(payload, &["/container/message_ts", "/message/ts"]),
        thread_ts: text(payload, &["/container/thread_ts", "/message/thread_ts"]),
        action_id: required(action, "/action_id")?,
        value: clicked(action),
        trigger_id: trigger_id.clone(),
        response_url: text(payload, &["/response_url"]),
        view_id: text(payload, &["/view/id", "/container/view_id"]),
    };
    Ok((Some(format!("click:{trigger_id}:{action_ts}")), inbound))
}

fn clicked(action: &Value) -> String {
    match field(action) {
        Field::Text(value) | Field::Chosen(value) => value,
        Field::At(seconds) => seconds.to_string(),
        Field::ChosenMany(_) | Field::None => String::new(),
    }
}

fn submit(payload: &Value, team: Option<String>) -> Result<Keyed, BadPayload> {
    let view_id = required(payload, "/view/id")?;
    let view_hash = text(payload, &["/view/hash"]);
    // The view's hash stays while a form is sent back with errors: only the trigger tells a second
    // try from a redelivery of the first.
    let trigger = text(payload, &["/trigger_id"]);
    let key = [view_hash.as_deref(), trigger.as_deref()]
        .into_iter()
        .flatten()
        .fold(format!("submit:{view_id}"), |key, part| {
            format!("{key}:{part}")
        });
    let inbound = Inbound::Submit {
        team: team.ok_or(BadPayload::Lacks("team"))?,
        user: UserId::new(required(payload, "/user/id")?),
        view_id,
        view_hash,
        callback_id: required(payload, "/view/callback_id")?,
        private_metadata: text(payload, &["/view/private_metadata"]).unwrap_or_default(),
        values: values(payload),
    };
    Ok((Some(key), inbound))
}

/// `view.state.values` is a map of blocks of a map of elements; an input block has one element.
fn values(payload: &Value) -> BTreeMap<String, Field> {
    let Some(blocks) = payload
        .pointer("/view/state/values")
        .and_then(Value::as_object)
    else {
        return BTreeMap::new();
    };
    let entered = |block: &Value| {
        let element = block
            .as_object()
            .and_then(|elements| elements.values().next());
        element.map_or(Field::None, field)
    };
    blocks
        .iter()
        .map(|(id, block)| (id.clone(), entered(block)))
        .collect()
}

/// An element's state, told by which field Slack filled: the same names in clicks and in modals.
fn field(element: &Value) -> Field {
    if let Some(seconds) = element.get("selected_date_time").and_then(Value::as_i64) {
        return Field::At(seconds);
    }
    const ONE: [&str; 6] = [
        "/selected_option/value",
        "/selected_user",
        "/selected_channel",
        "/selected_conversation",
        "/selected_date",
        "/selected_time",
    ];
    if let Some(chosen) = text(element, &ONE) {
        return Field::Chosen(chosen);
    }
    const MANY: [&str; 4] = [
        "selected_options",
        "selected_users",
        "selected_channels",
        "selected_conversations",
    ];
    if let Some(chosen) = MANY.iter().find_map(|name| element.get(name)?.as_array()) {
        return Field::ChosenMany(chosen.iter().filter_map(option).collect());
    }
    match element.get("value").and_then(Value::as_str) {
        Some(typed) => Field::Text(typed.to_owned()),
        None => Field::None,
    }
}

/// One entry of a list of choices: an option, or the id itself.
fn option(entry: &Value) -> Option<String> {
    let value = entry.get("value").unwrap_or(entry);
    value.as_str().map(str::to_owned)
}
