//! From a failed connection and its log rows to a cause whose every quotation is proved.

use super::analyst;
use super::brief::{Brief, origin_of};
use super::case::{ApiStatus, Case, Listed, LogRow, StatusNotice};
use super::catalogue::Catalogue;
use super::changes;
use super::cite::Sources;
use super::redact::Redactor;
use super::story;
use crate::model::{Cause, Connection, LogRead, Notice, Quote};

/// Characters of the words that say where a quotation stands, at most.
const ORIGIN: usize = 150;

/// What is known of a failure.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The connection as it was read.
    pub connection: Connection,
    /// What the sync said at its end, where a webhook told it.
    pub reason: Option<String>,
    /// Rows of the log, in the order of their times.
    pub rows: Vec<LogRow>,
    /// What Fivetran's diagnosis endpoints say.
    pub listed: Vec<Listed>,
    /// What was changed in the day before, in the order of their times.
    pub changes: Vec<LogRow>,
    /// What came of the log.
    pub log: LogRead,
}

impl Evidence {
    /// The cause, and what a model may be asked about it. The analyst sees the evidence as `redactor` leaves it; of what it quotes, only what
    /// stands there word for word is kept (SPEC I6).
    pub fn cause(self, catalogue: &Catalogue, redactor: &Redactor) -> (Cause, Brief) {
        let log = self.log;
        let case = redacted(self.case(), redactor);
        let judgement = analyst::judge(&case, catalogue, redactor);
        let proved = judgement.evidence.into_iter();
        let quotes = proved.filter_map(|text| {
            // An event's name is foreign too; a card has no room for more.
            let origin = origin(&case, &text)?.chars().take(ORIGIN).collect();
            Some(Quote { origin, text })
        });
        let names = judgement.actions.iter().map(|name| name.as_str());
        let cause = Cause {
            category: judgement.category.as_str().to_owned(),
            // Between 0 and 100, so nothing is cut off.
            percent: (judgement.confidence.clamp(0.0, 1.0) * 100.0).round() as u8,
            summary: judgement.root_cause,
            quotes: quotes.collect(),
            remedies: names.map(str::to_owned).collect(),
            log,
            before: before(&case.changes),
            family: judgement.family,
            opinion: None,
        };
        (cause, Brief::of(&case, catalogue))
    }

    fn case(self) -> Case {
        let connection = &self.connection;
        let notices = |notices: &[Notice]| notices.iter().map(notice).collect();
        let mut logs = without_successes(self.rows);
        // That it failed is known, whatever the log has of it.
        logs.push(end(&logs, self.reason.as_deref()));
        Case {
            id: connection.id.as_str().to_owned(),
            connector_service: connection.service.clone(),
            destination_service: String::new(),
            logs,
            changes: self.changes,
            api_status: ApiStatus {
                setup_state: connection.setup_state.as_str().to_owned(),
                sync_state: connection.sync_state.as_str().to_owned(),
                update_state: connection.update_state.as_str().to_owned(),
                rescheduled_for: connection.rescheduled_for.map(|at| at.to_rfc3339()),
                tasks: notices(&connection.tasks),
                warnings: notices(&connection.warnings),
                listed: self.listed,
            },
        }
    }
}

fn notice(notice: &Notice) -> StatusNotice {
    StatusNotice {
        code: notice.code.clone(),
        message: notice.message.clone(),
        details: notice.details.clone(),
    }
}

/// The rows that are not of a sync that took.
fn without_successes(mut rows: Vec<LogRow>) -> Vec<LogRow> {
    let took = |row: &LogRow| {
        let status = row.said("status").unwrap_or_default().to_uppercase();
        row.message_event == "sync_end" && matches!(status.as_str(), "SUCCESSFUL" | "SUCCESS")
    };
    let ended = rows.iter().filter(|row| took(row));
    let good: Vec<String> = ended.filter_map(|row| row.sync_id.clone()).collect();
    rows.retain(|row| !took(row) && row.sync_id.as_ref().is_none_or(|id| !good.contains(id)));
    rows
}

