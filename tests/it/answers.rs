//! Answers go to Slack or nowhere, whatever address a request names.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::ledger::Service;
use tokio::net::TcpListener;

use crate::beside::shared;
use crate::harness::people::{ANA, VIV};
use crate::harness::wire::form;
use crate::harness::{CHANNEL, World, world};

/// Counts who connects to it.
struct Trap {
    port: u16,
    hits: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Trap {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let hits = Arc::new(AtomicUsize::new(0));
        let counted = hits.clone();
        let task = tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, hits, task }
    }

    /// How many connected; one knock of our own shows that it would have counted.
    async fn sprung(self) -> usize {
        tokio::net::TcpStream::connect(("127.0.0.1", self.port))
            .await
            .unwrap();
        while self.hits.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        self.task.abort();
        self.hits.load(Ordering::SeqCst) - 1
    }
}

/// A command that asks to be answered at this address.
async fn command_answered_at(w: &World, trigger: &str, url: &str) {
    let team = w.slack.team_id();
    let body = form(&[
        ("team_id", &team),
        ("channel_id", CHANNEL),
        ("user_id", VIV),
        ("text", "help"),
        ("trigger_id", trigger),
        ("response_url", url),
    ]);
    let answer = w.send(w.as_slack("/slack/commands", body)).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{url}");
}

fn posts(w: &World, path: &str) -> usize {
    w.ledger.matching(Service::Slack, "POST", path).len()
}

/// Spellings of a loopback address on a port where somebody listens.
fn loopback(port: u16) -> Vec<String> {
    [
        "http://127.0.0.1:PORT/actions/T/1/x",
        "https://127.0.0.1:PORT/commands/T/1/x",
        "http://localhost:PORT/response/r1",
        "http://127.1:PORT/",
        "http://2130706433:PORT/",
        "http://0x7f000001:PORT/",
        "http://017700000001:PORT/",
        "http://0:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/",
        "http://hooks.slack.com@127.0.0.1:PORT/commands/T/1/x",
        "http://127.0.0.1:PORT/#https://hooks.slack.com/commands/T/1/x",
        "http://127.0.0.1:PORT\\@hooks.slack.com/commands/T/1/x",
        "HTTP://127.0.0.1:PORT/",
        " http://127.0.0.1:PORT/",
        "//127.0.0.1:PORT/",
    ]
    .map(|url| url.replace("PORT", &port.to_string()))
    .to_vec()
}

#[test]
fn t129_no_foreign_address_is_called_and_the_person_is_told_in_the_channel() {
    world(async |w| {
        let trap = Trap::new().await;
        let mut urls = loopback(trap.port);
        if let Some(file) = shared("corpora/ssrf/response_url.jsonl") {
            let rows = std::fs::read_to_string(file).unwrap();
            let rows = rows
                .lines()
                .map(|row| serde_json::from_str::<Value>(row).unwrap());
            let bad: Vec<String> = rows
                .filter(|row| row["expect"] != "accept")
                .map(|row| row["url"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(bad.len(), 51);
            urls.extend(bad);
        }
        for (number, url) in urls.iter().enumerate() {
            command_answered_at(w, &format!("t.{number}"), url).await;
        }
        w.settle().await;
        assert_eq!(trap.sprung().await, 0);
        assert_eq!(w.slack.ephemerals(VIV).len(), urls.len());
        assert_eq!(posts(w, "/api/chat.postEphemeral"), urls.len());
        assert_eq!(posts(w, "/response/"), 0);
    });
}

#[test]
fn t129_a_click_names_no_foreign_address_either() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        let trap = Trap::new().await;
        let card = w.with_button("Approve");
        let button = serde_json::json!({"type": "button", "action_id": "approve", "value": "x"});
        let mut payload = w.slack.click_payload(VIV, CHANNEL, &card.ts, button);
        payload["response_url"] = format!("http://127.0.0.1:{}/actions/T/1/x", trap.port).into();
        assert!(w.slack.interact(&payload).await.ok());
        w.settle().await;
        assert_eq!(trap.sprung().await, 0);
        assert_eq!(posts(w, "/api/chat.postEphemeral"), 1);
        assert!(w.told(VIV).starts_with("*Refused*"), "{}", w.told(VIV));
    });
}

#[test]
fn t130_an_answers_redirect_is_not_followed() {
    world(async |w| {
        let trap = Trap::new().await;
        for status in [301, 302, 303, 307, 308] {
            let location = format!("http://127.0.0.1:{}/latest/meta-data", trap.port);
            w.fault(
                Service::Slack,
                "/response/",
                FaultKind::Answer {
                    status,
                    headers: vec![("location".into(), location)],
                    body: String::new(),
                },
            );
            w.command(VIV, "help").await;
        }
        assert_eq!(trap.sprung().await, 0);
        assert_eq!(w.slack.ephemerals(VIV).len(), 5);
        assert_eq!(posts(w, "/api/chat.postEphemeral"), 5);
    });
}

#[test]
fn t131_the_sixth_use_of_an_address_is_not_tried() {
    world(async |w| {
        let command = w.slack.command_request(VIV, CHANNEL, "help").body;
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(command.as_bytes())
            .into_owned()
            .collect();
        let (_, url) = fields
            .iter()
            .find(|(name, _)| name == "response_url")
            .unwrap();
        for number in 0..7 {
            command_answered_at(w, &format!("t.{number}"), url).await;
            w.settle().await;
        }
        assert_eq!(posts(w, "/response/"), 5);
        assert_eq!(posts(w, "/api/chat.postEphemeral"), 2);
        assert_eq!(w.slack.ephemerals(VIV).len(), 7);
    });
}

#[test]
fn t131_an_address_of_half_an_hour_ago_is_not_tried() {
    world(async |w| {
        let start = w.now();
        // Slack takes no answers for half an hour; the delivery itself waits, too.
        w.faults.add(Fault::always(
            Service::Slack,
            "/response/",
            FaultKind::answer(503, ""),
        ));
        assert!(w.slack.command(VIV, CHANNEL, "help").await.ok());
        w.clock.advance(Duration::from_mins(16));
        w.pass(Duration::from_mins(12)).await;
        let tried = posts(w, "/response/");
        assert!(tried > 0 && w.slack.ephemerals(VIV).is_empty());
        w.pass(Duration::from_mins(2)).await;
        let tried = w.ledger.matching(Service::Slack, "POST", "/response/");
        assert!(
            tried
                .iter()
                .all(|post| post.at - start < chrono::TimeDelta::minutes(30))
        );
        assert_eq!(w.slack.ephemerals(VIV).len(), 1);
        assert_eq!(posts(w, "/api/chat.postEphemeral"), 1);
        w.faults.clear();
    });
}

#[test]
fn t131_a_command_that_waited_half_an_hour_is_answered_in_the_channel() {
    world(async |w| {
        assert!(w.slack.command(VIV, CHANNEL, "help").await.ok());
        w.clock.advance(Duration::from_mins(31));
        w.settle().await;
        assert_eq!(posts(w, "/response/"), 0);
        assert_eq!(w.slack.ephemerals(VIV).len(), 1);
    });
}
