//! Reads what may run by itself.

use std::collections::BTreeMap;

use super::document::{Automation, AutomationRule, Breaker, Confidence};
use super::parse::{count, field, not_empty, required, text};
use super::read::{Entry, Reader};
use super::values;
use crate::model::ActionKind;

/// The categories of causes (`eval/README.md`).
const CATEGORIES: [&str; 18] = [
    "credential_expired",
    "permission_denied",
    "network_unreachable",
    "certificate_or_fingerprint",
    "source_rate_limited",
    "source_unavailable",
    "source_timeout",
    "schema_change",
    "replication_log_lost",
    "config_error",
    "malformed_data",
    "destination_unavailable",
    "destination_permission",
    "destination_capacity",
    "resource_exhausted",
    "billing_or_plan_limit",
    "fivetran_internal",
    "no_failure",
];

/// `automation`.
pub(super) fn automation(r: &mut Reader, entry: &Entry<'_>) -> Automation {
    let Some(table) = r.table(entry, "automation") else {
        return Automation::default();
    };
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut rules = Vec::new();
    if let Some(entry) = table.get("rules") {
        rules = r.list(&entry, |r, item| {
            let rule = automation_rule(r, item)?;
            if let Some(line) = names.insert(rule.name.clone(), item.node.place.line) {
                let message = format!("the rule on line {line} has this name too; choose another");
                r.refuse(item, message);
            }
            Some(rule)
        });
    }
    let breaker = table.get("breaker").and_then(|e| breaker(r, &e));
    Automation { rules, breaker }
}

fn automation_rule(r: &mut Reader, entry: &Entry<'_>) -> Option<AutomationRule> {
    let table = r.table(entry, "automation.rules[]")?;
    let name = required(r, &table, "name", "a name for the audit log");
    let when = required(r, &table, "when", "the conditions, `when: {category: […]}`");
    let action = required(r, &table, "do", "the action, such as `do: sync_now`");
    let when = when.and_then(|e| r.table(&e, "automation.rules[].when"));
    let mut rule = AutomationRule {
        name: String::new(),
        category: Vec::new(),
        tier: Vec::new(),
        min_confidence: Confidence::Confirmed,
        action: ActionKind::SyncNow,
        max_per_day: field(r, &table, "max_per_day", count),
    };
    if let Some(when) = when {
        let words = CATEGORIES.map(|c| (c, c));
        if let Some(entry) = when.get("category") {
            rule.category = not_empty(r, &entry, |text| values::word(text, &words));
        }
        if let Some(entry) = when.get("tier") {
            rule.tier = r.list(&entry, Reader::tier);
            if rule.tier.is_empty() {
                r.refuse(&entry, "name at least one tier or remove the key");
            }
        }
        let words = [
            ("inconclusive", Confidence::Inconclusive),
            ("likely", Confidence::Likely),
            ("confirmed", Confidence::Confirmed),
        ];
        let least = field(r, &when, "min_confidence", |t| values::word(t, &words));
        rule.min_confidence = least.unwrap_or(rule.min_confidence);
    }
    let action = action.and_then(|e| {
        let kind = r.parsed(&e, values::action)?;
        let never = matches!(kind, ActionKind::HistoricalResync | ActionKind::SyncForce);
        if never {
            r.refuse(
                &e,
                format!("`{kind}` never runs without a person; choose another action"),
            );
        }
        (!never).then_some(kind)
    });
    rule.name = name.and_then(|e| r.parsed(&e, text))?;
    rule.action = action?;
    Some(rule)
}

fn breaker(r: &mut Reader, entry: &Entry<'_>) -> Option<Breaker> {
    let table = r.table(entry, "automation.breaker")?;
    let failures = required(r, &table, "failures", "how many, such as `failures: 3`");
    let failures = failures.and_then(|e| r.parsed(&e, count));
    let window = required(r, &table, "window", "a duration, such as `window: 1h`");
    let window = window.and_then(|e| r.parsed(&e, values::duration));
    let cooldown = required(r, &table, "cooldown", "a duration, such as `cooldown: 6h`");
    let cooldown = cooldown.and_then(|e| r.parsed(&e, values::duration));
    Some(Breaker {
        failures: failures?,
        window: window?,
        cooldown: cooldown?,
    })
}
