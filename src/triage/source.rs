//! A folder of log files as a source of rows: what the cut keeps of one connection's in a span of time.
//!
//! Whatever lies in the folder, a question has an answer in bounded time and memory: what cannot be
//! read is passed over and counted.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use super::case::LogRow;
use super::changes::{self, moment};
use super::cut::Cut;
use super::reading::{self, Taking};
use super::redact::Redactor;

/// Bytes of the longest line; what is longer is passed over.
const LONGEST_LINE: usize = 16 << 20;
/// Bytes of one file, and of all files that are read for one question; the newest are read first.
const LARGEST_FILE: u64 = 256 << 20;
const LARGEST_FOLDER: u64 = 512 << 20;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whose rows.
    pub connection: String,
    /// Rows of the failure are after this moment.
    pub after: DateTime<Utc>,
    /// What was changed is after this one, which is not later.
    pub changes_after: DateTime<Utc>,
    /// Both until this one.
    pub until: DateTime<Utc>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What is left of the span's rows, in the order of their times.
    pub rows: Vec<LogRow>,
    /// What was changed.
    pub changes: Vec<LogRow>,
    /// How many rows the span has.
    pub seen: u64,
    /// Lines and files that could not be read.
    pub passed_over: u64,
}

/// What is kept of the rows that answer a question, from whatever source they come.
#[derive(Debug)]
pub struct Keep<'a> {
    question: &'a Question,
    cut: Cut,
    passed_over: u64,
}

impl<'a> Keep<'a> {
    /// Nothing yet.
    pub fn new(question: &'a Question, redactor: &Redactor) -> Self {
        Self {
            question,
            cut: Cut::new(redactor),
            passed_over: 0,
        }
    }

    /// Looks at a row of any connection.
    pub fn see(&mut self, row: LogRow) {
        let question = self.question;
        if row.connection_id.as_deref() != Some(question.connection.as_str()) {
            return;
        }
        match moment(&row.time_stamp) {
            None => self.passed_over += 1,
            Some(at) if at > question.until => {}
            Some(at) if at > question.after => self.cut.see(row),
            Some(at) if at > question.changes_after && changes::is_change(&row) => {
                self.cut.see_change(row);
            }
            Some(_) => {}
        }
    }

    /// The answer.
    pub fn found(self) -> Found {
        let seen = self.cut.seen();
        let (rows, changes) = self.cut.into_rows();
        Found {
            rows,
            changes,
            seen,
            passed_over: self.passed_over,
        }
    }
}

/// Reads what the files of a folder have to say. `stopped` is asked again and again: nobody waits any
/// longer when it says so.
///
/// # Errors
/// When the folder cannot be listed, or when it was stopped.
pub fn read(
    folder: &Path,
    question: &Question,
    redactor: &Redactor,
    stopped: &dyn Fn() -> bool,
) -> io::Result<Found> {
    let mut keep = Keep::new(question, redactor);
    let mut left = LARGEST_FOLDER;
    for (path, size) in files(folder)? {
        if size == 0 || size > LARGEST_FILE.min(left) {
            keep.passed_over += 1;
            continue;
        }
        left -= size;
        let read = read_file(&path, &mut keep, stopped);
        if stopped() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // A file of another kind is one thing that cannot be read, and not each of its lines.
        keep.passed_over += read.unwrap_or(1);
    }
    Ok(keep.found())
}

/// The lines that cannot be read.
fn read_file(path: &Path, keep: &mut Keep<'_>, stopped: &dyn Fn() -> bool) -> io::Result<u64> {
    // It may grow while it is read.
    let mut file = BufReader::with_capacity(64 << 10, File::open(path)?.take(LARGEST_FILE));
    let taking = Taking {
        longest: LONGEST_LINE,
        plain: false,
    };
    let read = reading::read(&mut file, taking, stopped, &mut |row| keep.see(row))?;
    Ok(match read.rows {
        0 => read.passed_over.min(1),
        _ => read.passed_over,
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

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
