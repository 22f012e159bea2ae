//! What an analysis starts from: the rows of Fivetran's `log` table, and what its API says of the
//! connection. Everything in here comes from outside and is believed only as far as it is read.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// One row of the `log` table of the Fivetran Platform Connector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRow {
    /// As Fivetran wrote it; rows are in the order of these.
    #[serde(default, deserialize_with = "text")]
    pub time_stamp: String,
    /// `INFO`, `WARNING` or `SEVERE`.
    #[serde(default, deserialize_with = "text")]
    pub event: String,
    /// `sync_end`, `error`, `api_call`, …
    #[serde(default, deserialize_with = "text")]
    pub message_event: String,
    /// A JSON document as text, anything else, or nothing.
    #[serde(default)]
    pub message_data: Option<String>,
    /// Which sync; none for rows outside of one.
    #[serde(default)]
    pub sync_id: Option<String>,
    /// Which connection.
    #[serde(default, alias = "connector_id")]
    pub connection_id: Option<String>,
}

/// `null` and a missing word are both no word.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A task or a warning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusNotice {
    /// Fivetran's code.
    pub code: String,
    /// Its heading.
    pub message: String,
    /// What the source or the destination said.
    pub details: Option<String>,
}

/// The `status` object of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiStatus {
    /// `connected`, `incomplete` or `broken`.
    pub setup_state: String,
    /// `scheduled`, `syncing`, `paused` or `rescheduled`.
    pub sync_state: String,
    /// `on_schedule` or `delayed`.
    pub update_state: String,
    /// When Fivetran means to try again.
    pub rescheduled_for: Option<String>,
    /// What stops it.
    pub tasks: Vec<StatusNotice>,
    /// What does not.
    pub warnings: Vec<StatusNotice>,
}

/// Everything that an analysis may look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Case {
    /// The connection, or the case's own name.
    pub id: String,
    /// The connector's type.
    pub connector_service: String,
    /// The destination's type.
    pub destination_service: String,
    /// The log rows.
    pub logs: Vec<LogRow>,
    /// What the API says.
    pub api_status: ApiStatus,
}

/// Why a log cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// A line that is no row.
    #[error("line {line}: {why}")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// A table without the columns that are needed.
    #[error(
        "the table has no column `{0}`; a `log` table of the Fivetran Platform Connector has \
         time_stamp, event, message_event, message_data and sync_id"
    )]
    Column(&'static str),
}

impl LogRow {
    /// The document in [`LogRow::message_data`], if it is one; some exports encode it twice.
    pub fn data(&self) -> Option<Value> {
        let data = serde_json::from_str(self.message_data.as_deref()?).ok()?;
        match &data {
            Value::String(inner) => serde_json::from_str(inner).ok().or(Some(data)),
            _ => Some(data),
        }
    }

    /// A text in it.
    pub fn said(&self, key: &str) -> Option<String> {
        match self.data()? {
            Value::Object(mut object) => match object.remove(key)? {
                Value::String(said) => Some(said),
                _ => None,
            },
            _ => None,
        }
    }

    /// What the row says to people: its message or reason, else its data as it stands.
    pub fn message(&self) -> Option<Cow<'_, str>> {
        let said = ["message", "reason", "error", "msg"];
        match said.iter().find_map(|key| self.said(key)) {
            Some(text) => Some(text.into()),
            None if self.data().is_some_and(|data| data.is_object()) => None,
            None => self.message_data.as_deref().map(Cow::Borrowed),
        }
    }
}

/// Reads rows of the `log` table: JSON Lines, or CSV with a heading line.
///
/// # Errors
/// The first line that is no row, by its number.
pub fn read_rows(text: &str) -> Result<Vec<LogRow>, LogError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut rows = if text.trim_start().starts_with('{') {
        read_json_lines(text)?
    } else {
        read_csv(text)?
    };
    rows.sort_by(|a, b| a.time_stamp.cmp(&b.time_stamp));
    Ok(rows)
}

fn read_json_lines(text: &str) -> Result<Vec<LogRow>, LogError> {
    let mut rows = Vec::new();
    for (line, row) in (1..)
        .zip(text.lines())
        .filter(|(_, row)| !row.trim().is_empty())
    {
        let read = serde_json::from_str(row);
        rows.push(read.map_err(|error| LogError::Line {
            line,
            why: error.to_string(),
        })?);
    }
    Ok(rows)
}

fn read_csv(text: &str) -> Result<Vec<LogRow>, LogError> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.as_bytes());
    let bad = |error: &csv::Error| LogError::Line {
        line: error.position().map_or(1, csv::Position::line),
        why: error.to_string(),
    };
    let headers = reader.headers().map_err(|error| bad(&error))?.clone();
    for needed in ["time_stamp", "event", "message_event", "message_data"] {
        if !headers.iter().any(|column| column == needed) {
            return Err(LogError::Column(needed));
        }
    }
    let rows = reader.deserialize();
    rows.map(|row| row.map_err(|error| bad(&error))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_from_json_lines_and_from_csv_alike() {
        let json = r#"{"time_stamp":"2026-01-02","event":"SEVERE","message_event":"error","message_data":"{\"message\":\"no\"}","sync_id":null}"#;
        let table = "id,time_stamp,event,message_event,message_data,sync_id\n\
                     1,2026-01-02,SEVERE,error,\"{\"\"message\"\":\"\"no\"\"}\",\n";
        let rows = read_rows(json).unwrap();
        assert_eq!(rows, read_rows(table).unwrap());
        assert_eq!(rows[0].message().as_deref(), Some("no"));
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_line() {
        let why = |text: &str| read_rows(text).unwrap_err().to_string();
        assert!(why("{\"event\":\"INFO\"}\n{\"event\":1}").starts_with("line 2: "));
        assert!(why("a,b\n1,2\n").contains("no column `time_stamp`"));
        assert_eq!(
            read_rows("time_stamp,event,message_event,message_data\n"),
            Ok(vec![])
        );
    }
}
