//! Forgetting: what only told a repetition from something new need not be kept for ever.

use chrono::TimeDelta;

use super::{App, Ran};

/// Replays come within minutes, retries within hours. What happened is in the audit chain.
const KEPT: TimeDelta = TimeDelta::days(7);

impl App {
    /// Forgets deliveries that are settled and answers that were given, a few at a time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget(&self) -> anyhow::Result<Ran> {
        let before = self.ctx.now() - KEPT;
        let mut tx = self.store.begin().await?;
        let more = tx.forget_inbox(before).await? | tx.forget_answers(before).await?;
        tx.commit().await?;
        Ok(if more { Ran::Ran } else { Ran::Empty })
    }
}
