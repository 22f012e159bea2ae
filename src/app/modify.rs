//! Modify: a new revision in place of the old one (SPEC §6).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::asked::Asked;
use super::card::{Whole, changed_fact};
use super::handle::Reply;
use super::{App, Flow, Stop, crash_point, say};
use crate::model::{
    Action, Actor, DailyTime, Frequency, Line, Proposal, ProposalId, ProposalState, Revision,
};
use crate::policy::Role;
use crate::slack::inbound::Field;
use crate::slack::{cards, modals, words};

/// A field's `block_id` and what is wrong with it.
type Errors = BTreeMap<String, String>;

impl App {
    /// A click on Modify.
    pub(crate) async fn open_modify(&self, asked: &Asked, value: &str) -> Flow<()> {
        let button = self.button(value)?;
        self.open_form(asked, button.proposal, Some(value)).await
    }

    /// `modify 12`.
    pub(crate) async fn modify_by_number(&self, asked: &Asked, id: ProposalId) -> Flow<()> {
        self.open_form(asked, id, None).await
    }

    /// The form opens at once and is filled when the rights are checked.
    async fn open_form(&self, asked: &Asked, id: ProposalId, button: Option<&str>) -> Flow<()> {
        let loading = modals::loading_modal();
        let view_id = self.open_view(asked, &loading, "modify", id).await?;
        let (view, refused) = match self.fill_modify(asked, id, button).await {
            Ok(view) => (view, None),
            Err(Stop::Say { message, code }) => (modals::refused_modal(&message), Some(code)),
            Err(stop) => return Err(stop),
        };
        if let Err(error) = self.slack.update_view(&view_id, &view, None).await {
            return self.form_unopened("modify", id, &error);
        }
        let mut tx = self.store.begin().await?;
        if let Some(code) = refused {
            tx.audit(self.refusal(asked, code));
        }
        tx.settle_inbox(&asked.key, refused.unwrap_or("modal opened"))
            .await?;
        Ok(tx.commit().await?)
    }

    async fn fill_modify(
        &self,
        asked: &Asked,
        id: ProposalId,
        button: Option<&str>,
    ) -> Flow<serde_json::Value> {
        let member = self.member(&asked.user).await?;
        self.require(Role::Approver, &member)?;
        let mut tx = self.store.snapshot().await?;
        let whole = match button {
            Some(value) => self.pressed(&mut tx, &self.button(value)?).await?,
            None => self.existing(&mut tx, id).await?,
        };
        self.still_waits(&whole)?;
        let seen = self.seen(&mut tx, &whole).await?;
        Ok(modals::modify_modal(&seen.view(&whole)))
    }

    fn still_waits(&self, whole: &Whole) -> Flow<()> {
        let now = self.ctx.now();
        match &whole.proposal.state {
            ProposalState::Proposed { expires_at, .. } if now < *expires_at => Ok(()),
            ProposalState::Proposed { expires_at, .. } => {
                let refusal = crate::model::Refusal::Expired(*expires_at);
                self.late(whole, &refusal)
            }
            other => self.late(whole, &other.refusal()),
        }
    }

    fn late(&self, whole: &Whole, refusal: &crate::model::Refusal) -> Flow<()> {
        Err(self.too_late(whole, refusal))
    }

    /// The modal came back.
    pub(crate) async fn submit_modify(
        &self,
        asked: &Asked,
        metadata: &str,
        values: &BTreeMap<String, Field>,
    ) -> Flow<Reply> {
        let button = self.button(metadata)?;
        let member = self.member(&asked.user).await?;
        self.require(Role::Approver, &member)?;
        let mut tx = self.store.begin().await?;
        let whole = self.pressed(&mut tx, &button).await?;
        self.still_waits(&whole)?;
        let edited = edit(&whole.revision.lines, values, self.ctx.now())
            .and_then(|edited| self.within_limits(&whole, &edited).map(|()| edited));
        let edited = match edited {
            Ok(edited) => edited,
            Err(errors) => {
                drop(tx);
                return self.refuse_fields(asked, "fields", errors).await;
            }
        };
        if edited.lines == whole.revision.lines {
            return say("modal.unchanged", words::form_unchanged());
        }
        let asked = asked.placed(&whole.proposal.channel);
        self.revise(tx, &asked, whole, edited).await?;
        crash_point!("modal-saved");
        Ok(Reply::Taken)
    }

    async fn revise(
        &self,
        mut tx: crate::store::Tx,
        asked: &Asked,
        whole: Whole,
        edited: Edited,
    ) -> Flow<()> {
        let now = self.ctx.now();
        let policy = self.policy.load_full();
        let editor = Actor::user(&asked.user);
        let mut revision = Revision {
            number: whole.revision.number + 1,
            expires_at: self.expiry(&edited.lines, now),
            lines: edited.lines,
            created_at: now,
            policy_hash: policy.hash().to_owned(),
            ..whole.revision.clone()
        };
        let widened = !revision.narrows(&whole.revision);
        if widened {
            // Widening asks for something new: who widened it has asked, and another must approve.
            revision.requesters = BTreeSet::from([editor.clone()]);
        }
        let fingerprint = tx.insert_revision(&revision).await?;
        let state = ProposalState::Proposed {
            expires_at: revision.expires_at,
            remind_at: policy.remind_after().map(|after| now + super::span(after)),
            escalate_at: policy
                .escalate_after()
                .map(|after| now + super::span(after)),
        };
        let id = whole.proposal.id;
        let proposal = Proposal {
            state,
            revision: revision.number,
            ..whole.proposal
        };
        tx.update_proposal(&proposal, whole.version).await?;
        tx.set_fact(&changed_fact(id, revision.number), &edited.summary)
            .await?;
        let facts = json!({
            "revision": revision.number,
            "fingerprint": fingerprint.as_str(),
            "widened": widened,
            "changed": edited.summary,
            "policy_hash": policy.hash(),
            "lines": &revision.lines,
        });
        tx.audit(self.entry(
            "proposal.modified",
            editor,
            super::propose::subject(id),
            facts,
        ));
        tx.redraw_picture(id, revision.number, now).await?;
        self.show(&mut tx, id).await?;
        let now_whole = self.existing(&mut tx, id).await?;
        let seen = self.seen(&mut tx, &now_whole).await?;
        let note = cards::modified_note(&seen.view(&now_whole), &Actor::user(&asked.user));
        self.note(
            &mut tx,
            &proposal,
            &format!("modify:{}", revision.number),
            &note,
        )
        .await?;
        let answer = words::modified(id, revision.number);
        self.settle(tx, asked, &answer, "modified").await
    }

