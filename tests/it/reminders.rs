//! What happens to an incident because time passes: mention, reminders, flapping, and what is known
//! from before (SPEC §2.2).

use chrono::TimeDelta;
use syncgate::sim::fivetran::Outcome;
use syncgate::sim::slack::plain;

use crate::harness::people::{ANA, EMIL, VIV};
use crate::harness::{MINUTE, world};

const RESET: &str = "connection reset by peer";
const TIMEOUT: &str = "canceling statement due to statement timeout";

#[test]
fn the_owner_is_mentioned_some_minutes_after_the_card_and_only_once() {
    world(async |w| {
        w.webhooks();
        w.breaks("sales_id", RESET).await;
        assert!(!w.incident().contains("<@U0LEAD>\n"), "{}", w.incident());
        assert!(!w.incident().contains("Owner:"), "{}", w.incident());
        w.pass(4 * MINUTE).await;
        assert!(!w.incident_thread().contains("own this connection"));
        w.restart().await;
        w.pass(MINUTE).await;
        let thread = w.incident_thread();
        assert!(
            thread.contains("<@U0LEAD>, you own this connection. It has failed once since"),
            "{thread}"
        );
        assert!(
            w.incident().contains("Owner: <@U0LEAD>"),
            "{}",
            w.incident()
        );
        w.breaks("sales_id", RESET).await;
        w.pass(20 * MINUTE).await;
        assert_eq!(
            w.incident_thread().matches("own this connection").count(),
            1
        );
    });
}

#[test]
fn nobody_is_mentioned_for_what_is_taken_or_over_in_time() {
    world(async |w| {
        w.webhooks();
        w.breaks("sales_id", RESET).await;
        w.pass(MINUTE).await;
        w.recovers("sales_id").await;
        w.pass(10 * MINUTE).await;
        w.breaks("sales_id", TIMEOUT).await;
        let card = w.incidents().pop().unwrap();
        assert!(plain(&card).starts_with("Open · incident 2"));
        w.command(ANA, "take 2").await;
        w.pass(10 * MINUTE).await;
        assert_eq!(w.audited("incident.mentioned").await, 0);
    });
}

#[test]
fn the_mention_waits_while_fivetran_tries_again_but_not_for_ever() {
    world(async |w| {
        w.webhooks();
        w.breaks("sales_id", RESET).await;
        let later = w.now() + TimeDelta::hours(6);
        w.syncs("sales_id", Outcome::reschedules(later)).await;
        w.polls().await;
        w.pass(30 * MINUTE).await;
        assert_eq!(w.audited("incident.mentioned").await, 0, "{}", w.incident());
        w.pass(40 * MINUTE).await;
        assert_eq!(w.audited("incident.mentioned").await, 1, "{}", w.incident());
    });
}

#[test]
fn people_are_reminded_before_the_data_is_late_once_each_also_after_a_restart() {
    world(async |w| {
        // Its last success was at 06:30, and its data may be two hours old.
        w.webhooks();
        w.breaks("sales_id", RESET).await;
        let card = w.incident();
        assert!(
            card.contains("*Late by* 23 Nov 09:30 CET unless a sync succeeds before"),
            "{card}"
        );
        w.command(ANA, "take 1").await;
        w.pass(30 * MINUTE).await;
        assert_eq!(w.audited("incident.reminded").await, 0);
        w.restart().await;
        w.pass(30 * MINUTE).await;
        let thread = w.incident_thread();
        assert!(
            thread.contains("<@U0ANA>: in 30 min, at 23 Nov 09:30 CET, its data is late"),
            "{thread}"
        );
        w.pass(40 * MINUTE).await;
        assert_eq!(w.audited("incident.reminded").await, 1);
        assert_eq!(w.audited("incident.mentioned").await, 0);
    });
}

#[test]
fn a_snoozed_incident_reminds_nobody_until_its_silence_ends() {
    world(async |w| {
        // Late in 80 minutes: the last reminder is due in 50.
        let fresh = w.now() - TimeDelta::minutes(40);
        w.edit("sales_id", |c| c.succeeded_at = Some(fresh));
        w.webhooks();
        w.breaks("sales_id", RESET).await;
        w.snoozes(ANA, "v1.incident.1.60").await;
        assert!(
            w.told(ANA).contains("reminds nobody until"),
            "{}",
            w.told(ANA)
        );
        assert!(
            w.incident().contains("Reminders are silent until"),
            "{}",
            w.incident()
        );
        w.pass(58 * MINUTE).await;
        assert_eq!(w.audited("incident.reminded").await, 0);
        assert_eq!(w.audited("incident.mentioned").await, 0);
        w.pass(4 * MINUTE).await;
        assert_eq!(w.audited("incident.reminded").await, 1);
        assert_eq!(w.audited("incident.mentioned").await, 1);
        assert!(!w.incident().contains("silent until"), "{}", w.incident());
    });
}

