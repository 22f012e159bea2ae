//! Who may do something to a connection, and why: the answer of `syncgate policy explain`.

use std::collections::BTreeSet;
use std::fmt;

use super::people::{Member, Role};
use super::verdict::{Denied, holders, joined, may, may_approve};
use super::{Policy, Subject};
use crate::model::{ActionKind, Actor, ConnectionId, Mode, UserId};

/// What the policy says about one action on one connection for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The action.
    pub kind: ActionKind,
    /// The connection.
    pub connection: ConnectionId,
    /// The line of the connection's rule; unset where none matches.
    pub line: Option<usize>,
    /// The connection's tier.
    pub tier: String,
    /// The connection's mode.
    pub mode: Mode,
    /// The person.
    pub user: UserId,
    /// The person's roles.
    pub roles: BTreeSet<Role>,
    /// Whether the person may ask for it.
    pub ask: Result<(), Denied>,
    /// Whether it then runs without a second person.
    pub direct: bool,
    /// How many approvals it needs otherwise.
    pub quorum: u32,
    /// Who approves, as a clause: "U0LEAD and @data-eng have it".
    approvers: String,
    /// Whether the person may approve it when somebody else asks.
    pub approve: Result<(), Denied>,
    /// Whether the person may approve it after asking for it.
    pub approve_own: Result<(), Denied>,
}

impl Explanation {
    pub(super) fn new(
        policy: &Policy,
        kind: ActionKind,
        subject: &Subject,
        member: &Member,
    ) -> Self {
        let rule = policy.connection(subject);
        let own = BTreeSet::from([Actor::user(&member.user)]);
        Self {
            kind,
            connection: subject.id.clone(),
            line: rule.line(),
            tier: rule.tier().to_owned(),
            mode: rule.mode(),
            user: member.user.clone(),
            roles: policy.roles_of(member),
            ask: may(Role::Operator, member, policy),
            direct: policy.may_run_directly(kind, subject),
            quorum: policy.quorum([(kind, subject)].into_iter()),
            approvers: holders(policy, Role::Approver),
            approve: may_approve(policy, member, &BTreeSet::new(), [subject]),
            approve_own: may_approve(policy, member, &own, [subject]),
        }
    }

    fn asking(&self) -> String {
        let Self {
            kind, user, tier, ..
        } = self;
        match &self.ask {
            Err(denied) => format!("{user} may not ask for {kind}: {denied}"),
            Ok(()) if self.direct => format!(
                "{user} may ask for {kind}, and it runs at once: the tier {tier} lets it run without a second person."
            ),
            Ok(()) if kind.always_asks() => format!(
                "{user} may ask for {kind}; it always waits for approval, whatever the policy says."
            ),
            Ok(()) => format!(
                "{user} may ask for {kind}; it waits for approval, for the tier {tier} does not let it run directly."
            ),
        }
    }

    fn approving(&self) -> String {
        let user = &self.user;
        match (&self.approve, &self.approve_own) {
            (Err(denied), _) => format!("{user} may not approve it: {denied}"),
            (Ok(()), Ok(())) => format!("{user} may approve it, their own request too."),
            (Ok(()), Err(_)) => {
                format!("{user} may approve it when somebody else asks, but not their own request.")
            }
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(
                f,
                "{} is matched by the rule on line {line}: ",
                self.connection
            )?,
            None => write!(f, "No rule matches {}: ", self.connection)?,
        }
        writeln!(f, "tier {}, mode {}.", self.tier, self.mode)?;
        let roles: Vec<&Role> = self.roles.iter().collect();
        match roles.len() {
            0 => writeln!(f, "{} has no role.", self.user)?,
            1 => writeln!(f, "{} has the role {}.", self.user, joined(&roles, "and"))?,
            _ => writeln!(f, "{} has the roles {}.", self.user, joined(&roles, "and"))?,
        }
        writeln!(f, "{}", self.asking())?;
        let approvals = if self.quorum == 1 {
            "approval"
        } else {
            "approvals"
        };
        writeln!(
            f,
            "Where it asks, it needs {} {approvals} by the role approver; {}.",
            self.quorum, self.approvers
        )?;
        f.write_str(&self.approving())
    }
}
