//! The whole file as types: what SPEC §7 lets it say, with defaults where a key must have a value.
//!
//! Places are kept where a later check or an explanation names a line.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{NaiveTime, Weekday};
use chrono_tz::Tz;

use super::globs::{Match, Pattern};
use super::people::Role;
use super::read::At;
use super::values::Window;
use crate::model::{ActionKind, ChannelId, Mode};

/// The file.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) timezone: Tz,
    pub(super) default_channel: ChannelId,
    pub(super) routes: Vec<Route>,
    pub(super) digest: Option<Digest>,
    pub(super) mode: Option<Mode>,
    pub(super) roles: BTreeMap<Role, Vec<String>>,
    pub(super) direct: Option<Vec<ActionKind>>,
    pub(super) poll_interval: Duration,
    pub(super) approvals: Approvals,
    pub(super) precedence: Vec<Precedence>,
    pub(super) tiers: BTreeMap<String, Tier>,
    pub(super) connections: Vec<Rule>,
    pub(super) destinations: Vec<Destination>,
    pub(super) budgets: Budgets,
    pub(super) calendars: Vec<String>,
    pub(super) catalogue: Vec<String>,
    pub(super) lineage: Lineage,
    pub(super) model: ModelLimits,
    pub(super) automation: Automation,
    pub(super) redaction: Vec<String>,
    pub(super) retention: Retention,
}

/// `channels.routes[]`.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) matcher: Match,
    pub(super) channel: ChannelId,
}

/// When the daily digest is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The local time of day, in the policy's zone.
    pub at: NaiveTime,
    /// On which days; all seven unless the file names some.
    pub days: Vec<Weekday>,
    /// What an unchanged day gets.
    pub when_unchanged: WhenUnchanged,
}

/// What is posted when a plan changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUnchanged {
    /// One line.
    Brief,
    /// Nothing.
    Skip,
}

/// `approvals`.
#[derive(Clone, Debug, Default)]
pub(super) struct Approvals {
    pub(super) quorum: Option<At<u32>>,
    pub(super) by_action: BTreeMap<ActionKind, At<u32>>,
    pub(super) self_approval: Option<bool>,
    pub(super) expires_after: Option<At<Duration>>,
    pub(super) remind_after: Option<At<Duration>>,
    pub(super) escalate_after: Option<At<Duration>>,
    pub(super) escalate_to: Option<At<Vec<String>>>,
}

/// `tiers.*`.
#[derive(Clone, Debug, Default)]
pub(super) struct Tier {
    pub(super) quorum: Option<At<u32>>,
    pub(super) self_approval: Option<bool>,
    pub(super) direct: Option<Vec<ActionKind>>,
}

/// What goes first when goals conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precedence {
    /// Deadlines.
    Freshness,
    /// The source's load and windows.
    SourceProtection,
    /// The bill.
    Cost,
}

/// `connections[]`.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) line: usize,
    pub(super) matcher: Match,
    pub(super) tier: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) max_age: Option<Duration>,
    pub(super) fresh_by: Vec<NaiveTime>,
    pub(super) source: Option<Source>,
    pub(super) max_pause: Option<Duration>,
    pub(super) mode: Option<Mode>,
}

/// The system that connections read from, and how much it bears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name: connections whose rules give the same name share its limits.
    pub name: String,
    /// How many syncs it bears at once; unlimited if unset.
    pub max_parallel: Option<u32>,
    /// When it is to be left alone.
    pub avoid: Vec<Window>,
}

/// `destinations[]`.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    /// Over the group's id or name; every group if unset.
    pub(super) group: Option<Pattern>,
    pub(super) limits: DestinationLimits,
}

/// How much a destination bears.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DestinationLimits {
    /// When heavy work stays out.
    pub peak: Vec<Window>,
    /// How many syncs it bears at once; unlimited if unset.
    pub max_parallel: Option<u32>,
}

/// What a month may cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budgets {
    /// Monthly active rows.
    pub monthly_mar: Option<u64>,
    /// Money, in the currency of the Fivetran bill.
    pub monthly_amount: Option<f64>,
    /// The share of either at which people are told, above 0 and up to 1.
    pub alert_at: Option<f64>,
}

/// What a language model may be asked within 24 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ModelLimits {
    /// Requests.
    pub requests: Option<u64>,
    /// Tokens, as the server counts them.
    pub tokens: Option<u64>,
    /// Money, in any currency.
    pub amount: Option<f64>,
    /// What a million tokens cost, in the same.
    pub price: Option<f64>,
}

/// Where the dependencies of dashboards and models are read, as paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// dbt's `manifest.json`.
    pub dbt_manifest: Option<String>,
    /// Deadlines of exposures.
    pub exposures: Option<String>,
}

/// What may run by itself on connections in mode `auto`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Automation {
    /// The rules, in the file's order.
    pub rules: Vec<AutomationRule>,
    /// When `auto` falls back to `copilot`.
    pub breaker: Option<Breaker>,
}

/// One rule under which Syncgate acts by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutomationRule {
    /// Its name, on the audit record of what it does.
    pub name: String,
    /// The incident's category is one of these; any if empty.
    pub category: Vec<&'static str>,
    /// The connection's tier is one of these; any if empty.
    pub tier: Vec<String>,
    /// How sure the cause must be.
    pub min_confidence: Confidence,
    /// What is done.
    pub action: ActionKind,
    /// At most this often a day for one connection; unlimited if unset.
    pub max_per_day: Option<u32>,
}

/// How sure a cause is (SPEC §6), least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Below 0.6.
    Inconclusive,
    /// From 0.6.
    Likely,
    /// From 0.9.
    Confirmed,
}

/// When `auto` falls back to `copilot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// After this many bad outcomes,
    pub failures: u32,
    /// within this time,
    pub window: Duration,
    /// and not before this time a person may re-arm it.
    pub cooldown: Duration,
}

/// How long stored matter is kept; for ever if unset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Evidence of incidents.
    pub evidence: Option<Duration>,
    /// Prompts and answers of the model.
    pub prompts: Option<Duration>,
}
