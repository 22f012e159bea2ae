//! Several connections with one trouble are one incident, one card and one cause (SPEC §2.2).

use chrono::TimeDelta;
use syncgate::sim::fivetran::{Connection, Notice, Outcome};
use syncgate::sim::slack::{plain, plain_view};

use crate::harness::people::{ANA, EMIL, GUEST, VIV};
use crate::harness::{World, world};

const FULL: &str = "disk full: the warehouse has no space left for table events";
const HOST: &str = "UnknownHostException: db.internal.example";

impl World {
    /// So many connections more, all to one warehouse.
    fn shops(&self, count: usize) {
        let now = self.now();
        for n in 1..=count {
            let id = format!("shop{n}_id");
            let connection = Connection::new(&id, "hubspot", &format!("shop{n}"), "g_warehouse");
            self.fivetran.add_connection(connection.every(360));
            self.edit(&id, |c| c.succeeded_at = Some(now - TimeDelta::hours(2)));
        }
    }

    /// A sync of one of them fails; nothing shows it yet.
    fn fails_with(&self, id: &str, code: &str, text: &str) {
        let now = self.now();
        self.edit(id, |c| {
            c.failed_at = Some(now);
            c.tasks = vec![Notice::new(code, text)];
        });
    }

    /// A sync of one of them fails since the warehouse refuses, and a reading shows it.
    async fn warehouse_refuses(&self, id: &str) {
        self.fails_with(id, "reconnect_warehouse", FULL);
        self.polls().await;
    }

    async fn succeeds(&self, id: &str) {
        let now = self.now();
        self.edit(id, |c| {
            c.succeeded_at = Some(now);
            c.tasks.clear();
        });
        self.polls().await;
    }

    async fn open_now(&self) -> i64 {
        self.count("incidents WHERE open").await
    }
}

