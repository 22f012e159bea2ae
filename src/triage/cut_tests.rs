//! Logs of any size and order, and what is left of them.

use super::*;
use crate::triage::analyst::judge;
use crate::triage::case::Case;
use crate::triage::score::LabelledCase;

fn row(second: u64, event: &str, what: &str, sync: &str, data: &str) -> LogRow {
    LogRow {
        time_stamp: format!("2026-11-23 07:{:02}:{:02}", second / 60 % 60, second % 60),
        event: event.to_owned(),
        message_event: what.to_owned(),
        message_data: Some(data.to_owned()),
        sync_id: Some(sync.to_owned()),
        number: Some(second),
        ..LogRow::default()
    }
}

fn cut(rows: impl IntoIterator<Item = LogRow>) -> (Vec<LogRow>, Vec<LogRow>) {
    let mut cut = Cut::new(&Redactor::new(&[]).unwrap());
    rows.into_iter().for_each(|row| cut.see(row));
    cut.into_rows()
}

fn said(rows: &[LogRow]) -> Vec<&str> {
    rows.iter()
        .filter_map(|row| row.message_data.as_deref())
        .collect()
}

#[test]
fn any_number_of_repeats_is_one_row_with_their_number() {
    let mut cut = Cut::new(&Redactor::new(&[]).unwrap());
    let repeated = row(5, "WARNING", "warning", "s", "request 1 of 9 is repeated");
    for n in 0..20_000_u64 {
        cut.see(LogRow {
            message_data: Some(format!("request {} of 9 is repeated", n % 50)),
            number: Some(n),
            ..repeated.clone()
        });
        if n == 500 {
            cut.see(row(5, "SEVERE", "error", "s", "no such host"));
        }
    }
    assert_eq!(cut.seen(), 20_001);
    let (rows, _) = cut.into_rows();
    assert_eq!(said(&rows), ["no such host", "request 49 of 9 is repeated"]);
    assert_eq!((rows[1].repeats, rows[1].number), (20_000, Some(19_999)));
}

#[test]
fn rows_in_the_wrong_order_are_told_in_the_order_of_their_times() {
    let rows = [
        row(9, "INFO", "sync_end", "new", r#"{"status":"FAILURE"}"#),
        row(8, "SEVERE", "error", "new", "second error"),
        row(6, "SEVERE", "error", "new", "first error"),
        row(2, "INFO", "sync_end", "old", r#"{"status":"SUCCESSFUL"}"#),
    ];
    let (kept, _) = cut(rows.clone());
    let mut forwards = rows.to_vec();
    forwards.reverse();
    let straight = cut(forwards).0;
    assert_eq!(said(&kept), said(&straight));
    assert_eq!(said(&kept)[1..3], ["first error", "second error"]);
}

#[test]
fn of_many_syncs_the_last_are_kept_and_of_many_errors_the_loudest_and_latest() {
    let many = (0..3_000).flat_map(|n| {
        let sync = format!("s{}", n / 100);
        let word = "abcdefghij"
            .chars()
            .cycle()
            .skip(n % 10)
            .take(8 + n % 97)
            .collect::<String>();
        [row(
            n as u64,
            "WARNING",
            "warning",
            &sync,
            &format!("slow {word}"),
        )]
    });
    let signal = row(
        2_950,
        "SEVERE",
        "error",
        "s29",
        "permission denied for table orders",
    );
    let (rows, _) = cut(many.chain([signal.clone()]));
    assert!(rows.len() <= (SYNCS + 1) * (SAID + 8), "{}", rows.len());
    assert!(rows.iter().all(|row| row.sync_id.as_deref() > Some("s2")));
    assert!(
        rows.iter()
            .any(|row| row.message_data == signal.message_data)
    );
}

#[test]
fn changes_of_one_moment_are_all_kept() {
    let mut cut = Cut::new(&Redactor::new(&[]).unwrap());
    for table in ["a", "b"] {
        cut.see_change(row(1, "INFO", "alter_table", "s", table));
    }
    assert_eq!(said(&cut.into_rows().1), ["a", "b"]);
}

#[test]
fn what_was_changed_is_kept_apart() {
    let (_, changes) = cut((0..40).map(|n| {
        row(
            n,
            "INFO",
            "alter_table",
            "s",
            &format!("{{\"table\":\"t{n}\"}}"),
        )
    }));
    assert_eq!(changes.len(), CHANGES);
    assert_eq!(said(&changes)[0], r#"{"table":"t16"}"#);
}

/// The rules see the same after the cut as before it.
#[test]
fn no_judgement_changes_by_the_cut() {
    let redactor = Redactor::new(&[]).unwrap();
    let files = [
        include_str!("../../tests/data/failures/a.jsonl"),
        include_str!("../../tests/data/failures/b.jsonl"),
    ];
    let lines = files
        .iter()
        .flat_map(|file| file.lines())
        .filter(|line| !line.trim().is_empty());
    let catalogue = crate::triage::catalogue::Catalogue::shipped();
    for line in lines {
        let case = serde_json::from_str::<LabelledCase>(line).unwrap().case;
        let (logs, _) = cut(case.logs.clone());
        let after = judge(
            &Case {
                logs,
                ..case.clone()
            },
            catalogue,
            &redactor,
        );
        let before = judge(&case, catalogue, &redactor);
        let told = |j: &crate::triage::analyst::Judgement| {
            (j.category, j.confidence.to_bits(), j.actions.clone())
        };
        assert_eq!(told(&after), told(&before), "{}", case.id);
    }
}

#[test]
fn of_a_long_end_its_status_its_start_and_its_last_words_stay() {
    let trace = "    at java.base/java.lang.Thread.run(Thread.java:750)\n".repeat(400);
    let reason = format!("ORA-01017: invalid username/password; logon denied\n{trace} the end.");
    let data = serde_json::json!({ "status": "FAILURE", "reason": reason });
    let end = LogRow {
        time_stamp: "2026-11-23 07:00:58".to_owned(),
        event: "SEVERE".to_owned(),
        message_event: "sync_end".to_owned(),
        message_data: Some(data.to_string()),
        sync_id: Some("s1".to_owned()),
        ..LogRow::default()
    };
    let (rows, _) = cut(vec![end]);
    let said: Vec<String> = rows
        .iter()
        .filter_map(|row| row.message().map(std::borrow::Cow::into_owned))
        .collect();
    assert!(
        said.iter().any(|text| text.starts_with("ORA-01017")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|text| text.ends_with("the end.")),
        "{said:?}"
    );
    assert!(
        rows.iter()
            .any(|row| row.said("status").as_deref() == Some("FAILURE"))
    );
}
