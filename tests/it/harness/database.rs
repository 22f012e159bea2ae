//! A fresh database for one world: a SQLite file, or a schema of its own on a PostgreSQL server.

use std::sync::OnceLock;
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor, PgPool};
use syncgate::model::{Clock, Ctx};
use syncgate::store::{Access, Lock, OpenError, Store};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::beside::{is_demanded, left_out};

/// A fresh database.
#[derive(Debug)]
pub enum Database {
    Sqlite(tempfile::TempDir),
    Postgres { server: String, schema: String },
}

const LOCAL: &str = "postgres://postgres@127.0.0.1:5432/test";

/// So many tests use the server at once. Each opens up to twenty connections (a service, the one that
/// died before it and still hangs up, the one that looks from beside), and a server as it comes out of
/// the box takes a hundred.
static SEATS: Semaphore = Semaphore::const_new(4);

impl Database {
    /// One of each engine that can be reached. `TEST_DATABASE_URL` names the server; without it a
    /// local one is tried; `SYNCGATE_REQUIRE_POSTGRES=1` makes its absence a failure.
    pub fn engines() -> Vec<Self> {
        let mut engines = vec![Self::Sqlite(folder())];
        if let Some(server) = server() {
            let schema = format!("t_{}", Ctx::new(Clock::machine()).new_id());
            engines.push(Self::Postgres { server, schema });
        }
        engines
    }

    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => {
                format!("sqlite://{}", folder.path().join("world.db").display())
            }
            Self::Postgres { server, schema } => {
                create(server, schema);
                format!(
                    "{server}?options=-c%20search_path%3D{schema}%20-c%20synchronous_commit%3Doff"
                )
            }
        }
    }

    /// Waits until the server has room for one more test; there is room as long as it is held.
    pub async fn seat(&self) -> Option<SemaphorePermit<'static>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres { .. } => Some(SEATS.acquire().await.unwrap()),
        }
    }

    pub async fn drop(self) {
        if let Self::Postgres { server, schema } = self {
            let pool = PgPool::connect(&server).await.unwrap();
            let drop = sqlx::AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"));
            pool.execute(sqlx::query(drop)).await.unwrap();
            pool.close().await;
        }
    }

    /// A pool beside the service's, for tampering and looking.
    pub async fn postgres(&self, url: &str) -> Option<PgPool> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres { .. } => Some(PgPool::connect(url).await.unwrap()),
        }
    }
}

/// A folder in memory where there is one: these tests commit some thousand times, and what a commit
/// costs on a disk tells them nothing. (That it reaches the disk is the crash tests' business.)
fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = memory
        .is_dir()
        .then(|| tempfile::tempdir_in(memory).ok())
        .flatten();
    made.unwrap_or_else(|| tempfile::tempdir().unwrap())
}

/// The PostgreSQL server of the tests, where there is one.
pub fn server() -> Option<String> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    SERVER
        .get_or_init(|| {
            let given = std::env::var("TEST_DATABASE_URL").ok();
            let required = given.is_some() || is_demanded("POSTGRES");
            let url = given.unwrap_or_else(|| LOCAL.to_owned());
            let reached = blocking(async {
                let pool = PgPoolOptions::new()
                    .acquire_timeout(std::time::Duration::from_secs(2))
                    .connect(&url)
                    .await;
                match pool {
                    Ok(pool) => {
                        pool.close().await;
                        true
                    }
                    Err(_) => false,
                }
            });
            match (reached, required) {
                (true, _) => Some(url),
                (false, true) => panic!("PostgreSQL is demanded, but {url} does not answer"),
                (false, false) => {
                    left_out(&format!("PostgreSQL: {url} does not answer"));
                    None
                }
            }
        })
        .clone()
}

fn create(server: &str, schema: &str) {
    blocking(async {
        let pool = PgPool::connect(server).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {schema}"));
        pool.execute(sqlx::query(create)).await.unwrap();
        pool.close().await;
    });
}

/// Runs a future on a thread of its own: the caller may be inside a runtime already.
fn blocking<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(work)
        });
        thread.join().unwrap()
    })
}

/// Opens a database for the service. A process that another test starts in this moment holds, until it
/// runs its program, what a service that has just ended let go: so it is tried for a while.
pub async fn opened(address: &str) -> (Store, Lock) {
    for _ in 0..250 {
        match Store::open(address, Access::Serve).await {
            Err(OpenError::Taken(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
            opened => return opened.unwrap(),
        }
    }
    panic!("{address} stays taken");
}
