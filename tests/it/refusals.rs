//! What the door does not take whoever sends it, and when it can take nothing.

use std::sync::Arc;
use std::time::Duration;

use syncgate::app::App;
use syncgate::store::{Arrival, Lane, Store};

use crate::harness::people::{ANA, VIV};
use crate::harness::wire::{FORM, JSON, Request, form};
use crate::harness::{CHANNEL, World, world};

const SLACK: [&str; 3] = ["/slack/commands", "/slack/interactions", "/slack/events"];

/// A command of Ana's, as Slack signs it.
fn command(w: &World, text: &str) -> Request {
    w.as_slack(
        "/slack/commands",
        w.slack.command_request(ANA, CHANNEL, text).body,
    )
}

#[test]
fn t136_forms_of_many_keys_or_two_payloads_are_400() {
    world(async |w| {
        // Each would be a command or an interaction but for that.
        let good = w.slack.command_request(ANA, CHANNEL, "help").body;
        let payload = form(&[("payload", r#"{"type":"shortcut"}"#)]);
        let many: String = (0..100_000).map(|n| format!("&k{n}=")).collect();
        for (path, body) in [
            ("/slack/commands", format!("{good}{many}")),
            ("/slack/commands", format!("{good}&user_id={VIV}")),
            ("/slack/commands", format!("text=&{good}")),
            ("/slack/interactions", format!("{payload}{many}")),
            ("/slack/interactions", format!("{payload}&{payload}")),
            ("/slack/interactions", format!("payload=&{payload}")),
        ] {
            let answer = w.send(w.as_slack(path, &*body)).await;
            let what = format!("{path} {body:.60}");
            assert_eq!((answer.status, answer.body.as_str()), (400, ""), "{what}");
        }
        assert_eq!(w.count("inbox").await, 0);
    });
}

#[test]
fn t137_t139_wrong_method_path_type_and_coding_are_sent_away_without_an_echo() {
    world(async |w| {
        let mark = "hunter2-do-not-echo";
        let gets = ["/healthz", "/readyz", "/metrics"];
        let posts = [SLACK[0], SLACK[1], SLACK[2], "/fivetran/webhooks"];
        let mut wrong = Vec::new();
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            wrong.extend(
                gets.iter()
                    .chain(&posts)
                    .map(|path| (405, Request::new(method, path))),
            );
        }
        wrong.extend(gets.map(|path| (405, Request::new("POST", path))));
        wrong.extend(posts.map(|path| (405, Request::new("GET", path))));
        for path in [
            "/",
            "/slack",
            "/slack/commands/",
            "/SLACK/COMMANDS",
            "//healthz",
            "/.env",
        ] {
            wrong.push((404, Request::new("GET", path)));
            wrong.push((404, Request::new("POST", &format!("{path}?q={mark}"))));
        }
        for path in posts {
            let right = if path.ends_with("events") || path.ends_with("webhooks") {
                JSON
            } else {
                FORM
            };
            let post = Request::new("POST", path);
            // A webhook's type is not looked at: what is not signed is refused for that.
            let refused = if path.ends_with("webhooks") { 401 } else { 415 };
            wrong.push((refused, post.clone()));
            for kind in [
                "",
                "text/plain",
                "application/xml",
                "multipart/form-data",
                mark,
                "application/jsonp",
                FORM,
                JSON,
            ] {
                if kind != right {
                    wrong.push((refused, post.clone().with("content-type", kind)));
                }
            }
            for coding in ["gzip", "deflate", "br", "identity", mark] {
                let coded = post
                    .clone()
                    .with("content-type", right)
                    .with("content-encoding", coding);
                wrong.push((415, coded));
            }
        }
        for (status, request) in wrong {
            let what = format!("{} {} {:?}", request.method, request.path, request.headers);
            let answer = w
                .send(request.with("x-mark", mark).body(format!("text={mark}")))
                .await;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (status, ""),
                "{what}"
            );
            assert!(!format!("{:?}", answer.headers).contains(mark), "{what}");
        }
        assert_eq!(w.count("inbox").await, 0);
    });
}

#[test]
fn t137_a_signed_bomb_is_not_unpacked() {
    world(async |w| {
        let bomb = w
            .as_slack("/slack/commands", vec![0x1f; 1_000])
            .with("content-encoding", "gzip");
        assert_eq!(w.send(bomb).await.status, 415);
        let hook = w.as_fivetran("{}").with("content-encoding", "gzip");
        assert_eq!(w.send(hook).await.status, 415);
    });
}

#[test]
fn without_its_database_the_service_is_up_but_not_ready() {
    world(async |w| {
        let ready = w.get("/readyz").await;
        assert_eq!(ready.status, 200, "{}", ready.body);
        assert!(ready.body.contains(r#""ready":true"#), "{}", ready.body);
        w.app().store.close().await;
        let ready = w.get("/readyz").await;
        assert_eq!(ready.status, 503, "{}", ready.body);
        assert_eq!(ready.body, r#"{"database":"no answer","ready":false}"#);
        let healthz = w.get("/healthz").await;
        assert_eq!((healthz.status, healthz.body.as_str()), (200, "ok"));
        // Nobody is told that something was taken which was not.
        let answer = w.send(command(w, "sync orders")).await;
        assert_eq!((answer.status, answer.body.as_str()), (503, ""));
        w.restart().await;
        assert_eq!(w.get("/readyz").await.status, 200);
    });
}

/// Keeps the inbox's writer waiting until the returned guard is dropped.
async fn block(w: &World) -> Box<dyn std::any::Any> {
    match &w.app().store {
        Store::Sqlite { .. } => Box::new(w.app().store.begin().await.unwrap()),
        Store::Postgres(pool) => {
            let mut tx = pool.begin().await.unwrap();
            sqlx::query("LOCK TABLE inbox IN EXCLUSIVE MODE")
                .execute(&mut *tx)
                .await
                .unwrap();
            Box::new(tx)
        }
    }
}

fn arrival(app: &App, number: usize) -> Arrival {
    Arrival {
        key: format!("flood:{number}"),
        route: "event",
        lane: Lane::Decide,
        received_at: app.ctx.now(),
        body: r#"{"inbound":"ignored","what":"flood"}"#.to_owned(),
        raw_sha256: String::new(),
        held: false,
    }
}

#[test]
fn t140_when_too_many_wait_the_door_says_later_and_loses_none() {
    world(async |w| {
        let blocked = block(w).await;
        let mut waiting = tokio::task::JoinSet::new();
        let mut flood = |number: usize| {
            let app = Arc::clone(w.app());
            waiting.spawn(async move { app.inbox.store(arrival(&app, number)).await.is_ok() });
        };
        // One group is being written, a whole queue waits behind it, and one finds no place.
        (0..=4_096 + 256).for_each(&mut flood);
        assert!(!waiting.join_next().await.unwrap().unwrap());
        // Where the writer took its group only after that, there is room; whoever takes it waits.
        let patience = Duration::from_millis(500);
        while tokio::time::timeout(patience, w.send(command(w, "help")))
            .await
            .is_err()
        {}
        let request = command(w, "sync orders");
        let answer = w.send(request.clone()).await;
        assert_eq!((answer.status, answer.body.as_str()), (503, ""));
        assert_eq!(answer.headers["retry-after"], "1");
        drop(blocked);
        let stored = waiting.join_all().await.into_iter().filter(|s| *s).count();
        let kept = w.count("inbox WHERE key LIKE 'flood:%'").await;
        assert_eq!(kept, i64::try_from(stored).unwrap());
        assert_eq!(w.send(request).await.status, 200);
        w.meddle("DELETE FROM inbox WHERE key LIKE 'flood:%'").await;
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
    });
}
