//! The database, looked at from beside the service.

use sqlx::{AssertSqlSafe, SqlitePool};
use syncgate::store::Store;

use super::World;

impl World {
    /// Every row of every table as one text, with the table's name before it.
    pub async fn rows(&self) -> Vec<(String, String)> {
        let tables = self.tables().await;
        match &self.app().store {
            Store::Sqlite { readers, .. } => sqlite_rows(readers, tables).await,
            Store::Postgres(_) => {
                let mut all = Vec::new();
                for table in tables {
                    let rows = self
                        .ask(&format!("SELECT row_to_json(t)::text FROM \"{table}\" t"))
                        .await;
                    all.extend(rows.into_iter().map(|row| (table.clone(), row)));
                }
                all
            }
        }
    }

    /// The names of all tables.
    pub async fn tables(&self) -> Vec<String> {
        self.ask(match &self.app().store {
            Store::Sqlite { .. } => {
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            }
            Store::Postgres(_) => {
                "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
            }
        })
        .await
    }

    /// Everything that is defined in the database: tables, columns, indexes, triggers.
    pub async fn schema(&self) -> Vec<String> {
        self.ask(match &self.app().store {
            Store::Sqlite { .. } => {
                "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master ORDER BY 1"
            }
            Store::Postgres(_) => {
                "SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns \
                     WHERE table_schema = current_schema() \
                 UNION SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() \
                 UNION SELECT trigger_name || ' ' || action_statement FROM information_schema.triggers \
                     WHERE trigger_schema = current_schema() ORDER BY 1"
            }
        })
        .await
    }

    /// How many rows a table has that fit a condition.
    pub async fn count(&self, from: &str) -> i64 {
        let counted = self
            .ask(&format!("SELECT cast(count(*) AS TEXT) FROM {from}"))
            .await;
        counted[0].parse().unwrap()
    }

    /// Changes the database behind the service's back.
    pub async fn meddle(&self, change: &str) {
        let change = AssertSqlSafe(change.to_owned());
        match &self.app().store {
            Store::Sqlite { writer, .. } => {
                sqlx::query(change).execute(writer).await.unwrap();
            }
            Store::Postgres(pool) => {
                sqlx::query(change).execute(pool).await.unwrap();
            }
        }
    }

    /// The texts that a query of one column gives.
    pub async fn ask(&self, query: &str) -> Vec<String> {
        let query = AssertSqlSafe(query.to_owned());
        match &self.app().store {
            Store::Sqlite { readers, .. } => {
                sqlx::query_scalar(query).fetch_all(readers).await.unwrap()
            }
            Store::Postgres(pool) => sqlx::query_scalar(query).fetch_all(pool).await.unwrap(),
        }
    }
}

async fn sqlite_rows(pool: &SqlitePool, tables: Vec<String>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for table in tables {
        let columns = AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}')"));
        let columns: Vec<String> = sqlx::query_scalar(columns).fetch_all(pool).await.unwrap();
        let texts = columns
            .iter()
            .map(|c| {
                format!("CASE typeof(\"{c}\") WHEN 'blob' THEN '' ELSE coalesce(cast(\"{c}\" AS TEXT), '') END")
            });
        let texts: Vec<String> = texts.collect();
        let rows = AssertSqlSafe(format!(
            "SELECT {} FROM \"{table}\"",
            texts.join(" || char(10) || ")
        ));
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(pool).await.unwrap();
        all.extend(rows.into_iter().map(|row| (table.clone(), row)));
    }
    all
}
