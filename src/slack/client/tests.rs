use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::fake::{Fake, TOKEN, json as ok};
use super::*;
use crate::model::ChannelId;

pub const POSTED: &str = r#"{"ok":true,"channel":"C1","ts":"17.1","message":{"odd":[1]}}"#;

pub fn channel() -> ChannelId {
    "C1".into()
}

fn since() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

pub fn blocks() -> Value {
    json!([
        {"type": "section", "text": {"type": "mrkdwn", "text": "a", "verbatim": true}, "new_field": [1]},
        {"type": "never_seen", "x": {"y": null}}
    ])
}

#[tokio::test]
async fn a_post_carries_blocks_unchanged_its_key_and_the_token() {
    let fake = Fake::serving(vec![ok(POSTED)]).await;
    let ts = fake
        .client()
        .post(&channel(), Some("16.9"), "Proposed: a", &blocks(), "k1")
        .await;
    assert_eq!(ts, Ok(Ts("17.1".into())));
    let expected = json!({
        "channel": "C1", "thread_ts": "16.9", "text": "Proposed: a", "blocks": blocks(),
        "metadata": {"event_type": "syncgate_message", "event_payload": {"key": "k1"}},
        "unfurl_links": false, "unfurl_media": false
    });
    assert_eq!(fake.sent(), expected);
    let head = &fake.seen()[0];
    assert!(
        head.starts_with("POST /api/chat.postMessage HTTP/1.1"),
        "{head}"
    );
    assert!(head.contains(&format!("Bearer {TOKEN}")));
}

