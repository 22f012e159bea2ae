//! The cut: what is kept of a log while it streams by, so that memory is bounded by it and not by the
//! log, in whatever order its rows come.
//!
//! Of every sync that may count, the last ones of them, it keeps its ends, one row for each thing that
//! was said as an error or a warning with how often, and where the pipeline stood (the last read and the
//! last write). Of what else there is, it keeps the lines that speak of failure. Where there is more
//! than room, what speaks louder stays, and of equals the later. What was changed is kept apart.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::case::LogRow;
use super::redact::Redactor;
use super::{changes, cues, window};

/// Syncs of which rows are kept.
const SYNCS: usize = 8;
/// Things that were said in one sync.
const SAID: usize = 160;
/// Ends of one sync, and changes.
const ENDS: usize = 3;
const CHANGES: usize = 24;
/// Words of failure that are counted in a line.
const LOUDEST: usize = 3;

/// Where a row stands: its time in microseconds, then its place in the log.
type Place = (i64, u64);

/// What is kept of one connection's log.
#[derive(Debug)]
pub struct Cut {
    redactor: Redactor,
    syncs: HashMap<Option<String>, Sync>,
    changes: Shelf,
    seen: u64,
    /// Rows that were given a place.
    placed: u64,
    /// The time of the row before, for those that have none.
    time: i64,
}

impl Cut {
    /// An empty one. `redactor` sees what a window cuts out of a long line, before it is cut.
    pub fn new(redactor: &Redactor) -> Self {
        Self {
            redactor: redactor.clone(),
            syncs: HashMap::new(),
            changes: Shelf::with_room(CHANGES),
            seen: 0,
            placed: 0,
            time: 0,
        }
    }

    /// How many rows were seen.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Sees a row that may tell of a failure.
    pub fn see(&mut self, row: LogRow) {
        if changes::is_change(&row) {
            self.see_change(row.clone());
        }
        self.seen += 1;
        let mut place = self.place(&row);
        for (part, row) in window::of(row, &self.redactor).into_iter().enumerate() {
            let row = Rc::new(row);
            let sync = self.syncs.entry(row.sync_id.clone()).or_default();
            match part {
                0 => sync.see(place, &row),
                // The windows of one line stand one behind the other.
                _ => {
                    self.placed += 1;
                    place.1 = self.placed;
                    sync.hear(place, &row);
                }
            }
        }
        if self.syncs.len() > SYNCS + 1 {
            self.forget_a_sync();
        }
    }

    /// Sees a row of which only the change that it tells of matters.
    pub fn see_change(&mut self, row: LogRow) {
        let place = self.place(&row);
        let short = window::of(row, &self.redactor).into_iter().next();
        if let Some(row) = short {
            self.changes.put(place, &Rc::new(row));
        }
    }

    /// Takes what was kept: the rows of the last syncs in the order of their times, and the changes.
    pub fn into_rows(self) -> (Vec<LogRow>, Vec<LogRow>) {
        let mut rows = BTreeMap::new();
        for sync in self.syncs.into_values() {
            sync.give(&mut rows);
        }
        let changes = self.changes.rows.into_values().map(owned).collect();
        (rows.into_values().map(owned).collect(), changes)
    }

    fn place(&mut self, row: &LogRow) -> Place {
        if let Some(at) = changes::moment(&row.time_stamp) {
            self.time = at.timestamp_micros();
        }
        self.placed += 1;
        (self.time, self.placed)
    }

    /// The sync whose rows are the oldest; what stands outside of any is no sync.
    fn forget_a_sync(&mut self) {
        let syncs = self.syncs.iter().filter(|(id, _)| id.is_some());
        let oldest = syncs
            .min_by_key(|(_, sync)| sync.last)
            .map(|(id, _)| id.clone());
        if let Some(oldest) = oldest {
            self.syncs.remove(&oldest);
        }
    }
}

fn owned(row: Rc<LogRow>) -> LogRow {
    Rc::try_unwrap(row).unwrap_or_else(|shared| LogRow::clone(&shared))
}

/// The last rows of a kind.
#[derive(Debug)]
struct Shelf {
    rows: BTreeMap<Place, Rc<LogRow>>,
    room: usize,
}

impl Shelf {
    fn with_room(room: usize) -> Self {
        Self {
            rows: BTreeMap::new(),
            room,
        }
    }

