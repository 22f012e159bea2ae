//! What must hold at the end of every test, whatever it did.

use std::collections::BTreeSet;

use syncgate::app::Ran;
use syncgate::sim::slack::plain;

use super::{API_KEY, API_SECRET, BOT_TOKEN, SIGNING_SECRET, WEBHOOK_SECRET, World};

impl World {
    /// Fails the test when the world was left in a state that no test may leave.
    pub async fn check_all(&mut self) {
        let left = self.fivetran_saw();
        assert!(
            left.is_empty(),
            "Fivetran saw changes that the test did not expect:\n{left}"
        );
        let complaints = self.slack.complaints();
        assert!(
            complaints.is_empty(),
            "Slack would have refused: {complaints:?}"
        );
        self.check_messages();
        self.check_writes().await;
        while self.app().chain_receipts().await.unwrap() == Ran::Ran {}
        self.check_secrets().await;
        let unchained = self.ask("SELECT key FROM inbox WHERE NOT audited").await;
        assert!(unchained.is_empty(), "not in the chain: {unchained:?}");
        let verified = self
            .app()
            .store
            .snapshot()
            .await
            .unwrap()
            .verify_audit(vec![])
            .await;
        assert!(
            matches!(verified, Ok(Ok(_))),
            "the audit chain: {verified:?}"
        );
        let health = self.app().health().await.unwrap();
        assert_eq!(health.inbox_waiting, 0, "deliveries were left lying");
    }

    /// A text fallback on every message, one message a second in every channel.
    fn check_messages(&self) {
        for channel in self.slack.channels() {
            for message in self.slack.messages(&channel.id) {
                assert!(
                    !message.text.trim().is_empty(),
                    "no fallback: {}",
                    plain(&message)
                );
            }
            if let Some(gap) = self.slack.shortest_gap(&channel.id) {
                assert!(
                    gap >= chrono::TimeDelta::seconds(1),
                    "two posts within {gap}"
                );
            }
        }
    }

    /// Every write that left has an intent in the audit chain with exactly its bytes (C3), and only
    /// fields that Syncgate may touch (C5).
    async fn check_writes(&self) {
        let mut intents = BTreeSet::new();
        for (code, body) in self.audit().await {
            if code == "action.intended" || code == "revert.intended" {
                let request = &body["request"];
                intents.insert(format!(
                    "{} {} {}",
                    request["method"].as_str().unwrap(),
                    request["path"].as_str().unwrap(),
                    request["body"].as_str().unwrap()
                ));
            }
        }
        for write in self.writes() {
            let sent = format!("{} {} {}", write.method, write.path, write.body);
            assert!(
                intents.contains(&sent),
                "a write without its intent: {sent}\n{intents:#?}"
            );
            if write.method == "PATCH" {
                assert_eq!(write.json()["run_setup_tests"], false, "{sent}");
            }
        }
    }

    /// None of our secrets in anything that left or is stored.
    async fn check_secrets(&self) {
        let audit = self.audit().await;
        for secret in [
            BOT_TOKEN,
            SIGNING_SECRET,
            API_KEY,
            API_SECRET,
            WEBHOOK_SECRET,
        ] {
            for entry in self.ledger.entries() {
                assert!(
                    !entry.body.contains(secret),
                    "a secret in {} {}",
                    entry.method,
                    entry.path
                );
                assert!(!entry.path.contains(secret), "a secret in a path");
            }
            for (code, body) in &audit {
                assert!(
                    !body.to_string().contains(secret),
                    "a secret in the audit record {code}"
                );
            }
        }
    }
}
