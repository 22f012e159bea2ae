//! Incidents: one card per living problem, opened on the first failure, resolved by proof.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::cause::facts as facts_of;
use super::propose::{Request, line};
use super::{App, Flow, Ran, Stop};
use crate::fivetran::Priority;
use crate::model::{
    Actor, Care, Connection, ConnectionId, Incident, IncidentId, IncidentState, Mode, ProposalKind,
    ProposalState,
};
use crate::store::Tx;
use crate::triage::{Remedy, remedy};

impl App {
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
        let listed: BTreeSet<&ConnectionId> = fleet.iter().map(|c| &c.id).collect();
        for connection in fleet
            .iter()
            .filter(|c| c.failed() || living.contains(&c.id))
        {
            let observed = self.observe(connection, None).await;
            noted(&connection.id, observed);
        }
        for id in living.iter().filter(|id| !listed.contains(id)) {
            noted(id, self.look_whether_gone(id).await);
        }
        Ok(Ran::Ran)
    }

    /// An incident of a connection that the list does not show is over only if Fivetran says that
    /// there is no such connection.
    async fn look_whether_gone(&self, id: &ConnectionId) -> anyhow::Result<()> {
        match self.read(id, Priority::Background).await? {
            Some(connection) => self.observe(&connection, None).await,
            None => self.gone(id).await,
        }
    }

    /// The connection no longer exists: what was wrong with it is over.
    pub(super) async fn gone(&self, id: &ConnectionId) -> anyhow::Result<()> {
        let open = self.store.snapshot().await?.open_incident(id).await?;
        let Some((incident, version)) = open else {
            return Ok(());
        };
        let incident = Incident {
            gone: true,
            ..incident
        };
        match self.resolve_incident(incident, version).await {
            // Whoever was faster changed it; the next reading looks again.
            Ok(()) | Err(Stop::Race) => Ok(()),
            Err(Stop::Fail(error)) => Err(error),
            Err(Stop::Say { code, .. }) => anyhow::bail!("nobody asked for an incident: {code}"),
        }
    }

    /// Opens, counts or resolves, by what was read.
    pub(super) async fn observe(
        &self,
        connection: &Connection,
        reason: Option<&str>,
    ) -> anyhow::Result<()> {
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
                self.explain(connection, incident, version, reason).await
            }
            (Some((incident, version)), _)
                if connection
                    .succeeded_at
                    .is_some_and(|at| at > incident.failed_at) =>
            {
                let mut incident = incident;
                incident.care.recovered_at = connection.succeeded_at;
                self.resolve_incident(incident, version).await
            }
            _ => Ok(()),
        }
    }

    async fn open(
        &self,
        connection: &Connection,
        failed_at: DateTime<Utc>,
        reason: Option<&str>,
    ) -> Flow<()> {
        // The log is read before anything is locked, and not for a failure that is over.
        let mut tx = self.store.snapshot().await?;
        meanwhile_open(&mut tx, connection).await?;
        if is_old_news(&mut tx, connection, failed_at).await? {
            return Ok(());
        }
        drop(tx);
        let (cause, brief) = self.cause_of(connection, reason, None).await.unzip();
        let now = self.ctx.now();
        let mut tx = self.store.begin().await?;
        meanwhile_open(&mut tx, connection).await?;
        if is_old_news(&mut tx, connection, failed_at).await? {
            return Ok(());
        }
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
            cause,
            proposal: None,
            resolved_at: None,
            gone: false,
            care: Care::default(),
        };
        let brief = self
            .learn(&mut tx, connection, &mut incident, brief)
            .await?;
        tx.insert_incident(&incident).await?;
        let facts = json!({
            "connection": connection.id, "failed_at": failed_at, "reason": &incident.reason,
            "tasks": &incident.tasks, "warnings": &incident.warnings,
        });
        tx.audit(self.entry("incident.opened", Actor::Syncgate, subject_of(id), facts));
        self.audit_cause(&mut tx, &incident);
        // The card first: the remedy's own card stands in its thread.
        if self.tell_incident(&mut tx, &incident, true).await? {
            self.put_question(&mut tx, &mut incident, brief.as_ref())
                .await?;
            self.propose_remedy(&mut tx, connection, &mut incident)
                .await?;
            self.watch(&mut tx, connection, &mut incident).await?;
            tx.update_incident(&incident, 1).await?;
            self.show_incident(&mut tx, id).await?;
        }
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
        let known = Some(incident.failed_at);
        let (cause, brief) = self.cause_of(connection, reason, known).await.unzip();
        incident.cause = cause;
        let mut tx = self.store.begin().await?;
        incident.failures += 1;
        let brief = self
            .learn(&mut tx, connection, &mut incident, brief)
            .await?;
        self.put_question(&mut tx, &mut incident, brief.as_ref())
            .await?;
        incident.failed_at = connection.failed_at.unwrap_or(incident.failed_at);
        incident.state = IncidentState::Open;
        // A reason belongs to one failure; this one's may be told by a webhook yet.
        incident.reason = reason.map(|text| self.kept(text));
        incident.tasks.clone_from(&connection.tasks);
        incident.warnings.clone_from(&connection.warnings);
        self.withdraw_if_vain(&mut tx, connection, &mut incident)
            .await?;
        let waits = match incident.proposal {
            Some(id) => tx.proposal(id).await?.is_some_and(|stored| {
                matches!(stored.proposal.state, ProposalState::Proposed { .. })
            }),
            None => false,
        };
        let own = self.tell_incident(&mut tx, &incident, false).await?;
        if !waits && own {
            self.propose_remedy(&mut tx, connection, &mut incident)
                .await?;
        }
        if own {
            self.watch(&mut tx, connection, &mut incident).await?;
        }
        tx.update_incident(&incident, version).await?;
        let facts = json!({ "failures": incident.failures, "failed_at": incident.failed_at });
        tx.audit(self.entry(
            "incident.repeated",
            Actor::Syncgate,
            subject_of(incident.id),
            facts,
        ));
        self.audit_cause(&mut tx, &incident);
        if own {
            self.show_incident(&mut tx, incident.id).await?;
        }
        self.finish(tx).await
    }

    /// A webhook tells why, after a reading had opened the incident.
    async fn explain(
        &self,
        connection: &Connection,
        mut incident: Incident,
        version: i64,
        reason: Option<&str>,
    ) -> Flow<()> {
        let (cause, brief) = self.cause_of(connection, reason, None).await.unzip();
        incident.cause = cause;
        let mut tx = self.store.begin().await?;
        let brief = self
            .learn(&mut tx, connection, &mut incident, brief)
            .await?;
        self.put_question(&mut tx, &mut incident, brief.as_ref())
            .await?;
        incident.reason = reason.map(|text| self.kept(text));
        self.withdraw_if_vain(&mut tx, connection, &mut incident)
            .await?;
        tx.update_incident(&incident, version).await?;
        self.audit_cause(&mut tx, &incident);
        // One that is counted on a flood's card stays there until it fails again.
        self.reshow_incident(&mut tx, incident.id).await?;
        self.finish(tx).await
    }

    async fn resolve_incident(&self, mut incident: Incident, version: i64) -> Flow<()> {
        let now = self.ctx.now();
        let mut tx = self.store.begin().await?;
        incident.state = IncidentState::Resolved;
        incident.resolved_at = Some(now);
        tx.update_incident(&incident, version).await?;
        let facts = json!({ "failures": incident.failures, "gone": incident.gone });
        tx.audit(self.entry(
            "incident.resolved",
            Actor::Syncgate,
            subject_of(incident.id),
            facts,
        ));
        // A remedy that still waits has nothing left to mend.
        self.withdraw(&mut tx, &incident).await?;
        self.tell_incident(&mut tx, &incident, false).await?;
        let posted_at = tx.posted_at(&subject_of(incident.id)).await?;
        self.finish(tx).await?;
        super::care::measured(&incident, posted_at);
        Ok(())
    }

    /// Takes back a fix that still waits for people.
    pub(super) async fn withdraw(&self, tx: &mut Tx, incident: &Incident) -> Flow<()> {
        let Some(id) = incident.proposal else {
            return Ok(());
        };
        match tx.proposal(id).await? {
            Some(stored) => self.supersede(tx, stored, None).await,
            None => Ok(()),
        }
    }

    /// Takes back a fix that cannot help, by what is known now: another try may lock an account.
    async fn withdraw_if_vain(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        incident: &mut Incident,
    ) -> Flow<()> {
        let now = remedy(connection, incident.cause.as_ref());
        if matches!(now, Remedy::Person(_)) {
            self.withdraw(tx, incident).await?;
            incident.proposal = None;
        }
        Ok(())
    }

    /// Records why, as far as it is known.
    fn audit_cause(&self, tx: &mut Tx, incident: &Incident) {
        let mut facts = incident.cause.as_ref().map_or_else(|| json!({}), facts_of);
        facts["reason"] = json!(incident.reason);
        let subject = subject_of(incident.id);
        tx.audit(self.entry("incident.explained", Actor::Syncgate, subject, facts));
    }

    pub(super) async fn propose_remedy(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        incident: &mut Incident,
    ) -> Flow<()> {
        let subject = self.subject(tx, connection).await?;
        let shadow = self.policy.load().connection(&subject).mode() == Mode::Shadow;
        let Remedy::Propose(action) = remedy(connection, incident.cause.as_ref()) else {
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

/// Stops where another reading has opened an incident since: it is looked at again, so that a reason
/// that only this one knows comes onto that card.
async fn meanwhile_open(tx: &mut Tx, connection: &Connection) -> Flow<()> {
    match tx.open_incident(&connection.id).await? {
        Some(_) => Err(Stop::Race),
        None => Ok(()),
    }
}

/// Whether a failure was seen and over before this reading of it came to be looked at: a newer
/// reading is stored, or an incident has counted it.
async fn is_old_news(
    tx: &mut Tx,
    connection: &Connection,
    failed_at: DateTime<Utc>,
) -> crate::store::Result<bool> {
    let newer = tx.connection(&connection.id).await?;
    if newer.is_some_and(|stored| stored.read_at > connection.read_at && !stored.failed()) {
        return Ok(true);
    }
    let last = tx.last_incident(&connection.id).await?;
    // One that was only thought to be gone is back, and still failed.
    Ok(last.is_some_and(|last| !last.gone && failed_at <= last.failed_at))
}

/// One connection's trouble does not keep the next from being looked at.
fn noted(id: &ConnectionId, observed: anyhow::Result<()>) {
    if let Err(error) = observed {
        tracing::error!(connection = %id, error = format!("{error:#}"), "an incident cannot be looked after");
    }
}

pub(super) fn subject_of(id: IncidentId) -> String {
    format!("incident:{id}")
}
