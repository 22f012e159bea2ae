//! What must hold after every test, whatever died in it.

use std::collections::BTreeSet;

use serde_json::Value;
use syncgate::sim::slack::plain;

use super::{SECRETS, Stage};

impl Stage {
    /// Every audit record, as the binary exports them.
    pub async fn audit(&self) -> Vec<Value> {
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
        audit.iter().filter(|record| record["code"] == code).count()
    }

    /// What must hold after every test, whatever died in it.
    pub async fn check(&self) {
        let verified = self.run(&["audit", "verify"]).await;
        let said = String::from_utf8_lossy(&verified.stdout);
        assert!(verified.status.success(), "the audit chain: {said}");
        let audit = self.audit().await;
        self.check_writes(&audit);
        self.check_messages();
        self.check_secrets(&audit);
        let panicked = self.log().contains("panicked");
        assert_eq!(panicked, self.panics, "{}", self.log());
    }

    /// Every write that arrived has an intent of its own, with its bytes, recorded before it.
    fn check_writes(&self, audit: &[Value]) {
        let mut intents: Vec<(String, String)> = Vec::new();
        for record in audit {
            let code = record["code"].as_str().unwrap();
            if code == "action.intended" || code == "revert.intended" {
                let body: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
                let text = |name: &str| body["request"][name].as_str().unwrap().to_owned();
                let sent = format!("{} {} {}", text("method"), text("path"), text("body"));
                intents.push((sent, record["at"].as_str().unwrap().to_owned()));
            }
        }
        for write in self.writes() {
            let sent = format!("{} {} {}", write.method, write.path, write.body);
            let before =
                |at: &str| at.parse::<chrono::DateTime<chrono::Utc>>().unwrap() <= write.at;
            let found = intents
                .iter()
                .position(|(is, at)| *is == sent && before(at));
            let found = found.unwrap_or_else(|| panic!("no intent for {sent}\n{intents:#?}"));
            intents.remove(found);
        }
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

    fn check_secrets(&self, audit: &[Value]) {
        let mut told = self.log();
        for record in audit {
            told.push_str(&record.to_string());
        }
        for entry in self.ledger.entries() {
            told.push_str(&entry.path);
            told.push_str(&entry.body);
        }
        for secret in SECRETS {
            assert!(!told.contains(secret), "a secret was told: {secret}");
        }
    }
}
