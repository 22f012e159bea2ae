//! What arrived at Fivetran, what is done to it, and what is recorded of it.

use serde_json::Value;
use syncgate::app::Ran;
use syncgate::model::audit::Record;
use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::fivetran::Connection;
use syncgate::sim::ledger::{Entry, Service};

use super::World;

impl World {
    /// The changes that arrived since this was last asked, one a line. A test that leaves some unasked
    /// fails at its end.
    pub fn fivetran_saw(&mut self) -> String {
        let effects = self.fivetran.effects();
        let new = effects.get(self.effects_seen..).unwrap_or_default();
        self.effects_seen = effects.len();
        new.iter()
            .map(|e| format!("{} {:?}", e.connection_id, e.what))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The mutating requests that left, whether or not anything came of them.
    pub fn writes(&self) -> Vec<Entry> {
        let entries = self.ledger.entries().into_iter();
        entries
            .filter(|e| e.service == Service::Fivetran && e.method != "GET")
            .collect()
    }

    /// A fault that happens once.
    pub fn fault(&self, service: Service, path: &str, kind: FaultKind) {
        self.faults.add(Fault::once(service, path, kind));
    }

    /// A fault of the next write to Fivetran.
    pub fn fault_on_write(&self, kind: FaultKind) {
        for method in ["POST", "PATCH"] {
            // Only the first of the two that is met is used; the other is cleared by the test's end.
            self.faults
                .add(Fault::once(Service::Fivetran, "/v1/connections/", kind.clone()).on(method));
        }
    }

    /// Somebody edits a connection in Fivetran's own pages.
    pub fn edit(&self, id: &str, edit: impl FnOnce(&mut Connection)) {
        assert!(self.fivetran.change(id, edit), "there is no {id}");
    }

    /// Replaces the policy file and lets the service take it up.
    pub async fn set_policy(&self, policy: &str) {
        self.put_policy(policy.as_bytes()).await.unwrap();
    }

    /// Replaces the policy file and lets the service look at it.
    pub async fn put_policy(&self, bytes: &[u8]) -> anyhow::Result<Ran> {
        std::fs::write(&self.policy, bytes).unwrap();
        self.app().reload_policy(&self.service().policy).await
    }

    /// Every audit record.
    pub async fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        let mut tx = self.app().store.snapshot().await.unwrap();
        tx.audit_records(|record| {
            records.push(record);
            Ok::<(), syncgate::store::Error>(())
        })
        .await
        .unwrap();
        records
    }

    /// The code and the body of every audit record.
    pub async fn audit(&self) -> Vec<(String, Value)> {
        let records = self.records().await.into_iter();
        records
            .map(|r| (r.code, serde_json::from_str(&r.body).unwrap()))
            .collect()
    }

    /// The codes of the audit records, in order.
    pub async fn codes(&self) -> Vec<String> {
        self.audit()
            .await
            .into_iter()
            .map(|(code, _)| code)
            .collect()
    }
}
