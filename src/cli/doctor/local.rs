//! What can be looked at on this machine: settings, the policy file, the database.

use std::sync::Arc;

use super::Patient;
use super::report::Finding;
use crate::config::Problems;
use crate::policy::Policy;
use crate::store::{Access, Inspection, OpenError, Store};
use crate::triage::redact::Redactor;

/// Every setting that is missing or wrong, or that none is.
pub(super) fn settings(wrong: Option<&Problems>) -> Vec<Finding> {
    match wrong {
        None => vec![Finding::ok("settings", "complete")],
        Some(Problems(problems)) => problems
            .iter()
            .map(|problem| {
                let mend = "Set it in the environment or in .env.";
                Finding::fail(problem.name, problem.what.clone(), mend)
            })
            .collect(),
    }
}

/// The policy file, and what it leaves to wonder about.
pub(super) fn policy(loaded: &Result<(Arc<Policy>, Redactor), String>) -> Vec<Finding> {
    const CHECK: &str = "policy";
    let policy = match loaded {
        Ok((policy, _)) => policy,
        Err(wrong) => {
            let mend = "Mend the file; `syncgate policy check` shows it line by line.";
            return vec![Finding::fail(CHECK, wrong.clone(), mend)];
        }
    };
    let channels: Vec<String> = policy.channels().iter().map(ToString::to_string).collect();
    let found = format!(
        "good, hash {}, channels {}",
        policy.short_hash(),
        channels.join(", ")
    );
    let remarks = policy.remarks().into_iter();
    let remarks =
        remarks.map(|remark| Finding::warn(CHECK, remark, "Look whether it is meant so."));
    [Finding::ok(CHECK, found)]
        .into_iter()
        .chain(remarks)
        .collect()
}

/// The database, read only: a running service is not disturbed.
pub(super) async fn database(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "database";
    let opened = Store::open(patient.variables.database(), Access::ReadOnly).await;
    let store = match opened {
        Ok((store, _lock)) => store,
        Err(missing @ OpenError::Missing(_)) => {
            let mend = "Nothing to do before the first start.";
            return vec![Finding::warn(CHECK, missing.to_string(), mend)];
        }
        Err(error) => {
            let mend = "Look whether the address, the user and the rights are right.";
            return vec![Finding::fail(CHECK, error.to_string(), mend)];
        }
    };
    match inspect(&store).await {
        Ok(inspection) => vec![tables(&inspection), durability(&inspection)],
        Err(error) => {
            let mend = "Look whether the address leads to Syncgate's own database.";
            vec![Finding::fail(CHECK, error.to_string(), mend)]
        }
    }
}

async fn inspect(store: &Store) -> crate::store::Result<Inspection> {
    store.snapshot().await?.inspect().await
}

fn tables(inspection: &Inspection) -> Finding {
    const CHECK: &str = "database";
    let Inspection {
        version,
        schema,
        known,
        ..
    } = inspection;
    match schema {
        Some(schema) if schema == known => {
            Finding::ok(CHECK, format!("{version} opens, its tables are up to date"))
        }
        Some(schema) => Finding::warn(
            CHECK,
            format!("{version} opens, its tables are of version {schema} and not {known}"),
            "The next start of `syncgate serve` brings them up to date.",
        ),
        None => Finding::warn(
            CHECK,
            format!("{version} opens and is empty"),
            "The first start of `syncgate serve` makes the tables.",
        ),
    }
}

fn durability(inspection: &Inspection) -> Finding {
    const CHECK: &str = "durability";
    let settings = inspection.durability.iter();
    let settings: Vec<String> = settings.map(|(name, is)| format!("{name} {is}")).collect();
    let found = settings.join(", ");
    if inspection.is_durable {
        Finding::ok(CHECK, found)
    } else {
        let mend = "A power cut can lose what was acknowledged: take these settings out of DATABASE_URL \
                    or of the server's configuration.";
        Finding::warn(CHECK, found, mend)
    }
}
