//! What a language model is told of a failure: the few lines that matter, numbered, without secrets,
//! and in signs that can end nothing and begin nothing in a prompt.
//!
//! Lines are taken by what they are worth until 4,000 tokens are full, and told in the order in which
//! they stand in the log: the reason of the end and what Fivetran says first; then errors with a sign
//! that the catalogue knows, the first and the last error; then warnings with a sign, other errors, what
//! was changed, and the rest.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::analyst::{self, LIKELY};
use super::case::{Case, LogRow, StatusNotice};
use super::catalogue::Catalogue;
use super::changes;
use super::cite::folded;
use super::redact::Redactor;
use super::story::{self, Ending, Story};

/// Lines at most, and tokens of all together.
const LINES: usize = 48;
const TOKENS: usize = 4_000;
/// Bytes of a token. Prose has four and more, numbers, ids and paths have fewer; with three the estimate
/// is above what tokenizers count on logs. In other scripts a character has two or three bytes.
const BYTES_OF_A_TOKEN: usize = 3;
/// Tokens of a line's number and of the signs around it.
const FRAME: usize = 6;
/// Characters of one line.
const LINE: usize = 600;
/// Of a longer line, so much is told before the sign that matters.
const BEFORE: usize = 150;
/// Characters of the words around the lines: a connector's type, an event.
const WORD: usize = 60;

/// The evidence as it is asked about and kept. Everything in it is redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// The connector's type.
    pub connector: String,
    /// The destination's type; empty where it is not known.
    pub destination: String,
    /// How the sync ended.
    pub ending: String,
    /// How the API says that the connection is set up.
    pub setup: String,
    /// The lines.
    pub lines: Vec<Line>,
    /// What came of the same error before, the last first: words of ours, without times and names.
    #[serde(default)]
    pub precedents: Vec<String>,
    /// What the catalogue's signs speak of, in closed words.
    #[serde(default)]
    pub candidates: Vec<String>,
}

/// One line of evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Where it stands, for people.
    pub origin: String,
    /// What kind of line it is, for the model.
    pub label: String,
    /// What it says, its white space folded.
    pub text: String,
    /// Its line in the file that was read, counted from 1; none where it was read from no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// How many lines said the same; 0 and 1 are this one alone.
    #[serde(default, skip_serializing_if = "is_alone")]
    pub repeats: u64,
}

fn is_alone(repeats: &u64) -> bool {
    *repeats < 2
}

impl Brief {
    /// Of a case that was redacted ([`super::cause::redacted`]).
    pub fn of(case: &Case, catalogue: &Catalogue) -> Self {
        let status = &case.api_status;
        Self {
            connector: cut(&case.connector_service, WORD),
            destination: cut(&case.destination_service, WORD),
            ending: ending(Story::of(case).ending).to_owned(),
            // What else it says changes while nothing does, and the same would be asked again.
            setup: cut(&status.setup_state, WORD),
            lines: lines(case, catalogue),
            candidates: analyst::candidates(case, catalogue),
            precedents: Vec::new(),
        }
    }

    /// Whether a sync is known to have failed.
    pub fn failed(&self) -> bool {
        self.ending == ending(Ending::Failed)
    }

    /// The same in signs that do nothing in a prompt. Each sign stands for exactly one of the
    /// evidence, so that a quotation of this one is found in that one ([`Line::literal`]).
    pub fn neutral(&self) -> Self {
        let line = |line: &Line| Line {
            origin: neutral(&line.origin),
            label: neutral(&line.label),
            text: neutral(&line.text),
            number: line.number,
            repeats: line.repeats,
        };
        Self {
            connector: neutral(&self.connector),
            destination: neutral(&self.destination),
            ending: self.ending.clone(),
            setup: neutral(&self.setup),
            lines: self.lines.iter().map(line).collect(),
            candidates: self.candidates.clone(),
            precedents: self.precedents.clone(),
        }
    }
}

