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
    /// The line of the file that it begins on, counted from 1; none where it was read from no file.
    #[serde(skip)]
    pub number: Option<u64>,
    /// How many rows said the same, where this one speaks for them; 0 and 1 are this one alone.
    #[serde(skip)]
    pub repeats: u64,
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
    /// What Fivetran's diagnosis endpoints say, where the account has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<Listed>,
}

/// An item of a list that Fivetran keeps of a connection's troubles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listed {
    /// Which list, for people.
    pub origin: String,
    /// Whether it only warns.
    pub is_warning: bool,
    /// What it says.
    pub notice: StatusNotice,
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
    /// What was changed in the day before: rows that speak of no failure ([`super::changes`]).
    #[serde(skip)]
    pub changes: Vec<LogRow>,
}

impl Listed {
    /// Where it stands, for people.
    pub fn place(&self) -> String {
        format!("{}, {}", self.origin, self.notice.code)
    }
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
        match self.data() {
            Some(Value::Object(mut object)) => {
                let said = ["message", "reason", "error", "msg"];
                let text = said.iter().find_map(|key| match object.remove(*key) {
                    Some(Value::String(text)) => Some(text),
                    _ => None,
                });
                text.map(Cow::Owned)
            }
            _ => self.message_data.as_deref().map(Cow::Borrowed),
        }
    }
}
