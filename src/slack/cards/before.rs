//! What changed in the day before a failure, as a short list beside its cause.

use super::message::Builder;
use super::text::Words;
use crate::model::Quote;

/// Changes that are shown, the last ones, and the length of one.
const CHANGES: usize = 6;
const LONGEST: usize = 200;

/// Adds the changes to a message, if there are any.
pub(in crate::slack) fn changed_before(card: Builder, changes: &[Quote]) -> Builder {
    let Some(older) = changes.len().checked_sub(1) else {
        return card;
    };
    let shown = &changes[(older + 1).saturating_sub(CHANGES)..];
    let mut words = Words::new().bold("What changed before").say(":");
    for (number, change) in (1_usize..).zip(shown) {
        words = words
            .say("\n")
            .number(number)
            .say(". ")
            .quote(&change.origin, 150);
        if !change.text.is_empty() {
            words = words.say(": ").quote(&change.text, LONGEST);
        }
    }
    card.paragraph(&words)
}
