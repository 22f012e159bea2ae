//! The emergency handles, from Slack and from the terminal: halt, unhalt, restore, health.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::asked::Asked;
use super::proof::is_unreadable;
use super::{App, Flow, Ran, Stop, say};
use crate::model::{Actor, ProposalId, RevertReason, Step, StepState, Transition};
use crate::policy::{Member, Role};
use crate::slack::cards::HaltView;
use crate::slack::words;
use crate::store::{Halt, Tx};

/// How often `restore` reads afresh when the executor was faster.
const RESTORE_ROUNDS: usize = 20;

/// How the service is, for `/readyz`, `/metrics` and `syncgate status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    /// Deliveries that wait to be handled.
    pub inbox_waiting: i64,
    /// For how long the oldest of them has waited, in seconds.
    pub inbox_oldest_s: i64,
    /// Deliveries that were put aside.
    pub inbox_dead: i64,
    /// Messages that wait to be sent.
    pub messages_waiting: i64,
    /// For how long the oldest of them has waited, in seconds.
    pub messages_oldest_s: i64,
    /// Messages that were given up.
    pub messages_dead: i64,
    /// Questions to the model that wait or are being asked.
    pub questions_waiting: i64,
    /// Proposals that wait for a decision.
    pub proposals_waiting: i64,
    /// Incidents that are not over.
    pub incidents_open: i64,
    /// Actions that are not settled.
    pub actions_open: i64,
    /// Of these, changes that are being taken back.
    pub reverts_open: i64,
    /// Changes in force that have an end or are being taken back.
    pub overrides: usize,
    /// Whether everything is halted.
    pub halted: bool,
    /// Whether Slack has told which workspace this is.
    pub slack_known: bool,
    /// Whether Fivetran has told which account this is.
    pub fivetran_known: bool,
}

impl App {
    pub(crate) async fn halt_command(
        &self,
        asked: &Asked,
        member: &Member,
        reason: Option<String>,
    ) -> Flow<()> {
        self.require(Role::Admin, member)?;
        let mut tx = self.store.begin().await?;
        let by = Actor::user(&asked.user);
        match self.halt_in(&mut tx, by, reason).await? {
            Some(waiting) => {
                let halt = tx.halted().await?;
                let tz = self.policy.load().timezone();
                let message = match halt.as_ref().map(view) {
                    Some(halt) => words::halt_announced(&halt, waiting, tz),
                    None => words::halt_is_so(None, tz),
                };
                self.settle(tx, asked, &message, "halted").await
            }
            None => {
                let halt = tx.halted().await?;
                let tz = self.policy.load().timezone();
                let message = words::halt_is_so(halt.as_ref().map(view).as_ref(), tz);
                say("halt.already", message)
            }
        }
    }

    pub(crate) async fn unhalt_command(&self, asked: &Asked, member: &Member) -> Flow<()> {
        self.require(Role::Admin, member)?;
        let mut tx = self.store.begin().await?;
        match self.unhalt_in(&mut tx, Actor::user(&asked.user)).await? {
            Some(waiting) => {
                let by = Actor::user(&asked.user);
                let tz = self.policy.load().timezone();
                let message = words::unhalt_announced(&by, self.ctx.now(), waiting, tz);
                self.settle(tx, asked, &message, "unhalted").await
            }
            None => say(
                "halt.none",
                words::halt_is_so(None, self.policy.load().timezone()),
            ),
        }
    }

    /// Brings the cards and the channel up to a halt that was set, or ended, from the terminal.
    pub(super) async fn announce_halt(&self) -> anyhow::Result<Ran> {
        let mut tx = self.store.snapshot().await?;
        let now_is = tx.halted().await?.as_ref().map(stamp).unwrap_or_default();
        if tx.fact(SHOWN).await?.unwrap_or_default() == now_is {
            return Ok(Ran::Empty);
        }
        drop(tx);
        match self.announce_in(self.store.begin().await?).await {
            Ok(()) | Err(Stop::Race) => Ok(Ran::Ran),
            stopped => plain(stopped).map(|()| Ran::Ran),
        }
    }

