//! A reading of the fleet that is not whole: nothing that the policy says is forgotten (SPEC I1, I8).

use syncgate::sim::fault::FaultKind;
use syncgate::sim::ledger::Service;

use crate::harness::people::{ANA, EMIL, ERIN, POLICY};
use crate::harness::{World, world, world_with};

/// Every PostgreSQL source asks two approvers: a rule by service, which no name tells.
fn strict() -> String {
    POLICY.replace("max_pause: 6h", "max_pause: 6h\n    tier: critical")
}

const EMPTY: &str = r#"{"code":"Success","data":{"items":[]}}"#;

impl World {
    async fn known(&self) -> Vec<String> {
        self.ask("SELECT id FROM connections ORDER BY id").await
    }

    /// The next list shows none of the connections.
    async fn polls_an_empty_list(&self) {
        let list = "/v1/connections?";
        self.fault(Service::Fivetran, list, FaultKind::answer(200, EMPTY));
        self.polls().await;
    }
}

#[test]
fn i1_i8_a_connection_that_a_reading_leaves_out_keeps_its_rule() {
    world_with(&strict(), async |w| {
        w.command(ANA, "pause orders for 2h").await;
        w.polls_an_empty_list().await;
        w.click_on(EMIL, 1, "Approve").await;
        assert!(
            w.card_of(1).contains("Approvals: 1 of 2"),
            "{}",
            w.card_of(1)
        );
        assert_eq!(w.fivetran_saw(), "");
        assert!(w.known().await.contains(&"orders_id".to_owned()));
    });
}

#[test]
fn i1_i8_a_connection_whose_row_is_lost_keeps_the_rule_that_it_was_proposed_under() {
    world_with(&strict(), async |w| {
        w.command(ANA, "pause orders for 2h").await;
        w.raw().await.run("DELETE FROM connections").await.unwrap();
        w.click_on(EMIL, 1, "Approve").await;
        assert!(
            w.card_of(1).contains("Approvals: 1 of 2"),
            "{}",
            w.card_of(1)
        );
        assert_eq!(w.fivetran_saw(), "");
        w.click_on(ERIN, 1, "Approve").await;
        assert_eq!(w.fivetran_saw().lines().count(), 1);
    });
}

#[test]
fn i8_where_a_connection_moved_under_a_stricter_rule_that_rule_holds() {
    world_with(&strict(), async |w| {
        w.command(ANA, "pause hubspot for 2h").await;
        w.edit("hub_id", |c| c.service = "postgres".to_owned());
        w.polls().await;
        w.click_on(EMIL, 1, "Approve").await;
        assert!(
            w.card_of(1).contains("Approvals: 1 of 2"),
            "{}",
            w.card_of(1)
        );
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn only_a_connection_that_fivetran_says_is_gone_is_forgotten() {
    world(async |w| {
        w.polls().await;
        let all = w.known().await;
        assert_eq!(all.len(), 4);
        w.polls_an_empty_list().await;
        assert_eq!(w.known().await, all);
        // Nor when a list leaves it out and reading it alone fails.
        let (get, down) = ("GET", FaultKind::answer(500, "{}"));
        w.always(Service::Fivetran, get, "/v1/connections/hub_id", down);
        w.polls_an_empty_list().await;
        assert_eq!(w.known().await, all);
        w.faults.clear();
        assert!(w.fivetran.delete("hub_id"));
        w.polls().await;
        assert!(!w.known().await.contains(&"hub_id".to_owned()));
        assert_eq!(w.known().await.len(), 3);
    });
}
