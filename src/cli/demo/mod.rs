//! `syncgate demo`: the whole product on one machine, against a simulated Slack and Fivetran.
//!
//! The service is the real one, on a port of its own, configured as any other; only the addresses
//! it is given are the simulators', and its clock is one that it shares with them. Its database lives
//! in a temporary folder.

mod calls;
mod log;
mod outside;
mod panel;
mod switches;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Failure, Outcome, logging};
use crate::config::{ModelAccount, Variables};
use crate::model::Command;
use crate::sim::fivetran::FivetranSim;
use crate::sim::page::{self, Extra};
use crate::slack::words;
use calls::Calls;
use outside::Outside;
use switches::Switches;

/// How often the simulated Fivetran posts its webhooks.
const WEBHOOKS: Duration = Duration::from_millis(500);

pub(super) async fn run(variables: &Variables) -> Outcome {
    logging::start(variables);
    let listener = listen(variables).await?;
    let address = listener.local_addr()?;
    let model = ModelAccount::read(variables).map_err(|p| Failure::User(p.to_string()))?;
    let outside = Outside::start(model).await?;
    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let service = outside.serve(folder.path()).await?;
    let calls = Arc::new(Calls::new(service.store.clone(), outside.ledger.clone()));
    let switches = Arc::new(Switches::new(&outside)?);
    let router = page::router(
        outside.slack.clone(),
        extra(&outside, calls.clone(), switches.clone()),
    );
    let mut beside = JoinSet::new();
    beside.spawn(async {
        // It ends with the process only.
        let _ = axum::serve(listener, router).await;
    });
    let fivetran = outside.fivetran.clone();
    beside.spawn(log::keep(fivetran, outside::log_folder(folder.path())));
    beside.spawn(deliver_webhooks(outside.fivetran.clone(), switches));
    beside.spawn(async move { calls.follow().await });
    outside.open();
    println!("Syncgate demo: open http://{address} in a browser. Ctrl-C ends it; nothing is kept.");
    let ended = service.until_stopped().await;
    beside.abort_all();
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// Listens for the page where `SYNCGATE_BIND` says.
async fn listen(variables: &Variables) -> Result<TcpListener, Failure> {
    let bind: SocketAddr = variables
        .get("SYNCGATE_BIND")
        .unwrap_or("127.0.0.1:8080")
        .parse()
        .map_err(|_| Failure::User("SYNCGATE_BIND: is no address; write 127.0.0.1:8080".into()))?;
    TcpListener::bind(bind).await.map_err(|error| {
        Failure::User(format!(
            "SYNCGATE_BIND: cannot listen on {bind}: {error}; set SYNCGATE_BIND to a free address, \
             such as 127.0.0.1:{}",
            bind.port().checked_add(1).unwrap_or(8080)
        ))
    })
}

/// What the page shows beside the channels.
fn extra(outside: &Outside, calls: Arc<Calls>, switches: Arc<Switches>) -> Extra {
    let (fivetran, slack) = (outside.fivetran.clone(), outside.slack.clone());
    let shown = switches.clone();
    let commands = Command::usages().map(|(word, usage)| {
        let does = words::explained(word).replace('`', "");
        (usage.to_owned(), does)
    });
    let about = outside::PEOPLE.map(|(id, _, about)| (id.to_owned(), about.to_owned()));
    Extra {
        title: "Syncgate demo".into(),
        commands: commands.collect(),
        about: about.into(),
        panel: Arc::new(move |search| {
            panel::parts(&panel::Seen {
                account: fivetran.panel(),
                calls: calls.latest(&slack.users()),
                switches: shown.state(),
                search,
            })
        }),
        switch: Arc::new(move |fields| switches.turn(&fields)),
    }
}

/// Lets time pass in the account, and posts what it has to tell.
async fn deliver_webhooks(fivetran: FivetranSim, switches: Arc<Switches>) {
    loop {
        switches.tick();
        fivetran.tick();
        fivetran.deliver_webhooks().await;
        tokio::time::sleep(WEBHOOKS).await;
    }
}
