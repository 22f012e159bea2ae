//! Messages: posting, editing, showing to one person.

use std::collections::HashMap;

use serde_json::Value;
use slack_morphism::prelude::{
    SlackApiChatPostEphemeralRequest, SlackApiChatPostMessageRequest, SlackApiChatUpdateRequest,
    SlackBlock, SlackMessageContent, SlackMessageMetadata,
};

use super::{SlackClient, SlackError, Ts, required};
use crate::model::{ChannelId, UserId};

/// Marks our messages in a channel. Everybody there can read the mark, so it holds a key and no
/// more.
pub(super) const EVENT_TYPE: &str = "syncgate_message";

impl SlackClient {
    /// Posts a message (`chat.postMessage`). `text` is what notifications and screen readers get;
    /// `blocks` is a JSON array. `key` names the message for [`SlackClient::find`]: Slack itself
    /// does not notice a repeated post.
    ///
    /// # Errors
    /// See [`SlackError`]. After `Ambiguous` the message may stand in the channel.
    pub async fn post(
        &self,
        channel: &ChannelId,
        thread_ts: Option<&str>,
        text: &str,
        blocks: &Value,
        key: &str,
    ) -> Result<Ts, SlackError> {
        // Strings only: other readers of the channel's metadata fail on anything else.
        let payload = HashMap::from([("key".to_owned(), key.to_owned())]);
        let metadata = SlackMessageMetadata::new(EVENT_TYPE.to_owned()).with_event_payload(payload);
        let content = content(text, blocks).with_metadata(metadata);
        let request = SlackApiChatPostMessageRequest::new(channel.as_str().into(), content)
            .opt_thread_ts(thread_ts.map(Into::into))
            .with_unfurl_links(false)
            .with_unfurl_media(false);
        let answer = self.post_json("chat.postMessage", &request).await?;
        required(&answer, "/ts").map(Ts)
    }

    /// Replaces a message of ours (`chat.update`); its metadata stays.
    ///
    /// # Errors
    /// See [`SlackError`]. It sets a state, so it can be repeated even after `Ambiguous`, as long
    /// as nothing newer was sent.
    pub async fn update(
        &self,
        channel: &ChannelId,
        ts: &Ts,
        text: &str,
        blocks: &Value,
    ) -> Result<(), SlackError> {
        let request = SlackApiChatUpdateRequest::new(
            channel.as_str().into(),
            content(text, blocks),
            ts.0.as_str().into(),
        );
        self.post_json("chat.update", &request).await?;
        Ok(())
    }

    /// Shows something to one person in a channel (`chat.postEphemeral`). Slack promises nothing:
    /// who is not active at that moment never sees it.
    ///
    /// # Errors
    /// See [`SlackError`].
    pub async fn ephemeral(
        &self,
        channel: &ChannelId,
        user: &UserId,
        thread_ts: Option<&str>,
        text: &str,
        blocks: &Value,
    ) -> Result<(), SlackError> {
        let request = SlackApiChatPostEphemeralRequest::new(
            channel.as_str().into(),
            user.as_str().into(),
            content(text, blocks),
        )
        .opt_thread_ts(thread_ts.map(Into::into));
        self.post_json("chat.postEphemeral", &request).await?;
        Ok(())
    }
}

/// The blocks go out as they are: read into the crate's types, those would lose what it does not
/// know.
fn content(text: &str, blocks: &Value) -> SlackMessageContent {
    let blocks = blocks.as_array().cloned().unwrap_or_default();
    SlackMessageContent::new()
        .with_text(text.to_owned())
        .with_blocks(blocks.into_iter().map(SlackBlock::Unknown).collect())
}
