//! People and user groups, as rights need them.

use serde_json::Value;

use super::{SlackClient, SlackError, required, text};
use crate::model::UserId;

/// A Slack user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The user.
    pub id: UserId,
    /// The workspace that the person belongs to; another one's for guests of a shared channel.
    pub team_id: String,
    /// A bot or a workflow.
    pub is_bot: bool,
    /// The account was deactivated.
    pub deleted: bool,
    /// A guest.
    pub is_restricted: bool,
    /// A guest of a single channel.
    pub is_ultra_restricted: bool,
    /// From another workspace, and in no channel that we share.
    pub is_stranger: bool,
    /// How the person is called: display name, else full name, else user name. Untrusted text.
    pub name: String,
    /// The time zone's name, for example `Europe/Berlin`.
    pub tz: Option<String>,
}

impl Person {
    /// Whether this is a full member of the workspace: no bot, no guest, nobody else's, not gone.
    /// `everyone` in a policy means these.
    pub fn is_member_of(&self, team_id: &str) -> bool {
        self.team_id == team_id
            && !(self.is_bot
                || self.deleted
                || self.is_restricted
                || self.is_ultra_restricted
                || self.is_stranger)
    }
}

/// A user group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The group, `S…`.
    pub id: String,
    /// What people type after the @.
    pub handle: String,
}

impl SlackClient {
    /// Who that is (`users.info`).
    ///
    /// # Errors
    /// See [`SlackError`]; a read can always be repeated.
    pub async fn person(&self, user: &UserId) -> Result<Person, SlackError> {
        let query = [("user", Some(user.as_str()))];
        let answer = self.get("users.info", &query).await?;
        let is = |flag: &str| answer.pointer(flag).and_then(Value::as_bool) == Some(true);
        let id = required(&answer, "/user/id")?;
        let names = [
            "/user/profile/display_name",
            "/user/real_name",
            "/user/name",
        ];
        let name = names.iter().find_map(|place| text(&answer, place));
        Ok(Person {
            team_id: required(&answer, "/user/team_id")?,
            // Slack's own bot does not say that it is one.
            is_bot: is("/user/is_bot") || is("/user/is_workflow_bot") || id == "USLACKBOT",
            deleted: is("/user/deleted"),
            is_restricted: is("/user/is_restricted"),
            is_ultra_restricted: is("/user/is_ultra_restricted"),
            is_stranger: is("/user/is_stranger"),
            name: name.unwrap_or(&id).to_owned(),
            tz: text(&answer, "/user/tz").map(str::to_owned),
            id: UserId::new(id),
        })
    }

    /// Who is in a user group now (`usergroups.users.list`; paid workspaces only).
    ///
    /// # Errors
    /// See [`SlackError`]; a read can always be repeated.
    pub async fn group_members(&self, group: &str) -> Result<Vec<UserId>, SlackError> {
        let query = [("usergroup", Some(group))];
        let answer = self.get("usergroups.users.list", &query).await?;
        let users = list(&answer, "users")?.iter().filter_map(Value::as_str);
        Ok(users.map(UserId::new).collect())
    }

    /// The enabled user groups (`usergroups.list`; paid workspaces only).
    ///
    /// # Errors
    /// See [`SlackError`]; a read can always be repeated.
    pub async fn groups(&self) -> Result<Vec<Group>, SlackError> {
        let answer = self.get("usergroups.list", &[]).await?;
        let group = |group: &Value| {
            Some(Group {
                id: text(group, "/id")?.to_owned(),
                handle: text(group, "/handle")?.to_owned(),
            })
        };
        Ok(list(&answer, "usergroups")?
            .iter()
            .filter_map(group)
            .collect())
    }
}

/// A list that must be there: an absent one is not an empty one where rights depend on it.
fn list<'a>(answer: &'a Value, name: &str) -> Result<&'a Vec<Value>, SlackError> {
    answer
        .get(name)
        .and_then(Value::as_array)
        .ok_or_else(|| SlackError::ambiguous(format!("an answer without {name}")))
}
