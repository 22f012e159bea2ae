//! What stands beside the log: Fivetran's own lists of what is wrong, and what was changed before.

use syncgate::sim::fault::FaultKind;
use syncgate::sim::fivetran::Outcome;
use syncgate::sim::ledger::Service;

use crate::harness::{World, world};

const REASON: &str = "FATAL: password authentication failed for user";

impl World {
    /// `orders` fails, and only a polling sees it.
    async fn fails_unsaid(&self) {
        self.syncs("orders_id", Outcome::fails_unknown(1, REASON))
            .await;
        self.polls().await;
        self.fivetran.take_webhooks();
    }

    fn asked(&self, list: &str) -> usize {
        let path = format!("/v1/connections/orders_id/{list}");
        self.ledger.matching(Service::Fivetran, "GET", &path).len()
    }
}

#[test]
fn fivetrans_own_list_tells_the_cause_where_nobody_else_does() {
    world(async |w| {
        w.fivetran.enable_diagnosis(true);
        w.fails_unsaid().await;
        let card = w.incident();
        assert!(card.contains("confirmed: credential_expired"), "{card}");
        assert!(card.contains("Fivetran's sync history, FAILURE"), "{card}");
        assert!(card.contains(REASON), "{card}");
    });
}

#[test]
fn a_list_that_the_account_does_not_have_is_asked_once() {
    world(async |w| {
        w.fails_unsaid().await;
        assert!(w.incident().contains("inconclusive"), "{}", w.incident());
        w.fails_unsaid().await;
        assert!(w.incident().contains("failed 2 times"), "{}", w.incident());
        let asked = ["errors", "warnings", "sync-history"].map(|list| w.asked(list));
        assert_eq!(asked, [1, 1, 1]);
    });
}

#[test]
fn a_list_that_is_slow_or_odd_keeps_no_card_from_coming() {
    world(async |w| {
        w.fivetran.enable_diagnosis(true);
        let path = |list: &str| format!("/connections/orders_id/{list}");
        w.always(
            Service::Fivetran,
            "GET",
            &path("errors"),
            FaultKind::Hang { apply: false },
        );
        w.always(
            Service::Fivetran,
            "GET",
            &path("warnings"),
            FaultKind::answer(200, "<html>"),
        );
        let odd = r#"{"code":"Success","data":{"items":[7,{"status":["FAILURE"]},{"status":"FAILURE","reason":{}}]}}"#;
        w.always(
            Service::Fivetran,
            "GET",
            &path("sync-history"),
            FaultKind::answer(200, odd),
        );
        w.fails_unsaid().await;
        let card = w.incident();
        assert!(card.contains("inconclusive"), "{card}");
        assert!(!card.contains("Fivetran's"), "{card}");
        w.faults.clear();
    });
}

#[test]
fn what_was_changed_in_the_day_before_stands_on_the_card() {
    world(async |w| {
        let log = w.with_log().await;
        log.says("07:00:58.000", "column orders.total does not exist");
        log.changed(
            "2026-11-22 18:00:00.000",
            r#"{"type":"DROP_COLUMN","table":"orders <!channel>"}"#,
        );
        log.changed(
            "2026-11-20 18:00:00.000",
            r#"{"type":"ADD_COLUMN","table":"long ago"}"#,
        );
        w.fails("it failed").await;
        let card = w.incident();
        assert!(
            card.contains("What changed before:\n1. log row of 2026-11-22 18:00:00.000, INFO alter_table, line 1: table orders ‹!channel>, type DROP_COLUMN"),
            "{card}"
        );
        assert!(!card.contains("long ago"), "{card}");
    });
}
