//! The chain under many writers, and outside of our own code.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use syncgate::model::Actor;
use syncgate::model::audit::Entry;

use crate::audit_records::read;
use crate::harness::people::{ANA, ERIN};
use crate::harness::world;

#[test]
fn the_chain_has_no_gap_however_many_write_and_is_whole_whenever_it_is_read() {
    world(async |w| {
        let store = w.app().store.clone();
        let before = w.audit().await.len();
        let writers: Vec<_> = (0..12)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for n in 0..30 {
                        let mut tx = store.begin().await.unwrap();
                        for _ in 0..=n % 3 {
                            tx.audit(note(writer, n));
                        }
                        // Every fifth comes to nothing.
                        if n % 5 != 4 {
                            tx.commit().await.unwrap();
                        }
                    }
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let seen = store
                .snapshot()
                .await
                .unwrap()
                .verify_audit(vec![])
                .await
                .unwrap();
            assert!(seen.is_ok(), "read while others write: {seen:?}");
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let after = w.audit().await.len();
        assert_eq!(after - before, 12 * 48);
    });
}

fn note(writer: i64, n: i64) -> Entry {
    Entry {
        at: "2026-11-23T07:00:00Z".parse().unwrap(),
        code: "webhook.received",
        actor: Actor::Syncgate,
        subject: format!("connection:{writer}"),
        body: json!({ "n": n }),
    }
}

/// Our own few lines, which share nothing with the service: the head, or the first bad record.
fn verified(records: impl Iterator<Item = Value>) -> Result<(i64, String), i64> {
    let (mut seq, mut prev) = (0, "0".repeat(64));
    for r in records {
        let text = |key: &str| Value::from(r[key].as_str().unwrap()).to_string();
        let canonical = format!(
            r#"{{"actor":{},"at":{},"body":{},"code":{},"prev":{},"seq":{},"subject":{}}}"#,
            text("actor"),
            text("at"),
            text("body"),
            text("code"),
            text("prev"),
            r["seq"],
            text("subject"),
        );
        let hash = hex::encode(Sha256::digest(
            [b"syncgate.audit.v1\0", canonical.as_bytes()].concat(),
        ));
        seq += 1;
        if r["seq"] != seq || r["prev"] != prev.as_str() || r["hash"] != hash.as_str() {
            return Err(seq);
        }
        prev = hash;
    }
    Ok((seq, prev))
}

#[test]
fn t170_exports_verify_again_without_our_code() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        w.command(
            ERIN,
            "reject 1 \"quoted\", back\\slash, tab\t, Ünïcode 日本 \u{7f}",
        )
        .await;
        let head = w
            .app()
            .store
            .snapshot()
            .await
            .unwrap()
            .audit_head()
            .await
            .unwrap();
        let head = (head.seq, head.hash);
        let lines =
            String::from_utf8(w.cli(&["audit", "export", "--format", "jsonl"]).stdout).unwrap();
        let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        assert_eq!(verified(lines.lines().map(parse)), Ok(head.clone()));
        let table = w.cli(&["audit", "export", "--format", "csv"]).stdout;
        let mut rows = csv::Reader::from_reader(table.as_slice());
        let rows = rows.deserialize().map(|row| {
            let row: BTreeMap<String, String> = row.unwrap();
            let seq: i64 = row["seq"].parse().unwrap();
            let mut row = json!(row);
            row["seq"] = seq.into();
            row
        });
        assert_eq!(verified(rows), Ok(head.clone()));
        let changed = lines.replacen("Ünïcode", "Unïcode", 1);
        assert!(
            verified(changed.lines().map(parse)).is_err(),
            "our few lines find a change too"
        );
        python(&lines, &head, &changed);
    });
}

/// The program that `docs/audit.md` prints, run as it stands there.
fn python(lines: &str, head: &(i64, String), changed: &str) {
    let text = read("docs/audit.md");
    let program = text
        .split("```python\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let run = |input: &str| -> Option<Output> {
        let mut python = Command::new("python3");
        python.env("PYTHONUTF8", "1").args(["-c", program]);
        let pipes = python
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = pipes.spawn().ok()?;
        child.stdin.take()?.write_all(input.as_bytes()).ok()?;
        child.wait_with_output().ok()
    };
    let Some(good) = run(lines) else {
        println!("left out: there is no python3 to run the documented program");
        return;
    };
    assert_eq!(
        String::from_utf8_lossy(&good.stdout).trim(),
        format!("{} {}", head.0, head.1)
    );
    assert!(!run(changed).unwrap().status.success());
}
