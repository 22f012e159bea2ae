//! *Done, check it*: a person has mended a connection, and Fivetran is asked to look (SPEC §5).

use syncgate::sim::fault::FaultKind;
use syncgate::sim::fivetran::Outcome;
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::plain;

use crate::harness::people::{ANA, EMIL, VIV};
use crate::harness::{CHANNEL, MINUTE, World, world};

const REVOKED: &str = "the token was revoked";

impl World {
    /// A sync of `orders` fails since its token was revoked.
    async fn loses_its_token(&self) {
        self.webhooks();
        let outcome = Outcome::fails(1, "reconnect", "Reconnect", REVOKED);
        self.syncs("orders_id", outcome).await;
        self.told_by_webhook().await;
    }
}

#[test]
fn what_a_person_mended_is_checked_after_an_approval_and_a_sync_proves_it() {
    world(async |w| {
        w.loses_its_token().await;
        w.click(VIV, "Done, check it").await;
        assert!(w.told(VIV).contains("Refused"), "{}", w.told(VIV));
        w.click(ANA, "Done, check it").await;
        assert_eq!(
            w.fivetran_saw(),
            "",
            "an operator asks, and does not decide"
        );
        w.click(ANA, "Done, check it").await;
        assert!(w.told(ANA).contains("#1"), "{}", w.told(ANA));
        assert_eq!(w.count("proposals").await, 1, "one is enough");
        w.fivetran.next_sync("orders_id", Outcome::succeeds(1));
        w.command(EMIL, "approve 1").await;
        assert_eq!(w.fivetran_saw(), "orders_id SetupTestsRun");
        let card = w.incident();
        assert!(
            card.contains("Next: approve #2, which would sync orders again"),
            "{card}"
        );
        w.click(EMIL, "Approve the fix").await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        w.pass(6 * MINUTE).await;
        w.told_by_webhook().await;
        assert!(w.incident().starts_with("Resolved"), "{}", w.incident());
        let codes = w.codes().await;
        assert!(codes.contains(&"incident.checked".to_owned()), "{codes:?}");
    });
}

#[test]
fn tests_that_pass_prove_nothing_of_what_they_do_not_look_at() {
    world(async |w| {
        w.webhooks();
        let gone = "column \"total\" of relation \"orders\" does not exist";
        let outcome = Outcome::fails(1, "table_sync_error", "Table failed", gone);
        w.syncs("orders_id", outcome).await;
        w.told_by_webhook().await;
        assert!(w.incident().contains("schema_change"), "{}", w.incident());
        w.fivetran.next_sync("orders_id", Outcome::succeeds(1));
        w.edit("orders_id", |c| c.tasks.clear());
        w.click(ANA, "Done, check it").await;
        w.command(EMIL, "approve 1").await;
        assert_eq!(w.fivetran_saw(), "orders_id SetupTestsRun");
        assert_eq!(w.count("proposals").await, 1, "{}", w.channel());
    });
}

#[test]
fn what_is_not_mended_says_which_test_failed() {
    world(async |w| {
        w.loses_its_token().await;
        let again = Outcome::fails(1, "reconnect", "Reconnect", REVOKED);
        w.fivetran.next_sync("orders_id", again);
        w.click(ANA, "Done, check it").await;
        w.command(EMIL, "approve 1").await;
        assert_eq!(w.fivetran_saw(), "orders_id SetupTestsRun");
        let card = w.incident();
        assert!(card.contains("Setup test failed: Validate Login"), "{card}");
        assert!(card.contains("[Done, check it]"), "{card}");
        assert!(!card.contains("[Approve the fix]"), "{card}");
    });
}

#[test]
fn i4_setup_tests_without_an_answer_are_not_run_twice() {
    world(async |w| {
        w.loses_its_token().await;
        w.click(ANA, "Done, check it").await;
        let lost = FaultKind::Close { apply: true };
        w.always(Service::Fivetran, "POST", "/test", lost);
        w.command(EMIL, "approve 1").await;
        w.later(std::time::Duration::from_secs(600)).await;
        assert_eq!(w.fivetran_saw(), "orders_id SetupTestsRun");
        assert!(w.card_of(1).starts_with("Unknown"), "{}", w.card_of(1));
        w.click_on(EMIL, 1, "It ran").await;
    });
}

#[test]
fn a_check_of_what_is_over_is_refused() {
    world(async |w| {
        w.loses_its_token().await;
        let card = w.incidents().pop().unwrap();
        assert!(plain(&card).contains("[Done, check it]"));
        w.fivetran.repair("orders_id", 1);
        w.syncs("orders_id", Outcome::succeeds(1)).await;
        w.told_by_webhook().await;
        for (value, told) in [
            ("1", "is over"),
            ("9", "there is no incident 9"),
            ("x", "does not know"),
        ] {
            let ack = w.slack.click_raw(ANA, CHANNEL, &card.ts, "check", value);
            assert!(ack.await.ok());
            w.settle().await;
            assert!(w.told(ANA).contains(told), "{value}: {}", w.told(ANA));
        }
        assert_eq!(w.fivetran_saw(), "");
    });
}
