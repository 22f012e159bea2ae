//! What a browser would get.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::DateTime;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::sim::slack::User;

fn slack() -> SlackSim {
    let slack = SlackSim::new(Arc::new(|| DateTime::UNIX_EPOCH), "secret", "xoxb-1");
    slack.add_user(User::new("U1", "Ada Lovelace"));
    slack.add_channel("C1", "data");
    slack
}

async fn send(router: &Router, request: Request<Body>) -> (StatusCode, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn show(router: &Router, path: &str) -> String {
    let (status, body) = send(router, Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    body
}

fn form(path: &str, body: &str) -> Request<Body> {
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    request.body(Body::from(body.to_owned())).unwrap()
}

#[tokio::test]
async fn a_message_is_shown_inert() {
    let slack = slack();
    let router = router(slack.clone(), Extra::default());
    slack.say("U1", "C1", "<script>alert(1)</script> *x*", None);
    slack.whisper("U1", "C1", "psst");
    let page = show(&router, "/").await;
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt; <b>x</b>"),
        "{page}"
    );
    assert!(page.contains("Only visible to you"));
    assert!(page.contains("Ada Lovelace"));
}

#[tokio::test]
async fn what_is_typed_is_said_in_its_thread() {
    let slack = slack();
    let router = router(slack.clone(), Extra::default());
    let ts = slack.say("U1", "C1", "first", None);
    let body = format!("user=U1&back=C1&thread={ts}&text=second");
    let (status, _) = send(&router, form("/page/type", &body)).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(slack.thread("C1", &ts)[0].text, "second");
    assert!(
        show(&router, "/page/parts?user=U1&channel=C1")
            .await
            .contains("second")
    );
}

#[tokio::test]
async fn a_failed_act_is_told() {
    let slack = slack();
    // Port 9 is discard, which nothing listens to.
    slack.set_target("http://127.0.0.1:9");
    let router = router(slack.clone(), Extra::default());
    let (status, _) = send(
        &router,
        form("/page/type", "user=U1&back=C1&text=%2Fsyncgate+help"),
    )
    .await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let told = slack.ephemerals("U1");
    assert!(
        told[0]
            .text
            .starts_with("/syncgate failed: dispatch_failed"),
        "{}",
        told[0].text
    );
}

#[tokio::test]
async fn a_switch_gets_all_its_fields() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = seen.clone();
    let switch = Arc::new(move |fields: Fields| *kept.lock().unwrap() = fields);
    let router = router(
        slack(),
        Extra {
            switch,
            ..Extra::default()
        },
    );
    send(
        &router,
        form("/page/switch", "name=break&connection=orders"),
    )
    .await;
    assert_eq!(
        seen.lock().unwrap()[1],
        ("connection".into(), "orders".into())
    );
}

#[test]
fn local_times_become_unix_times() {
    let value = |v: &str| inputs::value("local:when", v, Tz::Europe__Berlin);
    assert_eq!(
        value("2026-11-22T09:00"),
        ("when".into(), "1795334400".into())
    );
    assert_eq!(
        value("2026-03-29T02:30").1,
        "",
        "an hour that does not exist"
    );
    assert_eq!(
        inputs::value("why", "x", Tz::UTC),
        ("why".into(), "x".into())
    );
}
