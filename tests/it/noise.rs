//! Noise around a failure: rows that a sync writes while all goes well, or not quite.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::dice::Dice;

const TABLES: [&str; 5] = ["orders", "ticket", "media_history", "lead", "clickstream"];

/// One row of noise.
fn row(dice: &mut Dice, sync: &Value, at: &Value) -> Value {
    let n = dice.below(100_000);
    let table = TABLES[dice.index(TABLES.len())];
    let (event, what, data) = match dice.below(100) {
        0..30 => (
            "INFO",
            "api_call",
            json!({"method": "GET", "uri": format!("https://api.example-source.com/v2/{table}?page={n}")}),
        ),
        30..50 => (
            "INFO",
            "processed_records",
            json!({"table": table, "recordsCount": n}),
        ),
        50..70 => (
            "INFO",
            "records_modified",
            json!({"schema": "s", "table": table, "operationType": "UPDATED", "count": n}),
        ),
        70..80 => (
            "INFO",
            "sql_query",
            json!({"query": format!("select * from {table} where error_code > {n}"), "number": n}),
        ),
        80..90 => (
            "WARNING",
            "warning",
            json!({"type": "skip_empty", "message": format!("No new rows for {table} since cursor {n}")}),
        ),
        90..96 => (
            "WARNING",
            "warning",
            json!({"message": format!("{table}: attempt {n} failed, trying again in {} ms", n % 977)}),
        ),
        96..98 => (
            "WARNING",
            "warning",
            json!({"message": format!("{table} row {n:x}: unknown field left out, word {:x}", n * 2_654_435_761)}),
        ),
        _ => (
            "INFO",
            "info",
            json!({"message": format!("worker {n} finished with 0 errors")}),
        ),
    };
    json!({"time_stamp": at, "event": event, "message_event": what, "message_data": data.to_string(), "sync_id": sync, "connection_id": "c"})
}

/// The rows of a case between so many bytes of noise, as JSON Lines.
pub fn around(case: &Value, bytes: usize, dice: &mut Dice) -> Vec<u8> {
    let rows = case["logs"].as_array().unwrap();
    let mut log = Vec::new();
    let share = bytes / rows.len();
    for one in rows {
        let mut one = one.clone();
        one["connection_id"] = json!("c");
        writeln!(log, "{one}").unwrap();
        let until = log.len() + share;
        while log.len() < until && one["message_event"] != "sync_end" {
            writeln!(log, "{}", row(dice, &one["sync_id"], &one["time_stamp"])).unwrap();
        }
    }
    log
}
