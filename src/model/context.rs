//! Where time and ids come from.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};

/// The clock: the machine's, one that a test sets, or the demo's.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Machine { ahead: chrono::Duration },
    Set(Arc<Mutex<DateTime<Utc>>>),
    Paced(Arc<Mutex<Pace>>),
}

/// How a paced clock runs: from a time that it showed at an instant, so many times as fast as the
/// machine. The instant never goes back, so neither does the clock.
#[derive(Debug)]
struct Pace {
    shown: DateTime<Utc>,
    since: Instant,
    speed: i32,
    fastest: i32,
}

impl Pace {
    fn now(&self) -> DateTime<Utc> {
        let passed = chrono::Duration::from_std(self.since.elapsed());
        let passed = passed.unwrap_or(chrono::Duration::MAX);
        let passed = passed.checked_mul(self.speed);
        self.shown + passed.unwrap_or(chrono::Duration::MAX)
    }

    /// From this instant on it shows this time and goes on from there.
    #[expect(
        clippy::disallowed_methods,
        reason = "a paced clock counts from an instant"
    )]
    fn go_on_from(&mut self, shown: DateTime<Utc>) {
        self.shown = shown;
        self.since = Instant::now();
    }
}

impl Clock {
    /// The machine's clock.
    pub fn machine() -> Self {
        Self::machine_ahead(chrono::Duration::zero())
    }

    /// The machine's clock, shifted: crash tests restart the real process in its own future.
    pub fn machine_ahead(ahead: chrono::Duration) -> Self {
        Self(Source::Machine { ahead })
    }

    /// A clock that stands still until it is told otherwise.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self(Source::Set(Arc::new(Mutex::new(at))))
    }

    /// A clock that starts with the machine's time and can be made to run faster, so many times at
    /// most, and to jump: the demo's, which the service and everybody outside it share.
    #[expect(
        clippy::disallowed_methods,
        reason = "a paced clock counts from an instant"
    )]
    pub fn paced(fastest: i32) -> Self {
        let pace = Pace {
            shown: Self::machine().now(),
            since: Instant::now(),
            speed: 1,
            fastest: fastest.max(1),
        };
        Self(Source::Paced(Arc::new(Mutex::new(pace))))
    }

    /// Makes a paced clock run so many times as fast as the machine's, but no slower, and no faster
    /// than it may; the others have one speed.
    pub fn set_speed(&self, speed: i32) {
        if let Source::Paced(pace) = &self.0 {
            let mut pace = pace.lock().unwrap_or_else(PoisonError::into_inner);
            let now = pace.now();
            pace.go_on_from(now);
            pace.speed = speed.clamp(1, pace.fastest);
        }
    }

    /// How many times as fast as the machine's it runs.
    pub fn speed(&self) -> i32 {
        self.of_pace(|pace| pace.speed)
    }

    /// How many times as fast as the machine's it may be made to run at any moment: what has to last
    /// in real time, as a lease, is made so many times as long by this clock.
    pub fn fastest(&self) -> i32 {
        self.of_pace(|pace| pace.fastest)
    }

    fn of_pace(&self, speed: impl Fn(&Pace) -> i32) -> i32 {
        match &self.0 {
            Source::Paced(pace) => speed(&pace.lock().unwrap_or_else(PoisonError::into_inner)),
            Source::Machine { .. } | Source::Set(_) => 1,
        }
    }

    /// Now, in UTC, cut to microseconds: PostgreSQL keeps no more, and what is hashed must survive
    /// the way through the database.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::Machine { ahead } => (Utc::now() + *ahead).trunc_subsecs(6),
            Source::Set(at) => at
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .trunc_subsecs(6),
            Source::Paced(pace) => pace
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .now()
                .trunc_subsecs(6),
        }
    }

    /// Sets a fixed clock, also back, as an operator or a time server may do with a machine's.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Source::Set(at) = &self.0 {
            *at.lock().unwrap_or_else(PoisonError::into_inner) = to;
        }
    }

    /// Moves a fixed or a paced clock forward; the machine's clock cannot be moved and stays as it
    /// is.
    pub fn advance(&self, by: Duration) {
        let by = chrono::Duration::from_std(by).unwrap_or(chrono::Duration::MAX);
        match &self.0 {
            Source::Set(at) => *at.lock().unwrap_or_else(PoisonError::into_inner) += by,
            Source::Paced(pace) => {
                let mut pace = pace.lock().unwrap_or_else(PoisonError::into_inner);
                let then = pace.now() + by;
                pace.go_on_from(then);
            }
            Source::Machine { .. } => {}
        }
    }
}

/// What every use case is given: the clock and the source of ids.
#[derive(Clone, Debug)]
pub struct Ctx {
    clock: Clock,
    /// Names this process in leases, so that a row tells who holds it.
    pub worker: Arc<str>,
}

impl Ctx {
    /// A context for one process.
    pub fn new(clock: Clock) -> Self {
        let worker = new_id();
        Self {
            clock,
            worker: worker.into(),
        }
    }

    /// The clock, to share it with a simulator.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Now, in UTC, cut to microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A monotonic instant, for deadlines that a jump of the wall clock must not move.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the monotonic clock"
    )]
    pub fn monotonic(&self) -> Instant {
        Instant::now()
    }

    /// A new unique id, ordered by time of making.
    pub fn new_id(&self) -> String {
        new_id()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that makes random ids"
)]
fn new_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paced_clock_runs_faster_jumps_and_never_goes_back() {
        let clock = Clock::paced(60);
        let mut last = clock.now();
        let mut grows = |clock: &Clock| {
            let now = clock.now();
            assert!(now >= last, "{now} after {last}");
            std::mem::replace(&mut last, now)
        };
        grows(&clock);
        for speed in [60, 1, -5, 0, 3600, 1] {
            clock.set_speed(speed);
            assert_eq!((clock.speed(), clock.fastest()), (speed.clamp(1, 60), 60));
            grows(&clock);
        }
        let before = clock.now();
        clock.advance(Duration::from_secs(36_000));
        grows(&clock);
        assert!(clock.now() - before >= chrono::Duration::hours(10));
    }

    #[test]
    fn clones_share_a_paced_clock() {
        let clock = Clock::paced(60);
        let other = clock.clone();
        clock.set_speed(60);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(other.speed(), 60);
        assert!(other.now() >= clock.now() - chrono::Duration::minutes(10));
    }

    #[test]
    fn the_other_clocks_have_one_speed() {
        let clock = Clock::fixed(DateTime::UNIX_EPOCH);
        clock.set_speed(60);
        assert_eq!((clock.speed(), clock.now()), (1, DateTime::UNIX_EPOCH));
        let machine = Clock::machine();
        assert_eq!((machine.speed(), machine.fastest()), (1, 1));
    }
}
