//! Files that are wrong: every mistake is told at once, with its place and what to do.

use insta::assert_snapshot;

use super::wrong;
use crate::policy::Policy;

#[test]
fn mistakes_of_every_kind_are_told_together() {
    let text = r#"
timezone: Europe/Berlim
mode: autopilot
aprovals: {quorum: 1}
roles:
  operator: []
  approver: [U0LEAD, "Bob Smith"]
  boss: [U0LEAD]
approvals:
  quorum: 0
  remind_after: 5h
  escalate_to: [everyone]
  by_action: {sync_nwo: 2, reload_schema: 2}
adhoc: {direct: [pause, sync_now]}
digest: {at: "25:00", days: [monday]}
poll_interval: soon
budgets: {monthly_mar: -5, alert_at: 1.5}
redaction: {extra_patterns: ["[0-9", "x*"]}
retention: {evidence: 0s}
"#;
    assert_snapshot!(wrong(text), @r#"
    line 4, column 11 (timezone): `Europe/Berlim` is no time zone; did you mean `Europe/Berlin`?
    line 5, column 7 (mode): `autopilot` is not known here; write one of `shadow`, `copilot`, `auto`
    line 6, column 1 (aprovals): `aprovals` is no key here; did you mean `approvals`?
    line 8, column 13 (roles.operator): the list is empty; name at least one or remove the key
    line 9, column 22 (roles.approver[1]): `Bob Smith` names nobody; write a Slack user id (`U…`), a user-group id (`S…`) or a user-group handle (`@data-eng`)
    line 10, column 3 (roles.boss): `boss` is no key here; the keys here are `viewer`, `operator`, `approver`, `admin`
    line 12, column 11 (approvals.quorum): `0` does not go here; write a whole number from 1 to 1000
    line 13, column 17 (approvals.remind_after): a proposal expires after 4h (`expires_after`), before this; make it shorter, or the expiry longer
    line 14, column 16 (approvals.escalate_to): it is not said when; add `escalate_after: 2h` or remove this
    line 14, column 17 (approvals.escalate_to[0]): `everyone` is no one to be told; name users or user groups
    line 15, column 15 (approvals.by_action.sync_nwo): `sync_nwo` is no action; did you mean `sync_now`?
    line 15, column 28 (approvals.by_action.reload_schema): `reload_schema` is an action that this version does not do yet; remove it until it does
    line 16, column 18 (adhoc.direct[0]): `pause` always asks a second person; remove it
    line 17, column 14 (digest.at): `25:00` is no time of day; write it as "06:00", from "00:00" to "23:59"
    line 17, column 30 (digest.days[0]): `monday` is not known here; write one of `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`
    line 18, column 16 (poll_interval): `soon` is no duration; write a number and a unit, such as 90s, 15m, 4h or 90d
    line 19, column 24 (budgets.monthly_mar): `-5` is no number of rows; write a whole number above 0, such as 50000000
    line 19, column 38 (budgets.alert_at): `1.5` is no share; write a number above 0 and up to 1, such as 0.8
    line 20, column 30 (redaction.extra_patterns[0]): `[0-9` is no regular expression: unclosed character class
    line 20, column 38 (redaction.extra_patterns[1]): `x*` matches the empty text and would redact everything; make it match at least one character
    line 21, column 23 (retention.evidence): `0s` is too short: it must be at least 1s
    "#);
}

#[test]
fn rules_that_cannot_work_are_told() {
    let text = r#"
tiers:
  critcal: {}
connections:
  - match: {schema: "sales*"}
    tier: critical
  - match: {schema: "salesforce_*", service: salesforce}
  - match: {schema: "db[1"}
    tier: gold
  - match: {name: x}
    source: {max_parallel: 0, avoid: ["09:00-09:00", "9-18"]}
  - match: {}
  - match: {service: github}
    max_pause: 1 fortnight
  - tier: low
destinations:
  - match: {schema: x}
"#;
    assert_snapshot!(wrong(text), @r#"
    line 8, column 11 (connections[0].tier): `critical` is not under `tiers`; did you mean `critcal`?
    line 9, column 5 (connections[1]): this rule is never reached: the one on line 7 matches all that it matches, and the first match wins; move it up or remove it
    line 10, column 21 (connections[2].match.schema): `db[1` is no glob: unclosed character class; missing ']'; `*` is any text, `?` one character, `[ab]` one of these, `{a,b}` either
    line 11, column 11 (connections[2].tier): `gold` is not under `tiers`; add it there
    line 12, column 13 (connections[3].match.name): `name` is no key here; the keys here are `id`, `schema`, `service`, `group`
    line 13, column 13 (connections[3].source.name): `name` is missing; write the source's name, `name: orders-db`
    line 13, column 28 (connections[3].source.max_parallel): `0` does not go here; write a whole number from 1 to 1000
    line 13, column 39 (connections[3].source.avoid[0]): `09:00-09:00` is empty: it ends when it begins; write "00:00-24:00" for the whole day
    line 13, column 54 (connections[3].source.avoid[1]): `9-18` is no window; write it as "09:00-18:00" ("22:00-06:00" goes over midnight)
    line 15, column 5 (connections[5]): this rule is never reached: the one on line 14 matches all that it matches, and the first match wins; move it up or remove it
    line 16, column 16 (connections[5].max_pause): `1 fortnight` is no duration; write a number and a unit, such as 90s, 15m, 4h or 90d
    line 17, column 5 (connections[6].match): `match` is missing; write what it is about, `match: {schema: "sales*"}` (`{}` is everything)
    line 17, column 11 (connections[6].tier): `low` is not under `tiers`; add it there
    line 19, column 13 (destinations[0].match.schema): `schema` is no key here; the keys here are `group`
    "#);
}

#[test]
fn duplicates_and_wrong_shapes_are_told() {
    let text = r#"
mode: shadow
mode: copilot
roles: [U0LEAD]
approvals:
adhoc: {direct: sync_now}
calendars: [[a]]
automation:
  rules:
    - {name: a, when: {category: [source_timeot], tier: []}, do: historical_resync}
    - {name: b, when: {}, do: sync_now}
    - {name: b, when: {}, do: sync_now, max_per_day: 0}
    - {do: sync_now}
  breaker: {failures: 3}
"#;
    assert_snapshot!(wrong(text), @r#"
    line 5, column 1 (mode): `mode` is given twice, first on line 4; keep one
    line 6, column 8 (roles): here stands a table of keys (`{}` if it is empty), not a list
    line 7, column 10 (approvals): here stands a table of keys (`{}` if it is empty), not nothing
    line 8, column 17 (adhoc.direct): here stands a list, `[…]`, not a single value
    line 9, column 13 (calendars[0]): here stands a single value, not a list
    line 12, column 35 (automation.rules[0].when.category[0]): `source_timeot` is not known here; did you mean `source_timeout`?
    line 12, column 57 (automation.rules[0].when.tier): name at least one tier or remove the key
    line 12, column 66 (automation.rules[0].do): `historical_resync` never runs without a person; choose another action
    line 14, column 7 (automation.rules[2]): the rule on line 13 has this name too; choose another
    line 14, column 54 (automation.rules[2].max_per_day): `0` does not go here; write a whole number from 1 to 1000
    line 15, column 7 (automation.rules[3].name): `name` is missing; write a name for the audit log
    line 15, column 7 (automation.rules[3].when): `when` is missing; write the conditions, `when: {category: […]}`
    line 16, column 12 (automation.breaker.cooldown): `cooldown` is missing; write a duration, such as `cooldown: 6h`
    line 16, column 12 (automation.breaker.window): `window` is missing; write a duration, such as `window: 1h`
    "#);
}

#[test]
fn what_is_missing_is_told() {
    let errors = Policy::parse("mode: shadow\n").unwrap_err();
    assert_snapshot!(errors, @r#"
    line 1, column 1 (channels): `channels` is missing; write `channels: {default: C…}`
    line 1, column 1 (version): `version` is missing; write `version: 1` at the top
    "#);
    let errors = Policy::parse("version: 2\nchannels: {default: \"#data\"}\n").unwrap_err();
    assert_snapshot!(errors, @r#"
    line 1, column 10 (version): version `2` of the policy file is not known here; write `version: 1`
    line 2, column 21 (channels.default): `#data` is no channel id; write the id (`C…`) that Slack shows at the end of the channel's details
    "#);
}

#[test]
fn a_file_that_is_no_yaml_has_one_error_with_its_line() {
    assert_snapshot!(Policy::parse("version: 1\nroles: [a, b\nmode: x\n").unwrap_err(), @"line 3, column 5: not readable as YAML: illegal placement of ':' indicator");
    assert_snapshot!(Policy::parse("").unwrap_err(), @"line 1, column 1: here stands a table of keys (`{}` if it is empty), not nothing");
    assert_snapshot!(Policy::parse("version: 1\n---\nversion: 1\n").unwrap_err(), @"line 2, column 1: not readable as YAML: budget breached: Documents { documents: 2 }; a policy is one document, at most 16 levels deep and 60000 values long");
    assert_snapshot!(Policy::parse("version: *nothing\n").unwrap_err(), @"line 1, column 10: not readable as YAML: alias references unknown anchor");
}

#[test]
fn a_quorum_that_nobody_can_reach_is_told() {
    let text = r#"
roles: {approver: [U0A, U0B, U0A]}
approvals: {quorum: 2, by_action: {historical_resync: 3}}
tiers: {critical: {approvals: {quorum: 4}}}
"#;
    assert_snapshot!(wrong(text), @r#"
    line 5, column 55 (approvals.by_action.historical_resync): a quorum of 3 can never be met: `roles.approver` names 2 people; name more or ask fewer
    line 6, column 40 (tiers.critical.approvals.quorum): a quorum of 4 can never be met: `roles.approver` names 2 people; name more or ask fewer
    "#);
    assert_snapshot!(wrong("approvals: {quorum: 1}"), @"line 3, column 21 (approvals.quorum): a quorum of 1 can never be met: `roles.approver` names nobody; name more or ask fewer");
}
