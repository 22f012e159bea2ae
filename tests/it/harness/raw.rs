//! The database from beside the service: what its administrator, or an attacker with his rights, can do.

use std::process::{Command, Output};
use std::str::FromStr;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};

use super::{Database, World};

/// A connection pool of its own.
pub enum Raw {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl World {
    /// The binary beside the service, on its database.
    pub fn cli(&self, words: &[&str]) -> Output {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncgate"));
        let command = command.args(words).env_clear().current_dir(&folder);
        let command = command.env("DATABASE_URL", &self.settings.database);
        command.output().unwrap()
    }

    /// The database from beside the service.
    pub async fn raw(&self) -> Raw {
        Raw::of(&self.database, &self.settings.database).await
    }
}

impl Raw {
    pub async fn of(database: &Database, address: &str) -> Self {
        // Thousands of small changes, none of which need survive a power cut.
        let hasty = format!("{address}%20-c%20synchronous_commit%3Doff");
        match database.postgres(&hasty).await {
            Some(pool) => Self::Postgres(pool),
            None => {
                let options = SqliteConnectOptions::from_str(address)
                    .unwrap()
                    .synchronous(SqliteSynchronous::Off);
                Self::Sqlite(SqlitePool::connect_with(options).await.unwrap())
            }
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Runs a statement; the error in words when the database refuses.
    pub async fn run(&self, sql: &str) -> Result<u64, String> {
        let query = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(pool) => sqlx::query(query)
                .execute(pool)
                .await
                .map(|done| done.rows_affected()),
            Self::Postgres(pool) => sqlx::query(query)
                .execute(pool)
                .await
                .map(|done| done.rows_affected()),
        }
        .map_err(|error| error.to_string())
    }

    /// One column of texts.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let query = AssertSqlSafe(sql.to_owned());
        let read: Result<Vec<String>, _> = match self {
            Self::Sqlite(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
            Self::Postgres(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
        };
        read.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Every value of every column of every table, as text, behind the column's name.
    pub async fn everything(&self) -> Vec<(String, String)> {
        let columns = match self {
            Self::Sqlite(_) => {
                "SELECT m.name || '.' || p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p \
                 WHERE m.type = 'table' AND m.name <> '_sqlx_migrations'"
            }
            Self::Postgres(_) => {
                "SELECT table_name || '.' || column_name FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name <> '_sqlx_migrations'"
            }
        };
        let mut all = Vec::new();
        for column in self.texts(columns).await {
            let (table, name) = column.split_once('.').unwrap();
            let sql = format!(
                r#"SELECT CAST("{name}" AS TEXT) FROM "{table}" WHERE "{name}" IS NOT NULL"#
            );
            let values = self.texts(&sql).await;
            all.extend(values.into_iter().map(|value| (column.clone(), value)));
        }
        all
    }

    /// Takes the audit chain's guards away, as whoever owns the tables can.
    pub async fn disarm(&self) {
        let guards = match self {
            Self::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'trigger'",
            Self::Postgres(_) => {
                "SELECT DISTINCT trigger_name || ' ON ' || event_object_table \
                 FROM information_schema.triggers WHERE trigger_schema = current_schema() \
                 UNION SELECT tgname || ' ON ' || tgrelid::regclass FROM pg_trigger \
                 WHERE NOT tgisinternal AND tgrelid IN ('audit'::regclass, 'audit_head'::regclass)"
            }
        };
        for guard in self.texts(guards).await {
            self.run(&format!("DROP TRIGGER IF EXISTS {guard}"))
                .await
                .unwrap();
        }
    }
}

/// A text as an SQL literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
