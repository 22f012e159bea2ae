//! From moments to pixels, and the hours that are written.

use chrono::{DateTime, Datelike, Duration, DurationRound, Timelike, Utc};
use chrono_tz::Tz;

use crate::model::Chart;

/// Pixels that a written hour needs.
const LABEL: i64 = 120;
/// Minutes between two written hours, of which the first that fits is taken.
const STEPS: [i64; 10] = [60, 120, 180, 240, 360, 720, 1_440, 2_880, 10_080, 40_320];
/// Every zone's full hours fall on one of UTC's quarters.
const QUARTER: Duration = Duration::minutes(15);

/// The time of a plan on a stretch of pixels; a little of the past stands before now.
pub(super) struct Axis {
    from: DateTime<Utc>,
    now: DateTime<Utc>,
    minutes: i64,
    tz: Tz,
    left: i32,
    right: i32,
}

impl Axis {
    pub(super) fn new(chart: &Chart, left: i32, right: i32) -> Self {
        let ahead = (chart.until - chart.now).num_minutes().max(60);
        let behind = ahead / 24;
        Self {
            from: chart.now - Duration::minutes(behind),
            now: chart.now,
            minutes: ahead + behind,
            tz: chart.tz(),
            left,
            right,
        }
    }

    /// Where a moment is; one that is not shown is at the edge.
    pub(super) fn x(&self, at: DateTime<Utc>) -> i32 {
        let minutes = (at - self.from).num_minutes().clamp(0, self.minutes);
        let pixels = minutes * i64::from(self.right - self.left) / self.minutes;
        self.left + i32::try_from(pixels).unwrap_or_default()
    }

    /// Where now is.
    pub(super) fn now(&self) -> i32 {
        self.x(self.now)
    }

    /// Where a span is, never narrower than `least`.
    pub(super) fn span(&self, from: DateTime<Utc>, to: DateTime<Utc>, least: i32) -> (i32, i32) {
        let left = self.x(from).min(self.right - least);
        (left, self.x(to).max(left + least))
    }

    /// The hours to write: full ones of the zone's own clock, a midnight as its day.
    pub(super) fn ticks(&self) -> Vec<(i32, String)> {
        let fits = |step: &i64| {
            let room = i64::from(self.right - self.left);
            self.minutes * LABEL <= step * room
        };
        let [.., longest] = STEPS;
        let step = STEPS.into_iter().find(fits).unwrap_or(longest);
        let first = self.from.duration_trunc(QUARTER).unwrap_or(self.from);
        let end = self.from + Duration::minutes(self.minutes);
        let quarters = std::iter::successors(Some(first + QUARTER), |at| Some(*at + QUARTER));
        quarters
            .take_while(|at| *at <= end)
            .filter_map(|at| Some((self.x(at), self.name(at, step)?)))
            .collect()
    }

    /// How a moment is written, if it is one of those that are.
    fn name(&self, at: DateTime<Utc>, step: i64) -> Option<String> {
        let local = at.with_timezone(&self.tz);
        let hour = i64::from(local.hour());
        let day = i64::from(local.num_days_from_ce());
        let is_written = local.minute() == 0
            && match step / 1_440 {
                0 => hour * 60 % step == 0,
                days => hour == 0 && day % days == 0,
            };
        let form = if hour == 0 { "%a %-d" } else { "%H:%M" };
        is_written.then(|| local.format(form).to_string())
    }
}
