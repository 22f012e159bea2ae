//! What happens to an incident because time passes: its owner is mentioned, people are reminded that
//! data will be late, a silence ends. The times are rows, so a restart forgets none; each note has a
//! key of its own, so none comes twice.

use chrono::{DateTime, TimeDelta, Utc};
use metrics::histogram;
use serde_json::json;

use super::incident::subject_of;
use super::incident_card::is_recovering;
use super::precedent::alike_today;
use super::proof::is_unreadable;
use super::{App, Flow, Ran, Stop};
use crate::model::{
    Actor, Connection, ConnectionId, Incident, IncidentState, Late, Silenced, SyncState,
};
use crate::planner::late;
use crate::slack::cards::{self, Attended};
use crate::store::Tx;

/// So long the mention waits: most failures are over by then, by themselves or by somebody at hand.
const DEBOUNCE: TimeDelta = TimeDelta::minutes(5);
/// While another try is under way it waits on, but no longer than this after the incident was opened.
const PATIENCE: TimeDelta = TimeDelta::hours(1);
/// Other connections of an incident that are looked at.
const SIBLINGS: i64 = 50;
/// The last reminder comes so long before the data is late.
const LAST_CALL: TimeDelta = TimeDelta::minutes(30);

impl App {
    /// Fires what is due for incidents and ends the silences whose time is over.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn run_care(&self) -> anyhow::Result<Ran> {
        let now = self.ctx.now();
        let mut tx = self.store.snapshot().await?;
        let over = tx.mutes_over(now).await?;
        let due = tx.due_incidents(now).await?;
        drop(tx);
        let ran = if over.is_empty() && due.is_empty() {
            Ran::Empty
        } else {
            Ran::Ran
        };
        for connection in over {
            cared(connection.as_str(), self.end_mute(&connection).await)?;
        }
        for (incident, version) in due {
            let id = incident.id.to_string();
            cared(&id, self.fire_care(incident, version).await)?;
        }
        Ok(ran)
    }

    /// Sets an incident's timers, when it has got its card; the caller stores it.
    pub(super) async fn watch(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        incident: &mut Incident,
    ) -> Flow<()> {
        if incident.care.watched {
            return Ok(());
        }
        let now = self.ctx.now();
        let late = self.late_of(tx, connection, incident).await?;
        let today = alike_today(tx, incident).await?;
        let told = today.iter().any(|other| other.care.mentioned_at.is_some());
        let flaps = today.len() >= cards::FLAPPING;
        let care = &mut incident.care;
        care.watched = true;
        care.reminders = late.map(|late| reminders(now, late.at)).unwrap_or_default();
        care.mention_at = match (flaps, told) {
            _ if care.taken.is_some() => None,
            // What comes and goes is told once a day, and then at once: each time alone it might be over
            // before anybody is told. One that stays is told all the same.
            (true, true) => Some(now + PATIENCE),
            (true, false) => Some(now),
            (false, _) => Some(now + DEBOUNCE),
        };
        Ok(())
    }

    /// When the data of an incident's connection is late, by the policy in force.
    pub(super) async fn late_of(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        incident: &Incident,
    ) -> Flow<Option<Late>> {
        let subject = self.subject(tx, connection).await?;
        let policy = self.policy.load();
        let rule = policy.connection(&subject);
        let since = incident.care.first_failed_at.unwrap_or(incident.failed_at);
        let max_age = rule.max_age().map(super::span);
        let tz = policy.timezone();
        Ok(late(
            connection.succeeded_at,
            max_age,
            rule.fresh_by(),
            since,
            tz,
        ))
    }

    async fn fire_care(&self, mut incident: Incident, version: i64) -> Flow<()> {
        let now = self.ctx.now();
        let mut tx = self.store.begin().await?;
        let connection = tx.connection(&incident.connection).await?;
        let muted = self.muted(&mut tx, &incident).await?.is_some();
        incident.care.snoozed.take_if(|silent| silent.until <= now);
        let mention = self
            .mention_due(&mut tx, &mut incident, connection.as_ref(), muted)
            .await?;
        let reminders = &mut incident.care.reminders;
        let planned = reminders.len();
        reminders.retain(|at| *at > now);
        let reminded = planned > reminders.len() && !muted;
        let owner = self.owner_of(&mut tx, connection.as_ref()).await?;
        let mention = owner.clone().filter(|_| mention);
        if mention.is_some() {
            incident.care.mentioned_at = Some(now);
        }
        tx.update_incident(&incident, version).await?;
        if let Some(owner) = mention {
            let note = cards::owner_note(&incident, &owner, self.policy.load().timezone());
            // Each is a note of its own: one that is edited calls nobody.
            let name = format!("mention:{}", now.timestamp());
            self.incident_note(&mut tx, &incident, &name, &note).await?;
            let facts = json!({ "owner": owner });
            let subject = subject_of(incident.id);
            tx.audit(self.entry("incident.mentioned", Actor::Syncgate, subject, facts));
        }
        if let Some(connection) = connection.filter(|_| reminded) {
            self.remind(&mut tx, &incident, &connection, owner).await?;
        }
        self.reshow_incident(&mut tx, incident.id).await?;
        self.finish(tx).await
    }

    /// Whether the owner is to be mentioned now. While another try is under way the mention waits.
    async fn mention_due(
        &self,
        tx: &mut Tx,
        incident: &mut Incident,
        connection: Option<&Connection>,
        muted: bool,
    ) -> Flow<bool> {
        let now = self.ctx.now();
        if incident.care.mention_at.is_none_or(|at| at > now) {
            return Ok(false);
        }
        incident.care.mention_at = None;
        let first = tx.member(incident.id, &incident.connection).await?;
        let first_is_over = first.is_some_and(|first| !first.failing);
        if muted || first_is_over || incident.care.taken.is_some() {
            return Ok(false);
        }
        let whole = match incident.proposal {
            Some(id) => self.whole(tx, id).await?,
            None => None,
        };
        let again =
            is_recovering(whole.as_ref()) || connection.is_some_and(|c| tries_again(c, now));
        if again && now < incident.opened_at + PATIENCE {
            incident.care.mention_at = Some(now + DEBOUNCE);
            return Ok(false);
        }
        Ok(true)
    }

    async fn remind(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        connection: &Connection,
        owner: Option<String>,
    ) -> Flow<()> {
        let now = self.ctx.now();
        // The policy may have changed, or a sync that came meanwhile may count.
        let late = self.late_of(tx, connection, incident).await?;
        let first = tx.member(incident.id, &incident.connection).await?;
        let late = late.filter(|_| first.is_none_or(|first| first.failing));
        let Some(late) = late.filter(|late| late.at > now) else {
            return Ok(());
        };
        let whoever = incident
            .care
            .taken
            .as_ref()
            .map(|taken| taken.by.to_string());
        let told: Vec<String> = whoever.or(owner).into_iter().collect();
        let state = match incident.care.taken {
            Some(_) => IncidentState::Acknowledged,
            None => incident.state,
        };
        let shown = Incident {
            state,
            ..incident.clone()
        };
        let tz = self.policy.load().timezone();
        let note = cards::late_note(&shown, &late, &told, now, tz);
        let name = format!("late:{}", now.timestamp());
        self.incident_note(tx, incident, &name, &note).await?;
        let facts = json!({ "late_at": late.at, "told": told });
        let subject = subject_of(incident.id);
        tx.audit(self.entry("incident.reminded", Actor::Syncgate, subject, facts));
        Ok(())
    }

    /// Who owns a connection, by the policy in force.
    pub(super) async fn owner_of(
        &self,
        tx: &mut Tx,
        connection: Option<&Connection>,
    ) -> Flow<Option<String>> {
        let Some(connection) = connection else {
            return Ok(None);
        };
        let subject = self.subject(tx, connection).await?;
        let policy = self.policy.load();
        let owner = policy.connection(&subject).owner().map(str::to_owned);
        Ok(owner.and_then(|owner| self.tellable(&[owner]).pop()))
    }

    /// What an incident's card shows of people and time.
    pub(super) async fn attended_view(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        connection: Option<&Connection>,
    ) -> Flow<Attended> {
        let late = match connection {
            Some(connection) => self.late_of(tx, connection, incident).await?,
            None => None,
        };
        let posted_at = tx.posted_at(&subject_of(incident.id)).await?;
        // Slack's clock is not ours.
        let to_card = posted_at.map(|at| (at - incident.opened_at).max(TimeDelta::zero()));
        Ok(Attended {
            muted: self.muted(tx, incident).await?,
            late,
            to_card,
            feedback: tx.feedback_of(incident.id).await?,
        })
    }

    /// Whether an incident is to be silent: all of its connections are muted. What is told is the mute
    /// of the one that it was opened for.
    pub(super) async fn muted(&self, tx: &mut Tx, incident: &Incident) -> Flow<Option<Silenced>> {
        let now = self.ctx.now();
        let first = tx.member(incident.id, &incident.connection).await?;
        let first_is_over = first.is_some_and(|first| !first.failing) && incident.state.is_open();
        let mut silent = None;
        if !first_is_over {
            silent = tx.mute_of(&incident.connection, now).await?;
            if silent.is_none() {
                return Ok(None);
            }
        }
        for sibling in tx.failing_siblings(incident, SIBLINGS).await? {
            match tx.mute_of(&sibling.connection, now).await? {
                Some(mute) => silent = silent.or(Some(mute)),
                None => return Ok(None),
            }
        }
        Ok(silent)
    }

    /// A silence is over: what is still wrong gets its card and its timers as if it had begun now.
    async fn end_mute(&self, id: &ConnectionId) -> Flow<()> {
        let mut tx = self.store.begin().await?;
        if !tx.unmute(id, self.ctx.now()).await? {
            return Ok(());
        }
        let subject = format!("connection:{id}");
        tx.audit(self.entry("mute.ended", Actor::Syncgate, subject, json!({})));
        let open = tx.open_incident(id).await?;
        let open = open.filter(|(incident, _)| incident.connection == *id);
        let connection = tx.connection(id).await?;
        if let (Some((mut incident, version)), Some(connection)) = (open, connection) {
            let fresh = !tx.has_message(&subject_of(incident.id)).await?;
            self.show_incident(&mut tx, incident.id).await?;
            if fresh {
                self.propose_remedy(&mut tx, &[&connection], &mut incident)
                    .await?;
            }
            incident.care.watched = false;
            self.watch(&mut tx, &connection, &mut incident).await?;
            if let Some(silence) = &incident.care.snoozed {
                incident.care.silence(silence.until);
            }
            tx.update_incident(&incident, version).await?;
            self.show_incident(&mut tx, incident.id).await?;
        }
        self.finish(tx).await
    }
}

