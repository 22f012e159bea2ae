//! The policy document: parse, check, explain, verdict.
//!
//! The file is read as a tree that knows its lines (`yaml`), then as types (`parse` with
//! `read` and `values`), then checked as a whole (`check`); every mistake is written down and
//! all are reported at once. Every door asks the same questions of the result: what holds for a
//! connection ([`ConnectionRule`]), who has a role, and whether a person may ([`verdict`]).

mod check;
mod document;
mod errors;
mod explain;
mod globs;
mod keys;
mod parse;
mod parse_automation;
mod parse_rules;
mod people;
mod read;
mod remarks;
mod rule;
mod values;
pub mod verdict;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono_tz::Tz;
use sha2::{Digest as _, Sha256};

pub use document::{
    Automation, AutomationRule, Breaker, Budgets, Confidence, DestinationLimits, Digest, Lineage,
    Precedence, Retention, Source, WhenUnchanged,
};
pub use errors::{Place, PolicyError, PolicyErrors};
pub use explain::Explanation;
pub use people::{Member, Role, Standing};
pub use rule::ConnectionRule;
pub use values::Window;

use crate::model::{ActionKind, ChannelId, ConnectionId, GroupId};
use document::{Document, Tier};
use people::group_name;
use read::Reader;

/// The tier of a connection that no rule matches.
const STANDARD: &str = "standard";

/// The tier for which, unless the file says else, nothing runs directly.
const CRITICAL: &str = "critical";

/// When a proposal expires unless the file says else.
const DEFAULT_EXPIRY: Duration = Duration::from_secs(4 * 3600);

/// What a rule is about: a connection, by the names that the policy can match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its id.
    pub id: ConnectionId,
    /// The schema it writes to.
    pub schema: String,
    /// The connector type.
    pub service: String,
    /// Its group's id.
    pub group_id: GroupId,
    /// Its group's name.
    pub group_name: String,
}

/// A policy file that was read and found right.
#[derive(Clone, Debug)]
pub struct Policy {
    hash: String,
    document: Document,
    groups: BTreeSet<String>,
}

impl Policy {
    /// Reads and checks the text of a policy file.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place; only a file that is no YAML, is
    /// larger than 1 MiB or nests too deep has that one error alone.
    pub fn parse(text: &str) -> Result<Self, PolicyErrors> {
        let root = yaml::parse(text).map_err(|error| PolicyErrors::new(vec![error]))?;
        let mut reader = Reader::default();
        let document = parse::document(&mut reader, &root);
        if let Some(document) = &document {
            check::check(&mut reader, document);
        }
        let errors = reader.errors();
        match document {
            Some(document) if errors.is_empty() => Ok(Self {
                hash: hex::encode(Sha256::digest(text.as_bytes())),
                groups: groups_named(&document),
                document,
            }),
            Some(_) | None => Err(PolicyErrors::new(errors)),
        }
    }

    /// The same policy with the texts of the files that it names: they are part of what decides, so
    /// they are part of its hash.
    #[must_use]
    pub fn covering(mut self, files: &[(String, String)]) -> Self {
        for (name, text) in files {
            let file = hex::encode(Sha256::digest(text.as_bytes()));
            let whole = format!("{}\n{name}\n{file}", self.hash);
            self.hash = hex::encode(Sha256::digest(whole.as_bytes()));
        }
        self
    }

    /// SHA-256 of the file's bytes, in lower-case hex: the policy version on every decision. Where it
    /// names catalogue files, it covers their names and bytes too ([`Policy::covering`]).
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The beginning of [`Policy::hash`], as cards show it.
    pub fn short_hash(&self) -> &str {
        &self.hash[..8]
    }

    /// The zone of every local time in the file; UTC unless it names one.
    pub fn timezone(&self) -> Tz {
        self.document.timezone
    }

    /// How often Fivetran is read where no webhook comes; 60 seconds unless the file says else.
    pub fn poll_interval(&self) -> Duration {
        self.document.poll_interval
    }

    /// Regular expressions (of the `regex` crate) whose matches are redacted besides the built-in
    /// ones; each compiles and none matches the empty text.
    pub fn redaction_patterns(&self) -> &[String] {
        &self.document.redaction
    }

    /// The channel of everything that no route names.
    pub fn default_channel(&self) -> ChannelId {
        self.document.default_channel.clone()
    }

