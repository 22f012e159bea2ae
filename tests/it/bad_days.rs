//! The machine turns against the process: SIGTERM in the middle, a locked database, a full or broken
//! disk, a bug in a worker.

use std::time::Duration;

use futures_util::future::join_all;
use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::{Ack, Signed};

use crate::harness::hooks::signed;
use crate::harness::people::{ANA, EMIL, POLICY};
use crate::harness::{Database, WEBHOOK_SECRET};
use crate::process::{Stage, can_trace, connection, get, runtime, stage};

const STEPS: usize = 6;
/// SIGTERM's grace, and a moment for a busy machine.
const DRAINED: Duration = Duration::from_secs(10);

/// Two steps more than there are workers, each call slow or without an answer.
async fn busy(s: &mut Stage, kind: FaultKind) {
    for number in 0..STEPS {
        let schema = format!("pipe_{number}");
        s.fivetran
            .add_connection(connection(&format!("c{number}"), "hubspot", &schema));
    }
    s.start().await;
    s.faults
        .add(Fault::always(Service::Fivetran, "/sync", kind).on("POST"));
    for number in 0..STEPS {
        assert!(s.types(ANA, &format!("sync c{number}")).await.ok());
    }
    let under_way =
        async |s: &Stage| s.state().await["actions_open"] == STEPS && s.writes().len() == 4;
    s.until("every worker has a call under way", under_way)
        .await;
    s.terminate();
}

async fn each_ran_once(s: &mut Stage) {
    s.faults.clear();
    s.skip(200);
    s.start().await;
    s.quiet().await;
    let mut effects: Vec<_> = s.effects().lines().map(str::to_owned).collect();
    effects.sort();
    effects.dedup();
    assert_eq!(
        (effects.len(), s.writes().len()),
        (STEPS, STEPS),
        "{effects:?}"
    );
    assert_eq!(s.states(), ["Done"; STEPS]);
}

#[test]
fn t073_sigterm_finishes_what_is_under_way_and_begins_nothing_new() {
    stage(async |s| {
        busy(s, FaultKind::Delay(Duration::from_secs(5))).await;
        assert!(s.dies_within(DRAINED).await, "{}", s.log());
        assert_eq!(s.died().await.code(), Some(0), "{}", s.log());
        assert_eq!(s.writes().len(), 4, "{}", s.effects());
        each_ran_once(s).await;
    });
}

#[test]
fn t073_sigterm_does_not_wait_for_answers_that_never_come() {
    stage(async |s| {
        busy(s, FaultKind::Hang { apply: true }).await;
        assert!(s.dies_within(DRAINED).await, "{}", s.log());
        assert_eq!(s.died().await.code(), Some(0), "{}", s.log());
        assert_eq!(s.writes().len(), 4, "{}", s.effects());
        each_ran_once(s).await;
    });
}

/// Another process holds the database for half a minute.
#[test]
fn t144_a_locked_database_is_waited_for_within_bounds_and_nothing_acknowledged_is_lost() {
    stage(async |s| {
        s.start().await;
        // A call is under way while the lock begins: its outcome cannot be written.
        let slow = FaultKind::Delay(Duration::from_secs(3));
        s.faults
            .add(Fault::once(Service::Fivetran, "/sync", slow).on("POST"));
        assert!(s.types(ANA, "sync orders").await.ok());
        s.until("the call is under way", async |s| s.writes().len() == 1)
            .await;
        let lock = s.lock_database().await;
        let asks = async || s.types(ANA, "pause hubspot for 2h").await;
        for _ in 0..3 {
            // The door answers within the simulator's patience, and says no.
            assert_eq!(asks().await.status, 503, "{}", s.log());
        }
        assert!(get(s.address(), "/healthz").await.is_some());
        drop(lock);
        s.until("the door is open again", async |_| asks().await.ok())
            .await;
        s.says("Proposed").await;
        s.quiet().await;
        assert_eq!(s.effects(), "orders_id SyncStarted { force: false }");
        assert_eq!(s.writes().len(), 1);
        assert_eq!(s.states(), ["Done", "Proposed"]);
    });
}

#[test]
fn t064_webhooks_of_a_time_without_a_database_are_refused_and_taken_when_they_come_again() {
    const EVENTS: usize = 1_000;
    stage(async |s| {
        s.start().await;
        let address = format!("http://{}/fivetran/webhooks", s.address());
        s.fivetran.set_webhook(&address, WEBHOOK_SECRET);
        let hooks: Vec<Signed> = (0..EVENTS)
            .map(|n| {
                s.fivetran
                    .webhook_request("orders_id", &format!("s{n}"), None)
            })
            .map(|request| signed(&request.unwrap()))
            .collect();
        let post = async |hooks: &[Signed]| {
            let posts = hooks.iter().map(|hook| s.slack.deliver(hook));
            let acks = join_all(posts).await.into_iter();
            acks.map(|ack| ack.status).collect::<Vec<_>>()
        };
        let lock = s.lock_database().await;
        let refused = post(&hooks[..20]).await;
        // Some were told so, some waited longer than their sender did (0).
        assert!(
            !refused.contains(&200) && refused.contains(&503),
            "{refused:?}"
        );
        drop(lock);
        for some in hooks.chunks(50) {
            s.until("they are taken", async |_| {
                post(some).await.iter().all(|status| *status == 200)
            })
            .await;
        }
        s.quiet().await;
        assert_eq!(s.count("inbox WHERE route = 'webhook'").await, EVENTS);
    });
}

