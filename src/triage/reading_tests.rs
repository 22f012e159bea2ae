//! Logs as people leave them: whole, broken, of another kind, in several forms at once.

use super::*;

fn taken(bytes: &[u8], plain: bool) -> (Vec<LogRow>, Reading) {
    let mut rows = Vec::new();
    let taking = Taking {
        longest: 1 << 20,
        plain,
    };
    let read = read(&mut &bytes[..], taking, &|| false, &mut |row| {
        rows.push(row)
    })
    .unwrap();
    (rows, read)
}

/// Each row as its number, level, event and data.
fn told(text: &str) -> (Vec<String>, Reading) {
    let (rows, reading) = taken(text.as_bytes(), true);
    let told = rows.iter().map(|row| {
        let number = row.number.unwrap();
        let data = row.message_data.as_deref().unwrap_or("-");
        format!("{number} {} {} {data}", row.event, row.message_event)
    });
    (told.collect(), reading)
}

const ROW: &str = r#"{"time_stamp":"2026-01-02","event":"SEVERE","message_event":"error","message_data":"{\"message\":\"no\"}","sync_id":null}"#;
const HEADING: &str = "id,time_stamp,event,message_event,message_data,sync_id\n";

#[test]
fn rows_are_read_from_json_lines_and_from_tables_alike() {
    let table = format!("{HEADING}1,2026-01-02,SEVERE,error,\"{{\"\"message\"\":\"\"no\"\"}}\",\n");
    let (json, _) = taken(ROW.as_bytes(), true);
    let (mut csv, _) = taken(table.as_bytes(), true);
    assert_eq!(csv[0].number, Some(2));
    csv[0].number = Some(1);
    assert_eq!(json, csv);
    assert_eq!(json[0].message().as_deref(), Some("no"));
}

#[test]
fn one_bad_line_spoils_no_file() {
    let text = format!(
        "{ROW}\n{{broken\n\n{}\n\"{{\\\"also broken\"\n{{}}\n{ROW}\n",
        "{\"event\":1,\"time_stamp\":[]}"
    );
    let (told, reading) = told(&text);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!((reading.passed_over, reading.first), (3, vec![2, 5, 6]));
}

