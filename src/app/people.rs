//! Who somebody is, read from Slack when it matters.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use chrono::{DateTime, Duration, Utc};
use futures_util::future::try_join_all;

use super::{App, Flow, Ran, Stop, say};
use crate::model::ProposalId;
use crate::model::UserId;
use crate::policy::verdict::{Denied, Reason, may};
use crate::policy::{Member, Role, Standing};
use crate::slack::client::Group;
use crate::slack::{Person, SlackError, words};

/// A reading of a person stands in for a fresh one for so long, and only when Slack gives none.
const KEPT: Duration = Duration::minutes(5);

/// Readings of people, for the time when Slack does not answer, and the ids behind the handles of
/// user groups: Slack notifies by id alone. Losing it loses nothing.
#[derive(Debug, Default)]
pub(super) struct Cache {
    people: Mutex<HashMap<UserId, (DateTime<Utc>, Member)>>,
    handles: Mutex<BTreeMap<String, String>>,
}

impl Cache {
    fn keep(&self, at: DateTime<Utc>, member: &Member) {
        let mut kept = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (read_at, _)| at - *read_at <= KEPT);
        kept.insert(member.user.clone(), (at, member.clone()));
    }

    pub(super) fn clear(&self) {
        self.people
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// A reading that is younger than `kept`.
    fn recent(&self, now: DateTime<Utc>, user: &UserId, kept: Duration) -> Option<Member> {
        let readings = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = readings.get(user).filter(|(at, _)| now - *at < kept);
        reading.map(|(_, member)| member.clone())
    }

    fn learn(&self, groups: &[Group]) {
        let pairs = groups.iter().map(|g| (g.handle.clone(), g.id.clone()));
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        *handles = pairs.collect();
    }

    /// The id behind a handle; `None` while Slack has not told it.
    fn id_of(&self, handle: &str) -> Option<String> {
        let handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        handles.get(handle.trim_start_matches('@')).cloned()
    }
}

impl App {
    /// Reads who a person is and which of the policy's groups they are in. Rights are checked
    /// against the present, not against what was true an hour ago (SPEC I8); when Slack does not
    /// answer, a reading of the last five minutes stands in, and else nobody is let through.
    pub(crate) async fn member(&self, user: &UserId) -> Flow<Member> {
        self.member_as_of(user, Duration::zero()).await
    }

    /// The same for those who only look: a reading of the last minute is good enough, and spares
    /// Slack's limit on reading user groups (20 a minute).
    pub(crate) async fn onlooker(&self, user: &UserId) -> Flow<Member> {
        self.member_as_of(user, Duration::minutes(1)).await
    }

    /// The same for those whose decision is about to run: a reading of the last minute, but none
    /// from before the decision. So the actions of one plan share a reading.
    pub(crate) async fn decider(&self, user: &UserId, decided_at: DateTime<Utc>) -> Flow<Member> {
        let since = self.ctx.now() - decided_at;
        self.member_as_of(user, since.min(Duration::minutes(1)))
            .await
    }

    async fn member_as_of(&self, user: &UserId, kept: Duration) -> Flow<Member> {
        let now = self.ctx.now();
        if let Some(member) = self.people.recent(now, user, kept) {
            return Ok(member);
        }
        match self.read_member(user).await {
            Ok(member) => {
                self.people.keep(now, &member);
                Ok(member)
            }
            Err(error) => match self.people.recent(now, user, KEPT) {
                Some(member) => Ok(member),
                None => {
                    tracing::warn!(%user, %error, "cannot read a person's rights");
                    say("people.unreadable", words::rights_unknown())
                }
            },
        }
    }

    /// Who a person is and which of the policy's groups they are in, read now.
    ///
    /// # Errors
    /// When Slack or the database does not answer.
    pub async fn read_member(&self, user: &UserId) -> anyhow::Result<Member> {
        let person = self
            .slack
            .person(user)
            .await
            .context("reading the person")?;
        let home = self.team().await?;
        let standing = standing(&person, home.as_deref());
        let groups = match standing {
            Standing::Full => self.groups_of(user).await.context("reading user groups")?,
            // Whoever is no full member has no role; their groups do not matter.
            Standing::Guest | Standing::Bot | Standing::Deactivated | Standing::OtherWorkspace => {
                BTreeSet::new()
            }
        };
        Ok(Member {
            user: user.clone(),
            standing,
            groups,
        })
    }

