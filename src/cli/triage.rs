//! `syncgate triage`: the cause of a failure from a log extract, on the terminal.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::second::{Analyst, Judged};
use super::{Failure, Outcome};
use crate::config::Variables;
use crate::triage::analyst::Judgement;
use crate::triage::case::{Case, LogRow, read_rows};
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
    let analyst = Analyst::new(variables)?;
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
        if arguments.json {
            let id = connection;
            writeln!(
                out,
                "{}",
                serde_json::to_string(&Prediction { id, judgement })?
            )?;
        } else {
            writeln!(
                out,
                "{}",
                in_words(&connection, &judgement, model.as_deref())
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
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

fn in_words(connection: &str, judgement: &Judgement, model: Option<&str>) -> String {
    let mut text = match connection {
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
    use crate::triage::analyst;
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
                    logs,
                    ..Case::default()
                };
                in_words(&id, &analyst::judge(&case, &redactor), None)
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
        "#);
    }
}
