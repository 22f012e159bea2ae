//! The account of `syncgate demo`: a mid-sized shop with two warehouses and a lake, weeks of history behind it, and on
//! the present day one of each thing that a data team meets.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

use crate::sim::SimClock;
use crate::sim::fivetran::{FivetranSim, Outcome};

pub mod failures;
mod fleet;

/// So many days of syncs lie in the log when the demo opens.
const HISTORY_DAYS: i64 = 14;

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

/// Failures of the past weeks, each over since: how many days ago, whose, for how many syncs, and what it said.
const PAST_FAILURES: [(i64, &str, u32, &str); 5] = [
    (
        13,
        "narrow_gate",
        1,
        "com.microsoft.sqlserver.jdbc.SQLServerException: Transaction (Process ID 61) was deadlocked on lock \
         resources with another process and has been chosen as the deadlock victim. Rerun the transaction.",
    ),
    (
        11,
        "brave_lantern",
        2,
        "HTTP 429 Too Many Requests: Exceeded 2 calls per second for api client. Reduce request rates to resume \
         uninterrupted service.",
    ),
    (
        8,
        "mossy_ferry",
        1,
        "com.jcraft.jsch.JSchException: Session.connect: java.net.SocketTimeoutException: Read timed out",
    ),
    (
        6,
        "plain_tumbler",
        1,
        "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure: The last packet sent \
         successfully to the server was 0 milliseconds ago.",
    ),
    (
        5,
        OLD_FAILURE,
        2,
        "com.stripe.exception.ApiException: 500 Internal Server Error",
    ),
];

/// The account, brought to the clock's present: weeks of syncs in its log, no effect and no webhook waiting yet.
pub fn account(clock: SimClock, api_key: &str, api_secret: &str) -> FivetranSim {
    let now = clock();
    let past = Arc::new(Mutex::new(Some(now - Duration::days(HISTORY_DAYS))));
    let staged = past.clone();
    // While the past is played, its time is the account's; then the account follows the clock.
    let staged_clock: SimClock = Arc::new(move || at_stage(&staged).unwrap_or_else(|| clock()));
    let sim = FivetranSim::new(staged_clock, api_key, api_secret);
    for group in fleet::groups() {
        sim.add_group(group);
    }
    for connection in fleet::connections() {
        sim.add_connection(connection.jitter_percent(20));
    }
    let play_until =
        |ago: Duration| *past.lock().unwrap_or_else(PoisonError::into_inner) = Some(now - ago);
    for (days, id, times, reason) in PAST_FAILURES {
        play_until(Duration::days(days));
        for _ in 0..times {
            sim.next_sync(id, Outcome::fails_unknown(2, reason));
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::fivetran::LogRow;

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
    fn weeks_of_log_rows_lie_behind_it_always_the_same() {
        let (sim, _) = demo("2026-11-22T08:12:00Z");
        let rows = sim.log_rows();
        let ends = rows
            .iter()
            .filter(|r| r.message_event == "sync_end")
            .count();
        assert!(ends > 7_000, "{ends}");
        for (_, id, times, _) in PAST_FAILURES {
            let failed = |r: &&LogRow| {
                r.connection_id == id
                    && r.message_event == "sync_end"
                    && r.message_data
                        .as_deref()
                        .is_some_and(|d| d.contains("FAILURE"))
            };
            assert_eq!(rows.iter().filter(failed).count(), times as usize, "{id}");
        }
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
