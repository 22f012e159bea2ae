//! Response URLs: what may be posted to them, how often, and where it appears.

use chrono::Duration;

use super::api::{Call, Failure};
use super::chat::{Content, content};
use super::state::{Ephemeral, Hook, Message, Origin, State};

/// How long a response URL is good.
const LIFE: Duration = Duration::minutes(30);
/// How often.
const USES: u32 = 5;

/// A post to a response URL.
pub(super) fn respond(state: &mut State, id: &str, call: &Call) -> Result<(), Failure> {
    let hook = state.hooks.get_mut(id).ok_or("invalid_url")?;
    if call.now - hook.issued > LIFE {
        return Err("expired_url".into());
    }
    if hook.uses >= USES {
        return Err("used_url".into());
    }
    hook.uses += 1;
    let place = Place {
        user: hook.user.clone(),
        channel: hook.channel.clone(),
        thread_ts: hook.thread_ts.clone(),
    };
    let origin = hook.origin.clone();
    if call.flag("delete_original") {
        remove(state, &place.channel, &origin);
        return Ok(());
    }
    let content = content(state, call)?;
    if call.flag("replace_original") && replace(state, call, &place.channel, &origin, &content) {
        return Ok(());
    }
    // A reply in a thread is visible to all; an ephemeral one appears where the click was.
    let in_channel = call.text("response_type") == "in_channel";
    let thread_ts = if in_channel {
        call.given("thread_ts")
    } else {
        place.thread_ts.clone()
    };
    show(
        state,
        call,
        Place { thread_ts, ..place },
        in_channel,
        content,
    );
    Ok(())
}

/// Where something appears and for whom.
pub(super) struct Place {
    pub user: String,
    pub channel: String,
    pub thread_ts: Option<String>,
}

/// Shows something to one person, or to the channel.
pub(super) fn show(
    state: &mut State,
    call: &Call,
    place: Place,
    in_channel: bool,
    content: Content,
) {
    let Place {
        user,
        channel,
        thread_ts,
    } = place;
    let Content { text, blocks } = content;
    if in_channel {
        let bot = state.bot_user.clone();
        let message = Message {
            channel,
            ts: String::new(),
            thread_ts,
            user: bot,
            text,
            blocks,
            metadata: None,
            versions: Vec::new(),
            marked_edited: false,
        };
        state.post(call.now, message);
    } else {
        let ts = state.stamp(call.now);
        state.ephemerals.push(Ephemeral {
            ts,
            user,
            channel,
            thread_ts,
            text,
            blocks,
        });
    }
}

fn remove(state: &mut State, channel: &str, origin: &Origin) {
    match origin {
        // Slack does not take back what a person typed.
        Origin::Command => state.complain("delete_original on the response URL of a command"),
        Origin::Message { ts } => state
            .messages
            .retain(|m| m.channel != channel || m.ts != *ts),
        Origin::Ephemeral { ts } => state.ephemerals.retain(|e| e.ts != *ts),
    }
}

/// Whether there was something to replace.
fn replace(
    state: &mut State,
    call: &Call,
    channel: &str,
    origin: &Origin,
    content: &Content,
) -> bool {
    match origin {
        Origin::Command => false,
        Origin::Message { ts } => {
            let found = state.message(channel, ts).is_some();
            state.edit(
                call.now,
                channel,
                ts,
                content.text.clone(),
                content.blocks.clone(),
            );
            found
        }
        Origin::Ephemeral { ts } => match state.ephemerals.iter_mut().find(|e| e.ts == *ts) {
            None => false,
            Some(ephemeral) => {
                ephemeral.text.clone_from(&content.text);
                ephemeral.blocks.clone_from(&content.blocks);
                true
            }
        },
    }
}

impl State {
    /// A new response URL's id.
    pub fn new_hook(&mut self, hook: Hook) -> String {
        let id = self.next_id("r");
        self.hooks.insert(id.clone(), hook);
        id
    }
}
