//! Each way in which a write can end, told apart.

use std::time::Duration;

use chrono::DateTime;
use tokio::net::TcpListener;

use super::server::{Reply, Server, answer, half, html, json, throttled};
use super::{SECRET, client, ctx, hasty, id, settings};
use crate::fivetran::{FivetranClient, Priority, ReadError, Sent};
use crate::model::{Action, Call, ConnectionId, Frequency, TableSet};

const SYNCED: &str = r#"{"code":"Success","message":"Sync has been successfully triggered"}"#;

fn sync() -> Call {
    Call::of(&Action::SyncNow { force: false })
}

fn pause() -> Call {
    Call::of(&Action::Pause {
        until: DateTime::UNIX_EPOCH,
    })
}

async fn sent(reply: Reply) -> Sent {
    let server = Server::new(vec![reply]).await;
    let sent = client(&server).send(&id(), &sync()).await;
    assert_eq!(server.seen().len(), 1, "exactly one request");
    sent
}

fn unknown(sent: &Sent) -> (Option<u16>, &str) {
    match sent {
        Sent::Unknown { status, detail } => (*status, detail),
        other => panic!("{other:?} is not unknown"),
    }
}

#[tokio::test]
async fn what_leaves_is_exactly_the_call() {
    let tables = TableSet::from([("public".to_owned(), vec!["ördérs \"x\"".to_owned()])]);
    for (action, line, body) in [
        (
            Action::SyncNow { force: true },
            "POST /v1/connections/interchangeable_revenge/sync",
            r#"{"force":true}"#,
        ),
        (
            Action::Resume,
            "PATCH /v1/connections/interchangeable_revenge",
            r#"{"paused":false,"run_setup_tests":false}"#,
        ),
        (
            Action::SetFrequency {
                minutes: Frequency::DAILY,
                daily_sync_time: "03:00".parse().ok(),
                until: None,
            },
            "PATCH /v1/connections/interchangeable_revenge",
            r#"{"daily_sync_time":"03:00","run_setup_tests":false,"sync_frequency":1440}"#,
        ),
        (
            Action::HistoricalResync,
            "POST /v1/connections/interchangeable_revenge/resync",
            "{}",
        ),
        (
            Action::RunSetupTests,
            "POST /v1/connections/interchangeable_revenge/test",
            "{}",
        ),
        (
            Action::ResyncTables { tables },
            "POST /v1/connections/interchangeable_revenge/schemas/tables/resync",
            r#"{"public":["ördérs \"x\""]}"#,
        ),
    ] {
        let server = Server::new(vec![json(200, SYNCED)]).await;
        let call = Call::of(&action);
        let sent = client(&server).send(&id(), &call).await;
        assert!(matches!(sent, Sent::Accepted { .. }), "{sent:?}");
        let [seen] = &server.seen()[..] else {
            panic!("not one request")
        };
        assert_eq!(seen.line(), format!("{line} HTTP/1.1"));
        assert_eq!((&seen.body[..], &call.body()[..]), (body, body));
        assert_eq!(seen.header("content-type"), Some("application/json"));
        assert_eq!(seen.header("accept"), Some("application/json;version=2"));
        assert!(seen.header("user-agent").unwrap().starts_with("syncgate/"));
        // base64("planted-key:planted-secret")
        assert_eq!(
            seen.header("authorization"),
            Some("Basic cGxhbnRlZC1rZXk6cGxhbnRlZC1zZWNyZXQ=")
        );
    }
}

#[tokio::test]
async fn a_yes_is_accepted_with_its_request_id() {
    let body = r#"{"code":"Success","message":"Connection has been updated","data":{"id":"interchangeable_revenge"}}"#;
    let sent = sent(Reply::Keep(answer(200, "x-request-id: r-1\r\n", body))).await;
    let request_id = Some("r-1".to_owned());
    assert_eq!(sent, Sent::Accepted { request_id });
}

/// T087.
#[tokio::test]
async fn a_definite_no_is_refused_with_fivetrans_words() {
    for status in [400, 404, 405, 406, 409, 415, 422, 418] {
        let body = format!(
            r#"{{"code":"Some_Code","message":"{}"}}"#,
            "no ".repeat(200)
        );
        let Sent::Refused {
            status: told,
            code,
            message,
        } = sent(json(status, &body)).await
        else {
            panic!("{status} is not refused");
        };
        assert_eq!((told, &code[..]), (status, "Some_Code"));
        assert_eq!(message.chars().count(), 301);
    }
    let page = sent(html(404)).await;
    let message = "the answer is not Fivetran's JSON".to_owned();
    assert_eq!(
        page,
        Sent::Refused {
            status: 404,
            code: String::new(),
            message
        }
    );
    assert!(matches!(
        sent(half(409, "{")).await,
        Sent::Refused { status: 409, .. }
    ));
}

