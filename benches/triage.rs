//! A failure's log from its bytes to a proved cause, without a model: 1,000 lines, 10 MB of noise around
//! a failure, 10 MB in which each row is another error, one line of 10 MB; and how much of the labelled
//! evidence of the reference data is left of 10 MB of noise. Reports; asserts nothing.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench measures real time, and stops when it cannot go on"
)]

#[path = "../tests/it/dice.rs"]
mod dice;
#[path = "../tests/it/noise.rs"]
mod noise;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use syncgate::triage::analyst::{Judgement, judge};
use syncgate::triage::brief::{Brief, Line};
use syncgate::triage::case::Case;
use syncgate::triage::cause::{places, redacted};
use syncgate::triage::cite::folded;
use syncgate::triage::cut::Cut;
use syncgate::triage::reading::{self, Taking};
use syncgate::triage::redact::Redactor;

use dice::Dice;

const MEGABYTES_10: usize = 10 << 20;

fn main() {
    let redactor = Redactor::new(&[]).unwrap();
    let mut dice = Dice::new(7);
    let small = noise::around(&failure(), 215_000, &mut dice);
    // The catalogue's patterns are compiled once.
    through(&small, &redactor);
    report("1,000 lines", 50, &small, &redactor);
    let large = noise::around(&failure(), MEGABYTES_10, &mut dice);
    report("10 MB of noise", 9, &large, &redactor);
    report(
        "10 MB, each row another error",
        3,
        &errors(&mut dice),
        &redactor,
    );
    let filler = "word after word ".repeat(MEGABYTES_10 / 32);
    let long = format!("{filler} ORA-01017: invalid username/password {filler}\n");
    report("one line of 10 MB", 3, long.as_bytes(), &redactor);
    recall(&redactor, &mut dice);
    let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = memory.lines().find(|line| line.starts_with("VmHWM"));
    println!(
        "{}, with the logs themselves",
        peak.unwrap_or("no memory is told")
    );
}

fn failure() -> Value {
    let row = |event: &str, what: &str, data: Value| json!({"time_stamp": "2026-11-23 07:00:00", "event": event, "message_event": what, "message_data": data.to_string(), "sync_id": "s"});
    json!({"logs": [
        row("INFO", "sync_start", json!({})),
        row("SEVERE", "error", json!({"message": "FATAL: password authentication failed for user \"ft\""})),
        row("INFO", "read_start", json!({"table": "orders"})),
        row("SEVERE", "sync_end", json!({"status": "FAILURE", "reason": "it ended"})),
    ]})
}

fn errors(dice: &mut Dice) -> Vec<u8> {
    let mut log = String::new();
    while log.len() < MEGABYTES_10 {
        let letters = |n: u64| -> String {
            (0..7)
                .map(|at| char::from(b'a' + u8::try_from((n >> (at * 5)) % 26).unwrap()))
                .collect()
        };
        let (one, two) = (letters(dice.below(1 << 40)), letters(dice.below(1 << 40)));
        let data = json!({"message": format!("the {one} of {two} was refused by the host {two}.{one}.example")});
        let row = json!({"time_stamp": "2026-11-23 07:00:00", "event": "SEVERE", "message_event": "error", "message_data": data.to_string(), "sync_id": "s"});
        writeln!(log, "{row}").unwrap();
    }
    log.into_bytes()
}

/// The way of a log: reading and cut, redaction, catalogue, proof, and what a model would be told.
fn through(log: &[u8], redactor: &Redactor) -> (Judgement, Brief, [Duration; 4]) {
    let began = Instant::now();
    let mut cut = Cut::new(redactor);
    let taking = Taking {
        longest: 16 << 20,
        plain: true,
    };
    reading::read(&mut &log[..], taking, &|| false, &mut |row| cut.see(row)).unwrap();
    let (logs, changes) = cut.into_rows();
    let read = began.elapsed();
    let case = Case {
        connector_service: "postgres".to_owned(),
        logs,
        changes,
        ..Case::default()
    };
    let case = redacted(case, redactor);
    let clean = began.elapsed();
    let judgement = judge(&case, redactor);
    places(&case, &judgement.evidence);
    let judged = began.elapsed();
    let brief = Brief::of(&case);
    let whole = began.elapsed();
    let steps = [read, clean - read, judged - clean, whole - judged];
    (judgement, brief, steps)
}

fn report(what: &str, times: usize, log: &[u8], redactor: &Redactor) {
    let mut runs: Vec<[Duration; 4]> = Vec::new();
    let mut told = String::new();
    for _ in 0..times {
        let (judgement, brief, steps) = through(log, redactor);
        told = format!(
            "{} {:.2}, {} lines told",
            judgement.category,
            judgement.confidence,
            brief.lines.len()
        );
        runs.push(steps);
    }
    runs.sort_by_key(|steps| steps.iter().sum::<Duration>());
    let [cut, clean, judged, brief] = runs[runs.len() / 2];
    let lines = log.iter().filter(|byte| **byte == b'\n').count();
    println!(
        "{what} ({lines} lines, {:.1} MB): {:.1?} (read and cut {cut:.1?}, redaction {clean:.1?}, catalogue and proof {judged:.1?}, brief {brief:.1?}); {told}",
        log.len() as f64 / 1e6,
        cut + clean + judged + brief,
    );
}

/// How much of the evidence that people marked is left of 10 MB.
fn recall(redactor: &Redactor, dice: &mut Dice) {
    let folder = std::env::var("SYNCGATE_SHARED").unwrap_or_else(|_| "../shared".to_owned());
    let Ok(cases) = std::fs::read_to_string(format!("{folder}/eval/rca-dev.jsonl")) else {
        println!("recall: the reference data is not here");
        return;
    };
    let (mut wanted, mut found, mut most) = (0_u32, 0_u32, 0);
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let log = noise::around(&case, MEGABYTES_10, dice);
        let mut cut = Cut::new(redactor);
        let taking = Taking {
            longest: 1 << 20,
            plain: true,
        };
        reading::read(&mut &log[..], taking, &|| false, &mut |row| cut.see(row)).unwrap();
        let mut known: Case = serde_json::from_value(case.clone()).unwrap();
        (known.logs, known.changes) = cut.into_rows();
        let brief = Brief::of(&redacted(known, redactor));
        most = most.max(brief.lines.iter().map(Line::tokens).sum::<usize>());
        for evidence in case["evidence"].as_array().unwrap() {
            let evidence = folded(&redactor.text(evidence.as_str().unwrap()));
            let holds = |line: &Line| format!("{} {}", line.label, line.text).contains(&evidence);
            wanted += 1;
            found += u32::from(brief.lines.iter().any(holds));
        }
    }
    println!("evidence left of 10 MB of noise: {found} of {wanted}, at most {most} tokens a case");
}
