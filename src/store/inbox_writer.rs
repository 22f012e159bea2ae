//! The one writer of deliveries: many requests, one commit.
//!
//! A commit costs an fsync, however many rows it holds; so whatever came in while the last one was
//! under way goes into the next (SPEC I3, `reference/performance.md` §2.3). Under no load a request
//! is alone in its commit and waits for nobody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::QueryBuilder;
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
    let mut tx = store.begin().await?;
    let mut fresh: HashMap<String, usize> = HashMap::new();
    for key in insert(&mut tx, arrivals).await? {
        *fresh.entry(key).or_default() += 1;
    }
    let mut outcomes = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        // Of two equal keys in one group the first was stored.
        let outcome = match fresh.get_mut(&arrival.key) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Arrived::New
            }
            _ => again(&mut tx, arrival).await?,
        };
        outcomes.push(outcome);
    }
    tx.commit().await?;
    Ok(outcomes)
}

async fn insert(tx: &mut Tx, arrivals: &[Arrival]) -> Result<Vec<String>> {
    Ok(on!(tx, conn => {
        let mut query = QueryBuilder::new(
            "INSERT INTO inbox (key, route, received_at, body, raw_sha256, signature, lane, run_after) ",
        );
        query.push_values(arrivals, |mut row, arrival| {
            let run_after =
                if arrival.held { arrival.received_at + LEASE } else { arrival.received_at };
            row.push_bind(&arrival.key)
                .push_bind(arrival.route)
                .push_bind(arrival.received_at)
                .push_bind(&arrival.body)
                .push_bind(&arrival.raw_sha256)
                .push_bind(&arrival.signature)
                .push_bind(arrival.lane.as_str())
                .push_bind(run_after);
        });
        query.push(" ON CONFLICT DO NOTHING RETURNING key");
        query.build_query_scalar::<String>().fetch_all(conn).await
    })?)
}

/// A delivery that was not stored: its key is taken, by the same body or by another one; or its key
/// is free and its signature is taken, so that somebody sends what Slack signed for another request.
async fn again(tx: &mut Tx, arrival: &Arrival) -> Result<Arrived> {
    let stored: Option<String> = on!(tx, conn => sqlx::query_scalar(
        "SELECT raw_sha256 FROM inbox WHERE key = $1",
    )
    .bind(&arrival.key)
    .fetch_optional(conn)
    .await)?;
    Ok(if stored.as_deref() == Some(arrival.raw_sha256.as_str()) {
        Arrived::Again
    } else {
        Arrived::Forged
    })
}
