//! Where the rows of Fivetran's log are read: a folder of files, or the `log` table of a PostgreSQL
//! destination. Each answers a question within bounds of rows and bytes, or says why it cannot.

mod postgres;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::OwnedSemaphorePermit;

pub use postgres::PostgresLog;

use crate::triage::redact::Redactor;
use crate::triage::source::{self, Found, Question};

/// A source of log rows (`SYNCGATE_LOG_SOURCE`).
#[derive(Clone, Debug)]
pub enum LogSource {
    /// A folder of JSON Lines or CSV.
    Files(PathBuf),
    /// The `log` table of the Platform Connector in PostgreSQL.
    Postgres(Box<PostgresLog>),
}

impl LogSource {
    /// What it has to say. `place` is kept as long as the reading lasts, also where nobody waits for it any
    /// more because `stop` was set.
    ///
    /// # Errors
    /// When it cannot be read, or was stopped.
    pub async fn read(
        &self,
        question: Question,
        redactor: Arc<Redactor>,
        stop: Arc<AtomicBool>,
        place: OwnedSemaphorePermit,
    ) -> anyhow::Result<Found> {
        match self {
            Self::Files(folder) => {
                let folder = folder.clone();
                let read = tokio::task::spawn_blocking(move || {
                    let _place = place;
                    source::read(&folder, &question, &redactor, &|| {
                        stop.load(Ordering::Relaxed)
                    })
                });
                Ok(read.await??)
            }
            Self::Postgres(table) => {
                let _place = place;
                table.read(question, redactor).await
            }
        }
    }
}
