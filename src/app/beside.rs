//! Halt and unhalt from the terminal: they need the database and nothing else, neither keys nor a
//! policy that can be read. Whoever serves tells Slack ([`super::App::announce_halt`]).

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::model::Actor;
use crate::model::audit::Entry;
use crate::store::{Halt, Store};
use crate::triage::redact::Redactor;

/// Stops every execution; says whether that is new.
///
/// # Errors
/// When the database does not answer.
pub async fn halt_beside(
    store: &Store,
    now: DateTime<Utc>,
    reason: Option<String>,
) -> anyhow::Result<bool> {
    let redactor = Redactor::new(&[])?;
    let reason = reason.map(|reason| redactor.text(&reason).into_owned());
    let halt = Halt {
        by: Actor::Operator,
        reason: reason.clone(),
        at: now,
    };
    let mut tx = store.begin().await?;
    if !tx.set_halt(&halt).await? {
        return Ok(false);
    }
    tx.audit(entry(now, "halt.set", json!({ "reason": reason })));
    tx.commit().await?;
    Ok(true)
}

/// Lets executions go on; says whether there was a halt.
///
/// # Errors
/// When the database does not answer.
pub async fn unhalt_beside(store: &Store, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let mut tx = store.begin().await?;
    if !tx.clear_halt().await? {
        return Ok(false);
    }
    tx.audit(entry(now, "halt.cleared", json!({})));
    tx.commit().await?;
    Ok(true)
}

fn entry(at: DateTime<Utc>, code: &'static str, body: serde_json::Value) -> Entry {
    Entry {
        at,
        code,
        actor: Actor::Operator,
        subject: "halt".to_owned(),
        body,
    }
}
