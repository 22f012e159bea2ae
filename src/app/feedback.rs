//! What people say of a cause: right, partly, wrong, and what it really was. It changes no cause by
//! itself; it stands on the card, and on those of the same trouble after it.

use std::collections::BTreeMap;

use serde_json::json;

use super::asked::Asked;
use super::attend::incident_button;
use super::handle::Reply;
use super::incident::subject_of;
use super::{App, Flow, Stop, say};
use crate::model::{Actor, Feedback, IncidentId, Judgement};
use crate::policy::Role;
use crate::slack::inbound::Field;
use crate::slack::{button, modals, words};
use crate::triage::labels::Category;

impl App {
    /// A click that says that the cause is right.
    pub(crate) async fn say_right(&self, asked: &Asked, value: &str) -> Flow<()> {
        let (id, _) = incident_button(value)?;
        self.store_feedback(asked, id, Judgement::Right, None).await
    }

    /// A click that says that it is not asks what it really was.
    pub(crate) async fn open_feedback(
        &self,
        asked: &Asked,
        judgement: Judgement,
        value: &str,
    ) -> Flow<()> {
        let (id, _) = incident_button(value)?;
        let metadata = format!("{}.{}", button::incident_value(id), judgement.as_str());
        let kinds: Vec<&str> = Category::ALL.iter().map(|kind| kind.as_str()).collect();
        let view = modals::feedback_modal(&metadata, &kinds);
        self.open_card_form(asked, &view).await
    }

    /// What it really was came back.
    pub(crate) async fn submit_feedback(
        &self,
        asked: &Asked,
        metadata: &str,
        values: &BTreeMap<String, Field>,
    ) -> Flow<Reply> {
        let (id, word) = incident_button(metadata)?;
        let known = |chosen: &str| Category::ALL.iter().find(|kind| kind.as_str() == chosen);
        let category = match values.get(modals::CATEGORY) {
            Some(Field::Chosen(chosen)) if chosen != modals::UNKNOWN => Some(known(chosen)),
            _ => None,
        };
        let judgement = word.and_then(Judgement::parse);
        let (Some(judgement), false) = (judgement, category == Some(None)) else {
            return say("action.unknown", words::unknown_action());
        };
        let category = category.flatten().map(|kind| kind.as_str());
        self.store_feedback(asked, id, judgement, category).await?;
        Ok(Reply::Taken)
    }

    async fn store_feedback(
        &self,
        asked: &Asked,
        id: IncidentId,
        judgement: Judgement,
        category: Option<&str>,
    ) -> Flow<()> {
        let member = self.member(&asked.user).await?;
        self.require(Role::Viewer, &member)?;
        let approver = self
            .policy
            .load()
            .roles_of(&member)
            .contains(&Role::Approver);
        let mut tx = self.store.begin().await?;
        let found = tx.incident(id).await?;
        let (incident, _) = found.ok_or_else(|| Stop::Say {
            code: "incident.unknown",
            message: words::incident_unknown(id),
        })?;
        let Some(cause) = &incident.cause else {
            return say("feedback.no_cause", words::no_cause(id));
        };
        let said = Feedback {
            by: asked.user.clone(),
            judgement,
            category: category.map(str::to_owned),
            approver,
            at: self.ctx.now(),
        };
        tx.put_feedback(id, &said).await?;
        let facts = json!({
            "judgement": judgement, "of": cause.category, "category": category, "approver": approver,
        });
        let actor = Actor::user(&asked.user);
        tx.audit(self.entry("incident.feedback", actor, subject_of(id), facts));
        self.reshow_incident(&mut tx, id).await?;
        let answer = words::feedback_taken(id, judgement);
        let asked = asked.placed(&incident.channel);
        self.settle(tx, &asked, &answer, "feedback").await
    }
}
