//! `syncgate audit verify | show | export`: reads only, also while the service runs.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};

use super::{Failure, Outcome};
use crate::config::Variables;
use crate::model::audit::Record;
use crate::store::{Access, Store};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Walks the whole chain; names the first record that is not as it was written
    Verify {
        /// A head seen elsewhere, as a card's footer shows it: `12:3f9a41c07b2e55d0`; may be repeated
        #[arg(long, value_name = "NUMBER:HASH")]
        witness: Vec<String>,
    },
    /// The story of one proposal
    Show {
        /// Its number
        proposal: i64,
    },
    /// Every record, oldest first
    Export {
        /// The form
        #[arg(long, value_enum, default_value_t = Form::Jsonl)]
        format: Form,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// One JSON object a line
    Jsonl,
    /// Comma-separated, with a header
    Csv,
}

pub(super) async fn run(variables: &Variables, command: Command) -> Outcome {
    let (store, _lock) = Store::open(variables.database(), Access::ReadOnly)
        .await
        .map_err(|error| Failure::User(error.to_string()))?;
    match command {
        Command::Verify { witness } => verify(&store, &witness).await,
        Command::Show { proposal } => show(&store, proposal).await,
        Command::Export { format } => export(&store, format).await,
    }
}

async fn verify(store: &Store, witnesses: &[String]) -> Outcome {
    let mut heads = Vec::with_capacity(witnesses.len());
    for witness in witnesses {
        heads.push(head_of(witness).ok_or_else(|| {
            Failure::User(format!(
                "--witness: `{witness}` is no head; copy it from a card's footer: 12:3f9a41c07b2e55d0"
            ))
        })?);
    }
    let seen = heads.len();
    let mut tx = store.snapshot().await?;
    let unguarded = tx.missing_guards().await?;
    match tx.verify_audit(heads).await? {
        Ok(head) => {
            println!(
                "The chain holds: {} records, head {}.",
                head.seq,
                head.short()
            );
            if seen == 0 {
                println!(
                    "Whether its newest records were cut off, or all of it was rewritten, only a head \
                     seen elsewhere can tell: compare with the footer of a card, or pass --witness."
                );
            }
            if unguarded.is_empty() {
                return Ok(ExitCode::SUCCESS);
            }
            println!(
                "But the database no longer refuses to change it. Missing triggers: {}. Find out who \
                 dropped them, and compare the chain with a head seen elsewhere.",
                unguarded.join(", ")
            );
            Ok(ExitCode::from(1))
        }
        Err(broken) => {
            println!("The chain is broken: {broken}.");
            Ok(ExitCode::from(1))
        }
    }
}

fn head_of(text: &str) -> Option<(i64, String)> {
    let text = text.trim_start_matches('#');
    let (seq, hash) = text.split_once([':', ' '])?;
    let hash = hash.trim().to_lowercase();
    // Fewer digits could be met by trying.
    let is_hash = hash.len() >= 12 && hash.chars().all(|c| c.is_ascii_hexdigit());
    let seq = seq.parse().ok().filter(|seq| *seq > 0)?;
    is_hash.then_some((seq, hash))
}

async fn show(store: &Store, proposal: i64) -> Outcome {
    let records = store
        .snapshot()
        .await?
        .audit_of(&format!("proposal:{proposal}"))
        .await?;
    if records.is_empty() {
        return Err(Failure::User(format!("There is no proposal {proposal}.")));
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    for record in records {
        writeln!(
            out,
            "{:>6}  {}  {:<22} {}",
            record.seq, record.at, record.code, record.actor
        )?;
        writeln!(out, "        {}", record.body)?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

async fn export(store: &Store, form: Form) -> Outcome {
    let out = BufWriter::new(std::io::stdout().lock());
    let mut tx = store.snapshot().await?;
    match form {
        Form::Jsonl => {
            let mut out = out;
            let line = |record: Record| -> Result<(), Failure> {
                serde_json::to_writer(&mut out, &record)?;
                writeln!(out)?;
                Ok(())
            };
            tx.audit_records(line).await?;
            out.flush()?;
        }
        Form::Csv => {
            let mut table = csv::Writer::from_writer(out);
            let line = |record: Record| -> Result<(), Failure> { Ok(table.serialize(record)?) };
            tx.audit_records(line).await?;
            table.flush()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
