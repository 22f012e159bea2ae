//! One delivery, from its row to its consequences.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::json;

use super::asked::Asked;
use super::{App, Flow, Stop};
use crate::model::{Actor, Judgement};
use crate::slack::cards::Message;
use crate::slack::inbound::Inbound;
use crate::slack::{Button, modals, words};
use crate::store::InboxRow;

/// What the one who brought a delivery can answer at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing more than that it was taken.
    Taken,
    /// A modal's fields to mend, by `block_id`.
    FieldErrors(BTreeMap<String, String>),
}

/// Handling again after so many lost races is no race any more.
const RACES: usize = 20;

impl App {
    /// Handles one delivery that this worker holds. When it returns, the row is settled, or was
    /// settled by another.
    ///
    /// # Errors
    /// A fault; the row is tried again later.
    pub async fn handle(&self, row: &InboxRow) -> anyhow::Result<Reply> {
        if row.route == "webhook" {
            return self.handle_webhook(row).await.map(|()| Reply::Taken);
        }
        let inbound: Inbound =
            serde_json::from_str(&row.body).context("reading a stored delivery")?;
        let Some(asked) = Asked::of(row, &inbound) else {
            self.handle_notice(row, &inbound).await?;
            return Ok(Reply::Taken);
        };
        for _ in 0..RACES {
            match self.dispatch(&asked, &inbound).await {
                Ok(reply) => return Ok(reply),
                Err(Stop::Race) if self.is_settled(row).await? => return Ok(Reply::Taken),
                Err(Stop::Race) => {}
                Err(Stop::Say { code, message }) => {
                    match self.refuse(&asked, &inbound, code, &message).await {
                        Ok(reply) => return Ok(reply),
                        Err(Stop::Race) => {}
                        Err(Stop::Fail(error)) => return Err(error),
                        Err(Stop::Say { code, .. }) => anyhow::bail!("a refusal refuses: {code}"),
                    }
                }
                Err(Stop::Fail(error)) => return Err(error),
            }
        }
        anyhow::bail!("lost {RACES} races over one delivery")
    }

    async fn dispatch(&self, asked: &Asked, inbound: &Inbound) -> Flow<Reply> {
        self.refuse_strangers(inbound).await?;
        match inbound {
            Inbound::Command { text, .. } | Inbound::Mention { text, .. } => {
                self.command(asked, text).await.map(|()| Reply::Taken)
            }
            Inbound::Click {
                action_id, value, ..
            } => self
                .click(asked, action_id, value)
                .await
                .map(|()| Reply::Taken),
            Inbound::Submit {
                callback_id,
                private_metadata,
                values,
                ..
            } => {
                self.submit(asked, callback_id, private_metadata, values)
                    .await
            }
            Inbound::GroupChanged { .. }
            | Inbound::Challenge { .. }
            | Inbound::SslCheck
            | Inbound::Ignored { .. } => Ok(Reply::Taken),
        }
    }

