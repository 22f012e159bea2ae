//! What a reading says about a call whose outcome is in doubt (SPEC I4).

use chrono::{DateTime, Utc};

use super::call::Call;
use super::connection::{Connection, PreImage, SyncState};
use super::step::Intent;

/// What was read of the connection.
#[derive(Clone, Copy, Debug)]
pub enum Reading<'a> {
    /// It is there.
    Found(&'a Connection),
    /// Fivetran answers 404.
    Gone,
}

/// What the reading means for the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reconciled {
    /// It took effect.
    Took,
    /// Nothing can be said yet: read again.
    TooEarly,
    /// Nothing happened, and nothing can any more: the call may be sent again.
    NothingHappened,
    /// Something else happened, in words: a person must look.
    Conflict(String),
    /// Fivetran accepted it, and yet the connection does not show it.
    NotShown,
    /// No reading will tell.
    Unprovable,
}

/// Decides what became of a call from a reading made at `now`.
///
/// A sync is attributed to us by time only: Fivetran does not say who started one, so a sync that
/// its own schedule starts in the same moment counts as ours (`reference/reliability.md` §10).
pub fn reconcile(intent: &Intent, reading: Reading<'_>, now: DateTime<Utc>) -> Reconciled {
    let Reading::Found(read) = reading else {
        return Reconciled::Conflict("the connection no longer exists".to_owned());
    };
    if took(intent, read) {
        return Reconciled::Took;
    }
    if now < intent.settled_at() {
        return Reconciled::TooEarly;
    }
    if let Call::Patch(patch) = &intent.call {
        let before = PreImage::of(&intent.before);
        let image = PreImage::of(read);
        if !patch.same_in(&before, &image) {
            let seen: Vec<String> = before
                .differences(&image)
                .into_iter()
                .map(|d| format!("{} is {}", d.field, d.now))
                .collect();
            return Reconciled::Conflict(format!(
                "the connection shows neither the old nor the new values ({})",
                seen.join(", ")
            ));
        }
    }
    match (&intent.call, intent.accepted_at) {
        (Call::Patch(_), Some(_)) => Reconciled::NotShown,
        (_, Some(accepted)) if now < accepted + Intent::SEEN_WITHIN => Reconciled::TooEarly,
        (_, Some(_)) => Reconciled::Unprovable,
        (call, None) if call.repeatable() => Reconciled::NothingHappened,
        (_, None) => Reconciled::Unprovable,
    }
}

fn took(intent: &Intent, read: &Connection) -> bool {
    let before = &intent.before;
    let accepted = intent.accepted_at.is_some();
    let ended_since = read.last_end() > before.last_end();
    let started = read.sync_state == SyncState::Syncing
        && (before.sync_state != SyncState::Syncing || accepted);
    let rescheduled = read.sync_state == SyncState::Rescheduled
        && (before.sync_state != SyncState::Rescheduled
            || read.rescheduled_for != before.rescheduled_for);
    match &intent.call {
        Call::Patch(patch) => patch.holds_in(&PreImage::of(read)),
        Call::Sync { force: false } => started || ended_since || rescheduled,
        // A killed and a fresh sync look alike while they run; only our own acceptance, or a
        // sync where none was, tells them apart.
        Call::Sync { force: true } => started || (accepted && (ended_since || rescheduled)),
        Call::Resync => {
            (read.is_historical_sync && !before.is_historical_sync)
                || (accepted && (started || ended_since))
        }
        // The answer holds the results: there is nothing more that a reading could show.
        Call::Test => accepted,
        Call::ResyncTables { .. } => {
            (read.is_historical_sync && !before.is_historical_sync)
                || (accepted && (started || ended_since))
        }
    }
}