#[test]
fn data_may_be_an_object_or_encoded_twice_and_so_may_the_whole_row() {
    let object = ROW.replace(r#""{\"message\":\"no\"}""#, r#"{"message":"no"}"#);
    let doubled = ROW.replace(
        r#""{\"message\":\"no\"}""#,
        r#""\"{\\\"message\\\":\\\"no\\\"}\"""#,
    );
    let whole = serde_json::to_string(ROW).unwrap();
    for text in [object, doubled, whole] {
        let (rows, reading) = taken(text.as_bytes(), true);
        assert_eq!(reading.passed_over, 0, "{text}");
        assert_eq!(rows[0].message().as_deref(), Some("no"), "{text}");
    }
}

#[test]
fn the_lines_of_other_logs_of_fivetran_are_rows_too() {
    let text = concat!(
        r#"{"event":"sync_end","data":{"status":"FAILURE","reason":"no such host"},"created":"2026-11-23T07:00:00Z","connector_id":"a","connection_id":"a","sync_id":"s"}"#,
        "\n",
        r#"{"event":"read_start","data":null,"created":"2026-11-23T07:00:00Z","connector_id":"b","exception_id":"x"}"#,
        "\n",
        r#"{"event_time":"2026-11-23T07:00:00Z","connection_id":"c","level":"SEVERE","message":"it broke","message_origin":"connector_sdk"}"#,
        "\n",
        r#"{"TIME_STAMP":"2026-11-23T07:00:00Z","CONNECTION_ID":"d","EVENT":"WARNING","MESSAGE_EVENT":"warning","MESSAGE_DATA":"slow"}"#,
    );
    let (told, _) = told(text);
    insta::assert_snapshot!(told.join("\n"), @r#"
    1 INFO sync_end {"reason":"no such host","status":"FAILURE"}
    2 SEVERE read_start -
    3 SEVERE connector_sdk it broke
    4 WARNING warning slow
    "#);
}

#[test]
fn a_row_of_the_audit_trail_is_a_change_of_its_connection() {
    let text = "id,captured_at,user_id,action,interaction_method,primary_resource_type,primary_resource_id,secondary_resource_type,secondary_resource_id,old_values,new_values,_fivetran_synced\n\
        aud_2,2024-12-02 14:22:47.880,jack,EDIT,API,CONNECTION,orders_id,,,\"{\"\"paused\"\":true}\",\"{\"\"paused\"\":false}\",2024-12-02 15:00:00.000\n\
        aud_3,2024-12-03 09:05:11.450,jack,EDIT,WEB_UI,USER,jack,,,,,\n";
    let (rows, _) = taken(text.as_bytes(), false);
    assert_eq!(rows[0].connection_id.as_deref(), Some("orders_id"));
    assert!(super::super::changes::is_change(&rows[0]));
    assert_eq!(
        super::super::changes::words(&rows[0]),
        r#"action EDIT, by jack, new {"paused":false}, old {"paused":true}, way API"#
    );
    assert_eq!(rows[1].connection_id, None);
}

#[test]
fn an_array_of_rows_is_as_good_as_lines_of_them() {
    let (told, reading) = told(&format!("[\n  {ROW},\n  {ROW}\n]\n"));
    assert_eq!((told.len(), reading.passed_over), (2, 0));
    let (rows, reading) = taken(format!("[{ROW},\n{ROW}]").as_bytes(), true);
    assert_eq!((rows.len(), reading.passed_over), (2, 0));
}

#[test]
fn forms_may_be_mixed_and_a_trace_belongs_to_the_row_before_it() {
    let text = format!(
        "exported by somebody\n{ROW}\n    at com.example.Sync.run(Sync.java:12)\n{HEADING}7,2026-01-03,INFO,sync_start,,s\n{ROW}\n"
    );
    let (told, reading) = told(&text);
    insta::assert_snapshot!(told.join("\n"), @r#"
    1 INFO text exported by somebody
    2 SEVERE error {"message":"no"}
    3 INFO text at com.example.Sync.run(Sync.java:12)
    5 INFO sync_start -
    6 SEVERE error {"message":"no"}
    "#);
    assert_eq!((reading.plain, reading.passed_over), (2, 0));
    let (rows, _) = taken(text.as_bytes(), true);
    assert_eq!(rows[2].time_stamp, "2026-01-02");
}

#[test]
fn tables_may_stand_one_behind_the_other() {
    let text = format!(
        "{HEADING}7,2026-01-03,INFO,sync_start,,s\ntime_stamp,message_data,event,message_event\n2026-01-04,no,SEVERE,error\n"
    );
    let (told, reading) = told(&text);
    assert_eq!(told, ["2 INFO sync_start -", "4 SEVERE error no"]);
    assert_eq!(reading.passed_over, 0);
}

#[test]
fn a_field_of_a_table_may_go_on_over_lines_and_a_quote_that_never_ends_spoils_one_line() {
    let text = format!(
        "{HEADING}1,2026-01-02,SEVERE,error,\"first\nsecond\",s\n2,2026-01-02,SEVERE,error,\"open,s\n3,2026-01-02,SEVERE,error,after,s\n"
    );
    let (told, reading) = told(&text);
    assert_eq!(
        told,
        ["2 SEVERE error first\nsecond", "5 SEVERE error after"]
    );
    assert_eq!((reading.passed_over, reading.first), (1, vec![4]));
}

#[test]
fn a_row_that_stands_there_twice_counts_once() {
    let with = |id: &str, at: &str| {
        ROW.replace("{\"time", &format!("{{\"id\":\"{id}\",\"time"))
            .replace("2026-01-02", at)
    };
    let text = [
        with("x", "1"),
        with("x", "1"),
        with("x", "2"),
        with("y", "1"),
    ]
    .join("\n");
    assert_eq!(told(&text).0.len(), 3);
}

#[test]
fn plain_text_is_taken_where_it_is_asked_for_and_bytes_that_are_none_are_refused() {
    let trace =
        b"Traceback (most recent call last):\n  File \"sync.py\", line 3\nFATAL: no such h\xf6st\n";
    let (rows, reading) = taken(trace, true);
    assert_eq!((rows.len(), reading.plain), (3, 3));
    assert_eq!((rows[2].event.as_str(), rows[2].number), ("ERROR", Some(3)));
    let (rows, reading) = taken(trace, false);
    assert_eq!((rows.len(), reading.passed_over), (0, 3));
    let taking = Taking {
        longest: 1 << 20,
        plain: true,
    };
    let read = |bytes: &[u8]| read(&mut &bytes[..], taking, &|| false, &mut |_| {});
    assert_eq!(
        read(b"\x89PNG\r\n\0\0").unwrap_err().to_string(),
        "it is no text"
    );
    assert_eq!(read(b"").unwrap(), Reading::default());
    assert_eq!(read(b"\n\n \n").unwrap(), Reading::default());
}

#[test]
fn a_line_that_is_too_long_is_passed_over_and_the_next_one_is_read() {
    let long = format!(
        "{{\"time_stamp\":\"1\",\"message_data\":\"{}\"}}",
        "x".repeat(2 << 20)
    );
    let (rows, reading) = taken(format!("{long}\n{ROW}\n").as_bytes(), true);
    assert_eq!((rows.len(), reading.first), (1, vec![1]));
    assert_eq!(rows[0].number, Some(2));
}