    async fn announce_in(&self, mut tx: Tx) -> Flow<()> {
        let halt = tx.halted().await?;
        let now_is = halt.as_ref().map(stamp).unwrap_or_default();
        if !tx.set_fact(SHOWN, &now_is).await? {
            // Another replica has just told it.
            return Ok(());
        }
        match halt {
            Some(halt) => self.tell_halted(&mut tx, &halt).await?,
            None => self.tell_unhalted(&mut tx, &Actor::Operator).await?,
        };
        self.finish(tx).await
    }

    async fn halt_in(&self, tx: &mut Tx, by: Actor, reason: Option<String>) -> Flow<Option<usize>> {
        let now = self.ctx.now();
        let reason = reason.map(|reason| self.redacted(&reason));
        let halt = Halt {
            by: by.clone(),
            reason: reason.clone(),
            at: now,
        };
        if !tx.set_halt(&halt).await? {
            return Ok(None);
        }
        tx.audit(self.entry("halt.set", by, "halt", json!({ "reason": reason })));
        tx.set_fact(SHOWN, &stamp(&halt)).await?;
        Ok(Some(self.tell_halted(tx, &halt).await?))
    }

    async fn tell_halted(&self, tx: &mut Tx, halt: &Halt) -> Flow<usize> {
        let waiting = self.show_unsettled(tx).await?.len();
        let policy = self.policy.load();
        let message = words::halt_announced(&view(halt), waiting, policy.timezone());
        let key = format!("halt:{}", stamp(halt));
        self.post(tx, key, &policy.default_channel(), &message)
            .await?;
        Ok(waiting)
    }

    async fn unhalt_in(&self, tx: &mut Tx, by: Actor) -> Flow<Option<usize>> {
        if !tx.clear_halt().await? {
            return Ok(None);
        }
        tx.audit(self.entry("halt.cleared", by.clone(), "halt", json!({})));
        tx.set_fact(SHOWN, "").await?;
        Ok(Some(self.tell_unhalted(tx, &by).await?))
    }

    async fn tell_unhalted(&self, tx: &mut Tx, by: &Actor) -> Flow<usize> {
        let now = self.ctx.now();
        let waiting = self.show_unsettled(tx).await?.len();
        let policy = self.policy.load();
        let message = words::unhalt_announced(by, now, waiting, policy.timezone());
        let key = format!("unhalt:{}", now.timestamp_micros());
        self.post(tx, key, &policy.default_channel(), &message)
            .await?;
        Ok(waiting)
    }

    async fn show_unsettled(&self, tx: &mut Tx) -> Flow<Vec<ProposalId>> {
        let unsettled = tx.unsettled_proposals().await?;
        for id in &unsettled {
            match self.show(tx, *id).await {
                // Whatever became of one proposal's rows, a halt is a halt.
                Err(Stop::Fail(error)) if is_unreadable(&error) => {
                    tracing::error!(proposal = id.0, %error, "a card cannot be brought up to date");
                }
                shown => shown?,
            }
        }
        Ok(unsettled)
    }

    /// Ends every override in force: each is taken back now instead of at its end. The steps are
    /// only marked; whoever runs the executor carries them out. Says how many were marked.
    ///
    /// # Errors
    /// When the database does not answer, or others were faster again and again.
    pub async fn restore(&self) -> anyhow::Result<usize> {
        let mut marked = 0;
        for _ in 0..RESTORE_ROUNDS {
            let mut lost = false;
            for entry in self.store.snapshot().await?.overrides().await? {
                match self.end_now(&entry.step).await {
                    Ok(new) => marked += usize::from(new),
                    // The executor has it in hand just now; what became of it is read afresh.
                    Err(Stop::Race) => lost = true,
                    Err(stop) => plain(Err(stop))?,
                }
            }
            if !lost {
                return Ok(marked);
            }
        }
        plain(Err(Stop::Race))
    }

