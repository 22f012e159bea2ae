//! Doubts about a call to Fivetran (SPEC I4): read back, sent again only where that is proved to be
//! safe, and shown as unknown where nothing can be proved.

use std::time::Duration;

use syncgate::model::Intent;
use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::fivetran::Outcome;
use syncgate::sim::ledger::Service;

use crate::harness::people::{ANA, EMIL, ERIN};
use crate::harness::{CHANNEL, World, world};

const PAUSE: &str = "pause orders for 2h";

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// An answer that is no JSON, as a proxy gives it.
fn page(status: u16) -> FaultKind {
    FaultKind::Answer {
        status,
        headers: vec![("content-type".into(), "text/html".into())],
        body: "<html><body>Bad gateway</body></html>".into(),
    }
}

#[test]
fn t067_a_crash_after_the_effect_of_a_pause_sends_it_no_second_time() {
    world(async |w| {
        w.command(ANA, PAUSE).await;
        assert!(w.press(EMIL, "Approve").await.ok());
        w.dies_in_the_call(true).await;
        w.pass(minutes(10)).await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        assert_eq!(w.writes().len(), 1);
        assert_eq!(w.word(), "Done");
        assert!(w.codes().await.contains(&"action.uncertain".to_owned()));
    });
}

#[test]
fn t068_a_crash_after_the_effect_of_a_sync_sends_it_no_second_time() {
    world(async |w| {
        assert!(w.slack.command(ANA, CHANNEL, "sync orders").await.ok());
        w.dies_in_the_call(true).await;
        w.pass(minutes(30)).await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        assert_eq!(w.writes().len(), 1);
        assert_eq!(w.word(), "Done");
    });
}

#[test]
fn t069_a_crash_before_the_effect_of_a_sync_ends_in_one_effect() {
    world(async |w| {
        assert!(w.slack.command(ANA, CHANNEL, "sync orders").await.ok());
        w.dies_in_the_call(false).await;
        w.pass(minutes(2)).await;
        assert_eq!(w.writes().len(), 1, "too early to send it again");
        w.pass(minutes(5)).await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        assert_eq!(w.writes().len(), 2);
        assert_eq!(w.word(), "Done");
    });
}

/// The card after the doubt, until a person says what they saw in Fivetran.
async fn hidden_effect_of(w: &mut World, ask: &str, approvers: &[&str], say: &str) {
    let (last, first) = approvers.split_last().unwrap();
    w.approved(ask, first).await;
    w.fivetran.hide_effects(true);
    assert!(w.press(last, "Approve").await.ok());
    w.dies_in_the_call(true).await;
    w.seconds(10).await;
    assert_eq!(w.word(), "Unknown");
    w.pass(minutes(30)).await;
    assert_eq!((w.word().as_str(), w.writes().len()), ("Unknown", 1));
    assert!(w.top().contains("[It ran] [It did not run]"), "{}", w.top());
    w.click(EMIL, say).await;
    let told = w.told(EMIL);
    assert!(
        told.contains("Noted") && !told.contains("Refused"),
        "{told}"
    );
    w.pass(minutes(30)).await;
    assert_eq!(w.writes().len(), 1);
    assert!(!w.top().contains("[It ran]"), "{}", w.top());
}

#[test]
fn t070_a_resync_that_nobody_can_see_is_never_sent_again() {
    world(async |w| {
        hidden_effect_of(w, "resync orders", &[EMIL, ERIN], "It ran").await;
        assert_eq!(w.fivetran_saw(), "orders_id Resync");
        assert_eq!(w.word(), "Done");
    });
}

#[test]
fn t070_a_table_resync_that_nobody_can_see_is_never_sent_again() {
    world(async |w| {
        let ask = "resync orders public.orders";
        hidden_effect_of(w, ask, &[EMIL], "It did not run").await;
        let seen = r#"orders_id TablesResync { tables: ["public.orders"] }"#;
        assert_eq!(w.fivetran_saw(), seen);
        assert_eq!(w.word(), "Failed");
    });
}

#[test]
fn t070_a_forced_sync_that_nobody_can_see_is_never_sent_again() {
    world(async |w| {
        hidden_effect_of(w, "sync orders force", &[EMIL], "It ran").await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: true }");
        assert_eq!(w.word(), "Done");
    });
}

