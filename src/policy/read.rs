//! Reads nodes as the values of the policy and remembers everything that is wrong.
//!
//! No method stops at an error: it is written down and the reading goes on with `None`, so that
//! one run tells all of them.

use std::collections::BTreeMap;

use super::errors::{Place, PolicyError, listed, quoted, suggestion};
use super::keys;
use super::yaml::{Kind, Node};

/// A value with the place where the file says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// A node with its key path.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    pub(super) node: &'a Node,
    pub(super) path: String,
}

/// A table of known keys.
pub(super) struct Table<'a> {
    entries: BTreeMap<&'a str, &'a Node>,
    /// Whether every key was known and given once.
    pub(super) sound: bool,
    pub(super) path: String,
    pub(super) place: Place,
}

impl<'a> Table<'a> {
    /// The value of a key, if the file has it.
    pub(super) fn get(&self, key: &'static str) -> Option<Entry<'a>> {
        let node = self.entries.get(key)?;
        Some(Entry {
            node,
            path: join(&self.path, key),
        })
    }
}

/// `path.key`, or `key` alone at the top.
pub(super) fn join(path: &str, key: &str) -> String {
    // A key of the file's own choosing may be anything; keep the path on one short line.
    let key = quoted(key);
    let key = key.trim_matches('`');
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// Collects errors while values are read.
#[derive(Default)]
pub(super) struct Reader {
    errors: Vec<PolicyError>,
    /// The tiers that rules name, with their paths, to be held against `tiers` at the end.
    pub(super) tiers_used: Vec<(At<String>, String)>,
}

impl Reader {
    pub(super) fn errors(self) -> Vec<PolicyError> {
        self.errors
    }

    /// Writes an error down.
    pub(super) fn wrong(&mut self, place: Place, path: &str, message: impl Into<String>) {
        self.errors.push(PolicyError {
            line: place.line,
            column: place.column,
            path: path.to_owned(),
            message: message.into(),
        });
    }

    /// Whether an error was written down at or below this key of the top.
    pub(super) fn is_wrong(&self, key: &str) -> bool {
        let top = |path: &str| path.split(['.', '[']).next() == Some(key);
        self.errors.iter().any(|error| top(&error.path))
    }

    /// Writes an error at an entry down.
    pub(super) fn refuse(&mut self, entry: &Entry<'_>, message: impl Into<String>) {
        self.wrong(entry.node.place, &entry.path, message);
    }

    /// A table whose keys are those of `shape`, a path of [`keys::TABLES`].
    pub(super) fn table<'a>(&mut self, entry: &Entry<'a>, shape: &str) -> Option<Table<'a>> {
        let known = keys::of(shape);
        let errors_before = self.errors.len();
        let named = self.names(entry)?;
        let mut entries = BTreeMap::new();
        for (key, place, node) in named {
            if known.contains(&key) {
                entries.insert(key, node);
                continue;
            }
            let mut hint = suggestion(key, known.iter().copied());
            if hint.is_empty() {
                hint = match keys::home_of(key) {
                    Some("") => "; it stands at the top of the file".to_owned(),
                    Some(home) => format!("; it stands under `{home}`"),
                    None => format!("; the keys here are {}", listed(known.iter().copied())),
                };
            }
            let message = format!("{} is no key here{hint}", quoted(key));
            self.wrong(place, &join(&entry.path, key), message);
        }
        Some(Table {
            entries,
            sound: self.errors.len() == errors_before,
            path: entry.path.clone(),
            place: entry.node.place,
        })
    }

    /// A table whose keys are names that the file chooses, each given once.
    pub(super) fn names<'a>(
        &mut self,
        entry: &Entry<'a>,
    ) -> Option<Vec<(&'a str, Place, &'a Node)>> {
        let Kind::Map(entries) = &entry.node.kind else {
            let kind = entry.node.kind.name();
            self.refuse(
                entry,
                format!("here stands a table of keys (`{{}}` if it is empty), not {kind}"),
            );
            return None;
        };
        let mut first: BTreeMap<&str, Place> = BTreeMap::new();
        let mut out = Vec::new();
        for (key, node) in entries {
            if let Some(before) = first.get(key.text.as_str()) {
                let message = format!(
                    "{} is given twice, first on line {}; keep one",
                    quoted(&key.text),
                    before.line
                );
                self.wrong(key.place, &join(&entry.path, &key.text), message);
                continue;
            }
            first.insert(&key.text, key.place);
            out.push((key.text.as_str(), key.place, node));
        }
        Some(out)
    }

    /// The items of a list, each read by `item`; those that are wrong are left out.
    pub(super) fn list<'a, T>(
        &mut self,
        entry: &Entry<'a>,
        mut item: impl FnMut(&mut Self, &Entry<'a>) -> Option<T>,
    ) -> Vec<T> {
        let Kind::List(nodes) = &entry.node.kind else {
            let kind = entry.node.kind.name();
            self.refuse(entry, format!("here stands a list, `[…]`, not {kind}"));
            return Vec::new();
        };
        let mut out = Vec::new();
        for (n, node) in nodes.iter().enumerate() {
            let entry = Entry {
                node,
                path: format!("{}[{n}]", entry.path),
            };
            out.extend(item(self, &entry));
        }
        out
    }

    /// The text of a scalar that is not empty.
    pub(super) fn text<'a>(&mut self, entry: &Entry<'a>) -> Option<&'a str> {
        match &entry.node.kind {
            Kind::Scalar(text) if text.trim().is_empty() => {
                self.refuse(entry, "the text is empty; give a value or remove the key");
                None
            }
            Kind::Scalar(text) => Some(text),
            Kind::Null => {
                self.refuse(entry, "nothing is given; give a value or remove the key");
                None
            }
            kind @ (Kind::List(_) | Kind::Map(_)) => {
                let kind = kind.name();
                self.refuse(entry, format!("here stands a single value, not {kind}"));
                None
            }
        }
    }

    /// A value that `parse` makes of the scalar's text; its error text is the message.
    pub(super) fn parsed<T>(
        &mut self,
        entry: &Entry<'_>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(self.text(entry)?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.refuse(entry, message);
                None
            }
        }
    }

    /// The same, with its place.
    pub(super) fn placed<T>(
        &mut self,
        entry: &Entry<'_>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<At<T>> {
        let value = self.parsed(entry, parse)?;
        let place = entry.node.place;
        Some(At { value, place })
    }

    /// The name of a tier.
    pub(super) fn tier(&mut self, entry: &Entry<'_>) -> Option<String> {
        let tier = self.placed(entry, |text| Ok(text.to_owned()))?;
        let name = tier.value.clone();
        self.tiers_used.push((tier, entry.path.clone()));
        Some(name)
    }
}
