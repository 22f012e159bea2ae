//! The REST surface: headers, refusals, paging, PATCH.

use super::*;

type Headers<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn every_request_needs_the_key_and_the_right_media_types() {
    let w = Account::new();
    let auth = ("authorization", "Basic a2V5OnNlY3JldA==");
    let json = ("accept", "application/json");
    let cases: [(&str, Headers, u16); 7] = [
        ("GET", &[auth, json], 200),
        ("GET", &[json], 401),
        ("GET", &[("authorization", "Bearer key"), json], 401),
        ("GET", &[auth], 406),
        ("GET", &[auth, ("accept", "*/*")], 406),
        (
            "GET",
            &[auth, ("accept", "application/json;version=3")],
            406,
        ),
        ("PATCH", &[auth, json], 415),
    ];
    for (method, headers, status) in cases {
        let answer = w.send_with(method, "/v1/connections/a", "", headers).await;
        assert_eq!(answer.status, status, "{method} {headers:?}");
        assert!(answer.headers.contains_key("x-request-id"));
    }
    w.sim.set_key("other", "secret");
    assert_eq!(w.get("/v1/connections/a").await.status, 401);
}

#[tokio::test]
async fn the_budget_is_shown_and_kept() {
    let w = Account::new();
    w.sim.set_budget(2);
    let first = w.get("/v1/groups").await;
    assert_eq!(
        (
            &first.headers["x-rate-limit"],
            &first.headers["x-rate-limit-remaining"]
        ),
        (&"2".parse().unwrap(), &"1".parse().unwrap())
    );
    w.wait(10);
    w.get("/v1/groups").await;
    let refused = w.get("/v1/groups").await;
    assert_eq!(
        (refused.status, refused.body["code"].as_str()),
        (429, Some("TooManyRequests"))
    );
    assert_eq!(refused.headers["retry-after"], "3000");
    w.wait(50);
    assert_eq!(w.get("/v1/groups").await.status, 200);
}

