//! What the policy answers about connections and channels.

use std::time::Duration;

use chrono::NaiveTime;

use super::{EXAMPLE, policy, subject};
use crate::model::{GroupId, Mode};
use crate::policy::*;

fn example() -> Policy {
    Policy::parse(EXAMPLE).unwrap()
}

fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3600)
}

#[test]
fn the_first_matching_rule_is_the_only_one() {
    let policy = policy(
        "mode: auto\nconnections:\n- {match: {schema: sales_eu}, tier: low}\n- {match: {schema: \"sales*\"}, tier: critical, max_pause: 1h, mode: copilot}",
    );
    let subject_eu = subject("sales_eu");
    let eu = policy.connection(&subject_eu);
    assert_eq!(
        (eu.tier(), eu.mode(), eu.max_pause()),
        ("low", Mode::Auto, None)
    );
    assert_eq!((eu.default_pause(), eu.line()), (hours(4), Some(5)));
    let us = policy.connection(&subject("sales_us"));
    assert_eq!((us.tier(), us.mode()), ("critical", Mode::Copilot));
    assert_eq!((us.default_pause(), us.line()), (hours(1), Some(6)));
    let other = policy.connection(&subject("github"));
    assert_eq!((other.tier(), other.line()), ("standard", None));
}

#[test]
fn a_policy_without_a_mode_is_shadow() {
    assert_eq!(policy("").connection(&subject("x")).mode(), Mode::Shadow);
}

#[test]
fn a_group_is_matched_by_id_or_name_and_all_conditions_must_hold() {
    let policy = policy(
        "connections:\n- {match: {group: finance_*, service: github}, tier: a}\n- {match: {group: group_1}, tier: b}",
    );
    assert_eq!(policy.connection(&subject("x")).tier(), "b");
    let github = Subject {
        service: "github".to_owned(),
        ..subject("x")
    };
    assert_eq!(policy.connection(&github).tier(), "a");
}

#[test]
fn the_example_means_what_it_says() {
    let policy = example();
    let crm = subject("salesforce_eu");
    let rule = policy.connection(&crm);
    assert_eq!(rule.owner(), Some("U0CRMOWNER"));
    assert_eq!(rule.max_age(), Some(hours(2)));
    assert_eq!(rule.fresh_by(), [NaiveTime::from_hms_opt(6, 0, 0).unwrap()]);
    let source = policy.connection(&subject("orders")).source().unwrap();
    assert_eq!(
        (source.name.as_str(), source.max_parallel),
        ("orders-db", Some(1))
    );
    assert_eq!(policy.channel_of(&crm).as_str(), "C0FINDATA");
    assert_eq!(policy.channels().len(), 2);
    assert_eq!(policy.default_channel().as_str(), "C0DATAOPS");
    assert_eq!(policy.expires_after(), hours(4));
    assert_eq!(policy.remind_after(), Some(hours(1)));
    assert_eq!(policy.escalate_after(), Some(hours(2)));
    assert_eq!(policy.escalate_to(), ["S0ONCALL"]);
    assert_eq!(policy.redaction_patterns(), ["ACME-[0-9]{6}"]);
    assert_eq!(policy.digest().unwrap().days.len(), 5);
    assert_eq!(
        policy.digest().unwrap().when_unchanged,
        WhenUnchanged::Brief
    );
    assert_eq!(policy.precedence()[0], Precedence::Freshness);
    assert_eq!(policy.budgets().monthly_mar, Some(50_000_000));
    assert_eq!(policy.calendars(), ["calendars/company.ics"]);
    assert_eq!(policy.lineage().exposures.as_deref(), Some("deadlines.yml"));
    assert_eq!(policy.automation().rules[0].category.len(), 2);
    assert_eq!(policy.automation().breaker.unwrap().failures, 3);
    assert_eq!(policy.retention().evidence, Some(hours(90 * 24)));
    let group = GroupId::new("finance_warehouse");
    assert_eq!(
        policy.destination(&group, "x").unwrap().max_parallel,
        Some(8)
    );
    let groups: Vec<&str> = policy.members_named().iter().map(String::as_str).collect();
    assert_eq!(groups, ["S0ANALYTICS", "S0DATAENG", "S0ONCALL"]);
}

#[test]
fn what_the_file_leaves_out_has_its_default() {
    let policy = policy("");
    assert_eq!(policy.timezone(), chrono_tz::UTC);
    assert_eq!(policy.poll_interval(), Duration::from_secs(60));
    assert_eq!(policy.expires_after(), hours(4));
    assert_eq!(
        (policy.remind_after(), policy.escalate_after()),
        (None, None)
    );
    assert!(policy.digest().is_none());
    assert!(policy.members_named().is_empty());
}

#[test]
fn windows_may_go_over_midnight() {
    let policy = policy(
        "connections:\n- {match: {}, source: {name: a, avoid: [\"22:00-06:00\", \"12:00-13:00\", \"18:00-00:00\"]}}",
    );
    let avoid = &policy.connection(&subject("x")).source().unwrap().avoid;
    let at = |h| NaiveTime::from_hms_opt(h, 0, 0).unwrap();
    for (window, inside, outside) in [(0, 23, 6), (0, 0, 21), (1, 12, 13), (2, 23, 0)] {
        assert!(avoid[window].contains(at(inside)), "{window} {inside}");
        assert!(!avoid[window].contains(at(outside)), "{window} {outside}");
    }
}

#[test]
fn the_hash_is_of_the_bytes() {
    let one = Policy::parse("version: 1\nchannels: {default: C0OPS}\n").unwrap();
    let two = Policy::parse("version: 1\nchannels: {default: C0OPS} # same\n").unwrap();
    assert_ne!(one.hash(), two.hash());
}

#[test]
fn what_looks_like_a_number_stays_as_written() {
    let policy = policy("connections:\n- {match: {schema: 007}, tier: 1e3, owner: U0A}");
    assert_eq!(policy.connection(&subject("007")).tier(), "1e3");
    assert_eq!(policy.connection(&subject("7")).tier(), "standard");
}

#[test]
fn windows_line_ends_anchors_and_a_byte_order_mark_are_read() {
    let text = "\u{feff}version: 1\r\nchannels: {default: &c C0OPS, routes: [{match: {schema: a}, channel: *c}]}\r\n";
    assert_eq!(Policy::parse(text).unwrap().channels().len(), 1);
}

#[test]
fn what_a_model_may_be_asked_is_the_least_that_the_file_says() {
    let limits = |text: &str| {
        let text = format!("version: 1\nchannels: {{default: C0DATAOPS}}\n{text}");
        Policy::parse(&text).unwrap().model_limits((500, 2_000_000))
    };
    assert_eq!(limits(""), (500, 2_000_000));
    assert_eq!(limits("model: {requests_per_day: 7}\n"), (7, 2_000_000));
    let money = "amount_per_day: 1.5, amount_per_million_tokens: 3";
    assert_eq!(limits(&format!("model: {{{money}}}\n")), (500, 500_000));
    let both = format!("model: {{tokens_per_day: 400, {money}}}\n");
    assert_eq!(limits(&both), (500, 400));
    let half = "version: 1\nchannels: {default: C0DATAOPS}\nmodel: {amount_per_day: 5}\n";
    let told = Policy::parse(half).unwrap_err().to_string();
    assert!(
        told.contains("line 3") && told.contains("only together"),
        "{told}"
    );
}
