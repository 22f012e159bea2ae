//! From the tree of nodes to the [`Document`]: the top of the file, people and approvals.
//!
//! Each function reads one table of [`super::keys::TABLES`]; the rules over connections are in
//! [`super::parse_rules`], what runs by itself in [`super::parse_automation`].

use std::collections::BTreeMap;
use std::time::Duration;

use super::document::{
    Approvals, Budgets, Digest, Document, Lineage, ModelLimits, Precedence, Retention, Tier,
    WhenUnchanged,
};
use super::people::Role;
use super::read::{At, Entry, Reader, Table, join};
use super::values;
use super::yaml::{Kind, Node};
use super::{parse_automation, parse_rules};
use crate::model::ActionKind;

/// The largest quorum, and the largest number of anything that is counted.
const MOST: u32 = 1_000;

/// The most patterns of redaction: each is run over every text that leaves.
const MOST_PATTERNS: usize = 50;

/// The most catalogue files: each of their signs is held against every line of a failure.
const MOST_CATALOGUES: usize = 20;

/// Reads the file; `None` only when an error was written down.
pub(super) fn document(reader: &mut Reader, node: &Node) -> Option<Document> {
    let root = Entry {
        node,
        path: String::new(),
    };
    let top = reader.table(&root, "")?;
    let r = reader;
    version(r, &top);
    let channels = parse_rules::channels(r, &top);
    let document = Document {
        timezone: field(r, &top, "timezone", values::zone).unwrap_or(chrono_tz::UTC),
        default_channel: "".into(),
        routes: Vec::new(),
        digest: top.get("digest").and_then(|e| digest(r, &e)),
        mode: field(r, &top, "mode", values::mode),
        roles: top.get("roles").map(|e| roles(r, &e)).unwrap_or_default(),
        direct: top.get("adhoc").and_then(|e| direct(r, &e, "adhoc")),
        poll_interval: field(r, &top, "poll_interval", values::duration)
            .unwrap_or(Duration::from_secs(60)),
        approvals: top
            .get("approvals")
            .map(|e| approvals(r, &e))
            .unwrap_or_default(),
        precedence: precedence(r, &top),
        tiers: top.get("tiers").map(|e| tiers(r, &e)).unwrap_or_default(),
        connections: parse_rules::connections(r, &top),
        destinations: parse_rules::destinations(r, &top),
        budgets: top
            .get("budgets")
            .map(|e| budgets(r, &e))
            .unwrap_or_default(),
        model: top.get("model").map(|e| model(r, &e)).unwrap_or_default(),
        calendars: texts(r, top.get("calendars")),
        catalogue: catalogue(r, top.get("catalogue")),
        lineage: top
            .get("lineage")
            .map(|e| lineage(r, &e))
            .unwrap_or_default(),
        automation: top
            .get("automation")
            .map(|e| parse_automation::automation(r, &e))
            .unwrap_or_default(),
        redaction: top
            .get("redaction")
            .map(|e| redaction(r, &e))
            .unwrap_or_default(),
        retention: top
            .get("retention")
            .map(|e| retention(r, &e))
            .unwrap_or_default(),
    };
    let (default_channel, routes) = channels?;
    Some(Document {
        default_channel,
        routes,
        ..document
    })
}

/// The value of a key, if the file has the key and the value is right.
pub(super) fn field<T>(
    r: &mut Reader,
    table: &Table<'_>,
    key: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    table.get(key).and_then(|entry| r.parsed(&entry, parse))
}

/// The same with its place.
fn placed<T>(
    r: &mut Reader,
    table: &Table<'_>,
    key: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<At<T>> {
    table.get(key).and_then(|entry| r.placed(&entry, parse))
}

/// The entry of a key that must be there.
pub(super) fn required<'a>(
    r: &mut Reader,
    table: &Table<'a>,
    key: &'static str,
    example: &str,
) -> Option<Entry<'a>> {
    let entry = table.get(key);
    if entry.is_none() {
        let path = join(&table.path, key);
        r.wrong(
            table.place,
            &path,
            format!("`{key}` is missing; write {example}"),
        );
    }
    entry
}

/// A number of people or things.
pub(super) fn count(text: &str) -> Result<u32, String> {
    values::count(text, MOST)
}

