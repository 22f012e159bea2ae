//! `syncgate halt | unhalt | status | restore`: the emergency handles without Slack.

use std::process::ExitCode;
use std::time::Duration;

use super::assemble::{self, Assembled};
use super::{Failure, Outcome};
use crate::app::{Ran, halt_beside, unhalt_beside};
use crate::config::Variables;
use crate::model::StepState;
use crate::store::{Access, Store};

async fn beside(variables: &Variables) -> Result<Assembled, Failure> {
    let (settings, file) = assemble::settings(variables)?;
    assemble::app(&settings, file, Access::Beside).await
}

/// The database alone: an emergency handle must work when a key or the policy file is broken.
async fn database(variables: &Variables, access: Access) -> Result<Store, Failure> {
    let opened = Store::open(variables.database(), access).await;
    let (store, _lock) = opened.map_err(|error| Failure::User(error.to_string()))?;
    Ok(store)
}

pub(super) async fn halt(variables: &Variables, reason: &[String]) -> Outcome {
    let store = database(variables, Access::Beside).await?;
    let reason = (!reason.is_empty()).then(|| reason.join(" "));
    if halt_beside(&store, assemble::clock().now(), reason).await? {
        println!("Halted. Nothing is sent to Fivetran until `syncgate unhalt`.");
    } else {
        println!("Halted already.");
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn unhalt(variables: &Variables) -> Outcome {
    let store = database(variables, Access::Beside).await?;
    if unhalt_beside(&store, assemble::clock().now()).await? {
        println!("Unhalted. What is not past its time goes on.");
    } else {
        println!("Not halted: there is nothing to let go on.");
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn status(variables: &Variables, json: bool) -> Outcome {
    let store = database(variables, Access::ReadOnly).await?;
    let mut tx = store.snapshot().await?;
    let halt = tx.halted().await?;
    let overrides = tx.overrides().await?;
    let (inbox, _) = tx.inbox_backlog().await?;
    let (messages, _, dead) = tx.message_backlog().await?;
    let open = tx.open_steps().await?;
    let head = tx.audit_head().await?;
    if json {
        let overrides: Vec<_> = overrides
            .iter()
            .map(|o| serde_json::json!({
                "proposal": o.step.proposal, "connection": o.step.connection, "ends_at": o.ends_at,
            }))
            .collect();
        let status = serde_json::json!({
            "halted": halt.as_ref().map(|h| serde_json::json!({ "by": h.by, "reason": h.reason, "at": h.at })),
            "overrides": overrides,
            "deliveries_waiting": inbox,
            "messages_waiting": messages,
            "messages_given_up": dead,
            "actions_open": open,
            "audit_head": head,
        });
        println!("{status:#}");
        return Ok(ExitCode::SUCCESS);
    }
    match halt {
        Some(halt) => {
            let reason = halt
                .reason
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            println!(
                "HALTED by {} at {}{reason}",
                halt.by,
                halt.at.format("%F %T UTC")
            );
        }
        None => println!("not halted"),
    }
    for entry in &overrides {
        println!(
            "override: {} by proposal {}, {}",
            entry.step.connection,
            entry.step.proposal,
            match entry.ends_at {
                Some(end) => format!("ends {}", end.format("%F %T UTC")),
                None => "is being taken back".to_owned(),
            }
        );
    }
    println!("actions not settled: {open}");
    println!("deliveries waiting: {inbox}");
    println!("messages waiting: {messages}, given up: {dead}");
    println!("audit head: {}", head.short());
    Ok(ExitCode::SUCCESS)
}

/// How long `restore` waits for Fivetran to take everything back.
const PATIENCE: Duration = Duration::from_secs(120);

/// Takes every override back. It works beside a running service and without one: whoever claims a
/// step first carries it out, and nobody carries it out twice.
pub(super) async fn restore(variables: &Variables) -> Outcome {
    let Assembled { app, .. } = beside(variables).await?;
    let marked = app.restore().await?;
    println!("To be taken back: {marked}.");
    if let Some(halt) = app.store.snapshot().await?.halted().await? {
        println!(
            "Halted by {} at {}: run `syncgate unhalt` first; overrides are taken back after it.",
            halt.by,
            halt.at.format("%F %T UTC")
        );
        return Ok(ExitCode::from(1));
    }
    let began = app.ctx.monotonic();
    while began.elapsed() < PATIENCE {
        while app.run_sent_step().await? == Ran::Ran {}
        let mut tx = app.store.snapshot().await?;
        let (overrides, calls) = (tx.overrides().await?, tx.calls_that_may_hold().await?);
        drop(tx);
        if overrides
            .iter()
            .any(|held| matches!(held.step.state, StepState::Done { .. }))
        {
            // A reading has just shown that it took: it is in force too.
            app.restore().await?;
        } else if overrides.is_empty() && calls == 0 {
            println!("Done. Their cards follow as soon as the service runs.");
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!(
        "Not everything could be taken back yet: `syncgate status` lists what is left. A running \
         service goes on with it; without one, run `syncgate restore` again."
    );
    Ok(ExitCode::from(1))
}
