//! Fivetran: the key, what it may read, and the webhook.

use super::report::Finding;
use super::{ONE_CALL, Patient};
use crate::cli::assemble;
use crate::config::Settings;
use crate::fivetran::{FivetranClient, ReadError};

const KEY: &str = "Fivetran key";
const CLOCK: &str = "Fivetran clock";
const CONNECTIONS: &str = "Fivetran connections";
const WEBHOOK: &str = "Fivetran webhook";

pub(super) async fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let Some(settings) = &patient.settings else {
        return nothing("the settings are not complete");
    };
    let fivetran = match assemble::fivetran(&settings.fivetran, ONE_CALL, patient.ctx.clone()) {
        Ok(fivetran) => fivetran,
        Err(error) => {
            let mend = "Look at FIVETRAN_API_URL.";
            return vec![Finding::fail(KEY, error.to_string(), mend)];
        }
    };
    let greeting = match fivetran.greet().await {
        Ok(greeting) => greeting,
        Err(error) => {
            let mut findings = nothing("Fivetran did not say who we are");
            findings[0] = Finding::fail(KEY, error.to_string(), remedy(&error));
            return findings;
        }
    };
    let account = &greeting.account;
    let found = match &account.identity {
        Some(identity) => format!("valid: {identity} in the account {}", account.name),
        None => format!("valid: in the account {}", account.name),
    };
    let (connections, webhook) = tokio::join!(connections(&fivetran), webhook(settings, &fivetran));
    vec![
        Finding::ok(KEY, found),
        Finding::clock(CLOCK, patient.ctx.now(), greeting.date, None),
        connections,
        webhook,
    ]
}

/// That nothing could be looked at.
fn nothing(because: &str) -> Vec<Finding> {
    let all = [KEY, CLOCK, CONNECTIONS, WEBHOOK];
    all.map(|check| Finding::not_checked(check, because)).into()
}

async fn connections(fivetran: &FivetranClient) -> Finding {
    match fivetran.sees_connections().await {
        Ok(true) => Finding::ok(
            CONNECTIONS,
            "can be read; whether they can be changed no reading shows",
        ),
        Ok(false) => Finding::warn(
            CONNECTIONS,
            "the key sees none",
            "Give the system key CONNECTOR: MANAGE, or make a connection in Fivetran.",
        ),
        Err(error) => Finding::fail(CONNECTIONS, error.to_string(), remedy(&error)),
    }
}

async fn webhook(settings: &Settings, fivetran: &FivetranClient) -> Finding {
    let Some(address) = settings.webhook_address() else {
        return if settings.webhook_secrets.is_empty() {
            Finding::ok(WEBHOOK, "not used: the account is read every poll_interval")
        } else {
            let mend = "Set it to the https:// address at which Fivetran reaches this service.";
            let found = "not checked: SYNCGATE_PUBLIC_URL is not set";
            Finding::warn(WEBHOOK, found, mend)
        };
    };
    if settings.webhook_secrets.is_empty() {
        let mend = "Set it, start `serve` with it, then run `syncgate webhook install`.";
        let found = "off: SYNCGATE_PUBLIC_URL is set, FIVETRAN_WEBHOOK_SECRET is not";
        return Finding::fail(WEBHOOK, found, mend);
    }
    let hooks = match crate::app::hooks_at(fivetran, &address).await {
        Ok(hooks) => hooks,
        Err(error) => {
            let mend = "Give the system key WEBHOOK: READ.";
            return Finding::warn(WEBHOOK, format!("not checked: {error}"), mend);
        }
    };
    let faults = hooks.faults();
    if !faults.is_empty() {
        let mend = "Run `syncgate webhook install` while `serve` runs.";
        return Finding::fail(WEBHOOK, faults.join(" "), mend);
    }
    match hooks.remark() {
        Some(remark) => Finding::warn(WEBHOOK, "active", remark),
        None => Finding::ok(WEBHOOK, format!("active at {address}")),
    }
}

fn remedy(error: &ReadError) -> &'static str {
    match error {
        ReadError::Throttled { .. } | ReadError::Budget { .. } => "Run it again later.",
        ReadError::KeyRefused { .. } => {
            "Set FIVETRAN_API_KEY and FIVETRAN_API_SECRET to a system key that is valid and may do \
             CONNECTOR: MANAGE and DESTINATION: READ."
        }
        ReadError::Unreachable { .. } | ReadError::Odd { .. } => {
            "Look whether this machine reaches Fivetran (FIVETRAN_API_URL, proxy, firewall)."
        }
    }
}
