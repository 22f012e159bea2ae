//! What happens because nobody did anything: reminders, escalation, expiry (SPEC I9), and what time
//! does to incidents ([`super::care`]).

use serde_json::json;

use super::proof::is_unreadable;
use super::{App, Flow, Ran, Stop};
use crate::model::{Actor, Proposal, ProposalState};
use crate::policy::Role;
use crate::slack::cards;
use crate::store::Stored;

impl App {
    /// Fires the timers that are due, and tells of a halt from the terminal.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run_timers(&self) -> anyhow::Result<Ran> {
        let announced = match (self.announce_halt().await?, self.run_care().await?) {
            (Ran::Empty, Ran::Empty) => Ran::Empty,
            (Ran::Ran, _) | (_, Ran::Ran) => Ran::Ran,
        };
        let due = self
            .store
            .snapshot()
            .await?
            .due_proposals(self.ctx.now())
            .await?;
        let ran = if due.is_empty() { announced } else { Ran::Ran };
        for stored in due {
            let id = stored.proposal.id;
            match self.fire(stored).await {
                Ok(()) | Err(Stop::Race) => {}
                // The others' timers fire all the same.
                Err(Stop::Fail(error)) if is_unreadable(&error) => {
                    tracing::error!(proposal = id.0, %error, "a timer cannot fire");
                }
                Err(Stop::Fail(error)) => return Err(error),
                Err(Stop::Say { code, .. }) => {
                    anyhow::bail!("a timer has nobody to talk to: {code}")
                }
            }
        }
        Ok(ran)
    }

    async fn fire(&self, stored: Stored) -> Flow<()> {
        let now = self.ctx.now();
        let Stored { proposal, version } = stored;
        let ProposalState::Proposed {
            expires_at,
            remind_at,
            escalate_at,
        } = proposal.state.clone()
        else {
            return Ok(());
        };
        let id = proposal.id;
        let tz = self.policy.load().timezone();
        let mut tx = self.store.begin().await?;
        if now >= expires_at {
            let state = proposal.state.clone().expire(now).map_err(|refusal| {
                Stop::Fail(anyhow::anyhow!(
                    "proposal {id} does not expire: {refusal:?}"
                ))
            })?;
            let proposal = Proposal { state, ..proposal };
            tx.update_proposal(&proposal, version).await?;
            let facts = json!({ "revision": proposal.revision });
            let subject = super::propose::subject(id);
            tx.audit(self.entry("proposal.expired", Actor::Syncgate, subject, facts));
            self.show(&mut tx, id).await?;
            self.note(
                &mut tx,
                &proposal,
                "expired",
                &cards::expired_note(id, now, tz),
            )
            .await?;
            return self.finish(tx).await;
        }
        let policy = self.policy.load_full();
        let remind = remind_at.is_some_and(|at| now >= at);
        let escalate = escalate_at.is_some_and(|at| now >= at);
        let state = ProposalState::Proposed {
            expires_at,
            remind_at: remind_at.filter(|_| !remind),
            escalate_at: escalate_at.filter(|_| !escalate),
        };
        let proposal = Proposal { state, ..proposal };
        tx.update_proposal(&proposal, version).await?;
        let revision = proposal.revision;
        let Some(whole) = self.whole(&mut tx, id).await? else {
            return Ok(());
        };
        let seen = self.seen(&mut tx, &whole).await?;
        let view = seen.view(&whole);
        if escalate {
            let note = cards::escalation(&view, &self.tellable(policy.escalate_to()));
            self.note(&mut tx, &proposal, &format!("escalate:{revision}"), &note)
                .await?;
        } else if remind {
            let approvers = self.tellable(policy.role_entries(Role::Approver));
            let note = cards::reminder(&view, &approvers);
            self.note(&mut tx, &proposal, &format!("remind:{revision}"), &note)
                .await?;
        }
        self.finish(tx).await
    }
}
