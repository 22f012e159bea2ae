//! Why a sync is proposed, in plain words: the goal, when it would be missed, what Fivetran would do.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use crate::model::{Connection, Frequency, ScheduleType};

pub(super) fn stuck() -> String {
    "Its sync was rescheduled, but its schedule is manual: Fivetran will never start it.".to_owned()
}

pub(super) fn stuck_until(at: DateTime<Utc>, tz: Tz) -> String {
    format!(
        "Its sync was rescheduled for {}, but its schedule is manual: Fivetran will never start it.",
        clock(at, tz)
    )
}

pub(super) fn never_synced(max_age: Duration) -> String {
    format!(
        "It has never synced; its data may be {} old.",
        span(max_age)
    )
}

pub(super) fn too_old(age: Duration, max_age: Duration) -> String {
    format!(
        "Its data is {} old; the limit is {}.",
        span(age),
        span(max_age)
    )
}

pub(super) fn will_be_too_old(max_age: Duration, at: DateTime<Utc>, tz: Tz) -> String {
    format!(
        "Its data passes its limit of {} at {}.",
        span(max_age),
        clock(at, tz)
    )
}

pub(super) fn not_fresh(deadlines: &[DateTime<Utc>], fresh: Duration, tz: Tz) -> String {
    let deadlines: Vec<String> = deadlines.iter().map(|at| clock(*at, tz)).collect();
    format!(
        "It must be fresh by {}, and no sync ends in the {} before.",
        deadlines.join(" and "),
        span(fresh)
    )
}

/// What happens without us, and how long a sync is counted.
pub(super) fn instead(next: Option<DateTime<Utc>>, counted: Duration, tz: Tz) -> String {
    let counted = span(counted);
    match next {
        Some(end) => format!(
            " The next one ends at about {}, if a sync takes {counted}.",
            clock(end, tz)
        ),
        None => format!(" Nothing syncs it by itself. A sync is counted as {counted}."),
    }
}

/// The frequency that would keep the limit, where the connection's own cannot.
pub(super) fn better_frequency(connection: &Connection, max_age: Duration) -> String {
    let is_auto = connection.schedule_type == ScheduleType::Auto;
    let Some(own) = connection.sync_frequency.filter(|_| is_auto) else {
        return String::new();
    };
    // One sync ends about one period after the other, so a period may be as long as the limit.
    let keeps = |minutes: &i64| *minutes <= max_age.num_minutes();
    let best = Frequency::ALLOWED.into_iter().rfind(keeps);
    match best.and_then(|minutes| Frequency::try_from(minutes).ok()) {
        Some(best) if best.minutes() < own => {
            format!(" Its frequency cannot keep that limit; every {best} would.")
        }
        _ => String::new(),
    }
}

/// `Mon 13:30`.
fn clock(at: DateTime<Utc>, tz: Tz) -> String {
    at.with_timezone(&tz).format("%a %H:%M").to_string()
}

fn span(span: Duration) -> String {
    match span.num_minutes() {
        m if m < 120 => format!("{m} min"),
        m if m < 48 * 60 => format!("{} h", m / 60),
        m => format!("{} days", m / (24 * 60)),
    }
}
