//! *Done, check it*: a person has mended what only a person can. The setup tests are run as any other
//! action, through the gate; where they pass, a sync is proposed, and its success proves the rest.

use serde_json::json;

use super::asked::Asked;
use super::attend::still_open;
use super::incident::subject_of;
use super::observe::{Living, living};
use super::propose::line;
use super::{App, Flow, say};
use crate::model::{Action, Actor, Connection, IncidentId, Mode};
use crate::policy::{Member, Role};
use crate::slack::words;
use crate::store::Tx;
use crate::triage::advice;

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
    /// proposed where they pass and can prove that the cause is mended.
    pub(super) async fn tested(&self, tx: &mut Tx, connection: &Connection) -> Flow<()> {
        tx.save_connection(connection).await?;
        let Some(known) = living(tx, &connection.id).await?.filter(Living::is_first) else {
            return Ok(());
        };
        let Living {
            mut incident,
            version,
            ..
        } = known;
        let passed = connection.is_in_order();
        let proved = passed && incident.cause.as_ref().is_none_or(advice::tests_prove);
        incident.checked = proved;
        let facts = json!({ "connection": connection.id, "passed": passed });
        let subject = subject_of(incident.id);
        tx.audit(self.entry("incident.checked", Actor::Syncgate, subject, facts));
        incident.tasks.clone_from(&connection.tasks);
        incident.warnings.clone_from(&connection.warnings);
        tx.update_incident(&incident, version).await?;
        if proved && connection.failed() && !self.fix_waits(tx, &incident).await? {
            let proof = self.propose_proof(tx, connection, &incident).await?;
            incident.proposal = proof.or(incident.proposal);
            tx.update_incident(&incident, version + 1).await?;
        }
        self.reshow_incident(tx, incident.id).await
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
        let sync = line(connection, Action::SyncNow { force: false }, reason);
        self.propose_fix(tx, incident, vec![sync]).await
    }
}