    /// The channel of a connection: the first route that matches, else the default.
    pub fn channel_of(&self, subject: &Subject) -> ChannelId {
        let mut routes = self.document.routes.iter();
        match routes.find(|route| route.matcher.matches(subject)) {
            Some(route) => route.channel.clone(),
            None => self.default_channel(),
        }
    }

    /// Every channel that the file names, the default one included.
    pub fn channels(&self) -> BTreeSet<ChannelId> {
        let routes = self
            .document
            .routes
            .iter()
            .map(|route| route.channel.clone());
        routes.chain([self.default_channel()]).collect()
    }

    /// What holds for a connection: its first matching rule with the defaults.
    pub fn connection(&self, subject: &Subject) -> ConnectionRule<'_> {
        let mut rules = self.document.connections.iter();
        let rule = rules.find(|rule| rule.matcher.matches(subject));
        ConnectionRule::new(rule, self.document.mode)
    }

    /// The limits of a destination, by its group's id and name: the first rule that matches.
    pub fn destination(&self, group: &GroupId, name: &str) -> Option<&DestinationLimits> {
        let matches = |rule: &&document::Destination| match &rule.group {
            None => true,
            Some(glob) => glob.matches(group.as_str()) || glob.matches(name),
        };
        let rule = self.document.destinations.iter().find(matches)?;
        Some(&rule.limits)
    }

    /// The roles of a person: none for anyone but full members, even where the file lists them.
    pub fn roles_of(&self, member: &Member) -> BTreeSet<Role> {
        match member.standing {
            Standing::Full => {}
            Standing::Guest | Standing::Bot | Standing::Deactivated | Standing::OtherWorkspace => {
                return BTreeSet::new();
            }
        }
        let named = self.document.roles.iter();
        let mut roles: BTreeSet<Role> = named
            .filter(|(_, entries)| entries.iter().any(|entry| member.is_named_by(entry)))
            .map(|(role, _)| *role)
            .collect();
        if !roles.is_empty() {
            roles.insert(Role::Viewer);
        }
        roles
    }

    /// The ids and handles (without `@`) of the user groups that the file names anywhere, so that
    /// the edge knows whose members to read.
    pub fn members_named(&self) -> &BTreeSet<String> {
        &self.groups
    }

    /// Those of [`Self::members_named`] that are handles: Slack notifies by id alone.
    pub fn handles_named(&self) -> impl Iterator<Item = &String> {
        self.groups.iter().filter(|group| !values::is_group(group))
    }

    /// Whom the file gives a role, as it is written there: to mention who may.
    pub fn role_entries(&self, role: Role) -> &[String] {
        self.document.roles.get(&role).map_or(&[], Vec::as_slice)
    }

    /// Whether an operator's own command is the decision and runs without a second person:
    /// `adhoc.direct` of the tier, else of the policy, else nothing for a tier named `critical`
    /// and `sync_now` and `resume` for the others. Never what [`ActionKind::always_asks`].
    pub fn may_run_directly(&self, kind: ActionKind, subject: &Subject) -> bool {
        const BUILT_IN: &[ActionKind] = &[ActionKind::SyncNow, ActionKind::Resume];
        let rule = self.connection(subject);
        let tier = self
            .tier(rule.tier())
            .and_then(|tier| tier.direct.as_deref());
        let direct = match tier.or(self.document.direct.as_deref()) {
            Some(direct) => direct,
            None if rule.tier() == CRITICAL => &[],
            None => BUILT_IN,
        };
        !kind.always_asks() && direct.contains(&kind)
    }

    /// How many approvals a proposal needs: the strictest of its lines, at least 1.
    ///
    /// A line needs the larger of what the file asks of its action (`approvals.by_action`) and of
    /// its tier (`tiers.*.approvals.quorum`), and `approvals.quorum` where it asks neither. `force`
    /// needs what `sync_now` needs unless the file names it.
    pub fn quorum<'s>(&self, lines: impl Iterator<Item = (ActionKind, &'s Subject)>) -> u32 {
        let base = self
            .document
            .approvals
            .quorum
            .as_ref()
            .map_or(1, |q| q.value);
        let lines = lines.map(|(kind, subject)| self.line_quorum(kind, subject));
        lines.max().unwrap_or(base).max(1)
    }

    fn line_quorum(&self, kind: ActionKind, subject: &Subject) -> u32 {
        let approvals = &self.document.approvals;
        let mut action = approvals.by_action.get(&kind);
        if kind == ActionKind::SyncForce {
            action = action.or_else(|| approvals.by_action.get(&ActionKind::SyncNow));
        }
        let rule = self.connection(subject);
        let tier = self.tier(rule.tier()).and_then(|tier| tier.quorum.as_ref());
        let asked = action.map(|q| q.value).max(tier.map(|q| q.value));
        asked
            .or(approvals.quorum.as_ref().map(|q| q.value))
            .unwrap_or(1)
    }

    /// Whether a requester may approve what they asked for: the tier's word, else the policy's,
    /// else no.
    pub fn self_approval(&self, subject: &Subject) -> bool {
        let rule = self.connection(subject);
        let tier = self.tier(rule.tier()).and_then(|tier| tier.self_approval);
        tier.or(self.document.approvals.self_approval)
            .unwrap_or(false)
    }

    /// When a proposal that nobody decides expires; 4 hours unless the file says else.
    pub fn expires_after(&self) -> Duration {
        let expiry = self.document.approvals.expires_after.as_ref();
        expiry.map_or(DEFAULT_EXPIRY, |e| e.value)
    }

    /// When people are reminded of an open proposal; never if unset.
    pub fn remind_after(&self) -> Option<Duration> {
        self.document
            .approvals
            .remind_after
            .as_ref()
            .map(|after| after.value)
    }

    /// When [`Self::escalate_to`] are told of an open proposal; never if unset.
    pub fn escalate_after(&self) -> Option<Duration> {
        self.document
            .approvals
            .escalate_after
            .as_ref()
            .map(|after| after.value)
    }

    /// Whom an open proposal is escalated to: users and user groups as written.
    pub fn escalate_to(&self) -> &[String] {
        let to = self.document.approvals.escalate_to.as_ref();
        to.map_or(&[], |to| to.value.as_slice())
    }

    /// When the daily digest is posted; never if unset.
    pub fn digest(&self) -> Option<&Digest> {
        self.document.digest.as_ref()
    }

    /// The goals in the order in which they win.
    pub fn precedence(&self) -> &[Precedence] {
        &self.document.precedence
    }

    /// What a month may cost.
    pub fn budgets(&self) -> &Budgets {
        &self.document.budgets
    }

    /// Paths of calendars in iCalendar form.
    pub fn calendars(&self) -> &[String] {
        &self.document.calendars
    }

    /// Paths of the catalogue's files that users add, as the policy file's folder has them.
    pub fn catalogue(&self) -> &[String] {
        &self.document.catalogue
    }

    /// Where dependencies are read.
    pub fn lineage(&self) -> &Lineage {
        &self.document.lineage
    }

    /// What may run by itself.
    pub fn automation(&self) -> &Automation {
        &self.document.automation
    }

    /// How long stored matter is kept.
    pub fn retention(&self) -> Retention {
        self.document.retention
    }

    /// How many requests to a language model, and tokens, 24 hours may see; `built_in` where the file says
    /// nothing.
    pub fn model_limits(&self, built_in: (i64, i64)) -> (i64, i64) {
        let limits = self.document.model;
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let paid = limits.amount.zip(limits.price);
        // More than fits is no limit; the conversion saturates.
        let affordable = paid.map(|(amount, price)| (amount / price * 1e6) as i64);
        let tokens = limits.tokens.map(whole).into_iter().chain(affordable).min();
        (
            limits.requests.map_or(built_in.0, whole),
            tokens.unwrap_or(built_in.1),
        )
    }

    /// Who may do an action on a connection and why, for one person.
    pub fn explain(&self, kind: ActionKind, subject: &Subject, member: &Member) -> Explanation {
        Explanation::new(self, kind, subject, member)
    }

    fn tier(&self, name: &str) -> Option<&Tier> {
        self.document.tiers.get(name)
    }
}

fn groups_named(document: &Document) -> BTreeSet<String> {
    let roles = document.roles.values().flatten();
    let owners = document
        .connections
        .iter()
        .filter_map(|rule| rule.owner.as_ref());
    let escalation = document
        .approvals
        .escalate_to
        .iter()
        .flat_map(|to| &to.value);
    roles
        .chain(owners)
        .chain(escalation)
        .filter(|entry| *entry != "everyone" && !values::is_user(entry))
        .map(|entry| group_name(entry).to_owned())
        .collect()
}
