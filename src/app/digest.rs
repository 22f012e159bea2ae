//! The plan: proposed as one card per channel (SPEC §2.1).

use std::collections::BTreeMap;

use serde_json::json;

use super::asked::Asked;
use super::propose::Request;
use super::{App, Flow, say};
use crate::fivetran::Priority;
use crate::model::{Actor, ChannelId, Line, Mode, Proposal, ProposalKind};
use crate::planner::{Planned, Target, plan};
use crate::policy::{Member, Role};
use crate::slack::cards::{self, InForce};
use crate::slack::words;
use crate::store::Tx;

/// What a channel is told.
#[derive(Default)]
struct Day {
    /// How many connections are told of there.
    connections: usize,
    /// What should be done with them.
    changes: Vec<Planned>,
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
        let planned = match self.planned().await {
            Ok(planned) => planned,
            Err(error) => {
                tracing::warn!(%error, "cannot read the fleet for a plan");
                return self.fivetran_down();
            }
        };
        let mut tx = self.store.begin().await?;
        // Of two plans made in the same instant the second supersedes the first.
        tx.lock_proposals().await?;
        let changes = planned.values().map(|day| day.changes.len()).sum();
        self.post_plan(&mut tx, planned, Actor::user(&asked.user))
            .await?;
        self.settle(tx, asked, &words::planned(changes), "plan")
            .await
    }

    /// What should be done now, by the channel that it is told in.
    async fn planned(&self) -> anyhow::Result<BTreeMap<ChannelId, Day>> {
        let fleet = self.refresh_fleet(Priority::People).await?;
        let policy = self.policy.load_full();
        let mut tx = self.store.snapshot().await?;
        let mut by_channel: BTreeMap<ChannelId, Day> = BTreeMap::new();
        by_channel.insert(policy.default_channel(), Day::default());
        for connection in &fleet {
            let subject = match self.subject(&mut tx, connection).await {
                Ok(subject) => subject,
                Err(super::Stop::Fail(error)) => return Err(error),
                Err(_) => continue,
            };
            let rule = policy.connection(&subject);
            let target = Target {
                connection,
                max_age: rule.max_age().map(super::span),
                mode: rule.mode(),
            };
            let lines = plan(&[target], self.ctx.now());
            let day = by_channel.entry(policy.channel_of(&subject)).or_default();
            day.connections += 1;
            day.changes.extend(lines);
        }
        Ok(by_channel)
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

    async fn post_plan(
        &self,
        tx: &mut Tx,
        planned: BTreeMap<ChannelId, Day>,
        requester: Actor,
    ) -> Flow<()> {
        let now = self.ctx.now();
        let waiting = tx.waiting_proposals(ProposalKind::Plan).await?;
        let mut replaced_by = BTreeMap::new();
        for (channel, day) in planned {
            if day.changes.is_empty() {
                let key = format!("plan:unchanged:{channel}:{}", now.timestamp_micros());
                let head = tx.audit_head().await?;
                let overrides = self.in_force(tx, &channel).await?;
                let tz = self.policy.load().timezone();
                let message = cards::unchanged_day(day.connections, &overrides, &head, tz);
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
            let title = format!(
                "Plan of {}",
                now.with_timezone(&self.policy.load().timezone())
                    .format("%A, %-d %B")
            );
            let request = Request {
                kind: ProposalKind::Plan,
                // Who asked for a plan did not choose what is in it: the planner did.
                requester: match &requester {
                    Actor::User { .. } | Actor::Syncgate => Actor::Syncgate,
                    other => other.clone(),
                },
                channel: channel.clone(),
                title,
                lines: lines(live),
                shadow: lines(shadow),
                incident: None,
                direct: None,
            };
            replaced_by.insert(channel, self.propose(tx, request).await?);
        }
        for stored in waiting {
            let by = replaced_by.get(&stored.proposal.channel).copied();
            let id = stored.proposal.id;
            let Ok(state) = stored.proposal.state.clone().supersede(now, by) else {
                continue;
            };
            let proposal = Proposal {
                state,
                ..stored.proposal
            };
            tx.update_proposal(&proposal, stored.version).await?;
            let subject = super::propose::subject(id);
            tx.audit(self.entry(
                "proposal.superseded",
                Actor::Syncgate,
                subject,
                json!({ "by": by }),
            ));
            self.show(tx, id).await?;
            let note = cards::superseded_note(id, by);
            self.note(tx, &proposal, "superseded", &note).await?;
        }
        Ok(())
    }
}
