//! Reading a log: which sync counts, how it ended, at which end of the pipeline it stood, and who
//! said what about it. No opinion yet.

use super::case::{Case, LogRow};

/// How the sync that counts ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It took.
    Succeeded,
    /// It did not.
    Failed,
    /// Fivetran put it off.
    Rescheduled,
    /// A person, or a change of the settings, stopped it.
    Cancelled,
    /// There is no end of it in the log.
    Unknown,
}

/// Where the pipeline was at work when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Reading.
    Source,
    /// Loading.
    Destination,
}

/// How much a statement says about the failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// In passing.
    Warning,
    /// Fivetran's own words about the connection as it stands.
    Status,
    /// An error on the way.
    Error,
    /// The reason that the sync ended with.
    Reason,
}

/// Something that was said about the failure; it came from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Literally.
    pub text: String,
    /// How much it says.
    pub weight: Weight,
}

/// What a log tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// How the sync that counts ended.
    pub ending: Ending,
    /// Why it did, in the words of others; the weightiest first.
    pub statements: Vec<Statement>,
    /// Where it stood.
    pub side: Side,
    /// The literal status of the end, for those who want proof of a success.
    pub proof_of_ending: Option<String>,
}

/// Warnings that Fivetran writes when all is well.
const HARMLESS: [&str; 4] = [
    "column_type_widened",
    "skip_empty",
    "skip_table",
    "table_excluded_by_system",
];

impl Story {
    /// Reads a case.
    pub fn of(case: &Case) -> Self {
        let sync = last_sync(&case.logs);
        let end = sync
            .iter()
            .rev()
            .find(|row| row.message_event == "sync_end");
        let ending = end.map_or_else(|| ending_by_status(case), |row| ending(row));
        let mut statements = statements(&sync);
        statements.extend(notices(case, ending));
        statements.sort_by_key(|statement| std::cmp::Reverse(statement.weight));
        statements.dedup_by(|a, b| a.text == b.text);
        Self {
            ending,
            side: side(case, &sync),
            statements,
            proof_of_ending: end.and_then(|row| row.message_data.clone()),
        }
    }
}

/// The rows of the sync that counts: the last that ended, else the last that began. What stands
/// outside of any sync says nothing of one.
pub(super) fn last_sync(rows: &[LogRow]) -> Vec<&LogRow> {
    let of = |row: &LogRow| row.sync_id.clone();
    let ended = rows
        .iter()
        .rev()
        .find(|row| row.message_event == "sync_end");
    let last = ended.or_else(|| rows.iter().rev().find(|row| row.sync_id.is_some()));
    let Some(id) = last.map(of) else {
        return rows.iter().collect();
    };
    rows.iter().filter(|row| row.sync_id == id).collect()
}

fn ending(end: &LogRow) -> Ending {
    let status = end.said("status").unwrap_or_default().to_uppercase();
    match status.as_str() {
        "SUCCESSFUL" | "SUCCESS" | "COMPLETED" => Ending::Succeeded,
        "RESCHEDULED" => Ending::Rescheduled,
        "CANCELED" | "CANCELLED" => Ending::Cancelled,
        _ if status.starts_with("FAIL") || end.event == "SEVERE" => Ending::Failed,
        _ => Ending::Unknown,
    }
}

/// Where the log does not say how it ended, the connection's own state does.
fn ending_by_status(case: &Case) -> Ending {
    let status = &case.api_status;
    let broken = status.setup_state == "broken" || !status.tasks.is_empty();
    match status.sync_state.as_str() {
        _ if broken || case.logs.iter().any(|row| row.event == "SEVERE") => Ending::Failed,
        "rescheduled" => Ending::Rescheduled,
        _ => Ending::Unknown,
    }
}

fn statements(sync: &[&LogRow]) -> Vec<Statement> {
    let said = |row: &&LogRow| {
        let weight = match (row.message_event.as_str(), row.event.as_str()) {
            ("sync_end", _) => Weight::Reason,
            (_, "SEVERE" | "ERROR") => Weight::Error,
            (_, "WARNING") if !is_harmless(row) => Weight::Warning,
            // Everything else is whatever the source felt like saying.
            _ => return None,
        };
        let text = row.message()?.into_owned();
        (!text.trim().is_empty()).then_some(Statement { text, weight })
    };
    sync.iter().filter_map(said).collect()
}

fn is_harmless(row: &LogRow) -> bool {
    let kind = row.said("type").unwrap_or_default();
    HARMLESS.contains(&kind.as_str())
}

fn notices(case: &Case, ending: Ending) -> Vec<Statement> {
    let status = &case.api_status;
    let tasks = status.tasks.iter().map(|task| (task, Weight::Status));
    let warnings = status.warnings.iter().map(|warning| {
        // Of a sync that took, what Fivetran warns of is all there is.
        let alone = ending == Ending::Succeeded;
        let weight = if alone {
            Weight::Status
        } else {
            Weight::Warning
        };
        (warning, weight)
    });
    let listed = status.listed.iter().map(|listed| {
        let weight = match listed.is_warning {
            true => Weight::Warning,
            false => Weight::Status,
        };
        (&listed.notice, weight)
    });
    let all = tasks.chain(warnings).chain(listed);
    let said = all.flat_map(|(notice, weight)| {
        let details = notice.details.clone().unwrap_or_default();
        [details, notice.message.clone()].map(|text| Statement { text, weight })
    });
    said.filter(|statement| !statement.text.trim().is_empty())
        .collect()
}

fn side(case: &Case, sync: &[&LogRow]) -> Side {
    let codes = case.api_status.tasks.iter().map(|task| task.code.as_str());
    let named = |code: &str| code.contains("warehouse") || code.contains("destination");
    let task = sync.iter().find_map(|row| row.said("taskType"));
    if codes.chain(task.as_deref()).any(named) {
        return Side::Destination;
    }
    let begun = |row: &&&LogRow| {
        let event = row.message_event.as_str();
        matches!(event, "write_to_table_start" | "write_to_table_end")
    };
    let loads = sync.iter().rev().find(begun);
    let summed_up = sync.iter().any(|row| {
        row.message_event == "extract_summary"
            && row.data().is_some_and(|data| data["status"] == "SUCCESS")
    });
    let read_since = |load: &LogRow| {
        let after = sync.iter().skip_while(|row| !std::ptr::eq(**row, load));
        after.skip(1).any(|row| {
            let event = row.message_event.as_str();
            matches!(
                event,
                "read_start" | "api_call" | "sql_query" | "processed_records"
            )
        })
    };
    match loads {
        Some(load) if load.message_event == "write_to_table_start" && !read_since(load) => {
            Side::Destination
        }
        _ if summed_up => Side::Destination,
        _ => Side::Source,
    }
}
