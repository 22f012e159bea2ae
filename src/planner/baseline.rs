//! What Fivetran would do by itself. Its API names no next sync, so it is reckoned from the schedule
//! and the end of the last sync (`reference/fivetran.md` §2.3).

use chrono::{DateTime, Duration, NaiveTime, Utc};

use crate::model::{Connection, DailyTime, ScheduleType, SyncState};

/// How long a sync is counted where nothing better is known.
const COUNTED: Duration = Duration::minutes(30);
/// Fivetran starts every sync of a destination later than its slot by one fixed span, at most this.
const LATEST_START: Duration = Duration::hours(1);
const DAY: Duration = Duration::days(1);

/// The ends of the syncs that Fivetran starts by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Baseline {
    /// It starts none.
    Never,
    /// It has a schedule that cannot be foretold: nothing is guessed.
    Unknown,
    /// At about these times.
    Ends {
        /// The first one after now.
        first: DateTime<Utc>,
        /// From one to the next.
        every: Duration,
    },
}

/// How long one sync is counted: half an hour, and never longer than from one to the next.
pub(super) fn counted(connection: &Connection) -> Duration {
    match (&connection.schedule_type, every(connection)) {
        (ScheduleType::Auto, Some(every)) => every.min(COUNTED),
        _ => COUNTED,
    }
}

fn every(connection: &Connection) -> Option<Duration> {
    let minutes = connection.sync_frequency.filter(|m| (1..=1440).contains(m));
    minutes.map(Duration::minutes)
}

impl Baseline {
    /// What is to be expected of a connection from now on.
    pub(super) fn of(connection: &Connection, now: DateTime<Utc>) -> Self {
        match connection.flexible_schedule() {
            Some(kind) if kind.eq_ignore_ascii_case("MANUAL") => return Self::Never,
            Some(_) => return Self::Unknown,
            None => {}
        }
        match connection.schedule_type {
            ScheduleType::Auto => {}
            ScheduleType::Manual => return Self::Never,
            ScheduleType::Other(_) => return Self::Unknown,
        }
        let Some(every) = every(connection) else {
            return Self::Unknown;
        };
        let daily = connection.daily_sync_time.as_deref();
        let daily = daily.and_then(|time| time.parse::<DailyTime>().ok());
        let first = match (rescheduled(connection), daily) {
            (Some(at), _) => at.max(now) + counted(connection),
            (None, Some(time)) if every == DAY => daily_end(connection, time, now),
            (None, _) => interval_end(connection, every, now),
        };
        Self::Ends { first, every }
    }

    /// The first end after a moment.
    pub(super) fn next_after(self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let Self::Ends { first, every } = self else {
            return None;
        };
        if moment < first {
            return Some(first);
        }
        Some(first + every * (rounds(moment - first, every) + 1))
    }

    /// The last end until a moment, that moment included.
    pub(super) fn last_by(self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Ends { first, every } if first <= moment => {
                Some(first + every * rounds(moment - first, every))
            }
            Self::Ends { .. } | Self::Never | Self::Unknown => None,
        }
    }
}

/// How many whole spans fit; a plan is never made for so long that this is cut.
fn rounds(span: Duration, every: Duration) -> i32 {
    let rounds = span.num_seconds() / every.num_seconds().max(1);
    i32::try_from(rounds).unwrap_or(i32::MAX - 1)
}

/// When Fivetran goes on with a sync that it put off.
fn rescheduled(connection: &Connection) -> Option<DateTime<Utc>> {
    let is_rescheduled = connection.sync_state == SyncState::Rescheduled;
    connection.rescheduled_for.filter(|_| is_rescheduled)
}

/// One period after the last end, and so on until it lies ahead.
fn interval_end(connection: &Connection, every: Duration, now: DateTime<Utc>) -> DateTime<Utc> {
    let running = connection.sync_state == SyncState::Syncing;
    if running {
        return now + counted(connection);
    }
    match connection.last_end() {
        Some(end) if end > now => end + every,
        Some(end) => end + every * (rounds(now - end, every) + 1),
        None => now + every,
    }
}

/// Fivetran's API tells the hour in UTC; the start follows it within an hour, counted as late as it
/// can be.
fn daily_end(connection: &Connection, time: DailyTime, now: DateTime<Utc>) -> DateTime<Utc> {
    let hour = NaiveTime::from_hms_opt(time.hour().into(), 0, 0).unwrap_or_default();
    let late = LATEST_START + counted(connection);
    let today = now.date_naive().and_time(hour).and_utc();
    let done = |slot: DateTime<Utc>| connection.last_end().is_some_and(|end| end >= slot);
    let slots = [today - DAY, today];
    let open = slots
        .into_iter()
        .find(|slot| !done(*slot) && *slot + late > now);
    open.unwrap_or(today + DAY) + late
}
