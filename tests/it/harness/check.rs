//! What must hold at the end of every test, whatever it did.

use syncgate::app::Ran;
use syncgate::sim::slack::plain;

use super::{SECRETS, World, proof};

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
        while self.app().chain_receipts().await.unwrap() == Ran::Ran {}
        proof::check_requests(&self.records().await, &self.ledger.entries());
        self.check_secrets().await;
        let idle = "SELECT state FROM steps WHERE run_after IS NOT NULL \
                    AND state IN ('failed', 'skipped', 'reverted', 'revert_refused')";
        let idle = self.ask(idle).await;
        assert!(idle.is_empty(), "settled, and taken up again: {idle:?}");
        let unchained = self.ask("SELECT key FROM inbox WHERE NOT audited").await;
        assert!(unchained.is_empty(), "not in the chain: {unchained:?}");
        let snapshot = self.app().store.snapshot().await;
        let verified = snapshot.unwrap().verify_audit(vec![]).await;
        assert!(
            matches!(verified, Ok(Ok(_))),
            "the audit chain: {verified:?}"
        );
        let health = self.app().health().await.unwrap();
        assert_eq!(health.inbox_waiting, 0, "deliveries were left lying");
        if !self.leaves_work {
            let left = (health.actions_open, health.messages_waiting);
            assert_eq!(left, (0, 0), "actions and messages were left lying");
        }
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

    /// None of our secrets in anything that left or is stored.
    async fn check_secrets(&self) {
        let mut told: Vec<(String, String)> = self.rows().await;
        for entry in self.ledger.entries() {
            told.push((entry.path, entry.body));
        }
        for (place, text) in told {
            let secret = SECRETS
                .iter()
                .find(|s| place.contains(*s) || text.contains(*s));
            assert_eq!(secret, None, "a secret in {place}");
        }
    }
}
