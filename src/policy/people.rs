//! Who may do what: roles, and the people of a Slack workspace as the policy sees them.

use std::collections::BTreeSet;
use std::fmt;

use super::values::is_user;
use crate::model::UserId;

/// A right that the policy gives; roles do not nest, except that whoever has one may view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May look.
    Viewer,
    /// May ask for changes, and make those that the policy lets run directly.
    Operator,
    /// May approve, modify, reject and undo.
    Approver,
    /// May halt, unhalt and override modes.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Admin];

    /// The word in the policy file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a person stands to the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A full member: the only ones who can have a role.
    Full,
    /// A single- or multi-channel guest.
    Guest,
    /// An app or a bot.
    Bot,
    /// An account that is switched off.
    Deactivated,
    /// A person of another workspace, in a shared channel.
    OtherWorkspace,
}

/// A person as read from Slack at the time of the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Their id.
    pub user: UserId,
    /// How they stand to the workspace.
    pub standing: Standing,
    /// Ids and handles, with or without `@`, of the user groups that they are in.
    pub groups: BTreeSet<String>,
}

impl Member {
    /// Whether an entry of the file names this person.
    pub(super) fn is_named_by(&self, entry: &str) -> bool {
        if entry == "everyone" || entry == self.user.as_str() {
            return true;
        }
        // A user's id is never a group's, whatever somebody calls their group.
        let group = group_name(entry);
        !is_user(entry) && self.groups.iter().any(|g| group_name(g) == group)
    }
}

/// A group's id or handle without the `@` that people may write before a handle.
pub(super) fn group_name(entry: &str) -> &str {
    entry.strip_prefix('@').unwrap_or(entry)
}
