//! All SQL. One method per question, each written once for SQLite and PostgreSQL.
//!
//! A [`Tx`] is the only way to read or write; it is never held over a network call. Audit records
//! are collected in it and linked at [`Tx::commit`], so that the head's row is the last lock taken
//! and two transactions cannot wait for each other around it.

mod audit;
mod care;
mod error;
mod evidence;
mod fleet;
mod halt;
mod inbox;
mod inbox_writer;
mod incidents;
mod inspect;
mod members;
mod messages;
mod open;
mod pictures;
mod proposals;
mod questions;
mod sending;
mod steps;
mod under_way;
mod wal;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::model::Clock;
use crate::model::audit::Entry;

pub(crate) use error::held;
pub use error::{Error, Result};
pub use halt::Halt;
pub use inbox::{Arrival, Arrived, InboxRow, Lane, Receipt};
pub use inbox_writer::{InboxWriter, WriterGone};
pub use inspect::Inspection;
pub use members::Members;
pub use messages::{Draft, MessageKind, MessageRow};
pub use open::{Access, Lock, OpenError};
pub use pictures::{PictureRow, PictureStep, ReadyPicture};
pub use proposals::Stored;
pub use questions::{Question, Settled};
pub use steps::{Claimed, Due, LEASE as STEP_LEASE, Unreadable};
pub use under_way::Override;
pub use wal::{Disk, Wal};

