//! An action in words: what is asked, what it does besides, what takes it back.

use chrono_tz::Tz;

use super::text::Words;
use crate::model::{Action, ActionKind, Call, Line, PreImage, ScheduleType, SetupState, TableSet};

/// Tables that a card names; the rest is counted.
const TABLES: usize = 12;

/// What is asked: `pause until 18:00`.
pub(in crate::slack) fn asked(action: &Action, tz: Tz) -> Words {
    let words = Words::new();
    match action {
        Action::SyncNow { force: false } => words.say("sync now"),
        Action::SyncNow { force: true } => words.say("sync now by force"),
        Action::SyncAt { time } => words.say("sync at ").time(*time, tz),
        Action::Pause { until } => words.say("pause until ").time(*until, tz),
        Action::Resume => words.say("resume"),
        Action::SetFrequency {
            minutes,
            daily_sync_time,
            until,
        } => {
            let mut words = words.say("sync every ").quote(&minutes.to_string(), 10);
            if let Some(time) = daily_sync_time {
                words = words
                    .say(", at about ")
                    .quote(&time.to_string(), 10)
                    .say(" UTC");
            }
            match until {
                Some(until) => words.say(", until ").time(*until, tz),
                None => words,
            }
        }
        Action::ResyncTables { tables } => tables_of(words.say("re-sync "), tables),
        Action::HistoricalResync => words.say("re-sync the whole history"),
        Action::RunSetupTests => words.say("run the setup tests"),
    }
}

fn tables_of(words: Words, tables: &TableSet) -> Words {
    let all = tables
        .iter()
        .flat_map(|(schema, names)| names.iter().map(move |name| (schema, name)));
    let total = all.clone().count();
    let mut words = words.count(total, "table", "tables").say(": ");
    for (i, (schema, name)) in all.take(TABLES).enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        words = words.say(comma).quote(schema, 40).say(".").quote(name, 60);
    }
    match total.saturating_sub(TABLES) {
        0 => words,
        more => words.say(" and ").number(more).say(" more"),
    }
}

/// What the connection was when the card was made.
pub(in crate::slack) fn now_of(image: &PreImage) -> Words {
    let mut words = frequency(Words::new(), image);
    words = match &image.schedule_type {
        ScheduleType::Auto => words,
        ScheduleType::Manual => words.say(", manual: only a call starts a sync"),
        ScheduleType::Other(other) => words.say(", schedule ").quote(other, 30),
    };
    words = match &image.setup_state {
        SetupState::Connected => words,
        SetupState::Incomplete => words.say(", setup incomplete"),
        SetupState::Broken => words.say(", broken"),
        SetupState::Other(other) => words.say(", setup ").quote(other, 30),
    };
    if image.is_historical_sync {
        words = words.say(", historical sync under way");
    }
    words.say(if image.paused {
        ", paused"
    } else {
        ", not paused"
    })
}

fn frequency(words: Words, image: &PreImage) -> Words {
    let words = match image.sync_frequency {
        Some(1_440) => words.say("every 24h"),
        Some(m) if m > 0 && m % 60 == 0 => words.say("every ").number(m / 60).say("h"),
        Some(m) => words.say("every ").number(m).say("m"),
        None => words.say("frequency not known"),
    };
    match &image.daily_sync_time {
        Some(time) => words.say(" at about ").quote(time, 10).say(" UTC"),
        None => words,
    }
}

