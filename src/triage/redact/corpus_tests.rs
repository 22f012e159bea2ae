//! The shared corpora, when they are there.

use serde_json::Value;

use super::Redactor;
use crate::beside::shared_text;

fn rows(path: &str) -> Vec<Value> {
    let text = shared_text(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn redactor() -> Redactor {
    Redactor::new(&[]).unwrap()
}

fn texts<'a>(row: &'a Value, key: &str) -> Vec<&'a str> {
    row[key]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Whether 12 characters in a row of a secret (all of a shorter one) are left.
pub(super) fn leaks(text: &str, secret: &str) -> bool {
    let chars: Vec<char> = secret.chars().collect();
    let len = chars.len().clamp(1, 12);
    chars
        .windows(len)
        .any(|w| text.contains(&w.iter().collect::<String>()))
}

#[test]
fn every_secret_of_the_log_lines_is_gone() {
    let r = redactor();
    let mut left = Vec::new();
    let rows = rows("corpora/secrets/fivetran_log_positives.jsonl");
    for row in &rows {
        let line = row["line"].as_str().unwrap();
        let out = r.text(line);
        if texts(row, "secrets")
            .iter()
            .any(|s| leaks(&out, s) || out.contains(s))
        {
            left.push(format!("{line}\n  -> {out}"));
        }
        assert_eq!(r.text(&out), out);
        let value = r.json(&Value::String(line.into())).to_string();
        assert!(
            !texts(row, "secrets").iter().any(|s| leaks(&value, s)),
            "{value}"
        );
    }
    println!(
        "log lines with secrets: {} of {} clean",
        rows.len() - left.len(),
        rows.len()
    );
    assert!(left.is_empty(), "{}", left.join("\n"));
}

#[test]
fn no_word_of_the_harmless_log_lines_is_lost() {
    let r = redactor();
    let rows = rows("corpora/secrets/fivetran_log_negatives.jsonl");
    let mut damaged = Vec::new();
    for row in &rows {
        let line = row["line"].as_str().unwrap();
        let out = r.text(line);
        if out != line || texts(row, "must_keep").iter().any(|w| !out.contains(w)) {
            damaged.push(format!("{line}\n  -> {out}"));
        }
    }
    println!(
        "harmless log lines: {} of {} unchanged",
        rows.len() - damaged.len(),
        rows.len()
    );
    assert!(damaged.is_empty(), "{}", damaged.join("\n"));
}

#[test]
fn labelled_cases_lose_their_secrets_and_keep_their_evidence() {
    let r = redactor();
    let (mut secrets, mut evidence) = (0, 0);
    for case in rows("eval/rca-dev.jsonl") {
        let input = serde_json::json!({
            "id": case["id"], "logs": case["logs"], "api_status": case["api_status"],
            "connector_service": case["connector_service"], "destination_service": case["destination_service"],
        });
        let out = r.json(&input);
        assert_eq!(r.json(&out), out, "{}", case["id"]);
        let text = out.to_string();
        for secret in texts(&case, "secrets") {
            assert!(
                !leaks(&text, secret) && !leaks(&decoded(&out), secret),
                "{}: {secret}\n{text}",
                case["id"]
            );
            secrets += 1;
        }
        for quote in texts(&case, "evidence") {
            assert!(
                decoded(&out).contains(quote)
                    || decoded(&out).contains(&quote.replace("\\\\", "\\")),
                "{}: {quote}\n{}",
                case["id"],
                decoded(&out)
            );
            evidence += 1;
        }
        for (before, after) in case["logs"]
            .as_array()
            .unwrap()
            .iter()
            .zip(out["logs"].as_array().unwrap())
        {
            for key in [
                "id",
                "time_stamp",
                "connection_id",
                "event",
                "message_event",
                "sync_id",
            ] {
                assert_eq!(before[key], after[key], "{}", case["id"]);
            }
            if before["message_data"]
                .as_str()
                .is_some_and(|d| serde_json::from_str::<Value>(d).is_ok())
            {
                assert!(
                    serde_json::from_str::<Value>(after["message_data"].as_str().unwrap()).is_ok()
                );
            }
        }
    }
    println!("labelled cases: {secrets} secrets gone, {evidence} evidence texts kept");
}

/// Every string of a value, and every string inside strings that are JSON.
fn decoded(v: &Value) -> String {
    match v {
        Value::String(s) => {
            let inner = serde_json::from_str::<Value>(s)
                .ok()
                .filter(|v| v.is_object() || v.is_array());
            format!("{s}\n{}", inner.map(|v| decoded(&v)).unwrap_or_default())
        }
        Value::Array(items) => items.iter().map(decoded).collect(),
        Value::Object(map) => map.values().map(decoded).collect(),
        _ => String::new(),
    }
}

#[test]
fn public_scanner_corpora_are_mostly_covered() {
    let r = redactor();
    let show = std::env::var_os("SHOW_MISSED").is_some();
    let generated = rows("corpora/secrets/gitleaks_generated_positives.jsonl");
    let clean = generated
        .iter()
        .filter(|row| {
            let (text, secret) = (
                row["text"].as_str().unwrap(),
                row["secret"].as_str().unwrap(),
            );
            let out = r.text(text);
            assert_eq!(r.text(&out), out);
            let ok = !leaks(&out, secret);
            if !ok && show {
                println!("MISSED {}: {text:?}\n    -> {out:?}", row["rule"]);
            }
            ok
        })
        .count();
    println!("gitleaks generated: {clean} of {} clean", generated.len());
    assert!(clean * 100 >= generated.len() * 85);
    let touched = |file: &str, label: Option<&str>| {
        let rows = rows(file);
        let rows: Vec<_> = rows
            .iter()
            .filter(|row| label.is_none_or(|l| row["label"] == l))
            .collect();
        let touched = rows
            .iter()
            .filter(|row| {
                let text = row["text"].as_str().unwrap();
                let out = r.text(text);
                if show {
                    println!(
                        "{file} {label:?} {} {text:?}\n    -> {out:?}",
                        if out == text { "SAME" } else { "TOUCHED" }
                    );
                }
                out != text
            })
            .count();
        println!(
            "{file} {}: {touched} of {} touched",
            label.unwrap_or(""),
            rows.len()
        );
        (touched, rows.len())
    };
    touched("corpora/secrets/gitleaks_literal_positives.jsonl", None);
    touched("corpora/secrets/gitleaks_literal_negatives.jsonl", None);
    touched(
        "corpora/secrets/secretlint_snapshots.jsonl",
        Some("positive"),
    );
    touched(
        "corpora/secrets/secretlint_snapshots.jsonl",
        Some("negative"),
    );
    touched("corpora/secrets/secretlint_snapshots.jsonl", Some("other"));
}