#[test]
fn what_comes_and_goes_is_called_flapping_and_its_owner_is_mentioned_once_a_day() {
    world(async |w| {
        w.webhooks();
        for n in 1..=4 {
            w.breaks("sales_id", RESET).await;
            let cards = w.incidents();
            assert_eq!(cards.len(), n, "each its own card: {}", w.channel());
            let card = plain(&cards[n - 1]);
            let told = card.contains(&format!("*Flapping*: time {n} within 24 h"));
            assert_eq!(told, n >= 3, "{card}");
            w.pass(MINUTE).await;
            w.recovers("sales_id").await;
        }
        assert_eq!(
            w.audited("incident.mentioned").await,
            1,
            "at once, the third time"
        );
        w.clock.advance(25 * 60 * MINUTE);
        w.breaks("sales_id", RESET).await;
        let card = plain(&w.incidents().pop().unwrap());
        assert!(!card.contains("Flapping"), "{card}");
    });
}

#[test]
fn a_card_tells_what_was_done_last_time_and_whether_it_held() {
    world(async |w| {
        w.webhooks();
        w.breaks("orders_id", TIMEOUT).await;
        assert!(!w.incident().contains("Last time"), "{}", w.incident());
        w.click(EMIL, "Approve the fix").await;
        w.fivetran_saw();
        w.pass(6 * MINUTE).await;
        w.told_by_webhook().await;
        w.click(EMIL, "Wrong").await;
        assert!(w.submit(EMIL, &[("category", "config_error")]).await.ok());
        w.clock.advance(30 * 60 * MINUTE);
        w.breaks("orders_id", TIMEOUT).await;
        let card = plain(&w.incidents().pop().unwrap());
        assert!(card.contains("incident 1: sync_now; it held."), "{card}");
        assert!(
            card.contains("People said of the same error in incident 1: config_error."),
            "{card}"
        );
        w.recovers("orders_id").await;
        w.clock.advance(60 * MINUTE);
        w.breaks("orders_id", TIMEOUT).await;
        let card = plain(&w.incidents().pop().unwrap());
        assert!(card.contains("incident 2: nothing was done in Fivetran; it recovered, and failed again within a day."), "{card}");
        assert!(
            card.contains("Before that: ") && card.contains("incident 1: sync_now; it held."),
            "{card}"
        );
        w.command(VIV, "status").await;
    });
}

#[test]
fn another_connection_of_the_same_type_and_error_is_a_precedent_after_its_own() {
    world(async |w| {
        w.edit("hub_id", |c| c.service = "postgres".to_owned());
        w.webhooks();
        w.polls().await;
        w.breaks("hub_id", TIMEOUT).await;
        w.recovers("hub_id").await;
        w.breaks("orders_id", TIMEOUT).await;
        let card = plain(&w.incidents().pop().unwrap());
        assert!(
            card.contains("incident 1 of hubspot: nothing was done in Fivetran"),
            "{card}"
        );
        assert!(card.contains("it recovered less than a day ago"), "{card}");
        w.recovers("orders_id").await;
        w.breaks("orders_id", "permission denied for table orders")
            .await;
        let card = plain(&w.incidents().pop().unwrap());
        assert!(
            !card.contains("Last time"),
            "another error has other precedents: {card}"
        );
    });
}

#[test]
fn a_model_is_told_what_came_of_the_same_error_before() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        w.breaks("orders_id", TIMEOUT).await;
        let first = w.prompts().pop().unwrap().body;
        assert!(
            !first.contains("same error before, the last first"),
            "{first}"
        );
        w.recovers("orders_id").await;
        w.breaks("orders_id", TIMEOUT).await;
        let second = w.prompts().pop().unwrap().body;
        let told = "nothing was done in Fivetran; it recovered and failed again within a day";
        assert!(second.contains(told), "{second}");
        assert!(!second.contains("orders_id"), "{second}");
    });
}
