//! Socket Mode: the same behaviour as over HTTP, and connections that come and go.

use std::time::Duration;

use serde_json::json;
use syncgate::sim::fault::FaultKind;
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::{Signed, envelope};

use crate::harness::people::{ANA, EMIL};
use crate::harness::{APP_TOKEN, CHANNEL, SIGNING_SECRET, World, world};
use crate::process::stage;

const PAUSED: &str = "orders_id Paused";

/// A world in which everything comes over sockets.
fn socket_world(body: impl AsyncFn(&mut World) + Sync) {
    world(async |w| {
        w.use_sockets().await;
        body(w).await;
    });
}

/// Sends this request as an envelope of this id, and waits for its acknowledgement.
async fn over(w: &World, socket: u32, request: &Signed, id: &str) {
    let mut frame = envelope(request);
    frame["envelope_id"] = json!(id);
    let before = acks_of(w, id);
    w.slack.send_frame(socket, &frame.to_string());
    w.until("an acknowledgement", || acks_of(w, id) > before)
        .await;
}

fn acks_of(w: &World, id: &str) -> usize {
    let acks = w.slack.socket_acks();
    acks.iter().filter(|ack| ack["envelope_id"] == id).count()
}

fn command(w: &World, text: &str) -> Signed {
    w.slack.command_request(ANA, CHANNEL, text)
}

#[test]
fn what_is_asked_and_approved_over_a_socket_is_executed() {
    socket_world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        w.click(EMIL, "Approve").await;
        assert_eq!(w.fivetran_saw(), PAUSED);
        assert!(w.slack.mention(ANA, CHANNEL, "status", None).await.ok());
        w.settle().await;
        let acks = w.slack.socket_acks();
        assert_eq!(acks.len(), 3, "{acks:?}");
        assert!(
            acks.iter().all(|ack| ack.get("payload").is_none()),
            "{acks:?}"
        );
        assert_eq!(w.get("/readyz").await.status, 200);
    });
}

#[test]
fn one_envelope_that_comes_twice_counts_once() {
    socket_world(async |w| {
        let sync = command(w, "sync orders");
        let sockets = w.slack.sockets();
        over(w, sockets[0], &sync, "e-once").await;
        over(w, sockets[0], &sync, "e-once").await;
        over(w, sockets[1], &sync, "e-again").await;
        w.settle().await;
        assert_eq!(w.count("inbox").await, 1);
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
    });
}

#[test]
fn what_comes_by_http_and_by_socket_counts_once() {
    socket_world(async |w| {
        let sync = command(w, "sync orders");
        assert_eq!(w.slack.deliver_by_http(&sync).await.status, 200);
        over(w, w.slack.sockets()[0], &sync, "e-both").await;
        let pause = command(w, "pause orders for 2h");
        over(w, w.slack.sockets()[0], &pause, "e-other").await;
        assert_eq!(w.slack.deliver_by_http(&pause).await.status, 200);
        w.settle().await;
        assert_eq!(w.count("inbox").await, 2);
        assert_eq!(w.audited("inbound.forged").await, 0);
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
    });
}

#[test]
fn a_forms_errors_come_in_the_acknowledgement() {
    socket_world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        w.click(EMIL, "Modify…").await;
        let past = (w.now().timestamp() - 3_600).to_string();
        let ack = w.submit(EMIL, &[("line:0:until", &past)]).await;
        assert!(ack.ok(), "{ack:?}");
        assert_eq!(ack.json()["response_action"], "errors", "{ack:?}");
        let acks = w.slack.socket_acks();
        assert_eq!(acks.last().unwrap()["payload"], ack.json());
    });
}

#[test]
fn a_fivetran_that_hangs_delays_no_acknowledgement() {
    socket_world(async |w| {
        w.always(
            Service::Fivetran,
            "GET",
            "/v1/connections",
            FaultKind::Hang { apply: false },
        );
        let workers = w.workers();
        w.slack.set_patience(Duration::from_secs(3));
        for _ in 0..6 {
            assert!(w.slack.command(ANA, CHANNEL, "sync orders").await.ok());
        }
        assert_eq!(
            w.slack.socket_acks().len(),
            6,
            "one of them was delivered again"
        );
        w.slack.set_patience(Duration::from_secs(30));
        w.faults.clear();
        workers.end().await;
        w.settle().await;
        w.leaves_work = true;
        let saw = w.fivetran_saw();
        assert!(saw.starts_with("orders_id SyncStarted"), "{saw}");
    });
}

#[test]
fn a_connection_is_replaced_before_it_goes() {
    socket_world(async |w| {
        for reason in ["warning", "refresh_requested", "a reason of tomorrow"] {
            let old = w.slack.sockets()[0];
            w.slack.disconnect(old, reason);
            // The new one stands while the old one still does, and what comes over the old one is
            // taken.
            w.until_up(3).await;
            over(w, old, &command(w, "help"), reason).await;
            w.until("the old one goes", || !w.slack.sockets().contains(&old))
                .await;
            w.until_up(2).await;
        }
        assert_eq!(w.slack.sockets_opened(), 5);
        assert_eq!(w.count("inbox").await, 3);
        w.settle().await;
    });
}

#[test]
fn a_connection_that_dies_in_silence_is_replaced() {
    socket_world(async |w| {
        for socket in w.slack.sockets() {
            w.slack.silence(socket);
        }
        w.until("new ones", || w.slack.sockets_opened() >= 4).await;
        // What goes out over one of the silent ones comes again over another.
        w.slack.set_patience(Duration::from_secs(3));
        w.command(ANA, "sync orders").await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
    });
}

#[test]
fn a_quiet_connection_that_answers_lives() {
    socket_world(async |w| {
        // Several times what a silent one lives: this wait is what is tested.
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(w.slack.sockets_opened(), 2);
    });
}

