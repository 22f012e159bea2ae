//! Slash commands and mentions: from words to an answer, an act or a proposal (SPEC §4).

use chrono::Duration;

use super::asked::Asked;
use super::propose::{Request, line};
use super::{App, Flow, Stop, say};
use crate::model::{
    Action, Actor, Command, Connection, ProposalKind, ProposalState, Schedule, ScheduleType,
    SyncState, TableSet,
};
use crate::policy::{Member, Role};
use crate::slack::cards::Message;
use crate::slack::words;
use crate::store::Tx;

impl App {
    /// Carries out what a person typed.
    pub(crate) async fn command(&self, asked: &Asked, text: &str) -> Flow<()> {
        let command = Command::parse(text).map_err(|error| Stop::Say {
            code: "command.unknown",
            message: words::command_error(&error),
        })?;
        if let Command::Modify { id } = command {
            // Before anything is read: what the person typed is good for a form for three seconds.
            return self.modify_by_number(asked, id).await;
        }
        let member = if command.only_looks() {
            self.onlooker(&asked.user).await?
        } else {
            self.member(&asked.user).await?
        };
        self.require(Role::Viewer, &member)?;
        match command {
            Command::Help => self.help(asked, &member).await,
            Command::Status { connection: None } => self.fleet_status(asked).await,
            Command::Status {
                connection: Some(name),
            } => self.connection_status(asked, &name).await,
            Command::Incidents => self.incidents(asked).await,
            Command::Explain { what } => self.explain_command(asked, &what).await,
            Command::Take { incident } => self.take(asked, &member, incident).await,
            Command::Mute {
                connection,
                minutes,
            } => self.mute(asked, &member, &connection, minutes).await,
            Command::Audit { id } => self.story(asked, id).await,
            Command::Plan { now } => self.plan_command(asked, &member, now).await,
            Command::Approve { id } => self.approve_by_number(asked, &member, id).await,
            Command::Reject { id, reason } => {
                self.reject_by_number(asked, &member, id, &reason).await
            }
            Command::Modify { id } => self.modify_by_number(asked, id).await,
            Command::Undo { id } => self.undo(asked, &member, id).await,
            Command::Halt { reason } => self.halt_command(asked, &member, reason).await,
            Command::Unhalt => self.unhalt_command(asked, &member).await,
            Command::Sync { connection, force } => {
                let again = if force { "sync {} force" } else { "sync {}" };
                let connection = self.operated(&member, &connection, again).await?;
                self.sync(asked, &connection, force).await
            }
            Command::Resync { connection, tables } => {
                let again = format!("resync {{}} {}", tables.join(" "));
                let connection = self.operated(&member, &connection, &again).await?;
                self.resync(asked, &connection, &tables).await
            }
            Command::Pause {
                connection,
                minutes,
            } => {
                let again = match minutes {
                    Some(minutes) => format!("pause {{}} for {minutes}m"),
                    None => "pause {}".to_owned(),
                };
                let connection = self.operated(&member, &connection, &again).await?;
                self.pause(asked, &connection, minutes).await
            }
            Command::Resume { connection } => {
                let connection = self.operated(&member, &connection, "resume {}").await?;
                self.resume(asked, &connection).await
            }
            Command::Schedule {
                connection,
                schedule,
            } => {
                let again = match schedule.daily {
                    Some(time) => format!("schedule {{}} daily at {time}"),
                    None => format!("schedule {{}} every {}", schedule.frequency),
                };
                let connection = self.operated(&member, &connection, &again).await?;
                self.reschedule(asked, &connection, &schedule).await
            }
        }
    }

    /// The connection that an operator means, read now.
    async fn operated(&self, member: &Member, name: &str, again: &str) -> Flow<Connection> {
        self.require(Role::Operator, member)?;
        let known = self.resolve(name, again).await?;
        self.live(&known.id).await
    }

    async fn help(&self, asked: &Asked, member: &Member) -> Flow<()> {
        let roles = self.policy.load().roles_of(member);
        let rights = words::Rights {
            viewer: roles.contains(&Role::Viewer),
            operator: roles.contains(&Role::Operator),
            approver: roles.contains(&Role::Approver),
            admin: roles.contains(&Role::Admin),
        };
        self.reply(asked, &words::help(rights), "help").await
    }

    async fn sync(&self, asked: &Asked, connection: &Connection, force: bool) -> Flow<()> {
        if connection.paused {
            return say(
                "sync.paused",
                words::connection_paused(&connection.schema, &connection.id),
            );
        }
        if connection.sync_state == SyncState::Syncing && !force {
            return say(
                "sync.running",
                words::already_syncing(&connection.schema, &connection.id),
            );
        }
        let title = if force { "Restart the sync of" } else { "Sync" };
        self.ask(asked, connection, Action::SyncNow { force }, title)
            .await
    }

    async fn resync(&self, asked: &Asked, connection: &Connection, tables: &[String]) -> Flow<()> {
        if tables.is_empty() {
            let title = "Re-sync the whole history of";
            return self
                .ask(asked, connection, Action::HistoricalResync, title)
                .await;
        }
        let mut set = TableSet::new();
        for table in tables {
            if let Some((schema, table)) = table.split_once('.') {
                let named: &mut Vec<String> = set.entry(schema.to_owned()).or_default();
                if !named.iter().any(|known| known == table) {
                    named.push(table.to_owned());
                }
            }
        }
        let title = "Re-sync tables of";
        self.ask(
            asked,
            connection,
            Action::ResyncTables { tables: set },
            title,
        )
        .await
    }

