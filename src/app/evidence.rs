//! The lines that an incident's cause was read from: kept with it, and shown to whoever asks.

use anyhow::Context;

use super::asked::Asked;
use super::{App, Flow, Stop, say};
use crate::model::IncidentId;
use crate::policy::Role;
use crate::slack::{modals, words};
use crate::store::Tx;
use crate::triage::brief::Brief;

impl App {
    /// Keeps what a cause was read from, in place of what another failure was. What has no line has
    /// nothing to show.
    pub(super) async fn keep_evidence(
        &self,
        tx: &mut Tx,
        id: IncidentId,
        brief: Option<&Brief>,
    ) -> Flow<()> {
        let Some(brief) = brief.filter(|brief| !brief.lines.is_empty()) else {
            return Ok(tx.drop_evidence(id).await?);
        };
        let document = serde_json::to_string(brief).context("evidence")?;
        tx.put_evidence(id, &document, self.ctx.now()).await?;
        Ok(())
    }

    /// A click on *Show lines*. The form opens at once and is filled when the rights are checked.
    pub(crate) async fn show_lines(&self, asked: &Asked, value: &str) -> Flow<()> {
        let Some(trigger) = asked.trigger_id.as_deref() else {
            return say("action.unknown", words::unknown_action());
        };
        let opened = self
            .slack
            .open_view(trigger, &modals::loading_modal())
            .await;
        let view_id = match opened {
            Ok(view) => view,
            Err(error) => return self.lines_unopened(&error),
        };
        let (view, refused) = match self.lines(asked, value).await {
            Ok(view) => (view, None),
            Err(Stop::Say { message, code }) => (modals::refused_modal(&message), Some(code)),
            Err(stop) => return Err(stop),
        };
        if let Err(error) = self.slack.update_view(&view_id, &view, None).await {
            return self.lines_unopened(&error);
        }
        let mut tx = self.store.begin().await?;
        if let Some(code) = refused {
            tx.audit(self.refusal(asked, code));
        }
        tx.settle_inbox(&asked.key, refused.unwrap_or("lines shown"))
            .await?;
        Ok(tx.commit().await?)
    }

    async fn lines(&self, asked: &Asked, value: &str) -> Flow<serde_json::Value> {
        let member = self.onlooker(&asked.user).await?;
        self.require(Role::Viewer, &member)?;
        let Ok(number) = value.parse() else {
            return say("action.unknown", words::unknown_action());
        };
        let id = IncidentId(number);
        let Some(document) = self.store.snapshot().await?.evidence(id).await? else {
            return say("evidence.gone", words::evidence_gone(id));
        };
        let brief: Brief = serde_json::from_str(&document).context("stored evidence")?;
        // It was redacted when it was stored; the policy may know more by now.
        let brief = brief.clean(&self.redactor.load());
        let lines: Vec<modals::EvidenceLine<'_>> = brief
            .lines
            .iter()
            .map(|line| modals::EvidenceLine {
                origin: &line.origin,
                text: &line.text,
            })
            .collect();
        Ok(modals::lines_modal(id, &lines))
    }

    fn lines_unopened(&self, error: &crate::slack::SlackError) -> Flow<()> {
        let remedy = error.remedy();
        tracing::warn!(%error, remedy, "a form did not open");
        let why = self.redacted(&error.to_string());
        say("modal.unopened", words::lines_unopened(&why))
    }
}
