//! One row as it lies in a file: a JSON object or a record of a table, in any of the spellings in
//! which Fivetran's logs are exported (`reference/fivetran.md` §4).
//!
//! Known are the `log` table, with `connection_id` or the older `connector_id`; the lines of the
//! external log services and of webhooks, whose `event` is the `message_event` and whose `data` is the
//! `message_data`; the `connector_sdk_log` table, with `level` and a plain `message`. Names count in
//! any case, because some warehouses write them in capitals.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, json};

use super::case::LogRow;

/// The columns that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Id,
    Time,
    Level,
    Event,
    MessageEvent,
    Data,
    Message,
    Sync,
    Connection,
    Exception,
    Action,
    By,
    Way,
    Kind,
    Resource,
    Old,
    New,
}

impl Column {
    /// By its heading.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "id" => Self::Id,
            "time_stamp" | "event_time" | "created" | "timestamp" | "captured_at" => Self::Time,
            "level" | "severity" => Self::Level,
            "event" => Self::Event,
            "message_event" | "message_origin" => Self::MessageEvent,
            "message_data" | "data" => Self::Data,
            "message" | "msg" => Self::Message,
            "sync_id" => Self::Sync,
            "connection_id" | "connector_id" => Self::Connection,
            "exception_id" => Self::Exception,
            "action" => Self::Action,
            "user_id" => Self::By,
            "interaction_method" => Self::Way,
            "primary_resource_type" => Self::Kind,
            "primary_resource_id" => Self::Resource,
            "old_values" => Self::Old,
            "new_values" => Self::New,
            _ => return None,
        })
    }

    /// Whether a line of these headings begins a table of log rows.
    pub(super) fn are_a_heading(columns: &[Option<Self>]) -> bool {
        let has = |column| columns.contains(&Some(column));
        has(Self::Time) && (has(Self::Data) || has(Self::Message) || has(Self::Resource))
    }
}

/// What stands in the columns of one row.
#[derive(Debug, Default)]
pub(super) struct Fields {
    id: Option<String>,
    time: Option<String>,
    level: Option<String>,
    event: Option<String>,
    message_event: Option<String>,
    data: Option<String>,
    message: Option<String>,
    sync: Option<String>,
    connection: Option<String>,
    exception: bool,
    trail: Trail,
}

/// What stands in a row of `audit_trail`: who changed what, and how.
#[derive(Debug, Default)]
struct Trail {
    action: Option<String>,
    by: Option<String>,
    way: Option<String>,
    kind: Option<String>,
    resource: Option<String>,
    old: Option<String>,
    new: Option<String>,
}

impl Fields {
    /// Sets a column; the first value of one that stands there twice is kept.
    pub(super) fn set(&mut self, column: Column, value: String) {
        let place = match column {
            Column::Id => &mut self.id,
            Column::Time => &mut self.time,
            Column::Level => &mut self.level,
            Column::Event => &mut self.event,
            Column::MessageEvent => &mut self.message_event,
            Column::Data => &mut self.data,
            Column::Message => &mut self.message,
            Column::Sync => &mut self.sync,
            Column::Connection => &mut self.connection,
            Column::Action => &mut self.trail.action,
            Column::By => &mut self.trail.by,
            Column::Way => &mut self.trail.way,
            Column::Kind => &mut self.trail.kind,
            Column::Resource => &mut self.trail.resource,
            Column::Old => &mut self.trail.old,
            Column::New => &mut self.trail.new,
            Column::Exception => return self.exception = !value.is_empty(),
        };
        if !value.is_empty() {
            place.get_or_insert(value);
        }
    }

    /// The id of the row itself: some exports hold one twice.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether they are the names of the columns.
    pub(super) fn are_names(&self) -> bool {
        self.time.as_deref().and_then(Column::of) == Some(Column::Time)
    }

    /// The row; none where nothing in it is known.
    pub(super) fn row(mut self, number: u64) -> Option<LogRow> {
        if self.message_event.is_none() && self.trail.resource.is_some() {
            self.become_a_change();
        }
        let known = self.time.is_some() || self.event.is_some() || self.message_event.is_some();
        if !known && self.data.is_none() && self.message.is_none() {
            return None;
        }
        let is_table = self.message_event.is_some() || self.level.is_some();
        let (event, message_event) = match (is_table, self.event) {
            (true, event) => (event.or(self.level), self.message_event),
            (false, event) => (severity(event.as_deref(), self.exception), event),
        };
        Some(LogRow {
            time_stamp: self.time.unwrap_or_default(),
            event: level(event.unwrap_or_default()),
            message_event: message_event.unwrap_or_default(),
            message_data: self.data.or(self.message),
            sync_id: self.sync,
            connection_id: self.connection,
            number: Some(number),
            repeats: 0,
        })
    }
}

impl Fields {
    /// A row of `audit_trail` as a row of the log; of another resource than a connection, it is of none.
    fn become_a_change(&mut self) {
        let trail = std::mem::take(&mut self.trail);
        let kind = trail.kind.unwrap_or_default();
        let of_connection = matches!(kind.as_str(), "CONNECTION" | "CONNECTOR");
        let told = json!({
            "action": trail.action, "by": trail.by, "way": trail.way, "old": trail.old, "new": trail.new,
        });
        self.message_event = Some("audit_trail".to_owned());
        self.level = Some("INFO".to_owned());
        self.data = Some(told.to_string());
        self.connection = trail.resource.filter(|_| of_connection);
    }
}

/// An external log has no severity; what is an error says so by its name or its exception.
fn severity(event: Option<&str>, exception: bool) -> Option<String> {
    let level = match event {
        _ if exception => "SEVERE",
        Some("error") => "SEVERE",
        Some("warning" | "forced_resync_table") => "WARNING",
        // A row of the table without its message_event still has a level.
        Some("INFO" | "WARNING" | "SEVERE" | "ERROR") => return event.map(str::to_owned),
        _ => "INFO",
    };
    Some(level.to_owned())
}

/// The levels of other loggers in Fivetran's words.
fn level(word: String) -> String {
    match word.to_ascii_uppercase().as_str() {
        "WARN" | "WARNING" => "WARNING".to_owned(),
        "ERROR" | "FATAL" | "CRITICAL" | "ALERT" | "EMERGENCY" => "ERROR".to_owned(),
        "SEVERE" => "SEVERE".to_owned(),
        "INFO" | "DEBUG" | "TRACE" | "NOTICE" => "INFO".to_owned(),
        _ => word,
    }
}

/// Reads a JSON object, whose values may be of any kind.
impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row of a log")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Fields::default();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    match Column::of(&name) {
                        Some(column) => fields.set(column, as_text(map.next_value()?)),
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(fields)
            }
        }
        from.deserialize_map(Object)
    }
}

/// A text as it is, nothing as nothing, and any other value as JSON: some warehouses hold the data as
/// an object and not as its text.
fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
