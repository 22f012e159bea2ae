//! The Events API: deliveries with Slack's retries.

use serde_json::{Value, json};

use super::SlackSim;
use super::acts::Ack;

/// How often Slack delivers again after a failure.
const RETRIES: u32 = 3;

impl SlackSim {
    /// Delivers an event once, whatever comes back.
    pub async fn event(&self, inner: Value) -> Ack {
        let body = self.event_body(inner);
        self.deliver_event(&body, None).await
    }

    /// Delivers an event and, while it fails, up to three times more under the same `event_id`, at once and
    /// not after one and five minutes as Slack does. Returns every acknowledgement.
    pub async fn event_until_taken(&self, inner: Value) -> Vec<Ack> {
        let body = self.event_body(inner);
        let mut acks = vec![self.deliver_event(&body, None).await];
        for number in 1..=RETRIES {
            let Some(last) = acks.last().filter(|a| !a.ok() && !a.no_retry) else {
                break;
            };
            let reason = match last.status {
                0 if last.body == "operation_timeout" => "http_timeout",
                0 => "connection_failed",
                _ => "http_error",
            };
            acks.push(self.deliver_event(&body, Some((number, reason))).await);
        }
        acks
    }

    /// The envelope around an event, with a fresh `event_id`.
    pub fn event_body(&self, inner: Value) -> String {
        let now = self.now().timestamp();
        self.with(|s| {
            let id = s.next_id("Ev");
            json!({
                "token": "verification-token", "team_id": s.team_id, "api_app_id": s.app_id, "event": inner,
                "type": "event_callback", "event_id": id, "event_time": now, "is_ext_shared_channel": false,
                "event_context": format!("4-{id}"),
                "authorizations": [{
                    "enterprise_id": null, "team_id": s.team_id, "user_id": s.bot_user, "is_bot": true,
                    "is_enterprise_install": false,
                }],
            })
        })
        .to_string()
    }

    /// Delivers an envelope; a retry carries its number and the reason.
    pub async fn deliver_event(&self, body: &str, retry: Option<(u32, &str)>) -> Ack {
        let mut request = self.signed("/slack/events", body);
        if let Some((number, reason)) = retry {
            request
                .headers
                .push(("x-slack-retry-num".into(), number.to_string()));
            request
                .headers
                .push(("x-slack-retry-reason".into(), reason.into()));
        }
        self.deliver(&request).await
    }

    /// Slack's check of the events URL when it is entered.
    pub async fn verify_url(&self, challenge: &str) -> Ack {
        let body = json!({"token": "verification-token", "challenge": challenge, "type": "url_verification"});
        self.deliver(&self.signed("/slack/events", body.to_string()))
            .await
    }

    /// A person mentions the bot: the message appears and the event is delivered.
    pub async fn mention(
        &self,
        user: &str,
        channel: &str,
        words: &str,
        thread: Option<&str>,
    ) -> Ack {
        let text = format!("<@{}> {words}", self.bot_user());
        let ts = self.say(user, channel, &text, thread);
        let mut event = json!({
            "type": "app_mention", "user": user, "text": text, "ts": ts, "team": self.team_id(), "channel": channel,
            "event_ts": ts, "client_msg_id": format!("m-{ts}"),
        });
        if let Some(thread) = thread {
            event["thread_ts"] = json!(thread);
        }
        self.event(event).await
    }

    /// A person opens the app's home tab.
    pub async fn open_home(&self, user: &str) -> Ack {
        let channel = self.with(|s| s.open_im(user));
        let at = format!("{}.000000", self.now().timestamp());
        let mut event = json!({"type": "app_home_opened", "user": user, "channel": channel, "tab": "home", "event_ts": at});
        if let Some(home) = self.home(user) {
            event["view"] = self.with(|s| s.view_json(&home));
        }
        self.event(event).await
    }
}
