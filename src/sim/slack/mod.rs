//! A simulated Slack workspace: the Web API over HTTP, and people who type and click.
//!
//! [`SlackSim::router`] answers what the service calls; [`acts`](self) such as [`SlackSim::click`] deliver
//! signed requests to it as Slack does. What tests look at are the messages, ephemerals and modals as a
//! person sees them, and `complaints`: everything a real Slack would have refused without a word.

mod acts;
mod api;
mod chat;
mod clicks;
#[cfg(test)]
mod client_tests;
mod directory;
mod elements;
mod events;
mod files;
mod forms;
mod hooks;
pub mod limits;
mod modals;
mod render;
mod socket;
mod state;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::{SimClock, lock};
use state::State;

pub use acts::{Ack, Signed, signature};
pub use render::{plain, plain_blocks, plain_view};
pub use socket::envelope;
pub use state::{Channel, Ephemeral, Group, Message, User, Version, View};

/// A handle on the workspace; clones share it.
#[derive(Clone)]
pub struct SlackSim(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    clock: SimClock,
    signing_secret: String,
    bot_token: String,
    wiring: Mutex<Wiring>,
    sockets: Mutex<socket::Sockets>,
    http: OnceLock<Result<reqwest::Client, String>>,
    /// Counts what may have changed something.
    changes: watch::Sender<u64>,
}

/// Who finds whom.
#[derive(Clone)]
struct Wiring {
    /// Base URL of the service under test.
    target: String,
    /// Base URL under which this workspace is reached, for response URLs.
    public: String,
    /// The slash command's name.
    command: String,
    /// How long Slack waits for an answer.
    patience: Duration,
}

impl SlackSim {
    /// An empty workspace `T0SIM` with the bot `U0BOT` of the app `A0SIM`.
    pub fn new(
        clock: SimClock,
        signing_secret: impl Into<String>,
        bot_token: impl Into<String>,
    ) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State::new()),
            clock,
            signing_secret: signing_secret.into(),
            bot_token: bot_token.into(),
            wiring: Mutex::new(Wiring {
                target: String::new(),
                public: String::new(),
                command: "/syncgate".into(),
                patience: Duration::from_secs(3),
            }),
            sockets: Mutex::default(),
            http: OnceLock::new(),
            changes: watch::Sender::new(0),
        }))
    }

    /// Where the service under test listens, as `http://host:port`.
    pub fn set_target(&self, url: impl Into<String>) {
        lock(&self.0.wiring).target = url.into().trim_end_matches('/').to_owned();
    }

    /// Where this workspace listens, as `http://host:port`: response and upload URLs begin with it.
    pub fn set_public_url(&self, url: impl Into<String>) {
        let url = url.into().trim_end_matches('/').to_owned();
        self.with(|s| s.files.public.clone_from(&url));
        lock(&self.0.wiring).public = url;
    }

    /// The name under which the slash command was installed.
    pub fn set_command(&self, name: impl Into<String>) {
        lock(&self.0.wiring).command = name.into();
    }

    /// The slash command's name, with its slash.
    pub fn command_name(&self) -> String {
        self.wiring().command
    }

    /// How long to wait for an acknowledgement; Slack waits 3 seconds.
    pub fn set_patience(&self, patience: Duration) {
        lock(&self.0.wiring).patience = patience;
    }

    /// How long a trigger id is good by the simulated clock; Slack's three seconds at first.
    pub fn set_trigger_life(&self, life: chrono::Duration) {
        self.with(|s| s.trigger_life = life);
    }

    /// Tells of each act and call that may have changed what somebody sees.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// The simulated time.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0.clock)()
    }

    fn wiring(&self) -> Wiring {
        lock(&self.0.wiring).clone()
    }

    /// Does something to the workspace, and tells those who look.
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let done = f(&mut lock(&self.0.state));
        self.0.changes.send_modify(|count| *count += 1);
        done
    }

    /// Looks at the workspace.
    fn look<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&lock(&self.0.state))
    }
}

/// Who and what is there; all of it can change at run time.
impl SlackSim {
    /// Adds or replaces a user; one without a team gets the workspace's.
    pub fn add_user(&self, mut user: User) {
        self.with(|s| {
            if user.team_id.is_empty() {
                user.team_id = s.team_id.clone();
            }
            s.users.insert(user.id.clone(), user);
        });
    }

    /// Changes a user: deactivates, makes a guest, moves to another workspace.
    pub fn change_user(&self, id: &str, change: impl FnOnce(&mut User)) {
        self.with(|s| s.users.get_mut(id).map(change));
    }

    /// Adds or replaces a user group.
    pub fn add_group(&self, id: &str, handle: &str, members: &[&str]) {
        let members = members.iter().map(ToString::to_string).collect();
        let group = Group {
            id: id.into(),
            handle: handle.into(),
            members,
            disabled: false,
        };
        self.with(|s| s.groups.insert(id.into(), group));
    }

    /// Changes who is in a user group.
    pub fn set_group_members(&self, id: &str, members: &[&str]) {
        let members = members.iter().map(ToString::to_string).collect();
        self.with(|s| s.groups.get_mut(id).map(|g| g.members = members));
    }

