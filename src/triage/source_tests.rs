//! A folder with everything in it that people leave there.

use super::*;

fn question() -> Question {
    Question {
        connection: "orders_id".to_owned(),
        after: "2026-11-23T06:00:00Z".parse().unwrap(),
        changes_after: "2026-11-22T06:00:00Z".parse().unwrap(),
        until: "2026-11-23T07:00:00Z".parse().unwrap(),
    }
}

fn line(at: &str, id: &str, message: &str) -> String {
    let row = serde_json::json!({
        "time_stamp": at, "event": "SEVERE", "message_event": "error",
        "message_data": message, "sync_id": "s", "connection_id": id,
    });
    format!("{row}\n")
}

fn reads(folder: &Path, stopped: bool) -> io::Result<Found> {
    let redactor = Redactor::new(&[]).unwrap();
    read(folder, &question(), &redactor, &|| stopped)
}

fn found(files: &[(&str, &[u8])]) -> (Vec<String>, u64) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let found = reads(folder.path(), false).unwrap();
    let said = |row: LogRow| row.message_data.unwrap_or_default();
    (
        found.rows.into_iter().map(said).collect(),
        found.passed_over,
    )
}

#[test]
fn rows_of_one_connection_and_span_come_from_all_files_in_the_order_of_their_times() {
    let json = [
        line("2026-11-23 06:30:00.000", "orders_id", "second"),
        line("2026-11-23 06:31:00", "hub_id", "of another"),
        line("2026-11-23 06:00:00.000", "orders_id", "too early"),
        line("2026-11-23T07:00:00.001Z", "orders_id", "too late"),
        line("2026-11-23T07:59:59+01:00", "orders_id", "third"),
    ];
    let json = format!("\u{feff}{}", json.concat());
    let csv = "id,time_stamp,connection_id,event,message_data,message_event,sync_id\n\
               1,2026-11-23 06:10:00.000 UTC,orders_id,SEVERE,first,error,s\n";
    let (rows, passed_over) = found(&[("a.jsonl", json.as_bytes()), ("b.csv", csv.as_bytes())]);
    assert_eq!(rows, ["first", "second", "third"]);
    assert_eq!(passed_over, 0);
}

#[test]
fn what_cannot_be_read_is_passed_over_and_counted() {
    let good = line("2026-11-23 06:30:00", "orders_id", "good");
    let odd_time = line("yesterday", "orders_id", "when?");
    let mixed = format!(
        "{good}{{broken\n\n{odd_time}{}",
        good.replace("good", "after")
    );
    let files: [(&str, &[u8]); 6] = [
        ("mixed.jsonl", mixed.as_bytes()),
        ("empty.jsonl", b""),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0"),
        ("notes.md", b"# Notes\nnothing, here\n"),
        ("latin.csv", b"time_stamp,event,message_event,message_data,connection_id\n2026-11-23 06:20:00,SEVERE,error,\xe9t\xe9,orders_id\n"),
        (".hidden.jsonl", b"{"),
    ];
    let (rows, passed_over) = found(&files);
    assert_eq!(rows, ["�t�", "good", "after"]);
    // Two lines and three files.
    assert_eq!(passed_over, 5);
}

#[test]
fn a_long_log_is_cut_and_its_rows_are_counted() {
    let second = |n: usize| format!("2026-11-23 06:{:02}:{:02}", n / 60, n % 60);
    let many: String = (0..3_000)
        .map(|n| {
            line(
                &second(n),
                "orders_id",
                &format!("try {} of many", 10_000 + n),
            )
        })
        .chain([line("2026-11-23 06:00:05", "orders_id", "no such host")])
        .collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("many.jsonl"), many).unwrap();
    let found = reads(folder.path(), false).unwrap();
    let said: Vec<_> = found
        .rows
        .iter()
        .map(|row| (row.message_data.as_deref(), row.repeats))
        .collect();
    assert_eq!(found.seen, 3_000);
    assert_eq!(said[1], (Some("no such host"), 1));
    assert_eq!(said[2], (Some("try 12999 of many"), 2_999));
    assert_eq!(found.rows[2].number, Some(3_000));
}

#[test]
fn what_was_changed_is_found_a_day_back() {
    let change =
        |at: &str, id: &str| line(at, id, "ADD_COLUMN").replace("\"error\"", "\"alter_table\"");
    let lines = [
        change("2026-11-22 05:59:00", "orders_id"),
        change("2026-11-22 20:00:00", "orders_id"),
        change("2026-11-22 20:00:00", "hub_id"),
        change("2026-11-23 06:30:00", "orders_id"),
        line("2026-11-22 20:00:00", "orders_id", "an error that is over"),
    ];
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jsonl"), lines.concat()).unwrap();
    let found = reads(folder.path(), false).unwrap();
    let at: Vec<_> = found
        .changes
        .iter()
        .map(|row| row.time_stamp.as_str())
        .collect();
    assert_eq!(at, ["2026-11-22 20:00:00", "2026-11-23 06:30:00"]);
    assert_eq!(found.seen, 1);
}

#[test]
fn a_huge_file_is_not_opened_and_nobody_waits_for_a_stopped_reading() {
    let folder = tempfile::tempdir().unwrap();
    let huge = File::create(folder.path().join("huge.jsonl")).unwrap();
    huge.set_len(LARGEST_FILE + 1).unwrap();
    let found = reads(folder.path(), false).unwrap();
    assert_eq!((found.rows.len(), found.passed_over), (0, 1));
    std::fs::write(folder.path().join("a.jsonl"), line("1", "x", "y")).unwrap();
    let stopped = reads(folder.path(), true).unwrap_err();
    assert_eq!(stopped.kind(), io::ErrorKind::TimedOut);
    assert!(reads(&folder.path().join("no"), false).is_err());
}
