//! `syncgate doctor`: everything that `serve` needs, looked at without changing anything. One line
//! for each check: how it is, and what to do.
//!
//! The checks run side by side and each has its time: a peer that hangs costs some seconds, not the
//! answer.

mod fivetran;
mod local;
mod log;
mod model;
mod report;
mod slack;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use self::report::{Finding, Level};
use super::{Outcome, assemble};
use crate::app::PolicyFile;
use crate::config::{Settings, Variables};
use crate::model::Ctx;
use crate::policy::Policy;
use crate::triage::redact::Redactor;

/// For one question to a peer.
const ONE_CALL: Duration = Duration::from_secs(4);
/// For all questions to one peer, which may follow each other.
const ONE_PEER: Duration = Duration::from_secs(12);

/// What the checks look at.
struct Patient<'a> {
    ctx: Ctx,
    variables: &'a Variables,
    /// Unset where a setting is missing or wrong: then nobody can be asked anything.
    settings: Option<Settings>,
    /// Unset where the file is missing or wrong.
    policy: Option<Arc<Policy>>,
}

pub(super) async fn run(variables: &Variables, json: bool) -> Outcome {
    let read = Settings::read(variables);
    let secrets = read.as_ref().map(Settings::own_secrets).unwrap_or_default();
    let loaded = PolicyFile::new(variables.policy(), secrets.clone()).load();
    let redactor = match &loaded {
        Ok((_, redactor)) => redactor.clone(),
        Err(_) => Redactor::new(&[])?.with_known(secrets),
    };
    let mut findings = local::settings(read.as_ref().err());
    let policy = local::policy(&loaded);
    let patient = Patient {
        ctx: Ctx::new(assemble::clock()),
        variables,
        settings: read.ok(),
        policy: loaded.ok().map(|(policy, _)| policy),
    };
    let (log, database, slack, fivetran, model) = tokio::join!(
        in_time("log source", log::check(&patient)),
        in_time("database", local::database(&patient)),
        in_time("Slack", slack::check(&patient)),
        in_time("Fivetran", fivetran::check(&patient)),
        in_time("model", model::check(&patient)),
    );
    let checked = [log, policy, database, slack, fivetran, model];
    findings.extend(checked.into_iter().flatten());
    for finding in &mut findings {
        finding.redact(&redactor);
    }
    report::print(&findings, json)?;
    let bad = findings.iter().any(|finding| finding.level == Level::Fail);
    Ok(if bad {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    })
}

/// The findings of one group of checks, or that they took too long.
async fn in_time(what: &'static str, checks: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    let late = |_| {
        let found = format!("no answer within {} s", ONE_PEER.as_secs());
        vec![Finding::fail(
            what,
            found,
            "Look whether it can be reached from here.",
        )]
    };
    tokio::time::timeout(ONE_PEER, checks)
        .await
        .unwrap_or_else(late)
}
