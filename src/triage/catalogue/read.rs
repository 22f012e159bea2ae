//! Reading the catalogue's files: what is shipped, and what users add.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use super::{CLEAR, DECISIVE, EXACT, Entry, VAGUE};
use crate::model::Page;
use crate::triage::danger;
use crate::triage::labels::{Category, RemedyName};

/// The largest file that is read, in bytes, and the most entries that one may have: each is held
/// against every line of every failure.
const MAX_BYTES: usize = 256 * 1024;
const MAX_ENTRIES: usize = 500;

const NO_PAGE: &str =
    "a link is an https address of up to 200 letters, digits and -._~/, without a query";

/// What is wrong with a file of the catalogue, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueError {
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
    /// What is wrong, on one line, without the file's own words where they may be long.
    pub message: String,
}

impl CatalogueError {
    fn at(location: Location, message: String) -> Self {
        Self {
            line: location.line().max(1),
            column: location.column().max(1),
            message,
        }
    }

    fn whole(message: String) -> Self {
        Self {
            line: 1,
            column: 1,
            message,
        }
    }
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            column,
            message,
        } = self;
        write!(f, "line {line}, column {column}: {message}")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    family: Option<Spanned<String>>,
    category: Spanned<Category>,
    cause: Spanned<String>,
    link: Option<Spanned<String>>,
    #[serde(default)]
    remedies: Vec<Spanned<RemedyName>>,
    #[serde(default)]
    while_it_still_syncs: Vec<Spanned<RemedyName>>,
    #[serde(default)]
    dangerous: Vec<RemedyName>,
    at_destination: Option<Category>,
    #[serde(default)]
    only_at_destination: bool,
    #[serde(default)]
    decisive: Vec<Spanned<String>>,
    #[serde(default)]
    exact: Vec<Spanned<String>>,
    #[serde(default)]
    clear: Vec<Spanned<String>>,
    #[serde(default)]
    vague: Vec<Spanned<String>>,
}

/// The entries of one file. `known` are those that it inherits from; `own` says that a user wrote it.
pub(super) fn read(
    file: &str,
    known: &[Arc<Entry>],
    own: bool,
) -> Result<Vec<Entry>, Vec<CatalogueError>> {
    if file.len() > MAX_BYTES {
        let message = format!("the file has {} bytes; at most {MAX_BYTES}", file.len());
        return Err(vec![CatalogueError::whole(message)]);
    }
    let options = serde_saphyr::options! { with_snippet: false };
    let written: Vec<Written> =
        serde_saphyr::from_str_with_options(file, options).map_err(|error| vec![unread(&error)])?;
    if written.len() > MAX_ENTRIES {
        let message = format!("{} entries; at most {MAX_ENTRIES}", written.len());
        return Err(vec![CatalogueError::whole(message)]);
    }
    let mut entries: Vec<Entry> = Vec::new();
    let mut errors = Vec::new();
    for written in written {
        let category = written.category.value;
        let mut all = known.iter().map(Arc::as_ref).chain(&entries);
        let general = all.find(|entry| entry.category == category);
        match entry(written, general, own) {
            Ok(entry) => entries.push(entry),
            Err(wrong) => errors.extend(wrong),
        }
    }
    if errors.is_empty() {
        Ok(entries)
    } else {
        Err(errors)
    }
}

/// The vendors' pages.
pub(super) fn pages(file: &str) -> Result<BTreeMap<String, Page>, Vec<CatalogueError>> {
    let written: BTreeMap<String, Spanned<String>> =
        serde_saphyr::from_str(file).map_err(|error| vec![unread(&error)])?;
    let read = |(service, page): (String, Spanned<String>)| match Page::read(&page.value) {
        Some(page) => Ok((service, page)),
        None => Err(vec![CatalogueError::at(
            page.referenced,
            NO_PAGE.to_owned(),
        )]),
    };
    written.into_iter().map(read).collect()
}

/// Where a file is no list of entries.
pub(super) fn unread(error: &serde_saphyr::Error) -> CatalogueError {
    let plain = error.without_snippet().to_string();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.replace(", set DuplicateKeyPolicy in Options if acceptable", "");
    let message = line.rfind(" at line ").map_or(&*line, |end| &line[..end]);
    let message = message.to_owned();
    match error.location() {
        Some(location) => CatalogueError::at(location, message),
        None => CatalogueError::whole(message),
    }
}

