//! Incidents: one card per living problem, opened on the first failure, resolved by proof.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::cause::facts as facts_of;
use super::observe::{Living, is_old_news};
use super::propose::{Request, line};
use super::{App, Flow, Stop};
use crate::model::{
    Actor, Care, Connection, Incident, IncidentId, IncidentState, Line, Member, Mode, ProposalId,
    ProposalKind, ProposalState,
};
use crate::store::Tx;
use crate::triage::brief::Brief;
use crate::triage::{Remedy, remedy};

impl App {
    pub(super) async fn open(
        &self,
        connection: &Connection,
        failed_at: DateTime<Utc>,
        reason: Option<&str>,
    ) -> Flow<()> {
        // The log is read before anything is locked, and not for a failure that is over.
        let mut tx = self.store.snapshot().await?;
        if is_old_news(&mut tx, connection, failed_at).await? {
            return Ok(());
        }
        drop(tx);
        let (cause, brief) = self.cause_of(connection, reason, None).await.unzip();
        let mut tx = self.store.begin().await?;
        if is_old_news(&mut tx, connection, failed_at).await? {
            return Ok(());
        }
        let kin = self.kin_of(&mut tx, connection, cause.as_ref()).await?;
        if let Some((same, _)) = self.same_trouble(&mut tx, kin.as_deref()).await? {
            return self.join(tx, connection, failed_at, same.id).await;
        }
        let id = tx.next_incident().await?;
        // Numbers are given out one after the other: whoever had the one before is seen from here on.
        if self.same_trouble(&mut tx, kin.as_deref()).await?.is_some() {
            return Err(Stop::Race);
        }
        let subject = self.subject(&mut tx, connection).await?;
        let mut incident = Incident {
            id,
            connection: connection.id.clone(),
            name: connection.schema.clone(),
            state: IncidentState::Open,
            channel: self.policy.load().channel_of(&subject),
            opened_at: self.ctx.now(),
            failed_at,
            failures: 1,
            reason: reason.map(|text| self.kept(text)),
            tasks: connection.tasks.clone(),
            warnings: connection.warnings.clone(),
            cause,
            proposal: None,
            resolved_at: None,
            gone: false,
            checked: false,
            abandoned: false,
            joined: None,
            care: Care::default(),
        };
        let brief = self
            .learn(&mut tx, connection, &mut incident, brief)
            .await?;
        tx.insert_incident(&incident, kin.as_deref()).await?;
        let facts = json!({
            "connection": connection.id, "failed_at": failed_at, "reason": &incident.reason,
            "tasks": &incident.tasks, "warnings": &incident.warnings,
        });
        tx.audit(self.entry("incident.opened", Actor::Syncgate, subject_of(id), facts));
        self.audit_cause(&mut tx, &incident);
        self.keep_evidence(&mut tx, id, brief.as_ref()).await?;
        // The card first: the remedy's own card stands in its thread.
        if self.tell_incident(&mut tx, &incident, true).await? {
            self.put_question(&mut tx, &mut incident, brief.as_ref())
                .await?;
            self.propose_remedy(&mut tx, &[connection], &mut incident)
                .await?;
            self.watch(&mut tx, connection, &mut incident).await?;
            tx.update_incident(&incident, 1).await?;
            self.show_incident(&mut tx, id).await?;
        }
        self.finish(tx).await
    }

