//! The process dies at a named point, is started again, and nothing is lost or doubled (T065–T075).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::fivetran::Outcome;
use syncgate::sim::ledger::Service;
use syncgate::sim::llm::{LlmSim, NAME};
use syncgate::sim::serve::{self, Server};

use crate::harness::people::{ANA, EMIL, ERIN, POLICY};
use crate::harness::{Database, MODEL_KEY, WEBHOOK_SECRET};
use crate::model::HOST;
use crate::process::{Stage, by_signal, can_trace, runtime, stage};

/// The commits between a click and its message, in order, and the moments beside them.
const POINTS: [&str; 11] = [
    "request-verified",
    "inbox-committed",
    "decision-before-commit",
    "decision-committed",
    "intent-committed",
    "call-answered",
    "outcome-committed",
    "message-marked",
    "message-marked:2",
    "message-sent:2",
    "message-recorded:2",
];

/// What is asked, who approves it before the crash and whose approval is the one that counts.
#[derive(Clone, Copy)]
struct Case {
    ask: &'static str,
    before: &'static [&'static str],
    last: &'static str,
    effect: &'static str,
}

/// `salesforce` is critical: a sync of it asks two approvers.
const SYNC: Case = Case {
    ask: "sync salesforce",
    before: &[EMIL],
    last: ERIN,
    effect: "sales_id SyncStarted { force: false }",
};

const PAUSE: Case = Case {
    ask: "pause orders for 2h",
    before: &[],
    last: EMIL,
    effect: "orders_id Paused",
};

/// Longer than a call takes to settle (three minutes).
const SETTLED: i64 = 200;

/// Up to the moment before the click that decides.
async fn asked(database: Database, case: Case) -> Stage {
    let mut s = Stage::new(database, POLICY).await;
    s.start().await;
    assert!(s.types(ANA, case.ask).await.ok());
    s.says("Proposed").await;
    for user in case.before {
        assert!(s.clicks(user, "Approve").await.unwrap().ok());
    }
    s.quiet().await;
    s.kill();
    s
}

/// The click, a death at `point`, and what is left after the next start.
async fn dies_at(point: &str, database: Database, case: Case) {
    let mut s = asked(database, case).await;
    s.start_with(&[("SYNCGATE_CRASH_AT", point)]).await;
    let ack = s.clicks(case.last, "Approve").await.unwrap();
    let status = s.died().await;
    assert!(by_signal(status, 6), "{point}: {status}: {}", s.log());
    s.skip(SETTLED);
    s.start().await;
    s.quiet().await;
    if s.states() == ["Proposed"] {
        // What was not acknowledged may be lost: the person saw that it failed, and clicks again.
        assert!(!ack.ok(), "{point}: an acknowledged click was lost");
        assert!(s.clicks(case.last, "Approve").await.unwrap().ok());
        s.quiet().await;
    }
    assert_eq!(s.effects(), case.effect, "{point}");
    assert_eq!(s.writes().len(), 1, "{point}");
    assert_eq!(s.states(), ["Done"], "{point}");
    s.check().await;
    s.end().await;
}

/// Every point on every engine; they wait most of their time, so some run side by side.
fn dies_at_each(case: Case) {
    runtime().block_on(async {
        let each = POINTS.iter().flat_map(|point| {
            let engines = Database::engines().into_iter();
            engines.map(move |database| dies_at(point, database, case))
        });
        let all: Vec<()> = stream::iter(each).buffer_unordered(6).collect().await;
        assert!(all.len() >= POINTS.len());
    });
}

#[test]
fn t065_a_sync_survives_a_death_at_every_commit() {
    dies_at_each(SYNC);
}

#[test]
fn t065_a_pause_survives_a_death_at_every_commit() {
    dies_at_each(PAUSE);
}

/// A write that takes effect while its answer never comes; the process dies in between (P10).
async fn dies_in_the_call(s: &mut Stage, path: &str, by: &[&str]) {
    s.faults.add(
        Fault::once(Service::Fivetran, path, FaultKind::Hang { apply: true }).on(
            if path.ends_with("sync") {
                "POST"
            } else {
                "PATCH"
            },
        ),
    );
    for user in by {
        assert!(s.clicks(user, "Approve").await.unwrap().ok());
    }
    let arrived = async |s: &Stage| !s.effects().is_empty();
    s.until("the call takes effect", arrived).await;
    s.kill();
}

#[test]
fn t067_a_patch_that_took_effect_before_the_death_is_not_sent_again() {
    stage(async |s| {
        s.start().await;
        assert!(s.types(ANA, PAUSE.ask).await.ok());
        s.says("Proposed").await;
        dies_in_the_call(s, "/v1/connections/orders_id", &[EMIL]).await;
        s.skip(SETTLED);
        s.start().await;
        s.quiet().await;
        assert_eq!(s.writes().len(), 1);
        assert_eq!(s.effects(), PAUSE.effect);
        assert_eq!(s.states(), ["Done"]);
    });
}

