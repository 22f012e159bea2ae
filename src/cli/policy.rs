//! `syncgate policy check`: for the continuous integration of the team that owns the file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{Failure, Outcome};
use crate::app::PolicyFile;
use crate::config::Variables;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Says what is wrong with the file, line by line
    Check {
        /// The file; SYNCGATE_POLICY or policy.yml, if not given
        file: Option<PathBuf>,
    },
}

pub(super) fn run(variables: &Variables, command: Command) -> Outcome {
    let Command::Check { file } = command;
    let path = file.unwrap_or_else(|| {
        variables
            .get("SYNCGATE_POLICY")
            .unwrap_or("policy.yml")
            .into()
    });
    let (policy, _) = PolicyFile::new(path, Vec::new())
        .load()
        .map_err(Failure::User)?;
    println!("The policy is good. Its hash is {}.", policy.hash());
    for remark in policy.remarks() {
        println!("Note: {remark}");
    }
    Ok(ExitCode::SUCCESS)
}
