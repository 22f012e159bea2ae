//! What people do with an incident besides mending it: be on it, silence it, wave it away.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::json;

use super::asked::{Asked, draft};
use super::handle::Reply;
use super::incident::subject_of;
use super::{App, Flow, Stop, say};
use crate::model::{Actor, Dismissal, Incident, IncidentId, IncidentState, Silenced, Taken};
use crate::policy::{Member, Role};
use crate::slack::cards::{self, Message};
use crate::slack::inbound::Field;
use crate::slack::{button, modals, words};
use crate::store::{Draft, MessageKind, Tx};

impl App {
    /// A click on "I'm on it".
    pub(crate) async fn take_by_button(&self, asked: &Asked, value: &str) -> Flow<()> {
        let (id, _) = incident_button(value)?;
        let member = self.member(&asked.user).await?;
        self.take(asked, &member, id).await
    }

    /// `take 4`. Whoever has it hands over by another's word: nobody waits for one who is asleep.
    pub(crate) async fn take(&self, asked: &Asked, member: &Member, id: IncidentId) -> Flow<()> {
        self.require(Role::Operator, member)?;
        let mut tx = self.store.begin().await?;
        let (mut incident, version) = still_open(&mut tx, id).await?;
        let from = incident.care.taken.take().map(|before| before.by);
        if from.as_ref() == Some(&asked.user) {
            return say("take.already", words::taken_already(id));
        }
        let taken = Taken {
            by: asked.user.clone(),
            at: self.ctx.now(),
            from: from.clone(),
        };
        incident.care.taken = Some(taken.clone());
        incident.care.mention_at = None;
        let facts = json!({ "from": from, "via": asked.via });
        self.attended(&mut tx, asked, &incident, version, "incident.taken", facts)
            .await?;
        let acknowledged = Incident {
            state: IncidentState::Acknowledged,
            ..incident
        };
        let note = cards::taken_note(&acknowledged, &taken);
        self.incident_note(&mut tx, &acknowledged, &format!("take:{version}"), &note)
            .await?;
        self.settle(tx, asked, &words::taken(id, from.as_ref()), "taken")
            .await
    }

    /// A choice in the menu that silences an incident's reminders.
    pub(crate) async fn snooze(&self, asked: &Asked, value: &str) -> Flow<()> {
        let (id, chosen) = incident_button(value)?;
        let chosen = chosen.and_then(|minutes| minutes.parse::<i64>().ok());
        let known = cards::SNOOZES
            .iter()
            .find(|(minutes, _)| chosen == Some(*minutes));
        let (minutes, _) = known.ok_or_else(unknown)?;
        let member = self.member(&asked.user).await?;
        self.require(Role::Operator, &member)?;
        let mut tx = self.store.begin().await?;
        let (mut incident, version) = still_open(&mut tx, id).await?;
        let until = self.ctx.now() + TimeDelta::minutes(*minutes);
        incident.care.silence(until);
        incident.care.snoozed = Some(Silenced {
            by: asked.user.clone(),
            until,
        });
        let facts = json!({ "until": until });
        self.attended(
            &mut tx,
            asked,
            &incident,
            version,
            "incident.snoozed",
            facts,
        )
        .await?;
        let tz = self.policy.load().timezone();
        self.settle(tx, asked, &words::snoozed(id, until, tz), "snoozed")
            .await
    }

    /// A click on Dismiss asks for the reason.
    pub(crate) async fn open_dismiss(&self, asked: &Asked, value: &str) -> Flow<()> {
        incident_button(value)?;
        self.open_card_form(asked, &modals::dismiss_modal(value))
            .await
    }

    /// The reason was given: the incident is over, whatever the connection does. Its next failure
    /// opens another.
    pub(crate) async fn submit_dismiss(
        &self,
        asked: &Asked,
        metadata: &str,
        values: &BTreeMap<String, Field>,
    ) -> Flow<Reply> {
        let (id, _) = incident_button(metadata)?;
        let reason = match values.get(modals::REASON) {
            Some(Field::Text(reason)) if !reason.trim().is_empty() => self.redacted(reason.trim()),
            _ => {
                let error = "Say why; the reason is kept with the incident.".to_owned();
                let errors = BTreeMap::from([(modals::REASON.to_owned(), error)]);
                return self.refuse_fields(asked, "fields", errors).await;
            }
        };
        let member = self.member(&asked.user).await?;
        self.require(Role::Operator, &member)?;
        let mut tx = self.store.begin().await?;
        let (mut incident, version) = still_open(&mut tx, id).await?;
        incident.state = IncidentState::Dismissed;
        incident.care.dismissed = Some(Dismissal {
            by: asked.user.clone(),
            at: self.ctx.now(),
            reason: reason.clone(),
        });
        let facts = json!({ "reason": reason });
        // What would mend it is not wanted any more.
        self.withdraw(&mut tx, &incident).await?;
        self.attended(
            &mut tx,
            asked,
            &incident,
            version,
            "incident.dismissed",
            facts,
        )
        .await?;
        let asked = asked.placed(&incident.channel);
        self.settle(tx, &asked, &words::dismissed(id), "dismissed")
            .await?;
        Ok(Reply::Taken)
    }

