//! The account's log, row for row in the shape of the Platform connector's `log` table.

use std::collections::VecDeque;

use chrono::{DateTime, Duration, SubsecRound, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::base64::encode;
use super::connection::Connection;
use super::outcome::Outcome;
use super::sync::{breaks_setup, draw};

/// So many rows and finished syncs are kept; a demo that runs for weeks must not grow without end.
const ROWS_KEPT: usize = 100_000;
const SYNCS_KEPT: usize = 20_000;

/// One row of the `log` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogRow {
    /// The row's id.
    pub id: String,
    /// When it happened, `2026-11-22 10:00:00.000`, UTC.
    pub time_stamp: String,
    /// When it reached the destination.
    #[serde(rename = "_fivetran_synced")]
    pub fivetran_synced: String,
    /// The connection.
    pub connection_id: String,
    /// The severity: INFO, WARNING or SEVERE.
    pub event: String,
    /// The details, JSON in a string.
    pub message_data: Option<String>,
    /// What happened.
    pub message_event: String,
    /// Set on rows about transformations only.
    pub transformation_id: Option<String>,
    /// The sync it belongs to.
    pub sync_id: Option<String>,
}

/// How a sync ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Successful,
    Failure {
        reason: String,
    },
    FailureWithTask {
        reason: String,
        task_type: String,
    },
    Rescheduled {
        reason: String,
        until: DateTime<Utc>,
    },
    Canceled {
        reason: String,
    },
}

impl End {
    pub fn status(&self) -> &'static str {
        match self {
            End::Successful => "SUCCESSFUL",
            End::Failure { .. } => "FAILURE",
            End::FailureWithTask { .. } => "FAILURE_WITH_TASK",
            End::Rescheduled { .. } => "RESCHEDULED",
            End::Canceled { .. } => "CANCELED",
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            End::Successful => None,
            End::Failure { reason }
            | End::FailureWithTask { reason, .. }
            | End::Rescheduled { reason, .. }
            | End::Canceled { reason } => Some(reason),
        }
    }
}

/// A sync that is over.
#[derive(Debug, Clone)]
pub(super) struct Finished {
    pub sync_id: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    pub end: End,
}

/// A row before it is written out; only a reader pays for the text of times and data.
#[derive(Debug)]
struct Entry {
    number: u64,
    at: DateTime<Utc>,
    connection_id: String,
    sync_id: String,
    event: &'static str,
    what: &'static str,
    data: Option<Value>,
}

/// The rows and the finished syncs.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<Entry>,
    finished: VecDeque<(String, Finished)>,
    written: u64,
}

impl Log {
    /// All rows kept, in the order of their times.
    pub fn rows(&self) -> Vec<LogRow> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by_key(|e| e.at);
        entries.into_iter().map(Entry::row).collect()
    }

    /// The finished syncs of a connection, oldest first.
    pub fn finished(&self, id: &str) -> impl Iterator<Item = &Finished> {
        self.finished
            .iter()
            .filter(move |(connection, _)| connection == id)
            .map(|(_, f)| f)
    }

    pub fn sync_started(&mut self, c: &Connection, now: DateTime<Utc>) {
        let sync_id = c
            .running
            .as_ref()
            .map(|r| r.sync_id.clone())
            .unwrap_or_default();
        self.write(&c.id, &sync_id, now, "INFO", "sync_start", None);
    }

    pub fn sync_ended(&mut self, c: &Connection, sync: Finished) {
        let (from, took) = (sync.started_at, sync.ended_at - sync.started_at);
        let mut row = |percent: i32, severity: &'static str, what: &'static str, data: Value| {
            self.write(
                &c.id,
                &sync.sync_id,
                from + took * percent / 100,
                severity,
                what,
                Some(data),
            );
        };
        if sync.end == End::Successful {
            write_tables(c, &sync, took, &mut row);
        }
        if let End::Failure { reason } | End::FailureWithTask { reason, .. } = &sync.end {
            row(
                99,
                "SEVERE",
                "error",
                json!({"type": error_type(&sync.end), "message": reason}),
            );
        }
        let severity = match sync.end {
            End::Failure { .. } | End::FailureWithTask { .. } => "SEVERE",
            End::Rescheduled { .. } | End::Canceled { .. } => "WARNING",
            End::Successful => "INFO",
        };
        row(100, severity, "sync_end", end_data(&sync.end));
        self.finished.push_back((c.id.clone(), sync));
        if self.finished.len() > SYNCS_KEPT {
            self.finished.pop_front();
        }
    }

    fn write(
        &mut self,
        id: &str,
        sync_id: &str,
        at: DateTime<Utc>,
        event: &'static str,
        what: &'static str,
        data: Option<Value>,
    ) {
        self.written += 1;
        self.entries.push_back(Entry {
            number: self.written,
            at,
            connection_id: id.to_owned(),
            sync_id: sync_id.to_owned(),
            event,
            what,
            data,
        });
        if self.entries.len() > ROWS_KEPT {
            self.entries.pop_front();
        }
    }
}

