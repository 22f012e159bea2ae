//! Fivetran's door is shut: a key that is refused, a rate limit, no answer at all. What was approved
//! waits, says so, and goes on or is skipped when its time has passed (SPEC I12).

use std::time::Duration;

use syncgate::sim::fault::FaultKind;
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::plain;

use crate::harness::people::{ANA, EMIL};
use crate::harness::{API_KEY, API_SECRET, World, world};

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// Two pauses are proposed: #1 of `orders`, #2 of `hubspot`.
async fn two_wait(w: &World) {
    w.command(ANA, "pause orders for 6h").await;
    w.command(ANA, "pause hubspot for 6h").await;
}

fn alerts(w: &World) -> usize {
    let about_the_key = |text: String| text.contains("refuses Syncgate's API key");
    w.roots().iter().filter(|m| about_the_key(plain(m))).count()
}

fn card(w: &World, text: &str) -> String {
    let cards = w.roots();
    let found = cards.iter().map(plain).find(|card| card.contains(text));
    found.unwrap_or_default()
}

#[test]
fn t082_a_revoked_key_is_told_once_and_rests_until_it_works_again() {
    world(async |w| {
        two_wait(w).await;
        w.fivetran.set_key("another", "key");
        w.command(EMIL, "approve 1").await;
        w.command(EMIL, "approve 2").await;
        let before = w.fivetran_requests();
        w.pass(minutes(60)).await;
        let tried = w.fivetran_requests() - before;
        assert!(tried <= 13, "{tried} requests in an hour with a dead key");
        assert_eq!(alerts(w), 1);
        for number in ["#1", "#2"] {
            let card = card(w, number);
            assert!(card.contains("Fivetran refuses the API key"), "{card}");
        }
        w.fivetran.set_key(API_KEY, API_SECRET);
        w.pass(minutes(6)).await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused\nhub_id Paused");
        assert_eq!(alerts(w), 1);
    });
}

#[test]
fn t082_a_key_refused_for_a_call_shuts_the_door_for_the_others_too() {
    world(async |w| {
        two_wait(w).await;
        w.fault_on_write(FaultKind::answer(401, r#"{"code":"AuthFailed"}"#));
        w.command(EMIL, "approve 1").await;
        assert_eq!(w.word_of("#1"), "Failed");
        let before = w.fivetran_requests();
        w.command(EMIL, "approve 2").await;
        assert_eq!(
            w.fivetran_requests(),
            before,
            "no call while the door is shut"
        );
        assert_eq!((alerts(w), w.word_of("#2").as_str()), (1, "Approved"));
        w.later(minutes(5)).await;
        assert_eq!(w.fivetran_saw(), "hub_id Paused");
    });
}

#[test]
fn t082_a_key_without_the_right_for_one_connection_fails_that_action_alone() {
    world(async |w| {
        for method in ["GET", "PATCH"] {
            w.command(ANA, "pause orders for 2h").await;
            let refused = FaultKind::answer(403, r#"{"code":"Forbidden"}"#);
            w.always(
                Service::Fivetran,
                method,
                "/v1/connections/orders_id",
                refused,
            );
            w.click(EMIL, "Approve").await;
            assert_eq!(w.word(), "Failed", "{method}");
            assert!(w.top().contains("refused the API key: 403"), "{}", w.top());
            w.faults.clear();
        }
        w.approved("pause hubspot for 2h", &[EMIL]).await;
        assert_eq!(w.fivetran_saw(), "hub_id Paused");
        assert_eq!(alerts(w), 0);
    });
}

#[test]
fn t083_a_rate_limit_holds_for_the_account_is_told_and_then_things_go_on() {
    world(async |w| {
        two_wait(w).await;
        w.fault_on_write(FaultKind::rate_limited(3600));
        w.command(EMIL, "approve 1").await;
        let before = w.fivetran_requests();
        w.command(EMIL, "approve 2").await;
        for number in ["#1", "#2"] {
            let card = card(w, number);
            assert!(card.contains("Waiting: due 23 Nov 09:00 CET"), "{card}");
            assert!(card.contains("Fivetran's rate limit is used up"), "{card}");
        }
        w.command(ANA, "sync hubspot").await;
        let told = w.told(ANA);
        assert!(told.contains("asks us to wait until 08:00"), "{told}");
        w.later(minutes(57)).await;
        assert_eq!(w.fivetran_requests(), before, "no call before its time");
        w.later(minutes(3)).await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused\nhub_id Paused");
        assert_eq!(w.word_of("#1"), "Done");
        assert_eq!(w.word_of("#2"), "Done");
    });
}

#[test]
fn t084_a_retry_after_that_makes_no_sense_is_bounded() {
    world(async |w| {
        for (header, seconds) in [
            (Some("-5"), 60),
            (Some("soon"), 60),
            (None, 60),
            (Some("Mon, 23 Nov 2099 07:00:00 GMT"), 7_200),
            (Some("99999999999999999999"), 7_200),
        ] {
            let before = w.writes().len();
            let headers = header.map(|value| ("retry-after".to_owned(), value.to_owned()));
            w.fault_on_write(FaultKind::Answer {
                status: 429,
                headers: headers.into_iter().collect(),
                body: String::new(),
            });
            assert!(w.command_now(ANA, "sync hubspot").await);
            w.later(Duration::from_secs(seconds - 35)).await;
            assert_eq!(w.writes().len() - before, 1, "{header:?}");
            w.later(Duration::from_secs(10)).await;
            assert_eq!(w.writes().len() - before, 2, "{header:?}");
            w.faults.clear();
            w.later(minutes(10)).await;
            assert_eq!(w.fivetran_saw(), "hub_id SyncStarted { force: false }");
        }
    });
}

#[test]
fn i12_what_is_approved_while_fivetran_is_down_waits_says_so_and_then_runs() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        w.down(Service::Fivetran).await;
        w.click(EMIL, "Approve").await;
        assert_eq!(w.word(), "Approved");
        assert!(
            w.top().contains("Fivetran cannot be reached"),
            "{}",
            w.top()
        );
        w.later(minutes(30)).await;
        assert_eq!(w.word(), "Approved");
        w.up(Service::Fivetran).await;
        w.later(minutes(1)).await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        assert_eq!(w.word(), "Done");
    });
}

