//! The audit chain in the database.

use futures_util::StreamExt;

use super::{Inner, Result, Tx, on};
use crate::model::audit::{Broken, Entry, Head, Record, Verifier};

/// What keeps the tables from being changed (`migrations/`), by engine.
const GUARDS_SQLITE: &[&str] = &[
    "audit_head_forward",
    "audit_head_no_replace",
    "audit_head_stays",
    "audit_no_delete",
    "audit_no_replace",
    "audit_no_update",
];
const GUARDS_POSTGRES: &[&str] = &["audit_head_forward", "audit_head_stays", "audit_no_change"];

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    at: String,
    code: String,
    actor: String,
    subject: String,
    body: String,
    prev: String,
    hash: String,
}

impl From<Row> for Record {
    fn from(row: Row) -> Self {
        let Row {
            seq,
            at,
            code,
            actor,
            subject,
            body,
            prev,
            hash,
        } = row;
        Self {
            seq,
            at,
            code,
            actor,
            subject,
            body,
            prev,
            hash,
        }
    }
}

const ALL: &str = "SELECT seq, at, code, actor, subject, body, prev, hash FROM audit ORDER BY seq";

impl Tx {
    /// The end of the chain as committed before this transaction.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn audit_head(&mut self) -> Result<Head> {
        let (seq, hash) = on!(self, conn => sqlx::query_as::<_, (i64, String)>(
            "SELECT seq, hash FROM audit_head WHERE one = 1",
        )
        .fetch_one(conn)
        .await)?;
        Ok(Head { seq, hash })
    }

    pub(super) async fn link(&mut self, entries: &[Entry]) -> Result<()> {
        // Moving the number first locks the head until the commit: nobody can link beside us.
        let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        let (seq, hash) = on!(self, conn => sqlx::query_as::<_, (i64, String)>(
            "UPDATE audit_head SET seq = seq + $1 WHERE one = 1 RETURNING seq, hash",
        )
        .bind(count)
        .fetch_one(conn)
        .await)?;
        let mut head = Head {
            seq: seq - count,
            hash,
        };
        for entry in entries {
            let record = Record::link(entry, &head)
                .map_err(|error| super::Error::corrupt(entry.code, error))?;
            head = record.head();
            on!(self, conn => sqlx::query(
                "INSERT INTO audit (seq, at, code, actor, subject, body, prev, hash) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(record.seq)
            .bind(&record.at)
            .bind(&record.code)
            .bind(&record.actor)
            .bind(&record.subject)
            .bind(&record.body)
            .bind(&record.prev)
            .bind(&record.hash)
            .execute(conn)
            .await
            .map(|_| ()))?;
        }
        on!(self, conn => sqlx::query("UPDATE audit_head SET hash = $1 WHERE one = 1")
            .bind(&head.hash)
            .execute(conn)
            .await
            .map(|_| ()))?;
        Ok(())
    }

    /// Walks the whole chain.
    ///
    /// # Errors
    /// When the database refuses. A broken chain is not an error but an answer.
    pub async fn verify_audit(
        &mut self,
        witnesses: Vec<(i64, String)>,
    ) -> Result<std::result::Result<Head, Broken>> {
        let head = match self.audit_head().await {
            Ok(head) => head,
            Err(super::Error::Sql(sqlx::Error::RowNotFound | sqlx::Error::ColumnDecode { .. })) => {
                return Ok(Err(Broken::NoHead));
            }
            Err(error) => return Err(error),
        };
        let mut verifier = Verifier::new(witnesses);
        let walked = on!(self, conn => {
            let mut rows = sqlx::query_as::<_, Row>(ALL).fetch(conn);
            loop {
                let taken = match rows.next().await {
                    None => break Ok(()),
                    Some(Ok(row)) => verifier.next(&Record::from(row)),
                    // Bytes that are no text, or nothing where a number was: tampering, no fault.
                    Some(Err(sqlx::Error::ColumnDecode { .. })) => {
                        Err(Broken::Unreadable { seq: verifier.expected() })
                    }
                    Some(Err(error)) => return Err(error.into()),
                };
                if taken.is_err() {
                    break taken;
                }
            }
        });
        Ok(walked.and_then(|()| verifier.finish(&head)))
    }

    /// Which of the guards that keep the chain from being changed are gone or switched off.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn missing_guards(&mut self) -> Result<Vec<&'static str>> {
        let (guards, sql) = match &self.inner {
            Inner::Sqlite(_) => (
                GUARDS_SQLITE,
                "SELECT name FROM sqlite_master WHERE type = 'trigger' \
                 AND tbl_name IN ('audit', 'audit_head')",
            ),
            // 'D': disabled; 'R': only on a replica.
            Inner::Postgres(_) => (
                GUARDS_POSTGRES,
                "SELECT tgname::text FROM pg_trigger WHERE tgenabled NOT IN ('D', 'R') \
                 AND tgrelid IN (to_regclass('audit'), to_regclass('audit_head'))",
            ),
        };
        let found = on!(self, conn => sqlx::query_scalar::<_, String>(sql)
            .fetch_all(conn)
            .await)?;
        let gone = |guard: &&'static str| !found.iter().any(|name| name == guard);
        Ok(guards.iter().copied().filter(gone).collect())
    }

    /// Hands every record to `each`, in order.
    ///
    /// # Errors
    /// When the database refuses or `each` does.
    pub async fn audit_records<E: From<super::Error>>(
        &mut self,
        mut each: impl FnMut(Record) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        on!(self, conn => {
            let mut rows = sqlx::query_as::<_, Row>(ALL).fetch(conn);
            while let Some(row) = rows.next().await {
                each(Record::from(row.map_err(super::Error::from)?))?;
            }
            Ok(())
        })
    }

    /// The records of one subject, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn audit_of(&mut self, subject: &str) -> Result<Vec<Record>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT seq, at, code, actor, subject, body, prev, hash FROM audit \
             WHERE subject = $1 ORDER BY seq",
        )
        .bind(subject)
        .fetch_all(conn)
        .await)?;
        Ok(rows.into_iter().map(Record::from).collect())
    }
}
