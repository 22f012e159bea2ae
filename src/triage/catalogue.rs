//! The catalogue of what errors look like: data files that are part of the program, and those that
//! users add.

mod read;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use regex::bytes::Regex;

pub use read::CatalogueError;

use super::danger;
use super::labels::{Category, RemedyName};
use crate::model::Page;

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

/// The vendors' pages, by the beginning of a service's name.
const PAGES: &str = include_str!("catalogue/pages.yml");

/// How surely a sign means its category, from 0 to 1.
const DECISIVE: f64 = 0.98;
const EXACT: f64 = 0.95;
const CLEAR: f64 = 0.8;
const VAGUE: f64 = 0.45;

/// One way for a thing to go wrong.
#[derive(Debug)]
pub struct Entry {
    /// Its name; the general entries of the categories have none.
    pub family: Option<String>,
    /// What it is a case of.
    pub category: Category,
    /// The same words, said while loading.
    pub at_destination: Option<Category>,
    /// Whether its signs mean nothing where they were said while reading.
    pub only_at_destination: bool,
    /// What to say of it.
    pub cause: String,
    /// A page that says more.
    pub link: Option<Page>,
    /// What helps, the best first.
    pub remedies: Vec<RemedyName>,
    /// The same for a sync that took and only warned; empty where that is no other matter.
    pub while_it_still_syncs: Vec<RemedyName>,
    /// What would do harm, besides what does so for the whole category.
    pub dangerous: Vec<RemedyName>,
    /// Whether a user wrote it: then it wins over one that is as strong.
    pub own: bool,
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

/// Every entry that is known: the shipped ones, then the users'.
#[derive(Clone, Debug)]
pub struct Catalogue {
    entries: Vec<Arc<Entry>>,
    pages: BTreeMap<String, Page>,
}

impl Catalogue {
    /// What is part of the program.
    pub fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<Catalogue> = LazyLock::new(|| match Catalogue::read(&FILES) {
            Ok(read) => read,
            // Every test of triage reads them: a build with a broken one does not pass.
            Err(errors) => unreachable!("{}", told("shipped", &errors)),
        });
        &SHIPPED
    }

    /// The shipped files; all but the first inherit from it.
    fn read(files: &[&str]) -> Result<Self, Vec<CatalogueError>> {
        let mut entries: Vec<Arc<Entry>> = Vec::new();
        for file in files {
            let more = read::read(file, &entries, false)?;
            entries.extend(more.into_iter().map(Arc::new));
        }
        let pages = read::pages(PAGES)?;
        Ok(Self { entries, pages })
    }

    /// What is shipped and a user's files, each with its name.
    ///
    /// # Errors
    /// Everything that is wrong with them, one a line with its file and place; then none of them is
    /// taken.
    pub fn with(files: &[(String, String)]) -> Result<Self, String> {
        let mut whole = Self::shipped().clone();
        let mut wrong = Vec::new();
        for (name, text) in files {
            match read::read(text, &whole.entries, true) {
                Ok(more) => whole.entries.extend(more.into_iter().map(Arc::new)),
                Err(errors) => wrong.push(told(name, &errors)),
            }
        }
        if wrong.is_empty() {
            Ok(whole)
        } else {
            Err(wrong.join("\n"))
        }
    }

