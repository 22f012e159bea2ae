//! Local times as moments, on the days too on which clocks change.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The longest that a zone ever left out, in minutes: a whole day, when it crossed the date line.
const LONGEST_GAP: i64 = 25 * 60;

/// The moment of a local time (whole minutes) on a day.
///
/// A time that the clocks leave out in spring is the first moment after the gap, or the last minute
/// before it where the gap ends the day; one that comes twice in autumn is the first of the two. So a
/// deadline is never met too late, and everything that is timed happens once on each day.
pub fn local_moment(tz: Tz, day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    let wanted = day.and_time(time);
    let moment = |minutes: i64| {
        tz.from_local_datetime(&(wanted + TimeDelta::minutes(minutes)))
            .earliest()
    };
    let on_the_day = |minutes| moment(minutes).filter(|found| found.date_naive() == day);
    let found = (0..=LONGEST_GAP)
        .find_map(on_the_day)
        .or_else(|| (-LONGEST_GAP..0).rev().find_map(on_the_day))
        // A day that the zone left out as a whole.
        .or_else(|| (0..=LONGEST_GAP).find_map(moment));
    found.map_or_else(|| wanted.and_utc(), |found| found.to_utc())
}

#[cfg(test)]
mod tests {
    use chrono::Offset;

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

    /// The days on which a zone's clocks change, from 2026 to 2030, each with the days around it.
    fn changing_days(tz: Tz) -> Vec<NaiveDate> {
        let first = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        let offset = |day| midnight(day).with_timezone(&tz).offset().fix();
        let weeks = (0..5 * 53).map(|week| first + TimeDelta::weeks(week));
        let changing = weeks.filter(|day| offset(*day) != offset(*day + TimeDelta::weeks(1)));
        let days = changing.flat_map(|day| (-1..9).map(move |n| day + TimeDelta::days(n)));
        days.collect()
    }

    #[test]
    fn t173_in_every_zone_each_day_has_each_time_once_and_in_order() {
        let times = [
            "00:00:00", "00:30:00", "01:30:00", "02:30:00", "03:00:00", "23:59:00",
        ];
        let times = times.map(|time| time.parse::<NaiveTime>().unwrap());
        let mut looked_at = 0;
        for tz in chrono_tz::TZ_VARIANTS {
            let days = changing_days(tz);
            for time in times {
                let mut last = None;
                for &day in &days {
                    let moment = local_moment(tz, day, time);
                    let local = moment.with_timezone(&tz);
                    assert_eq!(local.date_naive(), day, "{tz} {day} {time}: another day");
                    let exists = tz.from_local_datetime(&day.and_time(time)).earliest();
                    let right = exists.is_none_or(|wanted| wanted == local);
                    assert!(right, "{tz} {day} {time}: {local}");
                    let known = last.replace((day, moment));
                    let twice = known.is_some_and(|(d, m)| d < day && m >= moment);
                    assert!(!twice, "{tz} {day} {time}: not after the day before");
                    looked_at += 1;
                }
            }
        }
        assert!(looked_at > 50_000, "{looked_at}");
    }
}
