//! Incidents: one card per living problem, opened on the first failure, resolved by proof.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::json;

use super::propose::{Request, line};
use super::{App, Flow, Ran, Stop};
use crate::fivetran::{Priority, Webhook};
use crate::model::{
    Actor, Connection, ConnectionId, Incident, IncidentId, IncidentState, Mode, ProposalKind,
    ProposalState,
};
use crate::slack::cards;
use crate::store::{InboxRow, Tx};
use crate::triage::{Remedy, remedy};

/// A webhook whose own time is older than this tells nothing about the present.
const STALE: TimeDelta = TimeDelta::days(1);

impl App {
    /// A webhook is a hint: what it says is confirmed by reading before anything is decided.
    pub(super) async fn handle_webhook(&self, row: &InboxRow) -> anyhow::Result<()> {
        let webhook: Webhook = serde_json::from_str(&row.body)?;
        let stale = webhook
            .created
            .is_some_and(|at| row.received_at - at > STALE);
        let outcome = match (&webhook.connection_id, stale) {
            _ if webhook.is_test => "test",
            (_, true) => "stale",
            (None, _) => "ignored",
            (Some(id), false) => {
                let reason = webhook
                    .reason
                    .as_deref()
                    .filter(|_| webhook.tells_of_failure());
                self.confirm(id, reason).await?;
                "confirmed"
            }
        };
        let mut tx = self.store.begin().await?;
        let subject = webhook
            .connection_id
            .map_or_else(String::new, |id| format!("connection:{id}"));
        let facts = json!({ "event": webhook.event, "status": webhook.status, "outcome": outcome });
        tx.audit(self.entry("webhook.received", Actor::Syncgate, subject, facts));
        match tx.settle_inbox(&row.key, outcome).await {
            Ok(()) => Ok(tx.commit().await?),
            Err(error) if error.is_race() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn confirm(&self, id: &ConnectionId, reason: Option<&str>) -> anyhow::Result<()> {
        let Some(connection) = self.read(id, Priority::Background).await? else {
            return Ok(());
        };
        let mut tx = self.store.begin().await?;
        tx.save_connection(&connection).await?;
        tx.commit().await?;
        self.observe(&connection, reason).await
    }

    /// Reads the fleet and looks for failures and recoveries: the detection of those who have no
    /// public address, and the safety net of those who have.
    ///
    /// # Errors
    /// When Fivetran or the database does not answer.
    pub async fn poll(&self) -> anyhow::Result<Ran> {
        let now = self.ctx.now();
        let every = TimeDelta::from_std(self.policy.load().poll_interval())?;
        let mut tx = self.store.begin().await?;
        let ours = tx.take_turn("poll", now, now + every).await?;
        tx.commit().await?;
        if !ours {
            return Ok(Ran::Empty);
        }
        let fleet = self.refresh_fleet(Priority::Background).await?;
        let open = self.store.snapshot().await?.open_incidents().await?;
        let living: BTreeSet<ConnectionId> = open.into_iter().map(|(i, _)| i.connection).collect();
        for connection in fleet
            .iter()
            .filter(|c| c.failed() || living.contains(&c.id))
        {
            self.observe(connection, None).await?;
        }
        Ok(Ran::Ran)
    }

    /// Opens, counts or resolves, by what was read.
    async fn observe(&self, connection: &Connection, reason: Option<&str>) -> anyhow::Result<()> {
        for _ in 0..5 {
            match self.try_observe(connection, reason).await {
                Ok(()) => return Ok(()),
                Err(Stop::Race) => {}
                Err(Stop::Fail(error)) => return Err(error),
                Err(Stop::Say { code, .. }) => {
                    anyhow::bail!("nobody asked for an incident: {code}")
                }
            }
        }
        anyhow::bail!("lost five races over one incident")
    }

    async fn try_observe(&self, connection: &Connection, reason: Option<&str>) -> Flow<()> {
        let known = self
            .store
            .snapshot()
            .await?
            .open_incident(&connection.id)
            .await?;
        match (known, connection.failed_at) {
            (None, Some(failed_at)) if connection.failed() => {
                self.open(connection, failed_at, reason).await
            }
            (Some((incident, version)), Some(failed_at))
                if connection.failed() && failed_at > incident.failed_at =>
            {
                self.count(connection, incident, version, reason).await
            }
            // The reading was faster than the webhook that tells why.
            (Some((incident, version)), Some(failed_at))
                if connection.failed()
                    && failed_at == incident.failed_at
                    && incident.reason.is_none()
                    && reason.is_some() =>
            {
                self.explain(incident, version, reason).await
            }
            (Some((incident, version)), _)
                if connection
                    .succeeded_at
                    .is_some_and(|at| at > incident.failed_at) =>
            {
                self.resolve_incident(incident, version).await
            }
            _ => Ok(()),
        }
    }

    async fn open(
        &self,
        connection: &Connection,
        failed_at: chrono::DateTime<chrono::Utc>,
        reason: Option<&str>,
    ) -> Flow<()> {
        let now = self.ctx.now();
        let mut tx = self.store.begin().await?;
        let subject = self.subject(&mut tx, connection).await?;
        let id = tx.next_incident().await?;
        let mut incident = Incident {
            id,
            connection: connection.id.clone(),
            name: connection.schema.clone(),
            state: IncidentState::Open,
            channel: self.policy.load().channel_of(&subject),
            opened_at: now,
            failed_at,
            failures: 1,
            reason: reason.map(|text| self.kept(text)),
            tasks: connection.tasks.clone(),
            warnings: connection.warnings.clone(),
            proposal: None,
            resolved_at: None,
        };
        tx.insert_incident(&incident).await?;
        let facts = json!({
            "connection": connection.id, "failed_at": failed_at, "reason": &incident.reason,
            "tasks": &incident.tasks, "warnings": &incident.warnings,
        });
        tx.audit(self.entry("incident.opened", Actor::Syncgate, subject_of(id), facts));
        // The card first: the remedy's own card stands in its thread.
        self.show_incident(&mut tx, id).await?;
        self.propose_remedy(&mut tx, connection, &mut incident)
            .await?;
        tx.update_incident(&incident, 1).await?;
        self.show_incident(&mut tx, id).await?;
        self.finish(tx).await
    }

    /// The same trouble again: counted on the card, with a fresh remedy when the last was used up.
    async fn count(
        &self,
        connection: &Connection,
        mut incident: Incident,
        version: i64,
        reason: Option<&str>,
    ) -> Flow<()> {
        let mut tx = self.store.begin().await?;
        incident.failures += 1;
        incident.failed_at = connection.failed_at.unwrap_or(incident.failed_at);
        incident.state = IncidentState::Open;
        incident.reason = reason.map(|text| self.kept(text)).or(incident.reason);
        incident.tasks.clone_from(&connection.tasks);
        incident.warnings.clone_from(&connection.warnings);
        let waits = match incident.proposal {
            Some(id) => tx.proposal(id).await?.is_some_and(|stored| {
                matches!(stored.proposal.state, ProposalState::Proposed { .. })
            }),
            None => false,
        };
        if !waits {
            self.propose_remedy(&mut tx, connection, &mut incident)
                .await?;
        }
        tx.update_incident(&incident, version).await?;
        let facts = json!({ "failures": incident.failures, "failed_at": incident.failed_at });
        tx.audit(self.entry(
            "incident.repeated",
            Actor::Syncgate,
            subject_of(incident.id),
            facts,
        ));
        self.show_incident(&mut tx, incident.id).await?;
        self.finish(tx).await
    }

    async fn explain(
        &self,
        mut incident: Incident,
        version: i64,
        reason: Option<&str>,
    ) -> Flow<()> {
        let mut tx = self.store.begin().await?;
        incident.reason = reason.map(|text| self.kept(text));
        tx.update_incident(&incident, version).await?;
        let facts = json!({ "reason": &incident.reason });
        tx.audit(self.entry(
            "incident.explained",
            Actor::Syncgate,
            subject_of(incident.id),
            facts,
        ));
        self.show_incident(&mut tx, incident.id).await?;
        self.finish(tx).await
    }

    async fn resolve_incident(&self, mut incident: Incident, version: i64) -> Flow<()> {
        let now = self.ctx.now();
        let mut tx = self.store.begin().await?;
        incident.state = IncidentState::Resolved;
        incident.resolved_at = Some(now);
        tx.update_incident(&incident, version).await?;
        let facts = json!({ "failures": incident.failures });
        tx.audit(self.entry(
            "incident.resolved",
            Actor::Syncgate,
            subject_of(incident.id),
            facts,
        ));
        // A remedy that still waits has nothing left to mend.
        if let Some(id) = incident.proposal
            && let Some(stored) = tx.proposal(id).await?
            && let Ok(state) = stored.proposal.state.clone().supersede(now, None)
        {
            let proposal = crate::model::Proposal {
                state,
                ..stored.proposal
            };
            tx.update_proposal(&proposal, stored.version).await?;
            let subject = super::propose::subject(id);
            tx.audit(self.entry(
                "proposal.superseded",
                Actor::Syncgate,
                subject,
                json!({ "by": null }),
            ));
            self.show(&mut tx, id).await?;
            let note = cards::superseded_note(id, None);
            self.note(&mut tx, &proposal, "superseded", &note).await?;
        }
        self.show_incident(&mut tx, incident.id).await?;
        self.finish(tx).await
    }

    async fn propose_remedy(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        incident: &mut Incident,
    ) -> Flow<()> {
        let subject = self.subject(tx, connection).await?;
        let shadow = self.policy.load().connection(&subject).mode() == Mode::Shadow;
        let Remedy::Propose(action) = remedy(connection) else {
            return Ok(());
        };
        if shadow {
            return Ok(());
        }
        let reason = format!("Its last sync failed (incident {}).", incident.id);
        let request = Request {
            kind: ProposalKind::Remediation,
            requester: Actor::Syncgate,
            channel: incident.channel.clone(),
            title: format!("Sync {} again", connection.schema),
            lines: vec![line(connection, action, reason)],
            shadow: Vec::new(),
            incident: Some(incident.id),
            direct: None,
        };
        incident.proposal = Some(self.propose(tx, request).await?);
        Ok(())
    }
}

fn subject_of(id: IncidentId) -> String {
    format!("incident:{id}")
}