#[test]
fn a_connection_that_is_cut_is_replaced_and_loses_nothing() {
    socket_world(async |w| {
        for _ in 0..3 {
            for socket in w.slack.sockets() {
                w.slack.drop_socket(socket);
            }
            w.command(ANA, "help").await;
        }
        w.until_up(2).await;
        w.settle().await;
    });
}

#[test]
fn a_bad_app_token_is_told_and_ends_nothing() {
    world(async |w| {
        w.slack.use_sockets("xapp-another");
        w.crash().await;
        w.by_socket = true;
        w.start().await;
        let line = w.service().line.status();
        w.until("told", || {
            line.down().is_some_and(|why| why.contains("invalid_auth"))
        })
        .await;
        let ready = w.get("/readyz").await;
        assert_eq!(ready.status, 503);
        assert!(ready.body.contains("SLACK_APP_TOKEN"), "{}", ready.body);
        assert_eq!(w.get("/healthz").await.status, 200);
        // Somebody mends it: no restart is needed.
        w.slack.use_sockets(APP_TOKEN);
        w.until_up(2).await;
        assert_eq!(w.get("/readyz").await.status, 200);
        for socket in w.slack.sockets() {
            w.slack.disconnect(socket, "link_disabled");
        }
        w.until("told", || {
            line.down().is_none_or(|why| why.contains("switched off"))
        })
        .await;
        w.until_up(2).await;
    });
}

#[test]
fn hostile_frames_do_no_harm() {
    socket_world(async |w| {
        let socket = w.slack.sockets()[0];
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for frame in [
            "not JSON",
            "",
            "[]",
            "null",
            &deep,
            r#"{"type":"hello"}"#,
            r#"{"type":"something_new","envelope_id":"x","payload":{}}"#,
            r#"{"type":"slash_commands","envelope_id":"x","payload":{}}"#,
            r#"{"type":"slash_commands","envelope_id":"x","payload":"text"}"#,
            r#"{"type":"slash_commands","envelope_id":7,"payload":{}}"#,
            r#"{"type":"interactive","envelope_id":"x","payload":{"type":"block_actions","actions":[{}]}}"#,
            r#"{"type":"events_api","envelope_id":"x","payload":[]}"#,
        ] {
            w.slack.send_frame(socket, frame);
        }
        w.slack.send_bytes(socket, &[0xff, 0, 1]);
        over(w, socket, &command(w, "help"), "e-good").await;
        // One that is too long ends its connection, and that is all.
        let huge = format!(r#"{{"type":"events_api","x":"{}"}}"#, "x".repeat(2 << 20));
        w.slack.send_frame(socket, &huge);
        w.until("it is given up", || !w.slack.sockets().contains(&socket))
            .await;
        w.until_up(2).await;
        w.command(ANA, "help").await;
        assert_eq!(acks_of(w, "x"), 0);
        assert_eq!(w.count("inbox").await, 2);
    });
}

#[test]
fn what_is_under_way_at_the_end_is_acknowledged() {
    socket_world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.click(EMIL, "Modify…").await;
        let stop = w.service().stop_socket.clone();
        let slack = w.slack.clone();
        let view = slack.views(EMIL).pop().unwrap();
        let taken = w.count("inbox").await;
        let submitted = tokio::spawn(async move {
            slack
                .submit(EMIL, &view.id, &[("line:0:minutes", "120")])
                .await
        });
        let mut patience = 1_000;
        while w.count("inbox").await == taken && patience > 0 {
            patience -= 1;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        stop.send(true).unwrap();
        let ack = submitted.await.unwrap();
        assert!(ack.ok(), "{ack:?}");
        w.until_up(0).await;
        w.settle().await;
    });
}

/// An envelope is acknowledged after its commit and not before: where the process dies between, it
/// comes again, and counts once.
#[test]
fn i3_an_envelope_survives_a_kill_before_its_acknowledgement() {
    for point in ["request-verified", "inbox-committed"] {
        stage(async |s| {
            s.slack.use_sockets(APP_TOKEN);
            s.set("SLACK_APP_TOKEN", APP_TOKEN);
            s.settings.remove("SLACK_SIGNING_SECRET");
            s.start_with(&[("SYNCGATE_CRASH_AT", point), ("RUST_LOG", "trace")])
                .await;
            let slack = s.slack.clone();
            let typed =
                tokio::spawn(async move { slack.command(ANA, CHANNEL, "sync orders").await });
            s.died().await;
            assert_eq!(
                s.slack.socket_acks(),
                Vec::<serde_json::Value>::new(),
                "{point}"
            );
            s.start().await;
            assert!(typed.await.unwrap().ok(), "{point}");
            s.quiet().await;
            assert_eq!(
                s.effects(),
                "orders_id SyncStarted { force: false }",
                "{point}"
            );
            s.terminate();
            assert!(s.died().await.success());
            assert!(s.slack.sockets().is_empty());
            let log = s.log();
            assert!(!log.contains("canary-ticket"), "a ticket is in the log");
            assert!(!log.contains(SIGNING_SECRET) && !log.contains(APP_TOKEN));
        });
    }
}

#[test]
fn the_two_manifests_differ_in_nothing_but_the_way() {
    let plain = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let text = std::fs::read_to_string(path).unwrap();
        let told = |line: &&str| !line.trim().starts_with('#') && !line.contains("url: https://");
        let lines: Vec<String> = text.lines().filter(told).map(str::to_owned).collect();
        lines.join("\n")
    };
    let http = plain("manifest.yml");
    assert!(http.contains("socket_mode_enabled: false"));
    let expected = http.replace("socket_mode_enabled: false", "socket_mode_enabled: true");
    assert_eq!(plain("manifest.socket.yml"), expected);
}
