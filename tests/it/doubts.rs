//! Messages of which nobody knows whether they came through: repeated once at most, and marked.

use std::time::Duration;

use syncgate::sim::fault::FaultKind;
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::plain;

use crate::harness::people::{ANA, EMIL, ERIN};
use crate::harness::{CHANNEL, MINUTE, World, world};

const PAUSE: &str = "pause orders for 2h";
const POST: &str = "/api/chat.postMessage";
const HISTORY: &str = "conversations.history";
const TWICE: &str = "may stand here twice";

fn refused(error: &str) -> FaultKind {
    FaultKind::answer(200, format!(r#"{{"ok":false,"error":"{error}"}}"#))
}

/// The bot may not read what stands in the channel.
fn blind(w: &World) {
    for scope in ["channels:history", "groups:history", "im:history"] {
        w.slack.set_scope(scope, false);
    }
}

fn marked(w: &World) -> Vec<bool> {
    let cards = w.roots();
    cards.iter().map(|m| plain(m).contains(TWICE)).collect()
}

#[test]
fn an_answer_without_an_answer_is_repeated_once_and_marked() {
    world(async |w| {
        let lost = FaultKind::Close { apply: true };
        w.always(Service::Slack, "POST", "/response/", lost);
        w.command(ANA, "help").await;
        w.later(10 * MINUTE).await;
        let told = w.slack.ephemerals(ANA);
        let twice: Vec<bool> = told.iter().map(|e| e.text.contains(TWICE)).collect();
        assert_eq!(twice, [false, true]);
        assert_eq!(w.audited("message.dead").await, 1);
    });
}

#[test]
fn a_card_that_cannot_be_looked_for_is_repeated_once_whatever_happens() {
    world(async |w| {
        blind(w);
        let lost = FaultKind::Close { apply: true };
        w.always(Service::Slack, "POST", POST, lost);
        assert!(w.command_now(ANA, PAUSE).await);
        w.later(30 * MINUTE).await;
        assert_eq!(marked(w), [false, true]);
        assert_eq!(w.audited("message.dead").await, 1);
    });
}

#[test]
fn a_repeated_card_says_so_through_all_its_life() {
    world(async |w| {
        blind(w);
        w.fault(Service::Slack, POST, FaultKind::Close { apply: true });
        w.command(ANA, PAUSE).await;
        w.later(MINUTE).await;
        w.command(EMIL, "approve 1").await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        assert_eq!(marked(w), [false, true]);
        assert!(w.top().starts_with("Done"), "{}", w.top());
    });
}

#[test]
fn a_channel_that_cannot_be_searched_keeps_nobody_waiting() {
    world(async |w| {
        let page = r#"{"ok":true,"messages":[],"response_metadata":{"next_cursor":"again"}}"#;
        w.always(Service::Slack, "GET", HISTORY, FaultKind::answer(200, page));
        w.fault(Service::Slack, POST, FaultKind::Close { apply: true });
        w.command(ANA, PAUSE).await;
        w.later(MINUTE).await;
        assert_eq!(marked(w), [false, true]);
    });
}

#[test]
fn a_limit_on_looking_limits_no_posting() {
    world(async |w| {
        w.fault(Service::Slack, POST, FaultKind::Close { apply: true });
        w.fault(Service::Slack, HISTORY, FaultKind::rate_limited(60));
        assert!(w.command_now(ANA, PAUSE).await);
        w.seconds(5).await;
        assert!(w.command_now(ANA, "pause hubspot for 1h").await);
        w.seconds(5).await;
        assert_eq!(w.roots().len(), 2, "{}", w.channel());
        w.later(2 * MINUTE).await;
        assert_eq!(marked(w), [false, false]);
    });
}

#[test]
fn a_refusal_that_may_pass_costs_no_note_and_no_answer() {
    world(async |w| {
        w.command(ANA, PAUSE).await;
        w.always(Service::Slack, "POST", POST, refused("unknown_error"));
        w.always(
            Service::Slack,
            "POST",
            "/response/",
            refused("team_added_to_org"),
        );
        assert!(w.press(EMIL, "Approve").await.ok());
        w.seconds(5).await;
        w.faults.clear();
        w.later(MINUTE).await;
        let thread = w.thread();
        for word in ["Approved", "Sent", "Done"] {
            assert!(thread.contains(word), "{word}: {thread}");
        }
        assert!(w.told(EMIL).contains("counts"), "{}", w.told(EMIL));
        assert_eq!(w.audited("message.dead").await, 0);
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
    });
}

#[test]
fn a_refusal_is_kept_with_what_a_person_can_do() {
    world(async |w| {
        w.slack.change_channel(CHANNEL, |c| c.is_archived = true);
        assert!(w.command_now(ANA, PAUSE).await);
        let error = w
            .sql_text("SELECT error FROM messages WHERE kind = 'card'")
            .await;
        assert!(error.contains("unarchive it"), "{error}");
        w.slack.change_channel(CHANNEL, |c| c.is_archived = false);
        w.later(2 * MINUTE).await;
        assert_eq!(w.roots().len(), 1);
    });
}

#[test]
fn a_row_that_cannot_be_read_keeps_no_other_waiting() {
    world(async |w| {
        assert!(w.slack.command(ANA, CHANNEL, "help").await.ok());
        w.decide_only().await;
        w.sql("UPDATE messages SET kind = 'pigeon'").await;
        w.command(ERIN, "help").await;
        w.settle().await;
        assert!(w.told(ERIN).contains("Help"), "{}", w.told(ERIN));
        let health = w.app().health().await.unwrap();
        assert_eq!((health.messages_waiting, health.messages_dead), (0, 1));
    });
}

#[test]
fn a_form_that_is_typed_for_opens_before_anything_is_read() {
    world(async |w| {
        w.command(ANA, PAUSE).await;
        let before = w.ledger.entries().len();
        w.command(EMIL, "modify 1").await;
        let calls = w.ledger.entries().split_off(before);
        let first = &calls[0].path;
        assert!(first.starts_with("/api/views.open"), "{first}");
    });
}

#[test]
fn a_form_that_slack_does_not_open_is_told_with_the_real_cause() {
    world(async |w| {
        w.command(ANA, PAUSE).await;
        w.fault(Service::Slack, "views.open", refused("missing_scope"));
        w.click(EMIL, "Modify…").await;
        let told = w.told(EMIL);
        assert!(
            told.contains("missing_scope") && !told.contains("three seconds"),
            "{told}"
        );
    });
}

#[test]
fn a_mention_is_answered_in_its_thread_and_opens_no_form() {
    world(async |w| {
        w.command(ANA, PAUSE).await;
        let root = w.roots()[0].ts.clone();
        let ack = w.slack.mention(EMIL, CHANNEL, "modify 1", Some(&root));
        assert!(ack.await.ok());
        w.settle().await;
        assert!(
            w.told(EMIL).contains("a mention cannot open a form"),
            "{}",
            w.told(EMIL)
        );
        let sent = w.slack_calls("chat.postEphemeral");
        assert_eq!(sent[0]["thread_ts"], root.as_str(), "{sent:?}");
        let opened = w.slack_calls("views.open");
        assert!(opened.is_empty(), "{opened:?}");
    });
}

#[test]
fn a_handle_is_told_by_its_id() {
    let policy = crate::harness::people::POLICY
        .replace("escalate_to: [U0LEAD]", "escalate_to: [\"@data-eng\"]");
    crate::harness::world_with(&policy, async |w| {
        w.app().learn_groups().await.unwrap();
        w.command(ANA, PAUSE).await;
        w.pass(Duration::from_secs(2 * 3600 + 60)).await;
        let posts = w.slack_calls("chat.postMessage");
        let told = posts
            .iter()
            .any(|p| p["text"].to_string().contains("<!subteam^S0DATAENG>"));
        assert!(told, "{posts:?}");
        w.pass(Duration::from_secs(2 * 3600)).await;
    });
}
