//! The simulated outside: a Slack workspace, a Fivetran account and a language model that answer over HTTP
//! as the real ones do, a ledger of all that arrived, and faults that happen on the wire.
//!
//! Nothing here imports a type of ours. The wire structs are written a second time from the vendors'
//! documents, so that a mistake in ours cannot cancel out against the same mistake in a fake.

pub mod fault;
pub mod fivetran;
pub mod ledger;
pub mod llm;
pub mod page;
pub mod scenarios;
pub mod serve;
pub mod slack;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

/// What time it is in the simulated world; tests and the demo set it.
pub type SimClock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Locks, also after another holder panicked: one failed test thread must not hide what the others saw.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