    /// A modification may not ask for what a command would be refused.
    fn within_limits(&self, whole: &Whole, edited: &Edited) -> Result<(), Errors> {
        let now = self.ctx.now();
        let policy = self.policy.load();
        let mut errors = Errors::new();
        for (position, line) in &edited.positions {
            let subjects = whole.subjects_at(*position);
            let longest = subjects
                .filter_map(|s| policy.connection(s).max_pause())
                .min();
            if let Action::Pause { until } = &line.action
                && let Some(longest) = longest.map(super::span)
                && *until - now > longest
            {
                let text = words::pause_too_long(&line.name, longest).text;
                errors.insert(block(*position, "until"), text);
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }
}

/// What a modal's fields made of the lines.
struct Edited {
    lines: Vec<Line>,
    /// The kept lines with their position in the old revision.
    positions: Vec<(usize, Line)>,
    summary: String,
}

fn block(position: usize, field: &str) -> String {
    format!("line:{position}:{field}")
}

fn edit(
    old: &[Line],
    values: &BTreeMap<String, Field>,
    now: DateTime<Utc>,
) -> Result<Edited, Errors> {
    let mut errors = Errors::new();
    let mut positions = Vec::new();
    let mut changes = Vec::new();
    for (position, line) in old.iter().enumerate() {
        let keep = values.get(&block(position, "keep"));
        if matches!(keep, Some(Field::Chosen(word)) if word == "drop") {
            changes.push(format!("dropped {}", line.name));
            continue;
        }
        match changed(line, position, values, now) {
            Ok(action) if action == line.action => positions.push((position, line.clone())),
            Ok(action) => {
                changes.push(format!("changed {}", line.name));
                positions.push((
                    position,
                    Line {
                        decide_by: action.due_at(),
                        action,
                        ..line.clone()
                    },
                ));
            }
            Err((field, error)) => {
                errors.insert(block(position, field), error);
            }
        }
    }
    if positions.is_empty() && errors.is_empty() {
        let error = "Nothing is left. Keep one action, or reject the proposal.";
        errors.insert(block(0, "keep"), error.to_owned());
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let lines = positions.iter().map(|(_, line)| line.clone()).collect();
    Ok(Edited {
        lines,
        positions,
        summary: changes.join(", "),
    })
}

fn changed(
    line: &Line,
    position: usize,
    values: &BTreeMap<String, Field>,
    now: DateTime<Utc>,
) -> Result<Action, (&'static str, String)> {
    let field = |name: &str| values.get(&block(position, name));
    let later = |name: &'static str, was: Option<DateTime<Utc>>| match field(name) {
        Some(Field::At(at)) => {
            let at =
                DateTime::from_timestamp(*at, 0).ok_or((name, "This is no time.".to_owned()))?;
            // Slack's picker knows no seconds: the same minute is no change.
            if was.is_some_and(|was| was.timestamp() / 60 == at.timestamp() / 60) {
                return Ok(was);
            }
            if at <= now {
                Err((name, "This time has passed.".to_owned()))
            } else {
                Ok(Some(at))
            }
        }
        _ => Ok(was),
    };
    Ok(match &line.action {
        Action::Pause { until } => Action::Pause {
            until: later("until", Some(*until))?.unwrap_or(*until),
        },
        Action::SyncAt { time } => Action::SyncAt {
            time: later("time", Some(*time))?.unwrap_or(*time),
        },
        Action::SetFrequency {
            minutes,
            daily_sync_time,
            until,
        } => {
            let minutes = match field("minutes") {
                Some(Field::Chosen(word)) => {
                    let minutes: i64 = word.parse().unwrap_or_default();
                    Frequency::try_from(minutes).map_err(|error| ("minutes", error))?
                }
                _ => *minutes,
            };
            let hour = match field("hour") {
                Some(Field::Chosen(word)) if word == "none" => None,
                Some(Field::Chosen(word)) => {
                    let time = format!("{word:0>2}:00").parse::<DailyTime>();
                    Some(time.map_err(|error| ("hour", error))?)
                }
                _ => *daily_sync_time,
            };
            let daily_sync_time = hour.filter(|_| minutes == Frequency::DAILY);
            Action::SetFrequency {
                minutes,
                daily_sync_time,
                until: later("until", *until)?,
            }
        }
        Action::SyncNow { force } => {
            // The form can take force away, never add it.
            let plain = matches!(field("force"), Some(Field::Chosen(word)) if word == "plain");
            Action::SyncNow {
                force: *force && !plain,
            }
        }
        Action::Resume
        | Action::ResyncTables { .. }
        | Action::HistoricalResync
        | Action::RunSetupTests => line.action.clone(),
    })
}
