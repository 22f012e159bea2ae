//! Tests of the policy as a whole.

mod broken;
mod hostile;
mod lookups;
mod matrix;
mod rights;

use std::collections::{BTreeMap, BTreeSet};

use super::yaml::{self, Kind, Node};
use super::*;
use crate::model::UserId;

pub(super) const EXAMPLE: &str = include_str!("../../../policy.example.yml");

/// A policy of these lines after the two that every file needs.
pub(super) fn policy(text: &str) -> Policy {
    let text = format!("version: 1\nchannels: {{default: C0OPS}}\n{text}");
    Policy::parse(&text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// What is wrong with such a file; its lines count from 3.
pub(super) fn wrong(text: &str) -> String {
    let text = format!("version: 1\nchannels: {{default: C0OPS}}\n{text}");
    Policy::parse(&text).unwrap_err().to_string()
}

pub(super) fn subject(schema: &str) -> Subject {
    Subject {
        id: ConnectionId::new(format!("id_of_{schema}")),
        schema: schema.to_owned(),
        service: "postgres".to_owned(),
        group_id: GroupId::new("group_1"),
        group_name: "finance_warehouse".to_owned(),
    }
}

pub(super) fn member(user: &str, groups: &[&str]) -> Member {
    Member {
        user: UserId::new(user),
        standing: Standing::Full,
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
    }
}

#[test]
fn the_example_is_valid() {
    let policy = Policy::parse(EXAMPLE).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(policy.timezone(), chrono_tz::Europe::Berlin);
    assert_eq!(policy.hash().len(), 64);
}

#[test]
fn every_key_that_the_parser_knows_stands_in_the_example() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    collect(&yaml::parse(EXAMPLE).unwrap(), String::new(), &mut found);
    // A match has the same keys wherever it stands; between them the rules show all of them.
    let shown: BTreeSet<String> = found
        .iter()
        .filter(|(path, _)| path.ends_with(".match"))
        .flat_map(|(_, keys)| keys.clone())
        .collect();
    for (table, keys) in keys::TABLES {
        let here = if table.ends_with(".match") {
            &shown
        } else {
            found.get(*table).unwrap_or_else(|| panic!("no {table}"))
        };
        for key in *keys {
            assert!(
                here.contains(*key),
                "{table}.{key} is not in policy.example.yml"
            );
        }
    }
}

#[test]
fn every_key_of_the_example_has_a_comment_near() {
    // A comment stands above the key, or above one of the keys right before it.
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    for (n, line) in lines.iter().enumerate() {
        let is_key = !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let near = lines[n.saturating_sub(4)..=n]
            .iter()
            .any(|line| line.contains('#'));
        assert!(!is_key || near, "line {}: {line}", n + 1);
    }
}

/// The keys of each table by its path in [`keys::TABLES`].
fn collect(node: &Node, path: String, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match &node.kind {
        Kind::Null | Kind::Scalar(_) => {}
        Kind::List(items) => {
            for item in items {
                collect(item, format!("{path}[]"), found);
            }
        }
        Kind::Map(entries) => {
            for (key, value) in entries {
                found
                    .entry(path.clone())
                    .or_default()
                    .insert(key.text.clone());
                let free = path == "tiers";
                let key = if free { "*" } else { key.text.as_str() };
                let below = if path.is_empty() {
                    key.to_owned()
                } else {
                    format!("{path}.{key}")
                };
                collect(value, below, found);
            }
        }
    }
}
