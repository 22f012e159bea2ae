//! A folder of log files as a source of rows: the last ones of one connection in a span of time.
//!
//! Whatever lies in the folder, a question has an answer in bounded time and memory: what cannot be
//! read is passed over and counted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::case::LogRow;

/// Rows of one answer, and their bytes.
const ROWS: usize = 300;
const BYTES: usize = 1 << 20;
/// One row; what is longer is passed over.
const LONGEST_ROW: usize = 64 << 10;
/// Bytes of one file, and of all files that are read for one question; the newest are read first.
const LARGEST_FILE: u64 = 64 << 20;
const LARGEST_FOLDER: u64 = 256 << 20;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whose rows.
    pub connection: String,
    /// After this moment.
    pub after: DateTime<Utc>,
    /// Until this one.
    pub until: DateTime<Utc>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The last rows of the span, in the order of their times.
    pub rows: Vec<LogRow>,
    /// Lines and files that could not be read.
    pub passed_over: usize,
}

/// Reads what the files of a folder have to say. `stopped` is asked again and again: nobody waits any
/// longer when it says so.
///
/// # Errors
/// When the folder cannot be listed, or when it was stopped.
pub fn read(folder: &Path, question: &Question, stopped: &dyn Fn() -> bool) -> io::Result<Found> {
    let mut keep = Keep::of(question, stopped);
    let mut left = LARGEST_FOLDER;
    for (path, size) in files(folder)? {
        if size == 0 || size > LARGEST_FILE.min(left) {
            keep.passed_over += 1;
            continue;
        }
        left -= size;
        let read = read_file(&path, &mut keep);
        if stopped() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        keep.passed_over += usize::from(read.is_err());
    }
    Ok(Found {
        rows: keep.rows.into_values().collect(),
        passed_over: keep.passed_over,
    })
}

/// The files of a folder with their sizes, the newest first.
fn files(folder: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // One that was removed meanwhile has nothing to say.
        let Ok(meta) = std::fs::metadata(&path) else {
            continue;
        };
        if meta.is_file() && !hidden {
            let changed = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            found.push((changed, path, meta.len()));
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    Ok(found
        .into_iter()
        .map(|(_, path, size)| (path, size))
        .collect())
}

/// The rows that answer a question, within their bounds.
struct Keep<'a> {
    question: &'a Question,
    stopped: &'a dyn Fn() -> bool,
    rows: BTreeMap<(DateTime<Utc>, usize), LogRow>,
    seen: usize,
    bytes: usize,
    passed_over: usize,
}

impl<'a> Keep<'a> {
    fn of(question: &'a Question, stopped: &'a dyn Fn() -> bool) -> Self {
        Self {
            question,
            stopped,
            rows: BTreeMap::new(),
            seen: 0,
            bytes: 0,
            passed_over: 0,
        }
    }

    fn row(&mut self, row: LogRow) {
        if row.connection_id.as_deref() != Some(self.question.connection.as_str()) {
            return;
        }
        let size = size(&row);
        let at = moment(&row.time_stamp).filter(|_| size <= LONGEST_ROW);
        let Some(at) = at else {
            self.passed_over += 1;
            return;
        };
        if at <= self.question.after || at > self.question.until {
            return;
        }
        self.seen += 1;
        self.bytes += size;
        self.rows.insert((at, self.seen), row);
        while self.rows.len() > ROWS || self.bytes > BYTES {
            let Some((_, oldest)) = self.rows.pop_first() else {
                return;
            };
            self.bytes -= self::size(&oldest);
        }
    }
}

fn size(row: &LogRow) -> usize {
    let data = row.message_data.as_ref().map_or(0, String::len);
    data + row.time_stamp.len() + row.event.len() + row.message_event.len()
}

/// The moment of a row: as Fivetran writes it, or with `T` and `Z`. Without a zone it is UTC.
fn moment(time_stamp: &str) -> Option<DateTime<Utc>> {
    let text = time_stamp.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let bare = text
        .trim_end_matches("UTC")
        .trim_end_matches('Z')
        .trim_end();
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    let read = |form: &&str| NaiveDateTime::parse_from_str(bare, form).ok();
    forms.iter().find_map(read).map(|at| at.and_utc())
}

fn read_file(path: &Path, keep: &mut Keep<'_>) -> io::Result<()> {
    // It may grow while it is read.
    let mut reader = BufReader::new(File::open(path)?.take(LARGEST_FILE));
    let head = reader.fill_buf()?;
    if head.contains(&0) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let bom = head.starts_with(b"\xef\xbb\xbf");
    let text = if bom { &head[3..] } else { head };
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_json = first == Some(&b'{');
    if bom {
        reader.consume(3);
    }
    if is_json {
        json_lines(&mut reader, keep)
    } else {
        table(&mut reader, keep)
    }
}

fn json_lines(reader: &mut impl BufRead, keep: &mut Keep<'_>) -> io::Result<()> {
    let mut line = Vec::new();
    let longest = LONGEST_ROW * 2;
    while !(keep.stopped)() {
        line.clear();
        let limit = u64::try_from(longest).unwrap_or(u64::MAX);
        if reader.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() == longest && !line.ends_with(b"\n") {
            keep.passed_over += 1;
            skip_line(reader)?;
        } else if !line.trim_ascii().is_empty() {
            match serde_json::from_slice(&line) {
                Ok(row) => keep.row(row),
                Err(_) => keep.passed_over += 1,
            }
        }
    }
    Ok(())
}

/// To the end of the line, without keeping any of it.
fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let chunk = reader.fill_buf()?;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let (length, is_over) = match end {
            Some(at) => (at + 1, true),
            None => (chunk.len(), chunk.is_empty()),
        };
        reader.consume(length);
        if is_over {
            return Ok(());
        }
    }
}

fn table(reader: &mut impl BufRead, keep: &mut Keep<'_>) -> io::Result<()> {
    let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let headers = table.headers()?.clone();
    let has = |name: &str| headers.iter().any(|column| column == name);
    let needed = ["time_stamp", "event", "message_event", "message_data"];
    if !needed.into_iter().all(has) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    for row in table.deserialize() {
        match row {
            Ok(row) => keep.row(row),
            Err(error) if error.is_io_error() => return Err(error.into()),
            Err(_) => keep.passed_over += 1,
        }
        if (keep.stopped)() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
