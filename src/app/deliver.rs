//! Delivery: brings Slack to what the messages' rows say (SPEC I3, I12).
//!
//! A post cannot be made idempotent: `chat.postMessage` has no key. So each carries its row's key in
//! its metadata, the row is marked before the call, and a post whose answer was lost is looked up
//! before it is repeated. What cannot be looked up (an answer to one person, a channel that we may
//! not read) is repeated once, and says so.

use chrono::TimeDelta;
use serde_json::Value;

use super::{App, Ran, crash_point};
use crate::model::{ChannelId, UserId};
use crate::slack::client::Ts;
use crate::slack::{SlackError, words};
use crate::store::{MessageKind, MessageRow};

/// Slack takes one message a second in a channel.
const PACE: TimeDelta = TimeDelta::seconds(1);
/// A `response_url` is good for five uses within thirty minutes.
const ANSWER_USES: i64 = 5;
const ANSWER_LIFE: TimeDelta = TimeDelta::minutes(29);

/// What became of an attempt.
pub(super) enum Sent {
    /// The message is there; its address, when that is new.
    There(Option<String>),
    /// It was there already, from an attempt whose answer was lost.
    Found(String),
    /// It could not be looked for now.
    NotLooked(SlackError),
    /// It was repeated once before, and nobody knows whether either came through.
    GivenUp,
    /// Slack did not take it, or did not say so.
    Failed(SlackError),
}

/// What is known of an earlier attempt whose answer was lost.
enum Earlier {
    /// There was none, or it did not come through.
    None,
    /// Its message stands there.
    Stands(Ts),
    /// Nobody can tell.
    Unknown,
}

impl App {
    /// Sends one message that is due.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn deliver_one(&self) -> anyhow::Result<Ran> {
        let now = self.ctx.now();
        let Some(next) = self.store.snapshot().await?.next_message(now).await? else {
            return Ok(Ran::Empty);
        };
        let mut tx = self.store.begin().await?;
        let Some(row) = tx.claim_message(next, now).await? else {
            // Another worker took it, or it could not be read and was set aside.
            tx.commit().await?;
            return Ok(Ran::Ran);
        };
        if row.ts.is_none() && row.stands_in_channel() {
            let door = format!("slack:{}", row.channel);
            if !tx.take_turn(&door, now, now + PACE).await? {
                // Another worker posts in this channel in this very moment.
                return Ok(Ran::Ran);
            }
        }
        tx.commit().await?;
        crash_point!("message-marked");
        let sent = self.send(&row).await?;
        crash_point!("message-sent");
        self.message_outcome(&row, sent).await?;
        crash_point!("message-recorded");
        Ok(Ran::Ran)
    }

    async fn send(&self, row: &MessageRow) -> anyhow::Result<Sent> {
        let earlier = match self.earlier(row).await {
            Ok(earlier) => earlier,
            Err(error) => return Ok(Sent::NotLooked(error)),
        };
        let again = match earlier {
            Earlier::Stands(ts) => return Ok(Sent::Found(ts.0)),
            Earlier::Unknown if row.twin => return Ok(Sent::GivenUp),
            Earlier::Unknown => true,
            Earlier::None => false,
        };
        if again {
            // Before it is sent: a crash must not make it three.
            let mut tx = self.store.begin().await?;
            tx.message_twin(row, true).await?;
            tx.commit().await?;
        }
        let sent = if self.is_answerable(row).await? {
            self.send_message(row, again || row.twin).await
        } else {
            self.send_ephemeral(row, again || row.twin).await
        };
        Ok(sent.map_or_else(Sent::Failed, |ts| Sent::There(ts.map(|ts| ts.0))))
    }

    /// Looks for what an earlier attempt may have left.
    async fn earlier(&self, row: &MessageRow) -> Result<Earlier, SlackError> {
        let Some(since) = row.doubt_since.filter(|_| row.ts.is_none()) else {
            return Ok(Earlier::None);
        };
        if !row.stands_in_channel() {
            return Ok(Earlier::Unknown);
        }
        let channel = ChannelId::new(row.channel.clone());
        let thread = row.thread_ts.as_deref();
        // Slack's clock and ours may differ by a little.
        let since = since - TimeDelta::minutes(1);
        match self.slack.find(&channel, thread, &row.key, since).await {
            Ok(Some(ts)) => Ok(Earlier::Stands(ts)),
            Ok(None) => Ok(Earlier::None),
            Err(error) if error.is_permanent() => Ok(Earlier::Unknown),
            Err(error) => Err(error),
        }
    }

    /// Whether a message can go the way that it was meant for; an answer's address is used up soon.
    async fn is_answerable(&self, row: &MessageRow) -> anyhow::Result<bool> {
        let Some(url) = row.response_url.as_deref() else {
            return Ok(true);
        };
        if self.ctx.now() - row.created_at > ANSWER_LIFE {
            return Ok(false);
        }
        let used = self.store.snapshot().await?.response_url_uses(url).await?;
        Ok(used < ANSWER_USES)
    }

    async fn send_message(&self, row: &MessageRow, twin: bool) -> Result<Option<Ts>, SlackError> {
        let (text, blocks) = content_of(row, twin);
        let channel = ChannelId::new(row.channel.clone());
        match (row.kind, &row.ts) {
            (MessageKind::Card | MessageKind::Reply, Some(ts)) => {
                let ts = Ts(ts.clone());
                self.slack.update(&channel, &ts, &text, &blocks).await?;
                Ok(None)
            }
            (MessageKind::Card | MessageKind::Reply, None) => {
                let thread = row.thread_ts.as_deref();
                let post = self.slack.post(&channel, thread, &text, &blocks, &row.key);
                post.await.map(Some)
            }
            (MessageKind::Ephemeral, _) => self.send_ephemeral(row, twin).await,
            (MessageKind::Answer, _) => {
                let url = row.response_url.as_deref().unwrap_or_default();
                match self.slack.respond(url, &text, &blocks).await {
                    Ok(()) => Ok(None),
                    // Used up, expired or not Slack's: the person is told in the channel instead.
                    Err(error) if error.is_permanent() => self.send_ephemeral(row, twin).await,
                    Err(error) => Err(error),
                }
            }
        }
    }

    async fn send_ephemeral(&self, row: &MessageRow, twin: bool) -> Result<Option<Ts>, SlackError> {
        let (text, blocks) = content_of(row, twin);
        let channel = ChannelId::new(row.channel.clone());
        let user = UserId::new(row.recipient.clone().unwrap_or_default());
        let thread = row.thread_ts.as_deref();
        self.slack
            .ephemeral(&channel, &user, thread, &text, &blocks)
            .await?;
        Ok(None)
    }
}

/// The row's text and blocks; no blocks when Slack refused them: the text alone still says
/// everything.
fn content_of(row: &MessageRow, twin: bool) -> (String, Value) {
    let mut blocks = if row.degraded {
        words::text_only(&row.text)
    } else {
        serde_json::from_str(&row.blocks).unwrap_or_else(|_| words::text_only(&row.text))
    };
    if !twin {
        return (row.text.clone(), blocks);
    }
    if let Value::Array(blocks) = &mut blocks {
        blocks.push(words::maybe_twice_block());
    }
    (words::maybe_twice(&row.text), blocks)
}