/// What it does besides; empty where nothing needs saying.
pub(super) fn side_effects(action: &Action, image: &PreImage, tz: Tz) -> Words {
    const NO_ESTIMATE: &str = "no estimate: Syncgate has no history of this connection yet";
    let words = Words::new();
    match action {
        Action::SyncNow { force: true } => {
            words.say("kills a running sync and starts over; what that sync did so far is lost")
        }
        Action::SyncNow { force: false } | Action::SyncAt { .. } if image.paused => {
            words.say("the connection is paused: Fivetran does not sync it until it is resumed")
        }
        Action::SyncNow { force: false } => words,
        Action::SyncAt { .. } => {
            words.say("by Syncgate's clock: if Syncgate is down then, it does not run")
        }
        Action::Pause { until } => words
            .say("no data arrives until ")
            .time(*until, tz)
            .say("; then Syncgate resumes it by itself; if Syncgate itself is down, it stays paused"),
        Action::Resume => words.say("a sync may start at once"),
        Action::SetFrequency {
            minutes,
            until: Some(until),
            ..
        } => pace(words, minutes.minutes(), image)
            .say("at ")
            .time(*until, tz)
            .say(" Syncgate sets the old values again; if Syncgate itself is down, they stay as they are"),
        Action::SetFrequency { minutes, .. } => {
            pace(words, minutes.minutes(), image).say("stays until somebody changes it")
        }
        Action::ResyncTables { .. } => words
            .say("reads these tables from the source again: costs rows and hours (")
            .say(NO_ESTIMATE)
            .say(")"),
        Action::HistoricalResync => words
            .say("reads everything from the source again: costs rows and hours (")
            .say(NO_ESTIMATE)
            .say("); a running sync is cancelled"),
        Action::RunSetupTests => words.say("logs in to the source and looks at it; reads no data"),
    }
}

fn pace(words: Words, minutes: i64, image: &PreImage) -> Words {
    match image.sync_frequency {
        Some(now) if minutes > now => words.say("fewer syncs, older data; "),
        Some(now) if minutes < now => words.say("more syncs, more load on the source; "),
        _ => words,
    }
}

/// What takes it back, as Fivetran allows it (`reference/reliability.md` §3.3).
pub(super) fn undo(action: &Action, image: &PreImage) -> Words {
    let words = Words::new();
    match action {
        Action::SyncNow { force: false } => {
            words.say("none, Fivetran cannot cancel a sync; its load and cost stay")
        }
        Action::SyncNow { force: true } => words.say("none, the killed sync does not come back"),
        Action::SyncAt { .. } => words.say("until it runs, undo cancels it; none afterwards"),
        Action::ResyncTables { .. } | Action::HistoricalResync => {
            words.say("none, Fivetran cannot cancel a re-sync")
        }
        Action::RunSetupTests => words.say("nothing to take back"),
        Action::Pause { .. } | Action::Resume | Action::SetFrequency { .. }
            if Call::inverse_of(action, image).is_none() =>
        {
            words.say("none, the value before is one that Fivetran does not take")
        }
        Action::Pause { .. } => {
            words.say("resumes it; the sync that was cut and the freshness missed stay lost")
        }
        Action::Resume if image.paused => {
            words.say("pauses it again; a sync that began, and its cost, stay")
        }
        Action::Resume => words.say("nothing to take back, it was not paused"),
        Action::SetFrequency { .. } => {
            frequency(words.say("sets "), image).say(" again; syncs that ran stay")
        }
    }
}

/// Whether a click on it deserves a dialog in red: it kills, costs or stops data.
pub(super) fn is_dangerous(action: &Action) -> bool {
    action.kind().always_asks()
}

/// How many changes of which kind: `3 changes (2 syncs, 1 pause)`.
pub(super) fn kinds(words: Words, lines: &[Line]) -> Words {
    let mut words = words.count(lines.len(), "change", "changes");
    let mut first = true;
    for kind in ActionKind::ALL {
        let n = lines.iter().filter(|l| l.action.kind() == kind).count();
        if n > 0 {
            let (one, many) = noun(kind);
            words = words
                .say(if first { " (" } else { ", " })
                .count(n, one, many);
            first = false;
        }
    }
    if first { words } else { words.say(")") }
}

fn noun(kind: ActionKind) -> (&'static str, &'static str) {
    match kind {
        ActionKind::SyncNow => ("sync", "syncs"),
        ActionKind::SyncForce => ("forced sync", "forced syncs"),
        ActionKind::SyncAt => ("sync at a set time", "syncs at a set time"),
        ActionKind::Pause => ("pause", "pauses"),
        ActionKind::Resume => ("resume", "resumes"),
        ActionKind::SetFrequency => ("change of frequency", "changes of frequency"),
        ActionKind::ResyncTables => ("table re-sync", "table re-syncs"),
        ActionKind::HistoricalResync => ("historical re-sync", "historical re-syncs"),
        ActionKind::RunSetupTests => ("run of setup tests", "runs of setup tests"),
    }
}
