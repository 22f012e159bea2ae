//! The catalogue of what errors look like: a data file that is part of the program.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::labels::{Category, RemedyName};

/// The files of the catalogue. The first speaks of every category; the others inherit from it.
const FILES: [&str; 7] = [
    include_str!("catalogue/general.yml"),
    include_str!("catalogue/databases.yml"),
    include_str!("catalogue/network.yml"),
    include_str!("catalogue/saas.yml"),
    include_str!("catalogue/streams_and_files.yml"),
    include_str!("catalogue/destinations.yml"),
    include_str!("catalogue/code.yml"),
];

/// How surely a sign means its category, from 0 to 1.
const DECISIVE: f64 = 0.98;
const EXACT: f64 = 0.95;
const CLEAR: f64 = 0.8;
const VAGUE: f64 = 0.45;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// For people who read the file.
    #[serde(default, rename = "family")]
    _family: Option<String>,
    category: Category,
    cause: String,
    #[serde(default)]
    remedies: Vec<RemedyName>,
    #[serde(default)]
    while_it_still_syncs: Vec<RemedyName>,
    at_destination: Option<Category>,
    #[serde(default)]
    only_at_destination: bool,
    #[serde(default)]
    decisive: Vec<String>,
    #[serde(default)]
    exact: Vec<String>,
    #[serde(default)]
    clear: Vec<String>,
    #[serde(default)]
    vague: Vec<String>,
}

/// One way for a thing to go wrong.
#[derive(Debug)]
pub struct Entry {
    /// What it is a case of.
    pub category: Category,
    /// The same words, said while loading.
    pub at_destination: Option<Category>,
    /// Whether its signs mean nothing where they were said while reading.
    pub only_at_destination: bool,
    /// What to say of it.
    pub cause: String,
    /// What helps, the best first.
    pub remedies: Vec<RemedyName>,
    /// The same for a sync that took and only warned; empty where that is no other matter.
    pub while_it_still_syncs: Vec<RemedyName>,
    signs: Vec<(Regex, f64)>,
}

/// A sign that was found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Whose.
    pub entry: &'a Entry,
    /// How surely it means that, from 0 to 1.
    pub strength: f64,
    /// How many bytes of the text it is: the longer, the less by chance.
    pub length: usize,
    /// At which byte of the text it begins.
    pub at: usize,
}

impl Entry {
    /// The strongest of this entry's signs in a text as [`legible`] leaves it.
    pub fn find(&self, text: &[u8]) -> Option<Found<'_>> {
        let found = self
            .signs
            .iter()
            .find_map(|(sign, strength)| Some((*strength, sign.find(text)?)));
        found.map(|(strength, sign)| Found {
            entry: self,
            strength,
            length: sign.len(),
            at: sign.start(),
        })
    }
}

/// A text in the letters that signs are written in: small ones, and the plain apostrophe.
pub fn legible(text: &str) -> Vec<u8> {
    text.to_lowercase().replace('’', "'").into_bytes()
}

/// Every entry.
pub fn entries() -> &'static [Entry] {
    static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| read(&FILES).unwrap_or_default());
    &ENTRIES
}

/// The strongest sign of any entry in a text; the longest, where several are.
pub fn strongest(text: &str) -> Option<Found<'static>> {
    let text = legible(text);
    let found = entries().iter().filter_map(|entry| entry.find(&text));
    found.max_by(|a, b| {
        let strength = a.strength.total_cmp(&b.strength);
        strength.then(a.length.cmp(&b.length))
    })
}

/// The entry that speaks for a category: the first of it.
pub fn entry_of(category: Category) -> Option<&'static Entry> {
    entries().iter().find(|entry| entry.category == category)
}

/// What may be recommended for a category: what its entries know, and what never does harm.
pub fn allowed(category: Category) -> Vec<RemedyName> {
    let harmless = match category {
        Category::NoFailure => vec![RemedyName::None, RemedyName::WaitAutoRetry],
        _ => vec![RemedyName::NotifyOwner, RemedyName::RunSetupTests],
    };
    let own = entries().iter().filter(|entry| entry.category == category);
    let known = own.flat_map(|entry| entry.remedies.iter().chain(&entry.while_it_still_syncs));
    known.copied().chain(harmless).collect()
}

fn read(files: &[&str]) -> Result<Vec<Entry>, String> {
    let mut entries: Vec<Entry> = Vec::new();
    for file in files {
        let written: Vec<Written> = serde_saphyr::from_str(file).map_err(|e| e.to_string())?;
        for written in written {
            let mut entry = Entry::try_from(written)?;
            let general = entries.iter().find(|e| e.category == entry.category);
            if let Some(general) = general.filter(|_| entry.remedies.is_empty()) {
                entry.remedies.clone_from(&general.remedies);
                let still = &general.while_it_still_syncs;
                entry.while_it_still_syncs.clone_from(still);
                entry.at_destination = entry.at_destination.or(general.at_destination);
            }
            entries.push(entry);
        }
    }
    Ok(entries)
}

impl TryFrom<Written> for Entry {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let mut signs = Vec::new();
        // The strongest first: the search ends at the first that is found.
        let kinds = [
            (written.decisive, DECISIVE),
            (written.exact, EXACT),
            (written.clear, CLEAR),
            (written.vague, VAGUE),
        ];
        for (patterns, strength) in kinds {
            for pattern in patterns {
                // Bytes and not characters: a tenth of the memory, and codes and names are ASCII.
                let sign = RegexBuilder::new(&pattern)
                    .unicode(false)
                    .case_insensitive(true)
                    .build();
                signs.push((sign.map_err(|e| format!("{pattern}: {e}"))?, strength));
            }
        }
        Ok(Self {
            category: written.category,
            at_destination: written.at_destination,
            only_at_destination: written.only_at_destination,
            cause: written.cause,
            remedies: written.remedies,
            while_it_still_syncs: written.while_it_still_syncs,
            signs,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole() {
        let read = read(&FILES).unwrap();
        for category in Category::ALL {
            let known = read.iter().any(|entry| entry.category == *category);
            assert_eq!(known, *category != Category::NoFailure, "{category}");
        }
        assert!(read.iter().all(|entry| !entry.remedies.is_empty()));
    }
}