/// One incident's trouble does not keep the others' timers from firing.
fn cared(what: &str, done: Flow<()>) -> anyhow::Result<()> {
    match done {
        // Whoever was faster changed it; the next look finds what is left.
        Ok(()) | Err(Stop::Race) => Ok(()),
        Err(Stop::Fail(error)) if is_unreadable(&error) => {
            tracing::error!(what, %error, "a timer cannot fire");
            Ok(())
        }
        Err(Stop::Fail(error)) => Err(error),
        Err(Stop::Say { code, .. }) => anyhow::bail!("a timer has nobody to talk to: {code}"),
    }
}

/// Counts how long it took to notice, to tell and to mend what is proved to be over.
pub(super) fn measured(incident: &Incident, posted_at: Option<DateTime<Utc>>) {
    let care = &incident.care;
    let (Some(failed_at), Some(recovered_at)) = (care.first_failed_at, care.recovered_at) else {
        return;
    };
    let seconds = |from: DateTime<Utc>, to: DateTime<Utc>| (to - from).as_seconds_f64().max(0.0);
    histogram!("syncgate_incident_detect_seconds").record(seconds(failed_at, incident.opened_at));
    if let Some(at) = posted_at {
        histogram!("syncgate_incident_card_seconds").record(seconds(incident.opened_at, at));
    }
    histogram!("syncgate_incident_fix_seconds").record(seconds(failed_at, recovered_at));
}