fn version(r: &mut Reader, top: &Table<'_>) {
    let Some(entry) = required(r, top, "version", "`version: 1` at the top") else {
        return;
    };
    r.parsed(&entry, |text| match text {
        "1" => Ok(()),
        other => Err(format!(
            "version {} of the policy file is not known here; write `version: 1`",
            super::errors::quoted(other)
        )),
    });
}

fn digest(r: &mut Reader, entry: &Entry<'_>) -> Option<Digest> {
    let table = r.table(entry, "digest")?;
    let at = required(r, &table, "at", "the time of day, such as `at: \"08:00\"`");
    let days = match table.get("days") {
        Some(entry) => not_empty(r, &entry, values::weekday),
        None => ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .iter()
            .filter_map(|day| values::weekday(day).ok())
            .collect(),
    };
    let words = [
        ("brief", WhenUnchanged::Brief),
        ("skip", WhenUnchanged::Skip),
    ];
    let unchanged = field(r, &table, "when_unchanged", |t| values::word(t, &words));
    Some(Digest {
        at: r.parsed(&at?, values::time)?,
        days,
        when_unchanged: unchanged.unwrap_or(WhenUnchanged::Brief),
    })
}

/// A list of parsed values that has at least one item.
pub(super) fn not_empty<T>(
    r: &mut Reader,
    entry: &Entry<'_>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Vec<T> {
    let mut any = false;
    let items = r.list(entry, |r, item| {
        any = true;
        r.parsed(item, &parse)
    });
    if !any && matches!(entry.node.kind, Kind::List(_)) {
        r.refuse(
            entry,
            "the list is empty; name at least one or remove the key",
        );
    }
    items
}

fn roles(r: &mut Reader, entry: &Entry<'_>) -> BTreeMap<Role, Vec<String>> {
    let mut out = BTreeMap::new();
    let Some(table) = r.table(entry, "roles") else {
        return out;
    };
    for role in Role::ALL {
        if let Some(entry) = table.get(role.as_str()) {
            out.insert(role, not_empty(r, &entry, values::person_or_everyone));
        }
    }
    out
}

fn direct(r: &mut Reader, entry: &Entry<'_>, shape: &str) -> Option<Vec<ActionKind>> {
    let table = r.table(entry, shape)?;
    let entry = table.get("direct")?;
    Some(r.list(&entry, |r, item| {
        let kind = r.parsed(item, values::action)?;
        if kind.always_asks() {
            r.refuse(
                item,
                format!("`{kind}` always asks a second person; remove it"),
            );
            return None;
        }
        Some(kind)
    }))
}

fn approvals(r: &mut Reader, entry: &Entry<'_>) -> Approvals {
    let Some(table) = r.table(entry, "approvals") else {
        return Approvals::default();
    };
    Approvals {
        quorum: placed(r, &table, "quorum", count),
        by_action: table
            .get("by_action")
            .map(|e| by_action(r, &e))
            .unwrap_or_default(),
        self_approval: field(r, &table, "self_approval", values::flag),
        expires_after: placed(r, &table, "expires_after", values::duration),
        remind_after: placed(r, &table, "remind_after", values::duration),
        escalate_after: placed(r, &table, "escalate_after", values::duration),
        escalate_to: table.get("escalate_to").map(|e| At {
            value: not_empty(r, &e, values::person),
            place: e.node.place,
        }),
    }
}

fn by_action(r: &mut Reader, entry: &Entry<'_>) -> BTreeMap<ActionKind, At<u32>> {
    let mut out = BTreeMap::new();
    for (word, place, node) in r.names(entry).unwrap_or_default() {
        let path = join(&entry.path, word);
        let kind = match values::action(word) {
            Ok(kind) => kind,
            Err(message) => {
                r.wrong(place, &path, message);
                continue;
            }
        };
        if let Some(quorum) = r.placed(&Entry { node, path }, count) {
            out.insert(kind, quorum);
        }
    }
    out
}

fn tiers(r: &mut Reader, entry: &Entry<'_>) -> BTreeMap<String, Tier> {
    let mut out = BTreeMap::new();
    for (name, _, node) in r.names(entry).unwrap_or_default() {
        let path = join(&entry.path, name);
        let entry = Entry { node, path };
        let mut tier = Tier::default();
        if let Some(table) = r.table(&entry, "tiers.*") {
            let approvals = table.get("approvals");
            if let Some(t) = approvals.and_then(|e| r.table(&e, "tiers.*.approvals")) {
                tier.quorum = placed(r, &t, "quorum", count);
                tier.self_approval = field(r, &t, "self_approval", values::flag);
            }
            tier.direct = table
                .get("adhoc")
                .and_then(|e| direct(r, &e, "tiers.*.adhoc"));
        }
        out.insert(name.to_owned(), tier);
    }
    out
}

