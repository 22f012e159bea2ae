//! What is known of the same trouble from before: how often it came today, what was done about it,
//! and whether that held. It is looked up when the cause is known, and kept with the incident, so
//! that card and model are told the same. It raises and lowers nothing: people and the model read it.

use chrono::TimeDelta;

use super::{App, Flow};
use crate::model::{ActionKind, Connection, Feedback, Held, Incident, Judgement, Precedent};
use crate::store::{self, Tx};
use crate::triage::brief::Brief;
use crate::triage::likeness::likeness;

/// A recovery holds if the same does not fail for so long; so long a trouble is the same day's.
const DAY: TimeDelta = TimeDelta::hours(24);
/// Earlier incidents that are told.
const TOLD: i64 = 3;
/// Of one connection's last incidents, so many are looked through for today's.
const LOOKED_AT: i64 = 20;

impl App {
    /// Learns what is known of an incident's trouble; the caller stores the incident. What a model is
    /// asked about gets the same facts.
    pub(super) async fn learn(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        incident: &mut Incident,
        brief: Option<Brief>,
    ) -> Flow<Option<Brief>> {
        let cause = incident.cause.as_ref();
        incident.care.likeness = cause.and_then(|cause| likeness(&connection.service, cause));
        if incident.failures == 1 {
            incident.care.first_failed_at = connection.failed_at;
        }
        incident.care.earlier = alike_today(tx, incident).await?.len();
        incident.care.precedents = self.precedents(tx, incident).await?;
        let told = incident.care.precedents.iter().map(told).collect();
        Ok(brief.map(|brief| Brief {
            precedents: told,
            ..brief
        }))
    }

    async fn precedents(&self, tx: &mut Tx, incident: &Incident) -> store::Result<Vec<Precedent>> {
        let Some(likeness) = incident.care.likeness.as_deref() else {
            return Ok(Vec::new());
        };
        let like = tx
            .incidents_like(likeness, &incident.connection, TOLD)
            .await?;
        let mut found = Vec::with_capacity(like.len());
        for earlier in like
            .into_iter()
            .filter(|earlier| !earlier.gone && earlier.joined.is_none())
        {
            found.push(self.precedent(tx, incident, earlier).await?);
        }
        Ok(found)
    }

    async fn precedent(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        earlier: Incident,
    ) -> store::Result<Precedent> {
        let dismissed_at = earlier.care.dismissed.as_ref().map(|gone| gone.at);
        let ended = earlier.resolved_at.or(dismissed_at);
        let ended = ended.unwrap_or(earlier.failed_at);
        let here = earlier.connection == incident.connection;
        // This one may be the next of its kind, and not stored yet.
        let next = tx.next_like(&earlier).await?.map(|next| next.opened_at);
        let again = next.or(here.then_some(incident.opened_at));
        let held = match earlier.resolved_at {
            None => Held::Dismissed,
            Some(over) if again.is_some_and(|at| at < over + DAY) => Held::Failed,
            Some(over) if self.ctx.now() < over + DAY => Held::TooSoon,
            Some(_) => Held::Held,
        };
        let began = earlier.care.first_failed_at.unwrap_or(earlier.opened_at);
        let lines = tx.lines_done(&earlier.connection, began, ended).await?;
        Ok(Precedent {
            incident: earlier.id,
            opened_at: earlier.opened_at,
            done: kinds(tx, lines).await?,
            taken: earlier.care.taken.is_some(),
            held,
            said: tx.feedback_of(earlier.id).await?,
            elsewhere: (!here).then_some(earlier.name),
        })
    }
}

/// The incidents of the same connection and trouble that ended within the day before this one.
pub(super) async fn alike_today(tx: &mut Tx, incident: &Incident) -> store::Result<Vec<Incident>> {
    let since = incident.opened_at - DAY;
    if incident.care.likeness.is_none() {
        // Two things of which nothing is known are not the same.
        return Ok(Vec::new());
    }
    let mut alike = tx.incidents_of(&incident.connection, LOOKED_AT).await?;
    alike.retain(|other| {
        other.id.0 < incident.id.0
            && other.care.likeness == incident.care.likeness
            && other.resolved_at.is_some_and(|at| at >= since)
    });
    Ok(alike)
}

/// The kinds of actions of lines, each once.
async fn kinds(tx: &mut Tx, lines: Vec<(i64, i64, i64)>) -> store::Result<Vec<ActionKind>> {
    let mut kinds = Vec::new();
    for (proposal, revision, position) in lines {
        let id = crate::model::ProposalId(proposal);
        let Some((revision, _)) = tx.revision(id, revision).await? else {
            continue;
        };
        let line = usize::try_from(position)
            .ok()
            .and_then(|at| revision.lines.get(at));
        kinds.extend(line.map(|line| line.action.kind()));
    }
    let mut seen = std::collections::BTreeSet::new();
    kinds.retain(|kind| seen.insert(*kind));
    Ok(kinds)
}

/// A precedent for a model: closed words only, no time, no name, no id.
fn told(precedent: &Precedent) -> String {
    let done: Vec<&str> = precedent.done.iter().map(|kind| kind.as_str()).collect();
    let done = match done.as_slice() {
        [] => "nothing was done in Fivetran".to_owned(),
        done => format!("{} was done", done.join(", ")),
    };
    let held = match precedent.held {
        // Whether a day has passed is a time, and the same question would be another one.
        Held::TooSoon | Held::Held => "it recovered",
        Held::Failed => "it recovered and failed again within a day",
        Held::Dismissed => "a person dismissed it",
    };
    let said = precedent.said.iter().map(said_of);
    let parts: Vec<String> = [done, held.to_owned()].into_iter().chain(said).collect();
    parts.join("; ")
}

fn said_of(feedback: &Feedback) -> String {
    let who = if feedback.approver {
        "an approver"
    } else {
        "a person"
    };
    match (feedback.judgement, &feedback.category) {
        (Judgement::Right, _) => format!("{who} called the cause found then right"),
        (judgement, None) => format!("{who} called the cause found then {}", judgement.as_str()),
        (judgement, Some(category)) => format!(
            "{who} called the cause found then {}: it was {category}",
            judgement.as_str()
        ),
    }
}