#[test]
fn i12_what_is_past_its_time_when_fivetran_is_back_is_skipped() {
    world(async |w| {
        w.command(ANA, "pause orders for 30m").await;
        w.down(Service::Fivetran).await;
        w.click(EMIL, "Approve").await;
        w.later(minutes(31)).await;
        assert_eq!(w.word(), "Failed");
        assert!(
            w.top().contains("Skipped: its time had passed"),
            "{}",
            w.top()
        );
        w.up(Service::Fivetran).await;
        w.later(minutes(10)).await;
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn i12_a_pause_that_ends_while_fivetran_is_down_is_ended_when_it_is_back() {
    world(async |w| {
        w.approved("pause orders for 1h", &[EMIL]).await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        w.down(Service::Fivetran).await;
        w.later(minutes(61)).await;
        assert_eq!(w.word(), "Executing");
        w.restart().await;
        w.up(Service::Fivetran).await;
        w.later(minutes(1)).await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        assert_eq!(w.word(), "Undone");
    });
}

#[test]
fn i12_pages_and_half_answers_are_no_reading() {
    world(async |w| {
        let page = FaultKind::Answer {
            status: 200,
            headers: vec![("content-type".into(), "text/html".into())],
            body: "<html>Please log in</html>".into(),
        };
        for fault in [
            page,
            FaultKind::answer(404, "<html>"),
            FaultKind::HalfAnswer { apply: true },
        ] {
            w.command(ANA, "pause orders for 2h").await;
            w.always(
                Service::Fivetran,
                "GET",
                "/v1/connections/orders_id",
                fault.clone(),
            );
            w.click(EMIL, "Approve").await;
            assert_eq!(w.word(), "Approved", "{fault:?}");
            assert!(w.top().contains("Fivetran answers oddly"), "{}", w.top());
            w.faults.clear();
            w.later(minutes(1)).await;
            assert_eq!(w.fivetran_saw(), "orders_id Paused", "{fault:?}");
            w.later(minutes(121)).await;
            assert_eq!(w.fivetran_saw(), "orders_id Resumed", "{fault:?}");
        }
    });
}

#[test]
fn i12_status_guesses_nothing_while_fivetran_is_down() {
    world(async |w| {
        w.down(Service::Fivetran).await;
        w.command(ANA, "status").await;
        insta::assert_snapshot!(w.told(ANA), @"*Unknown*: Fivetran does not answer. Nothing was changed and nothing is guessed; try again in some minutes.");
        w.up(Service::Fivetran).await;
        w.command(ANA, "status").await;
        assert!(w.told(ANA).starts_with("*Status*"), "{}", w.told(ANA));
        w.down(Service::Fivetran).await;
        w.later(minutes(300)).await;
        w.command(ANA, "status").await;
        insta::assert_snapshot!(w.told(ANA), @r"
        *Unknown*: Fivetran does not answer, so this is what was last read, 23 Nov 08:00 CET. Then: 4 connections, 0 failing, 0 late, 1 paused, 3 fine.
        paused old_paused: data of 23 Nov 07:30 CET (30m old)
        fine hubspot: data of 23 Nov 07:30 CET (30m old)
        fine orders: data of 23 Nov 07:30 CET (30m old)
        fine salesforce: data of 23 Nov 07:30 CET (30m old, at most 2h allowed)
        ");
        w.command(ANA, "status orders").await;
        insta::assert_snapshot!(w.told(ANA), @r"
        Unknown: Fivetran does not answer, so this is what was last read, 23 Nov 08:00 CET. orders orders_id, postgres in Warehouse, was fine.
        data of 23 Nov 07:30 CET (30m old).
        Fivetran said scheduled; every 6h, not paused. Tier standard, mode copilot. Read 23 Nov 08:00 CET.
        ");
        w.command(ANA, "sync orders").await;
        let told = w.told(ANA);
        assert!(
            told.contains("cannot be read now, so nothing was done"),
            "{told}"
        );
    });
}
