//! The account of `syncgate demo`: a mid-sized shop with two warehouses and a lake, a week of history behind it, and on
//! the present day one of each thing that a data team meets.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use crate::sim::SimClock;
use crate::sim::fivetran::{Connection, FivetranSim, Group, Outcome};

/// So many days of syncs lie in the log when the demo opens.
const HISTORY_DAYS: i64 = 7;

/// The id of the connection whose next sync fails on its password.
pub const ABOUT_TO_FAIL: &str = "wobbly_harbour";
/// The id of the manual connection whose rescheduled sync nobody started again.
pub const FORGOTTEN: &str = "patient_lantern";
/// The id of the connection that missed a slot: its data is older than two hours, and its next sync is far.
pub const STALE: &str = "rapid_meadow";
/// The id of the paused connection.
pub const PAUSED: &str = "quiet_orchard";
/// The id of the connection that failed long ago and has succeeded since.
pub const OLD_FAILURE: &str = "sturdy_anchor";
/// The id of the healthy connection that syncs every 15 minutes.
pub const HEALTHY: &str = "bright_compass";

/// The account, brought to the clock's present: a week of syncs in its log, no effect and no webhook waiting yet.
pub fn account(clock: SimClock, api_key: &str, api_secret: &str) -> FivetranSim {
    let now = clock();
    let past = Arc::new(Mutex::new(Some(now - Duration::days(HISTORY_DAYS))));
    let staged = past.clone();
    // While the week is played, its time is the account's; then the account follows the clock.
    let staged_clock: SimClock = Arc::new(move || at_stage(&staged).unwrap_or_else(|| clock()));
    let sim = FivetranSim::new(staged_clock, api_key, api_secret);
    for group in groups() {
        sim.add_group(group);
    }
    for connection in connections() {
        sim.add_connection(connection.jitter_percent(20));
    }
    let play_until =
        |ago: Duration| *past.lock().unwrap_or_else(PoisonError::into_inner) = Some(now - ago);
    play_until(Duration::days(5));
    sim.next_sync(
        OLD_FAILURE,
        Outcome::fails_unknown(
            2,
            "com.stripe.exception.ApiException: 500 Internal Server Error",
        ),
    );
    play_until(Duration::days(2));
    sim.change(PAUSED, |c| c.paused = true);
    play_until(Duration::hours(15));
    // Its slots are 12 hours apart, so this one comes at least three hours before the present.
    sim.next_sync(FORGOTTEN, Outcome::reschedules(now - Duration::minutes(95)));
    play_until(Duration::minutes(200));
    sim.change(STALE, |c| c.usual = Outcome::NeverStarts);
    play_until(Duration::minutes(120));
    // An orchestrator switched it to manual and stopped watching; the time that Fivetran shows comes and goes.
    sim.change(FORGOTTEN, |c| c.schedule_type = "manual".into());
    play_until(Duration::zero());
    sim.repair(STALE, 9);
    sim.change(ABOUT_TO_FAIL, |c| c.usual = password_failure());
    sim.forget();
    *past.lock().unwrap_or_else(PoisonError::into_inner) = None;
    sim
}

fn at_stage(stage: &Mutex<Option<DateTime<Utc>>>) -> Option<DateTime<Utc>> {
    *stage.lock().unwrap_or_else(PoisonError::into_inner)
}

fn password_failure() -> Outcome {
    let reason = "org.postgresql.util.PSQLException: FATAL: password authentication failed for user \"fivetran_etl\"";
    Outcome::fails(1, "reconnect", "Reconnect", reason)
}

fn groups() -> [Group; 3] {
    let mut analytics = Group::new("rarer_gradient", "Analytics (Snowflake)", "snowflake");
    analytics.time_zone_offset = 1;
    analytics.start_offset_minutes = 7;
    let mut finance = Group::new("steady_ledger", "Finance (BigQuery)", "big_query");
    finance.region = "GCP_EUROPE_WEST3".into();
    finance.start_offset_minutes = 23;
    let mut lake = Group::new("deep_reservoir", "Product lake (Databricks)", "databricks");
    lake.start_offset_minutes = 41;
    [analytics, finance, lake]
}

fn connections() -> Vec<Connection> {
    [for_analytics(), for_finance(), for_the_lake()].concat()
}

fn for_analytics() -> Vec<Connection> {
    let new = |id: &str, service: &str, schema: &str| {
        Connection::new(id, service, schema, "rarer_gradient")
    };
    let mut orders = new(ABOUT_TO_FAIL, "postgres", "orders_db");
    orders.config = json!({
        "host": "orders-db.internal.example", "port": 5432, "user": "fivetran_etl", "password": "******",
        "database": "orders",
    });
    vec![
        orders.every(60).takes_minutes(11).tables(
            "public",
            &["orders", "order_items", "customers", "payments"],
        ),
        new(HEALTHY, "salesforce", "salesforce")
            .every(15)
            .takes_minutes(4)
            .tables(
                "salesforce",
                &["account", "contact", "opportunity", "opportunity_line_item"],
            ),
        new("lively_beacon", "hubspot", "hubspot")
            .every(60)
            .takes_minutes(14)
            .tables("hubspot", &["contact", "company", "deal", "email_event"]),
        new(STALE, "google_ads", "google_ads")
            .every(360)
            .takes_minutes(9)
            .tables(
                "google_ads",
                &["campaign_stats", "ad_group_stats", "keyword_stats"],
            ),
        new("gentle_harvest", "zendesk", "zendesk")
            .every(180)
            .takes_minutes(18)
            .tables("zendesk", &["ticket", "ticket_comment", "user"]),
        new(
            "distant_fiddle",
            "google_sheets",
            "google_sheets.sales_targets",
        )
        .every(360)
        .takes_minutes(1)
        .tables("google_sheets", &["sales_targets"]),
        new("humble_chronicle", "fivetran_log", "fivetran_metadata")
            .every(1440)
            .takes_minutes(3)
            .tables(
                "fivetran_metadata",
                &["log", "connection", "incremental_mar"],
            ),
    ]
}

