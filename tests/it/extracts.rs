//! `syncgate triage FILE` on logs as people have them: whatever lies in the file, the program says what
//! it knows, what it left out, and ends.

use std::process::{Command, Stdio};

/// Exit code, stdout, stderr.
fn triage(bytes: &[u8], more: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("log"), bytes).unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_syncgate"))
        .current_dir(folder.path())
        .env_clear()
        .args(["triage", "log"])
        .args(more)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        out.status.code().unwrap(),
        text(out.stdout),
        text(out.stderr),
    )
}

fn row(event: &str, what: &str, data: &str) -> String {
    let row = serde_json::json!({
        "time_stamp": "2026-11-23 07:00:58.000", "connection_id": "orders_id", "event": event,
        "message_event": what, "message_data": data, "sync_id": "s",
    });
    format!("{row}\n")
}

const END: &str = r#"{"status":"FAILURE","reason":"it ended"}"#;

#[test]
fn what_holds_no_row_is_refused_with_the_reason() {
    let (code, out, err) = triage(b"", &[]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("log: there is no row in it"), "{err}");
    let (code, _, err) = triage(b"\x7fELF\0\0\0", &[]);
    assert_eq!(code, 1);
    assert!(err.contains("cannot read log: it is no text"), "{err}");
    let (code, _, err) = triage(b"{\"a\":1}\n{broken\n", &[]);
    assert_eq!(code, 1);
    assert!(
        err.contains("2 lines cannot be read and were passed over: 1, 2"),
        "{err}"
    );
}

#[test]
fn one_bad_line_is_named_and_the_others_count() {
    let log = [
        row(
            "SEVERE",
            "error",
            r#"{"message":"no such host db.example"}"#,
        ),
        "{\"time_stamp\": tru\n".to_owned(),
        row("INFO", "sync_end", END),
    ];
    let (code, out, err) = triage(log.concat().as_bytes(), &[]);
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("log: line 2 cannot be read and was passed over"),
        "{err}"
    );
    assert!(
        out.contains("Cause: network_unreachable, confirmed"),
        "{out}"
    );
    assert!(
        out.contains("SEVERE error, line 1): no such host db.example"),
        "{out}"
    );
}

#[test]
fn a_pasted_trace_is_a_log() {
    let trace = "Traceback (most recent call last):\n  File \"sync.py\", line 3, in run\n\
        psycopg2.OperationalError: FATAL: password authentication failed for user \"ft\"\n";
    let (code, out, err) = triage(trace.as_bytes(), &["--connector", "postgres"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("Cause: credential_expired"), "{out}");
    assert!(out.contains("Proof (line 3)"), "{out}");
    let (code, out, _) = triage(b"all went well\nreally\n", &[]);
    assert_eq!(code, 0);
    assert!(out.contains("Cause: no_failure, likely"), "{out}");
}

#[test]
fn a_line_of_10_mb_and_repeats_without_number_are_survived() {
    let filler = "word after word ".repeat(330_000);
    let long = format!("{filler} ORA-01017: invalid username/password {filler}");
    let data = serde_json::json!({ "message": long }).to_string();
    let long = row("SEVERE", "error", &data) + &row("INFO", "sync_end", END);
    assert!(long.len() > 10 << 20);
    let (code, out, err) = triage(long.as_bytes(), &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("credential_expired"), "{out}");
    assert!(out.contains("ORA-01017"), "{out}");
    let repeats = row(
        "WARNING",
        "warning",
        r#"{"message":"slow answer, trying again"}"#,
    )
    .repeat(20_000);
    let signal = row(
        "SEVERE",
        "error",
        r#"{"message":"permission denied for table orders"}"#,
    );
    let log = [
        repeats.as_str(),
        &signal,
        &repeats,
        &row("INFO", "sync_end", END),
    ]
    .concat();
    let (code, out, _) = triage(log.as_bytes(), &[]);
    assert_eq!(code, 0);
    assert!(out.contains("Cause: permission_denied, confirmed"), "{out}");
    assert!(out.contains("line 20001): permission denied"), "{out}");
}

#[test]
fn a_failed_end_is_one_by_its_status_and_not_by_its_level() {
    let doubled = serde_json::to_string(r#"{"status":"FAILURE_WITH_TASK","reason":"no such host db.example","taskType":"reconnect"}"#).unwrap();
    let (code, out, _) = triage(row("INFO", "sync_end", &doubled).as_bytes(), &["--json"]);
    assert_eq!(code, 0);
    assert!(out.contains(r#""category":"network_unreachable""#), "{out}");
}
