//! Reading a log file as a stream of rows: JSON Lines, tables with a heading, plain text, or all of
//! them in one file. A line that cannot be read is passed over and counted; only bytes that are no text
//! end a reading. Never more than one row is held.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, Read};

use super::case::LogRow;
use super::cues;
use super::wire::{Column, Fields};

/// Numbers of lines that were passed over and are told.
const TOLD: usize = 10;
/// Columns of a table.
const COLUMNS: usize = 64;
/// Rows whose ids are remembered, so that one that stands there twice counts once.
const REMEMBERED: usize = 100_000;

/// What came of a reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Rows that were read.
    pub rows: u64,
    /// Of these, lines of plain text.
    pub plain: u64,
    /// Lines that could not be read.
    pub passed_over: u64,
    /// The numbers of the first ones of these.
    pub first: Vec<u64>,
    /// Whether somebody stopped it.
    pub stopped: bool,
}

/// Which lines are taken.
#[derive(Clone, Copy, Debug)]
pub struct Taking {
    /// Bytes of the longest line; what is longer is passed over, and plain text is cut there.
    pub longest: usize,
    /// Whether lines of plain text are rows too.
    pub plain: bool,
}

/// Reads a log to its end. `each` is given every row; `stopped` is asked again and again.
///
/// # Errors
/// When it cannot be read, or is no text at all.
pub fn read(
    from: &mut impl BufRead,
    taking: Taking,
    stopped: &dyn Fn() -> bool,
    each: &mut dyn FnMut(LogRow),
) -> io::Result<Reading> {
    let head = from.fill_buf()?;
    if head.contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no text"));
    }
    if head.starts_with(b"\xef\xbb\xbf") {
        from.consume(3);
    }
    let mut rows = Rows {
        taking,
        each,
        reading: Reading::default(),
        heading: None,
        known: HashSet::new(),
        last: None,
    };
    let mut lines = Lines::default();
    while lines.next(from, taking.longest)? {
        rows.line(&mut lines, from)?;
        if stopped() {
            rows.reading.stopped = true;
            break;
        }
    }
    Ok(rows.reading)
}

/// The lines of a file, one at a time.
#[derive(Default)]
struct Lines {
    /// The line, without its end.
    text: Vec<u8>,
    /// Its number, counted from 1.
    number: u64,
    /// Whether it was longer than what is kept of it.
    cut: bool,
    /// Lines that were read too far.
    ahead: Vec<Vec<u8>>,
}

impl Lines {
    /// The next line; false at the end.
    fn next(&mut self, from: &mut impl BufRead, longest: usize) -> io::Result<bool> {
        self.text.clear();
        self.number += 1;
        self.cut = false;
        if let Some(line) = self.ahead.pop() {
            self.text = line;
            return Ok(true);
        }
        let limit = u64::try_from(longest).unwrap_or(u64::MAX);
        if from
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut self.text)?
            == 0
        {
            return Ok(false);
        }
        if self.text.len() == longest && !self.text.ends_with(b"\n") {
            self.cut = true;
            skip_line(from)?;
        }
        Ok(true)
    }
}

/// To the end of the line, without keeping any of it.
fn skip_line(from: &mut impl BufRead) -> io::Result<()> {
    loop {
        let chunk = from.fill_buf()?;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let (length, is_over) = match end {
            Some(at) => (at + 1, true),
            None => (chunk.len(), chunk.is_empty()),
        };
        from.consume(length);
        if is_over {
            return Ok(());
        }
    }
}

/// What the lines before say of the next one.
struct Rows<'a> {
    taking: Taking,
    each: &'a mut dyn FnMut(LogRow),
    reading: Reading,
    heading: Option<Vec<Option<Column>>>,
    known: HashSet<u64>,
    /// The row before: plain text after it belongs to it.
    last: Option<LogRow>,
}

