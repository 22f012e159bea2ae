//! The `log` table in a PostgreSQL destination. It is another's database: it is only read, with a time
//! limit that the server keeps too, and nothing is kept open.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use chrono::NaiveDateTime;
use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use crate::triage::case::LogRow;
use crate::triage::changes;
use crate::triage::redact::Redactor;
use crate::triage::source::{Found, Keep, Question};

/// Rows and bytes of one answer; of more, the last.
const ROWS: i64 = 20_000;
const BYTES: usize = 16 << 20;
/// Characters of one row's data.
const DATA: i32 = 200_000;
/// Rows of ordinary work that say where a sync stood.
const WORK: i64 = 50;
/// The server ends a statement after so many milliseconds: whoever asked does not wait longer either.
const STATEMENT_MILLISECONDS: u32 = 2_500;
/// Events of ordinary work, of which a sync writes thousands.
const ORDINARY: [&str; 6] = [
    "api_call",
    "sql_query",
    "processed_records",
    "records_modified",
    "import_progress",
    "info",
];

/// A `log` table.
#[derive(Clone)]
pub struct PostgresLog {
    options: PgConnectOptions,
    schema: String,
}

impl fmt::Debug for PostgresLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the options: they hold the password.
        f.debug_struct("PostgresLog")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// How the columns that differ are written in this table.
struct Columns {
    connection: String,
    sync: &'static str,
    time: &'static str,
}