#[tokio::test]
async fn edits_and_ephemerals_name_their_target() {
    let fake = Fake::serving(vec![ok(POSTED)]).await;
    let (client, ts) = (fake.client(), Ts("17.1".into()));
    client
        .update(&channel(), &ts, "Done: a", &json!([]))
        .await
        .unwrap();
    let expected = json!({"channel": "C1", "ts": "17.1", "text": "Done: a", "blocks": []});
    assert_eq!(fake.sent(), expected);

    let fake = Fake::serving(vec![ok(r#"{"ok":true,"message_ts":"1.1"}"#)]).await;
    let user = "U1".into();
    let client = fake.client();
    let shown = client
        .ephemeral(&channel(), &user, None, "no", &json!([]))
        .await;
    shown.unwrap();
    let expected = json!({"channel": "C1", "user": "U1", "text": "no", "blocks": []});
    assert_eq!(fake.sent(), expected);
}

#[tokio::test]
async fn a_modal_opens_and_changes_as_it_was_written() {
    let view = json!({"type": "modal", "title": {"type": "plain_text", "text": "Modify"}, "blocks": blocks()});
    let fake = Fake::serving(vec![ok(r#"{"ok":true,"view":{"id":"V1","odd":1}}"#)]).await;
    let opened = fake.client().open_view("1.2.abc", &view).await;
    assert_eq!(opened, Ok(ViewId("V1".into())));
    assert_eq!(fake.sent(), json!({"trigger_id": "1.2.abc", "view": view}));

    let fake = Fake::serving(vec![ok(r#"{"ok":true}"#)]).await;
    let id = ViewId("V1".into());
    fake.client()
        .update_view(&id, &view, Some("1.h"))
        .await
        .unwrap();
    assert_eq!(
        fake.sent(),
        json!({"view_id": "V1", "view": view, "hash": "1.h"})
    );
}

#[tokio::test]
async fn identity_people_and_groups_are_read() {
    let fake = Fake::serving(vec![
        ok(r#"{"ok":true,"team_id":"T1","user_id":"UB","bot_id":"B1","url":7}"#),
        ok(r#"{"ok":true,"user":{"id":"U1","team_id":"T1","name":"s","real_name":"Steve","profile":{"display_name":""},"tz":"Europe/Berlin","is_restricted":true}}"#),
        ok(r#"{"ok":true,"users":["U1","U2"]}"#),
        ok(r#"{"ok":true,"usergroups":[{"id":"S1","handle":"data-eng","user_count":"2"},{"id":"S2"}]}"#),
        ok(r#"{"ok":true}"#),
    ])
    .await;
    let client = fake.client();
    let me = client.auth_test().await.unwrap();
    assert_eq!(
        (me.team_id.as_str(), me.user_id, me.bot_id.as_deref()),
        ("T1", "UB".into(), Some("B1"))
    );
    let steve = client.person(&"U1".into()).await.unwrap();
    assert_eq!(
        (steve.name.as_str(), steve.tz.as_deref()),
        ("Steve", Some("Europe/Berlin"))
    );
    assert!(steve.is_restricted && !steve.is_member_of("T1"));
    let member = Person {
        is_restricted: false,
        ..steve
    };
    assert!(member.is_member_of("T1") && !member.is_member_of("T2"));
    let members = client.group_members("S1").await.unwrap();
    assert_eq!(members, [UserId::from("U1"), UserId::from("U2")]);
    let groups = client.groups().await.unwrap();
    assert_eq!(
        groups,
        [Group {
            id: "S1".into(),
            handle: "data-eng".into()
        }]
    );
    let absent = client.group_members("S1").await;
    assert!(
        matches!(absent, Err(SlackError::Ambiguous { .. })),
        "{absent:?}"
    );
    assert!(fake.seen()[1].starts_with("GET /api/users.info?user=U1 "));
}

#[tokio::test]
async fn a_message_is_found_by_its_key_on_any_page_whatever_others_wrote() {
    let fake = Fake::serving(vec![
        ok(r#"{"ok":true,"messages":[{"ts":"3","metadata":{"event_type":"other","event_payload":{"key":"k1"}}},
            {"ts":"2","metadata":{"event_type":"syncgate_message","event_payload":{"key":7,"deep":[{}]}}},{"text":"k1"}],
            "response_metadata":{"next_cursor":"a=="}}"#),
        ok(r#"{"ok":true,"messages":[{"ts":"1.5","metadata":{"event_type":"syncgate_message","event_payload":{"key":"k1"}}}]}"#),
    ])
    .await;
    let found = fake.client().find(&channel(), None, "k1", since()).await;
    assert_eq!(found, Ok(Some(Ts("1.5".into()))));
    let seen = fake.seen();
    let first = "GET /api/conversations.history?channel=C1&oldest=1699999880.000000&inclusive=true&include_all_metadata=true&limit=200 ";
    assert!(seen[0].starts_with(first), "{}", seen[0]);
    assert!(seen[1].contains("&cursor=a%3D%3D "), "{}", seen[1]);
}

#[tokio::test]
async fn only_a_history_read_to_its_end_says_that_a_message_is_not_there() {
    let fake = Fake::serving(vec![ok(
        r#"{"ok":true,"messages":[],"response_metadata":{"next_cursor":""}}"#,
    )])
    .await;
    let found = fake
        .client()
        .find(&channel(), Some("16.9"), "k", since())
        .await;
    assert_eq!(found, Ok(None));
    assert!(fake.seen()[0].starts_with("GET /api/conversations.replies?channel=C1&ts=16.9&"));

    let again = r#"{"ok":true,"messages":[],"response_metadata":{"next_cursor":"x"}}"#;
    // Looking again would not help in the first case; in the second it may.
    for (replies, for_good) in [
        (vec![ok(again), ok(again)], true),
        (vec![ok(r#"{"ok":true}"#)], false),
    ] {
        let fake = Fake::serving(replies).await;
        let found = fake.client().find(&channel(), None, "k", since()).await;
        assert_eq!(found.unwrap_err().is_permanent(), for_good);
    }
}

#[test]
fn calls_can_be_made_from_any_task() {
    fn sends<T: Send>(_: impl FnOnce(SlackClient) -> T) {}
    sends(|client| async move {
        let ts = client.post(&channel(), None, "", &json!([]), "").await?;
        client.update(&channel(), &ts, "", &json!([])).await?;
        client.find(&channel(), None, "", since()).await?;
        client.respond("", "", &json!([])).await
    });
}