    async fn groups_of(&self, user: &UserId) -> Result<BTreeSet<String>, SlackError> {
        let policy = self.policy.load();
        let named = policy.members_named();
        if named.is_empty() {
            return Ok(BTreeSet::new());
        }
        let bare = |name: &String| name.trim_start_matches('@').to_owned();
        let named: BTreeSet<String> = named.iter().map(bare).collect();
        let groups = self.slack.groups().await?;
        self.people.learn(&groups);
        let wanted = groups
            .into_iter()
            .filter(|g| named.contains(&g.id) || named.contains(&g.handle));
        let read = wanted.map(async |group| {
            let members = self.slack.group_members(&group.id).await?;
            Ok::<_, SlackError>((group, members))
        });
        let mut mine = BTreeSet::new();
        for (group, members) in try_join_all(read).await? {
            if members.contains(user) {
                mine.extend([group.id, group.handle]);
            }
        }
        Ok(mine)
    }

    /// Learns which user groups the handles in the policy mean, so that those whom it names can be
    /// told; says in the log which of them Slack does not know.
    ///
    /// # Errors
    /// When Slack does not answer.
    pub async fn learn_groups(&self) -> anyhow::Result<Ran> {
        let policy = self.policy.load_full();
        let handles: Vec<&String> = policy.handles_named().collect();
        if handles.is_empty() {
            return Ok(Ran::Empty);
        }
        self.people.learn(&self.slack.groups().await?);
        for handle in handles {
            if self.people.id_of(handle).is_none() {
                tracing::warn!(
                    handle,
                    "the policy names a user group that Slack does not have: nobody is told by it"
                );
            }
        }
        Ok(Ran::Ran)
    }

    /// Entries of the policy as they can be told: a handle becomes the id of its user group.
    pub(crate) fn tellable(&self, entries: &[String]) -> Vec<String> {
        let told = |entry: &String| self.people.id_of(entry).unwrap_or_else(|| entry.clone());
        entries.iter().map(told).collect()
    }

    /// A policy's no, in words for the person.
    pub(crate) fn denied(&self, denied: &Denied, member: &Member, id: Option<ProposalId>) -> Stop {
        let policy = self.policy.load();
        let holders = &self.tellable(policy.role_entries(denied.needed));
        let message = match (denied.reason, id) {
            (Reason::NotAMember, _) if member.standing == Standing::Guest => words::guest(),
            (Reason::NotAMember, _) => words::wrong_workspace(),
            (Reason::OwnRequest, Some(id)) => words::self_approval(id, holders),
            (Reason::OwnRequest, None) | (Reason::RoleMissing, _) => {
                words::not_allowed(what_needs(denied.needed), holders)
            }
        };
        Stop::Say {
            code: denied.code(),
            message,
        }
    }

    /// A user group changed: what stood in for a fresh reading no longer does.
    pub(crate) fn forget_people(&self) {
        self.people.clear();
    }

    /// Our workspace, once Slack has told it.
    pub(crate) async fn team(&self) -> anyhow::Result<Option<String>> {
        Ok(self.store.snapshot().await?.fact("slack.team").await?)
    }

    /// Lets a person through who has a role.
    pub(crate) fn require(&self, role: Role, member: &Member) -> Flow<()> {
        let verdict = may(role, member, &self.policy.load());
        verdict.map_err(|denied| self.denied(&denied, member, None))
    }
}

/// What a role is needed for, as in "you may not …".
fn what_needs(role: Role) -> &'static str {
    match role {
        Role::Viewer => "look at this",
        Role::Operator => "ask for changes",
        Role::Approver => "decide on proposals",
        Role::Admin => "halt or unhalt",
    }
}

fn standing(person: &Person, home: Option<&str>) -> Standing {
    if person.is_stranger || home.is_some_and(|home| home != person.team_id) {
        Standing::OtherWorkspace
    } else if person.deleted {
        Standing::Deactivated
    } else if person.is_bot {
        Standing::Bot
    } else if person.is_restricted || person.is_ultra_restricted {
        Standing::Guest
    } else {
        Standing::Full
    }
}
