//! `status`: the fleet, or one connection.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::answer;
use crate::model::PreImage;
use crate::model::{Connection, Incident, Mode, Notice, Silenced, SyncState};
use crate::slack::cards::{Builder, HaltView, Message, Words, now_of};

/// Something that Syncgate set and will set back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideView {
    /// What: `paused by #12`.
    pub what: String,
    /// Until when; `None` while it is being taken back.
    pub until: Option<DateTime<Utc>>,
}

/// One connection of the fleet.
#[derive(Clone, Copy, Debug)]
pub struct StatusRow<'a> {
    /// The connection as last read.
    pub connection: &'a Connection,
    /// How old its data may be.
    pub max_age: Option<Duration>,
    /// Overrides in force.
    pub overrides: usize,
    /// Whether an incident is open.
    pub incident: bool,
    /// Until when it is muted.
    pub muted: Option<DateTime<Utc>>,
}

/// One connection in full.
#[derive(Clone, Copy, Debug)]
pub struct StatusView<'a> {
    /// The connection as just read, or as last read when Fivetran does not answer.
    pub connection: &'a Connection,
    /// Whether Fivetran answered just now.
    pub answered: bool,
    /// Its group's name.
    pub group: &'a str,
    /// Its tier.
    pub tier: &'a str,
    /// What Syncgate may do with it.
    pub mode: Mode,
    /// How old its data may be.
    pub max_age: Option<Duration>,
    /// Overrides in force.
    pub overrides: &'a [OverrideView],
    /// Its open incident.
    pub incident: Option<&'a Incident>,
    /// Who muted it, and until when.
    pub muted: Option<&'a Silenced>,
    /// The policy's zone.
    pub tz: Tz,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Rows in one block, and blocks in one answer.
const ROWS: usize = 8;
const BLOCKS: usize = 6;

/// The whole fleet; what needs a look comes first. `unread_since`: Fivetran does not answer, and
/// this is when it last did; then nothing is said about how the fleet is now.
pub fn status_fleet(
    rows: &[StatusRow<'_>],
    halted: Option<&HaltView>,
    unread_since: Option<DateTime<Utc>>,
    tz: Tz,
    now: DateTime<Utc>,
) -> Message {
    let seen = unread_since.unwrap_or(now);
    let mut rows: Vec<(Health, &StatusRow<'_>)> =
        rows.iter().map(|row| (health(row, seen), row)).collect();
    rows.sort_by(|a, b| (a.0, &a.1.connection.schema).cmp(&(b.0, &b.1.connection.schema)));
    let count = |health| rows.iter().filter(|(h, _)| *h == health).count();
    let head = match unread_since {
        None => Words::new().bold("Status").say(": "),
        Some(at) => not_known(at, tz).say("Then: "),
    };
    let head = head
        .count(rows.len(), "connection", "connections")
        .say(", ")
        .number(count(Health::Failing))
        .say(" failing, ")
        .number(count(Health::Late))
        .say(" late, ")
        .number(count(Health::Paused))
        .say(" paused, ")
        .number(count(Health::Fine))
        .say(" fine.");
    let mut card = Builder::new(&head);
    if let Some(halt) = halted {
        card = card.paragraph(
            &Words::new()
                .bold("Halted")
                .say(" by ")
                .actor(&halt.by)
                .say(" since ")
                .time(halt.at, tz)
                .say(": nothing is sent to Fivetran."),
        );
    }
    for chunk in rows.chunks(ROWS).take(BLOCKS) {
        let mut words = Words::new();
        for (i, (health, row)) in chunk.iter().enumerate() {
            words = if i > 0 { words.say("\n") } else { words };
            words = words.then(row_words(*health, row, tz, seen));
        }
        card = card.paragraph(&words);
    }
    match rows.len().saturating_sub(ROWS * BLOCKS) {
        0 => card,
        more => card.paragraph(
            &Words::new()
                .say("… and ")
                .number(more)
                .say(" more: ")
                .code("status <connection>")
                .say(" shows one."),
        ),
    }
    .build()
}

/// How a connection stands, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Failing,
    Late,
    Paused,
    Fine,
}

impl Health {
    fn word(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Late => "late",
            Self::Paused => "paused",
            Self::Fine => "fine",
        }
    }
}

fn health(row: &StatusRow<'_>, now: DateTime<Utc>) -> Health {
    let c = row.connection;
    if c.failed() || row.incident {
        Health::Failing
    } else if c.paused {
        Health::Paused
    } else if is_late(c, row.max_age, now) || c.stuck_rescheduled() {
        Health::Late
    } else {
        Health::Fine
    }
}