/// The end of the sync that failed, in the shape of the log, by what the webhook told.
fn end(rows: &[LogRow], reason: Option<&str>) -> LogRow {
    let data = match reason {
        Some(reason) => serde_json::json!({ "status": "FAILURE", "reason": reason }),
        None => serde_json::json!({ "status": "FAILURE" }),
    };
    LogRow {
        message_event: "sync_end".to_owned(),
        message_data: Some(data.to_string()),
        sync_id: rows.iter().rev().find_map(|row| row.sync_id.clone()),
        ..LogRow::default()
    }
}

/// The last changes, for people. They were redacted.
fn before(changes: &[LogRow]) -> Vec<Quote> {
    let told = changes.iter().rev().take(changes::TOLD).rev();
    let quotes = told.map(|row| Quote {
        origin: origin_of(row).chars().take(ORIGIN).collect(),
        text: changes::words(row),
    });
    quotes.collect()
}

/// The case without secrets, and without NUL, which not every database holds.
pub fn redacted(case: Case, redactor: &Redactor) -> Case {
    let clean = |text: &str| redactor.text(&text.replace('\0', "")).into_owned();
    let notices = |notices: Vec<StatusNotice>| -> Vec<StatusNotice> {
        let clean = |notice: StatusNotice| StatusNotice {
            code: clean(&notice.code),
            message: clean(&notice.message),
            details: notice.details.as_deref().map(clean),
        };
        notices.into_iter().map(clean).collect()
    };
    let listed = |listed: Vec<Listed>| {
        let clean = |listed: Listed| Listed {
            notice: notices(vec![listed.notice]).pop().unwrap_or_default(),
            ..listed
        };
        listed.into_iter().map(clean).collect()
    };
    let row = |row: LogRow| LogRow {
        time_stamp: clean(&row.time_stamp),
        event: clean(&row.event),
        message_event: clean(&row.message_event),
        message_data: row.message_data.as_deref().map(clean),
        ..row
    };
    Case {
        connector_service: clean(&case.connector_service),
        destination_service: clean(&case.destination_service),
        logs: case.logs.into_iter().map(row).collect(),
        changes: case.changes.into_iter().map(row).collect(),
        api_status: ApiStatus {
            tasks: notices(case.api_status.tasks),
            warnings: notices(case.api_status.warnings),
            listed: listed(case.api_status.listed),
            ..case.api_status
        },
        ..case
    }
}

/// Where quotations stand, for people; the case is redacted ([`redacted`]).
pub fn places(case: &Case, quotations: &[String]) -> Vec<Option<String>> {
    quotations.iter().map(|text| origin(case, text)).collect()
}

/// Where a quotation stands word for word; none, if nowhere.
fn origin(case: &Case, quotation: &str) -> Option<String> {
    let holds = |part: Case| Sources::of(&part).hold(quotation);
    // What was said in the sync that counts was often said in those before too.
    let mut rows = story::last_sync(&case.logs).into_iter().chain(&case.logs);
    let row = rows.find(|row| {
        let logs = vec![LogRow::clone(row)];
        holds(Case {
            logs,
            ..Case::default()
        })
    });
    if let Some(row) = row {
        return Some(origin_of(row));
    }
    let status = &case.api_status;
    let tasks = status.tasks.iter().map(|task| ("task", task));
    let warnings = status.warnings.iter().map(|warning| ("warning", warning));
    let own = tasks
        .chain(warnings)
        .map(|(kind, n)| (format!("{kind} {}", n.code), n));
    let listed = status
        .listed
        .iter()
        .map(|listed| (listed.place(), &listed.notice));
    let mut said = own.chain(listed);
    let said = said.find(|(_, notice)| {
        let tasks = vec![StatusNotice::clone(notice)];
        let api_status = ApiStatus {
            tasks,
            ..ApiStatus::default()
        };
        holds(Case {
            api_status,
            ..Case::default()
        })
    });
    said.map(|(place, _)| place)
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
