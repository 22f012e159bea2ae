//! A folder with everything in it that people leave there.

use super::*;

fn question() -> Question {
    Question {
        connection: "orders_id".to_owned(),
        after: "2026-11-23T06:00:00Z".parse().unwrap(),
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

fn found(files: &[(&str, &[u8])]) -> (Vec<String>, usize) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let found = read(folder.path(), &question(), &|| false).unwrap();
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
    let long = line(
        "2026-11-23 06:30:00",
        "orders_id",
        &"x".repeat(3 * LONGEST_ROW),
    );
    let odd_time = line("yesterday", "orders_id", "when?");
    let mixed = format!(
        "{good}{{broken\n\n{long}{odd_time}{}",
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
    assert_eq!(rows, ["good", "after"]);
    // Three lines, three files, and one row that is no UTF-8.
    assert_eq!(passed_over, 7);
}

#[test]
fn the_last_rows_are_kept_within_their_bounds() {
    let second = |n: usize| format!("2026-11-23 06:{:02}:{:02}", n / 60, n % 60);
    let many: String = (0..ROWS + 50)
        .map(|n| line(&second(n), "orders_id", &n.to_string()))
        .collect();
    let (rows, _) = found(&[("many.jsonl", many.as_bytes())]);
    assert_eq!(rows.len(), ROWS);
    assert_eq!(rows.last().unwrap(), &(ROWS + 49).to_string());
    let large: String = (0..40)
        .map(|n| line(&second(n), "orders_id", &"y".repeat(LONGEST_ROW - 100)))
        .collect();
    let (rows, _) = found(&[("large.jsonl", large.as_bytes())]);
    assert_eq!(rows.len(), BYTES / LONGEST_ROW);
}

#[test]
fn a_huge_file_is_not_opened_and_nobody_waits_for_a_stopped_reading() {
    let folder = tempfile::tempdir().unwrap();
    let huge = File::create(folder.path().join("huge.jsonl")).unwrap();
    huge.set_len(LARGEST_FILE + 1).unwrap();
    let found = read(folder.path(), &question(), &|| false).unwrap();
    assert_eq!((found.rows.len(), found.passed_over), (0, 1));
    std::fs::write(folder.path().join("a.jsonl"), line("1", "x", "y")).unwrap();
    let stopped = read(folder.path(), &question(), &|| true).unwrap_err();
    assert_eq!(stopped.kind(), io::ErrorKind::TimedOut);
    assert!(read(&folder.path().join("no"), &question(), &|| false).is_err());
}