    /// `mute orders for 2h`.
    pub(crate) async fn mute(
        &self,
        asked: &Asked,
        member: &Member,
        name: &str,
        minutes: i64,
    ) -> Flow<()> {
        self.require(Role::Operator, member)?;
        let again = format!("mute {{}} for {minutes}m");
        let connection = self.resolve(name, &again).await?;
        let now = self.ctx.now();
        let mute = Silenced {
            by: asked.user.clone(),
            until: now + TimeDelta::minutes(minutes),
        };
        let mut tx = self.store.begin().await?;
        tx.mute(&connection.id, &mute, now).await?;
        let subject = format!("connection:{}", connection.id);
        let facts = json!({ "until": mute.until });
        tx.audit(self.entry("mute.set", Actor::user(&asked.user), subject, facts));
        if let Some((incident, _)) = tx.open_incident(&connection.id).await? {
            self.reshow_incident(&mut tx, incident.id).await?;
        }
        let tz = self.policy.load().timezone();
        let answer = words::muted(&connection.schema, mute.until, tz);
        self.settle(tx, asked, &answer, "muted").await
    }

    /// Stores what a person did with an incident, with its record and its card.
    async fn attended(
        &self,
        tx: &mut Tx,
        asked: &Asked,
        incident: &Incident,
        version: i64,
        code: &'static str,
        facts: serde_json::Value,
    ) -> Flow<()> {
        tx.update_incident(incident, version).await?;
        let actor = Actor::user(&asked.user);
        tx.audit(self.entry(code, actor, subject_of(incident.id), facts));
        self.reshow_incident(tx, incident.id).await
    }

    /// Adds a note to an incident's thread; where it has no card, nobody would find it.
    pub(super) async fn incident_note(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        name: &str,
        message: &Message,
    ) -> Flow<()> {
        let card = subject_of(incident.id);
        if !tx.has_message(&card).await? {
            return Ok(());
        }
        let key = format!("{card}:{name}");
        let draft = Draft {
            parent: Some(card),
            ..draft(key, MessageKind::Reply, &incident.channel, message)
        };
        Ok(tx.put_message(&draft, self.ctx.now()).await?)
    }

    /// Opens a form of an incident's card; the click is good for it for three seconds.
    pub(super) async fn open_card_form(&self, asked: &Asked, view: &serde_json::Value) -> Flow<()> {
        let late = || say("modal.late", words::card_form_unopened(None));
        let Some(trigger) = asked.trigger_id.as_deref() else {
            return late();
        };
        if let Err(error) = self.slack.open_view(trigger, view).await {
            tracing::warn!(%error, remedy = error.remedy(), "a form did not open");
            if error.is_expired_trigger() {
                return late();
            }
            let why = self.redacted(&error.to_string());
            return say("modal.unopened", words::card_form_unopened(Some(&why)));
        }
        let mut tx = self.store.begin().await?;
        tx.settle_inbox(&asked.key, "modal opened").await?;
        Ok(tx.commit().await?)
    }
}

/// The incident of a button, and what a menu adds to it.
pub(super) fn incident_button(value: &str) -> Flow<(IncidentId, Option<&str>)> {
    button::incident_of(value).ok_or_else(unknown)
}

fn unknown() -> Stop {
    Stop::Say {
        code: "action.unknown",
        message: words::unknown_action(),
    }
}

/// An incident that lives.
pub(super) async fn still_open(tx: &mut Tx, id: IncidentId) -> Flow<(Incident, i64)> {
    match tx.incident(id).await? {
        Some(found) if found.0.state.is_open() => Ok(found),
        Some((over, _)) => say("incident.over", words::incident_over(id, over.state)),
        None => say("incident.unknown", words::incident_unknown(id)),
    }
}
