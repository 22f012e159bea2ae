//! The admission: the only way for a model's answer into Syncgate (SPEC I5, I6).
//!
//! An answer selects from closed sets and quotes numbered lines; it names nothing else. What it
//! quotes must stand in that line of the redacted evidence word for word. Whatever does not fit is
//! left out and counted, and an answer that breaks the form is left out as a whole. No second model
//! judges the first.

use std::fmt;

use serde::Deserialize;

use super::brief::Brief;
use super::catalogue::Catalogue;
use super::cite::{SHORTEST, folded};
use super::labels::{Category, RemedyName};
use super::redact::Redactor;
use crate::model::Quote;

/// Quotations, and remedies, of one answer.
const QUOTES: usize = 3;
const REMEDIES: usize = 3;
/// Characters of its explanation, and of one quotation.
const WORDS: usize = 400;

/// Something that came from a model. Nothing but the admission can look into it.
pub struct Untrusted<T>(T);

impl<T> fmt::Debug for Untrusted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Untrusted(…)")
    }
}

/// An answer in the form that was asked for. Its parts are of this file alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    evidence: Vec<Cited>,
    explanation: String,
    kind: Category,
    remedies: Vec<RemedyName>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cited {
    line: usize,
    quote: String,
}

impl Untrusted<Answer> {
    /// Reads a JSON object of exactly the form that was asked for.
    ///
    /// # Errors
    /// Why it is not of that form, for the model and the audit log; it may repeat what was read.
    pub fn read(json: &str) -> Result<Self, String> {
        let answer: Answer = serde_json::from_str(json).map_err(|error| error.to_string())?;
        Ok(Self(answer))
    }
}

/// What of an answer was admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The kind of cause.
    pub category: Category,
    /// What that kind of cause allows to be done, the best first.
    pub remedies: Vec<RemedyName>,
    /// In the model's words, redacted and cut.
    pub summary: String,
    /// Its proofs. Without one, nothing of the answer is shown.
    pub quotes: Vec<Quote>,
    /// How many quotations stand nowhere.
    pub unproved: usize,
    /// The remedies that its category does not allow.
    pub dropped: Vec<RemedyName>,
}

/// Why an answer is left out as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It says that nothing failed, where a sync is known to have failed.
    NothingFailed,
    /// It repeats what it was told to keep.
    Leak,
    /// It names another connection.
    Stranger,
}

impl Refusal {
    /// The word for it in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NothingFailed => "nothing_failed",
            Self::Leak => "leak",
            Self::Stranger => "another_connection",
        }
    }
}

/// What an answer is held against.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// What was asked about.
    pub brief: &'a Brief,
    /// The word in the prompt that no answer may hold.
    pub mark: &'a str,
    /// The ids of the other connections.
    pub strangers: &'a [String],
    /// What may be done about which kind of cause.
    pub catalogue: &'a Catalogue,
    /// What takes out secrets.
    pub redactor: &'a Redactor,
}

/// Opens an answer.
///
/// # Errors
/// Why it is left out as a whole.
pub fn admit(answer: Untrusted<Answer>, ground: &Ground<'_>) -> Result<Admitted, Refusal> {
    let Untrusted(answer) = answer;
    let quoted = answer.evidence.iter().map(|cited| cited.quote.as_str());
    let said: Vec<&str> = quoted.chain([answer.explanation.as_str()]).collect();
    if said.iter().any(|text| text.contains(ground.mark)) {
        return Err(Refusal::Leak);
    }
    if ground
        .strangers
        .iter()
        .any(|id| names(&answer.explanation, id))
    {
        return Err(Refusal::Stranger);
    }
    if answer.kind == Category::NoFailure && ground.brief.failed() {
        return Err(Refusal::NothingFailed);
    }
    let mut quotes: Vec<Quote> = Vec::new();
    let mut unproved = answer.evidence.len().saturating_sub(QUOTES);
    for cited in answer.evidence.iter().take(QUOTES) {
        match proved(cited, ground.brief) {
            Some(quote) if quotes.contains(&quote) => {}
            Some(quote) => quotes.push(quote),
            None => unproved += 1,
        }
    }
    let (remedies, dropped) = remedies(&answer, ground.catalogue);
    Ok(Admitted {
        category: answer.kind,
        remedies,
        summary: in_its_words(&answer.explanation, ground.redactor),
        quotes,
        unproved,
        dropped,
    })
}

/// What it recommends, and what of that its kind of cause does not allow: what no entry of the
/// catalogue knows to help, and what does harm.
fn remedies(answer: &Answer, catalogue: &Catalogue) -> (Vec<RemedyName>, Vec<RemedyName>) {
    let known = catalogue.allowed(answer.kind);
    let allowed = |name: &RemedyName| {
        known.contains(name) && !catalogue.is_dangerous(answer.kind, None, *name)
    };
    let (mut remedies, dropped): (Vec<_>, Vec<_>) =
        answer.remedies.iter().partition(|n| allowed(n));
    remedies.dedup();
    remedies.truncate(REMEDIES);
    if remedies.is_empty() {
        let entry = catalogue.entry_of(answer.kind);
        remedies = entry.map_or_else(|| vec![RemedyName::None], |entry| entry.remedies.clone());
    }
    (remedies, dropped)
}

/// A quotation with its place, if it stands in the line that it names: a model that counts wrongly
/// has read wrongly.
fn proved(cited: &Cited, brief: &Brief) -> Option<Quote> {
    let line = brief.lines.get(cited.line.checked_sub(1)?)?;
    let literal = line.literal(&cited.quote)?;
    // A placeholder of the redactor stands in no log; the longest piece beside it does.
    let pieces = outside(&literal).into_iter().map(str::trim);
    let piece = pieces.max_by_key(|piece| piece.chars().count())?;
    let text: String = piece.chars().take(WORDS).collect();
    (text.chars().count() >= SHORTEST).then(|| Quote {
        origin: line.origin.clone(),
        text,
    })
}

/// The pieces of a text that are in no placeholder, also where one is cut in two.
fn outside(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = match text.split_once('›') {
        Some((inside, after)) if !inside.contains('‹') => after,
        _ => text,
    };
    while let Some((before, after)) = rest.split_once('‹') {
        pieces.push(before);
        rest = after.split_once('›').map_or("", |(_, after)| after);
    }
    pieces.push(rest);
    pieces
}

fn in_its_words(text: &str, redactor: &Redactor) -> String {
    let short: String = text.replace('\0', "").chars().take(4 * WORDS).collect();
    let clean = folded(&redactor.text(&short));
    clean.chars().take(WORDS).collect()
}

/// Whether a text holds an id as a word of its own.
fn names(text: &str, id: &str) -> bool {
    let of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(id).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text
            .get(at + id.len()..)
            .and_then(|after| after.chars().next());
        !id.is_empty() && !before.is_some_and(of_word) && !after.is_some_and(of_word)
    })
}

#[cfg(test)]
#[path = "admit_tests.rs"]
mod tests;
