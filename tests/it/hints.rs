//! Webhooks against readings: which failure is told, and when an incident is over (SPEC I13).

use syncgate::sim::fivetran::Outcome;
use syncgate::sim::slack::plain;

use crate::harness::{MINUTE, World, world};

impl World {
    /// What came of each webhook.
    pub async fn hints(&self) -> Vec<String> {
        self.ask("SELECT outcome FROM inbox WHERE route = 'webhook' ORDER BY received_at, key")
            .await
    }
}

#[test]
fn i13_a_failure_that_no_reading_shows_yet_is_looked_for_again() {
    world(async |w| {
        w.webhooks();
        w.fivetran.lag_reads(true);
        w.syncs("orders_id", Outcome::fails_unknown(1, "deadlock detected"))
            .await;
        w.told_by_webhook().await;
        assert!(w.incidents().is_empty(), "{}", w.channel());
        w.fivetran.lag_reads(false);
        w.pass(MINUTE).await;
        assert!(
            w.incident().contains("deadlock detected"),
            "{}",
            w.incident()
        );
    });
}

/// The poll and the webhook look at one failure in the same moment: whoever opens the incident, it has
/// the reason that the webhook alone knows.
#[test]
fn a_reason_is_not_lost_to_a_reading_of_the_same_moment() {
    world(async |w| {
        w.webhooks();
        for n in 0..20 {
            w.syncs("orders_id", Outcome::fails_unknown(1, "deadlock detected"))
                .await;
            w.fivetran.deliver_webhooks().await;
            let (polled, ()) = tokio::join!(w.app().poll(), w.settle());
            polled.unwrap();
            let card = plain(&w.incidents().pop().unwrap());
            assert!(card.contains("deadlock detected"), "{n}: {card}");
            w.syncs("orders_id", Outcome::succeeds(1)).await;
            w.told_by_webhook().await;
        }
    });
}

#[test]
fn a_webhooks_reason_is_never_put_on_another_failure() {
    world(async |w| {
        w.webhooks();
        w.syncs("orders_id", Outcome::fails_unknown(1, "deadlock detected"))
            .await;
        let end = w.fivetran.take_webhooks().pop().unwrap();
        w.pass(10 * MINUTE).await;
        let now = w.now();
        w.edit("orders_id", |c| c.failed_at = Some(now));
        w.posted(&end).await;
        assert!(w.incident().starts_with("Open"), "{}", w.incident());
        assert!(
            !w.incident().contains("deadlock detected"),
            "{}",
            w.incident()
        );
    });
}

#[test]
fn one_failure_opens_one_incident_even_if_an_older_reading_is_looked_at_last() {
    world(async |w| {
        w.webhooks();
        w.syncs("orders_id", Outcome::fails_unknown(1, "connection reset"))
            .await;
        w.told_by_webhook().await;
        let before = w.fivetran.connection("orders_id").unwrap().succeeded_at;
        w.syncs("orders_id", Outcome::succeeds(1)).await;
        w.told_by_webhook().await;
        assert!(w.incident().starts_with("Resolved"), "{}", w.incident());
        // The poll's list was made before the success.
        w.edit("orders_id", |c| c.succeeded_at = before);
        w.polls().await;
        assert!(w.incident().starts_with("Resolved"), "{}", w.incident());
    });
}

#[test]
fn i13_an_incident_of_a_deleted_connection_is_resolved_in_words() {
    world(async |w| {
        let now = w.now();
        w.edit("orders_id", |c| c.failed_at = Some(now));
        w.polls().await;
        assert!(w.incident().starts_with("Open"), "{}", w.incident());
        let orders = w.fivetran.connection("orders_id").unwrap();
        assert!(w.fivetran.delete("orders_id"));
        w.polls().await;
        let card = w.incident();
        assert!(card.starts_with("Resolved"), "{card}");
        assert!(
            card.contains("the connection no longer exists in Fivetran"),
            "{card}"
        );
        // It was only hidden: what was wrong with it is still wrong.
        w.fivetran.add_connection(orders);
        w.polls().await;
        assert_eq!(w.incidents().len(), 2, "{}", w.channel());
    });
}

#[test]
fn one_unreadable_incident_does_not_end_the_detection_of_others() {
    world(async |w| {
        let now = w.now();
        w.edit("hub_id", |c| c.failed_at = Some(now));
        w.polls().await;
        let raw = w.raw().await;
        let kept = raw.texts("SELECT document FROM incidents").await.remove(0);
        raw.run("UPDATE incidents SET document = '{}'")
            .await
            .unwrap();
        for id in ["orders_id", "sales_id"] {
            w.edit(id, |c| c.failed_at = Some(now));
        }
        w.polls().await;
        assert_eq!(w.incidents().len(), 3, "{}", w.channel());
        raw.run(&format!(
            "UPDATE incidents SET document = {} WHERE connection_id = 'hub_id'",
            crate::harness::literal(&kept)
        ))
        .await
        .unwrap();
    });
}

#[test]
fn t063_a_webhook_that_is_switched_off_is_told_once_and_so_is_its_return() {
    world(async |w| {
        w.settings.public_url = Some(w.service().url.parse().unwrap());
        w.restart().await;
        let told = async |w: &World| {
            w.app().watch_webhook().await.unwrap();
            w.settle().await;
            w.channel()
        };
        let missing = told(w).await;
        assert!(missing.contains("No webhook of the account"), "{missing}");
        assert!(missing.contains("syncgate webhook install"), "{missing}");
        assert_eq!(told(w).await, missing, "once");
        // The address is the one that the settings name, not the one that a restart took.
        let url = w.settings.webhook_address().unwrap();
        w.fivetran.set_webhook(&url, crate::harness::WEBHOOK_SECRET);
        let up = told(w).await;
        assert!(up.contains("tells of failures again"), "{up}");
        w.fivetran.switch_webhooks(false);
        let off = told(w).await;
        assert!(off.contains("is switched off"), "{off}");
        assert_eq!(told(w).await, off, "once");
        let codes = w.codes().await;
        let hooks = codes.iter().filter(|code| code.starts_with("webhook."));
        let hooks: Vec<_> = hooks.collect();
        assert_eq!(hooks, ["webhook.down", "webhook.up", "webhook.down"]);
    });
}
