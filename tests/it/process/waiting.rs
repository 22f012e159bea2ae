//! Waiting until something is so, and looking at what is.

use std::net::SocketAddr;

use serde_json::Value;

use super::{LOOK, PATIENCE, Stage, address_in, get};

impl Stage {
    /// Waits until something is so.
    pub async fn until(&self, what: &str, so: impl AsyncFn(&Self) -> bool) {
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            if so(self).await {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("in vain: {what}\n{}", self.report().await);
    }

    /// All that helps to understand a failure.
    pub async fn report(&self) -> String {
        format!(
            "state: {}\neffects: {}\nmessages: {}\nlog:\n{}",
            self.state().await,
            self.effects(),
            self.channel(),
            self.log()
        )
    }

    /// Where the running process listens.
    pub fn address(&self) -> SocketAddr {
        let log = self.log();
        // Other lines may hold the word, as `already`, and no address.
        let mut ready = log.rmatch_indices("ready");
        let address = ready.find_map(|(at, _)| address_in(&log[at..]));
        address.expect("it was ready once")
    }

    /// What `/readyz` says of the service's state.
    pub async fn state(&self) -> Value {
        let answer = get(self.address(), "/readyz").await;
        answer
            .map(|(_, body)| body["state"].clone())
            .unwrap_or_default()
    }

    /// Waits until every delivery is handled, every action settled, every question to the model ended
    /// and every message sent.
    pub async fn quiet(&self) {
        let all = [
            "inbox_waiting",
            "actions_open",
            "questions_waiting",
            "messages_waiting",
        ];
        self.none(&all).await;
    }

    /// Waits until nothing of these waits.
    pub async fn none(&self, names: &[&str]) {
        let idle = async |stage: &Self| {
            let state = stage.state().await;
            names.iter().all(|name| state[name] == 0)
        };
        // Twice: the counts are not taken in one instant, and one thing leads to the next.
        let really = async |stage: &Self| idle(stage).await && idle(stage).await;
        self.until("nothing waits any more", really).await;
    }

    /// Waits until a card says this.
    pub async fn says(&self, word: &str) {
        let said = async |stage: &Self| stage.states().iter().any(|s| s == word);
        self.until(&format!("a card says {word}"), said).await;
    }
}
