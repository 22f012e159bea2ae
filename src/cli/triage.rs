//! `syncgate triage`: the cause of a failure from a log extract, on the terminal.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::second::{Analyst, Judged};
use super::{Failure, Outcome};
use crate::config::Variables;
use crate::model::Warned;
use crate::triage::advice;
use crate::triage::analyst::{self, Judgement};
use crate::triage::case::{Case, LogRow, read_rows};
use crate::triage::catalogue::Catalogue;
use crate::triage::labels::Category;
use crate::triage::score::Prediction;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Rows of Fivetran's `log` table, as JSON Lines or as CSV with a heading; `-` reads stdin
    file: PathBuf,
    /// The connector's type, such as `postgres`
    #[arg(long, default_value = "")]
    connector: String,
    /// The destination's type, such as `snowflake`
    #[arg(long, default_value = "")]
    destination: String,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// A file of failures of your own, in place of those that the policy names; may be given again
    #[arg(long, value_name = "FILE")]
    catalogue: Vec<PathBuf>,
}

pub(super) async fn run(variables: &Variables, arguments: &Arguments) -> Outcome {
    let file = &arguments.file;
    let rows = read_rows(&read(file)?)
        .map_err(|error| Failure::User(format!("{}: {error}", file.display())))?;
    if rows.is_empty() {
        return Err(Failure::User(format!(
            "{}: there is no row in it",
            file.display()
        )));
    }
    let analyst = Analyst::new(variables, &arguments.catalogue)?;
    let mut out = std::io::stdout().lock();
    for (connection, logs) in by_connection(rows) {
        let case = Case {
            id: connection.clone(),
            connector_service: arguments.connector.clone(),
            destination_service: arguments.destination.clone(),
            logs,
            ..Case::default()
        };
        let Judged { judgement, model } = analyst.judge(&case).await?;
        let told = Told::of(&case, judgement, analyst.catalogue());
        if arguments.json {
            writeln!(out, "{}", serde_json::to_string(&told)?)?;
        } else {
            writeln!(out, "{}", in_words(&told, model.as_deref()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is told of one connection.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    prediction: Prediction,
    /// What would do harm, and how.
    do_not: Vec<String>,
    /// Where more is written.
    link: Option<String>,
}

impl Told {
    fn of(case: &Case, judgement: Judgement, catalogue: &Catalogue) -> Self {
        let (kind, family) = (judgement.category, judgement.family.as_deref());
        let sure = judgement.confidence >= analyst::LIKELY && kind != Category::NoFailure;
        let warnings = advice::warnings(catalogue, kind, family);
        let told = |w: &Warned| format!("{} ({})", w.deeds.join(" or "), w.harm);
        let (from, to) = (&case.connector_service, &case.destination_service);
        let page = catalogue.page(kind, family, from, to);
        Self {
            do_not: warnings.iter().filter(|_| sure).map(told).collect(),
            link: page.filter(|_| sure).map(|page| page.as_str().to_owned()),
            prediction: Prediction {
                id: case.id.clone(),
                judgement,
            },
        }
    }
}

/// The text of a file, or of stdin.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(path).map(|read| bytes = read)
    };
    let cannot = |why: &dyn std::fmt::Display| {
        Failure::User(format!("cannot read {}: {why}", path.display()))
    };
    read.map_err(|error| cannot(&error))?;
    String::from_utf8(bytes).map_err(|_| cannot(&"it is not UTF-8 text"))
}

fn by_connection(rows: Vec<LogRow>) -> BTreeMap<String, Vec<LogRow>> {
    let mut connections: BTreeMap<String, Vec<LogRow>> = BTreeMap::new();
    for row in rows {
        let connection = row.connection_id.clone().unwrap_or_default();
        connections.entry(connection).or_default().push(row);
    }
    connections
}

fn in_words(told: &Told, model: Option<&str>) -> String {
    let judgement = &told.prediction.judgement;
    let mut text = match told.prediction.id.as_str() {
        "" => String::new(),
        connection => format!("{connection}\n"),
    };
    let percent = judgement.confidence * 100.0;
    let sure = judgement.certainty();
    text.push_str(&format!(
        "Cause: {}, {sure} ({percent:.0} %)\n",
        judgement.category
    ));
    text.push_str(&format!("  {}\n", printable(&judgement.root_cause)));
    for quotation in &judgement.evidence {
        text.push_str(&format!("Proof: {}\n", printable(quotation)));
    }
    let actions: Vec<_> = judgement
        .actions
        .iter()
        .map(|action| action.as_str())
        .collect();
    text.push_str(&format!("To do: {}\n", actions.join(", ")));
    for deed in &told.do_not {
        text.push_str(&format!("Do not: {deed}\n"));
    }
    if let Some(link) = &told.link {
        text.push_str(&format!("More: {link}\n"));
    }
    if let Some(model) = model {
        text.push_str(&format!("Model: {}\n", printable(model)));
    }
    text
}

/// On one line, and without what a terminal would obey.
pub(super) fn printable(quotation: &str) -> String {
    let harmless = |c: char| if c.is_control() { ' ' } else { c };
    quotation.chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::redact::Redactor;

    #[test]
    fn each_connection_of_a_log_is_told_in_words() {
        let log = concat!(
            r#"{"time_stamp":"1","connection_id":"b","event":"SEVERE","message_event":"sync_end","message_data":"{\"status\":\"FAILURE\",\"reason\":\"no such host db.internal\"}","sync_id":"s"}"#,
            "\n",
            r#"{"time_stamp":"2","connection_id":"a","event":"INFO","message_event":"sync_end","message_data":"{\"status\":\"SUCCESSFUL\"}","sync_id":"t"}"#,
        );
        let redactor = Redactor::new(&[]).unwrap();
        let told = by_connection(read_rows(log).unwrap())
            .into_iter()
            .map(|(id, logs)| {
                let case = Case {
                    id,
                    logs,
                    ..Case::default()
                };
                let catalogue = Catalogue::shipped();
                let judgement = analyst::judge(&case, catalogue, &redactor);
                in_words(&Told::of(&case, judgement, catalogue), None)
            });
        let told: Vec<_> = told.collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        a
        Cause: no_failure, confirmed (95 %)
          The last sync succeeded.
        Proof: {"status":"SUCCESSFUL"}
        To do: none

        b
        Cause: network_unreachable, confirmed (95 %)
          The source (type unknown) cannot be reached from Fivetran: its name does not resolve, or its address and port do not answer.
        Proof: no such host db.internal
        To do: open_network_human
        Do not: re-sync tables or re-sync the history (it mends nothing, and reads and costs much)
        More: https://fivetran.com/docs/connectors
        "#);
    }
}