impl Line {
    /// What it costs in a prompt, by a careful estimate.
    pub fn tokens(&self) -> usize {
        let bytes = self.label.len() + self.text.len();
        bytes.div_ceil(BYTES_OF_A_TOKEN) + FRAME
    }

    /// What a quotation of the neutral line is in the evidence, word for word; none if it does not
    /// stand there.
    pub fn literal(&self, quotation: &str) -> Option<String> {
        let quotation = folded(&neutral(quotation));
        let shown = neutral(&self.text);
        let at = shown.find(&quotation)?;
        let before = shown.get(..at)?.chars().count();
        let length = quotation.chars().count();
        Some(self.text.chars().skip(before).take(length).collect())
    }
}

impl Brief {
    /// The same without what this redactor knows to be a secret.
    pub fn clean(mut self, redactor: &Redactor) -> Self {
        for line in &mut self.lines {
            for text in [&mut line.origin, &mut line.label, &mut line.text] {
                *text = redactor.text(text).into_owned();
            }
        }
        self
    }
}

/// Where a row stands, for people.
pub(super) fn origin_of(row: &LogRow) -> String {
    let mut origin = match row.time_stamp.as_str() {
        "" if row.number.is_none() => "what the sync said".to_owned(),
        "" => String::new(),
        at => format!("log row of {at}, {} {}", row.event, row.message_event),
    };
    if let Some(number) = row.number {
        let comma = if origin.is_empty() { "" } else { ", " };
        origin.push_str(&format!("{comma}line {number}"));
    }
    if !is_alone(&row.repeats) {
        origin.push_str(&format!(", said {} times", row.repeats));
    }
    origin
}

/// A line that may be told. The less its rank, the more it is worth.
struct Candidate {
    rank: u8,
    line: Line,
}

/// The lines that are worth most, in the order in which they stand.
fn lines(case: &Case, catalogue: &Catalogue) -> Vec<Line> {
    let rows = story::last_sync(&case.logs);
    let is_error = |row: &&&LogRow| matches!(row.event.as_str(), "SEVERE" | "ERROR");
    let ends = [rows.iter().find(is_error), rows.iter().rev().find(is_error)];
    let is_edge = |row: &LogRow| ends.iter().flatten().any(|edge| std::ptr::eq(**edge, row));
    let said = rows
        .iter()
        .filter_map(|row| of_row(row, is_edge(row), catalogue));
    let mut found: Vec<Candidate> = said.collect();
    let status = &case.api_status;
    let tasks = status.tasks.iter();
    let tasks = tasks.map(|n| (format!("task {}", n.code), 0, n));
    let warnings = status.warnings.iter();
    let warnings = warnings.map(|n| (format!("warning {}", n.code), 3, n));
    let listed = status.listed.iter();
    let listed = listed.map(|l| (l.place(), if l.is_warning { 3 } else { 0 }, &l.notice));
    let notices = tasks.chain(warnings).chain(listed);
    found.extend(notices.filter_map(|(place, rank, notice)| {
        let line = of_notice(place, notice)?;
        Some(Candidate { rank, line })
    }));
    if found.is_empty() {
        return Vec::new();
    }
    let changed = case.changes.iter().rev().take(changes::TOLD).rev();
    let changed = changed.filter_map(|row| {
        let label = format!("changed before, {}", row.message_event);
        let line = line(row, label, &changes::words(row))?;
        Some(Candidate { rank: 4, line })
    });
    bounded(changed.chain(found).collect())
}

