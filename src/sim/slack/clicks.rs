//! Clicks: a person presses a button or chooses from a menu in a message that all see, or he alone.

use serde_json::{Value, json};

use super::SlackSim;
use super::acts::Ack;
use super::limits::kind;
use super::state::{Hook, Origin};

/// Which element a person means.
#[derive(Clone, Copy)]
enum Which<'a> {
    Id(&'a str),
    Value(&'a str, &'a str),
    Label(&'a str),
}

impl Which<'_> {
    fn fits(self, element: &Value) -> bool {
        let has = |key: &str, value: &str| element.get(key).and_then(Value::as_str) == Some(value);
        match self {
            Self::Id(id) => has("action_id", id),
            Self::Value(id, value) => {
                has("action_id", id) && (has("value", value) || option_of(element, value).is_some())
            }
            Self::Label(label) => element["text"]["text"].as_str() == Some(label),
        }
    }
}

/// Clicks on messages, and on ephemerals by their address.
impl SlackSim {
    /// Presses the first button with this action id in the message as it is now.
    pub async fn click(&self, user: &str, channel: &str, ts: &str, action_id: &str) -> Ack {
        self.press(user, channel, ts, Which::Id(action_id)).await
    }

    /// Presses the button with this action id and value.
    pub async fn click_value(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action_id: &str,
        value: &str,
    ) -> Ack {
        self.press(user, channel, ts, Which::Value(action_id, value))
            .await
    }

    /// Presses the first button that is labelled so.
    pub async fn click_label(&self, user: &str, channel: &str, ts: &str, label: &str) -> Ack {
        self.press(user, channel, ts, Which::Label(label)).await
    }

    async fn press(&self, user: &str, channel: &str, ts: &str, which: Which<'_>) -> Ack {
        let found = self.with(|s| find(&s.blocks_at(channel, ts), which));
        match found {
            None => Ack::none(format!("no such button in message {ts} of {channel}")),
            Some((block, element)) => {
                self.act(user, channel, ts, action(&block, &element, None))
                    .await
            }
        }
    }

    /// Chooses an option, by its value, of a menu, a radio group or an overflow menu.
    pub async fn choose(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action_id: &str,
        option: &str,
    ) -> Ack {
        let found = self.with(|s| find(&s.blocks_at(channel, ts), Which::Value(action_id, option)));
        let Some((block, element)) = found else {
            return Ack::none(format!(
                "no menu {action_id} with {option} in message {ts} of {channel}"
            ));
        };
        let chosen = option_of(&element, option);
        self.act(user, channel, ts, action(&block, &element, chosen))
            .await
    }

    /// A click with a value that need not be there any more, or never was.
    pub async fn click_raw(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action_id: &str,
        value: &str,
    ) -> Ack {
        let action = json!({
            "type": "button", "action_id": action_id, "block_id": "forged", "value": value,
            "text": {"type": "plain_text", "text": "?", "emoji": true},
        });
        self.act(user, channel, ts, action).await
    }

    async fn act(&self, user: &str, channel: &str, ts: &str, action: Value) -> Ack {
        let payload = self.click_payload(user, channel, ts, action);
        let ack = self.interact(&payload).await;
        self.judge("a click", &ack);
        ack
    }

    /// The payload of a click, for delivering it by hand (`interact`) or changed.
    pub fn click_payload(&self, user: &str, channel: &str, ts: &str, mut action: Value) -> Value {
        let (now, wiring) = (self.now(), self.wiring());
        self.with(|s| {
            action["action_ts"] = json!(format!("{}.000000", now.timestamp()));
            let thread_ts = s.message(channel, ts).and_then(|m| m.thread_ts.clone());
            let ephemeral = s.ephemerals.iter().find(|e| e.ts == ts).cloned();
            let origin = match ephemeral {
                Some(_) => Origin::Ephemeral { ts: ts.into() },
                None => Origin::Message { ts: ts.into() },
            };
            let thread_ts = thread_ts.or_else(|| ephemeral.as_ref().and_then(|e| e.thread_ts.clone()));
            let hook = Hook {
                user: user.into(),
                channel: channel.into(),
                issued: now,
                uses: 0,
                origin,
                thread_ts: thread_ts.clone(),
            };
            let url = format!("{}/response/{}", wiring.public, s.new_hook(hook));
            let mut payload = s.payload("block_actions", user);
            payload["container"] = json!({
                "type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": ephemeral.is_some(),
            });
            if let Some(thread_ts) = thread_ts {
                payload["container"]["thread_ts"] = json!(thread_ts);
            }
            payload["channel"] = json!({"id": channel, "name": s.channel_name(channel)});
            if let Some(message) = s.message(channel, ts) {
                payload["message"] = s.message_json(message, true);
            }
            payload["state"] = json!({"values": {}});
            payload["trigger_id"] = json!(s.new_trigger(user, now, None));
            payload["response_url"] = json!(url);
            payload["actions"] = json!([action]);
            payload
        })
    }

    /// Slack ignores the body of such an acknowledgement; a service that sends one means something by it.
    pub(super) fn judge(&self, what: &str, ack: &Ack) {
        let empty = ack.body.trim().is_empty() || ack.json() == json!({});
        if ack.ok() && !empty {
            self.with(|s| s.complain(format!("{what} was acknowledged with a body: {}", ack.body)));
        }
    }
}

/// The first element that fits, with its block's id.
fn find(blocks: &[Value], which: Which<'_>) -> Option<(String, Value)> {
    blocks.iter().find_map(|block| {
        let inside = block
            .get("elements")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let all = inside
            .chain(block.get("accessory"))
            .chain(block.get("element"));
        let found = all.into_iter().find(|e| which.fits(e))?;
        Some((
            block["block_id"].as_str().unwrap_or_default().to_owned(),
            found.clone(),
        ))
    })
}

/// The first element with this action id, and this value or option if one is meant; with its block's id.
pub(super) fn find_action(
    blocks: &[Value],
    action_id: &str,
    pick: Option<&str>,
) -> Option<(String, Value)> {
    find(
        blocks,
        pick.map_or(Which::Id(action_id), |pick| Which::Value(action_id, pick)),
    )
}

/// An option of a menu by its value.
pub(super) fn option_of(element: &Value, value: &str) -> Option<Value> {
    let groups = element
        .get("option_groups")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let lists = groups.map(|g| &g["options"]).chain(element.get("options"));
    lists
        .filter_map(Value::as_array)
        .flatten()
        .find(|o| o["value"] == json!(value))
        .cloned()
}

/// What Slack says in `actions[0]`.
pub(super) fn action(block: &str, element: &Value, option: Option<Value>) -> Value {
    let mut action =
        json!({"type": kind(element), "action_id": element["action_id"], "block_id": block});
    for key in ["text", "value", "style", "confirm", "url", "placeholder"] {
        if let Some(value) = element.get(key) {
            action[key] = value.clone();
        }
    }
    if let Some(option) = option {
        let many = matches!(kind(element), "checkboxes" | "multi_static_select");
        let (key, value) = if many {
            ("selected_options", json!([option]))
        } else {
            ("selected_option", option)
        };
        action[key] = value;
    }
    action
}
