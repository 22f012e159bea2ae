//! The planner: fleet and targets in, proposed actions out. Pure and deterministic.
//!
//! It looks ahead until the next digest and compares what the policy wants with what Fivetran would
//! do by itself (`baseline`); what Fivetran does anyway is never proposed. Each connection gets the
//! first sync that its `max_age` needs, one for each deadline of `fresh_by`, and the one that wakes
//! it where it is stuck; one that serves several of these is proposed once. The next plan sees to
//! the rest. A schedule that cannot be foretold is proposed for only when the data is too old
//! already.

mod baseline;
mod chart;
mod late;
#[cfg(test)]
mod property_tests;
mod reason;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Duration, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::model::{Action, Connection, Line, Mode, PreImage, SetupState, SyncState, local_moment};
use baseline::{Baseline, counted};

pub use chart::chart;
pub use late::late;

/// A sync is started so much earlier than it must: what it takes is only reckoned.
const RESERVE: Duration = Duration::minutes(10);
/// What has to start within this time is proposed for now: nobody decides on the minute.
const AT_ONCE: Duration = Duration::minutes(30);
/// Data is fresh at a deadline if a sync ended within this time before it.
const FRESH: Duration = Duration::hours(2);
/// Deadlines are looked for on so many days at most.
const LONGEST: usize = 32;

/// One connection with what the policy wants of it.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// As it was read.
    pub connection: &'a Connection,
    /// How old its data may be.
    pub max_age: Option<Duration>,
    /// Local times by which its data must be fresh.
    pub fresh_by: &'a [NaiveTime],
    /// What Syncgate may do about it.
    pub mode: Mode,
    /// When each sync starts that people have approved and that has not begun.
    pub approved: &'a [DateTime<Utc>],
    /// Its trouble needs a person first: a sync would fail again.
    pub needs_person: bool,
}

/// The time that is planned.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// From now
    pub now: DateTime<Utc>,
    /// until then, when the next plan is made.
    pub until: DateTime<Utc>,
    /// The zone of local times, in the policy and in the reasons.
    pub tz: Tz,
}

/// A proposed action and the mode of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The action with its reason, and when a decision on it comes too late.
    pub line: Line,
    /// In `shadow` it is shown, not decided on.
    pub mode: Mode,
}

impl Planned {
    /// When a decision comes too late; unset where it is late already.
    pub fn decide_by(&self) -> Option<DateTime<Utc>> {
        self.line.decide_by
    }
}

/// What should be done that would not happen by itself: first what is due first, then by name.
pub fn plan(targets: &[Target<'_>], horizon: Horizon) -> Vec<Planned> {
    let mut planned: Vec<Planned> = targets
        .iter()
        .flat_map(|target| Forecast::new(target, horizon).proposed())
        .collect();
    let order = |p: &Planned| {
        let line = &p.line;
        let due_at = line.action.due_at();
        (due_at, line.name.clone(), line.connection.clone())
    };
    planned.sort_by_cached_key(order);
    planned
}

/// A sync that the plan adds.
struct Added {
    /// Unset: at once.
    start: Option<DateTime<Utc>>,
    end: DateTime<Utc>,
    decide_by: Option<DateTime<Utc>>,
    reason: String,
}

/// What will become of one connection.
struct Forecast<'a> {
    target: &'a Target<'a>,
    horizon: Horizon,
    baseline: Baseline,
    /// How long a sync is counted.
    counted: Duration,
    added: Vec<Added>,
}

impl<'a> Forecast<'a> {
    fn new(target: &'a Target<'a>, horizon: Horizon) -> Self {
        Self {
            target,
            horizon,
            baseline: Baseline::of(target.connection, horizon.now),
            counted: counted(target.connection),
            added: Vec::new(),
        }
    }

    fn proposed(mut self) -> Vec<Planned> {
        let connection = self.target.connection;
        let able = !self.target.needs_person
            && !connection.paused
            && connection.setup_state == SetupState::Connected
            && !connection.is_historical_sync;
        if able {
            self.wake();
            self.keep_fresh();
        }
        let mode = self.target.mode;
        let lines = self.added.into_iter().map(|added| Line {
            connection: connection.id.clone(),
            name: connection.schema.clone(),
            action: match added.start {
                Some(time) => Action::SyncAt { time },
                None => Action::SyncNow { force: false },
            },
            place: None,
            pre_image: PreImage::of(connection),
            reason: added.reason,
            caution: None,
            decide_by: added.decide_by,
        });
        lines.map(|line| Planned { line, mode }).collect()
    }