#[test]
fn t068_a_sync_that_began_before_the_death_is_not_sent_again() {
    stage(async |s| {
        s.start().await;
        assert!(s.types(ANA, SYNC.ask).await.ok());
        s.says("Proposed").await;
        dies_in_the_call(s, "/v1/connections/sales_id/sync", &[EMIL, ERIN]).await;
        s.skip(SETTLED);
        s.start().await;
        s.quiet().await;
        assert_eq!(s.writes().len(), 1);
        assert_eq!(s.states(), ["Done"]);
    });
}

#[test]
fn t069_a_sync_whose_death_came_before_its_call_is_sent_once() {
    stage(async |s| {
        s.start_with(&[("SYNCGATE_CRASH_AT", "intent-committed")])
            .await;
        assert!(s.types(ANA, "sync orders").await.ok());
        assert!(by_signal(s.died().await, 6));
        assert_eq!(s.writes().len(), 0);
        s.start().await;
        // Not before the call that may be on its way has settled.
        s.says("Unknown").await;
        assert_eq!(s.writes().len(), 0);
        s.kill();
        s.skip(SETTLED);
        s.start().await;
        s.quiet().await;
        assert_eq!(s.writes().len(), 1);
        assert_eq!(s.effects(), "orders_id SyncStarted { force: false }");
        assert_eq!(s.states(), ["Done"]);
    });
}

#[test]
fn t070_a_resync_that_cannot_be_seen_is_asked_about_and_never_sent_again() {
    stage(async |s| {
        s.start().await;
        assert!(s.types(ANA, "resync hubspot").await.ok());
        s.says("Proposed").await;
        s.fivetran.hide_effects(true);
        dies_in_the_call(s, "/v1/connections/hub_id/resync", &[EMIL, ERIN]).await;
        s.start().await;
        s.says("Unknown").await;
        s.kill();
        s.skip(SETTLED);
        s.start().await;
        let asks = async |s: &Stage| s.channel().contains("[It ran]");
        s.until("a person is asked", asks).await;
        assert_eq!(s.states(), ["Unknown"]);
        assert_eq!(s.writes().len(), 1);
        s.leaves_work = true;
    });
}

#[test]
fn t071_death_after_death_during_the_recovery_converges() {
    stage(async |s| {
        s.start_with(&[("SYNCGATE_CRASH_AT", "call-answered")])
            .await;
        assert!(s.types(ANA, "sync orders").await.ok());
        s.died().await;
        for round in 0..10 {
            s.skip(SETTLED / 10);
            let before = s.log().len();
            s.spawn(&[]);
            s.ready(before).await;
            // A little later each time: recovery is interrupted at another place.
            let seen = s.ledger.entries().len();
            let some = async |s: &Stage| {
                s.ledger.entries().len() > seen + round || s.state().await["actions_open"] == 0
            };
            s.until("the recovery goes on", some).await;
            s.kill();
        }
        s.start().await;
        s.quiet().await;
        assert_eq!(s.writes().len(), 1);
        assert_eq!(s.states(), ["Done"]);
    });
}

#[test]
fn t074_a_death_in_the_first_start_leaves_a_database_that_the_next_start_completes() {
    if !can_trace() {
        return;
    }
    runtime().block_on(async {
        for nth in [1, 5, 20, 40] {
            let database = Database::Sqlite(tempfile::tempdir().unwrap());
            let mut s = Stage::new(database, POLICY).await;
            let when = format!("inject=pwrite64:signal=KILL:when={nth}");
            s.spawn_traced(&["-e", "trace=pwrite64", "-e", &when]);
            assert!(by_signal(s.died().await, 9), "at write {nth}");
            s.start().await;
            assert!(s.types(ANA, "sync orders").await.ok());
            s.quiet().await;
            assert_eq!(s.states(), ["Done"], "after a death at write {nth}");
            s.check().await;
            s.end().await;
        }
    });
}

#[test]
fn t075_a_card_whose_answer_never_came_is_looked_up_and_not_posted_twice() {
    stage(async |s| {
        s.start().await;
        let hang = FaultKind::Hang { apply: true };
        s.faults
            .add(Fault::once(Service::Slack, "chat.postMessage", hang));
        assert!(s.types(ANA, PAUSE.ask).await.ok());
        s.says("Proposed").await;
        s.kill();
        s.start().await;
        s.quiet().await;
        assert_eq!(s.states(), ["Proposed"]);
        assert!(s.clicks(EMIL, "Approve").await.unwrap().ok());
        s.quiet().await;
        assert_eq!(s.states(), ["Done"]);
        assert_eq!(s.effects(), PAUSE.effect);
    });
}

