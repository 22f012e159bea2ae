//! `syncgate eval`: the analyst on labelled cases, so that a change of it can be measured.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::second::Analyst;
use super::{Failure, Outcome};
use crate::config::Variables;
use crate::triage::score::{LabelledCase, Prediction, Scores, score};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The cases, one JSON object a line: id, connector_service, destination_service, logs, api_status, and labels if there are any
    cases: PathBuf,
    /// Where to write the predictions, one JSON object a line
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) async fn run(variables: &Variables, arguments: &Arguments) -> Outcome {
    let cases = read(&arguments.cases)?;
    let analyst = Analyst::new(variables)?;
    let mut predictions = Vec::with_capacity(cases.len());
    let mut said: BTreeMap<String, usize> = BTreeMap::new();
    for case in &cases {
        let judged = analyst.judge(&case.case).await?;
        *said.entry(judged.model.unwrap_or_default()).or_default() += 1;
        predictions.push(Prediction {
            id: case.case.id.clone(),
            judgement: judged.judgement,
        });
    }
    if let Some(out) = &arguments.out {
        write(out, &predictions)?;
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} cases, judged by {}", cases.len(), analyst.name())?;
    for (model, times) in said.iter().filter(|(model, _)| !model.is_empty()) {
        writeln!(out, "  model {}: {times}", super::triage::printable(model))?;
    }
    if cases.iter().any(|case| case.labels.category.is_some()) {
        show(&score(&cases, &predictions), &mut out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Vec<LabelledCase>, Failure> {
    let cannot = |error| Failure::User(format!("cannot read {}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    let lines = (1..).zip(text.lines());
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    let read = lines.map(|(number, line)| {
        serde_json::from_str(line).map_err(|error| {
            let path = path.display();
            Failure::User(format!("{path}: line {number} is no case: {error}"))
        })
    });
    read.collect()
}

fn write(path: &Path, predictions: &[Prediction]) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| {
        Failure::User(format!("--out: cannot write {}: {error}", path.display()))
    };
    let mut file = BufWriter::new(File::create(path).map_err(cannot)?);
    for prediction in predictions {
        let line = serde_json::to_string(prediction)?;
        writeln!(file, "{line}").map_err(cannot)?;
    }
    file.flush().map_err(cannot)
}

fn show(scores: &Scores, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(
        out,
        "{} of them have labels; with 95 % intervals:",
        scores.cases
    )?;
    for (name, rate) in &scores.rates {
        let [value, low, high] = [rate.value, rate.low, rate.high].map(|part| part * 100.0);
        writeln!(out, "  {name:<20} {value:5.1} %  ({low:.1} to {high:.1})")?;
    }
    for harm in &scores.harm {
        writeln!(out, "  {harm}")?;
    }
    Ok(())
}