/// Every way in which a call can go wrong without an effect and without saying so.
fn doubtful() -> Vec<FaultKind> {
    vec![
        FaultKind::answer(500, r#"{"code":"ServerError","message":"Oops"}"#),
        FaultKind::answer(503, ""),
        FaultKind::answer(408, ""),
        page(200),
        page(502),
        FaultKind::answer(200, ""),
        FaultKind::answer(200, r#"{"code":"Success","data":{"id":"hub_id"}}"#),
        FaultKind::HalfAnswer { apply: false },
        FaultKind::Close { apply: false },
        FaultKind::Hang { apply: false },
    ]
}

#[test]
fn i4_force_and_resyncs_are_never_repeated_whatever_happens_to_them() {
    world(async |w| {
        let asks: [(&str, &[&str]); 3] = [
            ("sync orders force", &[EMIL]),
            ("resync orders", &[EMIL, ERIN]),
            ("resync orders public.orders", &[EMIL]),
        ];
        for (ask, approvers) in asks {
            for fault in doubtful() {
                let before = w.writes().len();
                let (last, first) = approvers.split_last().unwrap();
                w.approved(ask, first).await;
                w.fault_on_write(fault.clone());
                w.decided(last, "Approve").await;
                w.seconds(3).await;
                assert_eq!(w.word(), "Unknown", "{ask} {fault:?}");
                w.later(minutes(20)).await;
                assert_eq!(w.writes().len() - before, 1, "{ask} {fault:?}");
                w.click(EMIL, "It did not run").await;
                assert_eq!(w.word(), "Failed", "{ask} {fault:?}");
                w.faults.clear();
            }
        }
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn i4_a_call_without_an_effect_is_sent_again_once_that_is_proved() {
    world(async |w| {
        for fault in doubtful() {
            let before = w.writes().len();
            w.fault_on_write(fault.clone());
            assert!(w.command_now(ANA, "sync orders").await);
            w.later(Duration::from_secs(100)).await;
            assert_eq!(w.writes().len() - before, 1, "{fault:?}");
            assert_eq!(w.word(), "Unknown", "{fault:?}");
            w.later(Duration::from_secs(100)).await;
            assert_eq!(w.writes().len() - before, 2, "{fault:?}");
            assert_eq!(w.word(), "Done", "{fault:?}");
            assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
            w.faults.clear();
            w.later(minutes(10)).await;
        }
    });
}

#[test]
fn t077_an_error_after_the_effect_of_a_pause_is_no_reason_to_send_it_again() {
    world(async |w| {
        w.fault_on_write(FaultKind::apply_then_answer(
            500,
            r#"{"code":"ServerError"}"#,
        ));
        w.approved(PAUSE, &[EMIL]).await;
        w.pass(minutes(10)).await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        assert_eq!(w.writes().len(), 1);
        assert_eq!(w.word(), "Done");
    });
}

#[test]
fn t078_an_error_before_the_effect_is_tried_three_times_each_after_its_proof() {
    world(async |w| {
        let oops = FaultKind::answer(500, r#"{"code":"ServerError","message":"Oops"}"#);
        w.always(Service::Fivetran, "PATCH", "/v1/connections/", oops);
        w.approved(PAUSE, &[EMIL]).await;
        w.pass(minutes(60)).await;
        let sent: Vec<_> = w.writes().iter().map(|e| e.at).collect();
        assert_eq!(sent.len(), 3);
        for pair in sent.windows(2) {
            assert!(pair[1] - pair[0] >= Intent::SETTLES_AFTER, "{pair:?}");
        }
        assert_eq!(w.word(), "Failed");
        assert!(w.top().contains("Fivetran did not take it in 3 attempts"));
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn t079_an_effect_that_comes_after_our_deadline_is_seen_and_not_doubled() {
    world(async |w| {
        // Our deadline is 90 s, and it comes 30 s later.
        for (ask, approvers) in [(PAUSE, &[EMIL][..]), ("sync hubspot", &[])] {
            w.fivetran.apply_late(Duration::from_secs(120));
            w.fault_on_write(FaultKind::Close { apply: true });
            w.approved(ask, approvers).await;
            assert_eq!(w.word(), "Unknown");
            w.pass(minutes(10)).await;
            assert_eq!(w.word(), "Done", "{ask}");
            w.faults.clear();
        }
        let saw = "orders_id Paused\nhub_id SyncStarted { force: false }";
        assert_eq!(w.fivetran_saw(), saw);
        assert_eq!(w.writes().len(), 2);
    });
}

#[test]
fn t080_a_connection_that_closes_after_the_request_makes_no_second_one() {
    world(async |w| {
        w.fault_on_write(FaultKind::Close { apply: false });
        w.approved(PAUSE, &[EMIL]).await;
        w.seconds(60).await;
        assert_eq!(w.writes().len(), 1);
        assert_eq!(w.word(), "Unknown");
        w.pass(minutes(10)).await;
        assert_eq!(w.writes().len(), 2);
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
    });
}

#[test]
fn t081_an_answer_that_says_nothing_is_read_back() {
    world(async |w| {
        let huge = format!(
            r#"{{"code":"Success","message":"{}"}}"#,
            "x".repeat(6 << 20)
        );
        for body in [
            "",
            "yes",
            "<html>",
            r#"{"code":"Succ"#,
            r#"{"code":"Success","data":{"id":"hub_id"}}"#,
            r#"{"code":"Failure"}"#,
            "[]",
            huge.as_str(),
        ] {
            let before = w.writes().len();
            w.fault_on_write(FaultKind::apply_then_answer(200, body));
            w.command(ANA, "sync orders").await;
            let shown = &body[..body.len().min(60)];
            assert_eq!(w.word(), "Done", "{shown}");
            w.later(minutes(10)).await;
            assert_eq!(w.writes().len() - before, 1, "{shown}");
            assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
            w.faults.clear();
        }
        let doubts = w.codes().await;
        assert_eq!(
            doubts.iter().filter(|c| *c == "action.uncertain").count(),
            8
        );
    });
}

#[test]
fn t087_a_plain_no_is_final_and_its_words_are_shown_inert_and_redacted() {
    world(async |w| {
        let message = "Nope <!channel> <@U0LEAD> password=hunter2secret *bold* https://evil.test";
        for (status, ask) in [
            (404, "sync orders"),
            (409, "sync hubspot"),
            (400, "resume old_paused"),
        ] {
            let body = serde_json::json!({"code": "NotFound_X", "message": message}).to_string();
            w.fault_on_write(FaultKind::answer(status, body));
            w.command(ANA, ask).await;
            w.later(minutes(30)).await;
            w.faults.clear();
            assert_eq!(w.word(), "Failed", "{status}");
            let card = w.top();
            assert!(
                card.contains(&format!("Fivetran refused it: {status}")),
                "{card}"
            );
            let raw = w
                .roots()
                .last()
                .map(|m| format!("{} {:?}", m.text, m.blocks))
                .unwrap();
            for live in ["<!channel>", "<@U0LEAD>", "hunter2secret", "<https://evil"] {
                assert!(!raw.contains(live), "{live} in {raw}");
            }
        }
        assert_eq!(w.writes().len(), 3);
    });
}

#[test]
fn t088_a_list_that_never_ends_is_noticed() {
    world(async |w| {
        let loops = r#"{"code":"Success","data":{"items":[],"next_cursor":"again"}}"#;
        w.faults.add(Fault::always(
            Service::Fivetran,
            "/v1/connections?",
            FaultKind::answer(200, loops),
        ));
        w.command(ANA, "status").await;
        assert!(w.told(ANA).contains("Unknown"), "{}", w.told(ANA));
        let lists = w
            .ledger
            .matching(Service::Fivetran, "GET", "/v1/connections?");
        assert!(lists.len() <= 3, "{}", lists.len());
    });
}

#[test]
fn t089_a_sync_that_is_accepted_and_never_starts_is_shown_and_settled_by_a_person() {
    world(async |w| {
        w.fivetran.next_sync("orders_id", Outcome::NeverStarts);
        assert!(w.slack.command(ANA, CHANNEL, "sync orders").await.ok());
        while w.round().await {}
        w.seconds(10).await;
        assert_eq!(w.word(), "Unknown");
        let card = w.top();
        assert!(
            card.contains("Fivetran accepted the call, but no reading shows it yet"),
            "{card}"
        );
        assert!(
            card.contains("Being checked") && !card.contains("[It ran]"),
            "{card}"
        );
        w.pass(minutes(20)).await;
        let card = w.top();
        assert!(
            card.contains("No reading can tell whether it ran"),
            "{card}"
        );
        assert_eq!(w.writes().len(), 1);
        w.click(EMIL, "It did not run").await;
        assert_eq!(w.word(), "Failed");
        assert_eq!(w.fivetran_saw(), "orders_id NoChange");
    });
}

#[test]
fn t091_a_redirect_is_not_followed() {
    world(async |w| {
        let elsewhere = w.settings.slack_api.join("/v1/stolen").unwrap();
        let redirect = |status| FaultKind::Answer {
            status,
            headers: vec![("location".into(), elsewhere.to_string())],
            body: String::new(),
        };
        for status in [301, 302, 307, 308] {
            w.fault_on_write(redirect(status));
            assert!(w.command_now(ANA, "sync orders").await);
            w.seconds(3).await;
            assert_eq!(w.word(), "Unknown", "{status}");
            w.later(minutes(4)).await;
            w.faults.clear();
            assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
            w.later(minutes(10)).await;
        }
        w.always(Service::Fivetran, "GET", "/v1/connections", redirect(307));
        w.command(ANA, "sync orders").await;
        assert!(w.told(ANA).contains("Unknown"), "{}", w.told(ANA));
        assert!(!w.ledger.entries().iter().any(|e| e.path.contains("stolen")));
    });
}
