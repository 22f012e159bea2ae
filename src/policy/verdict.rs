//! The one rule of who may, so that every door decides alike.

use std::collections::BTreeSet;
use std::fmt;

use super::people::{Member, Role, Standing};
use super::{Policy, Subject};
use crate::model::Actor;

/// A refusal with a sentence for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The role that was needed.
    pub needed: Role,
    /// Why it was refused.
    pub reason: Reason,
    sentence: String,
}

/// Why a person may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Not a full, active member of this workspace.
    NotAMember,
    /// The policy does not give them the role.
    RoleMissing,
    /// They asked for it themselves.
    OwnRequest,
}

impl Denied {
    /// A word that stays the same in every version, for the audit log and for metrics.
    pub fn code(&self) -> &'static str {
        match self.reason {
            Reason::NotAMember => "not_a_member",
            Reason::RoleMissing => "role_missing",
            Reason::OwnRequest => "own_request",
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Denied {}

/// Whether a person has a role.
///
/// # Errors
/// The refusal, when the policy does not give it to them.
pub fn may(needed: Role, member: &Member, policy: &Policy) -> Result<(), Denied> {
    if policy.roles_of(member).contains(&needed) {
        return Ok(());
    }
    let who = match member.standing {
        Standing::Full => None,
        Standing::Guest => Some("guests"),
        Standing::Bot => Some("bots"),
        Standing::Deactivated => Some("deactivated accounts"),
        Standing::OtherWorkspace => Some("people of other workspaces"),
    };
    let (reason, sentence) = match who {
        Some(who) => (
            Reason::NotAMember,
            format!("Sorry, {who} cannot do this: only full members of this workspace have roles."),
        ),
        None => (
            Reason::RoleMissing,
            format!(
                "You need the role {needed} for this; {}.",
                holders(policy, needed)
            ),
        ),
    };
    Err(Denied {
        needed,
        reason,
        sentence,
    })
}

/// Whether a person may approve a revision: an approver, and none of its requesters unless the
/// policy lets people approve their own requests for every connection that it changes.
///
/// # Errors
/// The refusal.
pub fn may_approve<'s>(
    policy: &Policy,
    member: &Member,
    requesters: &BTreeSet<Actor>,
    subjects: impl IntoIterator<Item = &'s Subject>,
) -> Result<(), Denied> {
    may(Role::Approver, member, policy)?;
    if !requesters.contains(&Actor::user(&member.user)) {
        return Ok(());
    }
    // Without any subject nothing allows it.
    let mut any = false;
    let allowed = subjects.into_iter().all(|subject| {
        any = true;
        policy.self_approval(subject)
    });
    if any && allowed {
        return Ok(());
    }
    let others: Vec<&str> = policy
        .role_entries(Role::Approver)
        .iter()
        .map(String::as_str)
        .filter(|entry| *entry != member.user.as_str())
        .collect();
    let sentence = if others.is_empty() {
        "You asked for this, so somebody else must approve it, but the policy names no other approver."
            .to_owned()
    } else {
        format!(
            "You asked for this, so somebody else must approve it: {} may.",
            joined(&others, "or")
        )
    };
    Err(Denied {
        needed: Role::Approver,
        reason: Reason::OwnRequest,
        sentence,
    })
}

/// "U0LEAD and @data-eng have it", or that nobody does.
pub(super) fn holders(policy: &Policy, role: Role) -> String {
    let mut entries: Vec<&str> = policy
        .role_entries(role)
        .iter()
        .map(String::as_str)
        .collect();
    if role == Role::Viewer && entries.is_empty() {
        return "everybody with any other role has it".to_owned();
    }
    match entries.len() {
        0 => "the policy gives it to nobody".to_owned(),
        1 if entries == ["everyone"] => "every full member has it".to_owned(),
        1 => format!("{} has it", entries.remove(0)),
        _ => format!("{} have it", joined(&entries, "and")),
    }
}

/// "a", "a and b", "a, b and c".
pub(super) fn joined<T: fmt::Display>(words: &[T], last: &str) -> String {
    let mut out = String::new();
    for (n, word) in words.iter().enumerate() {
        if n > 0 && n + 1 == words.len() {
            out.push_str(&format!(" {last} "));
        } else if n > 0 {
            out.push_str(", ");
        }
        out.push_str(&word.to_string());
    }
    out
}
