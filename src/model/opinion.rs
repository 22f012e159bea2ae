//! What a language model says of an incident, beside the rules.

use serde::{Deserialize, Serialize};

use super::cause::Quote;

/// How far a language model has come with a cause, and what it says. Every text in it was redacted
/// and passed the admission before it came here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "opinion", rename_all = "snake_case")]
pub enum Opinion {
    /// It is being asked.
    Asked {
        /// Which question, so that no older answer is taken for this one's.
        question: i64,
    },
    /// It names the same kind of cause as the rules, with a proof.
    Agrees {
        /// Which model, by its own name.
        model: String,
        /// In its words.
        summary: String,
    },
    /// It names another, with a proof. The rules stand, and are not confirmed.
    Differs {
        /// Which model.
        model: String,
        /// Its kind of cause, one word of the closed set.
        category: String,
        /// In its words.
        summary: String,
        /// Its proofs.
        quotes: Vec<Quote>,
    },
    /// The rules knew nothing for sure: the cause is the model's, with its proofs.
    Leads {
        /// Which model.
        model: String,
    },
    /// Nothing that it quoted stands in what was read; so nothing of it is shown.
    Unproved {
        /// Which model.
        model: String,
    },
    /// It broke the rules of admission; so nothing of it is shown.
    Refused {
        /// Which model.
        model: String,
    },
    /// There is no answer.
    Silent {
        /// Why not.
        why: Silence,
    },
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// It took too long.
    Late,
    /// It cannot be reached, or is out of order.
    Down,
    /// The day's calls or tokens are used up.
    Spent,
    /// Syncgate ended twice while it waited.
    Interrupted,
    /// The stored question cannot be read, so it was not asked.
    Unreadable,
    /// No model is configured any more.
    Off,
}

impl Opinion {
    /// The word for it in the audit log.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Asked { .. } => "asked",
            Self::Agrees { .. } => "agrees",
            Self::Differs { .. } => "differs",
            Self::Leads { .. } => "leads",
            Self::Unproved { .. } => "unproved",
            Self::Refused { .. } => "refused",
            Self::Silent { .. } => "silent",
        }
    }
}
