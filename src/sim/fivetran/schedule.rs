//! When a connection begins its next sync by itself.

use chrono::{DateTime, Duration, Utc};

use super::connection::Connection;
use super::world::Group;

/// The frequencies that Fivetran accepts, in minutes.
pub const FREQUENCIES: [u32; 11] = [1, 5, 15, 30, 60, 120, 180, 360, 480, 720, 1440];

/// The next start that needs no call: a rescheduled sync's time, or the next slot. None while something runs, when the
/// connection is paused, manual or was never set up.
pub fn next_start(connection: &Connection, group: Option<&Group>) -> Option<DateTime<Utc>> {
    let c = connection;
    if c.paused || c.running.is_some() || c.setup_state == "incomplete" {
        return None;
    }
    if c.resync_waits {
        return Some(c.slots_after);
    }
    if !c.is_auto() || flexible(c, "schedule_type").is_some_and(|kind| kind == "MANUAL") {
        return None;
    }
    // A rescheduled sync takes the place of the slots before it.
    Some(match c.rescheduled_for {
        Some(until) => until.max(c.slots_after),
        None => next_slot(c, group),
    })
}

/// The first slot after `slots_after`. Fivetran shifts all slots of a destination by the same fixed number of minutes.
/// A day's slot is `daily_sync_time` in UTC, or midnight in the destination's zone.
fn next_slot(c: &Connection, group: Option<&Group>) -> DateTime<Utc> {
    let frequency = frequency_in_force(c);
    let step = i64::from(frequency.max(1)) * 60;
    let shift = group.map_or(0, |g| i64::from(g.start_offset_minutes) * 60);
    let phase = match (frequency, &c.daily_sync_time) {
        (1440, Some(time)) => hour_of(time) * 3600,
        (1440, None) => -group.map_or(0, |g| i64::from(g.time_zone_offset)) * 3600,
        _ => 0,
    };
    let origin = phase + shift;
    let since = c.slots_after.timestamp() - origin;
    let slot = (since.div_euclid(step) + 1) * step + origin;
    DateTime::from_timestamp(slot, 0).unwrap_or(c.slots_after + Duration::seconds(step))
}

/// The flexible schedule rules over `sync_frequency`. One by the clock is told here as once a day.
fn frequency_in_force(c: &Connection) -> u32 {
    let interval = flexible(c, "interval").and_then(serde_json::Value::as_u64);
    match (flexible(c, "schedule_type"), interval) {
        (None, _) => c.sync_frequency,
        (Some(_), Some(minutes)) => u32::try_from(minutes).unwrap_or(1440),
        (Some(_), None) => 1440,
    }
}

fn flexible<'c>(c: &'c Connection, field: &str) -> Option<&'c serde_json::Value> {
    c.schedule.as_ref()?.get(field)
}

fn hour_of(time: &str) -> i64 {
    time.get(..2).and_then(|h| h.parse().ok()).unwrap_or(0)
}

/// Whether this is a `daily_sync_time` that Fivetran takes: whole hours of a day.
pub fn is_daily_time(time: &str) -> bool {
    let hour = time.strip_suffix(":00").filter(|h| h.len() == 2);
    hour.is_some_and(|h| h.bytes().all(|b| b.is_ascii_digit()) && h < "24")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn group(start_offset_minutes: u32) -> Group {
        let mut group = Group::new("g", "Warehouse", "snowflake");
        group.start_offset_minutes = start_offset_minutes;
        group.time_zone_offset = 2;
        group
    }

    fn after(mut c: Connection, time: &str) -> Connection {
        c.slots_after = at(time);
        c
    }

    #[test]
    fn slots_stand_on_a_grid_shifted_by_the_destination() {
        let c = after(
            Connection::new("a", "postgres", "a", "g").every(15),
            "2026-11-22T10:07:00Z",
        );
        assert_eq!(next_start(&c, None), Some(at("2026-11-22T10:15:00Z")));
        assert_eq!(
            next_start(&c, Some(&group(4))),
            Some(at("2026-11-22T10:19:00Z"))
        );
        assert_eq!(
            next_start(&c, Some(&group(34))),
            Some(at("2026-11-22T10:19:00Z"))
        );
    }

    #[test]
    fn a_flexible_schedule_rules_over_the_frequency() {
        let mut c = after(
            Connection::new("a", "postgres", "a", "g").every(15),
            "2026-11-22T10:07:00Z",
        );
        c.schedule = Some(serde_json::json!({"schedule_type": "CRON", "cron": "0 0 * * *"}));
        assert_eq!(next_start(&c, None), Some(at("2026-11-23T00:00:00Z")));
        c.schedule = Some(serde_json::json!({"schedule_type": "INTERVAL", "interval": 60}));
        assert_eq!(next_start(&c, None), Some(at("2026-11-22T11:00:00Z")));
        c.schedule = Some(serde_json::json!({"schedule_type": "MANUAL"}));
        assert_eq!(next_start(&c, None), None);
    }

    #[test]
    fn a_slot_is_not_repeated() {
        let c = after(
            Connection::new("a", "postgres", "a", "g").every(60),
            "2026-11-22T10:00:00Z",
        );
        assert_eq!(next_start(&c, None), Some(at("2026-11-22T11:00:00Z")));
    }

    #[test]
    fn a_daily_sync_starts_at_its_hour_or_at_midnight_of_the_destination() {
        let c = after(
            Connection::new("a", "netsuite", "a", "g").daily_at("03:00"),
            "2026-11-22T10:00:00Z",
        );
        assert_eq!(
            next_start(&c, Some(&group(0))),
            Some(at("2026-11-23T03:00:00Z"))
        );
        let c = after(
            Connection::new("a", "netsuite", "a", "g").every(1440),
            "2026-11-22T10:00:00Z",
        );
        assert_eq!(
            next_start(&c, Some(&group(0))),
            Some(at("2026-11-22T22:00:00Z"))
        );
    }

    #[test]
    fn manual_and_paused_connections_have_no_next_start() {
        let c = Connection::new("a", "postgres", "a", "g");
        assert_eq!(next_start(&c.clone().manual(), None), None);
        assert_eq!(next_start(&c.paused(), None), None);
    }

    #[test]
    fn daily_times_are_whole_hours() {
        assert!(is_daily_time("00:00") && is_daily_time("23:00"));
        assert!(
            !is_daily_time("24:00")
                && !is_daily_time("03:30")
                && !is_daily_time("3:00")
                && !is_daily_time("+3:00")
        );
    }
}