fn for_finance() -> Vec<Connection> {
    let new = |id: &str, service: &str, schema: &str| {
        Connection::new(id, service, schema, "steady_ledger")
    };
    vec![
        new(OLD_FAILURE, "stripe", "stripe")
            .every(60)
            .takes_minutes(7)
            .tables(
                "stripe",
                &["charge", "invoice", "balance_transaction", "refund"],
            ),
        new("early_almanac", "netsuite_suiteanalytics", "netsuite")
            .daily_at("03:00")
            .takes_minutes(74)
            .tables(
                "netsuite",
                &["transactions", "transaction_lines", "accounts"],
            ),
        new(FORGOTTEN, "workday", "workday_hcm")
            .every(720)
            .takes_minutes(26)
            .tables("workday", &["worker", "position", "organization"]),
    ]
}

fn for_the_lake() -> Vec<Connection> {
    let new = |id: &str, service: &str, schema: &str| {
        Connection::new(id, service, schema, "deep_reservoir")
    };
    vec![
        new("broad_willow", "mongo", "app_events")
            .every(30)
            .takes_minutes(12)
            .tables("app", &["events", "sessions", "devices"]),
        new("silent_quarry", "s3", "s3_clickstream")
            .every(5)
            .takes_minutes(2)
            .tables("clickstream", &["clicks"]),
        new(PAUSED, "kafka", "kafka_inventory")
            .every(15)
            .takes_minutes(3)
            .tables("inventory", &["stock_level"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The account and its clock.
    fn demo(start: &str) -> (FivetranSim, Arc<Mutex<DateTime<Utc>>>) {
        let now = Arc::new(Mutex::new(at(start)));
        let clock = now.clone();
        (
            account(Arc::new(move || *clock.lock().unwrap()), "key", "secret"),
            now,
        )
    }

    #[test]
    fn it_opens_with_one_of_each_whenever_it_is_started() {
        for start in [
            "2026-11-22T08:12:00Z",
            "2026-11-22T00:00:00Z",
            "2027-02-28T23:59:30Z",
        ] {
            let (sim, _) = demo(start);
            let now = at(start);
            let c = |id: &str| sim.connection(id).unwrap();
            assert!(now - c(STALE).succeeded_at.unwrap() > Duration::hours(2));
            let forgotten = c(FORGOTTEN);
            assert_eq!(
                (forgotten.sync_state(), forgotten.is_auto()),
                ("rescheduled", false)
            );
            assert!(forgotten.rescheduled_for.unwrap() < now);
            assert_eq!(c(PAUSED).sync_state(), "paused");
            assert!(
                c(OLD_FAILURE).failed_at.is_some()
                    && c(OLD_FAILURE).failed_at < c(OLD_FAILURE).succeeded_at
            );
            assert!(now - c(HEALTHY).succeeded_at.unwrap() < Duration::minutes(30));
            assert_eq!(
                sim.panel().connections.iter().filter(|l| l.failed).count(),
                0
            );
            assert!(sim.effects().is_empty());
            assert!(sim.take_webhooks().is_empty());
        }
    }

    #[test]
    fn within_the_hour_the_password_fails_and_a_repair_mends_it() {
        let (sim, now) = demo("2026-11-22T08:12:00Z");
        *now.lock().unwrap() += Duration::minutes(62);
        let failed = sim.connection(ABOUT_TO_FAIL).unwrap();
        assert!(failed.failed_at > failed.succeeded_at);
        assert_eq!(
            (failed.setup_state.as_str(), failed.tasks[0].code.as_str()),
            ("broken", "reconnect")
        );
        sim.repair(ABOUT_TO_FAIL, 11);
        *now.lock().unwrap() += Duration::minutes(80);
        let mended = sim.connection(ABOUT_TO_FAIL).unwrap();
        assert!(mended.succeeded_at > mended.failed_at);
        assert_eq!(mended.setup_state, "connected");
    }

    #[test]
    fn a_week_of_log_rows_lies_behind_it_always_the_same() {
        let (sim, _) = demo("2026-11-22T08:12:00Z");
        let rows = sim.log_rows();
        let ends = rows
            .iter()
            .filter(|r| r.message_event == "sync_end")
            .count();
        assert!(ends > 2_000, "{ends}");
        assert!(rows.windows(2).all(|w| w[0].time_stamp <= w[1].time_stamp));
        assert!(
            rows.iter()
                .all(|r| r.time_stamp.as_str() <= "2026-11-22 08:12:00.000")
        );
        let stats = rows
            .iter()
            .find(|r| r.message_event == "sync_stats")
            .unwrap();
        assert!(
            stats
                .message_data
                .as_deref()
                .unwrap()
                .contains("\"total_time_s\":")
        );
        assert_eq!(rows, demo("2026-11-22T08:12:00Z").0.log_rows());
    }
}
