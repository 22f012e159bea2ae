//! `syncgate plan`: computes and prints the plan. It needs the policy and the Fivetran key, no Slack
//! and no database, and runs beside a service.

use std::io::Write;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::Args;

use super::{Failure, Outcome, assemble};
use crate::app::{Change, PolicyFile, Preview, preview};
use crate::config::{Account, Variables};
use crate::fivetran;
use crate::model::{Action, Ctx, Mode};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Plan as of this moment, such as 2026-11-23T08:00:00+01:00 (RFC 3339); now, if not given
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<DateTime<Utc>>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    let wrong = "write a time with its zone, such as 2026-11-23T08:00:00+01:00";
    let parsed = DateTime::parse_from_rfc3339(text);
    parsed
        .map(|at| at.to_utc())
        .map_err(|error| format!("{error}; {wrong}"))
}

pub(super) async fn run(variables: &Variables, arguments: &Arguments) -> Outcome {
    let account = Account::read(variables);
    let secrets = account.as_ref().map(|account| account.own_secrets().into());
    let file = PolicyFile::new(variables.policy(), secrets.unwrap_or_default());
    let (account, loaded) = assemble::both(account, file.load())?;
    let (policy, redactor) = (loaded.policy, loaded.redactor);
    let ctx = Ctx::new(assemble::clock());
    let at = arguments.at.unwrap_or_else(|| ctx.now());
    let fivetran = assemble::fivetran(&account, fivetran::Settings::TIMEOUT, ctx)?;
    let plan = preview(&fivetran, &policy, &redactor, at).await;
    let plan = plan.map_err(|error| {
        let error = error.to_string();
        let told = redactor.text(&error);
        Failure::User(format!("Fivetran cannot be read: {told}"))
    })?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&plan)?)?;
    } else {
        write!(out, "{}", in_words(&plan, policy.timezone()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(plan: &Preview, tz: Tz) -> String {
    let number =
        |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut text = format!(
        "Plan from {} to {}: {} for {}.\n",
        clock_of(plan.at, tz),
        clock_of(plan.until, tz),
        number(plan.changes.len(), "change", "changes"),
        number(plan.connections, "connection", "connections"),
    );
    let mut channel = None;
    for change in &plan.changes {
        if channel != Some(&change.channel) {
            text.push_str(&format!("\n{}\n", change.channel));
            channel = Some(&change.channel);
        }
        text.push_str(&in_line(change, tz));
    }
    text
}

fn in_line(change: &Change, tz: Tz) -> String {
    let action = match &change.action {
        Action::SyncAt { time } => format!("sync at {}", clock_of(*time, tz)),
        Action::SyncNow { force: false } => "sync now".to_owned(),
        other => other.kind().to_string(),
    };
    let shadow = match change.mode {
        Mode::Shadow => " (shadow: shown only)",
        Mode::Copilot | Mode::Auto => "",
    };
    let decide_by = change.decide_by.map_or_else(String::new, |at| {
        format!("    decide by {}\n", clock_of(at, tz))
    });
    format!(
        "  {} {}: {action}{shadow}\n    {}\n{decide_by}",
        printable(&change.name),
        change.connection,
        printable(&change.reason),
    )
}

fn clock_of(at: DateTime<Utc>, tz: Tz) -> String {
    at.with_timezone(&tz).format("%a %F %H:%M %Z").to_string()
}

/// On one line, and without what a terminal would obey.
fn printable(text: &str) -> String {
    let harmless = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(harmless).collect()
}
