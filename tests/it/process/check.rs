//! What must hold after every test, whatever died in it.

use std::collections::BTreeSet;

use syncgate::model::audit::Record;
use syncgate::sim::slack::plain;

use super::Stage;
use crate::harness::{Raw, SECRETS, proof};

impl Stage {
    /// Every audit record, as the binary exports them.
    pub async fn audit(&self) -> Vec<Record> {
        let out = self.run(&["audit", "export"]).await;
        assert!(out.status.success(), "{out:?}");
        let text = String::from_utf8(out.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// How often something was recorded.
    pub async fn recorded(&self, code: &str) -> usize {
        let audit = self.audit().await;
        audit.iter().filter(|record| record.code == code).count()
    }

    /// What must hold after every test, whatever died in it.
    pub async fn check(&self) {
        let verified = self.run(&["audit", "verify"]).await;
        assert!(verified.status.success(), "the audit chain: {verified:?}");
        let audit = self.audit().await;
        proof::check_requests(&audit, &self.ledger.entries());
        self.check_messages();
        self.check_secrets().await;
        let panicked = self.log().contains("panicked");
        assert_eq!(panicked, self.panics, "{}", self.log());
    }

    /// No message stands twice in a channel, and each has a fallback.
    fn check_messages(&self) {
        assert_eq!(self.slack.complaints(), Vec::<String>::new());
        let mut seen = BTreeSet::new();
        for channel in self.slack.channels() {
            for message in self.slack.messages(&channel.id) {
                assert!(!message.text.trim().is_empty(), "{}", plain(&message));
                let Some(metadata) = &message.metadata else {
                    continue;
                };
                let key = metadata["event_payload"]["key"].to_string();
                let new = key != "null" && seen.insert(key.clone());
                assert!(
                    new,
                    "{key} stands twice:\n{}\n{}",
                    self.channel(),
                    self.log()
                );
            }
        }
    }

    /// None of our secrets in anything that left, was logged or is stored.
    async fn check_secrets(&self) {
        let raw = Raw::of(&self.database, &self.settings["DATABASE_URL"]).await;
        let mut told = raw.everything().await;
        told.push(("the log".to_owned(), self.log()));
        for entry in self.ledger.entries() {
            told.push((entry.path.clone(), proof::recorded(&entry)));
        }
        for (place, text) in told {
            let secret = SECRETS
                .iter()
                .find(|s| place.contains(*s) || text.contains(*s));
            assert_eq!(secret, None, "a secret in {place}");
        }
    }
}
