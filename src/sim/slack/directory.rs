//! Who and where: `auth.test`, `users.*`, `usergroups.*`, and single conversations.

use serde_json::{Value, json};

use super::api::{Call, Reply};
use super::state::State;

pub(super) fn auth_test(state: &mut State, _call: &Call) -> Reply {
    let name = state
        .users
        .get(&state.bot_user)
        .map(|u| u.name.clone())
        .unwrap_or_default();
    Ok(json!({
        "url": format!("https://{}.slack.com/", state.team_domain), "team": state.team_domain, "user": name,
        "team_id": state.team_id, "user_id": state.bot_user, "bot_id": state.bot_id, "is_enterprise_install": false,
    }))
}

pub(super) fn user(state: &mut State, call: &Call) -> Reply {
    let user = state
        .users
        .get(&call.text("user"))
        .ok_or("user_not_found")?;
    Ok(json!({"user": state.user_json(user)}))
}

pub(super) fn by_email(state: &mut State, call: &Call) -> Reply {
    let email = call.text("email");
    let user = state
        .users
        .values()
        .find(|u| u.email == email && !u.deleted)
        .ok_or("users_not_found")?;
    Ok(json!({"user": state.user_json(user)}))
}

pub(super) fn groups(state: &mut State, call: &Call) -> Reply {
    let (users, disabled) = (call.flag("include_users"), call.flag("include_disabled"));
    let shown = state.groups.values().filter(|g| disabled || !g.disabled);
    Ok(json!({"usergroups": shown.map(|g| state.group_json(g, users)).collect::<Vec<_>>()}))
}

pub(super) fn group_users(state: &mut State, call: &Call) -> Reply {
    let group = state
        .groups
        .get(&call.text("usergroup"))
        .ok_or("no_such_subteam")?;
    if group.disabled && !call.flag("include_disabled") {
        return Err("subteam_disabled".into());
    }
    Ok(json!({"users": group.members}))
}

pub(super) fn conversation(state: &mut State, call: &Call) -> Reply {
    let channel = state
        .channels
        .get(&call.text("channel"))
        .filter(|c| c.is_member || !c.is_private);
    let channel = channel.ok_or("channel_not_found")?;
    Ok(json!({"channel": state.channel_json(channel)}))
}

pub(super) fn open(state: &mut State, call: &Call) -> Reply {
    // A list as text, or as JSON; only direct messages with one person are simulated.
    let users = match call.args.get("users") {
        Some(Value::Array(users)) => users
            .first()
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        _ => call.text("users"),
    };
    if users.is_empty() {
        return Err("users_list_not_supplied".into());
    }
    if !state.users.contains_key(&users) {
        return Err("user_not_found".into());
    }
    let id = state.open_im(&users);
    Ok(json!({"channel": {"id": id}, "no_op": false, "already_open": false}))
}