#[test]
fn a_full_warehouse_is_one_incident_that_is_over_when_the_last_succeeds() {
    world(async |w| {
        w.shops(3);
        for id in ["shop1_id", "shop2_id", "shop3_id"] {
            w.warehouse_refuses(id).await;
        }
        let card = w.incident();
        let head = "Open · incident 1 · shop1 shop1_id and 2 more: the syncs failed";
        assert!(card.starts_with(head), "{card}");
        assert!(card.contains("The same trouble: shop2, shop3."), "{card}");
        assert_eq!(w.open_now().await, 1);
        w.succeeds("shop2_id").await;
        let card = w.incident();
        let told = "The same trouble: shop3. Another one had it and succeeds again.";
        assert!(card.contains(told), "{card}");
        w.succeeds("shop1_id").await;
        let card = w.incident();
        assert!(card.contains("The first of them succeeds again."), "{card}");
        assert!(card.starts_with("Open"), "{card}");
        w.warehouse_refuses("shop2_id").await;
        assert!(w.incident().contains("The same trouble: shop2, shop3."));
        w.succeeds("shop2_id").await;
        w.succeeds("shop3_id").await;
        assert!(w.incident().starts_with("Resolved"), "{}", w.incident());
        assert_eq!(w.open_now().await, 0);
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn the_fix_is_tried_with_the_first_and_then_proposed_for_those_that_still_fail() {
    world(async |w| {
        w.shops(3);
        for n in 1..=3 {
            w.fails_with(&format!("shop{n}_id"), "table_sync_error", HOST);
        }
        w.polls().await;
        assert!(w.incident().contains("and 2 more"), "{}", w.incident());
        assert!(
            !w.incident().contains("[Approve"),
            "a host is a person's work"
        );
        w.shops(0);
        let at = "org.postgresql.util.PSQLException: the server at db7.shop.example is starting up";
        for id in ["orders_id", "hub_id"] {
            w.fails_with(id, "table_sync_error", at);
        }
        w.polls().await;
        let card = w.top();
        assert!(card.contains("and 1 more"), "{card}");
        let before = w.count("proposals").await;
        let first = if card.contains("orders orders_id") {
            "orders_id"
        } else {
            "hub_id"
        };
        w.succeeds(first).await;
        assert_eq!(w.count("proposals").await, before + 1, "{}", w.channel());
        let left = if first == "orders_id" {
            "hubspot"
        } else {
            "orders"
        };
        assert!(
            w.top().contains(&format!("which would sync {left} again")),
            "{}",
            w.top()
        );
    });
}

#[test]
fn what_was_decided_for_the_others_is_not_asked_again_until_one_fails_anew() {
    world(async |w| {
        w.shops(3);
        let starting = "the server at api7.shop.example is starting up";
        for n in 1..=3 {
            w.fails_with(&format!("shop{n}_id"), "table_sync_error", starting);
        }
        w.polls().await;
        w.succeeds("shop1_id").await;
        let card = w.incident();
        assert!(
            card.contains("see the card of #2, which would sync 2 connections again"),
            "{card}"
        );
        assert!(
            !card.contains("[Approve the fix]"),
            "its targets are not on this card: {card}"
        );
        w.command(EMIL, "reject 2 not now").await;
        w.polls().await;
        w.succeeds("shop2_id").await;
        assert_eq!(
            w.count("proposals").await,
            2,
            "nobody wanted it: {}",
            w.channel()
        );
        w.fails_with("shop3_id", "table_sync_error", starting);
        w.polls().await;
        assert_eq!(w.count("proposals").await, 3, "it failed anew");
        assert!(
            w.incident().contains("which would sync shop3 again"),
            "{}",
            w.incident()
        );
    });
}

#[test]
fn an_old_or_silent_incident_does_not_keep_the_others_from_being_one() {
    world(async |w| {
        w.shops(4);
        w.warehouse_refuses("shop1_id").await;
        w.command(crate::harness::people::ANA, "mute shop1 for 2h")
            .await;
        for id in ["shop2_id", "shop3_id", "shop4_id"] {
            w.warehouse_refuses(id).await;
        }
        assert_eq!(w.open_now().await, 2, "{}", w.channel());
    });
}

#[test]
fn a_reason_that_comes_late_makes_two_incidents_one() {
    world(async |w| {
        w.webhooks();
        w.shops(2);
        let mut ends = Vec::new();
        for id in ["shop1_id", "shop2_id"] {
            w.syncs(id, Outcome::fails_unknown(1, HOST)).await;
            ends.push(w.fivetran.take_webhooks().pop().unwrap());
        }
        w.polls().await;
        assert_eq!(w.open_now().await, 2, "no reading tells why");
        for end in &ends {
            w.posted(end).await;
        }
        let cards: Vec<String> = w.incidents().iter().map(plain).collect();
        let [first, second] = cards.as_slice() else {
            panic!("two cards:\n{}", w.channel())
        };
        assert!(first.contains("The same trouble: shop2."), "{first}");
        assert!(second.starts_with("Dismissed"), "{second}");
        let told = "nothing here; it is the same trouble as incident 1, which counts it.";
        assert!(second.contains(told), "{second}");
        assert_eq!(w.open_now().await, 1);
        w.succeeds("shop1_id").await;
        w.succeeds("shop2_id").await;
        assert_eq!(w.open_now().await, 0);
    });
}

#[test]
fn a_sibling_that_fails_of_something_else_gets_an_incident_of_its_own() {
    world(async |w| {
        w.shops(2);
        w.warehouse_refuses("shop1_id").await;
        w.warehouse_refuses("shop2_id").await;
        assert_eq!(w.open_now().await, 1);
        w.pass(std::time::Duration::from_secs(3_600)).await;
        w.fails_with(
            "shop2_id",
            "reconnect",
            "401 Unauthorized: the access token has expired",
        );
        w.polls().await;
        assert_eq!(w.open_now().await, 2, "{}", w.channel());
        let first = w
            .incidents()
            .iter()
            .map(plain)
            .find(|card| card.contains("incident 1"));
        let first = first.unwrap();
        assert!(
            first.contains("Another one had it and succeeds again."),
            "{first}"
        );
    });
}

#[test]
fn two_troubles_at_two_hosts_are_two_incidents() {
    world(async |w| {
        w.shops(2);
        w.fails_with("shop1_id", "table_sync_error", HOST);
        let other = HOST.replace("db.", "db2.");
        w.fails_with("shop2_id", "table_sync_error", &other);
        w.polls().await;
        assert_eq!(w.open_now().await, 2);
    });
}

#[test]
fn siblings_that_are_seen_in_one_moment_make_one_incident() {
    world(async |w| {
        w.webhooks();
        w.shops(8);
        for n in 1..=8 {
            let id = format!("shop{n}_id");
            w.syncs(&id, Outcome::fails_unknown(1, HOST)).await;
        }
        for told in w.fivetran.take_webhooks() {
            assert_eq!(w.post(&told).await, 200);
        }
        w.at_once().await;
        w.pass(crate::harness::MINUTE).await;
        assert_eq!(w.open_now().await, 1, "{}", w.channel());
        assert_eq!(w.count("incident_members WHERE failing").await, 8);
        assert!(w.incident().contains("and 7 more"), "{}", w.incident());
    });
}

#[test]
fn i7_the_lines_of_an_incident_are_shown_to_viewers_without_secrets() {
    world(async |w| {
        w.webhooks();
        let said = "FATAL: password authentication failed, url postgres://app:hunter2secret@db/x <!channel>";
        w.syncs("orders_id", Outcome::fails_unknown(1, said)).await;
        w.told_by_webhook().await;
        w.click(VIV, "Show lines").await;
        let view = plain_view(&w.slack.views(VIV).pop().unwrap());
        assert!(
            view.contains("What the cause of incident 1 was read from"),
            "{view}"
        );
        assert!(view.contains("1. what the sync said"), "{view}");
        assert!(view.contains("password authentication failed"), "{view}");
        assert!(
            !view.contains("hunter2secret") && !view.contains("<!channel>"),
            "{view}"
        );
        w.click(GUEST, "Show lines").await;
        let view = plain_view(&w.slack.views(GUEST).pop().unwrap());
        assert!(
            !view.contains("password"),
            "a guest sees none of it: {view}"
        );
        w.sql("DELETE FROM evidence").await;
        w.click(EMIL, "Show lines").await;
        let view = plain_view(&w.slack.views(EMIL).pop().unwrap());
        assert!(view.contains("are not kept any more"), "{view}");
    });
}

#[test]
fn a_muted_connection_takes_nobody_in_so_that_the_others_are_heard() {
    world(async |w| {
        w.shops(2);
        w.polls().await;
        w.command(ANA, "mute shop1 for 2h").await;
        w.warehouse_refuses("shop1_id").await;
        assert!(w.incidents().is_empty(), "{}", w.channel());
        w.warehouse_refuses("shop2_id").await;
        let card = w.incident();
        let head = "Open · incident 2 · shop2 shop2_id: the sync failed";
        assert!(card.starts_with(head), "{card}");
        assert_eq!(w.open_now().await, 2);
    });
}
