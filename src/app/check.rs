//! *Done, check it*: a person has mended what only a person can. The setup tests are run as any other
//! action, through the gate; where they pass, a sync is proposed, and its success proves the rest.

use serde_json::json;

use super::asked::Asked;
use super::attend::still_open;
use super::incident::subject_of;
use super::observe::{Living, living};
use super::propose::{Request, line};
use super::{App, Flow, Stop, say};
use crate::model::{Action, Actor, Connection, IncidentId, Mode, ProposalKind};
use crate::policy::{Member, Role};
use crate::slack::words;
use crate::store::Tx;

impl App {
    /// A click on *Done, check it*.
    pub(crate) async fn check_by_button(
        &self,
        asked: &Asked,
        member: &Member,
        value: &str,
    ) -> Flow<()> {
        self.require(Role::Operator, member)?;
        let Ok(number) = value.parse() else {
            return say("action.unknown", words::unknown_action());
        };
        let id = IncidentId(number);
        let (incident, _) = still_open(&mut self.store.snapshot().await?, id).await?;
        let connection = self.live(&incident.connection).await?;
        let title = "Run the setup tests of";
        self.ask(asked, &connection, Action::RunSetupTests, title)
            .await
    }

    /// The setup tests of a connection have run: its incident shows what they found, and a sync is
    /// proposed where they pass.
    pub(super) async fn tested(&self, connection: &Connection) -> Flow<()> {
        for _ in 0..5 {
            match self.try_tested(connection).await {
                Err(Stop::Race) => {}
                done => return done,
            }
        }
        // The step is done; the next reading shows the rest.
        Ok(())
    }

    async fn try_tested(&self, connection: &Connection) -> Flow<()> {
        let mut tx = self.store.begin().await?;
        tx.save_connection(connection).await?;
        let Some(known) = living(&mut tx, &connection.id).await? else {
            return self.finish(tx).await;
        };
        let is_first = known.is_first();
        let Living {
            mut incident,
            version,
            ..
        } = known;
        let passed = connection.is_in_order();
        incident.checked = passed;
        let facts = json!({ "connection": connection.id, "passed": passed });
        let subject = subject_of(incident.id);
        tx.audit(self.entry("incident.checked", Actor::Syncgate, subject, facts));
        if is_first {
            incident.tasks.clone_from(&connection.tasks);
            incident.warnings.clone_from(&connection.warnings);
        }
        tx.update_incident(&incident, version).await?;
        if passed && connection.failed() && !self.fix_waits(&mut tx, &incident).await? {
            incident.proposal = self
                .propose_proof(&mut tx, connection, &incident)
                .await?
                .or(incident.proposal);
            tx.update_incident(&incident, version + 1).await?;
        }
        self.reshow_incident(&mut tx, incident.id).await?;
        self.finish(tx).await
    }

    /// Proposes the sync that shows whether it is mended; nothing of its own accord in shadow mode.
    async fn propose_proof(
        &self,
        tx: &mut Tx,
        connection: &Connection,
        incident: &crate::model::Incident,
    ) -> Flow<Option<crate::model::ProposalId>> {
        let subject = self.subject(tx, connection).await?;
        if self.policy.load().connection(&subject).mode() == Mode::Shadow {
            return Ok(None);
        }
        let reason = format!("Its setup tests pass (incident {}).", incident.id);
        let request = Request {
            kind: ProposalKind::Remediation,
            requester: Actor::Syncgate,
            channel: incident.channel.clone(),
            title: format!("Sync {} again", connection.schema),
            lines: vec![line(connection, Action::SyncNow { force: false }, reason)],
            shadow: Vec::new(),
            incident: Some(incident.id),
            direct: None,
        };
        Ok(Some(self.propose(tx, request).await?))
    }
}