    /// A sync that was put off under `manual` is started, because nobody else will
    /// (`reference/fivetran.md` §0.6).
    fn wake(&mut self) {
        let Horizon { now, until, tz } = self.horizon;
        if !self.target.connection.stuck_rescheduled() {
            return;
        }
        let (start, why) = match self.target.connection.rescheduled_for {
            Some(at) if at > until => return,
            // Not before its time: the source allows no more calls until then.
            Some(at) if at > now => {
                let start = at.max(now + AT_ONCE);
                (Some(start), reason::stuck_until(at, tz))
            }
            Some(_) | None => (None, reason::stuck()),
        };
        let end = start.unwrap_or(now) + self.counted;
        // An approved sync wakes it as well.
        if !self.ends().any(|other| self.meet(other, end)) {
            self.add(start, None, why);
        }
    }

    /// A sync before each moment by which the data must be fresh and would not be: a deadline, or the
    /// first time that the data would be too old. They are seen to first to last, each by a sync as
    /// late as is safe: so one sync serves as many of them as it can, and its reason tells of all.
    fn keep_fresh(&mut self) {
        let mut deadlines = match self.baseline {
            Baseline::Unknown => Vec::new(),
            Baseline::Never | Baseline::Ends { .. } => self.deadlines(),
        };
        let mut max_age = self.target.max_age;
        loop {
            deadlines.retain(|by| !self.is_met(*by));
            let limit = max_age.and_then(|max_age| self.limit(max_age));
            let first = deadlines.first().copied();
            let Some(by) = first.into_iter().chain(limit).min() else {
                return;
            };
            let instead = self.instead(self.next_end(by));
            let fresh_at = self.fresh_at();
            let mut is_kept = limit == Some(by);
            if let Some(end) = self.add_before(by) {
                let served = deadlines.iter().copied().filter(|by| self.is_met(*by));
                let served: Vec<_> = served.collect();
                // A sync long before the limit only puts it off, unless beyond what is planned.
                let keeps = |(max_age, limit): &(Duration, DateTime<Utc>)| {
                    end + FRESH >= *limit || self.limit(*max_age).is_none()
                };
                let kept = max_age.zip(limit).filter(keeps);
                is_kept |= kept.is_some();
                let reason = self.why(kept, fresh_at, &served, &instead);
                if let Some(added) = self.added.last_mut() {
                    added.reason = reason;
                }
            }
            deadlines.retain(|other| *other != by);
            max_age = max_age.filter(|_| !is_kept);
        }
    }

    /// The first moment at which the data is too old, or now, if it has never come; none where a
    /// sync comes before, or where it is not foretold.
    fn limit(&self, max_age: Duration) -> Option<DateTime<Utc>> {
        let Horizon { now, until, .. } = self.horizon;
        // A sync that ends as soon as one of ours could is as good as ours.
        let soonest = now + self.counted;
        let Some(mut fresh_at) = self.fresh_at() else {
            let comes = self.next_end(now).is_some_and(|end| end <= soonest);
            return (!comes).then_some(now);
        };
        loop {
            let limit = fresh_at + max_age;
            if limit > until + self.lead() {
                return None;
            }
            match self.next_end(fresh_at.max(now)) {
                Some(end) if end <= limit.max(soonest) => fresh_at = end,
                _ if limit > now && self.baseline == Baseline::Unknown => return None,
                _ => return Some(limit),
            }
        }
    }

    /// Whether a sync ends shortly before a deadline, or as soon as one of ours could.
    fn is_met(&self, deadline: DateTime<Utc>) -> bool {
        let last = deadline.max(self.horizon.now + self.counted);
        let own = self.baseline.last_by(last);
        let known = self.fresh_at().into_iter().chain(own);
        known
            .chain(self.ends())
            .any(|end| end <= last && end + FRESH >= deadline)
    }

    /// What a sync is for: the limit that it keeps, of data that was fresh then, and deadlines.
    fn why(
        &self,
        kept: Option<(Duration, DateTime<Utc>)>,
        fresh_at: Option<DateTime<Utc>>,
        deadlines: &[DateTime<Utc>],
        instead: &str,
    ) -> String {
        let Horizon { now, tz, .. } = self.horizon;
        let mut why = Vec::new();
        let mut is_late = false;
        if let Some((max_age, limit)) = kept {
            is_late = limit <= now;
            why.push(match fresh_at {
                None => reason::never_synced(max_age),
                Some(fresh_at) if is_late => reason::too_old(now - fresh_at, max_age),
                Some(_) => reason::will_be_too_old(max_age, limit, tz),
            });
        }
        if !deadlines.is_empty() {
            why.push(reason::not_fresh(deadlines, FRESH, tz));
        }
        let mut why = why.join(" ");
        if !is_late {
            why.push_str(instead);
            if let Some((max_age, _)) = kept {
                why.push_str(&reason::better_frequency(self.target.connection, max_age));
            }
        }
        why
    }

