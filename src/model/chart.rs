//! What the picture of a plan shows: the same facts are drawn, and told in words.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{Action, ConnectionId, Line};

/// The time that a plan is for, and the connections in it, most important first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    /// When the plan was made.
    pub now: DateTime<Utc>,
    /// Until when it plans.
    pub until: DateTime<Utc>,
    zone: String,
    /// The connections that are shown.
    pub rows: Vec<ChartRow>,
    /// How many more there are.
    pub more: usize,
}

/// One connection of a plan's picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartRow {
    /// Which.
    pub connection: ConnectionId,
    /// What people call it, redacted.
    pub name: String,
    /// How many minutes a sync of it is counted.
    pub takes: i64,
    /// What Fivetran starts.
    pub by_itself: ByItself,
    /// By when its data must be fresh.
    pub due: Vec<DateTime<Utc>>,
    /// When each sync starts that people had approved before the plan, and that had not begun.
    #[serde(default)]
    pub approved: Vec<DateTime<Utc>>,
    /// What the plan adds.
    #[serde(skip)]
    pub added: Vec<Added>,
}

/// The syncs that Fivetran starts by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByItself {
    /// None.
    Never,
    /// That cannot be foretold.
    Unknown,
    /// At about these times.
    Every {
        /// From one to the next.
        minutes: i64,
        /// The first one after now ends.
        first_end: DateTime<Utc>,
    },
}

/// A sync that the plan adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// Its start.
    pub at: DateTime<Utc>,
    /// It is shown only, never run.
    pub shadow: bool,
}

impl Chart {
    /// A chart without rows.
    pub fn new(now: DateTime<Utc>, until: DateTime<Utc>, tz: Tz) -> Self {
        Self {
            now,
            until,
            zone: tz.name().to_owned(),
            rows: Vec::new(),
            more: 0,
        }
    }

    /// The zone of its times.
    pub fn tz(&self) -> Tz {
        // It was written from a zone; one that a later table of zones lacks is shown as UTC.
        self.zone.parse().unwrap_or(Tz::UTC)
    }

    /// The chart with the syncs that these lines add, in place of those it had.
    #[must_use]
    pub fn with(mut self, lines: &[Line], shadow: &[Line]) -> Self {
        let now = self.now;
        for row in &mut self.rows {
            let of = |lines: &'_ [Line], shadow| -> Vec<Added> {
                let own = lines.iter().filter(|l| l.connection == row.connection);
                own.filter_map(|line| start(line, now))
                    .map(|at| Added { at, shadow })
                    .collect()
            };
            let mut added = of(lines, false);
            added.extend(of(shadow, true));
            added.sort_by_key(|added| (added.at, added.shadow));
            row.added = added;
        }
        self
    }
}

/// When the sync of a line starts, if it is one.
fn start(line: &Line, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match &line.action {
        Action::SyncNow { .. } => Some(now),
        other => other.due_at(),
    }
}

impl ChartRow {
    /// The ends of the syncs that Fivetran starts by itself, until then.
    pub fn ends(&self, until: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        // What ends later may have begun before.
        let last = until + Duration::minutes(self.takes);
        let (first, every) = match self.by_itself {
            ByItself::Every { minutes, first_end } => {
                (Some(first_end), Duration::minutes(minutes.max(1)))
            }
            ByItself::Never | ByItself::Unknown => (None, Duration::minutes(1)),
        };
        std::iter::successors(first, move |end| end.checked_add_signed(every))
            .take_while(move |end| *end <= last)
    }
}
