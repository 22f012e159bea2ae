//! The command line: one file per subcommand.
//!
//! Data goes to stdout, logs and complaints to stderr. Exit codes: 0 done, 1 the user has to do
//! something, 2 a fault of ours.

mod assemble;
mod audit;
mod demo;
mod doctor;
mod eval;
mod explain;
mod logging;
mod operate;
mod plan;
mod policy;
mod second;
mod serve;
mod triage;
mod webhook;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::config::Variables;

/// A human gate in Slack in front of every change to your Fivetran syncs.
#[derive(Debug, Parser)]
#[command(name = "syncgate", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole product on this machine, with no account and no key: open the page it prints
    Demo,
    /// The service
    Serve,
    /// Checks every setting, key, right and address: one line each, with what to do
    Doctor {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Stops every execution at once, durably
    Halt {
        /// Why; stands on the cards and in the audit log
        reason: Vec<String>,
    },
    /// Lets executions go on
    Unhalt,
    /// How the service is: what waits, what is in force
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Ends every override in force: pauses and changed schedules are taken back now
    Restore,
    /// Computes and prints the plan; posts, stores and executes nothing
    Plan(plan::Arguments),
    /// The audit chain; reads only, also while the service runs
    #[command(subcommand)]
    Audit(audit::Command),
    /// The cause of a failure from a log extract; needs no Slack, no Fivetran and no database
    Triage(triage::Arguments),
    /// The analyst on labelled cases, with its scores
    Eval(eval::Arguments),
    /// The policy file
    #[command(subcommand)]
    Policy(policy::Command),
    /// Fivetran's webhook to this service
    #[command(subcommand)]
    Webhook(webhook::Command),
}

/// What went wrong, and whose turn it is.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The user has to do something: a setting, a file, an argument.
    User(String),
    /// A fault of ours or of the machine.
    Ours(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Ours(error.into())
    }
}

/// The result of a subcommand: 0, or 1 where the answer itself is bad news.
type Outcome = Result<ExitCode, Failure>;

/// Runs the command line.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no error; what cannot be written to a closed pipe is lost.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(1)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match run(arguments.command) {
        Ok(code) => code,
        Err(Failure::User(what)) => {
            eprintln!("{what}");
            ExitCode::from(1)
        }
        // `| head` has read enough: no fault of anybody's.
        Err(Failure::Ours(error)) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(Failure::Ours(error)) => {
            eprintln!("syncgate failed: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |cause: &(dyn std::error::Error + 'static)| {
        let io = cause.downcast_ref::<std::io::Error>();
        let kind = io.map(std::io::Error::kind).or_else(|| {
            cause
                .downcast_ref::<serde_json::Error>()
                .and_then(serde_json::Error::io_error_kind)
        });
        kind == Some(std::io::ErrorKind::BrokenPipe)
    };
    error.chain().any(closed)
}

fn run(command: Command) -> Outcome {
    // One provider for the whole process, before the first client is built: without it the first
    // TLS client panics. A second installation is refused, and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let variables = Variables::load(Path::new(".")).map_err(|e| Failure::User(e.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        match command {
            Command::Demo => demo::run(&variables).await,
            Command::Serve => serve::run(&variables).await,
            Command::Doctor { json } => doctor::run(&variables, json).await,
            Command::Halt { reason } => operate::halt(&variables, &reason).await,
            Command::Unhalt => operate::unhalt(&variables).await,
            Command::Status { json } => operate::status(&variables, json).await,
            Command::Restore => operate::restore(&variables).await,
            Command::Plan(arguments) => plan::run(&variables, &arguments).await,
            Command::Audit(command) => audit::run(&variables, command).await,
            Command::Triage(arguments) => triage::run(&variables, &arguments).await,
            Command::Eval(arguments) => eval::run(&variables, &arguments).await,
            Command::Policy(command) => policy::run(&variables, command).await,
            Command::Webhook(command) => webhook::run(&variables, command).await,
        }
    });
    // A thread that still waits for a name server would keep us for as long as that hangs.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}
