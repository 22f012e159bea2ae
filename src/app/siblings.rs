//! Several connections with one trouble are one incident: a destination that is down, a host that
//! cannot be reached, a bill. The first that fails opens it; the others join it, are named and
//! counted on its card, and are let go one by one as they succeed again.
//!
//! The fix is tried with the first alone: what is just coming back is not run down by all of them at
//! once. When the first has succeeded, the fix is proposed for those that still fail.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::incident::subject_of;
use super::observe::Living;
use super::{App, Flow, Stop};
use crate::model::{Actor, Cause, Connection, Incident, IncidentId, IncidentState, Member};
use crate::store::Tx;
use crate::triage::likeness::{Standing, kin};

/// So long after the incident's own connection failed, another's failure may be of the same trouble.
const SAME_HOURS: TimeDelta = TimeDelta::hours(6);
/// Connections that one fix is proposed for.
const FIXED_AT_ONCE: i64 = 20;

impl App {
    /// What other failures must share with this one to be the same trouble.
    pub(super) async fn kin_of(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        cause: Option<&Cause>,
    ) -> Flow<Option<String>> {
        let Some(cause) = cause else {
            return Ok(None);
        };
        let subject = self.subject(tx, connection).await?;
        let policy = self.policy.load();
        let source = policy.connection(&subject).source();
        let standing = Standing {
            connection,
            source: source.map(|source| source.name.as_str()),
            channel: &policy.channel_of(&subject),
        };
        Ok(kin(standing, cause))
    }

    /// The living incident that is the same trouble.
    pub(super) async fn same_trouble(
        &self,
        tx: &mut Tx,
        kin: Option<&str>,
    ) -> Flow<Option<(Incident, i64)>> {
        let Some(kin) = kin else {
            return Ok(None);
        };
        let since = self.ctx.now() - SAME_HOURS;
        let found = tx.incident_of_kin(kin).await?;
        let Some(found) = found.filter(|(incident, _)| incident.failed_at >= since) else {
            return Ok(None);
        };
        // What is silent takes nobody in: the others are to be heard.
        let silent = tx.mute_of(&found.0.connection, self.ctx.now()).await?;
        Ok(Some(found).filter(|_| silent.is_none()))
    }

    /// One more connection fails with the same trouble.
    pub(super) async fn join(
        &self,
        mut tx: Tx,
        connection: &Connection,
        failed_at: DateTime<Utc>,
        id: IncidentId,
    ) -> Flow<()> {
        let Some((incident, version)) = tx.hold_incident(id).await? else {
            return Err(Stop::Race);
        };
        let known = tx.member(incident.id, &connection.id).await?;
        let member = Member {
            connection: connection.id.clone(),
            name: connection.schema.clone(),
            failed_at,
            failures: known.map_or(0, |known| known.failures) + 1,
            failing: true,
            gone: false,
        };
        self.add_member(&mut tx, &incident, &member).await?;
        self.changed(tx, incident, version).await
    }

    async fn add_member(&self, tx: &mut Tx, incident: &Incident, member: &Member) -> Flow<()> {
        tx.put_member(incident.id, member).await?;
        let facts = json!({ "connection": member.connection, "failed_at": member.failed_at });
        let subject = subject_of(incident.id);
        tx.audit(self.entry("incident.joined", Actor::Syncgate, subject, facts));
        Ok(())
    }

    /// A connection that had joined fails again: of the same trouble, unless something else is known
    /// to be the cause by now.
    pub(super) async fn count_sibling(
        &self,
        connection: &Connection,
        failed_at: DateTime<Utc>,
        known: Living,
        reason: Option<&str>,
    ) -> Flow<()> {
        let before = Some(known.member.failed_at);
        let cause = self.cause_of(connection, reason, before).await;
        let category = |cause: &Cause| cause.category.clone();
        let was = known.incident.cause.as_ref().map(category);
        let other = cause
            .is_some_and(|(cause, _)| cause.certainty().is_sure() && Some(category(&cause)) != was);
        let mut tx = self.store.begin().await?;
        if other {
            self.release(tx, known, "incident.left", false).await?;
            return self.open(connection, failed_at, reason).await;
        }
        let again = Member {
            failed_at,
            failures: known.member.failures + 1,
            ..known.member
        };
        tx.put_member(known.incident.id, &again).await?;
        let facts = json!({ "connection": again.connection, "failures": again.failures });
        let subject = subject_of(known.incident.id);
        tx.audit(self.entry("incident.repeated", Actor::Syncgate, subject, facts));
        self.changed(tx, known.incident, known.version).await
    }

