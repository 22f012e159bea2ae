//! The account's log, as the Platform Connector would leave it in a folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::sim::fivetran::FivetranSim;

/// How soon a failure is in the log.
const SOON: Duration = Duration::from_millis(50);
/// The newest rows are kept.
const ROWS: usize = 2_000;

/// Writes the log as soon as something fails: in the demo nobody waits for the connector. It waits for
/// no webhook, so the rows are there when the card is made.
pub(super) async fn keep(fivetran: FivetranSim, folder: PathBuf) {
    let mut logged = Vec::new();
    loop {
        let failures = failures(&fivetran);
        if failures != logged {
            if let Err(error) = write(&fivetran, &folder) {
                tracing::warn!(%error, "the demo's log cannot be written");
            }
            logged = failures;
        }
        tokio::time::sleep(SOON).await;
    }
}

/// When which connection failed last.
fn failures(fivetran: &FivetranSim) -> Vec<(String, DateTime<Utc>)> {
    let lines = fivetran.panel().connections.into_iter();
    lines
        .filter_map(|line| Some((line.id, line.failed_at?)))
        .collect()
}

/// The newest rows of the log, as a whole file in the place of the last one.
fn write(fivetran: &FivetranSim, folder: &Path) -> anyhow::Result<()> {
    let rows = fivetran.log_rows();
    let mut text = String::new();
    for row in rows.iter().skip(rows.len().saturating_sub(ROWS)) {
        text.push_str(&serde_json::to_string(row)?);
        text.push('\n');
    }
    let unfinished = folder.join(".log.jsonl");
    std::fs::write(&unfinished, text)?;
    std::fs::rename(unfinished, folder.join("log.jsonl"))?;
    Ok(())
}
