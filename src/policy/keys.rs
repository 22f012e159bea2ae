//! Every key that a policy file may have.
//!
//! One list for the parser, which refuses all other keys, and for the test that holds
//! `policy.example.yml` to documenting each of them.

/// The tables of the file: the path of each, with `[]` for a list's items and `*` for a name that
/// the file chooses, and the keys that may stand in it.
pub(super) const TABLES: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "version",
            "timezone",
            "channels",
            "digest",
            "mode",
            "roles",
            "adhoc",
            "poll_interval",
            "approvals",
            "precedence",
            "tiers",
            "connections",
            "destinations",
            "budgets",
            "calendars",
            "catalogue",
            "lineage",
            "model",
            "automation",
            "redaction",
            "retention",
        ],
    ),
    ("channels", &["default", "routes"]),
    ("channels.routes[]", &["match", "channel"]),
    ("channels.routes[].match", MATCH),
    ("digest", &["at", "days", "when_unchanged"]),
    ("roles", &["viewer", "operator", "approver", "admin"]),
    ("adhoc", &["direct"]),
    (
        "approvals",
        &[
            "quorum",
            "by_action",
            "self_approval",
            "expires_after",
            "remind_after",
            "escalate_after",
            "escalate_to",
        ],
    ),
    ("tiers.*", &["approvals", "adhoc"]),
    ("tiers.*.approvals", &["quorum", "self_approval"]),
    ("tiers.*.adhoc", &["direct"]),
    (
        "connections[]",
        &[
            "match",
            "tier",
            "owner",
            "sla",
            "source",
            "max_pause",
            "mode",
        ],
    ),
    ("connections[].match", MATCH),
    ("connections[].sla", &["max_age", "fresh_by"]),
    ("connections[].source", &["name", "max_parallel", "avoid"]),
    ("destinations[]", &["match", "peak", "max_parallel"]),
    ("destinations[].match", &["group"]),
    ("budgets", &["monthly_mar", "monthly_amount", "alert_at"]),
    ("lineage", &["dbt_manifest", "exposures"]),
    (
        "model",
        &[
            "requests_per_day",
            "tokens_per_day",
            "amount_per_day",
            "amount_per_million_tokens",
        ],
    ),
    ("automation", &["rules", "breaker"]),
    ("automation.rules[]", &["name", "when", "do", "max_per_day"]),
    (
        "automation.rules[].when",
        &["category", "tier", "min_confidence"],
    ),
    ("automation.breaker", &["failures", "window", "cooldown"]),
    ("redaction", &["extra_patterns"]),
    ("retention", &["evidence", "prompts"]),
];

/// The keys of a `match` over connections.
const MATCH: &[&str] = &["id", "schema", "service", "group"];

/// The keys of the table at `path`, which is a path of [`TABLES`].
pub(super) fn of(path: &str) -> &'static [&'static str] {
    TABLES
        .iter()
        .find(|(table, _)| *table == path)
        .map_or(&[], |(_, keys)| keys)
}

/// The one other table where a key stands, to help a person who put it in the wrong one.
pub(super) fn home_of(key: &str) -> Option<&'static str> {
    let mut homes = TABLES.iter().filter(|(_, keys)| keys.contains(&key));
    match (homes.next(), homes.next()) {
        (Some((table, _)), None) => Some(table),
        _ => None,
    }
}
