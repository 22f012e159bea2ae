//! Slack is slow, away, or refuses: nothing is lost, nothing doubled, and the order stays (SPEC I12).

use std::time::Duration;

use chrono::TimeDelta;
use syncgate::sim::fault::FaultKind;
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::{Message, plain};

use crate::harness::people::{ANA, EMIL, POLICY};
use crate::harness::{BOT_TOKEN, CHANNEL, World, world, world_with};

const PAUSE: &str = "pause orders for 2h";
const POST: &str = "/api/chat.postMessage";
const HUB: &str = "C0HUB";

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

fn refused(error: &str) -> FaultKind {
    FaultKind::answer(200, format!(r#"{{"ok":false,"error":"{error}"}}"#))
}

fn page(content_type: &str) -> FaultKind {
    FaultKind::ApplyThenAnswer {
        status: 200,
        headers: vec![("content-type".into(), content_type.into())],
        body: "<html>Sign in to the proxy</html>".into(),
    }
}

/// The first lines of the channel's cards, without their state.
fn titles(w: &World) -> Vec<String> {
    let first = |m: &Message| plain(m).lines().next().unwrap_or_default().to_owned();
    let title = |line: String| {
        line.split_once('#')
            .map_or(line.clone(), |(_, t)| t.to_owned())
    };
    w.roots().iter().map(first).map(title).collect()
}

/// The notes below the newest card, by their first words.
fn notes(w: &World) -> Vec<String> {
    let card = w.roots().pop().unwrap();
    let thread = w.slack.thread(CHANNEL, &card.ts);
    let word = |m: &Message| {
        m.text
            .split([':', '.', ' '])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    thread.iter().map(word).collect()
}

/// Somebody deletes a message.
async fn delete(w: &World, message: &Message) {
    let body = serde_json::json!({"channel": message.channel, "ts": message.ts});
    let url = format!("{}/chat.delete", w.settings.slack_api);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let deleted = client.post(url).bearer_auth(BOT_TOKEN).json(&body).send();
    assert!(
        deleted
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .contains(r#""ok":true"#)
    );
}

#[test]
fn t093_a_rate_limit_keeps_the_order_and_loses_nothing() {
    world(async |w| {
        w.fault(Service::Slack, POST, FaultKind::rate_limited(30));
        for ask in [PAUSE, "pause hubspot for 2h", "schedule hubspot every 3h"] {
            assert!(w.command_now(ANA, ask).await);
        }
        w.settle().await;
        w.settle().await;
        let asked = [
            "1 Pause orders",
            "2 Pause hubspot",
            "3 Change the schedule of hubspot",
        ];
        assert_eq!(titles(w), asked);
        let posts = w.ledger.matching(Service::Slack, "POST", POST);
        assert!(posts[1].at - posts[0].at >= TimeDelta::seconds(30));
    });
}

/// `hubspot` is told about in a channel of its own.
fn routed() -> String {
    POLICY.replace(
        "channels: {default: C0DATAOPS}",
        "channels: {default: C0DATAOPS, routes: [{match: {schema: hubspot}, channel: C0HUB}]}",
    )
}

#[test]
fn t097_a_channel_that_takes_no_messages_is_replaced_by_the_default_one() {
    world_with(&routed(), async |w| {
        for broken in ["archived", "left", "unknown"] {
            w.slack.add_channel(HUB, "hub");
            w.slack.change_channel(HUB, |c| match broken {
                "archived" => c.is_archived = true,
                "left" => c.is_member = false,
                _ => (c.is_member, c.is_private) = (false, true),
            });
            if broken == "left" {
                w.slack.set_scope("chat:write.public", false);
            }
            w.approved("pause hubspot for 1h", &[EMIL]).await;
            assert_eq!(w.fivetran_saw(), "hub_id Paused", "{broken}");
            assert_eq!(w.word(), "Done", "{broken}");
            assert_eq!(notes(w), ["Approved", "Sent", "Sent", "Done"], "{broken}");
            w.later(minutes(61)).await;
            assert_eq!(w.fivetran_saw(), "hub_id Resumed");
        }
        assert_eq!(w.roots().len(), 3);
        assert_eq!(w.app().health().await.unwrap().messages_dead, 0);
    });
}

#[test]
fn t097_a_card_moves_when_its_channel_is_archived_under_it() {
    world_with(&routed(), async |w| {
        w.slack.add_channel(HUB, "hub");
        w.command(ANA, "pause hubspot for 1h").await;
        assert_eq!((w.slack.messages(HUB).len(), w.roots().len()), (1, 0));
        w.slack.change_channel(HUB, |c| c.is_archived = true);
        w.command(EMIL, "approve 1").await;
        assert_eq!(w.fivetran_saw(), "hub_id Paused");
        assert_eq!((w.roots().len(), w.word().as_str()), (1, "Done"));
        assert_eq!(notes(w), ["Approved", "Sent", "Sent", "Done"]);
    });
}

#[test]
fn t097_a_revoked_token_delays_and_loses_nothing() {
    world(async |w| {
        for error in ["token_revoked", "missing_scope"] {
            let before = w.roots().len();
            w.always(Service::Slack, "POST", "/api/chat.", refused(error));
            for ask in ["pause orders for 1h", "pause hubspot for 1h"] {
                assert!(w.command_now(ANA, ask).await);
            }
            let asked = w.slack_calls("chat.postMessage").len();
            w.later(minutes(30)).await;
            assert_eq!(w.roots().len(), before);
            let asked = w.slack_calls("chat.postMessage").len() - asked;
            assert!(asked <= 10, "{asked} posts with a token that is refused");
            w.faults.clear();
            w.later(minutes(2)).await;
            let titles = titles(w).split_off(before);
            assert!(titles[0].ends_with("Pause orders"), "{titles:?}");
            assert!(titles[1].ends_with("Pause hubspot"), "{titles:?}");
            w.later(minutes(300)).await;
        }
        assert_eq!(w.roots().len(), 4);
    });
}

#[test]
fn t098_a_post_whose_answer_was_lost_is_looked_up_and_stands_there_once() {
    world(async |w| {
        for (n, lost) in [
            FaultKind::Close { apply: true },
            FaultKind::HalfAnswer { apply: true },
            FaultKind::Hang { apply: true },
            FaultKind::apply_then_answer(500, "{}"),
            FaultKind::apply_then_answer(200, r#"{"ok":false,"error":"internal_error"}"#),
        ]
        .into_iter()
        .enumerate()
        {
            w.fault(Service::Slack, POST, lost.clone());
            // The look into the channel fails at first, too.
            w.fault(
                Service::Slack,
                "conversations.history",
                FaultKind::rate_limited(5),
            );
            w.fault(
                Service::Slack,
                "conversations.history",
                FaultKind::answer(503, ""),
            );
            w.command(ANA, "sync hubspot").await;
            w.later(minutes(1)).await;
            assert_eq!(w.roots().len(), n + 1, "{lost:?}");
            assert_eq!(w.word(), "Done", "{lost:?}");
            assert_eq!(w.fivetran_saw(), "hub_id SyncStarted { force: false }");
            w.faults.clear();
            w.later(minutes(10)).await;
        }
    });
}

#[test]
fn t098_a_lost_post_stays_in_doubt_while_slack_is_away() {
    world(async |w| {
        w.fault(Service::Slack, POST, FaultKind::Close { apply: true });
        assert!(w.command_now(ANA, PAUSE).await);
        w.down(Service::Slack).await;
        w.later(minutes(30)).await;
        w.up(Service::Slack).await;
        w.later(minutes(1)).await;
        assert_eq!(titles(w), ["1 Pause orders"]);
    });
}

#[test]
fn t098_without_the_right_to_look_there_is_at_most_one_twin_and_it_is_marked() {
    world(async |w| {
        for scope in ["channels:history", "groups:history", "im:history"] {
            w.slack.set_scope(scope, false);
        }
        w.fault(Service::Slack, POST, FaultKind::Close { apply: true });
        w.command(ANA, PAUSE).await;
        w.later(minutes(10)).await;
        let cards: Vec<String> = w.roots().iter().map(plain).collect();
        assert_eq!(cards.len(), 2);
        assert!(!cards[0].contains("may stand here twice"), "{}", cards[0]);
        assert!(cards[1].contains("may stand here twice"), "{}", cards[1]);
    });
}

#[test]
fn t099_pages_and_nonsense_in_place_of_slacks_answers_break_nothing() {
    world(async |w| {
        for (n, kind) in ["text/html", "", "///", "nonsense", "application/;;"]
            .into_iter()
            .enumerate()
        {
            for method in [POST, "/api/chat.update", "/response/", "/api/users.info"] {
                w.fault(Service::Slack, method, page(kind));
            }
            w.command(ANA, "sync hubspot").await;
            w.command(ANA, "sync hubspot").await;
            w.later(minutes(1)).await;
            assert_eq!(
                w.fivetran_saw(),
                "hub_id SyncStarted { force: false }",
                "{kind}"
            );
            assert_eq!(
                (w.roots().len(), w.word().as_str()),
                (n + 1, "Done"),
                "{kind}"
            );
            w.faults.clear();
            w.later(minutes(10)).await;
        }
    });
}

#[test]
fn t100_a_card_that_slack_does_not_take_goes_out_as_plain_text() {
    world(async |w| {
        let errors = ["invalid_blocks", "msg_too_long", "msg_blocks_too_long"];
        for (n, error) in errors.into_iter().enumerate() {
            w.fault(Service::Slack, POST, refused(error));
            w.command(ANA, "pause orders for 1h").await;
            let card = w.top();
            assert!(
                card.contains("Proposed: #") && !card.contains("[Approve]"),
                "{card}"
            );
            w.command(EMIL, &format!("approve {}", n + 1)).await;
            w.fault(Service::Slack, "/api/chat.update", refused(error));
            w.later(minutes(61)).await;
            assert_eq!(
                (w.roots().len(), w.word().as_str()),
                (n + 1, "Undone"),
                "{error}"
            );
            assert_eq!(w.fivetran_saw(), "orders_id Paused\norders_id Resumed");
            w.faults.clear();
        }
        assert_eq!(w.app().health().await.unwrap().messages_dead, 0);
    });
}

#[test]
fn a_card_that_somebody_deletes_is_posted_anew_with_what_is_new() {
    world(async |w| {
        w.command(ANA, PAUSE).await;
        delete(w, &w.roots()[0]).await;
        w.command(EMIL, "approve 1").await;
        assert_eq!(titles(w), ["1 Pause orders"]);
        assert_eq!(w.word(), "Done");
        assert_eq!(notes(w), ["Approved", "Sent", "Sent", "Done"]);
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
    });
}

#[test]
fn a_note_that_comes_before_the_edit_of_a_deleted_card_is_not_lost() {
    world(async |w| {
        w.command(ANA, PAUSE).await;
        delete(w, &w.roots()[0]).await;
        w.fault(
            Service::Slack,
            "/api/chat.update",
            FaultKind::rate_limited(20),
        );
        w.command(EMIL, "approve 1").await;
        w.later(minutes(2)).await;
        assert_eq!(titles(w), ["1 Pause orders"]);
        assert_eq!(notes(w), ["Approved", "Sent", "Sent", "Done"]);
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
    });
}

#[test]
fn an_answer_whose_address_is_used_up_comes_as_an_ephemeral() {
    world(async |w| {
        for (status, error) in [(404, "expired_url"), (404, "used_url"), (302, "moved")] {
            let before = w.slack_calls("chat.postEphemeral").len();
            let body = format!(r#"{{"ok":false,"error":"{error}"}}"#);
            w.fault(
                Service::Slack,
                "/response/",
                FaultKind::answer(status, body),
            );
            w.command(ANA, "help").await;
            assert!(w.told(ANA).contains("help"), "{}", w.told(ANA));
            assert_eq!(
                w.slack_calls("chat.postEphemeral").len(),
                before + 1,
                "{error}"
            );
        }
        assert_eq!(w.slack.ephemerals(ANA).len(), 3);
    });
}

#[test]
fn an_answer_that_waited_for_slack_for_too_long_comes_as_an_ephemeral() {
    world(async |w| {
        w.always(
            Service::Slack,
            "POST",
            "/response/",
            FaultKind::answer(503, ""),
        );
        assert!(w.command_now(ANA, "help").await);
        w.later(minutes(20)).await;
        assert_eq!(w.slack.ephemerals(ANA).len(), 0);
        w.later(minutes(10)).await;
        assert_eq!(w.slack.ephemerals(ANA).len(), 1);
    });
}
