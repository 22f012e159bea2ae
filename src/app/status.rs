//! `status` and `audit` in Slack: what is, and how it came to be.

use std::collections::BTreeSet;

use super::asked::Asked;
use super::{App, Flow};
use crate::model::{ConnectionId, ProposalId};
use crate::slack::cards::HaltView;
use crate::slack::words::{self, OverrideView, StatusRow, StatusView};
use crate::store::{Override, Tx};

/// A reading of the fleet that is no older tells how it is now; polling keeps it so.
const RECENT: chrono::TimeDelta = chrono::TimeDelta::minutes(2);

impl App {
    /// The fleet as last read, what needs a look first.
    pub(crate) async fn fleet_status(&self, asked: &Asked) -> Flow<()> {
        let mut fleet = self.store.snapshot().await?.connections().await?;
        let mut unread_since = None;
        let read_at = fleet.iter().map(|c| c.read_at).min();
        if read_at.is_none_or(|at| at < self.ctx.now() - RECENT) {
            match self.refresh_fleet(crate::fivetran::Priority::People).await {
                Ok(fresh) => fleet = fresh,
                Err(error) => {
                    tracing::warn!(%error, "cannot read the fleet");
                    let Some(at) = read_at else {
                        return self.fivetran_down();
                    };
                    unread_since = Some(at);
                }
            }
        }
        let policy = self.policy.load_full();
        let mut tx = self.store.snapshot().await?;
        let overrides = tx.overrides().await?;
        let failing: BTreeSet<ConnectionId> =
            tx.failing().await?.into_iter().map(|(id, _)| id).collect();
        let halt = tx.halted().await?;
        let muted = tx.mutes(self.ctx.now()).await?;
        let mut rows = Vec::with_capacity(fleet.len());
        for connection in &fleet {
            let subject = self.subject(&mut tx, connection).await?;
            rows.push(StatusRow {
                connection,
                max_age: policy.connection(&subject).max_age(),
                overrides: overrides
                    .iter()
                    .filter(|o| o.step.connection == connection.id)
                    .count(),
                incident: failing.contains(&connection.id),
                muted: muted
                    .iter()
                    .find(|(id, _)| *id == connection.id)
                    .map(|(_, until)| *until),
            });
        }
        let halted = halt.map(|h| HaltView {
            by: h.by,
            reason: h.reason,
            at: h.at,
        });
        let message = words::status_fleet(
            &rows,
            halted.as_ref(),
            unread_since,
            policy.timezone(),
            self.ctx.now(),
        );
        drop(tx);
        self.reply(asked, &message, "status").await
    }

    /// One connection as it is now; as last read where Fivetran does not answer.
    pub(crate) async fn connection_status(&self, asked: &Asked, name: &str) -> Flow<()> {
        let known = self.resolve(name, "status {}").await?;
        let (connection, answered) = match self.live(&known.id).await {
            Ok(live) => (live, true),
            Err(super::Stop::Say {
                code: "fivetran.unreadable",
                ..
            }) => (known, false),
            Err(stop) => return Err(stop),
        };
        let policy = self.policy.load_full();
        let mut tx = self.store.snapshot().await?;
        let subject = self.subject(&mut tx, &connection).await?;
        let overrides = self.overrides_of(&mut tx, &connection.id).await?;
        let incident = tx
            .open_incident(&connection.id)
            .await?
            .map(|(incident, _)| incident);
        let muted = tx.mute_of(&connection.id, self.ctx.now()).await?;
        let rule = policy.connection(&subject);
        let view = StatusView {
            connection: &connection,
            answered,
            group: &self.redacted(&subject.group_name),
            tier: rule.tier(),
            mode: rule.mode(),
            max_age: rule.max_age(),
            overrides: &overrides,
            incident: incident.as_ref(),
            muted: muted.as_ref(),
            tz: policy.timezone(),
            now: self.ctx.now(),
        };
        let message = words::status_one(&view);
        drop(tx);
        self.reply(asked, &message, "status").await
    }

    async fn overrides_of(&self, tx: &mut Tx, id: &ConnectionId) -> Flow<Vec<OverrideView>> {
        let mine = tx
            .overrides()
            .await?
            .into_iter()
            .filter(|o| o.step.connection == *id);
        Ok(mine.map(|o| override_view(&o)).collect())
    }

    /// The story of one proposal, from the audit chain.
    pub(crate) async fn story(&self, asked: &Asked, id: ProposalId) -> Flow<()> {
        let records = self
            .store
            .snapshot()
            .await?
            .audit_of(&super::propose::subject(id))
            .await?;
        if records.is_empty() {
            return super::say("proposal.unknown", words::unknown_proposal(id));
        }
        let message = words::audit_story(id, &records, self.policy.load().timezone());
        self.reply(asked, &message, "audit").await
    }
}

fn override_view(entry: &Override) -> OverrideView {
    OverrideView {
        what: format!("changed by #{}", entry.step.proposal),
        until: entry.ends_at,
    }
}
