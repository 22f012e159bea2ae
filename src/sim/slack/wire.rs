//! The JSON in which Slack shows what the workspace holds.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::state::{Channel, Group, Message, State, User, View};

impl State {
    pub fn user_json(&self, user: &User) -> Value {
        json!({
            "id": user.id, "team_id": user.team_id, "name": user.name, "deleted": user.deleted, "color": "4bbe2e",
            "real_name": user.real_name, "tz": user.tz, "tz_label": user.tz, "tz_offset": 0,
            "profile": {
                "real_name": user.real_name, "real_name_normalized": user.real_name, "display_name": user.name,
                "email": user.email, "team": user.team_id, "avatar_hash": "0", "title": "", "phone": "",
            },
            "is_admin": false, "is_owner": false, "is_primary_owner": false, "is_bot": user.is_bot,
            "is_restricted": user.is_restricted, "is_ultra_restricted": user.is_ultra_restricted,
            "is_app_user": false, "is_email_confirmed": true, "updated": 1_700_000_000, "has_2fa": true,
        })
    }

    pub fn channel_json(&self, channel: &Channel) -> Value {
        let mut json = json!({
            "id": channel.id, "created": 1_700_000_000, "is_archived": channel.is_archived, "is_im": channel.im.is_some(),
            "is_channel": channel.im.is_none() && !channel.is_private, "is_group": channel.im.is_none() && channel.is_private,
            "is_mpim": false, "is_private": channel.is_private, "is_org_shared": false, "updated": 1_700_000_000_000_i64,
        });
        if let Some(object) = json.as_object_mut() {
            match &channel.im {
                Some(user) => object.extend([
                    ("user".into(), json!(user)),
                    ("is_open".into(), json!(true)),
                ]),
                None => object.extend([
                    ("name".into(), json!(channel.name)),
                    ("name_normalized".into(), json!(channel.name)),
                    ("is_member".into(), json!(channel.is_member)),
                    ("is_shared".into(), json!(false)),
                    ("is_general".into(), json!(false)),
                    ("creator".into(), json!("U0ADMIN")),
                    (
                        "topic".into(),
                        json!({"value": "", "creator": "", "last_set": 0}),
                    ),
                    (
                        "purpose".into(),
                        json!({"value": "", "creator": "", "last_set": 0}),
                    ),
                ]),
            }
        }
        json
    }

    pub fn message_json(&self, message: &Message, with_metadata: bool) -> Value {
        let mut json = Map::new();
        json.insert("type".into(), json!("message"));
        json.insert("user".into(), json!(message.user));
        json.insert("ts".into(), json!(message.ts));
        json.insert("text".into(), json!(message.text));
        json.insert("team".into(), json!(self.team_id));
        if message.user == self.bot_user {
            json.insert("bot_id".into(), json!(self.bot_id));
            json.insert("app_id".into(), json!(self.app_id));
        }
        if !message.blocks.is_empty() {
            json.insert("blocks".into(), json!(message.blocks));
        }
        if message.marked_edited {
            json.insert(
                "edited".into(),
                json!({"user": message.user, "ts": message.ts}),
            );
        }
        if let (true, Some(metadata)) = (with_metadata, &message.metadata) {
            json.insert("metadata".into(), metadata.clone());
        }
        self.thread_fields(message, &mut json);
        Value::Object(json)
    }

    fn thread_fields(&self, message: &Message, json: &mut Map<String, Value>) {
        if let Some(thread) = &message.thread_ts {
            json.insert("thread_ts".into(), json!(thread));
            if let Some(parent) = self.message(&message.channel, thread) {
                json.insert("parent_user_id".into(), json!(parent.user));
            }
            return;
        }
        let in_thread = |m: &&Message| {
            m.channel == message.channel && m.thread_ts.as_ref() == Some(&message.ts)
        };
        let replies: Vec<_> = self.messages.iter().filter(in_thread).collect();
        if let Some(last) = replies.last() {
            let users: BTreeSet<_> = replies.iter().map(|m| m.user.as_str()).collect();
            json.insert("thread_ts".into(), json!(message.ts));
            json.insert("reply_count".into(), json!(replies.len()));
            json.insert("reply_users_count".into(), json!(users.len()));
            json.insert("reply_users".into(), json!(users));
            json.insert("latest_reply".into(), json!(last.ts));
        }
    }

    pub fn group_json(&self, group: &Group, with_users: bool) -> Value {
        let mut json = json!({
            "id": group.id, "team_id": self.team_id, "is_usergroup": true, "is_subteam": true, "name": group.handle,
            "description": "", "handle": group.handle, "is_external": false, "date_create": 1_700_000_000,
            "date_update": 1_700_000_000, "date_delete": if group.disabled { 1_700_000_000 } else { 0 },
            "auto_type": null, "auto_provision": false, "created_by": "U0ADMIN", "updated_by": "U0ADMIN",
            "deleted_by": null, "user_count": group.members.len(), "channel_count": 0,
            "prefs": {"channels": [], "groups": []},
        });
        if with_users {
            json["users"] = json!(group.members);
        }
        json
    }

    pub fn view_json(&self, view: &View) -> Value {
        let mut json = view.view.as_object().cloned().unwrap_or_default();
        let defaults = [
            ("private_metadata", json!("")),
            ("callback_id", json!("")),
            ("external_id", json!("")),
            ("clear_on_close", json!(false)),
            ("notify_on_close", json!(false)),
            ("close", Value::Null),
            ("submit", Value::Null),
        ];
        for (key, value) in defaults {
            json.entry(key).or_insert(value);
        }
        json.extend([
            ("id".into(), json!(view.id)),
            ("team_id".into(), json!(self.team_id)),
            ("state".into(), json!({"values": {}})),
            ("hash".into(), json!(view.hash)),
            ("previous_view_id".into(), json!(view.previous)),
            ("root_view_id".into(), json!(view.root)),
            ("app_id".into(), json!(self.app_id)),
            ("app_installed_team_id".into(), json!(self.team_id)),
            ("bot_id".into(), json!(self.bot_id)),
        ]);
        Value::Object(json)
    }
}
