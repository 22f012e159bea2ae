//! `views.*`: modals and home tabs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::api::{Call, Failure, Reply};
use super::limits::{check_view, kind};
use super::state::{State, View};

/// Slack's limit on the JSON of a view.
const SIZE: usize = 250_000;
/// How many modals may lie above each other.
const STACK: usize = 3;

/// Uses up a trigger id; returns who clicked, and in which view.
fn trigger(state: &mut State, call: &Call) -> Result<(String, Option<String>), Failure> {
    let id = call
        .given("trigger_id")
        .or_else(|| call.given("interactivity_pointer"));
    let life = state.trigger_life;
    let trigger = id
        .and_then(|id| state.triggers.get_mut(&id))
        .ok_or("invalid_trigger_id")?;
    if trigger.used {
        return Err("exchanged_trigger_id".into());
    }
    if call.now - trigger.issued > life {
        return Err("expired_trigger_id".into());
    }
    trigger.used = true;
    Ok((trigger.user.clone(), trigger.view.clone()))
}

fn checked(call: &Call, wanted: &str) -> Result<Value, Failure> {
    let view = call
        .json("view")
        .ok()
        .flatten()
        .ok_or("invalid_arguments")?;
    check(&view, wanted)?;
    Ok(view)
}

fn check(view: &Value, wanted: &str) -> Result<(), Failure> {
    if view.to_string().len() > SIZE {
        return Err("view_too_large".into());
    }
    let problems = check_view(view);
    if problems.is_empty() && kind(view) == wanted {
        return Ok(());
    }
    Err(Failure::with("invalid_arguments", problems))
}

fn new_view(state: &mut State, user: String, mut view: Value) -> View {
    fill(state, &mut view);
    let id = state.next_id("V");
    let hash = hash(state);
    View {
        root: id.clone(),
        id,
        hash,
        user,
        view,
        previous: None,
        errors: BTreeMap::new(),
        chosen: BTreeMap::new(),
    }
}

fn fill(state: &mut State, view: &mut Value) {
    if let Some(blocks) = view.get_mut("blocks").and_then(Value::as_array_mut) {
        state.fill_ids(blocks);
    }
}

fn hash(state: &mut State) -> String {
    state.next_id("0.")
}

pub(super) fn open(state: &mut State, call: &Call) -> Reply {
    let view = checked(call, "modal")?;
    let (user, _) = trigger(state, call)?;
    state.views.retain(|v| v.user != user);
    let view = new_view(state, user, view);
    let reply = json!({"view": state.view_json(&view)});
    state.views.push(view);
    Ok(reply)
}

pub(super) fn push(state: &mut State, call: &Call) -> Reply {
    let view = checked(call, "modal")?;
    let (user, from) = trigger(state, call)?;
    let from = from.ok_or("invalid_trigger_id")?;
    let view = stack(state, user, &from, view)?;
    Ok(json!({"view": view}))
}

/// Lays a view upon another; returns its JSON.
fn stack(state: &mut State, user: String, below: &str, view: Value) -> Result<Value, Failure> {
    let root = state
        .views
        .iter()
        .find(|v| v.id == below)
        .map(|v| v.root.clone())
        .ok_or("not_found")?;
    if state.views.iter().filter(|v| v.root == root).count() >= STACK {
        return Err("push_limit_reached".into());
    }
    let mut view = new_view(state, user, view);
    view.previous = Some(below.to_owned());
    view.root = root;
    let json = state.view_json(&view);
    state.views.push(view);
    Ok(json)
}

pub(super) fn update(state: &mut State, call: &Call) -> Reply {
    let (id, external) = (call.given("view_id"), call.given("external_id"));
    let wanted = |v: &View| match (&id, &external) {
        (Some(id), _) => v.id == *id,
        (None, Some(external)) => v.view["external_id"] == json!(external),
        (None, None) => false,
    };
    let found = state.views.iter().find(|v| wanted(v)).ok_or("not_found")?;
    let id = found.id.clone();
    if call.given("hash").is_some_and(|h| h != found.hash) {
        return Err("hash_conflict".into());
    }
    let view = checked(call, "modal")?;
    Ok(json!({"view": replace(state, &id, view)}))
}

/// Puts another content into an open view; returns its JSON.
fn replace(state: &mut State, id: &str, mut content: Value) -> Value {
    fill(state, &mut content);
    let hash = hash(state);
    if let Some(view) = state.views.iter_mut().find(|v| v.id == id) {
        view.view = content;
        view.hash = hash;
        view.errors.clear();
        view.chosen.clear();
    }
    state
        .views
        .iter()
        .find(|v| v.id == id)
        .map(|v| state.view_json(v))
        .unwrap_or_default()
}

pub(super) fn publish(state: &mut State, call: &Call) -> Reply {
    let user = call.text("user_id");
    if !state.users.contains_key(&user) {
        return Err("user_not_found".into());
    }
    let before = state.homes.get(&user).map(|v| v.hash.clone());
    if call.given("hash").is_some_and(|h| Some(h) != before) {
        return Err("hash_conflict".into());
    }
    let view = checked(call, "home")?;
    let view = new_view(state, user.clone(), view);
    let reply = json!({"view": state.view_json(&view)});
    state.homes.insert(user, view);
    Ok(reply)
}

/// Does what the acknowledgement of a submission asks for.
pub(super) fn acknowledged(state: &mut State, id: &str, answer: &Value) -> Result<(), String> {
    let Some(view) = state.views.iter().find(|v| v.id == id).cloned() else {
        return Ok(());
    };
    let action = answer.get("response_action").and_then(Value::as_str);
    match action {
        None if answer.as_object().is_none_or(serde_json::Map::is_empty) => {
            state.views.retain(|v| v.id != id)
        }
        None => {
            return Err(format!(
                "the acknowledgement of a submission has no response_action: {answer}"
            ));
        }
        Some("clear") => state.views.retain(|v| v.root != view.root),
        Some("errors") => return errors(state, &view, answer),
        Some("update") => {
            check(&answer["view"], "modal")
                .map_err(|f| format!("response_action update: {} {:?}", f.error, f.messages))?;
            replace(state, id, answer["view"].clone());
        }
        Some("push") => {
            check(&answer["view"], "modal")
                .map_err(|f| format!("response_action push: {} {:?}", f.error, f.messages))?;
            stack(state, view.user, id, answer["view"].clone()).map_err(|f| f.error)?;
        }
        Some(other) => return Err(format!("unknown response_action {other}")),
    }
    Ok(())
}

fn errors(state: &mut State, view: &View, answer: &Value) -> Result<(), String> {
    let errors = answer["errors"]
        .as_object()
        .filter(|e| !e.is_empty())
        .ok_or("response_action errors without errors")?;
    let blocks = view.view["blocks"].as_array().cloned().unwrap_or_default();
    let mut found = BTreeMap::new();
    for (block, text) in errors {
        if !blocks
            .iter()
            .any(|b| b["block_id"] == json!(block) && kind(b) == "input")
        {
            return Err(format!(
                "response_action errors names {block}, which is no input block"
            ));
        }
        found.insert(block.clone(), text.as_str().unwrap_or_default().to_owned());
    }
    if let Some(view) = state.views.iter_mut().find(|v| v.id == view.id) {
        view.errors = found;
    }
    Ok(())
}
