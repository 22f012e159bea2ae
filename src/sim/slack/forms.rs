//! What a person does in a modal or a home tab: fills in, submits, clicks, closes.

use serde_json::{Map, Value, json};

use super::SlackSim;
use super::acts::Ack;
use super::clicks::{action, find_action, option_of};
use super::limits::kind;
use super::modals::acknowledged;
use super::state::{State, View};

impl SlackSim {
    /// Fills in a modal and submits it. A value is named by its block id or action id; several values of one
    /// name tick several boxes, an empty one unticks all; what is not named keeps its initial value.
    /// As in Slack's own client, an input that is required and empty keeps the modal from being sent.
    pub async fn submit(&self, user: &str, view_id: &str, values: &[(&str, &str)]) -> Ack {
        let Some(view) = self.open_view(user, view_id) else {
            return Ack::none(format!("no open modal {view_id}"));
        };
        match filled(&view, values) {
            Ok(state) => self.submit_raw(user, view_id, state).await,
            Err((block, why)) => {
                let refusal = format!("{block}: {why}");
                self.with(|s| {
                    s.views
                        .iter_mut()
                        .find(|v| v.id == view_id)
                        .map(|v| v.errors.insert(block, why));
                });
                Ack::none(refusal)
            }
        }
    }

    /// Submits a modal with this `state.values`, whatever its inputs would allow.
    pub async fn submit_raw(&self, user: &str, view_id: &str, values: Value) -> Ack {
        let Some(payload) = self.submission_payload(user, view_id, values) else {
            return Ack::none(format!("no open modal {view_id}"));
        };
        let ack = self.interact(&payload).await;
        let answer = match (ack.ok(), ack.body.trim()) {
            (false, _) => return ack,
            (true, "") => Ok(json!({})),
            (true, body) => serde_json::from_str(body)
                .map_err(|_| format!("a submission was acknowledged with no JSON: {body}")),
        };
        let done = answer.and_then(|answer| self.with(|s| acknowledged(s, view_id, &answer)));
        if let Err(why) = done {
            self.with(|s| s.complain(why));
        }
        ack
    }

    /// The payload of a submission, for delivering it by hand (`interact`) or changed.
    pub fn submission_payload(&self, user: &str, view_id: &str, values: Value) -> Option<Value> {
        let view = self.open_view(user, view_id)?;
        let now = self.now();
        Some(self.with(|s| {
            let mut payload = s.payload("view_submission", user);
            payload["trigger_id"] = json!(s.new_trigger(user, now, Some(view.id.clone())));
            payload["view"] = s.view_json(&view);
            payload["view"]["state"] = json!({"values": values});
            payload["response_urls"] = json!([]);
            payload
        }))
    }

    /// Presses a button, or chooses an option, in a modal or a home tab; `pick` is the button's or the option's
    /// value where the action id alone does not say which.
    pub async fn click_view(
        &self,
        user: &str,
        view_id: &str,
        action_id: &str,
        pick: Option<&str>,
    ) -> Ack {
        let open = self
            .open_view(user, view_id)
            .or_else(|| self.home(user).filter(|v| v.id == view_id));
        let Some(view) = open else {
            return Ack::none(format!("no open view {view_id}"));
        };
        let Some((block, element)) = find_action(blocks(&view), action_id, pick) else {
            return Ack::none(format!("no {action_id} in view {view_id}"));
        };
        let chosen = pick.and_then(|o| option_of(&element, o));
        let now = self.now();
        let payload = self.with(|s| {
            let mut action = action(&block, &element, chosen);
            s.remember(&view.id, &block, action_id, &action);
            let view = s
                .views
                .iter()
                .find(|v| v.id == view.id)
                .unwrap_or(&view)
                .clone();
            let mut payload = s.payload("block_actions", user);
            action["action_ts"] = json!(format!("{}.000000", now.timestamp()));
            payload["container"] = json!({"type": "view", "view_id": view.id});
            payload["trigger_id"] = json!(s.new_trigger(user, now, Some(view.id.clone())));
            payload["view"] = s.view_json(&view);
            // What stands in the inputs is sent along, whether it would pass or not.
            payload["view"]["state"] =
                json!({"values": filled(&view, &[]).unwrap_or_else(|_| json!({}))});
            payload["actions"] = json!([action]);
            payload
        });
        let ack = self.interact(&payload).await;
        self.judge("a click in a view", &ack);
        ack
    }

    /// Closes a modal; the service hears of it when the view asked for it.
    pub async fn close_view(&self, user: &str, view_id: &str) -> Ack {
        let Some(view) = self.open_view(user, view_id) else {
            return Ack::none(format!("no open modal {view_id}"));
        };
        let clear = view.view["clear_on_close"] == json!(true);
        self.with(|s| {
            s.views.retain(|v| {
                if clear {
                    v.root != view.root
                } else {
                    v.id != view.id
                }
            })
        });
        if view.view["notify_on_close"] != json!(true) {
            return Ack::none("the view did not ask for view_closed");
        }
        let payload = self.with(|s| {
            let mut payload = s.payload("view_closed", user);
            payload["view"] = s.view_json(&view);
            payload["is_cleared"] = json!(false);
            payload
        });
        let ack = self.interact(&payload).await;
        self.judge("view_closed", &ack);
        ack
    }