impl PostgresLog {
    /// The table in a schema. Nothing is opened yet.
    ///
    /// # Errors
    /// When the address is none, or the schema's name could be more than a name.
    pub fn new(url: &str, schema: &str) -> anyhow::Result<Self> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
        ensure!(
            !schema.is_empty() && schema.chars().all(is_name),
            "the schema's name may hold letters, digits, _, - and $"
        );
        // The parser's own words may repeat the address.
        let options = PgConnectOptions::from_str(url)
            .ok()
            .context("no address of PostgreSQL")?;
        Ok(Self {
            options: options
                .application_name("syncgate")
                .disable_statement_logging(),
            schema: schema.to_owned(),
        })
    }

    /// What people may know of where it is.
    pub fn place(&self) -> String {
        format!("schema {} on {}", self.schema, self.options.get_host())
    }

    /// Whether the table can be read, and how many rows of the last day it has at most.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self) -> anyhow::Result<()> {
        let mut connection = self.open().await?;
        let columns = self.columns(&mut connection).await?;
        let sql = format!(
            "SELECT {} FROM {} LIMIT 1",
            columns.connection,
            self.table()
        );
        let read = sqlx::query(AssertSqlSafe(sql)).fetch_optional(&mut connection);
        read.await.context(self.table())?;
        Ok(())
    }

    /// The rows that answer a question.
    ///
    /// # Errors
    /// When the server is down, the table is missing or closed to this user, or it takes too long.
    pub(super) async fn read(
        &self,
        question: Question,
        redactor: Arc<Redactor>,
    ) -> anyhow::Result<Found> {
        let mut connection = self.open().await?;
        let columns = self.columns(&mut connection).await?;
        let mut rows = self
            .rows(&mut connection, &columns, &question, false)
            .await?;
        rows.extend(
            self.rows(&mut connection, &columns, &question, true)
                .await?,
        );
        // A server that cannot part in peace has answered all the same.
        let _ = connection.close().await;
        let kept = tokio::task::spawn_blocking(move || {
            let mut keep = Keep::new(&question, &redactor);
            rows.into_iter().for_each(|row| keep.see(row));
            keep.found()
        });
        Ok(kept.await?)
    }

    fn table(&self) -> String {
        format!("\"{}\".log", self.schema)
    }

    async fn open(&self) -> anyhow::Result<PgConnection> {
        let mut connection = self.options.connect().await.context("cannot connect")?;
        let limits = format!(
            "SET default_transaction_read_only = on; SET statement_timeout = {STATEMENT_MILLISECONDS}"
        );
        sqlx::raw_sql(AssertSqlSafe(limits))
            .execute(&mut connection)
            .await
            .context("cannot set the session's limits")?;
        Ok(connection)
    }

    /// The columns' names and types, which are not the same in every age of the Platform Connector.
    async fn columns(&self, connection: &mut PgConnection) -> anyhow::Result<Columns> {
        let asked = "SELECT a.attname::text, format_type(a.atttypid, NULL) FROM pg_attribute a \
                     JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                     WHERE n.nspname = $1 AND c.relname = 'log' AND a.attnum > 0 AND NOT a.attisdropped";
        let found: Vec<(String, String)> = sqlx::query_as(asked)
            .bind(&self.schema)
            .fetch_all(&mut *connection)
            .await
            .context("the catalogue")?;
        if found.is_empty() {
            bail!("there is no table {}", self.table());
        }
        let kind = |name: &str| {
            let column = found.iter().find(|(column, _)| column == name);
            column.map(|(_, kind)| kind.as_str())
        };
        for needed in ["time_stamp", "event", "message_event", "message_data"] {
            ensure!(
                kind(needed).is_some(),
                "{} has no column {needed}",
                self.table()
            );
        }
        let connection = match (kind("connection_id"), kind("connector_id")) {
            (Some(_), Some(_)) => "COALESCE(connection_id, connector_id)".to_owned(),
            (Some(_), None) => "connection_id".to_owned(),
            (None, Some(_)) => "connector_id".to_owned(),
            (None, None) => bail!(
                "{} has neither connection_id nor connector_id",
                self.table()
            ),
        };
        Ok(Columns {
            connection,
            sync: if kind("sync_id").is_some() {
                "sync_id::text"
            } else {
                "NULL::text"
            },
            time: match kind("time_stamp") {
                Some("timestamp with time zone") => "(time_stamp AT TIME ZONE 'UTC')",
                Some("timestamp without time zone") => "time_stamp",
                _ => "(time_stamp::timestamp)",
            },
        })
    }

    /// Either what may matter of the span, the last first, or a little of the ordinary work.
    async fn rows(
        &self,
        connection: &mut PgConnection,
        columns: &Columns,
        question: &Question,
        ordinary: bool,
    ) -> anyhow::Result<Vec<LogRow>> {
        let Columns {
            connection: of,
            sync,
            time,
        } = columns;
        let table = self.table();
        // What is an event of ordinary work and no error is many times what is not.
        let wanted = match ordinary {
            false => format!(
                "NOT (COALESCE(event, '') = 'INFO' AND message_event = ANY($5)) AND ({time} > $2 OR message_event = ANY($6))"
            ),
            true => format!(
                "event = 'INFO' AND message_event = ANY($5) AND {time} > $2 AND NOT message_event = ANY($6)"
            ),
        };
        let sql = format!(
            "SELECT to_char({time}, 'YYYY-MM-DD HH24:MI:SS.US'), event::text, message_event::text, \
             left(message_data::text, {DATA}), {sync} FROM {table} \
             WHERE {of} = $1 AND {time} > $3 AND {time} <= $4 AND {wanted} \
             ORDER BY {time} DESC LIMIT $7"
        );
        let naive = |at: chrono::DateTime<chrono::Utc>| -> NaiveDateTime { at.naive_utc() };
        let mut found = sqlx::query(AssertSqlSafe(sql))
            .bind(&question.connection)
            .bind(naive(question.after))
            .bind(naive(question.changes_after.min(question.after)))
            .bind(naive(question.until))
            .bind(ORDINARY.as_slice())
            .bind(changes::EVENTS.as_slice())
            .bind(if ordinary { WORK } else { ROWS })
            .fetch(connection);
        let mut rows = Vec::new();
        let mut left = BYTES;
        while let Some(row) = found.try_next().await.with_context(|| table.clone())? {
            let row = self.row(&row, &question.connection)?;
            let bytes = row.message_data.as_ref().map_or(0, String::len);
            if bytes > left {
                break;
            }
            left -= bytes;
            rows.push(row);
        }
        // The cut wants them as they happened.
        rows.reverse();
        Ok(rows)
    }

    fn row(&self, row: &PgRow, connection: &str) -> anyhow::Result<LogRow> {
        let text = |at: usize| row.try_get::<Option<String>, _>(at).context(self.table());
        Ok(LogRow {
            time_stamp: text(0)?.unwrap_or_default(),
            event: text(1)?.unwrap_or_default(),
            message_event: text(2)?.unwrap_or_default(),
            message_data: text(3)?,
            sync_id: text(4)?,
            connection_id: Some(connection.to_owned()),
            ..LogRow::default()
        })
    }
}