/// A modal that was sent off while the process dies (P24).
#[test]
fn t065_a_modal_is_saved_once_whatever_dies() {
    for point in ["inbox-committed:2", "modal-saved"] {
        stage(async |s| {
            s.start().await;
            assert!(s.types(ANA, PAUSE.ask).await.ok());
            s.says("Proposed").await;
            s.quiet().await;
            s.kill();
            s.start_with(&[("SYNCGATE_CRASH_AT", point)]).await;
            // Whatever comes back: the process dies in the middle of it.
            let _ = s.modify_until(EMIL, TimeDelta::hours(1)).await;
            assert!(by_signal(s.died().await, 6), "{point}");
            s.skip(SETTLED);
            s.start().await;
            s.quiet().await;
            assert_eq!(s.states(), ["Proposed"]);
            assert_eq!(s.recorded("proposal.modified").await, 1, "{point}");
            assert!(s.clicks(ERIN, "Approve").await.unwrap().ok());
            s.quiet().await;
            assert_eq!(s.effects(), PAUSE.effect, "{point}");
        });
    }
}

/// Fivetran answers more slowly than a lease lasts: the worker that waits still holds its step.
#[test]
fn i4_an_action_whose_readings_are_slow_is_sent_once_and_proved() {
    stage(async |s| {
        s.start().await;
        let slow = FaultKind::Delay(Duration::from_secs(9));
        let readings = Fault::always(Service::Fivetran, "/v1/connections/orders_id", slow);
        s.faults.add(readings.on("GET"));
        assert!(s.types(ANA, "sync orders").await.ok());
        s.quiet().await;
        assert_eq!(s.states(), ["Done"]);
        assert_eq!(s.writes().len(), 1);
        assert_eq!(s.recorded("action.intended").await, 1);
    });
}

/// The model's server beside a stage, and what the service is told of it.
async fn with_model(s: &mut Stage) -> Server {
    let sim = LlmSim::new(MODEL_KEY);
    let (ledger, faults) = (s.ledger.clone(), s.faults.clone());
    let slack = s.slack.clone();
    let clock = Arc::new(move || slack.now());
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    let up = serve::serve(Service::Llm, sim.router(), ledger, faults, clock, any);
    let server = up.await.unwrap();
    s.set("OPENAI_BASE_URL", &format!("{}/v1", server.url()));
    s.set("OPENAI_API_KEY", MODEL_KEY);
    s.set("OPENAI_MODEL", NAME);
    server
}

#[test]
fn t065_a_death_while_the_model_is_asked_costs_one_more_request_and_no_third() {
    let deaths = async |point: &str, requests: usize, deaths: usize, s: &mut Stage| {
        let _server = with_model(s).await;
        let asked = |s: &Stage| s.ledger.matching(Service::Llm, "POST", "/v1/chat").len();
        s.start_with(&[("SYNCGATE_CRASH_AT", point)]).await;
        let address = format!("http://{}/fivetran/webhooks", s.address());
        s.fivetran.set_webhook(&address, WEBHOOK_SECRET);
        let failure = Outcome::fails_unknown(0, HOST);
        assert!(s.fivetran.fail_now("orders_id", failure));
        s.fivetran.tick();
        assert_eq!(s.fivetran.deliver_webhooks().await, 2, "{point}");
        for death in 1..=deaths {
            if death > 1 {
                // It may be dead again before it is ready.
                s.spawn(&[("SYNCGATE_CRASH_AT", point)]);
            }
            let status = s.died().await;
            assert!(by_signal(status, 6), "{point}: {status}: {}", s.log());
            assert_eq!(asked(s), death * requests, "{point}");
            // The dead one's lease has ended by the next start.
            s.skip(90);
        }
        s.start().await;
        s.quiet().await;
        let (told, more) = match deaths {
            1 => ("agrees, with a proof", 1),
            _ => ("Syncgate ended before the answer came", 0),
        };
        assert!(s.channel().contains(told), "{point}: {}", s.channel());
        assert_eq!(asked(s), deaths * requests + more, "{point}");
        let intents = s.recorded("model.asked").await;
        assert_eq!(intents, deaths + more, "each request has its intent");
        let ends = s.recorded("model.answered").await + s.recorded("model.silent").await;
        assert_eq!(ends, 1, "{point}: one end");
    };
    // Before the question leaves, and after the answer is there but not stored.
    for (point, requests) in [("model-asked", 0), ("model-answered", 1)] {
        stage(async |s| deaths(point, requests, 1, s).await);
        stage(async |s| deaths(point, requests, 2, s).await);
    }
}