/// How long anybody waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs one expression on whichever database the transaction is in.
///
/// The body is compiled twice, with `$conn` as a connection of either kind: so a query is written
/// once and cannot drift apart (DESIGN §2).
macro_rules! on {
    ($tx:expr, $conn:ident => $body:expr) => {
        match &mut $tx.inner {
            $crate::store::Inner::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
            $crate::store::Inner::Postgres(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}
pub(crate) use on;

/// The database.
#[derive(Clone, Debug)]
pub enum Store {
    /// One file, one writer.
    Sqlite {
        /// A single connection: SQLite has one writer, and queueing here is fairer than its lock.
        writer: SqlitePool,
        /// Taken by every transaction that writes, but for the door's (`begin_ahead`).
        turn: Turn,
        /// Readers never wait for the writer (WAL).
        readers: SqlitePool,
        /// Its write-ahead log.
        wal: Wal,
        /// Whose time the rows are in. Several processes share no clock but the machine's, so only
        /// the one process on a file can have another.
        clock: Clock,
    },
    /// A server, for one process or several.
    Postgres(PgPool),
}

/// Whose turn it is to write. All but the door queue here and not for the connection itself: so at
/// most one of them is ever ahead of the door, however many work.
pub(crate) type Turn = Arc<Mutex<()>>;

#[derive(Debug)]
pub(crate) enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A transaction, with the audit records that it will leave behind.
#[derive(Debug)]
#[must_use = "a transaction that is not committed is rolled back"]
pub struct Tx {
    pub(crate) inner: Inner,
    pub(crate) entries: Vec<Entry>,
    /// SQLite's log.
    wal: Option<Wal>,
    /// How many times as fast as the machine's clock that of the rows may run.
    fastest: i32,
    /// Last, so that the next one begins when this one's connection is free.
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Store {
    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// When the database does not give one in time.
    pub async fn begin(&self) -> Result<Tx> {
        let turn = match self {
            Self::Sqlite { turn, .. } => {
                let turn = tokio::time::timeout(PATIENCE, turn.clone().lock_owned()).await;
                Some(turn.map_err(|_| sqlx::Error::PoolTimedOut)?)
            }
            Self::Postgres(_) => None,
        };
        let mut tx = self.begin_ahead().await?;
        tx._turn = turn;
        Ok(tx)
    }

    /// The same, ahead of all that wait in [`Store::begin`]: for the door, which somebody waits at.
    ///
    /// # Errors
    /// When the database does not give one in time.
    async fn begin_ahead(&self) -> Result<Tx> {
        self.disk().check()?;
        let inner = match self {
            // Plain BEGIN takes the write lock only at the first write and then fails where
            // another got it in between (DESIGN §2: 369 of 400 contended transactions).
            Self::Sqlite { writer, .. } => {
                Inner::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Self::Postgres(pool) => Inner::Postgres(pool.begin().await?),
        };
        Ok(Tx {
            inner,
            entries: Vec::new(),
            wal: self.wal(),
            fastest: self.fastest(),
            _turn: None,
        })
    }

    /// Begins a transaction that only reads.
    ///
    /// # Errors
    /// When the database does not give one in time.
    pub async fn snapshot(&self) -> Result<Tx> {
        let inner = match self {
            Self::Sqlite { readers, .. } => Inner::Sqlite(readers.begin().await?),
            // Plain BEGIN sees every commit of the others between two of its own queries: the head of
            // the chain and its records would be of different moments.
            Self::Postgres(pool) => Inner::Postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?,
            ),
        };
        Ok(Tx {
            inner,
            entries: Vec::new(),
            wal: self.wal(),
            fastest: self.fastest(),
            _turn: None,
        })
    }

    /// Folds SQLite's log into its file if it has grown; PostgreSQL does that by itself.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn fold(&self) -> Result<()> {
        match self {
            Self::Sqlite { wal, .. } => wal.fold().await,
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Takes this clock for the one that the rows' times come from: the demo's can run fast.
    #[must_use]
    pub fn timed_by(mut self, by: &Clock) -> Self {
        if let Self::Sqlite { clock, .. } = &mut self {
            *clock = by.clone();
        }
        self
    }

    /// So long must a lease be for it to last so long in real time, also when the clock is made to run
    /// fast meanwhile: what it waits for, the network and the disk, keeps real time.
    pub fn lasting(&self, lease: TimeDelta) -> TimeDelta {
        lease * self.fastest()
    }

    fn fastest(&self) -> i32 {
        match self {
            Self::Sqlite { clock, .. } => clock.fastest(),
            Self::Postgres(_) => 1,
        }
    }

    fn wal(&self) -> Option<Wal> {
        match self {
            Self::Sqlite { wal, .. } => Some(wal.clone()),
            Self::Postgres(_) => None,
        }
    }

    /// The disk under SQLite; PostgreSQL looks after its own.
    pub fn disk(&self) -> Disk {
        match self {
            Self::Sqlite { wal, .. } => wal.disk().clone(),
            Self::Postgres(_) => Disk::default(),
        }
    }

    /// Closes every connection; SQLite then folds its log into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite {
                writer,
                readers,
                wal,
                turn: _,
                clock: _,
            } => {
                wal.close().await;
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// Which engine it is, for people.
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

impl Tx {
    /// See [`Store::lasting`].
    pub(crate) fn lasting(&self, lease: TimeDelta) -> TimeDelta {
        lease * self.fastest
    }

    /// Records something in the audit chain when this transaction commits.
    pub fn audit(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Makes it durable, audit records included.
    ///
    /// # Errors
    /// When the database refuses; nothing has happened then.
    pub async fn commit(mut self) -> Result<()> {
        let entries = std::mem::take(&mut self.entries);
        if !entries.is_empty() {
            self.link(&entries).await?;
        }
        match self.inner {
            Inner::Sqlite(tx) => {
                let committed = tx.commit().await;
                if let Some(wal) = &self.wal {
                    wal.heard(&committed);
                }
                committed?;
            }
            Inner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// The next number of a counter.
    pub(crate) async fn next(&mut self, counter: &str) -> Result<i64> {
        Ok(on!(self, conn => sqlx::query_scalar(
            "UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value",
        )
        .bind(counter)
        .fetch_one(conn)
        .await)?)
    }

    /// A small fact, if it is known.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn fact(&mut self, name: &str) -> Result<Option<String>> {
        Ok(
            on!(self, conn => sqlx::query_scalar("SELECT value FROM facts WHERE name = $1")
            .bind(name)
            .fetch_optional(conn)
            .await)?,
        )
    }

    /// Remembers a small fact; says whether it is new or other than before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_fact(&mut self, name: &str, value: &str) -> Result<bool> {
        let changed = on!(self, conn => sqlx::query(
            "INSERT INTO facts (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value \
             WHERE facts.value <> excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        Ok(changed > 0)
    }
}

/// Reads a stored document.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::corrupt(what, error))
}

/// Writes a document; our own types always serialise, so a failure is a bug that is reported.
pub(crate) fn write_json<T: serde::Serialize>(what: &str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::corrupt(what, error))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::future::{Either, select};
    use futures_util::poll;

    use super::*;

    /// Whoever holds the door waits for one transaction at most, however many queue.
    #[tokio::test]
    async fn the_door_goes_before_all_that_wait_for_their_turn() {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite://{}", folder.path().join("t.db").display());
        let (store, _lock) = Store::open(&address, Access::Serve).await.unwrap();
        let under_way = store.begin().await.unwrap();
        let mut worker = pin!(store.begin());
        assert!(poll!(&mut worker).is_pending());
        let mut door = pin!(store.begin_ahead());
        assert!(poll!(&mut door).is_pending());
        under_way.commit().await.unwrap();
        match select(door, worker).await {
            Either::Left((tx, _)) => tx.unwrap().commit().await.unwrap(),
            Either::Right(_) => panic!("a worker came first"),
        }
    }
}
