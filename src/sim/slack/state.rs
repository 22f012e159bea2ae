//! What the simulated workspace holds: people, groups, channels, messages, modals, and the short-lived
//! keys (trigger ids, response URLs) that Slack gives away with each act of a person.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

use super::files::Files;

/// A person or a bot.
#[derive(Clone, Debug)]
pub struct User {
    /// `U…`.
    pub id: String,
    /// Short name, as in `@name`.
    pub name: String,
    /// Full name.
    pub real_name: String,
    /// Address in the profile.
    pub email: String,
    /// IANA time zone.
    pub tz: String,
    /// `T…` of the home workspace; another one means Slack Connect.
    pub team_id: String,
    /// Whether it is a bot.
    pub is_bot: bool,
    /// Whether the account is deactivated.
    pub deleted: bool,
    /// Guest of several channels.
    pub is_restricted: bool,
    /// Guest of one channel.
    pub is_ultra_restricted: bool,
}

impl User {
    /// A member of the workspace in UTC; the other fields are public for changing.
    pub fn new(id: &str, real_name: &str) -> Self {
        let name = real_name.to_lowercase().replace(' ', ".");
        Self {
            id: id.into(),
            email: format!("{name}@example.com"),
            name,
            real_name: real_name.into(),
            tz: "Etc/UTC".into(),
            team_id: String::new(),
            is_bot: false,
            deleted: false,
            is_restricted: false,
            is_ultra_restricted: false,
        }
    }
}

/// A user group.
#[derive(Clone, Debug)]
pub struct Group {
    /// `S…`.
    pub id: String,
    /// As in `@handle`.
    pub handle: String,
    /// User ids.
    pub members: Vec<String>,
    /// Whether it is disabled.
    pub disabled: bool,
}

/// A channel or a direct message.
#[derive(Clone, Debug)]
pub struct Channel {
    /// `C…` or `D…`.
    pub id: String,
    /// Without the hash.
    pub name: String,
    /// Whether only members see it.
    pub is_private: bool,
    /// Whether the bot is in it.
    pub is_member: bool,
    /// Whether it is archived.
    pub is_archived: bool,
    /// The other side of a direct message.
    pub im: Option<String>,
}

/// What a message said before an edit.
#[derive(Clone, Debug)]
pub struct Version {
    /// Until when.
    pub until: DateTime<Utc>,
    /// The text.
    pub text: String,
    /// The blocks.
    pub blocks: Vec<Value>,
}

/// A message that everyone in the channel sees.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where it is.
    pub channel: String,
    /// Its address in the channel.
    pub ts: String,
    /// The first message of its thread, for a reply.
    pub thread_ts: Option<String>,
    /// Who wrote it.
    pub user: String,
    /// The text, which notifications and screen readers read.
    pub text: String,
    /// The blocks.
    pub blocks: Vec<Value>,
    /// The metadata.
    pub metadata: Option<Value>,
    /// What it said before, oldest first.
    pub versions: Vec<Version>,
    /// Whether Slack shows "(edited)".
    pub marked_edited: bool,
}

impl Message {
    /// How often it was edited.
    pub fn edited(&self) -> usize {
        self.versions.len()
    }
}

/// A message that one person sees.
#[derive(Clone, Debug)]
pub struct Ephemeral {
    /// Its address.
    pub ts: String,
    /// Who sees it.
    pub user: String,
    /// Where.
    pub channel: String,
    /// In which thread.
    pub thread_ts: Option<String>,
    /// The text.
    pub text: String,
    /// The blocks.
    pub blocks: Vec<Value>,
}

impl Ephemeral {
    /// The same as a message, for rendering.
    pub fn as_message(&self) -> Message {
        Message {
            channel: self.channel.clone(),
            ts: self.ts.clone(),
            thread_ts: self.thread_ts.clone(),
            user: String::new(),
            text: self.text.clone(),
            blocks: self.blocks.clone(),
            metadata: None,
            versions: Vec::new(),
            marked_edited: false,
        }
    }
}

/// An open modal, or a home tab.
#[derive(Clone, Debug)]
pub struct View {
    /// `V…`.
    pub id: String,
    /// Changes with each update.
    pub hash: String,
    /// Who sees it.
    pub user: String,
    /// The view as it was sent, with Slack's ids filled in.
    pub view: Value,
    /// First view of the stack.
    pub root: String,
    /// The view below it.
    pub previous: Option<String>,
    /// What the service found wrong with the last submission, by block id.
    pub errors: BTreeMap<String, String>,
    /// What the person chose in elements that are not inputs: block id → action id → state.
    pub chosen: BTreeMap<String, BTreeMap<String, Value>>,
}

pub(super) struct Trigger {
    pub user: String,
    pub issued: DateTime<Utc>,
    pub used: bool,
    pub view: Option<String>,
}

/// Where a response URL came from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Command,
    Message { ts: String },
    Ephemeral { ts: String },
}

pub(super) struct Hook {
    pub user: String,
    pub channel: String,
    pub issued: DateTime<Utc>,
    pub uses: u32,
    pub origin: Origin,
    pub thread_ts: Option<String>,
}

/// The scopes of the product's manifest.
const SCOPES: &str = "app_mentions:read,channels:history,channels:read,chat:write,commands,files:read,files:write,groups:history,groups:read,im:history,im:write,usergroups:read,users:read,users:read.email";