    /// Every entry.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(Arc::as_ref)
    }

    /// The strongest sign of any entry in a text; the longest, where several are.
    pub fn strongest(&self, text: &str) -> Option<Found<'_>> {
        let text = legible(text);
        let found = self.entries().filter_map(|entry| entry.find(&text));
        found.max_by(|a, b| {
            let strength = a.strength.total_cmp(&b.strength);
            strength.then(a.length.cmp(&b.length))
        })
    }

    /// The entry that speaks for a category: the first of it.
    pub fn entry_of(&self, category: Category) -> Option<&Entry> {
        self.entries().find(|entry| entry.category == category)
    }

    /// The entry of a name and a category; a user's one first.
    fn family(&self, category: Category, family: Option<&str>) -> Option<&Entry> {
        let family = family?;
        let mut newest = self.entries.iter().rev().map(Arc::as_ref);
        newest.find(|entry| entry.family.as_deref() == Some(family) && entry.category == category)
    }

    /// What may be recommended for a category: what its entries know, and what never does harm.
    pub fn allowed(&self, category: Category) -> Vec<RemedyName> {
        let harmless = match category {
            Category::NoFailure => vec![RemedyName::None, RemedyName::WaitAutoRetry],
            _ => vec![RemedyName::NotifyOwner, RemedyName::RunSetupTests],
        };
        let own = self.entries().filter(|entry| entry.category == category);
        let known = own.flat_map(|entry| entry.remedies.iter().chain(&entry.while_it_still_syncs));
        known.copied().chain(harmless).collect()
    }

    /// What a remedy would do to a failure of this kind; none where it does no harm. Whoever
    /// recommends or proposes anything asks here: the analyst, the admission of a model's answer, and
    /// what is proposed for an incident.
    pub fn harm(
        &self,
        category: Category,
        family: Option<&str>,
        remedy: RemedyName,
    ) -> Option<&'static str> {
        let added = || {
            let entry = self.family(category, family)?;
            let named = entry.dangerous.contains(&remedy);
            named.then_some("it does harm where this is the cause")
        };
        danger::harm(category, remedy).or_else(added)
    }

    /// Whether a remedy would do harm ([`Catalogue::harm`]).
    pub fn is_dangerous(
        &self,
        category: Category,
        family: Option<&str>,
        remedy: RemedyName,
    ) -> bool {
        self.harm(category, family, remedy).is_some()
    }

    /// The page that says more about a failure: the family's own, else that of the vendor whose side
    /// it is on, else the category's.
    pub fn page(
        &self,
        category: Category,
        family: Option<&str>,
        connector: &str,
        destination: &str,
    ) -> Option<&Page> {
        let service = match category {
            Category::BillingOrPlanLimit | Category::FivetranInternal | Category::NoFailure => "",
            Category::DestinationUnavailable
            | Category::DestinationPermission
            | Category::DestinationCapacity => destination,
            _ => connector,
        };
        let own = self.family(category, family);
        let own = own.and_then(|entry| entry.link.as_ref());
        let general = self.entry_of(category);
        let general = general.and_then(|entry| entry.link.as_ref());
        own.or_else(|| self.vendor(service)).or(general)
    }

    /// The vendor's page for a service, such as `postgres_rds`: that of the longest name that it
    /// begins with.
    fn vendor(&self, service: &str) -> Option<&Page> {
        let fits = |name: &&String| service.starts_with(name.as_str());
        let longest = self.pages.keys().filter(fits).max_by_key(|n| n.len())?;
        self.pages.get(longest)
    }
}

/// Errors of one file, one a line.
fn told(name: &str, errors: &[CatalogueError]) -> String {
    let lines: Vec<_> = errors.iter().map(|e| format!("{name}: {e}")).collect();
    lines.join("\n")
}

#[cfg(test)]
impl Catalogue {
    /// The shipped catalogue without one file each time, with the file's name.
    pub(super) fn without_each_file(&self) -> Vec<(&'static str, Self)> {
        const NAMES: [&str; 6] = [
            "databases",
            "network",
            "saas",
            "streams_and_files",
            "destinations",
            "code",
        ];
        let without = |(position, name): (usize, &'static str)| {
            let files = FILES.iter().enumerate();
            let left = files.filter(|(at, _)| *at != position + 1);
            let left: Vec<&str> = left.map(|(_, file)| *file).collect();
            (name, Self::read(&left).unwrap())
        };
        NAMES.into_iter().enumerate().map(without).collect()
    }

    /// The same without the entries of a family.
    pub(super) fn without_family(&self, family: &str) -> Self {
        let mut left = self.clone();
        left.entries
            .retain(|entry| entry.family.as_deref() != Some(family));
        left
    }
}

#[cfg(test)]
#[path = "catalogue/tests.rs"]
mod tests;