    async fn pause(
        &self,
        asked: &Asked,
        connection: &Connection,
        minutes: Option<i64>,
    ) -> Flow<()> {
        if connection.paused {
            return say(
                "pause.already",
                words::same_already(&connection.schema, "paused"),
            );
        }
        let subject = self
            .subject(&mut self.store.snapshot().await?, connection)
            .await?;
        let policy = self.policy.load();
        let rule = policy.connection(&subject);
        let longest = rule.max_pause().map(super::span);
        let span = match minutes {
            Some(minutes) => Duration::minutes(minutes),
            None => super::span(rule.default_pause()),
        };
        // A pause past what the source keeps of its log forces a re-sync (`max_pause`).
        if let Some(longest) = longest.filter(|longest| span > *longest) {
            return say(
                "pause.too_long",
                words::pause_too_long(&connection.schema, longest),
            );
        }
        let until = self.ctx.now() + span;
        self.ask(asked, connection, Action::Pause { until }, "Pause")
            .await
    }

    async fn resume(&self, asked: &Asked, connection: &Connection) -> Flow<()> {
        if !connection.paused {
            return say(
                "resume.running",
                words::same_already(&connection.schema, "running"),
            );
        }
        self.ask(asked, connection, Action::Resume, "Resume").await
    }

    async fn reschedule(
        &self,
        asked: &Asked,
        connection: &Connection,
        schedule: &Schedule,
    ) -> Flow<()> {
        if let Some(kind) = connection.flexible_schedule() {
            return say(
                "schedule.flexible",
                words::flexible_schedule(&connection.schema, kind),
            );
        }
        if connection.schedule_type == ScheduleType::Manual {
            return say(
                "schedule.manual",
                words::manual_has_no_frequency(&connection.schema),
            );
        }
        let action = Action::SetFrequency {
            minutes: schedule.frequency,
            daily_sync_time: schedule.daily,
            until: None,
        };
        let same = connection.sync_frequency == Some(schedule.frequency.minutes())
            && schedule
                .daily
                .is_none_or(|t| connection.daily_sync_time == Some(t.to_string()));
        if same {
            return say(
                "schedule.same",
                words::same_already(&connection.schema, "on that schedule"),
            );
        }
        self.ask(asked, connection, action, "Change the schedule of")
            .await
    }

    /// Runs an operator's own command where the policy lets it be the decision; else proposes it.
    pub(super) async fn ask(
        &self,
        asked: &Asked,
        connection: &Connection,
        action: Action,
        title: &str,
    ) -> Flow<()> {
        let kind = action.kind();
        let mut tx = self.store.begin().await?;
        let subject = self.subject(&mut tx, connection).await?;
        let policy = self.policy.load_full();
        let direct = policy.may_run_directly(kind, &subject);
        if !direct {
            // Two twins in one instant: the second one looks when the first has been stored.
            tx.lock_proposals().await?;
            self.refuse_twin(&mut tx, connection, &action).await?;
        }
        let reason = String::new();
        let request = Request {
            kind: ProposalKind::Adhoc,
            requester: Actor::user(&asked.user),
            channel: policy.channel_of(&subject),
            title: format!("{title} {}", connection.schema),
            lines: vec![line(connection, action, reason)],
            shadow: Vec::new(),
            incident: None,
            direct: direct.then(|| asked.clone()),
        };
        let channel = request.channel.clone();
        let id = self.propose(&mut tx, request).await?;
        let stored = tx.proposal(id).await?;
        let message = match stored.map(|stored| stored.proposal.state) {
            Some(ProposalState::Proposed { expires_at, .. }) => {
                words::posted(id, &channel, expires_at, policy.timezone())
            }
            _ => words::running(id, &channel),
        };
        self.settle(tx, asked, &message, "asked").await
    }

    /// Two people who ask for the same thing get one proposal.
    async fn refuse_twin(&self, tx: &mut Tx, connection: &Connection, action: &Action) -> Flow<()> {
        for stored in tx.waiting_proposals(ProposalKind::Adhoc).await? {
            let id = stored.proposal.id;
            let Some((revision, _)) = tx.revision(id, stored.proposal.revision).await? else {
                continue;
            };
            let twin = |l: &crate::model::Line| {
                l.connection == connection.id && l.action.kind() == action.kind()
            };
            if revision.lines.iter().any(twin) {
                return say(
                    "proposal.twin",
                    words::already_proposed(id, &connection.schema),
                );
            }
        }
        Ok(())
    }

    /// Answers, settles the delivery and commits.
    pub(crate) async fn settle(
        &self,
        mut tx: Tx,
        asked: &Asked,
        message: &Message,
        outcome: &str,
    ) -> Flow<()> {
        self.answer(&mut tx, asked, message).await?;
        tx.settle_inbox(&asked.key, outcome).await?;
        tx.commit().await?;
        self.wake.messages.notify_one();
        self.wake.steps.notify_one();
        Ok(())
    }

    /// Answers what changes nothing.
    pub(crate) async fn reply(&self, asked: &Asked, message: &Message, outcome: &str) -> Flow<()> {
        self.settle(self.store.begin().await?, asked, message, outcome)
            .await
    }
}
