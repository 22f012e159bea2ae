//! The plan: proposed as one card per channel (SPEC §2.1).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::asked::Asked;
use super::outlook::{Day, Known, outlook};
use super::propose::Request;
use super::timetable::horizon;
use super::{App, Flow, say};
use crate::fivetran::Priority;
use crate::model::{
    Action, Actor, ChannelId, Connection, GroupId, Line, Mode, ProposalKind, Step, StepState,
};
use crate::planner::Planned;
use crate::policy::{Member, Policy, Role, WhenUnchanged};
use crate::slack::cards::{self, InForce};
use crate::slack::words;
use crate::store::Tx;
use crate::triage::{Remedy, remedy};

/// What a plan is made for.
pub(super) struct Occasion {
    /// Who asked for it.
    pub(super) requester: Actor,
    /// What a channel is told whose connections need nothing.
    pub(super) unchanged: WhenUnchanged,
    /// Whose day's plan it is.
    pub(super) day: NaiveDate,
    /// When it was due, if it comes late.
    pub(super) late: Option<DateTime<Utc>>,
}

impl Occasion {
    fn title(&self, tz: Tz) -> String {
        let day = self.day.format("%A, %-d %B");
        match self.late.map(|due| due.with_timezone(&tz).format("%H:%M")) {
            Some(due) => format!("Plan of {day}, late: it was due at {due}"),
            None => format!("Plan of {day}"),
        }
    }
}

/// The notice that a day's digest comes late in a channel.
pub(super) fn late_key(day: NaiveDate, channel: &ChannelId) -> String {
    format!("digest:late:{day}:{channel}")
}

impl App {
    /// `plan` shows where today's plan stands, `plan now` makes a new one.
    pub(crate) async fn plan_command(&self, asked: &Asked, member: &Member, now: bool) -> Flow<()> {
        if !now {
            let latest = self
                .store
                .snapshot()
                .await?
                .latest_proposal(ProposalKind::Plan)
                .await?;
            return match latest {
                Some(stored) => {
                    let plan = &stored.proposal;
                    self.reply(
                        asked,
                        &words::plan_stands(plan.id, plan.state.as_str()),
                        "plan",
                    )
                    .await
                }
                None => say("plan.none", words::no_plan_yet()),
            };
        }
        self.require(Role::Operator, member)?;
        let fleet = match self.refresh_fleet(Priority::People).await {
            Ok(fleet) => fleet,
            Err(error) => {
                tracing::warn!(%error, "cannot read the fleet for a plan");
                return self.fivetran_down();
            }
        };
        let policy = self.policy.load_full();
        let planned = self.planned(&policy, &fleet).await?;
        let mut tx = self.store.begin().await?;
        // Of two plans made in the same instant the second supersedes the first.
        tx.lock_proposals().await?;
        let changes = planned.values().map(|day| day.changes.len()).sum();
        let now = self.ctx.now();
        let occasion = Occasion {
            requester: Actor::user(&asked.user),
            // Whoever asks is answered, also where the daily digest would keep silent.
            unchanged: WhenUnchanged::Brief,
            day: now.with_timezone(&policy.timezone()).date_naive(),
            late: None,
        };
        self.post_plan(&mut tx, planned, &occasion).await?;
        self.settle(tx, asked, &words::planned(changes), "plan")
            .await
    }

    /// What should be done until the next digest, by the channel that it is told in.
    pub(super) async fn planned(
        &self,
        policy: &Policy,
        fleet: &[Connection],
    ) -> Flow<BTreeMap<ChannelId, Day>> {
        let mut tx = self.store.snapshot().await?;
        let known = self.known(&mut tx, fleet).await?;
        drop(tx);
        let horizon = horizon(policy, self.ctx.now());
        Ok(outlook(policy, fleet, &known, horizon))
    }

    /// The names of the fleet's groups.
    pub(super) async fn group_names(
        &self,
        tx: &mut Tx,
        fleet: &[Connection],
    ) -> Flow<BTreeMap<GroupId, String>> {
        let mut groups = BTreeMap::new();
        for connection in fleet {
            if !groups.contains_key(&connection.group_id) {
                let name = tx.group_name(&connection.group_id).await?;
                groups.insert(connection.group_id.clone(), name);
            }
        }
        Ok(groups)
    }

