//! The life of one sync: begin, finish, be killed.

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};

use super::connection::{Connection, Notice, Run};
use super::logs::{End, Finished};
use super::outcome::Outcome;
use super::world::World;

/// A sync that reads everything takes this many times as long as a usual one.
const HISTORICAL_FACTOR: u32 = 6;

/// Fivetran makes a task of failures that it cannot explain only when this many came in a row.
const UNKNOWN_FAILURES_FOR_TASK: u32 = 3;

impl World {
    /// Begins a sync, unless it was planned that it never starts; says whether one began.
    pub fn begin(&mut self, id: &str) -> bool {
        let now = self.now;
        let Some(c) = self.connections.get_mut(id) else {
            return false;
        };
        c.rescheduled_for = None;
        c.resync_waits = false;
        c.slots_after = now;
        c.runs += 1;
        let sync_id = sync_id(c);
        let (outcome, seconds) = next_outcome(c, &sync_id);
        if outcome == Outcome::NeverStarts {
            return false;
        }
        let ends_at = seconds.map(|s| now + Duration::seconds(s));
        c.running = Some(Run {
            sync_id,
            started_at: now,
            ends_at,
            outcome,
        });
        self.hooks.sync_started(c, now);
        self.log.sync_started(c, now);
        true
    }

    /// Ends the running sync the way it was planned.
    pub fn finish(&mut self, id: &str) {
        let now = self.now;
        if self.reads_lag
            && let Some(c) = self.connections.get_mut(id)
        {
            c.draw_veil();
        }
        let Some((c, run)) = self.take_run(id) else {
            return;
        };
        let end = match run.outcome {
            Outcome::Succeeds { .. } => {
                c.succeeded_at = Some(now);
                c.tasks.clear();
                c.setup_state = "connected".into();
                c.failures_in_a_row = 0;
                c.is_historical_sync = false;
                End::Successful
            }
            Outcome::FailsWith { task, reason, .. } => fail(c, now, task, reason),
            Outcome::Reschedules { until, reason, .. } => {
                c.rescheduled_for = Some(until);
                End::Rescheduled { reason, until }
            }
            Outcome::NeverEnds | Outcome::NeverStarts => return,
        };
        self.announce_end(
            id,
            Finished {
                sync_id: run.sync_id,
                started_at: run.started_at,
                ended_at: now,
                end,
            },
        );
    }

    /// Stops the running sync; says whether there was one.
    pub fn kill(&mut self, id: &str) -> bool {
        let now = self.now;
        let Some((_, run)) = self.take_run(id) else {
            return false;
        };
        let end = End::Canceled {
            reason: "Sync has been cancelled because of a user action in the dashboard.".into(),
        };
        self.announce_end(
            id,
            Finished {
                sync_id: run.sync_id,
                started_at: run.started_at,
                ended_at: now,
                end,
            },
        );
        true
    }

    fn take_run(&mut self, id: &str) -> Option<(&mut Connection, Run)> {
        let now = self.now;
        let c = self.connections.get_mut(id)?;
        let run = c.running.take()?;
        // A sync that ran over its next slot has used it up.
        c.slots_after = c.slots_after.max(now);
        Some((c, run))
    }
}

fn fail(c: &mut Connection, now: DateTime<Utc>, task: Option<Notice>, reason: String) -> End {
    c.failed_at = Some(now);
    c.failures_in_a_row += 1;
    let task_type = task.as_ref().map(|t| t.code.clone());
    let shown = match task {
        Some(task) => Some(task),
        None if c.failures_in_a_row >= UNKNOWN_FAILURES_FOR_TASK => Some(Notice {
            details: Some(reason.clone()),
            ..Notice::new("unknown_sync_failure", "Unknown Sync Failure")
        }),
        None => None,
    };
    if let Some(task) = shown {
        if breaks_setup(&task.code) {
            c.setup_state = "broken".into();
        }
        c.tasks.retain(|t| t.code != task.code);
        c.tasks.push(task);
    }
    match task_type {
        Some(task_type) => End::FailureWithTask { reason, task_type },
        None => End::Failure { reason },
    }
}

/// Whether a task of this kind means that the connection has to be set up again.
pub(super) fn breaks_setup(code: &str) -> bool {
    code.starts_with("reconnect") || code == "update_service_account"
}

/// How the next sync ends and how many seconds it takes. What a test planned is taken to the minute; a usual sync varies
/// and takes longer when it reads everything.
fn next_outcome(c: &mut Connection, sync_id: &str) -> (Outcome, Option<i64>) {
    if let Some(planned) = c.planned.pop_front() {
        let seconds = planned.minutes().map(|m| i64::from(m) * 60);
        return (planned, seconds);
    }
    let factor = if c.is_historical_sync {
        HISTORICAL_FACTOR
    } else {
        1
    };
    let percent = i64::from(c.jitter_percent);
    let spread = if percent == 0 {
        0
    } else {
        i64::from(draw(sync_id, "duration")) % (2 * percent + 1) - percent
    };
    let seconds = c
        .usual
        .minutes()
        .map(|m| i64::from(m * factor) * 60 * (100 + spread) / 100);
    (c.usual.clone(), seconds)
}

/// A sync's id: a UUID that is always the same for the same sync of the same connection.
fn sync_id(c: &Connection) -> String {
    let hash = Sha256::digest(format!("{}/{}", c.id, c.runs));
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// A number that looks random and is always the same for the same seed. (FNV-1a, mixed once more: a week of history
/// asks for a hundred thousand of them.)
pub(super) fn draw(seed: &str, what: &str) -> u32 {
    let bytes = seed.bytes().chain([b'/']).chain(what.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    u32::try_from(mixed >> 32).unwrap_or_default()
}
