//! What a language model says of a cause, set apart from what the rules say.

use super::cause::numbered;
use super::message::Builder;
use super::text::Words;
use crate::model::{Opinion, Silence};

/// Characters of what a model says in its own words.
const WORDS: usize = 400;
/// Quotations of a view that is not the one in force.
const QUOTES: usize = 2;

/// Adds the model's part to a message.
pub(super) fn opinion(mut card: Builder, opinion: &Opinion) -> Builder {
    let words = Words::new().bold("Model");
    let whose = |words: Words, model: &str| words.say(" ").id(model).say(": ");
    let stand = " This is the rules' view.";
    match opinion {
        Opinion::Asked { .. } => card.paragraph(
            &words.say(": it is being asked. Until it answers, this is the rules' view."),
        ),
        Opinion::Agrees { model, summary } => card.paragraph(
            &whose(words, model)
                .say("agrees, with a proof. In its words: ")
                .quote(summary, WORDS),
        ),
        Opinion::Differs {
            model,
            category,
            summary,
            quotes,
        } => {
            let words = whose(words, model)
                .say("sees it otherwise: ")
                .id(category)
                .say(". In its words: ")
                .quote(summary, WORDS)
                .say(" It quotes what follows; the rules' view stands, but is not confirmed.");
            card = card.paragraph(&words);
            for (number, quote) in (1_usize..).zip(quotes.iter().take(QUOTES)) {
                card = card.block(numbered(number, quote));
            }
            card
        }
        Opinion::Leads { model } => card.paragraph(&whose(words, model).say(
            "the rules were not sure; this cause is the model's, in its words, with the lines above as its proof. Nobody has confirmed it.",
        )),
        Opinion::Unproved { model } => card.paragraph(
            &whose(words, model)
                .say("it answered, but proved nothing by what was read, so its answer is left out.")
                .say(stand),
        ),
        Opinion::Refused { model } => card.paragraph(
            &whose(words, model)
                .say("its answer was refused: it is not of the form that was asked for, or names what it may not.")
                .say(stand),
        ),
        Opinion::Silent { why } => card.paragraph(&words.say(silence(*why)).say(stand)),
    }
}

fn silence(why: Silence) -> &'static str {
    match why {
        Silence::Late => ": it did not answer in time.",
        Silence::Down => ": it cannot be reached or is out of order.",
        Silence::Spent => ": it was not asked, since today's limit is used up.",
        Silence::Interrupted => ": it was asked, but Syncgate ended before the answer came.",
        Silence::Unreadable => ": it was not asked, since the stored question cannot be read.",
        Silence::Off => ": none is configured any more.",
    }
}