fn precedence(r: &mut Reader, top: &Table<'_>) -> Vec<Precedence> {
    const WORDS: [(&str, Precedence); 3] = [
        ("freshness", Precedence::Freshness),
        ("source_protection", Precedence::SourceProtection),
        ("cost", Precedence::Cost),
    ];
    let Some(entry) = top.get("precedence") else {
        return WORDS.map(|(_, goal)| goal).to_vec();
    };
    let goals = not_empty(r, &entry, |text| values::word(text, &WORDS));
    let mut distinct = goals.clone();
    distinct.sort_by_key(|goal| WORDS.iter().position(|(_, g)| g == goal));
    distinct.dedup();
    if distinct.len() < goals.len() {
        r.refuse(&entry, "a goal stands twice; rank each once");
    }
    goals
}

fn budgets(r: &mut Reader, entry: &Entry<'_>) -> Budgets {
    let Some(table) = r.table(entry, "budgets") else {
        return Budgets::default();
    };
    Budgets {
        monthly_mar: field(r, &table, "monthly_mar", values::rows),
        monthly_amount: field(r, &table, "monthly_amount", values::amount),
        alert_at: field(r, &table, "alert_at", values::share),
    }
}

fn model(r: &mut Reader, entry: &Entry<'_>) -> ModelLimits {
    let Some(table) = r.table(entry, "model") else {
        return ModelLimits::default();
    };
    let limits = ModelLimits {
        requests: field(r, &table, "requests_per_day", values::rows),
        tokens: field(r, &table, "tokens_per_day", values::rows),
        amount: field(r, &table, "amount_per_day", values::amount),
        price: field(r, &table, "amount_per_million_tokens", values::amount),
    };
    if limits.amount.is_some() != limits.price.is_some() {
        let both = "`amount_per_day` and `amount_per_million_tokens` say something only together";
        r.refuse(entry, both.to_owned());
    }
    limits
}

/// The text as it is.
pub(super) fn text(value: &str) -> Result<String, String> {
    Ok(value.to_owned())
}

fn texts(r: &mut Reader, entry: Option<Entry<'_>>) -> Vec<String> {
    entry
        .map(|e| r.list(&e, |r, item| r.parsed(item, text)))
        .unwrap_or_default()
}

fn catalogue(r: &mut Reader, entry: Option<Entry<'_>>) -> Vec<String> {
    if let Some(entry) = &entry
        && matches!(&entry.node.kind, Kind::List(items) if items.len() > MOST_CATALOGUES)
    {
        let message = format!("more than {MOST_CATALOGUES} files; merge some");
        r.refuse(entry, message);
        return Vec::new();
    }
    texts(r, entry)
}

fn lineage(r: &mut Reader, entry: &Entry<'_>) -> Lineage {
    let Some(table) = r.table(entry, "lineage") else {
        return Lineage::default();
    };
    Lineage {
        dbt_manifest: field(r, &table, "dbt_manifest", text),
        exposures: field(r, &table, "exposures", text),
    }
}

fn redaction(r: &mut Reader, entry: &Entry<'_>) -> Vec<String> {
    let Some(table) = r.table(entry, "redaction") else {
        return Vec::new();
    };
    let Some(entry) = table.get("extra_patterns") else {
        return Vec::new();
    };
    if matches!(&entry.node.kind, Kind::List(items) if items.len() > MOST_PATTERNS) {
        let message =
            format!("more than {MOST_PATTERNS} patterns would slow every message; merge some");
        r.refuse(&entry, message);
        return Vec::new();
    }
    r.list(&entry, |r, item| r.parsed(item, values::regex))
}

fn retention(r: &mut Reader, entry: &Entry<'_>) -> Retention {
    let Some(table) = r.table(entry, "retention") else {
        return Retention::default();
    };
    Retention {
        evidence: field(r, &table, "evidence", values::duration),
        prompts: field(r, &table, "prompts", values::duration),
    }
}