fn is_late(c: &Connection, max_age: Option<Duration>, now: DateTime<Utc>) -> bool {
    match (max_age, c.succeeded_at) {
        (Some(max), Some(at)) => (now - at).to_std().is_ok_and(|age| age > max),
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn row_words(health: Health, row: &StatusRow<'_>, tz: Tz, now: DateTime<Utc>) -> Words {
    let c = row.connection;
    let mut words = Words::new()
        .bold(health.word())
        .say(" ")
        .name(&c.schema)
        .say(": ")
        .then(freshness(c, row.max_age, tz, now));
    if c.sync_state == SyncState::Syncing {
        words = words.say(", syncing now");
    }
    if row.overrides > 0 {
        words = words
            .say(", ")
            .count(row.overrides, "override", "overrides");
    }
    match row.muted {
        Some(until) => words.say(", muted until ").time(until, tz),
        None => words,
    }
}

fn freshness(c: &Connection, max_age: Option<Duration>, tz: Tz, now: DateTime<Utc>) -> Words {
    let words = match c.succeeded_at {
        Some(at) => Words::new()
            .say("data of ")
            .time(at, tz)
            .say(" (")
            .quote(&age(now - at), 20)
            .say(" old"),
        None => Words::new().say("no sync has succeeded yet ("),
    };
    match max_age {
        Some(max) => words
            .say(if c.succeeded_at.is_some() { ", " } else { "" })
            .say("at most ")
            .quote(
                &age(chrono::Duration::from_std(max).unwrap_or_default()),
                20,
            )
            .say(" allowed)"),
        None if c.succeeded_at.is_some() => words.say(")"),
        None => words.say("no limit is set)"),
    }
}

fn age(age: chrono::Duration) -> String {
    let minutes = age.num_minutes().max(0);
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, m) => format!("{m}m"),
        (0, h, 0) => format!("{h}h"),
        (0, h, m) => format!("{h}h {m}m"),
        (d, 0, _) => format!("{d}d"),
        (d, h, _) => format!("{d}d {h}h"),
    }
}

/// One connection in full.
pub fn status_one(v: &StatusView<'_>) -> Message {
    let c = v.connection;
    let row = StatusRow {
        connection: c,
        max_age: v.max_age,
        overrides: v.overrides.len(),
        incident: v.incident.is_some(),
        muted: v.muted.map(|muted| muted.until),
    };
    // What is not known now is told as of when it was.
    let seen = if v.answered { v.now } else { c.read_at };
    let head = match v.answered {
        true => Words::new().bold("Status").say(": "),
        false => not_known(c.read_at, v.tz),
    };
    let head = head
        .name(&c.schema)
        .say(" ")
        .id(c.id.as_str())
        .say(", ")
        .quote(&c.service, 40)
        .say(" in ")
        .quote(v.group, 60);
    let head = match v.answered {
        true => head.say(", is ").bold(health(&row, seen).word()),
        false => head.say(", was ").say(health(&row, seen).word()),
    }
    .say(".");
    let mut card = Builder::new(&head)
        .paragraph(&freshness(c, v.max_age, v.tz, seen).say("."))
        .paragraph(&state(v));
    for notice in c.tasks.iter().take(3) {
        card = card.paragraph(&notice_words("Task, stops syncing: ", notice));
    }
    if let Some(incident) = v.incident {
        card = card.paragraph(
            &Words::new()
                .say("Incident ")
                .number(incident.id)
                .say(" is ")
                .say(incident.state.as_str())
                .say(" since ")
                .time(incident.opened_at, v.tz)
                .then(in_hand(incident))
                .say("."),
        );
    }
    if let Some(muted) = v.muted {
        let words = Words::new().say("Muted until ").time(muted.until, v.tz);
        card = card.paragraph(&words.say(" by ").user(&muted.by).say("."));
    }
    for held in v.overrides.iter().take(5) {
        let words = Words::new().say("Override: ").quote(&held.what, 200);
        let words = match held.until {
            Some(until) => words.say(", until ").time(until, v.tz),
            None => words.say(", is being taken back"),
        };
        card = card.paragraph(&words.say(". If Syncgate itself is down, it stays."));
    }
    card.build()
}

/// Who is on an incident.
pub(super) fn in_hand(incident: &Incident) -> Words {
    match &incident.care.taken {
        Some(taken) => Words::new().say(", taken by ").user(&taken.by),
        None => Words::new(),
    }
}

/// Fivetran does not answer: what was read last is told as what was.
fn not_known(read_at: DateTime<Utc>, tz: Tz) -> Words {
    Words::new()
        .bold("Unknown")
        .say(": Fivetran does not answer, so this is what was last read, ")
        .time(read_at, tz)
        .say(". ")
}

fn state(v: &StatusView<'_>) -> Words {
    let c = v.connection;
    let mut words = Words::new()
        .say(if v.answered {
            "Fivetran says "
        } else {
            "Fivetran said "
        })
        .quote(c.sync_state.as_str(), 30)
        .say("; ")
        .then(now_of(&PreImage::of(c)));
    words = match (c.stuck_rescheduled(), c.rescheduled_for) {
        (true, _) => words.say("; a rescheduled sync waits that only a call starts"),
        (false, Some(at)) => words.say("; rescheduled for ").time(at, v.tz),
        (false, None) => words,
    };
    if let Some(at) = c.failed_at.filter(|_| c.failed()) {
        words = words.say("; last failed ").time(at, v.tz);
    }
    words
        .say(". Tier ")
        .quote(v.tier, 40)
        .say(", mode ")
        .say(match v.mode {
            Mode::Shadow => "shadow",
            Mode::Copilot => "copilot",
            Mode::Auto => "auto",
        })
        .say(". Read ")
        .time(c.read_at, v.tz)
        .say(".")
}

fn notice_words(label: &'static str, notice: &Notice) -> Words {
    Words::new()
        .say(label)
        .id(&notice.code)
        .say(" ")
        .quote(&notice.message, 300)
}

/// There is no connection at all.
pub fn status_empty() -> Message {
    answer(
        &Words::new()
            .bold("Status")
            .say(": Fivetran shows no connection to this account."),
    )
}