impl Entry {
    fn row(&self) -> LogRow {
        let time = |at: DateTime<Utc>| {
            at.trunc_subsecs(3)
                .format("%Y-%m-%d %H:%M:%S%.3f")
                .to_string()
        };
        LogRow {
            id: row_id(self.number),
            time_stamp: time(self.at),
            fivetran_synced: time(self.at + Duration::minutes(5)),
            connection_id: self.connection_id.clone(),
            event: self.event.to_owned(),
            message_data: self.data.as_ref().map(Value::to_string),
            message_event: self.what.to_owned(),
            transformation_id: None,
            sync_id: Some(self.sync_id.clone()),
        }
    }
}

/// A row's id: 20 bytes in base64, different for every row.
fn row_id(number: u64) -> String {
    let seed = number.to_string();
    let bytes: Vec<u8> = ["a", "b", "c"]
        .into_iter()
        .flat_map(|part| draw(&seed, part).to_be_bytes())
        .collect();
    encode(&[&bytes, number.to_be_bytes().as_slice()].concat())
}

/// What a good sync writes: the extract, each table's load, the stages' times.
fn write_tables(
    c: &Connection,
    sync: &Finished,
    took: Duration,
    row: &mut impl FnMut(i32, &'static str, &'static str, Value),
) {
    let count = |what: &str, most: u32| draw(&sync.sync_id, what) % most;
    let rows: u32 = c.tables.values().flatten().map(|t| count(t, 4_000)).sum();
    row(
        40,
        "INFO",
        "extract_summary",
        json!({"total_queries": 1 + count("queries", 40), "total_rows": rows}),
    );
    for (_, table) in c
        .tables
        .iter()
        .flat_map(|(s, tables)| tables.iter().map(move |t| (s, t)))
    {
        row(60, "INFO", "write_to_table_start", json!({"table": table}));
        let data = json!({
            "schema": c.schema, "count": count(table, 4_000), "operationType": "REPLACED_OR_INSERTED", "table": table,
        });
        row(70, "INFO", "records_modified", data);
        row(90, "INFO", "write_to_table_end", json!({"table": table}));
    }
    let seconds = took.num_seconds();
    let volume = f64::from(rows) / 1_000.0;
    let stats = json!({
        "extract_time_s": seconds * 50 / 100, "extract_volume_mb": volume,
        "process_time_s": seconds * 20 / 100, "process_volume_mb": volume,
        "load_time_s": seconds * 30 / 100, "load_volume_mb": volume,
        "total_time_s": seconds,
    });
    row(100, "INFO", "sync_stats", stats);
}

/// The `type` of an error row, which the log takes from what the source answered.
fn error_type(end: &End) -> &'static str {
    match end {
        End::FailureWithTask { task_type, .. } if breaks_setup(task_type) => "authentication_error",
        End::FailureWithTask { .. }
        | End::Failure { .. }
        | End::Successful
        | End::Rescheduled { .. }
        | End::Canceled { .. } => "sync_failure",
    }
}

/// `sync_end`'s data as the log has it.
fn end_data(end: &End) -> Value {
    let mut data = json!({"status": end.status()});
    if let Some(reason) = end.reason() {
        data["reason"] = reason.into();
    }
    match end {
        End::FailureWithTask { task_type, .. } => data["taskType"] = task_type.as_str().into(),
        End::Rescheduled { until, .. } => {
            data["rescheduledAt"] = super::wire::timestamp(*until).into()
        }
        End::Successful | End::Failure { .. } | End::Canceled { .. } => {}
    }
    data
}

impl End {
    /// The end that an outcome leads to; none for those that have none.
    pub fn of(outcome: &Outcome) -> Option<End> {
        Some(match outcome.clone() {
            Outcome::Succeeds { .. } => End::Successful,
            Outcome::FailsWith {
                task: Some(task),
                reason,
                ..
            } => End::FailureWithTask {
                reason,
                task_type: task.code,
            },
            Outcome::FailsWith {
                task: None, reason, ..
            } => End::Failure { reason },
            Outcome::Reschedules { until, reason, .. } => End::Rescheduled { reason, until },
            Outcome::NeverEnds | Outcome::NeverStarts => return None,
        })
    }
}