#[tokio::test]
async fn pages_hold_each_connection_once_even_when_one_is_deleted_between() {
    let w = Account::empty();
    for i in 0..250 {
        w.sim.add_connection(Connection::new(
            &format!("c{i:03}"),
            "postgres",
            &format!("s{i}"),
            "warehouse",
        ));
    }
    let first = w.get("/v1/connections").await.body;
    assert_eq!(first["data"]["items"].as_array().unwrap().len(), 100);
    w.sim.delete("c099");
    let mut seen = Vec::new();
    let mut cursor = first["data"]["next_cursor"].as_str().map(str::to_owned);
    while let Some(at) = cursor {
        let page = w
            .get(&format!("/v1/connections?limit=70&cursor={at}"))
            .await
            .body;
        seen.extend(
            page["data"]["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|c| c["id"].as_str().unwrap().to_owned()),
        );
        cursor = page["data"]["next_cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(seen.len(), 150);
    assert_eq!((seen[0].as_str(), seen[149].as_str()), ("c100", "c249"));
    for bad in [
        "cursor=zz",
        "cursor=6869",
        "limit=0",
        "limit=1001",
        "limit=many",
    ] {
        assert_eq!(
            w.get(&format!("/v1/connections?{bad}")).await.status,
            400,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn lists_are_narrowed_by_group_and_schema() {
    let w = Account::new();
    w.sim
        .add_connection(Connection::new("b", "stripe", "stripe", "lake"));
    let ids = async |path: &str| {
        let body = w.get(path).await.body;
        body["data"]["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("/v1/connections?group_id=lake").await, ["b"]);
    assert_eq!(ids("/v1/connections?schema=shop").await, ["a"]);
    assert_eq!(ids("/v1/groups/warehouse/connections").await, ["a"]);
    assert_eq!(w.get("/v1/groups/none/connections").await.status, 404);
}

#[tokio::test]
async fn a_patch_runs_setup_tests_unless_it_says_no() {
    let w = Account::new();
    w.patch("/v1/connections/a", r#"{"sync_frequency":15}"#)
        .await;
    w.patch(
        "/v1/connections/a",
        r#"{"sync_frequency":30,"run_setup_tests":false}"#,
    )
    .await;
    let effects = w.sim.effects();
    assert_eq!(effects[0].what, EffectKind::FrequencySet { minutes: 15 });
    assert_eq!(effects[0].also, [EffectKind::SetupTestsRun]);
    assert!(effects[1].also.is_empty());
}

#[tokio::test]
async fn a_patch_to_what_is_already_so_changes_nothing() {
    let w = Account::new();
    let body =
        r#"{"sync_frequency":60,"paused":false,"schedule_type":"auto","run_setup_tests":false}"#;
    assert_eq!(w.patch("/v1/connections/a", body).await.status, 200);
    assert_eq!(w.did(), [EffectKind::NoChange]);
}

#[tokio::test]
async fn bad_patches_are_refused_and_do_nothing() {
    let w = Account::new();
    let bad = [
        "",
        "{}",
        "[]",
        "{",
        r#"{"run_setup_tests":false}"#,
        r#"{"sync_frequency":61}"#,
        r#"{"sync_frequency":"60"}"#,
        r#"{"paused":"yes"}"#,
        r#"{"schedule_type":"cron"}"#,
        r#"{"daily_sync_time":"03:00"}"#,
        r#"{"sync_frequency":1440,"daily_sync_time":"03:30"}"#,
        r#"{"frequency":60}"#,
        r#"{"schedule":{"schedule_type":"CRON","cron":"* * * * *"}}"#,
    ];
    for body in bad {
        assert_eq!(
            w.patch("/v1/connections/a", body).await.status,
            400,
            "{body}"
        );
    }
    assert!(w.did().is_empty());
}

#[tokio::test]
async fn a_daily_time_goes_with_the_daily_frequency() {
    let w = Account::new();
    let body = r#"{"sync_frequency":1440,"daily_sync_time":"03:00","run_setup_tests":false}"#;
    let answer = w.patch("/v1/connections/a", body).await.body;
    assert_eq!(answer["message"], "Connection has been updated");
    assert_eq!(answer["data"]["daily_sync_time"], "03:00");
    w.wait(17 * 60);
    assert_eq!(w.status().await["sync_state"], "syncing");
    w.patch(
        "/v1/connections/a",
        r#"{"sync_frequency":60,"run_setup_tests":false}"#,
    )
    .await;
    assert_eq!(w.a().daily_sync_time, None);
}

#[tokio::test]
async fn touching_the_setup_is_recorded() {
    let w = Account::new();
    w.patch(
        "/v1/connections/a",
        r#"{"config":{"password":"x"},"run_setup_tests":false}"#,
    )
    .await;
    w.patch(
        "/v1/connections/a",
        r#"{"is_historical_sync":true,"run_setup_tests":false}"#,
    )
    .await;
    assert_eq!(
        w.did(),
        [
            EffectKind::ConfigChanged {
                fields: vec!["config".into()]
            },
            EffectKind::Resync
        ]
    );
}

#[tokio::test]
async fn a_paused_connection_refuses_a_sync_or_ignores_it() {
    let w = Account::new();
    w.sim.change("a", |c| c.paused = true);
    let refused = w.post("/v1/connections/a/sync", "{}").await;
    assert_eq!(
        (refused.status, refused.body["code"].as_str()),
        (400, Some("IllegalState"))
    );
    assert!(w.did().is_empty());
    w.sim.on_paused_sync(super::super::PausedSync::Ignored);
    assert_eq!(w.post("/v1/connections/a/sync", "{}").await.status, 200);
    assert_eq!(w.did(), [EffectKind::NoChange]);
}

#[tokio::test]
async fn a_table_resync_names_tables_that_are_there() {
    let w = Account::new();
    let path = "/v1/connections/a/schemas/tables/resync";
    for body in [
        "{}",
        "",
        r#"{"public":[]}"#,
        r#"{"public":["Orders"]}"#,
        r#"{"public":["orders","orders"]}"#,
    ] {
        assert_eq!(w.post(path, body).await.status, 400, "{body}");
    }
    assert_eq!(w.post(path, r#"{"public":["orders"]}"#).await.status, 200);
    assert_eq!(w.post(path, r#"{"public":["orders"]}"#).await.status, 409);
    w.wait(10);
    let scope = r#"{"scope":{"public":["orders","customers"]}}"#;
    assert_eq!(w.post("/v1/connections/a/resync", scope).await.status, 200);
    let tables = |names: &[&str]| EffectKind::TablesResync {
        tables: names.iter().map(|n| (*n).into()).collect(),
    };
    assert_eq!(
        w.did(),
        [
            tables(&["public.orders"]),
            tables(&["public.customers", "public.orders"])
        ]
    );
}

#[tokio::test]
async fn setup_tests_tell_a_broken_login_and_mend_a_repaired_one() {
    let w = Account::new();
    w.sim.change("a", |c| c.usual = reconnect(1));
    assert_eq!(w.post("/v1/connections/a/test", "").await.status, 400);
    let broken = w.post("/v1/connections/a/test", "{}").await.body;
    assert_eq!(broken["data"]["setup_tests"][1]["status"], "FAILED");
    assert_eq!(broken["data"]["status"]["setup_state"], "broken");
    w.sim.repair("a", 5);
    let mended = w.post("/v1/connections/a/test", "{}").await.body;
    assert_eq!(mended["data"]["setup_tests"][1]["status"], "PASSED");
    assert_eq!(mended["data"]["status"]["setup_state"], "connected");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let w = Account::new();
    assert_eq!(
        w.get("/v1/connections/x").await.body["code"],
        "NotFound_Connection"
    );
    assert_eq!(w.post("/v1/connections/x/sync", "{}").await.status, 404);
    assert_eq!(w.get("/v1/groups/x").await.body["code"], "NotFound_Group");
    assert_eq!(
        w.get("/v1/destinations/x").await.body["code"],
        "NotFound_Destination"
    );
    assert_eq!(w.get("/v1/nothing").await.status, 404);
    assert_eq!(w.send("DELETE", "/v1/connections/a", "").await.status, 405);
    w.sim.change("a", |c| c.tables.clear());
    assert_eq!(
        w.get("/v1/connections/a/schemas").await.body["code"],
        "NotFound_SchemaConfig"
    );
    for preview in ["errors", "warnings", "sync-history"] {
        assert!([403, 404].contains(&w.get(&format!("/v1/connections/a/{preview}")).await.status));
    }
}
