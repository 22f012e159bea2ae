//! Opening the database: engine by address, settings that durability hangs on, migrations.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, PgConnection, PgPool, SqlitePool};

use super::{Disk, PATIENCE, Store, Turn, Wal};
use crate::model::Clock;

static SHARED: Migrator = sqlx::migrate!("./migrations");
static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

/// How the database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// As the service: alone on a SQLite file; migrates.
    Serve,
    /// Beside the service, for one short write; migrates nothing.
    Beside,
    /// Beside the service, reading only.
    ReadOnly,
}

/// Why the database cannot be opened; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither `sqlite://` nor `postgres://`.
    #[error("DATABASE_URL: {0} is no address of a database; write sqlite://FILE or postgres://…")]
    Address(String),
    /// Another process serves this file.
    #[error(
        "DATABASE_URL: another Syncgate process works on {0}; one SQLite file serves one process. \
         Stop the other one, or use PostgreSQL for several"
    )]
    Taken(PathBuf),
    /// The file or its folder cannot be used.
    #[error("DATABASE_URL: cannot use {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no such database yet.
    #[error("DATABASE_URL: there is no database at {0}; `syncgate serve` makes it")]
    Missing(PathBuf),
    /// The tables are newer than this program.
    #[error(
        "DATABASE_URL: the database was written by a newer Syncgate (schema {found}, this one knows \
         {known}); start that version again"
    )]
    Newer {
        /// In the database.
        found: i64,
        /// In this program.
        known: i64,
    },
    /// The tables cannot be made.
    #[error("DATABASE_URL: cannot prepare the tables: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database does not answer, or says no.
    #[error("DATABASE_URL: the database does not open: {0}")]
    Connect(#[from] sqlx::Error),
}

/// Held as long as the process serves a SQLite file.
#[derive(Debug)]
pub struct Lock(
    #[allow(dead_code, reason = "the lock lives as long as the open file")] Option<File>,
);

impl Store {
    /// Opens the database at an address.
    ///
    /// # Errors
    /// What is wrong and what to do about it.
    pub async fn open(address: &str, access: Access) -> Result<(Self, Lock), OpenError> {
        if address.starts_with("sqlite:") {
            open_sqlite(address, access).await
        } else if address.starts_with("postgres:") || address.starts_with("postgresql:") {
            Ok((open_postgres(address, access).await?, Lock(None)))
        } else {
            let scheme = address.split(':').next().unwrap_or_default();
            Err(OpenError::Address(format!("`{scheme}:…`")))
        }
    }
}

async fn open_sqlite(address: &str, access: Access) -> Result<(Store, Lock), OpenError> {
    let options = SqliteConnectOptions::from_str(address)
        .map_err(|_| OpenError::Address("the sqlite: address".to_owned()))?;
    let path = options.get_filename().to_owned();
    let lock = match access {
        Access::Serve => Lock(Some(lock(&path)?)),
        Access::Beside | Access::ReadOnly if !path.exists() => {
            return Err(OpenError::Missing(path));
        }
        Access::Beside | Access::ReadOnly => Lock(None),
    };
    let options = options
        .create_if_missing(access == Access::Serve)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL loses acknowledged commits at a power cut (DESIGN §2: 723 of 892).
        .synchronous(SqliteSynchronous::Full)
        // [`Wal`] does it, outside of anybody's commit.
        .pragma("wal_autocheckpoint", "0")
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .optimize_on_close(false, None);
    let reading = options.clone().read_only(true);
    // It must not wait long for a reader: while it waits, it keeps the writers out.
    let brief = Duration::from_millis(100);
    let folder = pool(1).connect_lazy_with(options.clone().busy_timeout(brief));
    let wal = Wal::new(&path, folder, Disk::default());
    if access == Access::ReadOnly {
        let readers = pool(2).connect_with(reading).await?;
        refuse_newer_sqlite(&readers).await?;
        let writer = readers.clone();
        let store = Store::Sqlite {
            writer,
            turn: Turn::default(),
            readers,
            wal,
            clock: Clock::machine(),
        };
        return Ok((store, lock));
    }
    let writer = pool(1).connect_with(options).await?;
    refuse_newer_sqlite(&writer).await?;
    if access == Access::Serve {
        migrations(&SHARED).run(&writer).await?;
        migrations(&SQLITE).run(&writer).await?;
    }
    let readers = pool(4).connect_lazy_with(reading);
    let store = Store::Sqlite {
        writer,
        turn: Turn::default(),
        readers,
        wal,
        clock: Clock::machine(),
    };
    Ok((store, lock))
}

fn pool(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .acquire_timeout(PATIENCE)
        // A file does not hang up.
        .test_before_acquire(false)
        .after_release(|connection, _| {
            Box::pin(async move {
                // A commit that the disk refused leaves the driver in a transaction that SQLite has
                // ended: such a connection can begin no other, and is closed. The ping comes back
                // when the rollback of a dropped transaction is done.
                if connection.is_in_transaction() {
                    connection.ping().await?;
                }
                Ok(!connection.is_in_transaction())
            })
        })
}

async fn open_postgres(address: &str, access: Access) -> Result<Store, OpenError> {
    let options = PgConnectOptions::from_str(address)
        .map_err(|_| OpenError::Address("the postgres: address".to_owned()))?
        .application_name("syncgate")
        // Whoever holds a lock for ever must not hold the door: the wait is bounded, as on SQLite.
        .options([("lock_timeout", "10s")]);
    // The pool tries again until its time is over, and then only says that it was; one connection
    // says at once what is wrong.
    let first = tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options)).await;
    let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    first.map_err(late)??.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await?;
    refuse_newer_postgres(&pool).await?;
    if access == Access::Serve {
        migrations(&SHARED).run(&pool).await?;
        migrations(&POSTGRES).run(&pool).await?;
    }
    Ok(Store::Postgres(pool))
}

/// The shared and the engine's own migrations are kept in one table, each a stranger to the other.
fn migrations(these: &'static Migrator) -> Migrator {
    let mut these = Migrator {
        migrations: these.migrations.clone(),
        ..Migrator::DEFAULT
    };
    these.set_ignore_missing(true);
    these
}

/// The newest migration of this program.
pub(super) fn known() -> i64 {
    let all = [&SHARED, &SQLITE, &POSTGRES];
    all.iter()
        .flat_map(|m| m.iter())
        .map(|m| m.version)
        .max()
        .unwrap_or(0)
}

async fn refuse_newer_sqlite(pool: &SqlitePool) -> Result<(), OpenError> {
    let table: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations'")
            .fetch_optional(pool)
            .await?;
    if table.is_none() {
        return Ok(());
    }
    let found: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(pool)
        .await?;
    refuse_newer(found)
}

async fn refuse_newer_postgres(pool: &PgPool) -> Result<(), OpenError> {
    let table: Option<String> = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations')::text")
        .fetch_one(pool)
        .await?;
    if table.is_none() {
        return Ok(());
    }
    let found: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(pool)
        .await?;
    refuse_newer(found)
}

fn refuse_newer(found: Option<i64>) -> Result<(), OpenError> {
    match found {
        Some(found) if found > known() => Err(OpenError::Newer {
            found,
            known: known(),
        }),
        _ => Ok(()),
    }
}

/// A lock on a file beside the database, which the system frees however the process ends. SQLite's
/// own locks come and go with each transaction and cannot tell a second service.
fn lock(database: &Path) -> Result<File, OpenError> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| OpenError::File {
            path: path.clone(),
            source,
        })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::Taken(database.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(OpenError::File { path, source }),
    }
}
