//! The workspace as the service sees it, and as people do.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use chrono::{DateTime, Duration, TimeZone, Utc};
use serde_json::{Value, json};

use super::limits::{Surface, check_blocks, check_view};
use super::{SlackSim, User, plain, plain_view, signature};
use crate::sim::fault::Faults;
use crate::sim::ledger::{Ledger, Service};
use crate::sim::serve::{Server, serve};
use crate::sim::{SimClock, lock};

type Time = Arc<Mutex<DateTime<Utc>>>;

pub(super) struct Bench {
    pub slack: SlackSim,
    time: Time,
    pub server: Server,
    /// Bodies that arrived at the service under test, and what it answers.
    seen: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    answer: Arc<Mutex<(u16, String)>>,
    _service: Server,
}

pub(super) async fn bench() -> Bench {
    let time: Time = Arc::new(Mutex::new(
        Utc.with_ymd_and_hms(2026, 11, 22, 8, 0, 0).unwrap(),
    ));
    let clock: SimClock = {
        let time = time.clone();
        Arc::new(move || *lock(&time))
    };
    let slack = SlackSim::new(clock.clone(), "secret", "xoxb-1");
    slack.add_user(User::new("U1", "Ada Lovelace"));
    slack.add_channel("C1", "data");
    let bind: SocketAddr = ([127, 0, 0, 1], 0).into();
    let (ledger, faults) = (Ledger::new(), Faults::new());
    let server = serve(
        Service::Slack,
        slack.router(),
        ledger.clone(),
        faults.clone(),
        clock.clone(),
        bind,
    );
    let server = server.await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let answer = Arc::new(Mutex::new((200, String::new())));
    let hear = {
        let (seen, answer) = (seen.clone(), answer.clone());
        post(async move |headers: HeaderMap, body: String| {
            lock(&seen).push((headers, body));
            let (status, body) = lock(&answer).clone();
            (axum::http::StatusCode::from_u16(status).unwrap(), body)
        })
    };
    let router = Router::new().route("/slack/{what}", hear);
    let service = serve(Service::Llm, router, ledger, faults, clock, bind)
        .await
        .unwrap();
    slack.set_target(service.url());
    slack.set_public_url(server.url());
    Bench {
        slack,
        time,
        server,
        seen,
        answer,
        _service: service,
    }
}

impl Bench {
    async fn api(&self, method: &str, args: Value) -> Value {
        self.post(&format!("{}/api/{method}", self.server.url()), args)
            .await
    }

    async fn post(&self, url: &str, args: Value) -> Value {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(url).bearer_auth("xoxb-1").json(&args);
        request.send().await.unwrap().json().await.unwrap()
    }

    fn later(&self, by: Duration) {
        *lock(&self.time) += by;
    }

    fn answer(&self, body: Value) {
        *lock(&self.answer) = (200, body.to_string());
    }

    /// The last payload that was delivered.
    pub fn payload(&self) -> Value {
        let (_, body) = lock(&self.seen).last().cloned().unwrap();
        let (_, payload) = url::form_urlencoded::parse(body.as_bytes())
            .find(|(k, _)| k == "payload")
            .unwrap();
        serde_json::from_str(&payload).unwrap()
    }

    pub async fn card(&self) -> String {
        let blocks = json!([
            {"type": "section", "text": {"type": "mrkdwn", "text": "Run at <!date^1^{time}|08:30>?"}},
            {"type": "actions", "block_id": "b", "elements": [button("Approve", "approve", "p1:1")]},
        ]);
        let posted = self
            .api(
                "chat.postMessage",
                json!({"channel": "C1", "text": "Proposed", "blocks": blocks}),
            )
            .await;
        posted["ts"].as_str().unwrap().to_owned()
    }
}

fn button(label: &str, action: &str, value: &str) -> Value {
    json!({"type": "button", "action_id": action, "value": value, "text": {"type": "plain_text", "text": label}})
}

pub(super) fn modal() -> Value {
    json!({
        "type": "modal", "callback_id": "reject", "private_metadata": "p1:1",
        "title": {"type": "plain_text", "text": "Reject"}, "submit": {"type": "plain_text", "text": "Reject"},
        "blocks": [
            {"type": "input", "block_id": "why", "label": {"type": "plain_text", "text": "Why"},
             "element": {"type": "plain_text_input", "action_id": "text"}},
            {"type": "input", "block_id": "lines", "optional": true, "label": {"type": "plain_text", "text": "Keep"},
             "element": {"type": "checkboxes", "action_id": "keep", "options": [
                {"text": {"type": "plain_text", "text": "one"}, "value": "1"},
                {"text": {"type": "plain_text", "text": "two"}, "value": "2"}]}},
        ],
    })
}

#[test]
fn the_signature_is_the_documented_one() {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    assert_eq!(
        signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body),
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    );
}