fn entry(
    written: Written,
    general: Option<&Entry>,
    own: bool,
) -> Result<Entry, Vec<CatalogueError>> {
    let mut errors = wrong_words(&written, own);
    errors.extend(dangerous_remedies(&written));
    let mut signs = Vec::new();
    // The strongest first: the search ends at the first that is found.
    let kinds = [
        (&written.decisive, DECISIVE),
        (&written.exact, EXACT),
        (&written.clear, CLEAR),
        (&written.vague, VAGUE),
    ];
    for (patterns, strength) in kinds {
        for pattern in patterns {
            match sign(&pattern.value) {
                Ok(sign) => signs.push((sign, strength)),
                Err(why) => errors.push(CatalogueError::at(pattern.referenced, why)),
            }
        }
    }
    if signs.is_empty() && errors.is_empty() {
        let why = "it has no sign; give at least one of decisive, exact, clear, vague".to_owned();
        errors.push(CatalogueError::at(written.category.referenced, why));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let names = |list: Vec<Spanned<RemedyName>>| list.into_iter().map(|name| name.value).collect();
    let mut entry = Entry {
        family: written.family.map(|family| family.value),
        category: written.category.value,
        at_destination: written.at_destination,
        only_at_destination: written.only_at_destination,
        cause: written.cause.value,
        link: written.link.and_then(|link| Page::read(&link.value)),
        remedies: names(written.remedies),
        while_it_still_syncs: names(written.while_it_still_syncs),
        dangerous: written.dangerous,
        own,
        signs,
    };
    if let Some(general) = general.filter(|_| entry.remedies.is_empty()) {
        let fit = |name: &&RemedyName| !entry.dangerous.contains(name);
        let still = general.while_it_still_syncs.iter().filter(fit).copied();
        let still: Vec<_> = still.collect();
        entry.remedies = general.remedies.iter().filter(fit).copied().collect();
        entry.while_it_still_syncs = still;
        entry.at_destination = entry.at_destination.or(general.at_destination);
    }
    Ok(entry)
}

/// What people read of an entry: whole, bounded, and a link that can only be a link.
fn wrong_words(written: &Written, own: bool) -> Vec<CatalogueError> {
    let mut errors = Vec::new();
    let word = |family: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        (1..=60).contains(&family.len()) && family.chars().all(fits)
    };
    match &written.family {
        Some(family) if !word(&family.value) => errors.push(CatalogueError::at(
            family.referenced,
            "a family is up to 60 small letters, digits and _".to_owned(),
        )),
        None if own => errors.push(CatalogueError::at(
            written.category.referenced,
            "the entry has no `family`; give it a name".to_owned(),
        )),
        Some(_) | None => {}
    }
    if !(1..=300).contains(&written.cause.value.trim().chars().count()) {
        errors.push(CatalogueError::at(
            written.cause.referenced,
            "the cause is one or two sentences of up to 300 characters".to_owned(),
        ));
    }
    let no_page = |link: &&Spanned<String>| Page::read(&link.value).is_none();
    if let Some(link) = written.link.as_ref().filter(no_page) {
        errors.push(CatalogueError::at(link.referenced, NO_PAGE.to_owned()));
    }
    errors
}

fn dangerous_remedies(written: &Written) -> Vec<CatalogueError> {
    let category = written.category.value;
    let said = written.remedies.iter().chain(&written.while_it_still_syncs);
    let wrong = said.filter_map(|name| {
        let remedy = name.value;
        let why = match danger::harm(category, remedy) {
            Some(harm) => harm,
            None if written.dangerous.contains(&remedy) => "the entry itself calls it dangerous",
            None => return None,
        };
        let message = format!("`{remedy}` is dangerous for {category}: {why}");
        Some(CatalogueError::at(name.referenced, message))
    });
    wrong.collect()
}

/// The longest sign, in bytes.
const LONGEST: usize = 4_000;
/// A sentence that is a sign of nothing.
const HARMLESS: &[u8] = b"the sync of orders ended at 10:15 with a message";

/// Bytes and not characters: a tenth of the memory, and codes and names are ASCII.
fn sign(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > LONGEST {
        return Err(format!("the sign is longer than {LONGEST} bytes; split it"));
    }
    let mut builder = RegexBuilder::new(pattern);
    let builder = builder.unicode(false).case_insensitive(true);
    // Bounds what a pattern such as `.{1,200}{200}` costs.
    let built = builder.size_limit(4 << 20).nest_limit(50).build();
    let sign = built.map_err(|error| {
        let why = error.to_string();
        let last = why.lines().last().unwrap_or_default().trim();
        let last = last.strip_prefix("error: ").unwrap_or(last);
        format!("no regular expression: {last}")
    })?;
    if sign.is_match(b"") {
        return Err("the sign fits every text, since it fits the empty one".to_owned());
    }
    let is_short = (b' '..=b'~').any(|one| sign.is_match(&[one]));
    if is_short || sign.is_match(HARMLESS) {
        return Err("the sign fits what says nothing; make it longer".to_owned());
    }
    Ok(sign)
}
