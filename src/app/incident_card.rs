//! An incident's card, rendered from the rows in the transaction that changed them.

use super::asked::{content_of, draft};
use super::card::Whole;
use super::incident::subject_of;
use super::{App, Flow};
use crate::model::audit::Head;
use crate::model::{Incident, IncidentId, IncidentState, Mode, ProposalState, Step, StepState};
use crate::slack::Button;
use crate::slack::cards::{self, IncidentView, Message, Siblings};
use crate::store::{Draft, MessageKind, Tx};
use crate::triage::{Remedy, advice, remedy};

/// Siblings that a card names.
const NAMED: i64 = 5;
/// The one remedy that is proposed today is another sync.
const IN_SHADOW: &str = "in shadow mode: Syncgate would propose: sync now.";

impl App {
    /// The same for an incident that has a card of its own; one that is counted on a flood's card gets
    /// none by this.
    pub(crate) async fn reshow_incident(&self, tx: &mut Tx, id: IncidentId) -> Flow<()> {
        if tx.has_message(&subject_of(id)).await? {
            self.show_incident(tx, id).await?;
        }
        Ok(())
    }

    /// Brings an incident's card up to what the rows say.
    pub(crate) async fn show_incident(&self, tx: &mut Tx, id: IncidentId) -> Flow<()> {
        let Some((incident, _)) = tx.incident(id).await? else {
            return Ok(());
        };
        let head = tx.audit_head().await?;
        let message = self.render_incident(tx, &incident, &head).await?;
        let content = content_of(
            &self
                .render_incident(tx, &incident, &Head::genesis())
                .await?,
        );
        let card = draft(
            format!("incident:{id}"),
            MessageKind::Card,
            &incident.channel,
            &message,
        );
        tx.put_message(&Draft { content, ..card }, self.ctx.now())
            .await?;
        Ok(())
    }

    async fn render_incident(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        head: &Head,
    ) -> Flow<Message> {
        let policy = self.policy.load();
        let connection = tx.connection(&incident.connection).await?;
        let subject = match &connection {
            Some(connection) => Some(self.subject(tx, connection).await?),
            None => None,
        };
        let rule = subject.as_ref().map(|subject| policy.connection(subject));
        // The card itself must not call him: the mention is a note of its own, some minutes later.
        let rule_owner = rule
            .and_then(|rule| rule.owner())
            .filter(|_| incident.care.mentioned_at.is_some())
            .and_then(|owner| self.tellable(&[owner.to_owned()]).pop());
        let shadow = rule.is_some_and(|rule| rule.mode() == Mode::Shadow);
        let catalogue = self.catalogue.load_full();
        let next = connection
            .as_ref()
            .map(|connection| remedy(&catalogue, connection, incident.cause.as_ref()));
        let waits_for_person = matches!(next, Some(Remedy::Person(_)));
        let paused = connection.as_ref().is_some_and(|c| c.paused);
        let person = next.and_then(|remedy| match remedy {
            Remedy::Person(what) => Some(what),
            Remedy::Propose(_) => shadow.then_some(IN_SHADOW),
        });
        let whole = match incident.proposal {
            Some(id) => self.whole(tx, id).await?,
            None => None,
        };
        let remedy = whole.as_ref().map(|whole| cards::Remedy {
            proposal: whole.proposal.id,
            value: Button::new(whole.proposal.id, whole.revision.number, &whole.fingerprint)
                .value(),
            what: whole.proposal.title.clone(),
            // What is approved here is what is seen here; the fix of the others has a card of its own.
            can_approve: matches!(whole.proposal.state, ProposalState::Proposed { .. })
                && (whole.revision.lines.iter()).all(|line| line.connection == incident.connection),
            dangerous: false,
        });
        let shown = Incident {
            state: shown_state(incident, whole.as_ref()),
            ..incident.clone()
        };
        let attended = self
            .attended_view(tx, incident, connection.as_ref())
            .await?;
        let cause = incident.cause.as_ref();
        let steps = cause.map(|cause| advice::steps(&catalogue, cause));
        let warnings = cause.map(|cause| advice::warnings_of(&catalogue, cause));
        let service = connection.as_ref().map_or("", |c| c.service.as_str());
        let page = cause.and_then(|cause| advice::page(&catalogue, cause, service));
        let siblings = siblings_of(tx, incident).await?;
        let view = IncidentView {
            incident: &shown,
            siblings: &siblings,
            can_check: waits_for_person && !paused && incident.proposal.is_none(),
            lines: tx.evidence(incident.id).await?.is_some(),
            steps: &steps.unwrap_or_default(),
            warnings: &warnings.unwrap_or_default(),
            page,
            remedy: remedy.as_ref(),
            person,
            owner: rule_owner.as_deref(),
            attended: &attended,
            head,
            tz: policy.timezone(),
            now: self.ctx.now(),
        };
        Ok(cards::incident_card(&view))
    }
}

async fn siblings_of(tx: &mut Tx, incident: &Incident) -> Flow<Siblings> {
    let members = tx.members(incident.id).await?;
    if members.all < 2 {
        return Ok(Siblings::default());
    }
    let first = tx.member(incident.id, &incident.connection).await?;
    let first_fails = first.is_some_and(|first| first.failing);
    let failing = members.failing - i64::from(first_fails);
    let named = tx.failing_siblings(incident, NAMED).await?;
    Ok(Siblings {
        named: named.into_iter().map(|member| member.name).collect(),
        failing,
        over: members.all - 1 - failing,
        first_is_over: !first_fails && failing > 0,
    })
}

/// An open incident recovers while its approved remedy has not come to nothing; else it is
/// acknowledged while a person is on it.
fn shown_state(incident: &Incident, remedy: Option<&Whole>) -> IncidentState {
    match incident.state {
        IncidentState::Open if is_recovering(remedy) => IncidentState::Recovering,
        IncidentState::Open if incident.care.taken.is_some() => IncidentState::Acknowledged,
        state => state,
    }
}

/// Whether an approved remedy has not come to nothing yet.
pub(super) fn is_recovering(remedy: Option<&Whole>) -> bool {
    let hopeful = |step: &Step| {
        matches!(
            step.state,
            StepState::Queued { .. }
                | StepState::Intended { .. }
                | StepState::Uncertain { .. }
                | StepState::Done { .. }
        )
    };
    remedy.is_some_and(|whole| {
        matches!(whole.proposal.state, ProposalState::Approved { .. })
            && whole.steps.iter().any(hopeful)
    })
}
