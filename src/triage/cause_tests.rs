//! What is quoted, what is not, and when nothing is sure.

use super::*;
use crate::model::Certainty;

fn connection() -> Connection {
    Connection {
        id: "orders_id".into(),
        sync_frequency: Some(60),
        ..crate::model::samples::connection()
    }
}

fn row(at: &str, sync: &str, event: &str, what: &str, data: &str) -> LogRow {
    LogRow {
        time_stamp: at.to_owned(),
        event: event.to_owned(),
        message_event: what.to_owned(),
        message_data: Some(data.to_owned()),
        sync_id: Some(sync.to_owned()),
        connection_id: Some("orders_id".to_owned()),
        ..LogRow::default()
    }
}

fn cause(reason: Option<&str>, rows: Vec<LogRow>) -> Cause {
    let evidence = Evidence {
        connection: connection(),
        reason: reason.map(str::to_owned),
        rows,
        listed: Vec::new(),
        changes: Vec::new(),
        log: LogRead::Off,
    };
    evidence.cause(&Redactor::new(&[]).unwrap()).0
}

fn told(cause: &Cause) -> String {
    let quotes = cause.quotes.iter();
    let quotes = quotes.map(|quote| format!("\n{}: {}", quote.origin, quote.text));
    let sure = cause.certainty().as_str();
    format!("{sure} {}{}", cause.category, quotes.collect::<String>())
}

#[test]
fn the_log_and_the_webhook_are_quoted_each_with_where_it_stands() {
    let rows = vec![row(
        "2026-11-23 07:00:58.000",
        "s1",
        "SEVERE",
        "error",
        r#"{"message":"UnknownHostException: db.internal.example"}"#,
    )];
    insta::assert_snapshot!(told(&cause(Some("could not connect to the server"), rows)), @"
    confirmed network_unreachable
    log row of 2026-11-23 07:00:58.000, SEVERE error: UnknownHostException: db.internal.example
    what the sync said: could not connect to the server
    ");
}

#[test]
fn a_secret_is_neither_seen_nor_quoted() {
    let rows = vec![row(
        "2026-11-23 07:00:58.000",
        "s1",
        "SEVERE",
        "error",
        r#"{"message":"login failed for user ft, password=hunter2secret was sent"}"#,
    )];
    let cause = cause(None, rows);
    insta::assert_snapshot!(told(&cause), @"
    likely credential_expired
    log row of 2026-11-23 07:00:58.000, SEVERE error: login failed for user ft, password=
    ");
    assert!(!format!("{cause:?}").contains("hunter2secret"));
}

#[test]
fn nothing_known_is_inconclusive_and_a_sync_that_took_proves_nothing() {
    assert_eq!(cause(None, Vec::new()).certainty(), Certainty::Inconclusive);
    let rows = vec![
        row(
            "1",
            "s1",
            "WARNING",
            "warning",
            r#"{"message":"no such host"}"#,
        ),
        row("2", "s1", "INFO", "sync_end", r#"{"status":"SUCCESSFUL"}"#),
    ];
    let cause = cause(None, rows);
    assert_eq!(cause.certainty(), Certainty::Inconclusive);
    assert_eq!(cause.quotes, []);
    assert_ne!(cause.category, "no_failure", "it did fail");
}

#[test]
fn i6_a_quotation_that_stands_nowhere_has_no_origin() {
    let case = Case {
        logs: vec![row(
            "1",
            "s",
            "SEVERE",
            "error",
            r#"{"message":"no such host"}"#,
        )],
        ..Case::default()
    };
    assert!(origin(&case, "no such host").is_some());
    assert_eq!(origin(&case, "no such ghost"), None);
}
