//! The answers as a client reads them that nobody here wrote.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use slack_morphism::prelude::*;

use super::tests::{bench, modal};

fn client(base: &str) -> SlackHyperClient {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_or_http();
    let connector = SlackClientHyperConnector::from(https.enable_http1().build());
    SlackClient::new(connector.with_slack_api_url(&format!("{base}/api")))
}

fn request<T: DeserializeOwned>(args: Value) -> T {
    serde_json::from_value(args).unwrap()
}

#[tokio::test]
async fn a_typed_client_reads_the_answers() {
    let b = bench().await;
    b.slack.add_group("S1", "oncall", &["U1"]);
    let client = client(&b.server.url());
    let token = SlackApiToken::new("xoxb-1".into());
    let s = client.open_session(&token);
    assert_eq!(s.auth_test().await.unwrap().bot_id.unwrap().0, "B0BOT");
    let ts = b.card().await;
    let args = json!({"channel": "C1", "text": "reply", "thread_ts": ts});
    let posted = s.chat_post_message(&request(args)).await.unwrap();
    let update = json!({"channel": "C1", "text": "edited", "ts": posted.ts});
    assert_eq!(s.chat_update(&request(update)).await.unwrap().ts, posted.ts);
    let read = s
        .conversations_replies(&request(json!({"channel": "C1", "ts": ts})))
        .await
        .unwrap();
    assert_eq!(read.messages.len(), 2);
    let read = s
        .conversations_history(&request(json!({"channel": "C1", "limit": 1})))
        .await
        .unwrap();
    assert_eq!(read.messages[0].origin.ts.0, ts);
    let user = s
        .users_info(&request(json!({"user": "U1"})))
        .await
        .unwrap()
        .user;
    assert_eq!(user.real_name.unwrap(), "Ada Lovelace");
    let groups = s
        .usergroups_list(&request(json!({"include_users": true})))
        .await
        .unwrap();
    assert_eq!(groups.usergroups[0].handle, "oncall");
    let members = s
        .usergroups_users_list(&request(json!({"usergroup": "S1"})))
        .await
        .unwrap();
    assert_eq!(members.users[0].0, "U1");
    let channel = s
        .conversations_info(&request(json!({"channel": "C1"})))
        .await
        .unwrap()
        .channel;
    assert_eq!(channel.name.unwrap(), "data");
    let link = json!({"channel": "C1", "message_ts": ts});
    assert!(
        s.chat_get_permalink(&request(link))
            .await
            .unwrap()
            .permalink
            .as_str()
            .contains("/archives/C1/p")
    );
    let _ = b.slack.click("U1", "C1", &ts, "approve").await;
    let view = json!({"trigger_id": b.payload()["trigger_id"], "view": modal()});
    let opened = s.views_open(&request(view)).await.unwrap().view;
    let again = json!({"view_id": opened.state_params.id, "hash": opened.state_params.hash, "view": modal()});
    s.views_update(&request(again)).await.unwrap();
    let home = json!({"type": "home", "blocks": [{"type": "divider"}]});
    s.views_publish(&request(json!({"user_id": "U1", "view": home})))
        .await
        .unwrap();
    let whisper = json!({"channel": "C1", "user": "U1", "text": "psst"});
    s.chat_post_ephemeral(&request(whisper)).await.unwrap();
    let im = json!({"users": ["U1"]});
    s.conversations_open(&request(im))
        .await
        .map(|r: SlackApiConversationsOpenResponse<SlackBasicChannelInfo>| r.channel.id.0)
        .unwrap();
    let refused = s
        .chat_post_message(&request(json!({"channel": "C9", "text": "x"})))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, slack_morphism::errors::SlackClientError::ApiError(e) if e.code == "channel_not_found")
    );
}