impl Rows<'_> {
    fn line(&mut self, lines: &mut Lines, from: &mut impl BufRead) -> io::Result<()> {
        let number = lines.number;
        let text = lines.text.trim_ascii();
        // An array of rows, one a line.
        let bare = text.strip_suffix(b",").unwrap_or(text);
        let bare = bare.strip_prefix(b"[").unwrap_or(bare).trim_ascii();
        match bare.first() {
            None => {}
            Some(b']') if bare.len() == 1 => {}
            Some(b'{') => self.object(bare, number, lines.cut),
            Some(b'"') if bare.starts_with(b"\"{\\") => self.encoded_twice(bare, number),
            Some(_) if self.heading.is_some() => self.record(lines, from)?,
            Some(_) => {
                self.heading = heading(bare);
                if self.heading.is_none() {
                    self.plain(bare, number);
                }
            }
        }
        Ok(())
    }

    fn object(&mut self, text: &[u8], number: u64, cut: bool) {
        // Some arrays end on the line of their last row.
        let read = |text: &[u8]| serde_json::from_slice::<Fields>(text);
        let fields = match read(text) {
            _ if cut => None,
            Ok(fields) => Some(fields),
            Err(_) => match text.strip_suffix(b"]") {
                Some(text) => read(text).ok(),
                None => read(String::from_utf8_lossy(text).as_bytes()).ok(),
            },
        };
        match fields {
            Some(fields) => self.row(fields, number),
            None => self.pass_over(number),
        }
    }

    fn encoded_twice(&mut self, text: &[u8], number: u64) {
        match serde_json::from_slice::<String>(text) {
            Ok(inner) => self.object(inner.trim().as_bytes(), number, false),
            Err(_) => self.pass_over(number),
        }
    }

    /// A record of a table; a quoted field goes on over lines. Where no line closes it, it was the first
    /// line that is wrong, and the others are read again.
    fn record(&mut self, lines: &mut Lines, from: &mut impl BufRead) -> io::Result<()> {
        let number = lines.number;
        let mut record = std::mem::take(&mut lines.text);
        let mut more: Vec<Vec<u8>> = Vec::new();
        let quotes = |line: &[u8]| line.iter().filter(|byte| **byte == b'"').count();
        let mut open = quotes(&record) % 2 == 1;
        while open && record.len() < self.taking.longest && lines.next(from, self.taking.longest)? {
            record.extend_from_slice(&lines.text);
            open = quotes(&lines.text) % 2 == 0;
            more.push(std::mem::take(&mut lines.text));
        }
        if open {
            more.reverse();
            lines.ahead.append(&mut more);
            lines.number = number;
        }
        match self.fields(&record).filter(|_| !open && !lines.cut) {
            // Tables that were put one behind the other.
            Some(fields) if fields.are_names() => self.heading = heading(&record),
            Some(fields) => self.row(fields, number),
            None => self.pass_over(number),
        }
        Ok(())
    }

    fn fields(&self, record: &[u8]) -> Option<Fields> {
        let heading = self.heading.as_ref()?;
        let values = split(record)?;
        // A line of a few words in a table is no record of it.
        if values.len() * 2 < heading.len() {
            return None;
        }
        let mut fields = Fields::default();
        for (column, value) in heading.iter().zip(values) {
            if let Some(column) = column {
                fields.set(*column, value);
            }
        }
        Some(fields)
    }

    fn row(&mut self, fields: Fields, number: u64) {
        let id = fields.id().map(str::to_owned);
        let Some(row) = fields.row(number) else {
            return self.pass_over(number);
        };
        if id.is_some_and(|id| !self.is_new(&id, &row.time_stamp)) {
            return;
        }
        if self.taking.plain {
            self.last = Some(LogRow {
                message_data: None,
                ..row.clone()
            });
        }
        self.reading.rows += 1;
        (self.each)(row);
    }

    /// Whether a row is read for the first time, by its id and time.
    fn is_new(&mut self, id: &str, at: &str) -> bool {
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        let mut hash = DefaultHasher::new();
        (id, at).hash(&mut hash);
        self.known.insert(hash.finish())
    }

    /// A line that is no row: of a trace, of a console, pasted by somebody.
    fn plain(&mut self, text: &[u8], number: u64) {
        if !self.taking.plain {
            return self.pass_over(number);
        }
        let text = String::from_utf8_lossy(text).into_owned();
        self.reading.rows += 1;
        self.reading.plain += 1;
        let event = cues::level(&text);
        (self.each)(LogRow {
            event: event.to_owned(),
            message_event: "text".to_owned(),
            message_data: Some(text),
            number: Some(number),
            repeats: 0,
            ..self.last.clone().unwrap_or_default()
        });
    }

    fn pass_over(&mut self, number: u64) {
        self.reading.passed_over += 1;
        if self.reading.first.len() < TOLD {
            self.reading.first.push(number);
        }
    }
}

/// The columns of a line, if it is the heading of a table of log rows.
fn heading(line: &[u8]) -> Option<Vec<Option<Column>>> {
    let names = split(line)?;
    let columns: Vec<_> = names.iter().map(|name| Column::of(name)).collect();
    Column::are_a_heading(&columns).then_some(columns)
}

/// The values of a record.
fn split(record: &[u8]) -> Option<Vec<String>> {
    let mut table = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(record.len().max(1))
        .from_reader(record);
    let mut read = csv::ByteRecord::new();
    let found = table.read_byte_record(&mut read).ok()?;
    if !found || read.len() > COLUMNS {
        return None;
    }
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    Some(read.iter().map(text).collect())
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
