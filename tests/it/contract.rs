//! Every request that we can send, made by the real client and held against Fivetran's own
//! description. The judging is done at the end of every test (`harness::proof`); this one makes sure
//! that no kind of request is left out.

use std::collections::BTreeSet;
use std::time::Duration;

use syncgate::model::{ActionKind, Frequency};
use syncgate::sim::ledger::Service;

use crate::harness::people::{ANA, EMIL, ERIN};
use crate::harness::{World, world};

/// The commands that make an action of this kind; a kind that is new does not compile until it has
/// one.
fn commands_of(kind: ActionKind) -> Vec<String> {
    match kind {
        ActionKind::SyncNow => vec!["sync orders".to_owned()],
        ActionKind::SyncForce => vec!["sync orders force".to_owned()],
        // The call is that of `SyncNow`; no command makes one yet.
        ActionKind::SyncAt => vec![],
        // A button makes it (`check.rs`).
        ActionKind::RunSetupTests => vec![],
        ActionKind::Pause => vec!["pause orders for 30m".to_owned()],
        ActionKind::Resume => vec!["resume old_paused".to_owned()],
        ActionKind::SetFrequency => {
            let every = |minutes: i64| match minutes % 60 {
                0 => format!("schedule hubspot every {}h", minutes / 60),
                _ => format!("schedule hubspot every {minutes}m"),
            };
            let mut all: Vec<_> = Frequency::ALLOWED.into_iter().map(every).collect();
            all.push("schedule hubspot daily at 03:00".to_owned());
            all
        }
        ActionKind::ResyncTables => vec!["resync orders public.orders,public.customers".to_owned()],
        ActionKind::HistoricalResync => vec!["resync salesforce".to_owned()],
    }
}

async fn ask_and_approve(w: &World, command: &str) {
    let newest = async || w.count("proposals").await;
    let before = newest().await;
    w.command(ANA, command).await;
    let id = newest().await;
    assert_eq!(id, before + 1, "{command}: {}", w.told(ANA));
    for approver in [EMIL, ERIN] {
        w.command(approver, &format!("approve {id}")).await;
    }
    w.later(Duration::from_secs(600)).await;
}

#[test]
fn every_request_is_one_that_fivetran_describes() {
    world(async |w| {
        for command in ActionKind::ALL.into_iter().flat_map(commands_of) {
            ask_and_approve(w, &command).await;
        }
        w.polls().await;
        w.fivetran_saw();
        let entries = w.ledger.entries().into_iter();
        let ours = entries.filter(|e| e.service == Service::Fivetran);
        let kinds: BTreeSet<String> = ours
            .map(|e| {
                let path = e.path.split('?').next().unwrap_or_default();
                let names = path.split('/').map(|part| match part {
                    "orders_id" | "hub_id" | "sales_id" | "paused_id" => "{id}",
                    part => part,
                });
                format!("{} {}", e.method, names.collect::<Vec<_>>().join("/"))
            })
            .collect();
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        assert_eq!(
            kinds,
            [
                "GET /v1/account/info",
                "GET /v1/connections",
                "GET /v1/connections/{id}",
                "GET /v1/groups",
                "PATCH /v1/connections/{id}",
                "POST /v1/connections/{id}/resync",
                "POST /v1/connections/{id}/schemas/tables/resync",
                "POST /v1/connections/{id}/sync",
            ]
        );
    });
}