/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:9";

#[test]
fn t193_without_slack_or_fivetran_it_starts_and_says_so_and_without_a_database_it_does_not() {
    stage(async |s| {
        let there = s.settings.clone();
        s.set("SLACK_API_URL", &format!("{NOBODY}/api"));
        s.set("FIVETRAN_API_URL", NOBODY);
        for slack_is_known in [false, true] {
            let before = s.log().len();
            s.spawn(&[]);
            s.until("it is ready", async |s| {
                let log = s.log();
                log[before..].contains(" ready ")
                    && s.state().await["slack_known"] == slack_is_known
            })
            .await;
            assert_eq!(s.state().await["fivetran_known"], false);
            s.kill();
            s.set("SLACK_API_URL", &there["SLACK_API_URL"]);
        }
        s.set("FIVETRAN_API_URL", &there["FIVETRAN_API_URL"]);
        s.start().await;
        s.until("both are known", async |s| {
            let state = s.state().await;
            state["slack_known"] == true && state["fivetran_known"] == true
        })
        .await;
        s.kill();
        s.set("DATABASE_URL", "postgres://u:p4ssw0rd@127.0.0.1:9/d");
        let said = s.run(&["serve"]).await;
        assert_eq!(said.status.code(), Some(1));
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(
            said.contains("DATABASE_URL") && !said.contains("p4ssw0rd"),
            "{said}"
        );
        s.set("DATABASE_URL", &there["DATABASE_URL"]);
    });
}

/// A disk that refuses every write of the database while `body` runs.
async fn broken_disk(calls: &str, error: &str, body: impl AsyncFn(&mut Stage)) {
    if !can_trace() {
        return;
    }
    let database = Database::Sqlite(tempfile::tempdir().unwrap());
    let mut s = Stage::new(database, POLICY).await;
    s.start().await;
    assert!(s.types(ANA, "pause orders for 2h").await.ok());
    s.says("Proposed").await;
    s.quiet().await;
    let trace = format!("trace={calls}");
    let inject = format!("inject={calls}:error={error}");
    let Some(tracer) = s.attach(&["-e", &trace, "-e", &inject]) else {
        return;
    };
    body(&mut s).await;
    tracer.detach();
    if s.ended().is_some_and(|status| !status.success()) {
        s.kill();
        s.start().await;
    }
    let again = async |s: &Stage| {
        let ack: Option<Ack> = s.clicks(EMIL, "Approve").await;
        ack.is_none_or(|ack| ack.ok())
    };
    s.until("the click is taken", again).await;
    s.quiet().await;
    assert_eq!(s.effects(), "orders_id Paused");
    assert_eq!(s.states(), ["Done"]);
    s.check().await;
    s.end().await;
}

#[test]
fn t142_a_full_disk_is_a_503_and_no_send_and_is_recovered_from() {
    runtime().block_on(broken_disk(
        "pwrite64,fallocate,ftruncate",
        "ENOSPC",
        async |s| {
            for _ in 0..3 {
                let ack = s.clicks(EMIL, "Approve").await.unwrap();
                assert_eq!(ack.status, 503, "{}", s.log());
            }
            assert_eq!(s.writes().len(), 0);
            assert_eq!(s.states(), ["Proposed"]);
        },
    ));
}

#[test]
fn t143_a_disk_that_cannot_sync_ends_the_process_rather_than_trying_again() {
    runtime().block_on(broken_disk("fsync,fdatasync", "EIO", async |s| {
        let ack = s.clicks(EMIL, "Approve").await.unwrap();
        assert!(!ack.ok(), "{ack:?}");
        let status = s.died().await;
        assert_eq!(status.code(), Some(2), "{status}: {}", s.log());
        assert_eq!(s.writes().len(), 0);
        s.start().await;
    }));
}

/// A bug in one delivery, one step or one message ends nothing else; it is tried again.
#[test]
fn a_worker_that_panics_ends_nothing_else_and_its_work_is_taken_up_again() {
    // Each waits for a lease to end, the longest of them half a minute.
    std::thread::scope(|scope| {
        for place in ["decision-before-commit", "call-answered", "message-sent:3"] {
            scope.spawn(move || panics_at(place));
        }
    });
}

fn panics_at(place: &str) {
    stage(async |s| {
        s.panics = true;
        s.start_with(&[("SYNCGATE_PANIC_AT", place)]).await;
        assert!(s.types(ANA, "pause orders for 2h").await.ok());
        s.says("Proposed").await;
        assert!(s.clicks(EMIL, "Approve").await.unwrap().ok());
        assert!(s.types(ANA, "sync hubspot").await.ok());
        let synced = async |s: &Stage| s.effects().contains("hub_id SyncStarted");
        s.until("others' work goes on", synced).await;
        s.quiet().await;
        assert!(s.ended().is_none());
        let mut states = s.states();
        states.sort();
        assert_eq!(states, ["Done", "Done"], "{place}");
        assert_eq!(s.writes().len(), 2, "{place}");
    });
}
