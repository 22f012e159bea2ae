//! `syncgate triage`: the cause of a failure from a log extract, on the terminal.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
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
use crate::triage::case::{Case, LogRow};
use crate::triage::catalogue::Catalogue;
use crate::triage::cut::Cut;
use crate::triage::labels::Category;
use crate::triage::reading::{self, Reading, Taking};
use crate::triage::redact::Redactor;
use crate::triage::score::Prediction;

/// Bytes of the longest line that is read as a row.
const LONGEST_LINE: usize = 16 << 20;
/// Connections of one file that are judged, the first that it names.
const CONNECTIONS: usize = 1_000;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Rows of Fivetran's `log` table, as JSON Lines or as CSV with a heading, or plain text such as a
    /// pasted error; `-` reads stdin
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
    let analyst = Analyst::new(variables, &arguments.catalogue)?;
    let mut log = Log::new(analyst.redactor());
    let read = log
        .read(file)
        .map_err(|error| Failure::User(format!("cannot read {}: {error}", file.display())))?;
    if let Some(told) = log.left_out(&read) {
        eprintln!("{}: {told}", file.display());
    }
    if read.rows == 0 {
        let file = file.display();
        return Err(Failure::User(format!("{file}: there is no row in it")));
    }
    let mut out = std::io::stdout().lock();
    for (connection, cut) in log.connections() {
        let (logs, changes) = cut.into_rows();
        let case = Case {
            id: connection.clone(),
            connector_service: arguments.connector.clone(),
            destination_service: arguments.destination.clone(),
            logs,
            changes,
            ..Case::default()
        };
        let Judged { judgement, model } = analyst.judge(&case).await?;
        let told = Told::of(&case, judgement, analyst.catalogue());
        if arguments.json {
            writeln!(out, "{}", serde_json::to_string(&told)?)?;
        } else {
            let lines = analyst.places(&case, &told.prediction.judgement.evidence);
            writeln!(out, "{}", in_words(&told, &lines, model.as_deref()))?;
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

/// What is kept of a file, by connection.
struct Log<'a> {
    redactor: &'a Redactor,
    cuts: BTreeMap<String, Cut>,
    /// Rows of connections for which there was no room.
    crowded: u64,
    structured: bool,
}

impl<'a> Log<'a> {
    fn new(redactor: &'a Redactor) -> Self {
        Self {
            redactor,
            cuts: BTreeMap::new(),
            crowded: 0,
            structured: false,
        }
    }

    fn read(&mut self, path: &Path) -> std::io::Result<Reading> {
        if path == Path::new("-") {
            return self.read_from(&mut std::io::stdin().lock());
        }
        self.read_from(&mut BufReader::with_capacity(64 << 10, File::open(path)?))
    }

    fn read_from(&mut self, from: &mut impl BufRead) -> std::io::Result<Reading> {
        let taking = Taking {
            longest: LONGEST_LINE,
            plain: true,
        };
        reading::read(from, taking, &|| false, &mut |row| self.see(row))
    }

    fn see(&mut self, row: LogRow) {
        let connection = row.connection_id.clone().unwrap_or_default();
        self.structured |= !connection.is_empty();
        if self.cuts.len() >= CONNECTIONS && !self.cuts.contains_key(&connection) {
            self.crowded += 1;
            return;
        }
        let new = || Cut::new(self.redactor);
        self.cuts.entry(connection).or_insert_with(new).see(row);
    }

    /// What of the file is not in the judgement, in words.
    fn left_out(&self, read: &Reading) -> Option<String> {
        let mut told = Vec::new();
        if read.passed_over > 0 {
            let first: Vec<String> = read.first.iter().map(u64::to_string).collect();
            let more = match read.passed_over > first.len() as u64 {
                true => ", …",
                false => "",
            };
            let numbers = first.join(", ");
            told.push(match read.passed_over {
                1 => format!("line {numbers} cannot be read and was passed over"),
                many => {
                    format!("{many} lines cannot be read and were passed over: {numbers}{more}")
                }
            });
        }
        if self.crowded > 0 {
            let rows = self.crowded;
            told.push(format!(
                "more than {CONNECTIONS} connections; {rows} rows of others were passed over"
            ));
        }
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// By connection. Lines that name none, before a table or between its rows, are no connection.
    fn connections(mut self) -> BTreeMap<String, Cut> {
        if self.structured {
            self.cuts.remove("");
        }
        self.cuts
    }
}

fn in_words(told: &Told, places: &[Option<String>], model: Option<&str>) -> String {
    let judgement = &told.prediction.judgement;
    let mut text = match told.prediction.id.as_str() {
        "" => String::new(),
        connection => format!("{}\n", printable(connection)),
    };
    let percent = judgement.confidence * 100.0;
    let sure = judgement.certainty();
    text.push_str(&format!(
        "Cause: {}, {sure} ({percent:.0} %)\n",
        judgement.category
    ));
    text.push_str(&format!("  {}\n", printable(&judgement.root_cause)));
    for (quotation, place) in judgement.evidence.iter().zip(places) {
        let place = place
            .as_deref()
            .map(|place| format!(" ({})", printable(place)));
        let place = place.unwrap_or_default();
        text.push_str(&format!("Proof{place}: {}\n", printable(quotation)));
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
    use crate::triage::cause;

    #[test]
    fn each_connection_of_a_log_is_told_in_words() {
        let log = concat!(
            r#"{"time_stamp":"1","connection_id":"b","event":"SEVERE","message_event":"sync_end","message_data":"{\"status\":\"FAILURE\",\"reason\":\"no such host db.internal\"}","sync_id":"s"}"#,
            "\n",
            r#"{"time_stamp":"2","connection_id":"a","event":"INFO","message_event":"sync_end","message_data":"{\"status\":\"SUCCESSFUL\"}","sync_id":"t"}"#,
        );
        let redactor = Redactor::new(&[]).unwrap();
        let mut read = Log::new(&redactor);
        read.read_from(&mut log.as_bytes()).unwrap();
        let told = read.connections().into_iter().map(|(id, cut)| {
            let case = Case {
                id,
                logs: cut.into_rows().0,
                ..Case::default()
            };
            let catalogue = Catalogue::shipped();
            let judgement = analyst::judge(&case, catalogue, &redactor);
            let places = cause::places(&case, &judgement.evidence);
            in_words(&Told::of(&case, judgement, catalogue), &places, None)
        });
        let told: Vec<_> = told.collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        a
        Cause: no_failure, confirmed (95 %)
          The last sync succeeded.
        Proof (log row of 2, INFO sync_end, line 2): {"status":"SUCCESSFUL"}
        To do: none

        b
        Cause: network_unreachable, confirmed (95 %)
          The source (type unknown) cannot be reached from Fivetran: its name does not resolve, or its address and port do not answer.
        Proof (log row of 1, SEVERE sync_end, line 1): no such host db.internal
        To do: open_network_human
        Do not: re-sync tables or re-sync the history (it mends nothing, and reads and costs much)
        More: https://fivetran.com/docs/connectors
        "#);
    }
}
