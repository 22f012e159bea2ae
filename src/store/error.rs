//! Why the database did not do what was asked.

/// Why a question to the database was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else changed the row first: load it again and decide again.
    #[error("another worker changed the row first")]
    Lost,
    /// The database said no.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// The disk does not keep what is written to it: the process is about to end.
    #[error("the database's disk failed")]
    DiskFailed,
    /// A stored document cannot be read: it was changed behind Syncgate's back, or a newer version
    /// wrote it.
    #[error("stored {what} cannot be read: {why}")]
    Corrupt {
        /// Which.
        what: String,
        /// Why.
        why: String,
    },
}

impl Error {
    pub(crate) fn corrupt(what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Corrupt {
            what: what.into(),
            why: why.to_string(),
        }
    }

    /// Whether a row was there already.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// Whether trying again with fresh data can help: a lost race, or a transaction that the
    /// database gave up for another's sake.
    pub fn is_race(&self) -> bool {
        match self {
            Self::Lost => true,
            Self::Sql(sqlx::Error::Database(error)) => {
                // 40001 serialization failure, 40P01 deadlock (PostgreSQL); 5 and 517 are SQLite's
                // BUSY and BUSY_SNAPSHOT.
                let given_up = ["40001", "40P01", "5", "517"];
                let code = error.code();
                self.is_taken() || code.is_some_and(|code| given_up.contains(&&*code))
            }
            Self::Sql(_) | Self::DiskFailed | Self::Corrupt { .. } => false,
        }
    }
}

/// The result of a question to the database.
pub type Result<T> = std::result::Result<T, Error>;

/// One row was changed; else it is no longer this worker's, and nothing of the transaction may stay.
pub(crate) fn held(rows: u64) -> Result<()> {
    if rows == 1 { Ok(()) } else { Err(Error::Lost) }
}