/// T082.
#[tokio::test]
async fn a_refused_key_is_told_apart() {
    for status in [401, 403] {
        let sent = sent(json(status, r#"{"code":"AuthFailed","message":"no"}"#)).await;
        assert_eq!(
            sent,
            Sent::KeyRefused {
                status,
                message: "AuthFailed: no".to_owned()
            }
        );
    }
}

/// A 5xx, with or without words, says neither yes nor no.
#[tokio::test]
async fn what_is_neither_yes_nor_no_is_unknown() {
    for status in [408, 500, 502, 503, 504] {
        let sent = sent(json(status, r#"{"code":"InternalError","message":"oops"}"#)).await;
        let (told, detail) = unknown(&sent);
        assert_eq!(told, Some(status));
        let path = "POST /v1/connections/interchangeable_revenge/sync";
        assert_eq!(detail, format!("{path}: {status}: InternalError: oops"));
    }
    assert_eq!(unknown(&sent(html(500)).await).0, Some(500));
    assert_eq!(unknown(&sent(half(500, "")).await).0, Some(500));
}

/// T081.
#[tokio::test]
async fn a_200_that_cannot_be_read_is_unknown() {
    let wrong_id = r#"{"code":"Success","data":{"id":"somebody_else"}}"#;
    for reply in [
        json(200, "not json"),
        json(200, ""),
        json(200, r#"{"code":"Success""#),
        json(200, r#"["Success","yes",null]"#),
        json(200, r#"{"code":"IllegalState","message":"later"}"#),
        json(200, r#"{"message":"fine"}"#),
        json(200, wrong_id),
        json(200, r#"{"code":"Success","data":{"id":7}}"#),
        json(200, &"[".repeat(100_000)),
        html(200),
        half(200, SYNCED),
    ] {
        let sent = sent(reply).await;
        let (status, detail) = unknown(&sent);
        assert_eq!(status, Some(200));
        assert!(
            detail.len() < 200 && !detail.contains("somebody_else"),
            "{detail}"
        );
    }
    assert_eq!(unknown(&sent(json(204, "")).await).0, Some(204));
    let flood = sent(Reply::Flood(50_000_000)).await;
    assert!(unknown(&flood).1.contains("larger than 4 MiB"), "{flood:?}");
}

/// T079, T092.
#[tokio::test]
async fn silence_and_slowness_end_in_unknown() {
    for (reply, status) in [(Reply::Hang, None), (Reply::Drip, Some(200))] {
        let server = Server::new(vec![reply]).await;
        let sent = hasty(&server).send(&id(), &pause()).await;
        assert_eq!(unknown(&sent).0, status);
        assert_eq!(server.seen().len(), 1);
    }
}

/// T080: the connection ends after the request was read, on the first request and on one that
/// follows another.
#[tokio::test]
async fn a_closed_connection_never_makes_a_second_request() {
    let server = Server::new(vec![Reply::Close(Vec::new())]).await;
    let client = client(&server);
    assert_eq!(unknown(&client.send(&id(), &sync()).await).0, None);
    assert_eq!(server.seen().len(), 1);
    for round in 0..5 {
        server.then(json(200, SYNCED));
        server.then(Reply::Close(Vec::new()));
        assert!(matches!(
            client.send(&id(), &sync()).await,
            Sent::Accepted { .. }
        ));
        assert_eq!(unknown(&client.send(&id(), &sync()).await).0, None);
        assert_eq!(server.seen().len(), 3 + 2 * round);
        assert_eq!(
            server.connections(),
            3 + 2 * round,
            "one connection a write"
        );
    }
}

/// T091.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::new(vec![json(200, SYNCED)]).await;
    for status in [301, 302, 303, 307, 308] {
        let headers = format!("location: {}/v1/x\r\n", other.base());
        let sent = sent(Reply::Keep(answer(status, &headers, ""))).await;
        assert_eq!(unknown(&sent).0, Some(status));
    }
    assert!(other.seen().is_empty(), "credentials went to another host");
}

/// T083.
#[tokio::test]
async fn a_429_holds_for_everybody_until_it_is_over() {
    let server = Server::new(vec![throttled("3600")]).await;
    let ctx = ctx();
    let settings = settings(&server.base(), Duration::from_secs(20));
    let client = FivetranClient::new(settings, ctx.clone()).unwrap();
    let wait = |minutes: u64| Sent::Throttled {
        retry_after: Duration::from_secs(minutes * 60),
    };
    assert_eq!(client.send(&id(), &sync()).await, wait(60));
    ctx.clock().advance(Duration::from_secs(600));
    assert_eq!(client.clone().send(&id(), &pause()).await, wait(50));
    let until = "2026-11-22T09:00:00Z".parse().unwrap();
    let read = client.connections(Priority::People).await;
    assert_eq!(read, Err(ReadError::Throttled { until }));
    assert_eq!(server.seen().len(), 1, "nothing leaves before it is over");
    ctx.clock().advance(Duration::from_secs(3000));
    server.then(json(200, SYNCED));
    assert!(matches!(
        client.send(&id(), &sync()).await,
        Sent::Accepted { .. }
    ));
}

#[tokio::test]
async fn what_cannot_have_left_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Takes connections and ends them: no TLS handshake succeeds.
    let no_tls = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    for base in ["http://127.0.0.1:1", "http://no-such-host.invalid", &no_tls] {
        let client = FivetranClient::new(settings(base, Duration::from_secs(20)), ctx()).unwrap();
        let sent = client.send(&id(), &sync()).await;
        let Sent::NotSent { why } = sent else {
            panic!("{base}: {sent:?}")
        };
        assert!(why.starts_with("POST /v1/connections/"), "{why}");
    }
    let server = Server::new(Vec::new()).await;
    for odd in ["..", ".", ""] {
        let sent = client(&server).send(&ConnectionId::new(odd), &sync()).await;
        assert!(matches!(sent, Sent::NotSent { .. }), "{sent:?}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn nothing_that_is_printed_holds_the_key() {
    let server = Server::new(vec![html(500), json(401, "{}")]).await;
    let client = client(&server);
    let mut printed = format!("{client:?}");
    for _ in 0..2 {
        printed += &format!("{:?}", client.send(&id(), &sync()).await);
    }
    printed += &format!("{:?}", settings(&server.base(), Duration::from_secs(1)));
    for planted in [SECRET, "planted-key", "cGxhbnRlZC1"] {
        assert!(!printed.contains(planted), "{printed}");
    }
}
