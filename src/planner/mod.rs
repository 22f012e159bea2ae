//! The planner: fleet and targets in, proposed actions out. Pure and deterministic.
//!
//! It looks ahead until the next digest and compares what the policy wants with what Fivetran would
//! do by itself (`baseline`); what Fivetran does anyway is never proposed. Each connection gets the
//! first sync that its `max_age` needs, one for each deadline of `fresh_by`, and the one that wakes
//! it where it is stuck; the next plan sees to the rest. A schedule that cannot be foretold is
//! proposed for only when the data is too old already.

mod baseline;
mod chart;
mod reason;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Duration, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::model::{Action, Connection, Line, Mode, PreImage, SetupState, SyncState, local_moment};
use baseline::{Baseline, counted};

pub use chart::chart;

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
            self.keep_age();
            self.keep_deadlines();
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
        match self.target.connection.rescheduled_for {
            Some(at) if at > until => {}
            Some(at) if at > now => {
                // Not before its time: the source allows no more calls until then.
                let start = at.max(now + AT_ONCE);
                self.add(Some(start), None, reason::stuck_until(at, tz));
            }
            Some(_) | None => self.add(None, None, reason::stuck()),
        }
    }

    /// The first time that the data would grow too old.
    fn keep_age(&mut self) {
        let Some(max_age) = self.target.max_age else {
            return;
        };
        let Horizon { now, until, .. } = self.horizon;
        let Some(mut fresh_at) = self.fresh_at() else {
            if self
                .next_end(now)
                .is_none_or(|end| end > now + self.counted)
            {
                self.add(None, None, reason::never_synced(max_age));
            }
            return;
        };
        // A sync that ends as soon as one of ours could is as good as ours.
        let soonest = now + self.counted;
        loop {
            let limit_at = fresh_at + max_age;
            let next = self.next_end(fresh_at.max(now));
            if limit_at > until + self.lead() {
                return;
            }
            match next {
                Some(end) if end <= limit_at.max(soonest) => fresh_at = end,
                _ if limit_at <= now => {
                    let reason = reason::too_old(now - fresh_at, max_age);
                    return self.add_if_idle(reason);
                }
                _ if self.baseline == Baseline::Unknown => return,
                _ => {
                    let mut why = reason::will_be_too_old(max_age, limit_at, self.horizon.tz);
                    why.push_str(&self.instead(next));
                    why.push_str(&reason::better_frequency(self.target.connection, max_age));
                    return self.add_before(limit_at, why);
                }
            }
        }
    }

    /// A sync that ends shortly before each deadline.
    fn keep_deadlines(&mut self) {
        if self.baseline == Baseline::Unknown {
            return;
        }
        for deadline in self.deadlines() {
            let is_fresh = |end: DateTime<Utc>| end <= deadline && end + FRESH >= deadline;
            let own = self.baseline.last_by(deadline);
            let known = self.fresh_at().into_iter().chain(own);
            if known.chain(self.ends()).any(is_fresh) {
                continue;
            }
            let mut why = reason::not_fresh(deadline, FRESH, self.horizon.tz);
            why.push_str(&self.instead(self.next_end(deadline)));
            self.add_before(deadline, why);
        }
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

    /// Adds a sync that ends safely before a moment, as late as it can be.
    fn add_before(&mut self, end_by: DateTime<Utc>, reason: String) {
        let now = self.horizon.now;
        let latest = end_by - self.counted - RESERVE;
        if latest > now + AT_ONCE {
            self.add(Some(latest), Some(latest), reason);
        } else if !self.is_running() {
            self.add(None, Some(latest).filter(|at| *at > now), reason);
        }
    }

    fn add_if_idle(&mut self, reason: String) {
        if !self.is_running() {
            self.add(None, None, reason);
        }
    }

    /// Adds a sync, unless one that is approved or added already would still run then.
    fn add(
        &mut self,
        start: Option<DateTime<Utc>>,
        decide_by: Option<DateTime<Utc>>,
        reason: String,
    ) {
        let connection = self.target.connection;
        let barred = connection
            .rescheduled_for
            .filter(|_| connection.sync_state == SyncState::Rescheduled);
        if barred.is_some_and(|until| start.unwrap_or(self.horizon.now) < until) {
            // The source allows no more calls until then.
            return;
        }
        let end = start.unwrap_or(self.horizon.now) + self.counted;
        let meets = |other: DateTime<Utc>| (other - end).abs() < self.counted;
        if !self.ends().any(meets) {
            self.added.push(Added {
                start,
                end,
                decide_by,
                reason,
            });
        }
    }
}
