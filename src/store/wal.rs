//! SQLite's write-ahead log: folded into the database file beside the commits, and what its disk
//! said on the way.
//!
//! SQLite would fold it inside whichever commit fills it, and that commit's sender would wait twice
//! as long (`reference/performance.md` §2.4). And it would keep to itself that the disk refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::SqlitePool;
use tokio_util::sync::CancellationToken;

use super::{Error, Result};

/// Commits that are worth folding once nobody writes. The size of the file would not tell, since a
/// folded log is written over from its beginning.
const FEW: usize = 100;
/// Commits that are folded although somebody writes. That costs the commits beside it some 50 ms,
/// for they wait for the same disk; the fewer the better, as long as the log stays in bounds (some
/// 100 MiB).
const MANY: usize = 4_000;
/// A log beyond this is emptied, for which writers wait a moment.
const TOO_LARGE: u64 = 512 << 20;

/// The log of one database file.
#[derive(Clone, Debug)]
pub struct Wal {
    path: Arc<Path>,
    /// A connection of its own, so that no commit waits for it.
    folder: SqlitePool,
    commits: Arc<Commits>,
    disk: Disk,
}

/// Commits since the log was last folded.
#[derive(Debug, Default)]
struct Commits {
    now: AtomicUsize,
    /// When it was last asked for.
    before: AtomicUsize,
}

/// Whether the disk still keeps what is written to it.
///
/// When an fsync fails, the system may drop the pages and call the next one a success: what was
/// acknowledged after that would be lost without a word. So one failure is the end of the process;
/// the next one reads from the disk what is there.
#[derive(Clone, Debug, Default)]
pub struct Disk(CancellationToken);

impl Wal {
    pub(super) fn new(database: &Path, folder: SqlitePool, disk: Disk) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self {
            path: PathBuf::from(path).into(),
            folder,
            commits: Arc::default(),
            disk,
        }
    }

    /// Takes note of a commit, or of what the disk said to it.
    pub(super) fn heard<T>(&self, committed: &sqlx::Result<T>) {
        match committed {
            Ok(_) => {
                self.commits.now.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => self.disk.heard(error),
        }
    }

    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Folds the log into the database if it has grown: in a quiet moment, or when it must be. Asked
    /// once a second.
    pub(super) async fn fold(&self) -> Result<()> {
        let size = tokio::fs::metadata(&self.path)
            .await
            .map_or(0, |file| file.len());
        let pragma = match size {
            TOO_LARGE.. => "PRAGMA wal_checkpoint(TRUNCATE)",
            _ if self.commits.are_worth_it() => "PRAGMA wal_checkpoint(PASSIVE)",
            _ => return Ok(()),
        };
        let folded = sqlx::query(pragma).execute(&self.folder).await;
        folded.inspect_err(|error| self.disk.heard(error))?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.folder.close().await;
    }
}

impl Commits {
    fn are_worth_it(&self) -> bool {
        let now = self.now.load(Ordering::Relaxed);
        let before = self.before.swap(now, Ordering::Relaxed);
        let worth_it = now >= MANY || (now >= FEW && now == before);
        if worth_it {
            self.now.store(0, Ordering::Relaxed);
            self.before.store(0, Ordering::Relaxed);
        }
        worth_it
    }
}

impl Disk {
    /// Takes note of what the database answered.
    fn heard(&self, error: &sqlx::Error) {
        if is_io_error(error) {
            self.0.cancel();
        }
    }

    /// # Errors
    /// When the disk failed: nothing more is read or written.
    pub(super) fn check(&self) -> Result<()> {
        if self.0.is_cancelled() {
            return Err(Error::DiskFailed);
        }
        Ok(())
    }

    /// Returns when the disk has failed.
    pub async fn failed(&self) {
        self.0.cancelled().await;
    }
}

/// `SQLITE_IOERR` (10) and its kinds, which hold it in their lowest byte.
fn is_io_error(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    let code: Option<u32> = error.code().and_then(|code| code.parse().ok());
    code.is_some_and(|code| code & 0xff == 10)
}
