//! Forgetting: what only told a repetition from something new need not be kept for ever, and evidence,
//! prompts and answers no longer than the policy says. The audit chain keeps their hashes and the start of
//! each answer.

use chrono::TimeDelta;

use super::{App, Ran, span};

/// Replays come within minutes, retries within hours. What happened is in the audit chain.
const KEPT: TimeDelta = TimeDelta::days(7);
/// The questions of a day are what its limits are counted by.
const COUNTED: TimeDelta = TimeDelta::days(1);

impl App {
    /// Forgets deliveries that are settled, answers that were given, old evidence, and old questions to
    /// the model, a few at a time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget(&self) -> anyhow::Result<Ran> {
        let now = self.ctx.now();
        let before = now - KEPT;
        let policy = self.policy.load_full();
        let long_ago = |kept: std::time::Duration| now.checked_sub_signed(span(kept));
        let mut tx = self.store.begin().await?;
        let mut more = tx.forget_inbox(before).await? | tx.forget_answers(before).await?;
        if let Some(stored_before) = policy.retention().evidence.and_then(long_ago) {
            more |= tx.forget_evidence(stored_before).await?;
        }
        if let Some(asked_before) = policy.retention().prompts.and_then(long_ago) {
            let asked_before = asked_before.min(now - COUNTED);
            more |= tx.forget_questions(asked_before).await?;
        }
        tx.commit().await?;
        Ok(if more { Ran::Ran } else { Ran::Empty })
    }
}
