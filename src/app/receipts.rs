//! Every input is chained (SPEC §2.5): what the inbox took enters the audit chain in batches, behind
//! the door, so that no acknowledgement waits for the chain's head.

use serde_json::{Value, json};

use super::asked::Asked;
use super::{App, Ran};
use crate::model::Actor;
use crate::slack::inbound::Inbound;
use crate::store::Receipt;

/// Receipts in one record.
const BATCH: i64 = 200;

impl App {
    /// Chains the receipts of deliveries that are not chained yet. Only rows that are may be pruned.
    ///
    /// # Errors
    /// When the database does not answer; nothing is marked then.
    pub async fn chain_receipts(&self) -> anyhow::Result<Ran> {
        let mut tx = self.store.begin().await?;
        let taken = match tx.take_receipts(BATCH).await {
            Ok(taken) => taken,
            // Another replica chains these.
            Err(error) if error.is_race() => return Ok(Ran::Empty),
            Err(error) => return Err(error.into()),
        };
        if taken.is_empty() {
            return Ok(Ran::Empty);
        }
        let receipts: Vec<Value> = taken.iter().map(receipt).collect();
        let facts = json!({ "deliveries": receipts });
        tx.audit(self.entry("inbound.taken", Actor::Syncgate, "request", facts));
        tx.commit().await?;
        Ok(Ran::Ran)
    }
}

fn receipt(taken: &Receipt) -> Value {
    let row = &taken.row;
    let inbound: Option<Inbound> = serde_json::from_str(&row.body).ok();
    let asked = inbound.and_then(|inbound| Asked::of(row, &inbound));
    json!({
        "delivery": row.key,
        "route": row.route,
        "received_at": row.received_at,
        "raw_sha256": taken.raw_sha256,
        "by": asked.map(|asked| Actor::user(&asked.user)),
    })
}
