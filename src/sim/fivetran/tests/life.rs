//! The life of syncs: what starts them, how they end, what stays behind.

use chrono::{DateTime, Duration, Utc};

use super::*;

fn time(text: &str) -> Option<DateTime<Utc>> {
    Some(text.parse().unwrap())
}

#[tokio::test]
async fn an_hourly_connection_syncs_by_itself() {
    let w = Account::new();
    w.wait(59);
    assert_eq!(w.status().await["sync_state"], "scheduled");
    w.wait(2);
    assert_eq!(w.status().await["sync_state"], "syncing");
    w.wait(4);
    assert_eq!(w.status().await["sync_state"], "scheduled");
    assert_eq!(w.a().succeeded_at, time("2026-11-22T11:05:00Z"));
    assert!(
        w.did().is_empty(),
        "a scheduled sync is not the effect of a call"
    );
}

#[tokio::test]
async fn a_long_absence_is_made_up_for_in_the_order_of_time() {
    let w = Account::new();
    w.wait(24 * 60 + 30);
    assert_eq!(w.a().succeeded_at, time("2026-11-23T10:05:00Z"));
    let starts = w
        .sim
        .log_rows()
        .iter()
        .filter(|r| r.message_event == "sync_start")
        .count();
    assert_eq!(starts, 24);
}

#[tokio::test]
async fn a_sync_that_overruns_its_slot_skips_it() {
    let w = Account::new();
    w.sim.next_sync("a", Outcome::succeeds(90));
    w.wait(60 + 95);
    assert_eq!(w.a().succeeded_at, time("2026-11-22T12:30:00Z"));
    assert!(w.a().running.is_none());
    w.wait(27);
    assert!(w.a().running.is_some());
}

#[tokio::test]
async fn a_success_keeps_the_old_failure() {
    let w = Account::new();
    w.sim.next_sync("a", reconnect(3));
    w.wait(65);
    let failed_at = w.a().failed_at;
    assert_eq!(failed_at, time("2026-11-22T11:03:00Z"));
    let status = w.status().await;
    assert_eq!(status["setup_state"], "broken");
    assert_eq!(status["tasks"][0]["code"], "reconnect");
    w.wait(60);
    assert_eq!(w.a().failed_at, failed_at);
    assert_eq!(w.a().succeeded_at, time("2026-11-22T12:05:00Z"));
    assert_eq!(w.status().await["setup_state"], "connected");
    assert!(w.a().tasks.is_empty());
}

#[tokio::test]
async fn an_unknown_failure_becomes_a_task_only_at_the_third() {
    let w = Account::new();
    for expected in [0, 0, 1] {
        w.sim.next_sync(
            "a",
            Outcome::fails_unknown(1, "java.lang.IllegalStateException: null"),
        );
        w.wait(60);
        w.wait(5);
        assert_eq!(w.a().tasks.len(), expected);
        w.wait(-5);
    }
    assert_eq!(w.a().tasks[0].code, "unknown_sync_failure");
}

#[tokio::test]
async fn a_rescheduled_sync_is_neither_success_nor_failure_and_starts_again_under_auto() {
    let w = Account::new();
    let until = w.now() + Duration::minutes(150);
    w.sim.next_sync("a", Outcome::reschedules(until));
    w.wait(62);
    let status = w.status().await;
    assert_eq!(status["sync_state"], "rescheduled");
    assert_eq!(status["rescheduled_for"], "2026-11-22T12:30:00.000000Z");
    assert_eq!((w.a().succeeded_at, w.a().failed_at), (None, None));
    w.wait(60);
    assert_eq!(
        w.status().await["sync_state"],
        "rescheduled",
        "the slot at twelve is not used"
    );
    w.wait(30);
    assert_eq!(w.status().await["sync_state"], "syncing");
    assert_eq!(w.a().running.unwrap().started_at, until);
}

#[tokio::test]
async fn under_manual_nothing_restarts_a_rescheduled_sync_but_a_call() {
    let w = Account::new();
    w.sim.change("a", |c| c.schedule_type = "manual".into());
    w.sim
        .next_sync("a", Outcome::reschedules(w.now() + Duration::minutes(30)));
    w.post("/v1/connections/a/sync", "{}").await;
    w.wait(3 * 24 * 60);
    assert_eq!(w.status().await["sync_state"], "rescheduled");
    w.post("/v1/connections/a/sync", "{}").await;
    assert_eq!(w.status().await["sync_state"], "syncing");
    w.wait(5);
    assert_eq!(w.a().succeeded_at, Some(w.now()));
    assert_eq!(w.a().rescheduled_for, None);
}

