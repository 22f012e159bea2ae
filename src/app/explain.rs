//! `incidents` and `explain`: what is wrong now, and why, for the one who asks.

use super::asked::Asked;
use super::cause::facts;
use super::incident::subject_of;
use super::{App, Flow, Stop};
use crate::model::{Actor, Connection, Incident, IncidentId};
use crate::slack::words::{self, ExplainView};
use crate::triage::advice;
use crate::triage::weigh::weighed_afresh;

impl App {
    /// The open incidents, the oldest first.
    pub(crate) async fn incidents(&self, asked: &Asked) -> Flow<()> {
        let open = self.store.snapshot().await?.open_incidents().await?;
        let open: Vec<Incident> = open.into_iter().map(|(incident, _)| incident).collect();
        let message = words::incidents(&open, self.policy.load().timezone());
        self.reply(asked, &message, "incidents").await
    }

    /// The root cause afresh: the connection and the log are read now, and what a model has said of
    /// the same failure is weighed against that. Nothing is kept but the record.
    pub(crate) async fn explain_command(&self, asked: &Asked, what: &str) -> Flow<()> {
        let known = self.meant(what).await?;
        let connection = self.live(&known.id).await?;
        if !connection.failed() {
            return super::say(
                "explain.healthy",
                words::nothing_to_explain(&connection.schema, &connection.id),
            );
        }
        let open = self
            .store
            .snapshot()
            .await?
            .open_incident(&connection.id)
            .await?
            .map(|(incident, _)| incident);
        // A reason belongs to one failure.
        let told = open
            .as_ref()
            .filter(|i| i.connection == connection.id)
            .filter(|i| connection.failed_at == Some(i.failed_at));
        let reason = told.and_then(|incident| incident.reason.clone());
        let cause = self.cause_of(&connection, reason.as_deref(), None).await;
        let (cause, _) = cause.ok_or_else(|| anyhow::anyhow!("the analyst broke down"))?;
        // What a model said of this failure stands on its card; it is not asked again for one reader.
        let cause = match told.and_then(|incident| incident.cause.as_ref()) {
            Some(on_card) => weighed_afresh(cause, on_card),
            None => cause,
        };
        let message = words::explanation(&ExplainView {
            connection: &connection,
            incident: open.as_ref().map(|incident| incident.id),
            cause: &cause,
            steps: &advice::steps(&cause),
            tz: self.policy.load().timezone(),
        });
        let mut tx = self.store.begin().await?;
        let subject = match &open {
            Some(incident) => subject_of(incident.id),
            None => format!("connection:{}", connection.id),
        };
        let entry = self.entry(
            "incident.explained",
            Actor::user(&asked.user),
            subject,
            facts(&cause),
        );
        tx.audit(entry);
        self.settle(tx, asked, &message, "explain").await
    }

    /// The connection of an incident, by its number, or the one that a name means.
    async fn meant(&self, what: &str) -> Flow<Connection> {
        let digits = what.strip_prefix('#').unwrap_or(what);
        let Ok(number) = digits.parse() else {
            return self.resolve(what, "explain {}").await;
        };
        let mut tx = self.store.snapshot().await?;
        let Some((incident, _)) = tx.incident(IncidentId(number)).await? else {
            // A schema may be called 2024.
            drop(tx);
            return self.resolve(what, "explain {}").await;
        };
        let known = tx.connection(&incident.connection).await?;
        known.ok_or_else(|| Stop::Say {
            code: "connection.gone",
            message: words::connection_gone(&incident.name),
        })
    }
}
