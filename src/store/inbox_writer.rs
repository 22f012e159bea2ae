//! The one writer of deliveries: many requests, one commit.
//!
//! A commit costs an fsync, however many rows it holds; so whatever came in while the last one was
//! under way goes into the next (SPEC I3, `reference/performance.md` §2.3). Under no load a request
//! is alone in its commit and waits for nobody.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Database, Encode, QueryBuilder, Type};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::inbox::LEASE;
use super::{Arrival, Arrived, Error, Result, Store, Tx, on};

/// Deliveries in one commit at most; the statement's parameters stay far below both engines' limits.
const GROUP: usize = 256;
/// Deliveries that may wait for the writer; beyond it the door answers 503.
const QUEUE: usize = 4_096;

type Waiting = (
    Arrival,
    oneshot::Sender<std::result::Result<Arrived, Arc<Error>>>,
);

/// Why a delivery could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum WriterGone {
    /// Too many wait already.
    #[error("too many deliveries wait to be stored")]
    Full,
    /// The writer has ended; the process is about to.
    #[error("the inbox writer has ended")]
    Ended,
    /// The database said no, to the whole group.
    #[error("{0}")]
    Store(Arc<Error>),
}

/// The door's handle to the writer.
#[derive(Clone, Debug)]
pub struct InboxWriter {
    queue: mpsc::Sender<Waiting>,
    last_group: LastGroup,
}

/// When the last group was written, and how many deliveries were in it.
type LastGroup = Arc<Mutex<(Option<Instant>, usize)>>;

/// A group says something about the present for so long.
const RECENT: Duration = Duration::from_millis(100);

impl InboxWriter {
    /// A handle, and the loop that must run for it; the loop ends when every handle is gone.
    pub fn new(store: Store) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let last_group = LastGroup::default();
        let writer = Self {
            queue,
            last_group: last_group.clone(),
        };
        (writer, run(store, waiting, last_group))
    }

    /// Stores a delivery; when this returns, it survives a crash.
    ///
    /// # Errors
    /// When it is not durable: the sender must be told so.
    pub async fn store(&self, arrival: Arrival) -> std::result::Result<Arrived, WriterGone> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .try_send((arrival, answer))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => WriterGone::Full,
                mpsc::error::TrySendError::Closed(_) => WriterGone::Ended,
            })?;
        let stored = answered.await.map_err(|_| WriterGone::Ended)?;
        stored.map_err(WriterGone::Store)
    }

    /// How many deliveries shared the commit of this moment: how hard the door is pressed.
    pub fn pressure(&self) -> usize {
        let (at, group) = *self
            .last_group
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if at.is_some_and(|at| at.elapsed() < RECENT) {
            group
        } else {
            0
        }
    }
}

async fn run(store: Store, mut waiting: mpsc::Receiver<Waiting>, last_group: LastGroup) {
    let mut group = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        *last_group.lock().unwrap_or_else(PoisonError::into_inner) =
            (Some(Instant::now()), group.len());
        let (arrivals, answers): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        match write(&store, &arrivals).await {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // A requester that hung up needs no answer: its row is durable all the same.
                    let _ = answer.send(Ok(outcome));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }
}

async fn write(store: &Store, arrivals: &[Arrival]) -> Result<Vec<Arrived>> {
    match insert(store, arrivals).await {
        Ok(()) => Ok(vec![Arrived::New; arrivals.len()]),
        // Some came before, which is rare: once more, one by one, to tell which. A database that is
        // locked is not asked twice: whoever sent these waits.
        Err(error) if error.is_taken() => write_each(store, arrivals).await,
        Err(error) => Err(error),
    }
}

/// Stores all or none. A statement by itself is a transaction: that spares the engine a journal of
/// its own for it, and us two of three switches to the driver's thread and back.
async fn insert(store: &Store, arrivals: &[Arrival]) -> Result<()> {
    store.disk().check()?;
    let held_for = store.lasting(LEASE);
    match store {
        Store::Sqlite { writer, wal, .. } => {
            let mut all = insertion(arrivals, held_for);
            let stored = all.build().execute(writer).await;
            wal.heard(&stored);
            stored?;
        }
        Store::Postgres(pool) => {
            let mut all = insertion(arrivals, held_for);
            all.build().execute(pool).await?;
        }
    }
    Ok(())
}

async fn write_each(store: &Store, arrivals: &[Arrival]) -> Result<Vec<Arrived>> {
    let held_for = store.lasting(LEASE);
    let mut tx = store.begin_ahead().await?;
    let mut outcomes = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        let stored = on!(tx, conn => {
            let mut one = insertion(std::slice::from_ref(arrival), held_for);
            let one = one.push(" ON CONFLICT DO NOTHING").build();
            one.execute(conn).await.map(|done| done.rows_affected())
        })?;
        outcomes.push(match stored {
            0 => again(&mut tx, arrival).await?,
            _ => Arrived::New,
        });
    }
    tx.commit().await?;
    Ok(outcomes)
}

fn insertion<DB>(arrivals: &[Arrival], held_for: TimeDelta) -> QueryBuilder<DB>
where
    DB: Database,
    for<'a> &'a str: Encode<'a, DB> + Type<DB>,
    for<'a> DateTime<Utc>: Encode<'a, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new(
        "INSERT INTO inbox (key, route, received_at, body, raw_sha256, lane, run_after) ",
    );
    query.push_values(arrivals, |mut row, arrival| {
        let run_after = match arrival.held {
            true => arrival.received_at + held_for,
            false => arrival.received_at,
        };
        row.push_bind(arrival.key.as_str())
            .push_bind(arrival.route)
            .push_bind(arrival.received_at)
            .push_bind(arrival.body.as_str())
            .push_bind(arrival.raw_sha256.as_str())
            .push_bind(arrival.lane.as_str())
            .push_bind(run_after);
    });
    query
}

/// A delivery that was not stored: its key is taken, by the same body or by another one. What says
/// the same in other bytes is the same: over HTTP and over a socket it is spelled differently.
async fn again(tx: &mut Tx, arrival: &Arrival) -> Result<Arrived> {
    let stored: Option<(String, String)> = on!(tx, conn => sqlx::query_as(
        "SELECT raw_sha256, body FROM inbox WHERE key = $1",
    )
    .bind(&arrival.key)
    .fetch_optional(conn)
    .await)?;
    let same = stored
        .is_some_and(|(raw_sha256, body)| raw_sha256 == arrival.raw_sha256 || body == arrival.body);
    Ok(if same {
        Arrived::Again
    } else {
        Arrived::Forged
    })
}