#[tokio::test]
async fn a_second_sync_call_changes_nothing_and_force_kills() {
    let w = Account::new();
    w.post("/v1/connections/a/sync", r#"{"force":false}"#).await;
    let first = w.a().running.unwrap();
    w.wait(1);
    let again = w.post("/v1/connections/a/sync", "").await;
    assert_eq!(again.status, 200);
    assert_eq!(
        again.body["message"],
        "Sync has been successfully triggered for connection with id 'a'"
    );
    assert_eq!(w.a().running.as_ref(), Some(&first));
    w.post("/v1/connections/a/sync", r#"{"force":true}"#).await;
    assert_ne!(w.a().running.unwrap().sync_id, first.sync_id);
    let effects = w.sim.effects();
    assert_eq!(
        effects.iter().map(|e| e.what.clone()).collect::<Vec<_>>(),
        [
            EffectKind::SyncStarted { force: false },
            EffectKind::NoChange,
            EffectKind::SyncStarted { force: true }
        ]
    );
    assert_eq!(effects[2].also, [EffectKind::SyncKilled]);
    assert!(w.sim.log_rows().iter().any(|r| {
        r.message_data
            .as_deref()
            .is_some_and(|d| d.contains("CANCELED"))
    }));
}

#[tokio::test]
async fn a_sync_may_hang_or_never_start() {
    let w = Account::new();
    w.sim.next_sync("a", Outcome::NeverStarts);
    w.post("/v1/connections/a/sync", "{}").await;
    assert_eq!(w.status().await["sync_state"], "scheduled");
    assert_eq!(w.did(), [EffectKind::NoChange]);
    w.sim.next_sync("a", Outcome::NeverEnds);
    w.post("/v1/connections/a/sync", "{}").await;
    w.wait(10_000);
    assert_eq!(w.status().await["sync_state"], "syncing");
}

#[tokio::test]
async fn pausing_kills_and_resuming_waits_for_the_next_slot() {
    let w = Account::new();
    w.post("/v1/connections/a/sync", "{}").await;
    w.patch(
        "/v1/connections/a",
        r#"{"paused":true,"run_setup_tests":false}"#,
    )
    .await;
    assert_eq!(w.status().await["sync_state"], "paused");
    w.wait(300);
    assert!(w.a().succeeded_at.is_none());
    w.patch(
        "/v1/connections/a",
        r#"{"paused":false,"run_setup_tests":false}"#,
    )
    .await;
    assert_eq!(w.status().await["sync_state"], "scheduled");
    w.wait(60);
    assert_eq!(w.status().await["sync_state"], "syncing");
    assert_eq!(w.sim.effects()[1].also, [EffectKind::SyncKilled]);
}

#[tokio::test]
async fn a_historical_resync_takes_longer_and_is_seen() {
    let w = Account::new();
    assert_eq!(w.post("/v1/connections/a/resync", "{}").await.status, 200);
    let status = w.status().await;
    assert_eq!(
        (&status["is_historical_sync"], &status["sync_state"]),
        (&true.into(), &"syncing".into())
    );
    assert_eq!(w.post("/v1/connections/a/resync", "{}").await.status, 409);
    w.wait(29);
    assert_eq!(w.status().await["is_historical_sync"], true);
    w.wait(1);
    assert_eq!(w.status().await["is_historical_sync"], false);
    assert_eq!(w.did(), [EffectKind::Resync]);
}

#[tokio::test]
async fn a_resync_of_a_paused_connection_waits_for_the_resume() {
    let w = Account::new();
    w.sim.change("a", |c| c.paused = true);
    assert_eq!(w.post("/v1/connections/a/resync", "{}").await.status, 200);
    w.wait(300);
    assert!(w.a().running.is_none());
    w.patch(
        "/v1/connections/a",
        r#"{"paused":false,"run_setup_tests":false}"#,
    )
    .await;
    assert_eq!(w.status().await["sync_state"], "syncing");
}

#[tokio::test]
async fn hidden_effects_do_not_show_until_they_are_shown() {
    let w = Account::new();
    w.sim.hide_effects(true);
    w.post("/v1/connections/a/resync", "{}").await;
    let hidden = w.status().await;
    assert_eq!(
        (&hidden["is_historical_sync"], &hidden["sync_state"]),
        (&false.into(), &"scheduled".into())
    );
    w.wait(45);
    assert!(w.get("/v1/connections/a").await.body["data"]["succeeded_at"].is_null());
    assert_eq!(w.did(), [EffectKind::Resync]);
    w.sim.hide_effects(false);
    assert_eq!(
        w.get("/v1/connections/a").await.body["data"]["succeeded_at"],
        "2026-11-22T10:30:00.000000Z"
    );
}

#[tokio::test]
async fn a_late_effect_comes_after_its_answer() {
    let w = Account::new();
    w.sim.apply_late(std::time::Duration::from_secs(90));
    let answer = w
        .patch(
            "/v1/connections/a",
            r#"{"paused":true,"run_setup_tests":false}"#,
        )
        .await;
    assert_eq!(
        (answer.status, &answer.body["data"]["paused"]),
        (200, &false.into())
    );
    w.wait(1);
    assert!(!w.a().paused);
    assert!(w.did().is_empty());
    w.wait(1);
    assert!(w.a().paused);
    assert_eq!(w.sim.effects()[0].at, w.now() - Duration::seconds(30));
}

#[tokio::test]
async fn fivetran_itself_calls_old_data_delayed() {
    let w = Account::new();
    w.sim
        .change("a", |c| c.succeeded_at = time("2026-11-22T09:55:00Z"));
    assert_eq!(w.status().await["update_state"], "on_schedule");
    w.sim.next_sync("a", Outcome::NeverEnds);
    w.wait(300);
    assert_eq!(w.status().await["update_state"], "delayed");
}
