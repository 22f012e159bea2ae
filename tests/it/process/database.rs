//! The database from beside the process.

use super::Stage;
use crate::harness::Database;

/// A connection that holds the database's lock as long as it lives.
#[expect(dead_code, reason = "dropping it is all that is done with it")]
pub enum DatabaseLock {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Stage {
    /// Changes the database behind Syncgate's back.
    pub async fn sql(&self, statement: &str) {
        use sqlx::{Connection, Executor};
        let address = &self.settings["DATABASE_URL"];
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        if let Database::Sqlite(_) = self.database {
            let mut beside = sqlx::SqliteConnection::connect(address).await.unwrap();
            beside.execute(sqlx::query(statement)).await.unwrap();
        } else {
            let mut beside = sqlx::PgConnection::connect(address).await.unwrap();
            beside.execute(sqlx::query(statement)).await.unwrap();
        }
    }

    /// How many rows there are: a table's name and, perhaps, which of its rows.
    pub async fn count(&self, rows: &str) -> usize {
        use sqlx::Connection;
        let address = &self.settings["DATABASE_URL"];
        let question = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {rows}"));
        let count: i64 = if let Database::Sqlite(_) = self.database {
            let mut beside = sqlx::SqliteConnection::connect(address).await.unwrap();
            let count = sqlx::query_scalar(question).fetch_one(&mut beside);
            count.await.unwrap()
        } else {
            let mut beside = sqlx::PgConnection::connect(address).await.unwrap();
            let count = sqlx::query_scalar(question).fetch_one(&mut beside);
            count.await.unwrap()
        };
        usize::try_from(count).unwrap()
    }

    /// Holds the database as another process would, until it is dropped.
    pub async fn lock_database(&self) -> DatabaseLock {
        use sqlx::{Connection, Executor};
        let address = &self.settings["DATABASE_URL"];
        if let Database::Sqlite(_) = self.database {
            let mut beside = sqlx::SqliteConnection::connect(address).await.unwrap();
            beside.execute("BEGIN IMMEDIATE").await.unwrap();
            DatabaseLock::Sqlite(beside)
        } else {
            let mut beside = sqlx::PgConnection::connect(address).await.unwrap();
            let all = "BEGIN; LOCK TABLE inbox, steps, messages IN ACCESS EXCLUSIVE MODE";
            beside.execute(all).await.unwrap();
            DatabaseLock::Postgres(beside)
        }
    }
}
