//! Local times as moments, on the days too on which clocks change.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The longest that a zone ever left out, in minutes: a whole day, when it crossed the date line.
const LONGEST_GAP: i64 = 25 * 60;

/// The moment of a local time (whole minutes) on a day.
///
/// A time that the clocks leave out in spring is the first moment after the gap; one that comes
/// twice in autumn is the first of the two. So a deadline is never met too late, and everything
/// that is timed happens once on each day.
pub fn local_moment(tz: Tz, day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    let wanted = day.and_time(time);
    let moment = (0..=LONGEST_GAP).find_map(|minutes| {
        tz.from_local_datetime(&(wanted + TimeDelta::minutes(minutes)))
            .earliest()
    });
    moment.map_or_else(|| wanted.and_utc(), |moment| moment.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(day: &str, time: &str) -> String {
        let moment = local_moment(
            Tz::Europe__Berlin,
            day.parse().unwrap(),
            time.parse().unwrap(),
        );
        moment.to_rfc3339()
    }

    #[test]
    fn an_ordinary_day_has_each_time_once() {
        assert_eq!(
            berlin("2026-11-23", "08:00:00"),
            "2026-11-23T07:00:00+00:00"
        );
        assert_eq!(
            berlin("2026-06-23", "08:00:00"),
            "2026-06-23T06:00:00+00:00"
        );
    }

    #[test]
    fn what_the_clocks_leave_out_in_spring_is_the_first_moment_after_it() {
        for left_out in ["02:00:00", "02:30:00", "02:59:00", "03:00:00"] {
            assert_eq!(berlin("2026-03-29", left_out), "2026-03-29T01:00:00+00:00");
        }
        assert_eq!(
            berlin("2026-03-29", "01:59:00"),
            "2026-03-29T00:59:00+00:00"
        );
    }

    #[test]
    fn what_comes_twice_in_autumn_is_the_first_of_the_two() {
        assert_eq!(
            berlin("2026-10-25", "02:30:00"),
            "2026-10-25T00:30:00+00:00"
        );
        assert_eq!(
            berlin("2026-10-25", "03:00:00"),
            "2026-10-25T02:00:00+00:00"
        );
    }

    #[test]
    fn a_day_that_a_zone_left_out_has_a_moment_all_the_same() {
        let day = "2011-12-30".parse().unwrap();
        let moment = local_moment(Tz::Pacific__Apia, day, NaiveTime::MIN);
        assert_eq!(moment.to_rfc3339(), "2011-12-30T10:00:00+00:00");
    }
}