    /// What the database knows of the fleet.
    async fn known(&self, tx: &mut Tx, fleet: &[Connection]) -> Flow<Known> {
        let mut known = Known {
            groups: self.group_names(tx, fleet).await?,
            ..Known::default()
        };
        let under_way = tx.steps_under_way().await?.into_iter();
        // What stays unknown until somebody looks may never have happened.
        let hopeful = |step: &Step| {
            !matches!(
                step.state,
                StepState::Uncertain {
                    unprovable: true,
                    ..
                }
            )
        };
        let mut revisions = BTreeMap::new();
        for step in under_way.filter(hopeful) {
            // The lines of one plan are many, and their revision is one.
            let revision = match revisions.entry((step.proposal, step.revision)) {
                Entry::Occupied(read) => read.into_mut(),
                Entry::Vacant(unread) => {
                    unread.insert(tx.revision(step.proposal, step.revision).await?)
                }
            };
            let line = revision
                .as_ref()
                .and_then(|(revision, _)| revision.line_of(&step));
            let start = match line.map(|line| &line.action) {
                Some(Action::SyncNow { .. }) => self.ctx.now(),
                Some(Action::SyncAt { time }) => *time,
                _ => continue,
            };
            let starts = known.approved.entry(step.connection).or_default();
            starts.push(start);
        }
        let by_id: BTreeMap<_, _> = fleet.iter().map(|c| (&c.id, c)).collect();
        let open: BTreeMap<_, _> = tx
            .open_incidents()
            .await?
            .into_iter()
            .map(|(incident, _)| (incident.id, incident.cause))
            .collect();
        for (id, incident) in tx.failing().await? {
            let cause = open.get(&incident).and_then(Option::as_ref);
            let remedy = by_id.get(&id).map(|c| remedy(c, cause));
            if let Some(Remedy::Person(_)) = remedy {
                known.need_person.insert(id);
            }
        }
        Ok(known)
    }

    /// What is in force for a while on the connections that this channel is told of.
    pub(super) async fn in_force(&self, tx: &mut Tx, channel: &ChannelId) -> Flow<Vec<InForce>> {
        let policy = self.policy.load_full();
        let mut in_force = Vec::new();
        for held in tx.overrides().await? {
            let Some(connection) = tx.connection(&held.step.connection).await? else {
                continue;
            };
            let subject = self.subject(tx, &connection).await?;
            if policy.channel_of(&subject) == *channel {
                in_force.push(InForce {
                    name: connection.schema,
                    by: held.step.proposal,
                    until: held.ends_at,
                });
            }
        }
        Ok(in_force)
    }

    /// One card per channel; the plan that waited there is superseded.
    pub(super) async fn post_plan(
        &self,
        tx: &mut Tx,
        planned: BTreeMap<ChannelId, Day>,
        occasion: &Occasion,
    ) -> Flow<()> {
        let now = self.ctx.now();
        let tz = self.policy.load().timezone();
        let title = occasion.title(tz);
        let waiting = tx.waiting_proposals(ProposalKind::Plan).await?;
        let mut replaced_by = BTreeMap::new();
        for (channel, day) in planned {
            if day.changes.is_empty() {
                // Who was told that a plan comes is told what became of it.
                let promised = tx.has_message(&late_key(occasion.day, &channel)).await?;
                if occasion.unchanged == WhenUnchanged::Skip && !promised {
                    continue;
                }
                let key = format!("plan:unchanged:{channel}:{}", now.timestamp_micros());
                let head = tx.audit_head().await?;
                let overrides = self.in_force(tx, &channel).await?;
                let late = occasion.late.map(|_| title.as_str());
                let message = cards::unchanged_day(day.connections, late, &overrides, &head, tz);
                self.post(tx, key, &channel, &message).await?;
                continue;
            }
            let (shadow, live): (Vec<Planned>, Vec<Planned>) = day
                .changes
                .into_iter()
                .partition(|p| p.mode == Mode::Shadow);
            let lines = |planned: Vec<Planned>| -> Vec<Line> {
                planned.into_iter().map(|p| p.line).collect()
            };
            let request = Request {
                kind: ProposalKind::Plan,
                // Who asked for a plan did not choose what is in it: the planner did.
                requester: match &occasion.requester {
                    Actor::User { .. } | Actor::Syncgate => Actor::Syncgate,
                    other => other.clone(),
                },
                channel: channel.clone(),
                title: title.clone(),
                lines: lines(live),
                shadow: lines(shadow),
                incident: None,
                direct: None,
            };
            let id = self.propose(tx, request).await?;
            tx.want_picture(id, &day.chart, now).await?;
            replaced_by.insert(channel, id);
        }
        for stored in waiting {
            let by = replaced_by.get(&stored.proposal.channel).copied();
            self.supersede(tx, stored, by).await?;
        }
        Ok(())
    }
}
