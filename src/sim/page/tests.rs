//! What a browser would get.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
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
async fn what_is_for_one_alone_is_shown_to_nobody_else_and_nowhere_else() {
    let slack = slack();
    slack.add_user(User::new("U2", "Bob"));
    slack.add_channel("C2", "other");
    let router = router(slack.clone(), Extra::default());
    let ts = slack.say("U1", "C1", "first", None);
    slack.whisper("U1", "C1", "psst");
    slack.whisper_in("U1", "C1", Some(&ts), "hush");
    for (place, heard) in [
        ("user=U1&channel=C1".to_owned(), [true, false]),
        ("user=U1&channel=C2".to_owned(), [false, false]),
        (format!("user=U1&channel=C1&thread={ts}"), [true, true]),
        ("user=U2&channel=C1".to_owned(), [false, false]),
        (format!("user=U2&channel=C1&thread={ts}"), [false, false]),
    ] {
        let page = show(&router, &format!("/?{place}")).await;
        let found = ["psst", "hush"].map(|words| page.contains(words));
        assert_eq!(found, heard, "{place}: {page}");
        assert_eq!(page.contains("Only visible to you"), heard[0], "{place}");
    }
}

#[tokio::test]
async fn what_one_has_not_seen_is_counted_until_one_has() {
    let slack = slack();
    slack.add_user(User::new("U2", "Bob"));
    slack.add_channel("C2", "other");
    let router = router(slack.clone(), Extra::default());
    let unread = async |user: &str, channel: &str| {
        let page = show(&router, &format!("/?user={user}&channel={channel}")).await;
        let (before, _) = page.split_once("<span class=\"unseen\"> unread")?;
        before.rsplit('>').next()?.parse::<usize>().ok()
    };
    assert_eq!(unread("U1", "C2").await, None);
    slack.say("U2", "C1", "one", None);
    slack.say("U2", "C1", "two", None);
    slack.say("U1", "C1", "my own", None);
    assert_eq!(unread("U1", "C2").await, Some(2));
    assert_eq!(unread("U2", "C2").await, Some(1), "each has his own");
    assert_eq!(unread("U1", "C1").await, None, "that is before one's eyes");
    assert_eq!(unread("U1", "C2").await, None, "and was seen");
    assert_eq!(unread("U2", "C2").await, Some(1), "by him alone");
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
    let channel = show(&router, "/?user=U1&channel=C1").await;
    assert!(channel.contains("1 reply") && !channel.contains("second"));
    let thread = show(&router, &format!("/?user=U1&channel=C1&thread={ts}")).await;
    assert!(thread.contains("second"));
}

/// What a tab of U1 in C1 was told, place by place: the keys, with a star where HTML came along.
fn told(news: &[serde_json::Value]) -> String {
    let item = |item: &serde_json::Value| {
        let star = if item["html"].is_string() { "*" } else { "" };
        format!("{}{star}", item["key"].as_str().unwrap())
    };
    let place = |part: &serde_json::Value| {
        let items: Vec<_> = part["items"].as_array().unwrap().iter().map(item).collect();
        format!("{}: {}", part["place"].as_str().unwrap(), items.join(" "))
    };
    news.iter().map(place).collect::<Vec<_>>().join("\n")
}

fn tab(slack: &SlackSim, extra: Extra) -> live::Tab {
    let page = Page {
        slack: slack.clone(),
        extra,
        seen: Arc::default(),
        acts: Arc::default(),
    };
    let look = page.look(&HashMap::new());
    live::Tab::new(page, look)
}

