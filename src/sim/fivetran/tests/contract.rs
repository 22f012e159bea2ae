//! Every kind of answer, held against Fivetran's published description.

use super::*;

#[path = "../../../../tests/it/openapi.rs"]
mod openapi;
use openapi::Spec;

/// Sends, and lets the description judge the answer.
async fn judge(w: &Account, spec: &Spec, method: &str, path: &str, body: &str, status: u16) {
    let answer = w.send(method, path, body).await;
    assert_eq!(
        answer.status, status,
        "{method} {path} {body}: {}",
        answer.body
    );
    if let Err(complaint) = spec.check_response(method, path, status, &answer.body) {
        panic!("{method} {path} {status}: {complaint}\n{:#}", answer.body);
    }
}

#[tokio::test]
async fn answers_about_connections_are_as_described() {
    let Some(spec) = Spec::load() else { return };
    let w = Account::new();
    w.sim.enable_diagnosis(true);
    w.sim
        .add_connection(Connection::new("b", "stripe", "stripe", "warehouse"));
    w.sim.change("b", |c| {
        c.warnings
            .push(super::super::Notice::new("sync_warning", "Sync Warning"))
    });
    w.sim.next_sync("a", reconnect(3));
    w.wait(70);
    let a = "/v1/connections/a";
    let cases = [
        ("GET", "/v1/connections".to_owned(), "", 200),
        ("GET", "/v1/connections?limit=1".to_owned(), "", 200),
        ("GET", "/v1/connections?cursor=x".to_owned(), "", 400),
        ("GET", a.to_owned(), "", 200),
        ("GET", "/v1/connections/x".to_owned(), "", 404),
        ("GET", format!("{a}/schemas"), "", 200),
        ("GET", format!("{a}/errors"), "", 200),
        ("GET", "/v1/connections/b/warnings".to_owned(), "", 200),
        ("GET", format!("{a}/sync-history"), "", 200),
        (
            "PATCH",
            a.to_owned(),
            r#"{"sync_frequency":15,"run_setup_tests":false}"#,
            200,
        ),
        ("PATCH", a.to_owned(), r#"{"paused":false}"#, 200),
        ("PATCH", a.to_owned(), "{}", 400),
        ("POST", format!("{a}/test"), "{}", 200),
        (
            "POST",
            format!("{a}/schemas/tables/resync"),
            r#"{"public":["orders"]}"#,
            200,
        ),
        ("POST", format!("{a}/resync"), "{}", 409),
        ("POST", format!("{a}/sync"), r#"{"force":true}"#, 200),
        ("POST", "/v1/connections/b/resync".to_owned(), "{}", 200),
        (
            "POST",
            "/v1/connections/b/schemas/reload".to_owned(),
            "{}",
            200,
        ),
    ];
    for (method, path, body, status) in cases {
        judge(&w, spec, method, &path, body, status).await;
    }
    w.sim.enable_diagnosis(false);
    judge(&w, spec, "GET", "/v1/connections/a/errors", "", 403).await;
    judge(&w, spec, "GET", "/v1/connections/a/warnings", "", 404).await;
}

#[tokio::test]
async fn answers_about_the_account_are_as_described() {
    let Some(spec) = Spec::load() else { return };
    let w = Account::new();
    let hook =
        r#"{"url":"https://example.com/hook","events":["sync_end"],"active":false,"secret":"s"}"#;
    let cases = [
        ("GET", "/v1/account/info", "", 200),
        ("GET", "/v1/groups", "", 200),
        ("GET", "/v1/groups/warehouse", "", 200),
        ("GET", "/v1/groups/warehouse/connections", "", 200),
        ("GET", "/v1/destinations", "", 200),
        ("GET", "/v1/destinations/warehouse", "", 200),
        ("POST", "/v1/webhooks/account", hook, 200),
        ("POST", "/v1/webhooks/group/warehouse", hook, 200),
        ("GET", "/v1/webhooks", "", 200),
        ("GET", "/v1/webhooks/webhook_2", "", 200),
        (
            "PATCH",
            "/v1/webhooks/webhook_2",
            r#"{"events":["sync_start"]}"#,
            200,
        ),
        ("DELETE", "/v1/webhooks/webhook_2", "", 200),
    ];
    for (method, path, body, status) in cases {
        judge(&w, spec, method, path, body, status).await;
    }
    w.sim.set_budget(0);
    judge(&w, spec, "GET", "/v1/connections/a", "", 429).await;
    w.sim.set_key("new", "new");
    judge(&w, spec, "GET", "/v1/connections/a", "", 401).await;
}

#[test]
fn the_judge_tells_right_requests_from_wrong_ones() {
    let Some(spec) = Spec::load() else { return };
    let path = "/v1/connections/a";
    let ok = |method: &str, path: &str, body: &str| {
        spec.check_request(method, path, &serde_json::from_str(body).unwrap())
            .is_ok()
    };
    assert!(ok(
        "PATCH",
        path,
        r#"{"sync_frequency":60,"run_setup_tests":false}"#
    ));
    assert!(!ok("PATCH", path, r#"{"sync_frequency":61}"#));
    assert!(!ok("PATCH", path, r#"{"daily_sync_time":null}"#));
    assert!(!ok("PATCH", path, r#"{"pausd":true}"#));
    assert!(!ok("POST", "/v1/connections/a/sync", r#"{"force":"yes"}"#));
    assert!(ok(
        "POST",
        "/v1/connections/a/schemas/tables/resync",
        r#"{"schema":["orders"]}"#
    ));
    assert!(!ok("POST", "/v1/connections/a/force", "{}"));
    assert!(ok("GET", "/v1/connections?limit=5", "null"));
    assert!(!ok("GET", "/v1/connections?lim=5", "null"));
    assert!(!ok("GET", path, "{}"));
    let answer = serde_json::json!({"code": "Success", "data": {"id": 5}});
    assert!(spec.check_response("GET", path, 200, &answer).is_err());
    assert!(spec.check_response("GET", path, 418, &answer).is_err());
}
