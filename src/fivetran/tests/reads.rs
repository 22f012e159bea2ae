//! Reads: whole or an error, repeated where that helps.

use std::time::Duration;

use serde_json::{Value, json as value};

use super::server::{Reply, Server, answer, half, html, json, throttled};
use super::{client, ctx, hasty, id, settings};
use crate::fivetran::{Account, FivetranClient, Priority, ReadError, Sent};
use crate::model::{Action, Call};

const ONE: &str = include_str!("../../../tests/data/fivetran/connection.json");

fn page(ids: &[&str], next: Value) -> Reply {
    let item = |id: &&str| value!({"id": id, "paused": false});
    let items: Vec<Value> = ids.iter().map(item).collect();
    let body = value!({"code": "Success", "data": {"items": items, "next_cursor": next}});
    json(200, &body.to_string())
}

fn odd_status(error: ReadError) -> u16 {
    match error {
        ReadError::Odd { status, .. } => status,
        other => panic!("{other:?} is not odd"),
    }
}

async fn connection_from(reply: Reply) -> Result<bool, ReadError> {
    let server = Server::new(vec![reply]).await;
    let read = client(&server).connection(&id(), Priority::People).await;
    assert_eq!(server.seen().len(), 1);
    read.map(|found| found.is_some())
}

#[tokio::test]
async fn the_account_tells_whose_key_it_is() {
    let body = r#"{"code":"Success","data":{"account_id":"acc","account_name":"ACME","system_key_id":"sk"}}"#;
    let server = Server::new(vec![json(200, body)]).await;
    let account = client(&server).account().await.unwrap();
    let expected = Account {
        id: "acc".into(),
        name: "ACME".into(),
        identity: Some("sk".into()),
    };
    assert_eq!(account, expected);
    let seen = &server.seen()[0];
    assert_eq!(seen.line(), "GET /v1/account/info HTTP/1.1");
    assert_eq!(seen.header("accept"), Some("application/json"));
    assert!(seen.header("authorization").unwrap().starts_with("Basic "));
    assert_eq!(seen.header("content-type"), None);
}

#[tokio::test]
async fn a_list_is_read_to_its_end() {
    let server = Server::new(vec![
        page(&["a", "b"], value!("c&1")),
        page(&["b", "c"], value!("2")),
        page(&[], Value::Null),
    ])
    .await;
    let all = client(&server).connections(Priority::People).await.unwrap();
    let ids: Vec<&str> = all.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(
        ids,
        ["a", "b", "c"],
        "one that shifts between pages is there once"
    );
    let lines: Vec<String> = server.seen().iter().map(|s| s.line().to_owned()).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/connections?limit=1000 HTTP/1.1",
            "GET /v1/connections?limit=1000&cursor=c%261 HTTP/1.1",
            "GET /v1/connections?limit=1000&cursor=2 HTTP/1.1",
        ]
    );
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_left_out() {
    let body = r#"{"code":"Success","data":{"items":[{"id":"g1","name":"One"},{"id":7},null,{"id":"g2"}]}}"#;
    let server = Server::new(vec![json(200, body)]).await;
    let groups = client(&server).groups(Priority::People).await.unwrap();
    let named: Vec<_> = groups
        .iter()
        .map(|g| (g.id.as_str(), &g.name[..]))
        .collect();
    assert_eq!(named, [("g1", "One"), ("g2", "g2")]);
}

/// T088.
#[tokio::test]
async fn a_cursor_that_goes_round_is_an_error() {
    for script in [
        vec![page(&["a"], value!("1")), page(&["b"], value!("1"))],
        vec![
            page(&["a"], value!("1")),
            page(&["b"], value!("2")),
            page(&["a"], value!("1")),
        ],
    ] {
        let pages = script.len();
        let server = Server::new(script).await;
        let error = client(&server)
            .connections(Priority::People)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("comes back"), "{error}");
        assert_eq!(server.seen().len(), pages);
    }
}

#[tokio::test]
async fn a_list_without_end_is_an_error() {
    let script = (0..300).map(|n| page(&[], value!(n.to_string()))).collect();
    let server = Server::new(script).await;
    let error = client(&server).groups(Priority::People).await.unwrap_err();
    assert!(error.to_string().contains("does not end"), "{error}");
    assert_eq!(server.seen().len(), 200);
}

