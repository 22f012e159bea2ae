//! Why a sync failed: the log is asked, the analyst judges, and a verdict enters the audit chain.
//! A log that fails or hangs neither keeps a card from coming nor delays it for long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::App;
use crate::fivetran::LogSource;
use crate::model::{Cause, Connection, LogRead};
use crate::triage::brief::Brief;
use crate::triage::cause::Evidence;
use crate::triage::changes;
use crate::triage::redact::Redactor;
use crate::triage::source::{Found, Question};

/// So long a card waits for the log.
const PATIENCE: Duration = Duration::from_secs(3);
/// An error that takes so long to come is one of slowness.
const SLOW: Duration = Duration::from_secs(1);
/// So long it is not asked again when that was not enough.
const REST: Duration = Duration::from_secs(60);
/// So much of the log before a failure may tell of it.
const SPAN: TimeDelta = TimeDelta::days(1);
/// The log's clock and the API's are not the same.
const SKEW: TimeDelta = TimeDelta::minutes(2);
/// Readings at once; one whose disk hangs keeps its place.
const READINGS: usize = 4;

/// The source of log rows (`SYNCGATE_LOG_SOURCE`), and how long anybody waits for it.
#[derive(Debug)]
pub(super) struct Log {
    source: LogSource,
    places: Arc<Semaphore>,
    patience: Duration,
    /// Until then nobody waits for it: it was too slow a moment ago.
    rests: Mutex<Option<Instant>>,
}

impl Log {
    pub(super) fn new(source: LogSource) -> Self {
        Self {
            source,
            places: Arc::new(Semaphore::new(READINGS)),
            patience: PATIENCE,
            rests: Mutex::new(None),
        }
    }

    /// Its answer, unless it takes too long. After that it is left alone for a while: the cards of a
    /// bad hour do not wait for it one after the other.
    async fn ask(
        &self,
        question: Question,
        redactor: Arc<Redactor>,
        now: Instant,
    ) -> anyhow::Result<Found> {
        if self.rests().is_some_and(|until| now < until) {
            bail!("it took too long a moment ago");
        }
        let stop = Arc::new(AtomicBool::new(false));
        let reading = async {
            let place = self.places.clone().acquire_owned().await?;
            let read = self.source.read(question, redactor, stop.clone(), place);
            read.await
        };
        let read = tokio::time::timeout(self.patience, reading).await;
        stop.store(true, Ordering::Relaxed);
        // A server that keeps a time limit of its own was slow too.
        let was_slow = matches!(read, Ok(Err(_))) && now.elapsed() >= SLOW;
        if read.is_err() || was_slow {
            *self.rests() = Some(now + self.patience + REST);
        }
        read.context("it takes too long")?
    }

    fn rests(&self) -> MutexGuard<'_, Option<Instant>> {
        self.rests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// The cause of a connection's last failure, by the rules, and what a model may be asked about it. `known` is when the failure before it was, if that
    /// has been looked at: what the log says of it is another matter. `None` when the analyst itself
    /// broke down.
    pub(super) async fn cause_of(
        &self,
        connection: &Connection,
        reason: Option<&str>,
        known: Option<DateTime<Utc>>,
    ) -> Option<(Cause, Brief)> {
        let ((found, log), listed) =
            tokio::join!(self.log_rows(connection, known), self.listed(connection));
        let evidence = Evidence {
            connection: connection.clone(),
            reason: reason.map(|text| self.kept(text)),
            rows: found.rows,
            listed,
            changes: found.changes,
            log,
        };
        let redactor = self.redactor.load_full();
        let catalogue = self.catalogue.load_full();
        let judged =
            tokio::task::spawn_blocking(move || evidence.cause(&catalogue, &redactor)).await;
        judged
            .inspect_err(|error| tracing::error!(%error, "the analyst broke down"))
            .ok()
    }

    async fn log_rows(
        &self,
        connection: &Connection,
        known: Option<DateTime<Utc>>,
    ) -> (Found, LogRead) {
        let Some(source) = &self.log else {
            return (Found::default(), LogRead::Off);
        };
        let failed_at = connection.failed_at.unwrap_or_else(|| self.ctx.now());
        // What was before the last end belongs to another sync.
        let ends = [known, connection.succeeded_at];
        let before = ends.into_iter().flatten().filter(|at| *at < failed_at);
        let question = Question {
            connection: connection.id.as_str().to_owned(),
            after: before.fold(failed_at - SPAN, DateTime::max),
            changes_after: failed_at - changes::SPAN,
            until: failed_at + SKEW,
        };
        let redactor = self.redactor.load_full();
        match source.ask(question, redactor, self.ctx.monotonic()).await {
            Ok(found) => {
                let counted = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
                let read = LogRead::Rows {
                    rows: counted(found.seen),
                    passed_over: counted(found.passed_over),
                };
                (found, read)
            }
            Err(error) => {
                let error = self.redacted(&format!("{error:#}"));
                tracing::warn!(connection = %connection.id, error, "SYNCGATE_LOG_SOURCE cannot be read");
                (Found::default(), LogRead::Failed)
            }
        }
    }
}

/// The verdict as the audit chain has it: of what was quoted, the hash.
pub(super) fn facts(cause: &Cause) -> Value {
    let cited = cause.quotes.iter().map(|quote| {
        let hash = hex::encode(Sha256::digest(quote.text.as_bytes()));
        json!({ "origin": quote.origin, "line_sha256": hash })
    });
    json!({
        "category": cause.category,
        "confidence": cause.certainty().as_str(),
        "percent": cause.percent,
        "cited": cited.collect::<Vec<_>>(),
        "log": cause.log,
        "remedies": cause.remedies,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Clock, Ctx};

    #[tokio::test]
    async fn a_log_that_is_too_slow_is_left_alone_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::new(LogSource::Files(folder.path().to_owned()));
        let ctx = Ctx::new(Clock::machine());
        let now = ctx.monotonic();
        let question = || Question {
            connection: "orders_id".to_owned(),
            after: ctx.now() - SPAN,
            changes_after: ctx.now() - SPAN,
            until: ctx.now(),
        };
        let redactor = || Arc::new(Redactor::new(&[]).unwrap());
        let places = log.places.clone();
        let hung = places.acquire_many(4).await.unwrap();
        log.patience = Duration::ZERO;
        let told = log
            .ask(question(), redactor(), now)
            .await
            .unwrap_err()
            .to_string();
        assert_eq!(told, "it takes too long");
        drop(hung);
        log.patience = PATIENCE;
        let soon = log
            .ask(question(), redactor(), now + Duration::from_secs(30))
            .await;
        assert_eq!(
            soon.unwrap_err().to_string(),
            "it took too long a moment ago"
        );
        let later = log
            .ask(question(), redactor(), now + Duration::from_secs(61))
            .await;
        assert_eq!(later.unwrap(), Found::default());
    }
}