    /// Deliveries that carry another workspace's id are none of ours.
    async fn refuse_strangers(&self, inbound: &Inbound) -> Flow<()> {
        let (Inbound::Command { team, .. }
        | Inbound::Click { team, .. }
        | Inbound::Submit { team, .. }
        | Inbound::Mention { team, .. }) = inbound
        else {
            return Ok(());
        };
        let home = match self.team().await? {
            Some(home) => Some(home),
            // The first delivery of a new deployment can be faster than our first look at Slack.
            None => {
                if let Err(error) = self.learn_team().await {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "Slack does not say who we are"
                    );
                }
                self.team().await?
            }
        };
        match home {
            Some(home) if home == *team => Ok(()),
            Some(_) => super::say("team.other", words::wrong_workspace()),
            None => super::say("team.unknown", words::rights_unknown()),
        }
    }

    async fn click(&self, asked: &Asked, action_id: &str, value: &str) -> Flow<()> {
        let member = async || self.member(&asked.user).await;
        match action_id {
            "approve" => self.approve_by_button(asked, &member().await?, value).await,
            "reject" => self.open_reject(asked, value).await,
            "modify" => self.open_modify(asked, value).await,
            "undo" => self.undo_by_button(asked, &member().await?, value).await,
            "settle_done" | "settle_failed" => {
                self.settle_doubt(asked, &member().await?, value, action_id == "settle_done")
                    .await
            }
            "take" => self.take_by_button(asked, value).await,
            "snooze" => self.snooze(asked, value).await,
            "dismiss" => self.open_dismiss(asked, value).await,
            "feedback_right" => self.say_right(asked, value).await,
            "feedback_partly" => self.open_feedback(asked, Judgement::Partly, value).await,
            "feedback_wrong" => self.open_feedback(asked, Judgement::Wrong, value).await,
            "check" => self.check_by_button(asked, &member().await?, value).await,
            "lines" => self.show_lines(asked, value).await,
            other if other.starts_with("choose:") => self.command(asked, value).await,
            _ => super::say("action.unknown", words::unknown_action()),
        }
    }

    async fn submit(
        &self,
        asked: &Asked,
        callback_id: &str,
        metadata: &str,
        values: &BTreeMap<String, crate::slack::inbound::Field>,
    ) -> Flow<Reply> {
        match callback_id {
            "reject" => self.submit_reject(asked, metadata, values).await,
            "modify" => self.submit_modify(asked, metadata, values).await,
            "dismiss" => self.submit_dismiss(asked, metadata, values).await,
            "feedback" => self.submit_feedback(asked, metadata, values).await,
            _ => super::say("action.unknown", words::unknown_action()),
        }
    }

    /// A button's value, or a polite no: an old version of the bot made it, or nobody did.
    pub(crate) fn button(&self, value: &str) -> Flow<Button> {
        Button::parse(value).ok_or_else(|| Stop::Say {
            code: "action.unknown",
            message: words::unknown_action(),
        })
    }

    /// Says no to the person, alone, and records it.
    async fn refuse(
        &self,
        asked: &Asked,
        inbound: &Inbound,
        code: &'static str,
        message: &Message,
    ) -> Flow<Reply> {
        if let Inbound::Submit {
            callback_id,
            values,
            ..
        } = inbound
        {
            // The form is still open: what is wrong is said in it, and nothing that was typed is lost.
            let field = values.keys().next().cloned();
            let field = field.unwrap_or_else(|| modals::first_field(callback_id).to_owned());
            let errors = BTreeMap::from([(field, message.text.clone())]);
            return self.refuse_fields(asked, code, errors).await;
        }
        let mut tx = self.store.begin().await?;
        tx.audit(self.refusal(asked, code));
        self.settle(tx, asked, message, code).await?;
        Ok(Reply::Taken)
    }

    async fn is_settled(&self, row: &InboxRow) -> anyhow::Result<bool> {
        Ok(self.store.snapshot().await?.inbox_settled(&row.key).await?)
    }

    /// What no person asked for: a changed user group, a kind that we do not know.
    async fn handle_notice(&self, row: &InboxRow, inbound: &Inbound) -> anyhow::Result<()> {
        let outcome = match inbound {
            Inbound::GroupChanged { .. } => {
                self.forget_people();
                "noted"
            }
            _ => "ignored",
        };
        let mut tx = self.store.begin().await?;
        match tx.settle_inbox(&row.key, outcome).await {
            Ok(()) => tx.commit().await?,
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Tells the person by a message what was to stand in the form: Slack waits for it no longer.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tell_fields(
        &self,
        row: &InboxRow,
        errors: &BTreeMap<String, String>,
    ) -> anyhow::Result<()> {
        let inbound: Inbound = serde_json::from_str(&row.body)?;
        let (
            Some(asked),
            Inbound::Submit {
                private_metadata, ..
            },
        ) = (Asked::of(row, &inbound), &inbound)
        else {
            return Ok(());
        };
        let mut tx = self.store.begin().await?;
        let proposal = match Button::parse(private_metadata) {
            Some(button) => tx.proposal(button.proposal).await?.map(|s| s.proposal),
            None => None,
        };
        let placed = proposal.as_ref().map(|p| asked.placed(&p.channel));
        let message = words::form_refused(proposal.map(|p| p.id), errors.values());
        self.answer(&mut tx, placed.as_ref().unwrap_or(&asked), &message)
            .await?;
        tx.commit().await?;
        self.wake.messages.notify_one();
        Ok(())
    }

    /// Puts a delivery aside that failed too often, and tells the person.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn bury(&self, row: &InboxRow, why: &str) -> anyhow::Result<()> {
        let mut tx = self.store.begin().await?;
        let facts = json!({ "route": row.route, "attempts": row.attempts, "why": why });
        tx.audit(self.entry("inbound.dead", Actor::Syncgate, "request", facts));
        tx.settle_inbox(&row.key, &format!("dead: {}", self.redacted(why)))
            .await?;
        let inbound: Option<Inbound> = serde_json::from_str(&row.body).ok();
        if let Some(asked) = inbound.as_ref().and_then(|i| Asked::of(row, i)) {
            self.answer(&mut tx, &asked, &words::went_wrong()).await?;
        }
        tx.commit().await?;
        self.wake.messages.notify_one();
        Ok(())
    }
}
