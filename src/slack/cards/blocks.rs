//! Buttons, dialogs and options within Slack's limits.

use slack_morphism::prelude::*;

use super::text::Words;
use crate::model::{Fingerprint, Revision};
use crate::slack::Button;
use crate::slack::inert::cut;

/// What a button carries: proposal, revision and fingerprint, never parameters (SPEC I2).
pub(in crate::slack) fn button_value(revision: &Revision, fingerprint: &Fingerprint) -> String {
    Button::new(revision.proposal, revision.number, fingerprint).value()
}

/// Text that nothing is parsed in, not even emoji codes.
pub(in crate::slack) fn plain_text(text: &str, max: usize) -> SlackBlockPlainTextOnly {
    let text = if text.is_empty() { "-" } else { text };
    SlackBlockPlainText::new(cut(text, max))
        .with_emoji(false)
        .into()
}

/// A button.
pub(in crate::slack) fn button(
    action_id: &str,
    label: &str,
    value: &str,
) -> SlackBlockButtonElement {
    SlackBlockButtonElement::new(plain_text(label, 75))
        .with_action_id(SlackActionId(action_id.to_owned()))
        .with_value(value.to_owned())
}

/// The dialog that states the effect before a click counts.
pub(in crate::slack) fn confirm(
    title: &str,
    text: &Words,
    yes: &str,
    danger: bool,
) -> SlackBlockConfirmItem {
    let style = if danger { "danger" } else { "primary" };
    SlackBlockConfirmItem::new(
        plain_text(title, 100),
        SlackBlockPlainText::new(cut(&text.plain(), 300))
            .with_emoji(false)
            .into(),
        plain_text(yes, 30),
        plain_text("Cancel", 30),
    )
    .with_style(style.to_owned())
}

/// An option of a select.
pub(in crate::slack) fn option(
    label: &str,
    value: &str,
) -> SlackBlockChoiceItem<SlackBlockPlainTextOnly> {
    SlackBlockChoiceItem::new(plain_text(label, 75), cut(value, 75))
}
