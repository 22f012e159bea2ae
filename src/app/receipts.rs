//! Every input is chained (SPEC §2.5): what the inbox took enters the audit chain in batches, behind
//! the door, so that no acknowledgement waits for the chain's head.

use std::sync::Arc;

use serde_json::{Value, json};

use super::asked::Asked;
use super::{App, Ran};
use crate::model::Actor;
use crate::slack::inbound::Inbound;
use crate::store::Receipt;

/// Receipts in one record: few enough that nobody notices the transaction.
const BATCH: i64 = 50;

impl App {
    /// Chains the receipts of deliveries that are not chained yet. Only rows that are may be pruned.
    ///
    /// # Errors
    /// When the database does not answer; nothing is marked then.
    pub async fn chain_receipts(self: &Arc<Self>) -> anyhow::Result<Ran> {
        let taken = self.store.snapshot().await?.unchained(BATCH).await?;
        if taken.is_empty() {
            return Ok(Ran::Empty);
        }
        let full = i64::try_from(taken.len()) == Ok(BATCH);
        let app = Arc::clone(self);
        // On a thread of its own: redacting so much would keep requests waiting.
        let (entry, taken) = tokio::task::spawn_blocking(move || {
            let receipts: Vec<Value> = taken.iter().map(receipt).collect();
            let facts = json!({ "deliveries": receipts });
            let entry = app.entry("inbound.taken", Actor::Syncgate, "request", facts);
            (entry, taken)
        })
        .await?;
        let mut tx = self.store.begin().await?;
        match tx.mark_chained(&taken).await {
            Ok(()) => {}
            // The next round looks again.
            Err(error) if error.is_race() => return Ok(Ran::Empty),
            Err(error) => return Err(error.into()),
        }
        tx.audit(entry);
        tx.commit().await?;
        Ok(if full { Ran::Ran } else { Ran::Empty })
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