pub(super) struct State {
    pub team_id: String,
    pub team_domain: String,
    pub app_id: String,
    pub bot_user: String,
    pub bot_id: String,
    pub scopes: BTreeSet<String>,
    pub users: BTreeMap<String, User>,
    pub groups: BTreeMap<String, Group>,
    pub channels: BTreeMap<String, Channel>,
    pub messages: Vec<Message>,
    pub ephemerals: Vec<Ephemeral>,
    pub views: Vec<View>,
    pub homes: BTreeMap<String, View>,
    pub triggers: BTreeMap<String, Trigger>,
    pub hooks: BTreeMap<String, Hook>,
    pub posts: Vec<(String, DateTime<Utc>)>,
    pub complaints: Vec<String>,
    pub files: Files,
    /// How long a trigger id is good.
    pub trigger_life: Duration,
    counter: u64,
    last_micros: i64,
}

impl State {
    pub fn new() -> Self {
        let mut bot = User::new("U0BOT", "Syncgate");
        bot.is_bot = true;
        bot.team_id = "T0SIM".into();
        Self {
            team_id: bot.team_id.clone(),
            team_domain: "simulated".into(),
            app_id: "A0SIM".into(),
            bot_user: bot.id.clone(),
            bot_id: "B0BOT".into(),
            scopes: SCOPES.split(',').map(str::to_owned).collect(),
            users: BTreeMap::from([(bot.id.clone(), bot)]),
            groups: BTreeMap::new(),
            channels: BTreeMap::new(),
            messages: Vec::new(),
            ephemerals: Vec::new(),
            views: Vec::new(),
            homes: BTreeMap::new(),
            triggers: BTreeMap::new(),
            hooks: BTreeMap::new(),
            posts: Vec::new(),
            complaints: Vec::new(),
            files: Files::default(),
            trigger_life: Duration::seconds(3),
            counter: 0,
            last_micros: 0,
        }
    }

    /// The next id with this prefix.
    pub fn next_id(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{:08X}", self.counter)
    }

    /// A message address: the time in microseconds, later than every address before.
    pub fn stamp(&mut self, now: DateTime<Utc>) -> String {
        self.last_micros = now.timestamp_micros().max(self.last_micros + 1);
        format!(
            "{}.{:06}",
            self.last_micros.div_euclid(1_000_000),
            self.last_micros.rem_euclid(1_000_000)
        )
    }

    pub fn message(&self, channel: &str, ts: &str) -> Option<&Message> {
        self.messages
            .iter()
            .find(|m| m.channel == channel && m.ts == ts)
    }

    pub fn message_mut(&mut self, channel: &str, ts: &str) -> Option<&mut Message> {
        self.messages
            .iter_mut()
            .find(|m| m.channel == channel && m.ts == ts)
    }

    /// The direct message with a user, opened when there is none.
    pub fn open_im(&mut self, user: &str) -> String {
        let id = format!("D{}", user.trim_start_matches(['U', 'W']));
        let im = Channel {
            id: id.clone(),
            name: user.into(),
            is_private: true,
            is_member: true,
            is_archived: false,
            im: Some(user.into()),
        };
        self.channels.entry(id.clone()).or_insert(im);
        id
    }

    /// Adds a message and returns its address. A thread is named by its first message, whichever was given.
    pub fn post(&mut self, now: DateTime<Utc>, mut message: Message) -> String {
        message.ts = self.stamp(now);
        if let Some(thread) = &message.thread_ts
            && let Some(parent) = self.message(&message.channel, thread)
        {
            message.thread_ts = Some(
                parent
                    .thread_ts
                    .clone()
                    .unwrap_or_else(|| parent.ts.clone()),
            );
        }
        if message.user == self.bot_user {
            self.posts.push((message.channel.clone(), now));
        }
        let ts = message.ts.clone();
        self.messages.push(message);
        ts
    }

    /// Replaces what a message says and keeps what it said.
    pub fn edit(
        &mut self,
        now: DateTime<Utc>,
        channel: &str,
        ts: &str,
        text: String,
        blocks: Vec<Value>,
    ) {
        if let Some(message) = self.message_mut(channel, ts) {
            let before = Version {
                until: now,
                text: std::mem::replace(&mut message.text, text),
                blocks: std::mem::replace(&mut message.blocks, blocks),
            };
            // Slack marks an edit of bare text only.
            message.marked_edited |= message.blocks.is_empty();
            message.versions.push(before);
        }
    }

    /// Fills in the block ids and action ids that were left out, as Slack does.
    pub fn fill_ids(&mut self, blocks: &mut [Value]) {
        for block in blocks {
            self.fill(block, "block_id");
            for key in ["accessory", "element"] {
                if let Some(element) = block.get_mut(key) {
                    self.fill_element(element);
                }
            }
            if block.get("type").and_then(Value::as_str) != Some("actions") {
                continue;
            }
            for element in block
                .get_mut("elements")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                self.fill_element(element);
            }
        }
    }

    fn fill_element(&mut self, element: &mut Value) {
        if element.get("type").and_then(Value::as_str) != Some("image") {
            self.fill(element, "action_id");
        }
    }

    fn fill(&mut self, value: &mut Value, key: &str) {
        if let Some(object) = value.as_object_mut()
            && !object.contains_key(key)
        {
            let id = self.next_id("x");
            object.insert(key.into(), Value::String(id));
        }
    }

    pub fn complain(&mut self, what: impl Into<String>) {
        self.complaints.push(what.into());
    }
}
