//! Looking for a message of ours in a channel, when nobody knows whether it was posted.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::time::Instant;

use super::message::EVENT_TYPE;
use super::{SlackClient, SlackError, Ts, text};
use crate::model::ChannelId;

/// Slack's clock names the messages, ours the moment from which to look.
const CLOCK_MARGIN: TimeDelta = TimeDelta::minutes(2);
const PAGE: &str = "200";
/// 5,000 messages since the attempt; a channel that is busier cannot be searched.
const MAX_PAGES: usize = 25;
/// When the last page is asked for at the latest: looking and posting fit into the sender's lease of
/// 30 s, or a second sender would post too.
const LOOKING: Duration = Duration::from_secs(5);

impl SlackClient {
    /// Finds the message that was posted with this key since then, in the channel
    /// (`conversations.history`) or in the thread (`conversations.replies`). Needs the optional
    /// scopes `channels:history` and `groups:history`.
    ///
    /// # Errors
    /// See [`SlackError`]: `Refused` with `missing_scope` when the app may not read the channel and
    /// with `unsearchable` when it is too busy to be read to its end. `Ok(None)` alone says that the
    /// message is not there.
    pub async fn find(
        &self,
        channel: &ChannelId,
        thread_ts: Option<&str>,
        key: &str,
        since: DateTime<Utc>,
    ) -> Result<Option<Ts>, SlackError> {
        let oldest = (since - CLOCK_MARGIN).timestamp_micros();
        let oldest = format!("{}.{:06}", oldest / 1_000_000, oldest % 1_000_000);
        let method = match thread_ts {
            Some(_) => "conversations.replies",
            None => "conversations.history",
        };
        let started = Instant::now();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            if started.elapsed() > LOOKING {
                return Err(unsearchable("reading it takes too long"));
            }
            let query = [
                ("channel", Some(channel.as_str())),
                ("ts", thread_ts),
                ("oldest", Some(oldest.as_str())),
                ("inclusive", Some("true")),
                ("include_all_metadata", Some("true")),
                ("limit", Some(PAGE)),
                ("cursor", cursor.as_deref()),
            ];
            let page = self.get(method, &query).await?;
            let Some(messages) = page.get("messages").and_then(Value::as_array) else {
                return Err(SlackError::ambiguous("a history without messages"));
            };
            if let Some(found) = messages.iter().find(|message| has_key(message, key)) {
                let ts = text(found, "/ts").map(|ts| Ts(ts.to_owned()));
                return ts
                    .map(Some)
                    .ok_or_else(|| SlackError::ambiguous("a message without ts"));
            }
            let next = text(&page, "/response_metadata/next_cursor").map(str::to_owned);
            if next.is_none() {
                return Ok(None);
            }
            if next == cursor {
                return Err(unsearchable("its history repeats itself"));
            }
            cursor = next;
        }
        Err(unsearchable("too many messages stand there"))
    }
}

/// Looking again would end the same way.
fn unsearchable(why: &str) -> SlackError {
    SlackError::refused("unsearchable", why.to_owned())
}

fn has_key(message: &Value, key: &str) -> bool {
    text(message, "/metadata/event_type") == Some(EVENT_TYPE)
        && text(message, "/metadata/event_payload/key") == Some(key)
}
