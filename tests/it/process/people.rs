//! What people do and see.

use chrono::TimeDelta;
use syncgate::sim::ledger::{Entry, Service};
use syncgate::sim::slack::{Ack, Message, plain};

use super::{Stage, state};
use crate::harness::CHANNEL;

impl Stage {
    /// A person types a command; it may fall on deaf ears.
    pub async fn types(&self, user: &str, text: &str) -> Ack {
        self.slack.command(user, CHANNEL, text).await
    }

    /// A person clicks the newest button of this label; `None` where there is none.
    pub async fn clicks(&self, user: &str, label: &str) -> Option<Ack> {
        self.clicks_in(CHANNEL, user, label).await
    }

    pub async fn clicks_in(&self, channel: &str, user: &str, label: &str) -> Option<Ack> {
        let button = format!("[{label}]");
        let all = self.slack.messages(channel);
        let message = all.into_iter().rev().find(|m| plain(m).contains(&button))?;
        let ts = &message.ts;
        Some(self.slack.click_label(user, channel, ts, label).await)
    }

    /// The state word of each card in the default channel.
    pub fn states(&self) -> Vec<String> {
        self.cards(CHANNEL).iter().map(state).collect()
    }

    /// The messages of a channel that stand in no thread.
    pub fn cards(&self, channel: &str) -> Vec<Message> {
        let all = self.slack.messages(channel).into_iter();
        all.filter(|m| m.thread_ts.as_ref().is_none_or(|ts| *ts == m.ts))
            .collect()
    }

    /// The changes that Fivetran made, one a line.
    pub fn effects(&self) -> String {
        let effects = self.fivetran.effects();
        let lines = effects
            .iter()
            .map(|e| format!("{} {:?}", e.connection_id, e.what));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The mutating requests that arrived at Fivetran.
    pub fn writes(&self) -> Vec<Entry> {
        let entries = self.ledger.entries().into_iter();
        entries
            .filter(|e| e.service == Service::Fivetran && e.method != "GET")
            .collect()
    }

    /// Sends off the modal of Modify with another end of the pause.
    pub async fn modify_until(&self, user: &str, after: TimeDelta) -> Ack {
        assert!(self.clicks(user, "Modify…").await.unwrap().ok());
        let filled = async |s: &Self| {
            let view = s.slack.views(user).pop();
            view.is_some_and(|v| v.view["callback_id"] == "modify")
        };
        self.until("the modal is filled", filled).await;
        let view = self.slack.views(user).pop().unwrap();
        let until = (self.slack.now() + after).timestamp().to_string();
        let values = [("line:0:keep", "keep"), ("line:0:until", &until)];
        self.slack.submit(user, &view.id, &values).await
    }

    /// Everything in the default channel, as text.
    pub fn channel(&self) -> String {
        let all: Vec<_> = self.slack.messages(CHANNEL).iter().map(plain).collect();
        all.join("\n---\n")
    }
}
