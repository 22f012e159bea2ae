//! What people see.

use syncgate::sim::slack::{Message, plain};

use super::{CHANNEL, World};

impl World {
    /// Every message of the channel, those in threads too, by time.
    pub fn all_messages(&self) -> Vec<Message> {
        let mut all = self.slack.messages(CHANNEL);
        all.sort_by(|a, b| a.ts.cmp(&b.ts));
        all
    }

    /// The messages of a channel that stand for themselves, without the replies in threads.
    pub fn cards(&self, channel: &str) -> Vec<Message> {
        let mut all = self.slack.messages(channel);
        all.retain(|m| m.thread_ts.as_ref().is_none_or(|root| *root == m.ts));
        all
    }

    /// The channel as text, without threads.
    pub fn channel(&self) -> String {
        let messages = self.cards(CHANNEL);
        messages
            .iter()
            .map(plain)
            .collect::<Vec<_>>()
            .join("\n---\n")
    }

    /// The newest card of the channel.
    pub fn card(&self) -> String {
        self.cards(CHANNEL).last().map(plain).unwrap_or_default()
    }

    /// The fallback text of the newest card: it begins with its state.
    pub fn state(&self) -> String {
        let text = self
            .cards(CHANNEL)
            .last()
            .map(|m| m.text.clone())
            .unwrap_or_default();
        text.split([':', '·'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    }

    /// What stands in the thread of the newest card.
    pub fn thread(&self) -> String {
        let Some(card) = self.cards(CHANNEL).pop() else {
            return String::new();
        };
        let thread = self.slack.thread(CHANNEL, &card.ts);
        let replies = thread
            .iter()
            .filter(|m| m.thread_ts.is_some() && m.ts != card.ts);
        replies.map(plain).collect::<Vec<_>>().join("\n")
    }

    /// The last thing that only this person was told.
    pub fn told(&self, user: &str) -> String {
        let told = self.slack.ephemerals(user);
        told.last()
            .map(|e| plain(&e.as_message()))
            .unwrap_or_default()
    }

    /// The newest message of the channel that has a button of this label.
    pub fn with_button(&self, label: &str) -> Message {
        let all = self.all_messages();
        let found = all
            .into_iter()
            .rev()
            .find(|m| plain(m).contains(&format!("[{label}]")));
        found.unwrap_or_else(|| panic!("no message has a button {label}:\n{}", self.channel()))
    }
}
