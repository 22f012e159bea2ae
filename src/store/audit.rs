//! The audit chain in the database.

use futures_util::StreamExt;

use super::{Result, Tx, on};
use crate::model::audit::{Broken, Entry, Head, Record, Verifier};

/// Which records to read.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only these subjects, for example `proposal:12`; all, if empty.
    pub subjects: Vec<String>,
}

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
        let head = self.audit_head().await?;
        let mut verifier = Verifier::new(witnesses);
        let walked = on!(self, conn => {
            let mut rows = sqlx::query_as::<_, Row>(ALL).fetch(conn);
            loop {
                match rows.next().await {
                    None => break Ok(()),
                    Some(row) => match verifier.next(&Record::from(row?)) {
                        Ok(()) => {}
                        Err(broken) => break Err(broken),
                    },
                }
            }
        });
        Ok(walked.and_then(|()| verifier.finish(&head)))
    }

    /// Hands every record that the filter lets through to `each`, in order.
    ///
    /// # Errors
    /// When the database refuses or `each` does.
    pub async fn audit_records<E: From<super::Error>>(
        &mut self,
        filter: &AuditFilter,
        mut each: impl FnMut(Record) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let wanted = |record: &Record| {
            filter.subjects.is_empty() || filter.subjects.contains(&record.subject)
        };
        on!(self, conn => {
            let mut rows = sqlx::query_as::<_, Row>(ALL).fetch(conn);
            while let Some(row) = rows.next().await {
                let record = Record::from(row.map_err(super::Error::from)?);
                if wanted(&record) {
                    each(record)?;
                }
            }
            Ok(())
        })
    }

    /// The records of one subject with one of three codes, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn audit_of_codes(
        &mut self,
        subject: &str,
        codes: &[&str; 3],
    ) -> Result<Vec<Record>> {
        let [one, two, three] = *codes;
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT seq, at, code, actor, subject, body, prev, hash FROM audit \
             WHERE subject = $1 AND code IN ($2, $3, $4) ORDER BY seq",
        )
        .bind(subject)
        .bind(one)
        .bind(two)
        .bind(three)
        .fetch_all(conn)
        .await)?;
        Ok(rows.into_iter().map(Record::from).collect())
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
