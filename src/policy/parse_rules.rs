//! Reads the parts of the file that are rules over connections: routes, connections, destinations.

use super::document::{Destination, DestinationLimits, Route, Rule, Source};
use super::errors::Place;
use super::globs::{Match, Pattern};
use super::parse::{count, field, not_empty, required};
use super::read::{Entry, Reader, Table};
use super::values;
use super::yaml::Kind;
use crate::model::ChannelId;

/// The most rules of one list: each connection is held against them in turn.
const MOST_RULES: usize = 2_000;

/// `channels`; `None` only when an error was written down.
pub(super) fn channels(r: &mut Reader, top: &Table<'_>) -> Option<(ChannelId, Vec<Route>)> {
    let entry = required(r, top, "channels", "`channels: {default: C…}`")?;
    let table = r.table(&entry, "channels")?;
    let default = required(
        r,
        &table,
        "default",
        "the id of the channel for all that no route names",
    );
    let default = default.and_then(|e| r.parsed(&e, values::channel));
    let routes = rules(r, &table, "routes", |r, entry| {
        let table = r.table(entry, "channels.routes[]")?;
        let matcher = matcher(r, &table, "channels.routes[].match");
        let channel = required(r, &table, "channel", "the channel's id, `channel: C…`");
        let channel = channel.and_then(|e| r.parsed(&e, values::channel));
        let matcher = matcher?;
        Some((
            matcher.clone(),
            channel.map(|channel| Route { matcher, channel }),
        ))
    });
    Some((default?, routes))
}

/// `connections`.
pub(super) fn connections(r: &mut Reader, top: &Table<'_>) -> Vec<Rule> {
    rules(r, top, "connections", |r, entry| {
        let table = r.table(entry, "connections[]")?;
        let matcher = matcher(r, &table, "connections[].match");
        let mut rule = Rule {
            line: entry.node.place.line,
            matcher: Match::default(),
            tier: table.get("tier").and_then(|e| r.tier(&e)),
            owner: field(r, &table, "owner", values::person),
            max_age: None,
            fresh_by: Vec::new(),
            source: table.get("source").and_then(|e| source(r, &e)),
            max_pause: field(r, &table, "max_pause", values::duration),
            mode: field(r, &table, "mode", values::mode),
        };
        if let Some(sla) = table
            .get("sla")
            .and_then(|e| r.table(&e, "connections[].sla"))
        {
            rule.max_age = field(r, &sla, "max_age", values::duration);
            if let Some(entry) = sla.get("fresh_by") {
                rule.fresh_by = not_empty(r, &entry, values::time);
            }
        }
        rule.matcher = matcher?;
        Some((rule.matcher.clone(), Some(rule)))
    })
}

/// `destinations`.
pub(super) fn destinations(r: &mut Reader, top: &Table<'_>) -> Vec<Destination> {
    rules(r, top, "destinations", |r, entry| {
        let table = r.table(entry, "destinations[]")?;
        let matcher = matcher(r, &table, "destinations[].match");
        let limits = DestinationLimits {
            peak: windows(r, &table, "peak"),
            max_parallel: field(r, &table, "max_parallel", count),
        };
        let matcher = matcher?;
        let group = matcher.group.clone();
        Some((matcher, Some(Destination { group, limits })))
    })
}

fn source(r: &mut Reader, entry: &Entry<'_>) -> Option<Source> {
    let table = r.table(entry, "connections[].source")?;
    let name = required(r, &table, "name", "the source's name, `name: orders-db`");
    let max_parallel = field(r, &table, "max_parallel", count);
    let avoid = windows(r, &table, "avoid");
    Some(Source {
        name: name.and_then(|e| r.parsed(&e, |t| Ok(t.to_owned())))?,
        max_parallel,
        avoid,
    })
}

fn windows(r: &mut Reader, table: &Table<'_>, key: &'static str) -> Vec<values::Window> {
    let entry = table.get(key);
    entry
        .map(|e| not_empty(r, &e, values::window))
        .unwrap_or_default()
}

/// The `match` of a rule, whose keys are those of `shape`.
fn matcher(r: &mut Reader, rule: &Table<'_>, shape: &str) -> Option<Match> {
    let example = "what it is about, `match: {schema: \"sales*\"}` (`{}` is everything)";
    let entry = required(r, rule, "match", example)?;
    let table = r.table(&entry, shape)?;
    // A condition that cannot be read must not make the rule wider: it is left out then.
    let mut whole = table.sound;
    let mut glob = |key: &'static str| {
        let entry = table.get(key)?;
        let glob = r.parsed(&entry, Pattern::parse);
        whole &= glob.is_some();
        glob
    };
    let matcher = Match {
        id: glob("id"),
        schema: glob("schema"),
        service: glob("service"),
        group: glob("group"),
    };
    whole.then_some(matcher)
}

/// A list of rules of which the first match wins, so that one behind a wider one is a mistake.
///
/// `read` returns what the rule matches, and the rule unless something else in it is wrong.
fn rules<'a, T>(
    r: &mut Reader,
    table: &Table<'a>,
    key: &'static str,
    mut read: impl FnMut(&mut Reader, &Entry<'a>) -> Option<(Match, Option<T>)>,
) -> Vec<T> {
    let Some(entry) = table.get(key) else {
        return Vec::new();
    };
    if matches!(&entry.node.kind, Kind::List(items) if items.len() > MOST_RULES) {
        r.refuse(
            &entry,
            format!("there are more than {MOST_RULES} rules; use globs"),
        );
        return Vec::new();
    }
    let mut before: Vec<(Match, Place)> = Vec::new();
    r.list(&entry, |r, item| {
        let (matcher, rule) = read(r, item)?;
        if let Some((_, place)) = before.iter().find(|(wide, _)| wide.covers(&matcher)) {
            let message = format!(
                "this rule is never reached: the one on line {} matches all that it matches, and the first match wins; move it up or remove it",
                place.line
            );
            r.refuse(item, message);
        } else {
            // What a hidden rule would hide, the rule that hides it hides too.
            before.push((matcher, item.node.place));
        }
        rule
    })
}