    /// The deadlines ahead, each once, first to last.
    fn deadlines(&self) -> Vec<DateTime<Utc>> {
        let Horizon { now, until, tz } = self.horizon;
        if self.target.fresh_by.is_empty() {
            return Vec::new();
        }
        let today = now.with_timezone(&tz).date_naive();
        let until = until + self.lead();
        let last = until.with_timezone(&tz).date_naive();
        let days = today.iter_days().take(LONGEST).take_while(|d| *d <= last);
        let times = self.target.fresh_by;
        let moments = days.flat_map(|day| times.iter().map(move |t| local_moment(tz, day, *t)));
        let mut deadlines: Vec<_> = moments.filter(|at| *at > now && *at <= until).collect();
        deadlines.sort_unstable();
        deadlines.dedup();
        deadlines
    }

    /// What the next plan would come too late for is this one's: the time to decide and to sync.
    fn lead(&self) -> Duration {
        self.counted + RESERVE + AT_ONCE
    }

    /// The end of the newest sync that succeeded; a running one is taken to succeed.
    fn fresh_at(&self) -> Option<DateTime<Utc>> {
        let running = self.is_running().then(|| self.horizon.now + self.counted);
        running.or(self.target.connection.succeeded_at)
    }

    fn is_running(&self) -> bool {
        self.target.connection.sync_state == SyncState::Syncing
    }

    /// When the syncs end that Fivetran does not start by itself: the approved and the added ones.
    fn ends(&self) -> impl Iterator<Item = DateTime<Utc>> {
        let Horizon { now, .. } = self.horizon;
        let approved = self.target.approved.iter();
        let approved = approved.map(move |start| (*start).max(now) + self.counted);
        approved.chain(self.added.iter().map(|added| added.end))
    }

    /// The next end of a sync, by Fivetran's schedule or beside it.
    fn next_end(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ours = self.ends().filter(|end| *end > after);
        ours.chain(self.baseline.next_after(after)).min()
    }

    /// What would happen without the proposal, and how long a sync is counted.
    fn instead(&self, next: Option<DateTime<Utc>>) -> String {
        let Horizon { now, tz, .. } = self.horizon;
        reason::instead(next.filter(|end| *end > now), self.counted, tz)
    }

    /// Adds a sync that ends safely before a moment and before one begins that is approved already,
    /// as late as it can; if that is past, at once. Its end, unless none can be added.
    fn add_before(&mut self, by: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let now = self.horizon.now;
        let later = self.ends().filter(|end| *end > by);
        let latest = later.map(|end| end - self.counted * 2);
        let latest = latest.fold(by - self.counted - RESERVE, DateTime::min);
        let start = Some(latest).filter(|at| *at > now + AT_ONCE);
        let end = start.unwrap_or(now) + self.counted;
        // At once beside another helps only where it comes in time and the other does not.
        let helps = |other: DateTime<Utc>| end <= by && other > by || !self.meet(other, end);
        if start.is_none() && (self.is_running() || !self.ends().all(helps)) {
            return None;
        }
        // Nor is one planned into another of this plan: what is approved comes soon after both.
        if self.added.iter().any(|other| self.meet(other.end, end)) {
            return None;
        }
        self.add(start, Some(latest).filter(|at| *at > now), String::new())
    }

    /// Whether two syncs that end then would run at the same time.
    fn meet(&self, one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
        (one - other).abs() < self.counted
    }

    /// Adds a sync, unless the source allows no more calls at that time. Its end.
    fn add(
        &mut self,
        start: Option<DateTime<Utc>>,
        decide_by: Option<DateTime<Utc>>,
        reason: String,
    ) -> Option<DateTime<Utc>> {
        let connection = self.target.connection;
        let barred = connection
            .rescheduled_for
            .filter(|_| connection.sync_state == SyncState::Rescheduled);
        let begins = start.unwrap_or(self.horizon.now);
        if barred.is_some_and(|until| begins < until) {
            return None;
        }
        let end = begins + self.counted;
        self.added.push(Added {
            start,
            end,
            decide_by,
            reason,
        });
        Some(end)
    }
}