/// Whether Fivetran tries again by itself: a sync runs, or was put off to a time that is to come.
fn tries_again(connection: &Connection, now: DateTime<Utc>) -> bool {
    match connection.sync_state {
        SyncState::Syncing => true,
        SyncState::Rescheduled => {
            !connection.stuck_rescheduled() && connection.rescheduled_for.is_some_and(|at| at > now)
        }
        _ => false,
    }
}

/// When people are reminded: at half of the time that is left, where that leaves an hour or more, and
/// half an hour before.
fn reminders(now: DateTime<Utc>, late_at: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let half = (late_at - now) / 2;
    let at_half = (half >= LAST_CALL * 2).then(|| now + half);
    let last = Some(late_at - LAST_CALL).filter(|at| *at > now);
    at_half.into_iter().chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_reminded_at_half_of_the_time_and_half_an_hour_before() {
        let now = DateTime::UNIX_EPOCH;
        let after = |minutes: i64| {
            let late_at = now + TimeDelta::minutes(minutes);
            let all = reminders(now, late_at).into_iter();
            all.map(|at| (at - now).num_minutes()).collect::<Vec<_>>()
        };
        assert_eq!(after(240), [120, 210]);
        assert_eq!(after(120), [60, 90]);
        assert_eq!(after(119), [89]);
        assert_eq!(after(30), [0_i64; 0]);
        assert_eq!(after(-5), [0_i64; 0]);
    }
}
