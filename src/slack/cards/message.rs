//! A message as it leaves, and the one way to put it together.

use serde_json::{Value, json};
use slack_morphism::prelude::*;

use super::text::Words;

/// A message to a channel, a thread or one person.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What screen readers and notifications read: a full sentence that begins with the state.
    pub text: String,
    /// The blocks, an array.
    pub blocks: Value,
}

/// The longest fallback text.
const TEXT: usize = 3_000;

/// Blocks of one message; Slack takes 50.
pub(in crate::slack) const BLOCKS: usize = 50;

/// Collects blocks under a fallback text.
#[derive(Debug)]
pub(in crate::slack) struct Builder {
    text: String,
    blocks: Vec<SlackBlock>,
}

impl Builder {
    /// A message whose fallback says the same as its first lines.
    pub(in crate::slack) fn new(first: &Words) -> Self {
        Self {
            text: first.fallback(TEXT),
            blocks: vec![first.block()],
        }
    }

    /// A message with a fallback of its own.
    pub(in crate::slack) fn with_fallback(fallback: &Words, first: &Words) -> Self {
        Self {
            text: fallback.fallback(TEXT),
            blocks: vec![first.block()],
        }
    }

    /// Adds a paragraph, unless it is empty.
    pub(in crate::slack) fn paragraph(mut self, words: &Words) -> Self {
        if !words.is_empty() {
            self.blocks.push(words.block());
        }
        self
    }

    /// Adds small print.
    pub(in crate::slack) fn small(mut self, words: &Words) -> Self {
        if !words.is_empty() {
            self.blocks.push(words.context());
        }
        self
    }

    /// Adds a block.
    pub(in crate::slack) fn block(mut self, block: impl Into<SlackBlock>) -> Self {
        self.blocks.push(block.into());
        self
    }

    /// Adds buttons, unless there are none.
    pub(in crate::slack) fn buttons(self, buttons: Vec<SlackBlockButtonElement>) -> Self {
        self.actions(buttons.into_iter().map(Into::into).collect())
    }

    /// Adds buttons and menus, unless there are none.
    pub(in crate::slack) fn actions(mut self, elements: Vec<SlackActionBlockElement>) -> Self {
        if !elements.is_empty() {
            self.blocks.push(SlackActionsBlock::new(elements).into());
        }
        self
    }

    /// The message.
    pub(in crate::slack) fn build(self) -> Message {
        Message {
            text: self.text,
            blocks: blocks_json(&self.blocks),
        }
    }
}

/// Blocks as JSON. They are plain data with text keys, so serialising cannot fail.
pub(in crate::slack) fn blocks_json(blocks: &[SlackBlock]) -> Value {
    serde_json::to_value(blocks).unwrap_or_else(|_| json!([]))
}
