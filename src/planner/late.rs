//! When the data of a connection that does not sync is late.

use chrono::{DateTime, Duration, NaiveTime, Utc};
use chrono_tz::Tz;

use super::FRESH;
use crate::model::{Late, LateRule, local_moment};

/// The days on which a deadline is looked for: one that a night leaves out is on the next.
const DAYS: usize = 3;

/// The first moment at which the policy calls the data late, if no sync succeeds after `fresh_at`, the
/// end of the last one that did; where none ever did, deadlines count from `since`. It does not move
/// while nothing succeeds, and may lie in the past.
pub fn late(
    fresh_at: Option<DateTime<Utc>>,
    max_age: Option<Duration>,
    fresh_by: &[NaiveTime],
    since: DateTime<Utc>,
    tz: Tz,
) -> Option<Late> {
    let too_old = max_age.map(|age| Late {
        at: fresh_at.map_or(since, |at| at + age),
        rule: LateRule::MaxAge,
    });
    // A sync that ended shortly before a deadline has met it.
    let after = fresh_at.map_or(since, |at| at + FRESH);
    let first = after.with_timezone(&tz).date_naive();
    let days = first.iter_days().take(DAYS);
    let moments = days.flat_map(|day| {
        fresh_by
            .iter()
            .map(move |time| local_moment(tz, day, *time))
    });
    let missed = moments.filter(|at| *at > after).min().map(|at| Late {
        at,
        rule: LateRule::FreshBy,
    });
    too_old.into_iter().chain(missed).min_by_key(|late| late.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn told(fresh_at: Option<&str>, hours: Option<i64>, by: &[&str]) -> Option<String> {
        let by: Vec<NaiveTime> = by.iter().map(|time| time.parse().unwrap()).collect();
        let since = at("2026-11-23T07:00:00Z");
        let age = hours.map(Duration::hours);
        let late = late(fresh_at.map(at), age, &by, since, Tz::Europe__Berlin)?;
        Some(format!("{} {:?}", late.at.format("%d %H:%M"), late.rule))
    }

    #[test]
    fn data_is_late_when_the_first_rule_says_so() {
        let fresh = Some("2026-11-23T06:30:00Z");
        assert_eq!(told(fresh, Some(2), &[]).unwrap(), "23 08:30 MaxAge");
        assert_eq!(
            told(fresh, Some(24), &["18:00:00", "12:00:00"]).unwrap(),
            "23 11:00 FreshBy"
        );
        assert_eq!(
            told(fresh, Some(2), &["12:00:00"]).unwrap(),
            "23 08:30 MaxAge"
        );
        assert_eq!(told(fresh, None, &[]), None);
    }

    #[test]
    fn a_sync_shortly_before_a_deadline_has_met_it() {
        let by = ["07:30:00"];
        let met = told(Some("2026-11-23T05:00:00Z"), None, &by);
        assert_eq!(met.unwrap(), "24 06:30 FreshBy");
        let missed = told(Some("2026-11-23T04:00:00Z"), None, &by);
        assert_eq!(missed.unwrap(), "23 06:30 FreshBy");
    }

    #[test]
    fn data_that_never_came_is_late_from_the_start() {
        assert_eq!(told(None, Some(2), &[]).unwrap(), "23 07:00 MaxAge");
        assert_eq!(told(None, None, &["09:00:00"]).unwrap(), "23 08:00 FreshBy");
    }
}