#[tokio::test]
async fn half_a_list_is_no_list() {
    for last in [
        html(200),
        json(404, "{}"),
        json(200, r#"{"code":"Success","data":{}}"#),
        json(200, r#"{"code":"Success","data":{"items":null}}"#),
        json(200, r#"{"code":"Success"}"#),
        half(200, r#"{"code":"Success","data":{"items":["#),
    ] {
        let server = Server::new(vec![page(&["a"], value!("1")), last]).await;
        let error = client(&server)
            .connections(Priority::People)
            .await
            .unwrap_err();
        odd_status(error);
    }
}

#[tokio::test]
async fn a_connection_is_there_or_gone_or_in_doubt() {
    assert_eq!(connection_from(json(200, ONE)).await, Ok(true));
    let gone = r#"{"code":"NotFound_Connector","message":"does not exist"}"#;
    assert_eq!(connection_from(json(404, gone)).await, Ok(false));
    assert_eq!(connection_from(json(404, "")).await, Ok(false));
    // A proxy's page must not pass for a deleted connection.
    for (reply, status) in [
        (html(404), 404),
        (json(404, "{}"), 404),
        (half(404, ""), 404),
        (json(400, r#"{"code":"InvalidInput"}"#), 400),
        (
            json(200, &ONE.replace("interchangeable_revenge", "another")),
            200,
        ),
        (
            json(
                200,
                r#"{"code":"Success","data":{"id":"interchangeable_revenge"}}"#,
            ),
            200,
        ),
        (json(200, &ONE.replace("Success", "IllegalState")), 200),
        (html(200), 200),
        (half(200, &ONE[..100]), 200),
        (json(200, &"[".repeat(100_000)), 200),
        (Reply::Flood(5 << 20), 200),
        (
            Reply::Keep(answer(302, "location: http://127.0.0.1:1/\r\n", "")),
            302,
        ),
    ] {
        assert_eq!(
            odd_status(connection_from(reply).await.unwrap_err()),
            status
        );
    }
}

#[tokio::test]
async fn an_error_tells_what_and_not_more() {
    let long = format!(
        r#"{{"code":"InvalidInput","message":"{}"}}"#,
        "x".repeat(5000)
    );
    let ReadError::Odd { detail, .. } = connection_from(json(400, &long)).await.unwrap_err() else {
        panic!("not odd");
    };
    let start = "GET /v1/connections/interchangeable_revenge: 400: InvalidInput: xxx";
    assert!(detail.starts_with(start), "{detail}");
    assert!(detail.chars().count() < 400);
    let body = r#"{"code":"Success","data":{"id":{"password":"hunter2"}}}"#;
    let error = connection_from(json(200, body)).await.unwrap_err();
    assert!(!format!("{error:?}{error}").contains("hunter2"));
}

#[tokio::test]
async fn a_read_is_tried_again_after_a_5xx_and_a_broken_connection() {
    let oops = || json(500, r#"{"code":"InternalError","message":"oops"}"#);
    let server = Server::new(vec![oops(), Reply::Close(Vec::new()), json(200, ONE)]).await;
    let read = client(&server).connection(&id(), Priority::People).await;
    assert!(read.unwrap().is_some());
    let server = Server::new(vec![oops(), oops(), html(503), json(200, ONE)]).await;
    let read = client(&server).connection(&id(), Priority::People).await;
    assert_eq!(odd_status(read.unwrap_err()), 503);
    assert_eq!(server.seen().len(), 3, "three attempts in all");
}

/// T082, T083, T092.
#[tokio::test]
async fn what_does_not_help_is_not_tried_again() {
    let server = Server::new(vec![json(401, r#"{"code":"AuthFailed","message":"no"}"#)]).await;
    let error = client(&server).account().await.unwrap_err();
    let message = "GET /v1/account/info: 401: AuthFailed: no".to_owned();
    assert_eq!(
        error,
        ReadError::KeyRefused {
            status: 401,
            message
        }
    );
    assert_eq!(server.seen().len(), 1);

    let server = Server::new(vec![throttled("120")]).await;
    let error = client(&server).account().await.unwrap_err();
    let until = "2026-11-22T08:02:00Z".parse().unwrap();
    assert_eq!(error, ReadError::Throttled { until });
    assert_eq!(server.seen().len(), 1);

    let server = Server::new(vec![Reply::Hang]).await;
    let error = hasty(&server).account().await.unwrap_err();
    let detail = "GET /v1/account/info: no answer in time".to_owned();
    assert_eq!(error, ReadError::Unreachable { detail });
    assert_eq!(server.seen().len(), 1);

    let server = Server::new(vec![Reply::Drip]).await;
    assert_eq!(odd_status(hasty(&server).account().await.unwrap_err()), 200);
}

#[tokio::test]
async fn a_dead_host_is_unreachable() {
    let base = "http://127.0.0.1:1";
    let client = FivetranClient::new(settings(base, Duration::from_secs(5)), ctx()).unwrap();
    let error = client.account().await.unwrap_err();
    let ReadError::Unreachable { detail } = error else {
        panic!("{error:?}");
    };
    assert!(detail.starts_with("GET /v1/account/info: "), "{detail}");
}

/// T086: the reserve holds before Fivetran has to say 429.
#[tokio::test]
async fn background_reads_leave_the_reserve_to_people() {
    let low = "x-rate-limit: 1000\r\nx-rate-limit-remaining: 200\r\n";
    let server = Server::new(vec![Reply::Keep(answer(200, low, ONE)), json(200, ONE)]).await;
    let client = client(&server);
    let read = client.connection(&id(), Priority::Background).await;
    assert!(read.unwrap().is_some());
    let until = "2026-11-22T08:05:00Z".parse().unwrap();
    let read = client.connection(&id(), Priority::Background).await;
    assert_eq!(read, Err(ReadError::Budget { until }));
    assert_eq!(server.seen().len(), 1);
    let read = client.connection(&id(), Priority::People).await;
    assert!(read.unwrap().is_some());
    server.then(json(200, r#"{"code":"Success","message":"synced"}"#));
    let call = Call::of(&Action::SyncNow { force: false });
    let sent = client.send(&id(), &call).await;
    assert!(matches!(sent, Sent::Accepted { .. }), "{sent:?}");
}
