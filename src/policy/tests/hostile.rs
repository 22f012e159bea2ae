//! Any text at all: no panic, no hang, and every error has a place.

use proptest::prelude::*;

use super::EXAMPLE;
use crate::policy::Policy;

/// Parses; whatever is wrong has a line of the file.
fn survives(text: &str) {
    let Err(errors) = Policy::parse(text) else {
        return;
    };
    assert!(!errors.errors().is_empty());
    let lines = text.lines().count() + 2;
    for error in errors.errors() {
        assert!(error.line >= 1 && error.column >= 1, "{error}");
        assert!(error.line <= lines, "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn bombs_and_towers_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let before = vec![format!("*a{}", n - 1); 9].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{before}]\n"));
    }
    let merged = "a: &a {x: 1}\nb: &b {<<: [*a, *a]}\nc: {<<: [*b, *b]}\n";
    for text in [
        bomb,
        merged.to_owned(),
        "[".repeat(500_000),
        "{a: ".repeat(200_000),
        "- ".repeat(400_000),
        "a:\n".repeat(10_000),
        (0..2_000)
            .map(|n| format!("{}a:\n", " ".repeat(n)))
            .collect(),
        "? ".repeat(100_000),
        "!".repeat(500_000),
        "x".repeat(2_000_000),
        format!("version: {}", "9".repeat(900_000)),
        format!("redaction: {{extra_patterns: [\"{}\"]}}", "(".repeat(400)),
        format!(
            "redaction: {{extra_patterns: ['{}']}}",
            r"\w{900}".repeat(50)
        ),
        format!(
            "redaction: {{extra_patterns: [{}]}}",
            r"'\pL{99}',".repeat(40)
        ),
        format!(
            "connections: [{}]",
            "{match: {schema: \"a?b\"}},".repeat(500)
        ),
        format!("connections: [{}]", "{match: {}},".repeat(2_001)),
        format!("tiers: {{{}: {{}}}}", "a".repeat(500)),
    ] {
        assert!(Policy::parse(&text).is_err());
        survives(&text);
    }
}

#[test]
fn two_thousand_different_rules_are_read() {
    let rules: String = (0..2_000)
        .map(|n| match n % 10 {
            0 => format!("  - {{match: {{schema: \"s{n}_?_{{a,b}}\"}}}}\n"),
            _ => format!("  - {{match: {{schema: \"s{n}_*\"}}}}\n"),
        })
        .collect();
    super::policy(&format!("connections:\n{rules}"));
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn text_of_yamls_own_signs_never_panics(
        text in r#"[a-c0-9:\-?\[\]{},&*!|>'"%@`~#. \n\t]{0,200}"#
    ) {
        survives(&text);
        survives(&format!("version: 1\nchannels: {{default: C0X}}\nroles: {text}\n"));
    }

    #[test]
    fn a_mutated_example_never_panics(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, "[a-zA-Z0-9:\\-{}\\[\\],\"*&\n ]{0,6}"), 1..6)
    ) {
        let mut text: Vec<char> = EXAMPLE.chars().collect();
        for (at, drop, insert) in cuts {
            let at = at.index(text.len());
            let end = (at + drop).min(text.len());
            text.splice(at..end, insert.chars());
        }
        survives(&text.into_iter().collect::<String>());
    }
}

proptest! {
    // Each case reads some eighty files.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_value_of_any_key_never_panics(
        table in 0..crate::policy::keys::TABLES.len(),
        value in r#"("[^"\\]{0,20}"|\[[a-zA-Z0-9, ]{0,20}\]|\{[a-z]{1,5}: [a-z0-9-]{1,8}\}|[a-zA-Z0-9*?\[\]-]{1,30}|)"#,
    ) {
        let (path, keys) = crate::policy::keys::TABLES[table];
        for key in keys {
            let mut text = format!("{{{key}: {value}}}");
            for part in path.split('.').rev().filter(|part| !part.is_empty()) {
                text = match part.strip_suffix("[]") {
                    Some(list) => format!("{{{list}: [{text}]}}"),
                    None => format!("{{{part}: {text}}}").replace("{*:", "{some:"),
                };
            }
            survives(&text);
        }
    }
}
