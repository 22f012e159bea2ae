//! What is left of a large log: the lines that show the cause, within 4,000 tokens, by the number that
//! they have in the file (the reference data's cases in noise).

use serde_json::Value;
use syncgate::triage::brief::{Brief, Line};
use syncgate::triage::case::Case;
use syncgate::triage::cause::redacted;
use syncgate::triage::cite::folded;
use syncgate::triage::cut::Cut;
use syncgate::triage::reading::{self, Taking};
use syncgate::triage::redact::Redactor;

use crate::beside::shared_text;
use crate::dice::Dice;
use crate::noise;

/// Bytes of noise around a case here; the bench has 10 MB.
const NOISE: usize = 120_000;
/// The least share of the labelled evidence that has to be left.
const RECALL: f64 = 0.95;
const TOKENS: usize = 4_000;

/// What a model would be told.
fn brief(case: &Value, log: &[u8], redactor: &Redactor) -> Brief {
    let mut cut = Cut::new(redactor);
    let taking = Taking {
        longest: 1 << 20,
        plain: true,
    };
    reading::read(&mut &log[..], taking, &|| false, &mut |row| cut.see(row)).unwrap();
    let (logs, changes) = cut.into_rows();
    let mut case: Case = serde_json::from_value(case.clone()).unwrap();
    case.logs = logs;
    case.changes = changes;
    Brief::of(&redacted(case, redactor))
}

#[test]
fn what_shows_the_cause_is_left_of_a_log_that_is_mostly_noise() {
    let Some(text) = shared_text("eval/rca-dev.jsonl") else {
        return;
    };
    let redactor = Redactor::new(&[]).unwrap();
    let mut dice = Dice::new(7);
    let (mut wanted, mut found, mut missed) = (0_u32, 0_u32, Vec::new());
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let log = noise::around(&case, NOISE, &mut dice);
        let brief = brief(&case, &log, &redactor);
        let tokens: usize = brief.lines.iter().map(Line::tokens).sum();
        assert!(tokens <= TOKENS, "{}: {tokens}", case["id"]);
        for evidence in case["evidence"].as_array().unwrap() {
            let evidence = folded(&redactor.text(evidence.as_str().unwrap()));
            let holds = |line: &&Line| format!("{} {}", line.label, line.text).contains(&evidence);
            wanted += 1;
            match brief.lines.iter().find(holds) {
                Some(line) => {
                    found += 1;
                    stands(line, &log, &redactor);
                }
                None => missed.push(format!("{}: {evidence}", case["id"])),
            }
        }
    }
    let recall = f64::from(found) / f64::from(wanted);
    println!("recall {recall:.3}, missed {missed:#?}");
    assert!(recall >= RECALL, "{recall:.3}: {missed:#?}");
}

/// A numbered line is the one that stands in the file at that place.
fn stands(line: &Line, log: &[u8], redactor: &Redactor) {
    let Some(number) = line.number else {
        return;
    };
    let row = log
        .split(|byte| *byte == b'\n')
        .nth(number as usize - 1)
        .unwrap();
    let row: Value = serde_json::from_slice(row).unwrap();
    let data = row["message_data"].as_str().unwrap_or_default();
    let said = serde_json::from_str::<Value>(data).unwrap_or_default();
    let words = ["message", "reason", "error", "msg"]
        .iter()
        .find_map(|key| said[key].as_str());
    let told = folded(&redactor.text(words.unwrap_or(data)));
    let start: String = line.text.chars().take(40).collect();
    assert!(
        told.contains(&start) || line.label.starts_with("changed"),
        "line {number}: {told}\n{start}"
    );
}
