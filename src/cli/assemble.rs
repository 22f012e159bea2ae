//! Puts an [`App`] together from settings.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::ExposeSecret;

use super::Failure;
use crate::app::{App, Parts, PolicyFile};
use crate::config::{self, Account, ModelAccount, Problems, Settings, Variables};
use crate::fivetran::{self, FivetranClient, LogSource, PostgresLog};
use crate::llm::{self, Llm};
use crate::model::{Clock, Ctx};
use crate::slack::SlackClient;
use crate::store::{Access, InboxWriter, Lock, Store};

/// An app, and what must live beside it.
pub(super) struct Assembled {
    pub app: Arc<App>,
    pub policy: Arc<PolicyFile>,
    /// The loop that writes deliveries.
    pub writer: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Held as long as this process serves its database.
    pub lock: Lock,
}

/// Settings and policy file, with everything that is wrong with either told at once.
pub(super) fn settings(variables: &Variables) -> Result<(Settings, PolicyFile), Failure> {
    let read = Settings::read(variables);
    let secrets = read.as_ref().map(Settings::own_secrets).unwrap_or_default();
    let file = PolicyFile::new(variables.policy(), secrets);
    let policy = file.load().map(|_| ());
    let (settings, ()) = both(read, policy)?;
    Ok((settings, file))
}

/// Both, or everything that is wrong with either.
pub(super) fn both<S, P>(
    settings: Result<S, Problems>,
    policy: Result<P, String>,
) -> Result<(S, P), Failure> {
    match (settings, policy) {
        (Ok(settings), Ok(policy)) => Ok((settings, policy)),
        (Err(problems), Ok(_)) => Err(Failure::User(problems.to_string())),
        (Ok(_), Err(policy)) => Err(Failure::User(policy)),
        (Err(problems), Err(policy)) => Err(Failure::User(format!("{problems}\n{policy}"))),
    }
}

/// A client of the account; `timeout` is for one request.
pub(super) fn fivetran(
    account: &Account,
    timeout: Duration,
    ctx: Ctx,
) -> anyhow::Result<FivetranClient> {
    let Account { key, secret, api } = account.clone();
    let settings = fivetran::Settings {
        base: api,
        key,
        secret,
        timeout,
    };
    FivetranClient::new(settings, ctx)
}

/// A client of the language model; `timeout` is for one question.
pub(super) fn model(account: &ModelAccount, timeout: Duration, ctx: Ctx) -> anyhow::Result<Llm> {
    let ModelAccount {
        base,
        key,
        model,
        azure_version,
    } = account.clone();
    let settings = llm::Settings {
        base,
        key,
        model,
        azure_version,
        timeout,
        daily: llm::Settings::DAILY,
    };
    Llm::new(settings, ctx)
}

/// Opens the database and builds the clients.
pub(super) async fn app(
    settings: &Settings,
    file: PolicyFile,
    access: Access,
) -> Result<Assembled, Failure> {
    app_by(clock(), settings, file, access).await
}

/// The same by a clock that others share.
pub(super) async fn app_by(
    clock: Clock,
    settings: &Settings,
    file: PolicyFile,
    access: Access,
) -> Result<Assembled, Failure> {
    let ctx = Ctx::new(clock);
    let (store, lock) = Store::open(&settings.database, access)
        .await
        .map_err(|error| Failure::User(error.to_string()))?;
    let store = store.timed_by(ctx.clock());
    let (policy, redactor) = file.load().map_err(Failure::User)?;
    let slack = SlackClient::new(&settings.slack_api, settings.slack_token.clone())?;
    let timeout = fivetran::Settings::TIMEOUT;
    let fivetran = fivetran(&settings.fivetran, timeout, ctx.clone())?;
    let (inbox, writer) = InboxWriter::new(store.clone());
    let slack_api = settings.slack_api.clone();
    let llm = settings.model.as_ref();
    let llm = llm
        .map(|account| model(account, llm::Settings::TIMEOUT, ctx.clone()))
        .transpose()?;
    let llm = llm.map(Arc::new);
    let source = settings.log_source.as_ref();
    let log_source = source.map(log_source).transpose();
    let log_source = log_source.map_err(|why| Failure::User(format!("{why:#}")))?;
    let parts = Parts {
        ctx,
        store,
        inbox,
        slack,
        slack_api,
        fivetran,
        llm,
        policy,
        redactor,
        log_source,
        webhook: settings.webhook_in_use(),
    };
    let app = App::new(parts);
    Ok(Assembled {
        app,
        policy: Arc::new(file),
        writer: Box::pin(writer),
        lock,
    })
}

/// The machine's clock. A debug build can be started in its own future: crash tests do not wait
/// three minutes for a call to settle.
pub(super) fn clock() -> Clock {
    #[cfg(debug_assertions)]
    if let Some(ahead) = std::env::var("SYNCGATE_CLOCK_AHEAD_S")
        .ok()
        .and_then(|s| s.parse().ok())
    {
        return Clock::machine_ahead(chrono::TimeDelta::seconds(ahead));
    }
    Clock::machine()
}

/// The source of log rows, by its setting. Nothing is opened yet.
///
/// # Errors
/// When the database's address is none.
pub(super) fn log_source(setting: &config::LogSource) -> anyhow::Result<LogSource> {
    match setting {
        config::LogSource::Files(folder) => Ok(LogSource::Files(folder.clone())),
        config::LogSource::Postgres { url, schema } => {
            let table = PostgresLog::new(url.expose_secret(), schema);
            let table = table.context("SYNCGATE_LOG_SOURCE")?;
            Ok(LogSource::Postgres(Box::new(table)))
        }
    }
}