    fn put(&mut self, place: Place, row: &Rc<LogRow>) {
        self.rows.insert(place, row.clone());
        if self.rows.len() > self.room {
            self.rows.pop_first();
        }
    }
}

/// One thing that was said, however often.
#[derive(Debug)]
struct Saying {
    /// Where it was said last.
    place: Place,
    row: Rc<LogRow>,
    times: u64,
    loudness: usize,
}

/// What is kept of one sync.
#[derive(Debug)]
struct Sync {
    last: Place,
    ends: Shelf,
    /// Where it stood: the last read, the last write, the summary of a read that took, the last row.
    stood: [Shelf; 4],
    /// The first error: what follows is often only its consequence.
    first: Option<(Place, Rc<LogRow>)>,
    said: HashMap<u64, Saying>,
}

impl Default for Sync {
    fn default() -> Self {
        Self {
            last: (0, 0),
            ends: Shelf::with_room(ENDS),
            stood: std::array::from_fn(|_| Shelf::with_room(1)),
            first: None,
            said: HashMap::new(),
        }
    }
}

impl Sync {
    fn see(&mut self, place: Place, row: &Rc<LogRow>) {
        self.last = self.last.max(place);
        let [read, write, summary, last] = &mut self.stood;
        last.put(place, row);
        match row.message_event.as_str() {
            "sync_end" => return self.ends.put(place, row),
            "read_start" | "api_call" | "sql_query" | "processed_records" => read.put(place, row),
            "write_to_table_start" | "write_to_table_end" => write.put(place, row),
            "extract_summary" if row.said("status").as_deref() == Some("SUCCESS") => {
                summary.put(place, row);
            }
            _ => {}
        }
        self.hear(place, row);
    }

    /// Keeps what a row says, if it may speak of a failure.
    fn hear(&mut self, place: Place, row: &Rc<LogRow>) {
        let level = match row.event.as_str() {
            "SEVERE" | "ERROR" => 20,
            "WARNING" => 10,
            _ => 0,
        };
        let data = row.message_data.as_deref().unwrap_or_default();
        let words = cues::count(data, LOUDEST);
        // A task says at which end it stood, whatever its level.
        let task = usize::from(data.contains("taskType")) * 10;
        if level + words + task == 0 {
            return;
        }
        let Some(text) = row.message().filter(|text| !text.trim().is_empty()) else {
            return;
        };
        if level == 20 && self.first.as_ref().is_none_or(|(first, _)| place < *first) {
            self.first = Some((place, row.clone()));
        }
        let said = self
            .said
            .entry(cues::kind(&text))
            .or_insert_with(|| Saying {
                place,
                row: row.clone(),
                times: 0,
                loudness: 0,
            });
        said.times += 1;
        said.loudness = said.loudness.max(level + words + task);
        if place > said.place {
            said.place = place;
            said.row = row.clone();
        }
        if self.said.len() > 2 * SAID {
            self.forget_the_quiet();
        }
    }

    /// Of what was said, what is loudest stays, and of equals the latest.
    fn forget_the_quiet(&mut self) {
        let mut ranks: Vec<_> = self
            .said
            .values()
            .map(|said| (said.loudness, said.place))
            .collect();
        ranks.sort_unstable();
        let least = ranks[ranks.len().saturating_sub(SAID)];
        self.said
            .retain(|_, said| (said.loudness, said.place) >= least);
    }

    fn give(mut self, into: &mut BTreeMap<(Place, u64), Rc<LogRow>>) {
        if self.said.len() > SAID {
            self.forget_the_quiet();
        }
        for said in self.said.into_values() {
            let row = LogRow {
                repeats: said.times,
                ..owned(said.row)
            };
            // The windows of one line stand in one place.
            let part = cues::kind(row.message_data.as_deref().unwrap_or_default());
            into.insert((said.place, part), Rc::new(row));
        }
        let shelves = self.stood.into_iter().chain([self.ends]);
        let stood = shelves.flat_map(|shelf| shelf.rows);
        for (place, row) in stood.chain(self.first) {
            let known = into.range((place, 0)..=(place, u64::MAX)).next();
            if known.is_none() {
                into.insert((place, 0), row);
            }
        }
    }
}

#[cfg(test)]
#[path = "cut_tests.rs"]
mod tests;