    /// A connection succeeds again, or is gone.
    pub(super) async fn recover(&self, known: Living, gone: bool) -> Flow<()> {
        let tx = self.store.begin().await?;
        self.release(tx, known, "incident.recovered", gone).await
    }

    /// It is over for one connection of an incident; for the incident, if that was the last.
    async fn release(&self, mut tx: Tx, known: Living, code: &'static str, gone: bool) -> Flow<()> {
        let was_first = known.is_first();
        let Living {
            mut incident,
            version,
            member,
        } = known;
        let released = Member {
            failing: false,
            gone,
            ..member
        };
        tx.put_member(incident.id, &released).await?;
        let members = tx.members(incident.id).await?;
        if members.failing == 0 {
            incident.gone = gone && members.all == 1;
            return self.resolve_incident(tx, incident, version).await;
        }
        let facts = json!({ "connection": released.connection, "gone": gone });
        let subject = subject_of(incident.id);
        tx.audit(self.entry(code, Actor::Syncgate, subject, facts));
        if was_first {
            self.withdraw(&mut tx, &incident).await?;
            incident.proposal = None;
        }
        self.changed(tx, incident, version).await
    }

    /// Stores an incident whose connections are other than before, with the fix for those that are
    /// left where the first needs none any more.
    async fn changed(&self, mut tx: Tx, mut incident: Incident, version: i64) -> Flow<()> {
        let first = tx.member(incident.id, &incident.connection).await?;
        let is_over = first.is_none_or(|first| !first.failing);
        if is_over && !self.fix_waits(&mut tx, &incident).await? {
            let mut left = Vec::new();
            for member in tx.failing_siblings(&incident, FIXED_AT_ONCE).await? {
                left.extend(tx.connection(&member.connection).await?);
            }
            let left: Vec<&Connection> = left.iter().collect();
            self.propose_remedy(&mut tx, &left, &mut incident).await?;
        }
        tx.update_incident(&incident, version).await?;
        self.reshow_incident(&mut tx, incident.id).await?;
        self.finish(tx).await
    }

    /// An older incident that this one turns out to be part of, now that its cause is known. Not where
    /// others are part of this one, or its fix was decided on.
    pub(super) async fn older_twin(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        kin: Option<&str>,
    ) -> Flow<Option<(Incident, i64)>> {
        let older = self.same_trouble(tx, kin).await?;
        let older = older.filter(|(older, _)| older.id < incident.id);
        let alone = tx.members(incident.id).await?.all == 1;
        let undecided = incident.proposal.is_none() || self.fix_waits(tx, incident).await?;
        Ok(older.filter(|_| alone && undecided))
    }

    /// Makes an incident part of an older one.
    pub(super) async fn merge(
        &self,
        mut tx: Tx,
        (mut incident, version): (Incident, i64),
        member: &Member,
        (older, older_version): (Incident, i64),
    ) -> Flow<()> {
        self.withdraw(&mut tx, &incident).await?;
        incident.state = IncidentState::Dismissed;
        incident.joined = Some(older.id);
        tx.update_incident(&incident, version).await?;
        let facts = json!({ "into": older.id });
        let subject = subject_of(incident.id);
        tx.audit(self.entry("incident.merged", Actor::Syncgate, subject, facts));
        self.tell_incident(&mut tx, &incident, false).await?;
        self.add_member(&mut tx, &older, member).await?;
        self.changed(tx, older, older_version).await
    }
}
