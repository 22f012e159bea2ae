//! Who did something.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::UserId;

/// Who did something: every audit record and every decision names one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A person in Slack.
    User {
        /// The Slack user.
        id: UserId,
    },
    /// Whoever runs `syncgate` on the terminal of the machine.
    Operator,
    /// An automation rule of the policy.
    Rule {
        /// The rule's name.
        name: String,
    },
    /// Syncgate by itself: timers, restores, the planner.
    Syncgate,
}

impl Actor {
    /// The actor for a Slack user.
    pub fn user(id: &UserId) -> Self {
        Self::User { id: id.clone() }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { id } => write!(f, "{id}"),
            Self::Operator => f.write_str("the operator's terminal"),
            Self::Rule { name } => write!(f, "the rule {name}"),
            Self::Syncgate => f.write_str("Syncgate"),
        }
    }
}
