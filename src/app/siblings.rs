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
use crate::model::{
    Actor, Cause, Connection, Incident, IncidentId, IncidentState, Member, ProposalState,
};
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
        for (incident, version) in tx.incidents_of_kin(kin).await? {
            // What is silent takes nobody in: the others are to be heard.
            let silent = tx.mute_of(&incident.connection, self.ctx.now()).await?;
            if incident.failed_at >= since && silent.is_none() {
                return Ok(Some((incident, version)));
            }
        }
        Ok(None)
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
        let mut incident = incident;
        // The first is back: the fix is tried with it.
        if connection.id == incident.connection && !self.fix_waits(&mut tx, &incident).await? {
            self.propose_remedy(&mut tx, &[connection], &mut incident)
                .await?;
        }
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
        let known = held(&mut tx, known).await?;
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
        let mut tx = self.store.begin().await?;
        let known = held(&mut tx, known).await?;
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
        let left = code == "incident.left";
        if members.all > 1 {
            let facts = json!({ "connection": released.connection, "gone": gone });
            let subject = subject_of(incident.id);
            tx.audit(self.entry(code, Actor::Syncgate, subject, facts));
        }
        match members.failing {
            0 if left => return self.abandon(tx, incident, version).await,
            0 => {
                incident.gone = gone && members.all == 1;
                return self.resolve_incident(tx, incident, version).await;
            }
            _ => {}
        }
        if was_first {
            self.withdraw(&mut tx, &incident).await?;
            incident.proposal = None;
        }
        self.changed(tx, incident, version).await
    }

    /// The last connection of an incident fails of something else: nothing proves a recovery, and nothing
    /// is left to be told here.
    async fn abandon(&self, mut tx: Tx, mut incident: Incident, version: i64) -> Flow<()> {
        self.withdraw(&mut tx, &incident).await?;
        incident.state = IncidentState::Dismissed;
        incident.abandoned = true;
        tx.update_incident(&incident, version).await?;
        self.tell_incident(&mut tx, &incident, false).await?;
        self.finish(tx).await
    }

    /// Stores an incident whose connections are other than before, with the fix for those that are
    /// left where the first needs none any more.
    async fn changed(&self, mut tx: Tx, mut incident: Incident, version: i64) -> Flow<()> {
        let first = tx.member(incident.id, &incident.connection).await?;
        let first_fails = first.is_some_and(|first| first.failing);
        if !first_fails {
            self.mend_the_rest(&mut tx, &mut incident).await?;
        }
        tx.update_incident(&incident, version).await?;
        let had_card = tx.has_message(&subject_of(incident.id)).await?;
        // One that was counted in a flood gets its card as soon as there is room.
        let has_card = self.tell_incident(&mut tx, &incident, false).await?;
        let first = tx.connection(&incident.connection).await?;
        if let Some(first) = first.filter(|_| has_card && !had_card) {
            if first_fails && incident.proposal.is_none() {
                self.propose_remedy(&mut tx, &[&first], &mut incident)
                    .await?;
            }
            self.watch(&mut tx, &first, &mut incident).await?;
            tx.update_incident(&incident, version + 1).await?;
            self.show_incident(&mut tx, incident.id).await?;
        }
        self.finish(tx).await
    }

    /// Proposes the fix for those that are left: not while one waits that is still of use, and not for
    /// those that one was decided on for since they failed.
    async fn mend_the_rest(&self, tx: &mut Tx, incident: &mut Incident) -> Flow<()> {
        let mut failing = tx.failing_siblings(incident, FIXED_AT_ONCE).await?;
        let whole = match incident.proposal {
            Some(id) => self.whole(tx, id).await?,
            None => None,
        };
        if let Some(whole) = whole {
            let lines = &whole.revision.lines;
            let made_at = whole.revision.created_at;
            let of = |member: &Member| lines.iter().any(|l| l.connection == member.connection);
            match whole.proposal.state {
                ProposalState::Proposed { .. } => {
                    let mut useful = !lines.is_empty();
                    for line in lines {
                        let member = tx.member(incident.id, &line.connection).await?;
                        useful &= member.is_some_and(|member| member.failing);
                    }
                    if useful {
                        return Ok(());
                    }
                    self.withdraw(tx, incident).await?;
                }
                ProposalState::Approved { .. } | ProposalState::Rejected { .. } => {
                    failing.retain(|member| !of(member) || member.failed_at > made_at);
                }
                ProposalState::Draft
                | ProposalState::Expired { .. }
                | ProposalState::Superseded { .. } => {}
            }
        }
        let mut left = Vec::new();
        for member in failing {
            left.extend(tx.connection(&member.connection).await?);
        }
        let left: Vec<&Connection> = left.iter().collect();
        self.propose_remedy(tx, &left, incident).await
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
        // It is no precedent of its own.
        incident.care.likeness = None;
        tx.update_incident(&incident, version).await?;
        let facts = json!({ "into": older.id });
        let subject = subject_of(incident.id);
        tx.audit(self.entry("incident.merged", Actor::Syncgate, subject, facts));
        self.tell_incident(&mut tx, &incident, false).await?;
        self.add_member(&mut tx, &older, member).await?;
        self.changed(tx, older, older_version).await
    }
}

/// The same, read when nobody else can change the incident any more.
async fn held(tx: &mut Tx, known: Living) -> Flow<Living> {
    let id = known.incident.id;
    let Some((mut incident, version)) = tx.hold_incident(id).await? else {
        return Err(Stop::Race);
    };
    // What this reading found out, and no row has yet.
    let recovered_at = known.incident.care.recovered_at;
    incident.care.recovered_at = recovered_at.or(incident.care.recovered_at);
    let member = tx.member(id, &known.member.connection).await?;
    match member {
        Some(member) if member == known.member => Ok(Living {
            incident,
            version,
            member,
        }),
        // Another reading was faster.
        _ => Err(Stop::Race),
    }
}