#[test]
fn limits_are_slacks() {
    let section =
        |n: usize| json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(n)}});
    assert!(check_blocks(Surface::Message, &vec![section(3000); 50]).is_empty());
    assert_eq!(
        check_blocks(Surface::Message, &[section(3001)]),
        ["[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"]
    );
    assert_eq!(
        check_blocks(Surface::Message, &vec![section(1); 51]).len(),
        1
    );
    let twice =
        json!({"type": "actions", "elements": [button("A", "x", "1"), button("B", "x", "2")]});
    assert_eq!(
        check_blocks(Surface::Message, &[twice]),
        ["[ERROR] action_id x already exists for this block [json-pointer:/blocks/0/elements/1]"]
    );
    let long =
        json!({"type": "actions", "elements": [button(&"l".repeat(76), "x", &"v".repeat(2001))]});
    assert_eq!(check_blocks(Surface::Message, &[long]).len(), 2);
    let table = json!({"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]});
    assert!(check_blocks(Surface::Message, std::slice::from_ref(&table)).is_empty());
    assert_eq!(check_blocks(Surface::Modal, &[table]).len(), 1);
    assert!(check_view(&modal()).is_empty());
    let mut without_submit = modal();
    without_submit["submit"] = Value::Null;
    without_submit["title"]["text"] = json!("t".repeat(25));
    assert_eq!(check_view(&without_submit).len(), 2);
}

#[tokio::test]
async fn a_message_is_posted_edited_and_read_back() {
    let b = bench().await;
    let ts = b.card().await;
    assert_eq!(ts, "1795334400.000000");
    let message = b.slack.message("C1", &ts).unwrap();
    assert_eq!(plain(&message), "Run at 08:30?\n[Approve]");
    let meta = json!({"event_type": "card", "event_payload": {"id": "p1"}});
    let args = json!({"channel": "C1", "ts": ts, "text": "Approved", "metadata": meta});
    assert_eq!(b.api("chat.update", args).await["ok"], json!(true));
    let message = b.slack.message("C1", &ts).unwrap();
    assert_eq!(
        (plain(&message).as_str(), message.edited()),
        ("Approved", 1)
    );
    let reply = json!({"channel": "C1", "thread_ts": ts, "text": "Done"});
    assert_eq!(
        b.api("chat.postMessage", reply).await["ts"],
        json!("1795334400.000001")
    );
    let read = b
        .api(
            "conversations.replies",
            json!({"channel": "C1", "ts": ts, "include_all_metadata": true}),
        )
        .await;
    assert_eq!(read["messages"][0]["metadata"], meta);
    assert_eq!(read["messages"][0]["reply_count"], json!(1));
    assert_eq!(read["messages"][1]["thread_ts"], json!(ts));
    assert_eq!(b.slack.thread("C1", &ts).len(), 1);
}

#[tokio::test]
async fn refusals_have_slacks_words() {
    let b = bench().await;
    let error = async |method: &str, args: Value| {
        b.api(method, args).await["error"]
            .as_str()
            .unwrap_or("ok")
            .to_owned()
    };
    let to = |channel: &str| json!({"channel": channel, "text": "hello"});
    assert_eq!(
        error("chat.postMessage", to("C9")).await,
        "channel_not_found"
    );
    assert_eq!(
        error("chat.postMessage", json!({"channel": "C1"})).await,
        "no_text"
    );
    assert_eq!(
        error(
            "chat.update",
            json!({"channel": "C1", "ts": "1.0", "text": "x"})
        )
        .await,
        "message_not_found"
    );
    assert_eq!(error("chat.everything", json!({})).await, "unknown_method");
    let ts = b.slack.say("U1", "C1", "mine", None);
    assert_eq!(
        error(
            "chat.update",
            json!({"channel": "C1", "ts": ts, "text": "x"})
        )
        .await,
        "cant_update_message"
    );
    b.slack.change_channel("C1", |c| c.is_member = false);
    assert_eq!(error("chat.postMessage", to("C1")).await, "not_in_channel");
    b.slack.change_channel("C1", |c| c.is_archived = true);
    assert_eq!(error("chat.postMessage", to("C1")).await, "is_archived");
    b.slack.set_scope("chat:write", false);
    assert_eq!(error("chat.postMessage", to("C1")).await, "missing_scope");
}

#[tokio::test]
async fn a_click_carries_what_slack_sends() {
    let b = bench().await;
    let ts = b.card().await;
    assert!(b.slack.click("U1", "C1", &ts, "approve").await.ok());
    let payload = b.payload();
    assert_eq!(payload["actions"][0]["value"], json!("p1:1"));
    assert_eq!(payload["container"]["message_ts"], json!(ts));
    assert_eq!(payload["message"]["blocks"][1]["block_id"], json!("b"));
    assert_eq!(payload["user"]["team_id"], json!("T0SIM"));
    let (headers, body) = lock(&b.seen).last().cloned().unwrap();
    let timestamp = headers["x-slack-request-timestamp"].to_str().unwrap();
    assert_eq!(
        headers["x-slack-signature"],
        signature("secret", timestamp, &body).as_str()
    );
    assert_eq!(b.slack.click("U1", "C1", &ts, "nothing").await.status, 0);
}

#[tokio::test]
async fn a_response_url_is_good_five_times_in_half_an_hour() {
    let b = bench().await;
    b.answer(json!({"text": "working on it"}));
    assert!(b.slack.command("U1", "C1", "status").await.ok());
    let (_, form) = lock(&b.seen).last().cloned().unwrap();
    let url = url::form_urlencoded::parse(form.as_bytes())
        .find(|(k, _)| k == "response_url")
        .unwrap()
        .1
        .into_owned();
    for _ in 0..5 {
        assert_eq!(
            b.post(&url, json!({"text": "more"})).await["ok"],
            json!(true)
        );
    }
    assert_eq!(
        b.post(&url, json!({"text": "more"})).await["error"],
        json!("used_url")
    );
    assert_eq!(b.slack.ephemerals("U1").len(), 6);
    let ts = b.card().await;
    let _ = b.slack.click("U1", "C1", &ts, "approve").await;
    let url = b.payload()["response_url"].as_str().unwrap().to_owned();
    assert_eq!(
        b.post(&url, json!({"replace_original": true, "text": "gone"}))
            .await["ok"],
        json!(true)
    );
    assert_eq!(plain(&b.slack.message("C1", &ts).unwrap()), "gone");
    b.later(Duration::minutes(31));
    assert_eq!(
        b.post(&url, json!({"text": "late"})).await["error"],
        json!("expired_url")
    );
}

#[tokio::test]
async fn a_trigger_is_good_once_and_for_three_seconds() {
    let b = bench().await;
    let ts = b.card().await;
    let trigger = async || {
        assert!(b.slack.click("U1", "C1", &ts, "approve").await.ok());
        b.payload()["trigger_id"].clone()
    };
    let open = async |t: &Value| {
        b.api("views.open", json!({"trigger_id": t, "view": modal()}))
            .await
    };
    let first = trigger().await;
    assert_eq!(open(&first).await["ok"], json!(true));
    assert_eq!(open(&first).await["error"], json!("exchanged_trigger_id"));
    let second = trigger().await;
    b.later(Duration::seconds(4));
    assert_eq!(open(&second).await["error"], json!("expired_trigger_id"));
}

#[tokio::test]
async fn a_modal_is_filled_in_refused_and_closed() {
    let b = bench().await;
    let ts = b.card().await;
    let _ = b.slack.click("U1", "C1", &ts, "approve").await;
    let trigger = b.payload()["trigger_id"].clone();
    b.api(
        "views.open",
        json!({"trigger_id": trigger, "view": modal()}),
    )
    .await;
    let view = b.slack.views("U1").pop().unwrap();
    assert_eq!(
        plain_view(&view),
        "[[ Reject ]]\nWhy: <>\nKeep (optional): ( ) one ( ) two\n[Reject]"
    );
    assert_eq!(
        b.slack.submit("U1", &view.id, &[]).await.status,
        0,
        "a required input is empty"
    );
    b.answer(json!({"response_action": "errors", "errors": {"why": "Say more."}}));
    let _ = b
        .slack
        .submit(
            "U1",
            &view.id,
            &[("why", "no"), ("keep", "1"), ("keep", "2")],
        )
        .await;
    let sent = b.payload();
    assert_eq!(
        sent["view"]["state"]["values"]["why"]["text"],
        json!({"type": "plain_text_input", "value": "no"})
    );
    assert_eq!(
        sent["view"]["state"]["values"]["lines"]["keep"]["selected_options"][1]["value"],
        json!("2")
    );
    assert_eq!(b.slack.views("U1")[0].errors["why"], "Say more.");
    b.answer(json!({"response_action": "errors", "errors": {"nowhere": "?"}}));
    let _ = b.slack.submit("U1", &view.id, &[("why", "no")]).await;
    assert_eq!(b.slack.complaints().len(), 1);
    b.answer(json!({}));
    let _ = b
        .slack
        .submit("U1", &view.id, &[("why", "too costly")])
        .await;
    assert!(b.slack.views("U1").is_empty());
}

#[tokio::test]
async fn an_event_is_delivered_again_until_it_is_taken() {
    let b = bench().await;
    *lock(&b.answer) = (500, String::new());
    let acks = b
        .slack
        .event_until_taken(json!({"type": "app_mention"}))
        .await;
    assert_eq!(acks.len(), 4);
    let seen = lock(&b.seen).clone();
    assert_eq!(seen[3].0["x-slack-retry-num"], "3");
    assert_eq!(seen[0].1, seen[3].1, "the same event_id");
}