#[tokio::test]
async fn a_tab_is_told_what_changed_and_nothing_else() {
    let slack = slack();
    slack.say("U1", "C1", "one", None);
    let mut tab = tab(&slack, Extra::default());
    insta::assert_snapshot!(told(&tab.next().await), @r"
    side: places* people*
    head: head*
    messages: day-1970-01-01* m0.000001*
    composer: composer-C1*
    thread: 
    modal: 
    ");
    assert_eq!(tab.news(), Vec::<serde_json::Value>::new());
    slack.say("U1", "C1", "two", None);
    insta::assert_snapshot!(told(&tab.next().await), @"messages: day-1970-01-01 m0.000001 m0.000002*");
    slack.whisper("U1", "C1", "psst");
    insta::assert_snapshot!(told(&tab.next().await), @"messages: day-1970-01-01 m0.000001 m0.000002 m0.000003*");
    slack.whisper("U2", "C1", "not for U1");
    slack.say("U1", "C1", "three", None);
    insta::assert_snapshot!(told(&tab.next().await), @"messages: day-1970-01-01 m0.000001 m0.000002 m0.000003 m0.000005*");
}

#[tokio::test]
async fn a_tab_is_told_of_the_panel_only_when_it_changed() {
    let minute = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let shown = minute.clone();
    let panel: Panel = Arc::new(move |_| {
        let minute = shown.load(std::sync::atomic::Ordering::SeqCst);
        vec![Part::one("clock", maud::html! { (minute) })]
    });
    let extra = Extra {
        panel,
        ..Extra::default()
    };
    let mut tab = tab(&slack(), extra);
    assert!(told(&tab.next().await).contains("clock: clock*"));
    tab.stale = live::Stale::Panel;
    assert_eq!(told(&tab.news()), "");
    minute.store(1, std::sync::atomic::Ordering::SeqCst);
    tab.stale = live::Stale::Panel;
    assert_eq!(told(&tab.news()), "clock: clock*");
}

#[tokio::test]
async fn events_are_sent_as_a_browser_reads_them() {
    let slack = slack();
    let router = router(slack.clone(), Extra::default());
    let request = Request::get("/page/events?user=U1&channel=C1");
    let answer = router.oneshot(request.body(Body::empty()).unwrap()).await;
    let mut body = answer.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let first = String::from_utf8(first.to_vec()).unwrap();
    assert!(first.starts_with("event: parts\ndata: ["), "{first}");
    slack.say("U1", "C1", "<b>line\nbreak</b>", None);
    let second = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let second = String::from_utf8(second.to_vec()).unwrap();
    assert!(second.contains("&lt;b&gt;line"), "{second}");
    assert_eq!(second.trim_end().lines().count(), 2, "{second}");
}

#[tokio::test]
async fn another_sites_form_is_refused() {
    let slack = slack();
    let router = router(slack.clone(), Extra::default());
    let mut request = form("/page/type", "user=U1&back=C1&text=hello");
    let site = axum::http::HeaderValue::from_static("cross-site");
    request.headers_mut().insert("sec-fetch-site", site);
    assert_eq!(send(&router, request).await.0, StatusCode::FORBIDDEN);
    assert!(slack.messages("C1").is_empty());
}

#[tokio::test]
async fn commands_in_threads_and_unknown_ones_are_explained() {
    let slack = slack();
    let router = router(slack.clone(), Extra::default());
    let ts = slack.say("U1", "C1", "first", None);
    for body in [
        format!("user=U1&back=C1&thread={ts}&text=/syncgate help"),
        "user=U1&back=C1&text=/remind me".to_owned(),
    ] {
        send(&router, form("/page/type", &body)).await;
    }
    let told: Vec<_> = slack.ephemerals("U1").into_iter().map(|e| e.text).collect();
    assert_eq!(
        told,
        [
            "/syncgate does not work in threads. Write @syncgate help",
            "/remind is not a command here; /syncgate is."
        ]
    );
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    let router = router(slack(), Extra::default());
    for path in ["/", "/page/style.css", "/page/script.js", "/page/file/F1"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str();
        let policy = policy.unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    // Nothing of a style or a script stands in the page itself, so nothing is asked of the policy.
    let page = show(&router, "/").await;
    assert!(
        !page.contains(" style=") && !page.contains("onclick"),
        "{page}"
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