    /// The same trouble again: counted on the card, with a fresh remedy when the last was used up.
    pub(super) async fn count(
        &self,
        connection: &Connection,
        known: Living,
        reason: Option<&str>,
    ) -> Flow<()> {
        let Living {
            mut incident,
            version,
            member,
        } = known;
        let before = Some(incident.failed_at);
        let (cause, brief) = self.cause_of(connection, reason, before).await.unzip();
        incident.cause = cause;
        let mut tx = self.store.begin().await?;
        self.keep_cause(&mut tx, connection, &incident, brief.as_ref())
            .await?;
        incident.failures += 1;
        let brief = self
            .learn(&mut tx, connection, &mut incident, brief)
            .await?;
        incident.failed_at = connection.failed_at.unwrap_or(incident.failed_at);
        incident.state = IncidentState::Open;
        incident.checked = false;
        // A reason belongs to one failure; this one's may be told by a webhook yet.
        incident.reason = reason.map(|text| self.kept(text));
        incident.tasks.clone_from(&connection.tasks);
        incident.warnings.clone_from(&connection.warnings);
        let again = Member {
            failed_at: incident.failed_at,
            failures: incident.failures,
            ..member
        };
        tx.put_member(incident.id, &again).await?;
        self.withdraw_if_vain(&mut tx, connection, &mut incident)
            .await?;
        let own = self.tell_incident(&mut tx, &incident, false).await?;
        self.put_question(&mut tx, &mut incident, brief.as_ref())
            .await?;
        if own && !self.fix_waits(&mut tx, &incident).await? {
            self.propose_remedy(&mut tx, &[connection], &mut incident)
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

    /// Keeps what an incident's new cause was read from, and what other failures must share to be part of
    /// it.
    async fn keep_cause(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        incident: &Incident,
        brief: Option<&Brief>,
    ) -> Flow<Option<String>> {
        self.keep_evidence(tx, incident.id, brief).await?;
        let kin = self.kin_of(tx, connection, incident.cause.as_ref()).await?;
        tx.set_kin(incident.id, kin.as_deref()).await?;
        Ok(kin)
    }

    /// A webhook tells why, after a reading had opened the incident.
    pub(super) async fn explain(
        &self,
        connection: &Connection,
        known: Living,
        reason: Option<&str>,
    ) -> Flow<()> {
        let Living {
            mut incident,
            version,
            member,
        } = known;
        let (cause, brief) = self.cause_of(connection, reason, None).await.unzip();
        incident.cause = cause;
        let mut tx = self.store.begin().await?;
        let kin = self
            .keep_cause(&mut tx, connection, &incident, brief.as_ref())
            .await?;
        if let Some(other) = self.older_twin(&mut tx, &incident, kin.as_deref()).await? {
            return self.merge(tx, (incident, version), &member, other).await;
        }
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

    pub(super) async fn resolve_incident(
        &self,
        mut tx: Tx,
        mut incident: Incident,
        version: i64,
    ) -> Flow<()> {
        let now = self.ctx.now();
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

    /// Whether a fix waits for people.
    pub(super) async fn fix_waits(&self, tx: &mut Tx, incident: &Incident) -> Flow<bool> {
        let Some(id) = incident.proposal else {
            return Ok(false);
        };
        let stored = tx.proposal(id).await?;
        Ok(stored.is_some_and(|s| matches!(s.proposal.state, ProposalState::Proposed { .. })))
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
        let now = remedy(&self.catalogue.load(), connection, incident.cause.as_ref());
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

    /// Proposes the fix for these connections of an incident, where there is one.
    pub(super) async fn propose_remedy(
        &self,
        tx: &mut Tx,
        connections: &[&Connection],
        incident: &mut Incident,
    ) -> Flow<()> {
        let mut lines = Vec::new();
        for connection in connections {
            let subject = self.subject(tx, connection).await?;
            let shadow = self.policy.load().connection(&subject).mode() == Mode::Shadow;
            let found = remedy(&self.catalogue.load(), connection, incident.cause.as_ref());
            let Remedy::Propose(action) = found else {
                continue;
            };
            if !shadow {
                let reason = format!("Its last sync failed (incident {}).", incident.id);
                lines.push(line(connection, action, reason));
            }
        }
        if let Some(id) = self.propose_fix(tx, incident, lines).await? {
            incident.proposal = Some(id);
        }
        Ok(())
    }

    /// Puts the fix of an incident before people; nothing where it has no line.
    pub(super) async fn propose_fix(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        lines: Vec<Line>,
    ) -> Flow<Option<ProposalId>> {
        let title = match lines.as_slice() {
            [] => return Ok(None),
            [one] => format!("Sync {} again", one.name),
            more => format!("Sync {} connections again", more.len()),
        };
        let request = Request {
            kind: ProposalKind::Remediation,
            requester: Actor::Syncgate,
            channel: incident.channel.clone(),
            title,
            lines,
            shadow: Vec::new(),
            incident: Some(incident.id),
            direct: None,
        };
        Ok(Some(self.propose(tx, request).await?))
    }
}

pub(super) fn subject_of(id: IncidentId) -> String {
    format!("incident:{id}")
}