/// The line of a row that speaks of the failure.
fn of_row(row: &LogRow, is_edge: bool, catalogue: &Catalogue) -> Option<Candidate> {
    let label = match row.event.as_str() {
        "" => row.message_event.clone(),
        event => format!("{event} {}", row.message_event),
    };
    let text = row.message().or_else(|| good_end(row))?;
    let sign = || {
        catalogue
            .strongest(&text)
            .filter(|sign| sign.strength >= LIKELY)
    };
    let (rank, at) = match (row.message_event.as_str(), row.event.as_str()) {
        ("sync_end", _) => (0, sign().map(|sign| sign.at)),
        (_, level @ ("SEVERE" | "ERROR" | "WARNING")) => match (sign(), level) {
            (Some(sign), "WARNING") => (2, Some(sign.at)),
            (Some(sign), _) => (1, Some(sign.at)),
            (None, "WARNING") => (5, None),
            (None, _) if is_edge => (1, None),
            (None, _) => (2, None),
        },
        // Work as usual, unless it carries a sign.
        _ => (6, Some(sign()?.at)),
    };
    // What is small, capital or quoted differs by a few bytes from what the catalogue reads.
    let text = around(&text, at.unwrap_or(0));
    let line = line(row, label, text)?;
    Some(Candidate { rank, line })
}

/// The end of a sync that did not fail proves just that; one that did and does not say why proves
/// nothing.
fn good_end(row: &LogRow) -> Option<Cow<'_, str>> {
    let status = row.said("status")?.to_uppercase();
    let is_good = row.message_event == "sync_end" && !status.contains("FAIL");
    is_good.then_some(Cow::Borrowed(row.message_data.as_deref()?))
}

/// The part of a long text that holds what matters.
fn around(text: &str, at: usize) -> &str {
    if text.len() <= LINE || at < LINE - BEFORE {
        return text;
    }
    let start = text.floor_char_boundary(at - BEFORE);
    let rest = text.get(start..).unwrap_or(text);
    rest.split_once(char::is_whitespace)
        .map_or(rest, |(_, rest)| rest)
}

fn of_notice(origin: String, notice: &StatusNotice) -> Option<Line> {
    let details = notice.details.as_deref().unwrap_or_default();
    // What the source said is what can be quoted; the heading, what Fivetran takes it for, stands
    // before it.
    match details.trim() {
        "" => told(origin.clone(), origin, &notice.message),
        details => told(
            origin.clone(),
            format!("{origin}, {}", notice.message),
            details,
        ),
    }
}

fn line(row: &LogRow, label: String, text: &str) -> Option<Line> {
    told(origin_of(row), label, text).map(|line| Line {
        number: row.number,
        repeats: row.repeats,
        ..line
    })
}

fn told(origin: String, label: String, text: &str) -> Option<Line> {
    let text = cut(&folded(text), LINE);
    (!text.is_empty()).then(|| Line {
        origin: cut(&origin, 3 * WORD),
        label: cut(&folded(&label), WORD),
        text,
        ..Line::default()
    })
}

/// The lines that fit, each once. Of those that are worth the same, the last.
fn bounded(found: Vec<Candidate>) -> Vec<Line> {
    let mut order: Vec<usize> = (0..found.len()).rev().collect();
    order.sort_by_key(|at| found[*at].rank);
    let mut left = TOKENS;
    let mut taken: Vec<usize> = Vec::new();
    for at in order {
        let line = &found[at].line;
        let cost = line.tokens();
        let is_new = || {
            taken
                .iter()
                .all(|other| found[*other].line.text != line.text)
        };
        if taken.len() < LINES && cost <= left && is_new() {
            left -= cost;
            taken.push(at);
        }
    }
    let lines = found.into_iter().enumerate();
    let kept = lines.filter(|(at, _)| taken.contains(at));
    kept.map(|(_, candidate)| candidate.line).collect()
}

fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Succeeded => "it succeeded",
        Ending::Failed => "it failed",
        Ending::Rescheduled => "it was put off",
        Ending::Cancelled => "somebody stopped it",
        Ending::Unknown => "not known",
    }
}

fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// One sign for one: angle brackets open no tag, and what nobody can see is seen.
fn neutral(text: &str) -> String {
    let sign = |c: char| match c {
        '<' => '‹',
        '>' => '›',
        ' ' => ' ',
        c if c.is_whitespace() => ' ',
        c if c.is_control() || is_invisible(c) => '·',
        c => c,
    };
    text.chars().map(sign).collect()
}

/// Zero-width signs, overrides of the direction, and the tag characters that spell words unseen.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
#[path = "brief_tests.rs"]
mod tests;
