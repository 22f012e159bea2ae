//! What a plan would propose, by channel: for the digest, for `plan now`, and for the terminal.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::fleet::{subject_at, without_secrets};
use super::timetable::horizon;
use crate::fivetran::{FivetranClient, Priority, ReadError};
use crate::model::{Action, ChannelId, Chart, Connection, ConnectionId, GroupId, Mode, Place};
use crate::planner::{Horizon, Planned, Target, chart, plan};
use crate::policy::{Policy, Subject};
use crate::triage::redact::Redactor;

/// What a channel is told.
#[derive(Debug)]
pub(super) struct Day {
    /// How many connections are told of there.
    pub(super) connections: usize,
    /// What should be done with them.
    pub(super) changes: Vec<Planned>,
    /// What its picture shows.
    pub(super) chart: Chart,
}

/// What is known of the fleet beside how Fivetran shows it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The groups' names.
    pub(super) groups: BTreeMap<GroupId, String>,
    /// When each sync starts that people have approved and that has not begun.
    pub(super) approved: BTreeMap<ConnectionId, Vec<DateTime<Utc>>>,
    /// Connections whose trouble a person has to mend before a sync can help.
    pub(super) need_person: BTreeSet<ConnectionId>,
}

/// The plan by channel; the default one is there even if no connection is told of there.
pub(super) fn outlook(
    policy: &Policy,
    fleet: &[Connection],
    known: &Known,
    horizon: Horizon,
) -> BTreeMap<ChannelId, Day> {
    let subjects: Vec<Subject> = fleet.iter().map(|c| subject(c, &known.groups)).collect();
    let mut targets: BTreeMap<ChannelId, Vec<Target<'_>>> = BTreeMap::new();
    targets.insert(policy.default_channel(), Vec::new());
    for (connection, subject) in fleet.iter().zip(&subjects) {
        let rule = policy.connection(subject);
        let target = Target {
            connection,
            max_age: rule.max_age().map(super::span),
            fresh_by: rule.fresh_by(),
            mode: rule.mode(),
            approved: known
                .approved
                .get(&connection.id)
                .map_or(&[], Vec::as_slice),
            needs_person: known.need_person.contains(&connection.id),
        };
        let channel = policy.channel_of(subject);
        targets.entry(channel).or_default().push(target);
    }
    let day = |targets: Vec<Target<'_>>| {
        let changes = plan(&targets, horizon);
        Day {
            connections: targets.len(),
            chart: chart(&targets, &changes, horizon),
            changes,
        }
    };
    let days = targets.into_iter();
    days.map(|(channel, targets)| (channel, day(targets)))
        .collect()
}

/// The channels that connections are told of in, and the default one.
pub(super) fn channels(
    policy: &Policy,
    fleet: &[Connection],
    groups: &BTreeMap<GroupId, String>,
) -> BTreeSet<ChannelId> {
    let channel = |connection| policy.channel_of(&subject(connection, groups));
    let default = std::iter::once(policy.default_channel());
    default.chain(fleet.iter().map(channel)).collect()
}

fn subject(connection: &Connection, groups: &BTreeMap<GroupId, String>) -> Subject {
    let group = groups.get(&connection.group_id);
    let group = group.map_or_else(|| connection.group_id.to_string(), Clone::clone);
    subject_at(&connection.id, Place::of(connection, group))
}

/// A plan that nobody is asked about.
#[derive(Debug, Serialize)]
pub struct Preview {
    /// Computed as of this moment.
    pub at: DateTime<Utc>,
    /// Until then, when the next digest is due.
    pub until: DateTime<Utc>,
    /// The policy's zone.
    pub timezone: String,
    /// How many connections were looked at.
    pub connections: usize,
    /// What should be done, by channel, first what is due first.
    pub changes: Vec<Change>,
}

/// One action of a preview.
#[derive(Debug, Serialize)]
pub struct Change {
    /// Which connection.
    pub connection: ConnectionId,
    /// Its schema name, redacted.
    pub name: String,
    /// Where it would be proposed.
    pub channel: ChannelId,
    /// In `shadow` it would only be shown.
    pub mode: Mode,
    /// What to do.
    pub action: Action,
    /// When a decision on it comes too late.
    pub decide_by: Option<DateTime<Utc>>,
    /// Why.
    pub reason: String,
}

/// Computes the plan beside a service: reads Fivetran, stores, posts and executes nothing. It knows
/// nothing of what the service's people have approved, nor of its incidents.
///
/// # Errors
/// When Fivetran cannot be read.
pub async fn preview(
    fivetran: &FivetranClient,
    policy: &Policy,
    redactor: &Redactor,
    at: DateTime<Utc>,
) -> Result<Preview, ReadError> {
    let groups = fivetran.groups(Priority::People).await?;
    let known = Known {
        groups: groups.into_iter().map(|g| (g.id, g.name)).collect(),
        ..Known::default()
    };
    let read = fivetran.connections(Priority::People).await?;
    let fleet: Vec<Connection> = read
        .into_iter()
        .map(|connection| without_secrets(redactor, connection))
        .collect();
    let horizon = horizon(policy, at);
    let days = outlook(policy, &fleet, &known, horizon);
    let changes = days.into_iter().flat_map(|(channel, day)| {
        let changes = day.changes.into_iter();
        changes.map(move |planned| change(planned, channel.clone()))
    });
    Ok(Preview {
        at,
        until: horizon.until,
        timezone: horizon.tz.to_string(),
        connections: fleet.len(),
        changes: changes.collect(),
    })
}

fn change(planned: Planned, channel: ChannelId) -> Change {
    let mode = planned.mode;
    let line = planned.line;
    Change {
        connection: line.connection,
        name: line.name,
        channel,
        mode,
        action: line.action,
        decide_by: line.decide_by,
        reason: line.reason,
    }
}
