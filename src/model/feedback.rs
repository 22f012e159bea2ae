//! What people say of the cause on a card.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::UserId;

/// One person's word on one incident's cause; the newest counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// Who.
    pub by: UserId,
    /// How right the cause is.
    pub judgement: Judgement,
    /// What it really was: a word of the analyst's closed set; none where it was right, or where the
    /// person does not know.
    pub category: Option<String>,
    /// Whether the person was an approver at that moment.
    pub approver: bool,
    /// When.
    pub at: DateTime<Utc>,
}

/// How right a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Right.
    Right,
    /// Partly right.
    Partly,
    /// Wrong.
    Wrong,
}

impl Judgement {
    /// All of them, the best first.
    pub const ALL: [Self; 3] = [Self::Right, Self::Partly, Self::Wrong];

    /// The word in the database and on the card.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Partly => "partly",
            Self::Wrong => "wrong",
        }
    }

    /// What a word means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}
