//! Fivetran's flexible schedule rules over the frequency: what would have no effect is not offered.

use serde_json::json;

use crate::harness::people::{ANA, EMIL};
use crate::harness::{World, world};

impl World {
    fn runs_by_the_clock(&self, id: &str) {
        self.edit(id, |c| {
            c.schedule = Some(json!({"schedule_type": "CRON", "cron": "0 3 * * *"}));
        });
    }
}

#[test]
fn a_frequency_is_refused_where_a_flexible_schedule_rules() {
    world(async |w| {
        w.runs_by_the_clock("orders_id");
        w.command(ANA, "schedule orders every 1h").await;
        let told = w.told(ANA);
        assert!(told.contains("rules over the sync frequency"), "{told}");
        assert!(told.contains("CRON"), "{told}");
        assert!(!w.codes().await.contains(&"proposal.created".to_owned()));
    });
}

#[test]
fn an_approved_frequency_is_skipped_where_a_flexible_schedule_came_meanwhile() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.runs_by_the_clock("orders_id");
        w.click_on(EMIL, 1, "Approve").await;
        let card = w.card_of(1);
        assert!(
            card.contains("orders runs by a CRON schedule, not by a frequency"),
            "{card}"
        );
        assert_eq!(w.fivetran_saw(), "");
    });
}
