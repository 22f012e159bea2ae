//! Where time and ids come from.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};

/// The clock: the machine's, or one that a test sets.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Machine { ahead: chrono::Duration },
    Set(Arc<Mutex<DateTime<Utc>>>),
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
        }
    }

    /// Moves a fixed clock forward; the machine's clock cannot be moved and stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Source::Set(at) = &self.0 {
            let mut at = at.lock().unwrap_or_else(PoisonError::into_inner);
            *at += chrono::Duration::from_std(by).unwrap_or(chrono::Duration::MAX);
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
