//! `syncgate webhook check | install`: Fivetran's webhook to this service.

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;
use secrecy::SecretString;

use super::assemble::{self, Assembled};
use super::{Failure, Outcome};
use crate::app::{Hooks, Installed, hooks_at};
use crate::config::{Problem, Problems, Settings, Variables};
use crate::fivetran::{Sent, Tried};
use crate::model::HOOK_EVENTS;
use crate::store::Access;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Says whether the webhook at SYNCGATE_PUBLIC_URL is as it should be; changes nothing
    Check,
    /// Registers the webhook, or repairs the one that is there. Start `serve` first: Fivetran tries it
    Install {
        /// Does not ask
        #[arg(long)]
        yes: bool,
    },
}

/// What both commands need.
struct Wanted {
    assembled: Assembled,
    address: String,
    /// The first of FIVETRAN_WEBHOOK_SECRET: the new one, while two are set.
    secret: SecretString,
    found: Hooks,
}

pub(super) async fn run(variables: &Variables, command: Command) -> Outcome {
    match command {
        Command::Check => check(wanted(variables, Access::ReadOnly).await?),
        Command::Install { yes } => install(wanted(variables, Access::Beside).await?, yes).await,
    }
}

async fn wanted(variables: &Variables, access: Access) -> Result<Wanted, Failure> {
    let (settings, file) = assemble::settings(variables)?;
    let (address, secret) = needs(&settings).map_err(|p| Failure::User(p.to_string()))?;
    let assembled = assemble::app(&settings, file, access).await?;
    let app = &assembled.app;
    let found = hooks_at(&app.fivetran, &address).await.map_err(|error| {
        let error = app.clean(error.to_string());
        Failure::User(format!(
            "The webhooks cannot be read: {error}. The system key needs WEBHOOK: READ to check and \
             WEBHOOK: MANAGE to install."
        ))
    })?;
    Ok(Wanted {
        address,
        secret,
        found,
        assembled,
    })
}

/// The address and the secret, or which setting is missing.
fn needs(settings: &Settings) -> Result<(String, SecretString), Problems> {
    let (address, secret) = (settings.webhook_address(), settings.webhook_secrets.first());
    let missing = |name, what: &str| Problem {
        name,
        what: format!("is not set; {what}"),
    };
    let mut problems = Vec::new();
    if address.is_none() {
        problems.push(missing(
            "SYNCGATE_PUBLIC_URL",
            "it is the https:// address at which Fivetran reaches this service",
        ));
    }
    if secret.is_none() {
        problems.push(missing(
            "FIVETRAN_WEBHOOK_SECRET",
            "make one, for example with `openssl rand -hex 32`, and start `serve` with it",
        ));
    }
    match (address, secret) {
        (Some(address), Some(secret)) => Ok((address, secret.clone())),
        _ => Err(Problems(problems)),
    }
}

fn check(wanted: Wanted) -> Outcome {
    let faults = wanted.found.faults();
    for fault in &faults {
        println!("{}", wanted.assembled.app.clean(fault.clone()));
    }
    if let Some(remark) = wanted.found.remark() {
        println!("Note: {remark}");
    }
    if !faults.is_empty() {
        println!("Run `syncgate webhook install`.");
        return Ok(ExitCode::from(1));
    }
    println!(
        "The webhook at {} is active and posts {}. Its secret nobody can read: `syncgate webhook \
         install` sets it again and lets Fivetran try it.",
        wanted.address,
        HOOK_EVENTS.join(", ")
    );
    Ok(ExitCode::SUCCESS)
}

async fn install(wanted: Wanted, yes: bool) -> Outcome {
    let (app, address) = (&wanted.assembled.app, &wanted.address);
    let events = HOOK_EVENTS.join(", ");
    let what = match wanted.found.ours.first() {
        None => format!("A webhook for {events} is registered at {address}"),
        Some(hook) => format!("The webhook {} at {address} is set to {events}", hook.id),
    };
    println!("{what}, with the secret in FIVETRAN_WEBHOOK_SECRET.");
    if !yes && !agreed()? {
        println!("Nothing was changed. Answer y, or run it with --yes.");
        return Ok(ExitCode::from(1));
    }
    if let Some(remark) = wanted.found.remark() {
        println!("Note: {remark}");
    }
    match app.install_webhook(address, &wanted.secret).await? {
        Installed::Failed(why) => {
            println!("It did not work: {why}.");
            println!(
                "Is `syncgate serve` running, and does {address} lead to it? Fivetran tries the address \
                 before it registers it."
            );
            Ok(ExitCode::from(1))
        }
        Installed::Stands { id, new, tried } => {
            let done = if new { "Registered" } else { "Repaired" };
            println!("{done}: {id}.");
            told(&tried)
        }
    }
}

fn agreed() -> Result<bool, Failure> {
    print!("Go on? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn told(tried: &Tried) -> Outcome {
    match tried {
        Tried::Taken => {
            println!("Fivetran posted a trial event, and it was taken.");
            return Ok(ExitCode::SUCCESS);
        }
        Tried::Refused { status: 401, .. } => println!(
            "But the trial event was refused: the running `serve` has another FIVETRAN_WEBHOOK_SECRET. \
             Start it with this one."
        ),
        Tried::Refused { status, message } => println!(
            "But the trial event was not taken ({status} {message}): look whether `serve` runs and the \
             address leads to it."
        ),
        Tried::NotTried(Sent::NotSent { why }) => println!("But it was not tried: {why}."),
        Tried::NotTried(_) => println!("But it was not tried."),
    }
    Ok(ExitCode::from(1))
}
