//! What the database says of itself: its version, its tables, and what a commit is worth.

use super::open::known;
use super::{Inner, Result, Tx, on};

/// The database as it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The engine and its version.
    pub version: String,
    /// The number of the newest migration in it; unset where there are no tables yet.
    pub schema: Option<i64>,
    /// The newest one that this program knows.
    pub known: i64,
    /// The settings that durability hangs on, by name, as they are.
    pub durability: Vec<(&'static str, String)>,
    /// Whether an acknowledged commit survives a power cut.
    pub is_durable: bool,
}

impl Tx {
    /// Reads what the database says of itself; changes nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn inspect(&mut self) -> Result<Inspection> {
        let (engine, version, table, settings): (_, _, _, &[_]) = match &self.inner {
            Inner::Sqlite(_) => (
                "SQLite",
                "SELECT sqlite_version()",
                "SELECT name FROM sqlite_master WHERE name = '_sqlx_migrations'",
                &[
                    ("journal_mode", "PRAGMA journal_mode"),
                    (
                        "synchronous",
                        "SELECT CASE synchronous WHEN 0 THEN 'off' WHEN 1 THEN 'normal' \
                         WHEN 2 THEN 'full' ELSE 'extra' END FROM pragma_synchronous",
                    ),
                ],
            ),
            Inner::Postgres(_) => (
                "PostgreSQL",
                "SELECT current_setting('server_version')",
                "SELECT to_regclass('_sqlx_migrations')::text",
                &[
                    ("fsync", "SELECT current_setting('fsync')"),
                    (
                        "synchronous_commit",
                        "SELECT current_setting('synchronous_commit')",
                    ),
                ],
            ),
        };
        let version = self.word(version).await?.unwrap_or_default();
        let schema = match self.word(table).await? {
            Some(_) => on!(self, conn => sqlx::query_scalar::<_, Option<i64>>(
                "SELECT max(version) FROM _sqlx_migrations",
            )
            .fetch_one(conn)
            .await)?,
            None => None,
        };
        let mut durability = Vec::with_capacity(settings.len());
        for (name, question) in settings {
            durability.push((*name, self.word(question).await?.unwrap_or_default()));
        }
        let weak = ["off", "normal", "delete", "memory"];
        Ok(Inspection {
            version: format!("{engine} {version}"),
            schema,
            known: known(),
            is_durable: durability
                .iter()
                .all(|(_, is)| !weak.contains(&is.as_str())),
            durability,
        })
    }

    /// One word that the database answers with.
    async fn word(&mut self, question: &'static str) -> Result<Option<String>> {
        let word = on!(self, conn => sqlx::query_scalar::<_, Option<String>>(question)
            .fetch_optional(conn)
            .await)?;
        Ok(word.flatten())
    }
}