    /// Adds a public channel that the bot is in.
    pub fn add_channel(&self, id: &str, name: &str) {
        let channel = Channel {
            id: id.into(),
            name: name.into(),
            is_private: false,
            is_member: true,
            is_archived: false,
            im: None,
        };
        self.with(|s| s.channels.insert(id.into(), channel));
    }

    /// Changes a channel: archives it, makes it private, puts the bot out.
    pub fn change_channel(&self, id: &str, change: impl FnOnce(&mut Channel)) {
        self.with(|s| s.channels.get_mut(id).map(change));
    }

    /// Gives or takes a scope of the bot token.
    pub fn set_scope(&self, scope: &str, granted: bool) {
        self.with(|s| {
            if granted {
                s.scopes.insert(scope.into())
            } else {
                s.scopes.remove(scope)
            }
        });
    }

    /// All users, the bot too, by id.
    pub fn users(&self) -> Vec<User> {
        self.look(|s| s.users.values().cloned().collect())
    }

    /// All user groups by id.
    pub fn groups(&self) -> Vec<Group> {
        self.look(|s| s.groups.values().cloned().collect())
    }

    /// All channels and direct messages by id.
    pub fn channels(&self) -> Vec<Channel> {
        self.look(|s| s.channels.values().cloned().collect())
    }

    /// The workspace's id.
    pub fn team_id(&self) -> String {
        self.look(|s| s.team_id.clone())
    }

    /// The bot's user id.
    pub fn bot_user(&self) -> String {
        self.look(|s| s.bot_user.clone())
    }
}

/// What people see.
impl SlackSim {
    /// All messages of a channel in order, replies in threads too.
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        self.look(|s| {
            s.messages
                .iter()
                .filter(|m| m.channel == channel)
                .cloned()
                .collect()
        })
    }

    /// One message.
    pub fn message(&self, channel: &str, ts: &str) -> Option<Message> {
        self.look(|s| s.message(channel, ts).cloned())
    }

    /// The replies of a thread in order, without its first message.
    pub fn thread(&self, channel: &str, ts: &str) -> Vec<Message> {
        let mut all = self.messages(channel);
        all.retain(|m| m.thread_ts.as_deref() == Some(ts));
        all
    }

    /// All that this person alone saw, in order: ephemerals, answers to commands, posts to response URLs.
    pub fn ephemerals(&self, user: &str) -> Vec<Ephemeral> {
        self.look(|s| {
            s.ephemerals
                .iter()
                .filter(|e| e.user == user)
                .cloned()
                .collect()
        })
    }

    /// The stack of modals that this person has open, the topmost last.
    pub fn views(&self, user: &str) -> Vec<View> {
        self.look(|s| s.views.iter().filter(|v| v.user == user).cloned().collect())
    }

    /// This person's home tab.
    pub fn home(&self, user: &str) -> Option<View> {
        self.look(|s| s.homes.get(user).cloned())
    }

    /// When the bot posted to a channel, in order: Slack takes about one message a second.
    pub fn post_times(&self, channel: &str) -> Vec<DateTime<Utc>> {
        self.look(|s| {
            s.posts
                .iter()
                .filter(|(c, _)| c == channel)
                .map(|(_, at)| *at)
                .collect()
        })
    }

    /// The shortest time between two posts of the bot to one channel.
    pub fn shortest_gap(&self, channel: &str) -> Option<chrono::Duration> {
        self.post_times(channel)
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .min()
    }

    /// What a real Slack would not have taken, in words: acknowledgements of a wrong shape, errors on
    /// blocks that are no inputs, and so on. A good test ends with none.
    pub fn complaints(&self) -> Vec<String> {
        self.look(|s| s.complaints.clone())
    }

    /// Puts a person's own message into a channel; returns its address. No event is delivered.
    pub fn say(&self, user: &str, channel: &str, text: &str, thread: Option<&str>) -> String {
        let message = Message {
            channel: channel.into(),
            ts: String::new(),
            thread_ts: thread.map(str::to_owned),
            user: user.into(),
            text: text.into(),
            blocks: Vec::new(),
            metadata: None,
            versions: Vec::new(),
            marked_edited: false,
        };
        let now = self.now();
        self.with(|s| s.post(now, message))
    }

    /// Shows a text to one person alone, as Slackbot does when an act of his failed.
    pub fn whisper(&self, user: &str, channel: &str, text: &str) {
        self.whisper_in(user, channel, None, text);
    }

    /// The same in a thread.
    pub fn whisper_in(&self, user: &str, channel: &str, thread: Option<&str>, text: &str) {
        let thread_ts = thread.map(str::to_owned);
        let now = self.now();
        self.with(|s| {
            let ts = s.stamp(now);
            let (user, channel, text) = (user.into(), channel.into(), text.into());
            s.ephemerals.push(Ephemeral {
                ts,
                user,
                channel,
                thread_ts,
                text,
                blocks: Vec::new(),
            });
        });
    }
}
