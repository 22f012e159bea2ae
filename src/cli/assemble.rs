//! Puts an [`App`] together from settings.

use std::sync::Arc;

use super::Failure;
use crate::app::{App, Parts, PolicyFile};
use crate::config::{Problems, Settings, Variables};
use crate::fivetran::{self, FivetranClient};
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
    match (read, policy) {
        (Ok(settings), Ok(())) => Ok((settings, file)),
        (Err(Problems(problems)), Ok(())) => Err(Failure::User(Problems(problems).to_string())),
        (Ok(_), Err(policy)) => Err(Failure::User(policy)),
        (Err(problems), Err(policy)) => Err(Failure::User(format!("{problems}\n{policy}"))),
    }
}

/// Opens the database and builds the clients.
pub(super) async fn app(
    settings: &Settings,
    file: PolicyFile,
    access: Access,
) -> Result<Assembled, Failure> {
    let ctx = Ctx::new(clock());
    let (store, lock) = Store::open(&settings.database, access)
        .await
        .map_err(|error| Failure::User(error.to_string()))?;
    let (policy, redactor) = file.load().map_err(Failure::User)?;
    let slack = SlackClient::new(&settings.slack_api, settings.slack_token.clone())?;
    let fivetran = FivetranClient::new(
        fivetran::Settings {
            base: settings.fivetran_api.clone(),
            key: settings.fivetran_key.clone(),
            secret: settings.fivetran_secret.clone(),
            timeout: fivetran::Settings::TIMEOUT,
        },
        ctx.clone(),
    )?;
    let (inbox, writer) = InboxWriter::new(store.clone());
    let slack_api = settings.slack_api.clone();
    let log_folder = settings.log_folder.clone();
    let parts = Parts {
        ctx,
        store,
        inbox,
        slack,
        slack_api,
        fivetran,
        policy,
        redactor,
        log_folder,
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
