//! `syncgate policy check`: for the continuous integration of the team that owns the file; and
//! `syncgate policy explain`: who may do something, and why.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{Failure, Outcome, explain};
use crate::app::PolicyFile;
use crate::config::Variables;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Says what is wrong with the file, line by line
    Check {
        /// The file; SYNCGATE_POLICY or policy.yml, if not given
        file: Option<PathBuf>,
    },
    /// Says whether a person may do something to a connection, and by which rule; changes nothing
    Explain(explain::Arguments),
}

pub(super) async fn run(variables: &Variables, command: Command) -> Outcome {
    match command {
        Command::Check { file } => check(variables, file),
        Command::Explain(arguments) => explain::run(variables, arguments).await,
    }
}

fn check(variables: &Variables, file: Option<PathBuf>) -> Outcome {
    let path = file.unwrap_or_else(|| variables.policy());
    let loaded = PolicyFile::new(path, Vec::new())
        .load()
        .map_err(Failure::User)?;
    let policy = loaded.policy;
    println!("The policy is good. Its hash is {}.", policy.hash());
    for remark in policy.remarks() {
        println!("Note: {remark}");
    }
    Ok(ExitCode::SUCCESS)
}