    /// Marks one override as to be taken back now; says whether that is new.
    async fn end_now(&self, step: &Step) -> Flow<bool> {
        let now = self.ctx.now();
        match &step.state {
            StepState::Done { .. } => {
                let mut tx = self.store.begin().await?;
                let change = Transition::Revert(RevertReason::Restore);
                self.advance(&mut tx, step, change, Some(now), None, Actor::Operator)
                    .await?;
                self.finish(tx).await?;
                Ok(true)
            }
            // It waits after a try that came to nothing: it is tried again at once.
            StepState::Reverting { intent: None, .. } => {
                self.defer(step, now).await?;
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    /// How the service is.
    ///
    /// # Errors
    /// When the database does not answer: then it is not ready.
    pub async fn health(&self) -> anyhow::Result<Health> {
        let mut tx = self.store.snapshot().await?;
        let now = self.ctx.now();
        let age = |since: Option<DateTime<Utc>>| {
            since.map_or(0, |since| (now - since).num_seconds().max(0))
        };
        let (messages_waiting, oldest_message, messages_dead) = tx.message_backlog().await?;
        let (inbox_waiting, oldest_delivery) = tx.inbox_backlog().await?;
        let (proposals_waiting, incidents_open) = tx.open_matters().await?;
        Ok(Health {
            inbox_waiting,
            inbox_oldest_s: age(oldest_delivery),
            inbox_dead: tx.dead_inbox().await?,
            messages_waiting,
            messages_oldest_s: age(oldest_message),
            messages_dead,
            questions_waiting: tx.open_questions().await?,
            proposals_waiting,
            incidents_open,
            actions_open: tx.open_steps().await?,
            reverts_open: tx.open_reverts().await?,
            overrides: tx.overrides().await?.len(),
            halted: tx.halted().await?.is_some(),
            slack_known: tx.fact("slack.team").await?.is_some(),
            fivetran_known: tx.fact("fivetran.identity").await?.is_some(),
        })
    }

    /// Learns from Slack which workspace this is; deliveries of others are refused by it.
    ///
    /// # Errors
    /// When Slack or the database does not answer.
    pub async fn learn_team(&self) -> anyhow::Result<Ran> {
        let identity = self.slack.auth_test().await?;
        let mut tx = self.store.begin().await?;
        let known = tx.fact("slack.team").await?;
        if known
            .as_deref()
            .is_some_and(|known| known != identity.team_id)
        {
            anyhow::bail!(
                "SLACK_BOT_TOKEN belongs to workspace {}, but this database to {}; use the token of \
                 that workspace or another database",
                identity.team_id,
                known.unwrap_or_default()
            );
        }
        if tx.set_fact("slack.team", &identity.team_id).await? {
            let facts = json!({ "team": identity.team_id, "bot": identity.user_id });
            tx.audit(self.entry("slack.identity", Actor::Syncgate, "slack", facts));
        }
        tx.commit().await?;
        Ok(Ran::Ran)
    }

    /// Learns which Fivetran identity the key has, and records it (`reference/fivetran.md` §1).
    ///
    /// # Errors
    /// When Fivetran or the database does not answer.
    pub async fn learn_account(&self) -> anyhow::Result<Ran> {
        let account = self.fivetran.account().await?;
        let identity = json!({
            "account": account.id, "identity": account.identity,
        });
        let mut tx = self.store.begin().await?;
        if tx
            .set_fact("fivetran.identity", &identity.to_string())
            .await?
        {
            tx.audit(self.entry("fivetran.identity", Actor::Syncgate, "fivetran", identity));
        }
        tx.commit().await?;
        Ok(Ran::Ran)
    }
}

/// What Slack was last told: the stamp of the halt, or nothing.
const SHOWN: &str = "halt.shown";

/// What tells one halt from another.
fn stamp(halt: &Halt) -> String {
    halt.at.timestamp_micros().to_string()
}

fn view(halt: &Halt) -> HaltView {
    HaltView {
        by: halt.by.clone(),
        reason: halt.reason.clone(),
        at: halt.at,
    }
}

/// A flow that nobody in Slack asked for.
fn plain<T>(flow: Flow<T>) -> anyhow::Result<T> {
    flow.map_err(|stop| match stop {
        Stop::Fail(error) => error,
        Stop::Race => anyhow::anyhow!("another process was faster; try again"),
        Stop::Say { code, .. } => anyhow::anyhow!("refused: {code}"),
    })
}