    fn open_view(&self, user: &str, view_id: &str) -> Option<View> {
        self.views(user).into_iter().find(|v| v.id == view_id)
    }
}

impl State {
    /// Keeps what was chosen in an element that is no input, so that a submission says it.
    fn remember(&mut self, view: &str, block: &str, action_id: &str, action: &Value) {
        let mut kept = Map::new();
        for key in ["type", "selected_option", "selected_options", "value"] {
            action
                .get(key)
                .map(|value| kept.insert(key.into(), value.clone()));
        }
        if let Some(view) = self.views.iter_mut().find(|v| v.id == view) {
            view.chosen
                .entry(block.into())
                .or_default()
                .insert(action_id.into(), Value::Object(kept));
        }
    }
}

fn blocks(view: &View) -> &[Value] {
    view.view["blocks"].as_array().map_or(&[], Vec::as_slice)
}

/// The `state.values` of a view with these values filled in, or the block that is wrong and why.
fn filled(view: &View, values: &[(&str, &str)]) -> Result<Value, (String, String)> {
    let mut state = Map::new();
    for block in blocks(view).iter().filter(|b| kind(b) == "input") {
        let id = block["block_id"].as_str().unwrap_or_default();
        let element = &block["element"];
        let action_id = element["action_id"].as_str().unwrap_or_default();
        let named = values
            .iter()
            .filter(|(name, _)| *name == id || *name == action_id)
            .map(|(_, value)| *value);
        let given: Vec<_> = named.collect();
        let value = if given.is_empty() {
            Ok(initial(element))
        } else {
            typed(element, &given)
        };
        let value = value.map_err(|why| (id.to_owned(), why))?;
        let empty = value
            .as_object()
            .is_none_or(|v| v.iter().all(|(k, v)| k == "type" || nothing(v)));
        if empty && block["optional"] != json!(true) {
            return Err((id.to_owned(), "Please complete this required field.".into()));
        }
        state.insert(id.to_owned(), json!({action_id: value}));
    }
    for (block, actions) in &view.chosen {
        state.insert(block.clone(), json!(actions));
    }
    Ok(Value::Object(state))
}

fn nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// The key under which Slack sends what an element holds, and the key of its initial value.
fn keys(element: &Value) -> (&'static str, &'static str) {
    match kind(element) {
        "static_select" | "radio_buttons" | "external_select" => {
            ("selected_option", "initial_option")
        }
        "multi_static_select" | "checkboxes" => ("selected_options", "initial_options"),
        "datepicker" => ("selected_date", "initial_date"),
        "timepicker" => ("selected_time", "initial_time"),
        "datetimepicker" => ("selected_date_time", "initial_date_time"),
        "users_select" => ("selected_user", "initial_user"),
        "multi_users_select" => ("selected_users", "initial_users"),
        "conversations_select" => ("selected_conversation", "initial_conversation"),
        "channels_select" => ("selected_channel", "initial_channel"),
        _ => ("value", "initial_value"),
    }
}

fn initial(element: &Value) -> Value {
    let (key, initial) = keys(element);
    let nothing = if key.ends_with('s') {
        json!([])
    } else {
        Value::Null
    };
    json!({"type": kind(element), key: element.get(initial).cloned().unwrap_or(nothing)})
}

fn typed(element: &Value, given: &[&str]) -> Result<Value, String> {
    let (key, _) = keys(element);
    let given: Vec<_> = given.iter().copied().filter(|g| !g.is_empty()).collect();
    let last = given.last().copied();
    let option = |value: &str| {
        option_of(element, value).ok_or_else(|| format!("{value} is not one of the options"))
    };
    let value = match key {
        "selected_options" => json!(
            given
                .iter()
                .map(|g| option(g))
                .collect::<Result<Vec<_>, _>>()?
        ),
        "selected_users" => json!(given),
        "selected_option" => last.map(option).transpose()?.unwrap_or_default(),
        "selected_date_time" => {
            let number = last.map(|g| {
                g.parse::<i64>()
                    .map_err(|_| format!("{g} is not a unix time"))
            });
            json!(number.transpose()?)
        }
        _ => json!(last),
    };
    let length = last.map_or(0, |g| g.chars().count() as u64);
    if kind(element) == "plain_text_input"
        && length > element["max_length"].as_u64().unwrap_or(3000)
    {
        return Err("This text is too long.".into());
    }
    Ok(json!({"type": kind(element), key: value}))
}
