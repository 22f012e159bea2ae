//! What was changed before a failure: the rows of a log in which somebody, or Fivetran itself, changed
//! a connection, its schema or a table. They prove no cause, and are told beside it.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde_json::Value;

use super::case::LogRow;
use super::cite::folded;

/// How long before a failure a change may matter.
pub const SPAN: TimeDelta = TimeDelta::hours(24);
/// Changes that are told.
pub const TOLD: usize = 6;
/// Characters of one of them.
const LONGEST: usize = 200;

/// The events that change something (`reference/fivetran.md` §4.3), in both spellings.
pub const EVENTS: [&str; 32] = [
    "alter_table",
    "audit_trail",
    "change_schema_config",
    "change_schema_config_via_api",
    "change_schema_config_via_sync",
    "connection_edit",
    "create_connection",
    "create_connector",
    "create_destination",
    "create_schema",
    "create_table",
    "delete_connection",
    "delete_connector",
    "delete_destination",
    "drop_table",
    "edit_connection",
    "edit_connector",
    "edit_destination",
    "force_update_connection",
    "force_update_connector",
    "forced_resync_connector",
    "forced_resync_table",
    "pause_connection",
    "pause_connector",
    "resume_connection",
    "resume_connector",
    "resync_connection",
    "resync_connector",
    "resync_table",
    "schema_migration_end",
    "schema_migration_start",
    "sync_connection",
];

/// Whether a row tells of a change.
pub fn is_change(row: &LogRow) -> bool {
    EVENTS.binary_search(&row.message_event.as_str()).is_ok()
}

/// What a change is, in the log's own words.
pub fn words(row: &LogRow) -> String {
    let data = match row.data() {
        Some(Value::Object(mut fields)) => {
            // An id is the connection's own, which everybody knows.
            fields.retain(|name, value| {
                !matches!(name.as_str(), "id" | "connectorId") && !value.is_null()
            });
            let said = fields
                .iter()
                .map(|(name, value)| format!("{name} {}", bare(value)));
            said.collect::<Vec<_>>().join(", ")
        }
        Some(other) => bare(&other),
        None => row.message_data.clone().unwrap_or_default(),
    };
    folded(&data).chars().take(LONGEST).collect()
}

fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The moment of a row: as Fivetran writes it, or with `T` and `Z`. Without a zone it is UTC.
pub fn moment(time_stamp: &str) -> Option<DateTime<Utc>> {
    let text = time_stamp.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let bare = text
        .trim_end_matches("UTC")
        .trim_end_matches('Z')
        .trim_end();
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    let read = |form: &&str| NaiveDateTime::parse_from_str(bare, form).ok();
    forms.iter().find_map(read).map(|at| at.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_the_words_of_its_row() {
        assert!(EVENTS.is_sorted());
        let row = |event: &str, data: &str| LogRow {
            message_event: event.to_owned(),
            message_data: Some(data.to_owned()),
            ..LogRow::default()
        };
        let altered = row(
            "alter_table",
            r#"{"type":"ADD_COLUMN","table":"lead","properties":{"columnName":"x"}}"#,
        );
        assert!(is_change(&altered));
        assert_eq!(
            words(&altered),
            r#"properties {"columnName":"x"}, table lead, type ADD_COLUMN"#
        );
        let edited = row(
            "edit_connector",
            r#"{"actor":"me","id":"orders_id","old":null}"#,
        );
        assert_eq!(words(&edited), "actor me");
        assert_eq!(words(&row("pause_connector", "no JSON")), "no JSON");
        assert!(!is_change(&row("api_call", "{}")));
    }
}
