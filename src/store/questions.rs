//! Questions to a language model, and its answers.

use chrono::{DateTime, Duration, Utc};

use super::inbox::FORGOTTEN;
use super::{Result, Tx, held, on};
use crate::model::{ConnectionId, IncidentId};

/// How long a worker holds a question: longer than any answer may take.
const LEASE: Duration = Duration::seconds(60);

/// A question that a worker holds.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its number.
    pub id: i64,
    /// Of which incident.
    pub incident: IncidentId,
    /// What is asked about, as it was stored.
    pub brief: String,
    /// How often it was asked before.
    pub attempts: i64,
    /// Who holds it.
    lease_until: DateTime<Utc>,
}

/// What became of a question.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// The answer, redacted; none where there is none that can be used again.
    pub answer: Option<String>,
    /// Which model gave it.
    pub model: Option<String>,
    /// Requests that it took.
    pub requests: i64,
    /// Tokens that it took.
    pub tokens: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    incident_id: i64,
    brief: String,
    attempts: i64,
}

impl Tx {
    /// The number of the next question.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_question(&mut self) -> Result<i64> {
        self.next("question").await
    }

    /// Puts a question; those of the same incident that still wait are of an earlier failure.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_question(
        &mut self,
        id: i64,
        incident: IncidentId,
        brief: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        on!(self, conn => sqlx::query(
            "UPDATE model_calls SET state = 'superseded', run_after = NULL \
             WHERE incident_id = $1 AND run_after IS NOT NULL \
               AND (lease_until IS NULL OR lease_until <= $2)",
        )
        .bind(incident.0)
        .bind(now)
        .execute(conn)
        .await
        .map(|_| ()))?;
        on!(self, conn => sqlx::query(
            "INSERT INTO model_calls (id, incident_id, brief, state, created_at, run_after) \
             VALUES ($1, $2, $3, 'waiting', $4, $4)",
        )
        .bind(id)
        .bind(incident.0)
        .bind(brief)
        .bind(now)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// A question that is due and that nobody holds.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_due_question(&mut self, now: DateTime<Utc>) -> Result<Option<i64>> {
        Ok(on!(self, conn => sqlx::query_scalar(
            "SELECT id FROM model_calls \
             WHERE run_after <= $1 AND (lease_until IS NULL OR lease_until <= $1) \
             ORDER BY id LIMIT 1",
        )
        .bind(now)
        .fetch_optional(conn)
        .await)?)
    }

    /// Takes a question that is due; none when another worker was faster.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim_question(
        &mut self,
        id: i64,
        now: DateTime<Utc>,
    ) -> Result<Option<Question>> {
        let lease_until = now + self.lasting(LEASE);
        // The guard stands in the UPDATE itself (DESIGN §2): on PostgreSQL another worker may have
        // taken it after this transaction looked.
        let row = on!(self, conn => sqlx::query_as::<_, Row>(
            "UPDATE model_calls SET lease_until = $1 \
             WHERE id = $2 AND run_after <= $3 AND (lease_until IS NULL OR lease_until <= $3) \
             RETURNING incident_id, brief, attempts",
        )
        .bind(lease_until)
        .bind(id)
        .bind(now)
        .fetch_optional(conn)
        .await)?;
        Ok(row.map(|row| Question {
            id,
            incident: IncidentId(row.incident_id),
            brief: row.brief,
            attempts: row.attempts,
            lease_until,
        }))
    }

    /// The answer that the same prompt was given before by whom it is for, and which model that was
    /// by its own name.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn answer_to(&mut self, key: &str) -> Result<Option<(String, String)>> {
        Ok(on!(self, conn => sqlx::query_as(
            "SELECT answer, model FROM model_calls \
             WHERE prompt_hash = $1 AND state = 'answered' AND answer IS NOT NULL \
               AND model IS NOT NULL \
             ORDER BY id DESC LIMIT 1",
        )
        .bind(key)
        .fetch_optional(conn)
        .await)?)
    }

    /// The requests and tokens since then.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn model_use_since(&mut self, since: DateTime<Utc>) -> Result<(i64, i64)> {
        // PostgreSQL's sum of BIGINT is NUMERIC.
        Ok(on!(self, conn => sqlx::query_as(
            "SELECT CAST(COALESCE(sum(requests), 0) AS BIGINT), \
                    CAST(COALESCE(sum(tokens), 0) AS BIGINT) \
             FROM model_calls WHERE asked_at > $1",
        )
        .bind(since)
        .fetch_one(conn)
        .await)?)
    }

    /// Records that a question is about to be asked, with the prompt; its answer will be found by
    /// the key, which the column `prompt_hash` holds.
    ///
    /// # Errors
    /// [`Error::Lost`](super::Error::Lost) when another worker holds it.
    pub async fn question_asked(
        &mut self,
        question: &Question,
        prompt: &str,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let done = on!(self, conn => sqlx::query(
            "UPDATE model_calls SET state = 'asked', attempts = attempts + 1, asked_at = $1, \
                    prompt = $2, prompt_hash = $3, requests = requests + 1 \
             WHERE id = $4 AND lease_until = $5",
        )
        .bind(now)
        .bind(prompt)
        .bind(key)
        .bind(question.id)
        .bind(question.lease_until)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)
    }

    /// Records what became of a question. Nothing more is done about it.
    ///
    /// # Errors
    /// [`Error::Lost`](super::Error::Lost) when another worker holds it.
    pub async fn question_settled(&mut self, question: &Question, settled: &Settled) -> Result<()> {
        let state = match settled.answer {
            Some(_) => "answered",
            None => "failed",
        };
        // The first request was counted before it was made.
        let more = settled.requests.saturating_sub(1).max(0);
        let done = on!(self, conn => sqlx::query(
            "UPDATE model_calls SET state = $1, answer = $2, model = $3, \
                    requests = requests + $4, tokens = tokens + $5, \
                    run_after = NULL, lease_until = NULL \
             WHERE id = $6 AND lease_until = $7",
        )
        .bind(state)
        .bind(&settled.answer)
        .bind(&settled.model)
        .bind(more)
        .bind(settled.tokens)
        .bind(question.id)
        .bind(question.lease_until)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)
    }

    /// Whether this worker still holds a question.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn question_is_open(&mut self, question: &Question) -> Result<bool> {
        let held = on!(self, conn => sqlx::query_scalar::<_, i32>(
            "SELECT 1 FROM model_calls WHERE id = $1 AND lease_until = $2",
        )
        .bind(question.id)
        .bind(question.lease_until)
        .fetch_optional(conn)
        .await)?;
        Ok(held.is_some())
    }

    /// Forgets some settled questions that were put before `before`, with their prompts and answers;
    /// whether there may be more.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_questions(&mut self, before: DateTime<Utc>) -> Result<bool> {
        let forgotten = on!(self, conn => sqlx::query(
            // Numbers grow with time: who looks at the oldest reads no more than he may forget.
            "DELETE FROM model_calls WHERE id IN ( \
                 SELECT id FROM (SELECT id, run_after, created_at FROM model_calls \
                                 ORDER BY id LIMIT $2) AS oldest \
                 WHERE run_after IS NULL AND created_at < $1)",
        )
        .bind(before)
        .bind(FORGOTTEN)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        Ok(forgotten == FORGOTTEN.unsigned_abs())
    }

    /// How many questions wait or are being asked.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open_questions(&mut self) -> Result<i64> {
        Ok(on!(self, conn => sqlx::query_scalar(
            "SELECT count(*) FROM model_calls WHERE run_after IS NOT NULL",
        )
        .fetch_one(conn)
        .await)?)
    }

    /// The ids of all connections but one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn other_connections(&mut self, than: &ConnectionId) -> Result<Vec<String>> {
        Ok(on!(self, conn => sqlx::query_scalar(
            "SELECT id FROM connections WHERE id <> $1",
        )
        .bind(than.as_str())
        .fetch_all(conn)
        .await)?)
    }
}
