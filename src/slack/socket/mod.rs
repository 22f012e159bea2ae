//! Socket Mode: Slack's requests over WebSockets that we open, so that no public address is needed.
//!
//! Several connections stand side by side; Slack sends each envelope over one of them. Each is
//! replaced before Slack closes it, and when nothing is heard of it any more. What is not
//! acknowledged in time Slack sends again, over any of them, so a connection that is lost loses
//! nothing.

mod frame;
mod link;
mod talk;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::SlackClient;
use link::Trouble;
use talk::{Ending, Talk};

pub use frame::{Ack, Envelope, Kind};

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// From asking for an address to Slack's hello.
    pub open: Duration,
    /// After so much silence we ask whether somebody is there; after as much again the connection
    /// is taken for dead. Slack pings every few seconds.
    pub quiet: Duration,
    /// How long a connection is still read after its successor stands.
    pub linger: Duration,
    /// The wait after the first failure; it doubles with each.
    pub first_wait: Duration,
    /// The longest wait between two tries.
    pub longest_wait: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            open: Duration::from_secs(15),
            quiet: Duration::from_secs(15),
            linger: Duration::from_secs(15),
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
        }
    }
}

/// A connection that ends earlier than this was none: the next one waits its turn.
const SHORT: Duration = Duration::from_secs(5);

/// Waits until the service is to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// How the connections are; shared with `/readyz`.
#[derive(Debug, Default)]
pub struct Status(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    up: usize,
    trouble: Option<String>,
}

impl Status {
    /// Why nothing can come in: no connection stands. `None` while one does.
    pub fn down(&self) -> Option<String> {
        let state = self.lock();
        let why = state.trouble.clone();
        (state.up == 0).then(|| why.unwrap_or_else(|| "not connected yet".to_owned()))
    }

    /// How many connections stand.
    pub fn connections(&self) -> usize {
        self.lock().up
    }

    fn up(self: &Arc<Self>) -> Up {
        let mut state = self.lock();
        state.up += 1;
        state.trouble = None;
        Up(self.clone())
    }

    /// Notes a trouble; says whether it is another one than before.
    fn note(&self, trouble: &Trouble) -> bool {
        let told = trouble.to_string();
        let before = self.lock().trouble.replace(told.clone());
        before.as_ref() != Some(&told)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection that stands.
struct Up(Arc<Status>);

impl Drop for Up {
    fn drop(&mut self) {
        self.0.lock().up -= 1;
    }
}

/// The connections to Slack.
#[derive(Clone)]
pub struct Line {
    client: SlackClient,
    status: Arc<Status>,
    connections: usize,
    times: Times,
}

impl Line {
    /// A line with two connections. `client` bears the app's token, `xapp-…`.
    pub fn new(client: SlackClient) -> Self {
        Self {
            client,
            status: Arc::default(),
            connections: 2,
            times: Times::default(),
        }
    }

    /// The same line with so many connections and other times.
    #[must_use]
    pub fn with(self, connections: usize, times: Times) -> Self {
        Self {
            connections,
            times,
            ..self
        }
    }

    /// How the connections are, now and later.
    pub fn status(&self) -> Arc<Status> {
        self.status.clone()
    }

    /// Keeps the connections up and hands each envelope to `take`, whose answer is the
    /// acknowledgement: without one Slack brings the envelope again. When `stop` says so, nothing
    /// more is read, what is under way is acknowledged, and this returns.
    pub async fn run<F, A>(self, take: F, stop: watch::Receiver<bool>)
    where
        F: Fn(Envelope) -> A + Send + Sync + 'static,
        A: Future<Output = Option<Ack>> + Send + 'static,
    {
        let take = Arc::new(take);
        let mut places = JoinSet::new();
        for _ in 0..self.connections {
            places.spawn(self.clone().keep(take.clone(), stop.clone()));
        }
        while places.join_next().await.is_some() {}
    }

    /// Keeps one connection up.
    async fn keep<F, A>(self, take: Arc<F>, mut stop: watch::Receiver<bool>)
    where
        F: Fn(Envelope) -> A + Send + Sync + 'static,
        A: Future<Output = Option<Ack>> + Send + 'static,
    {
        // The one in use, and those before it that Slack has not closed yet.
        let mut talks = JoinSet::new();
        // Dropped, or told: the one before may go.
        let mut before: Option<oneshot::Sender<()>> = None;
        let mut failures = 0;
        while !*stop.borrow() {
            let opened = tokio::select! {
                opened = link::open(&self.client, self.times.open) => opened,
                () = stopped(&mut stop) => break,
            };
            let (trouble, lived) = match opened {
                Ok(link) => {
                    let since = Instant::now();
                    let (ends, ended) = oneshot::channel();
                    let (successor, replaced) = oneshot::channel();
                    let talk = Talk::new(link, self.times, take.clone(), ends);
                    talks.spawn(talk.run(self.status.clone(), replaced, stop.clone()));
                    before = Some(successor);
                    let ending = tokio::select! {
                        ending = ended => ending.unwrap_or(Ending::Refresh),
                        () = stopped(&mut stop) => break,
                    };
                    (ending.trouble(), since.elapsed() >= SHORT)
                }
                Err(trouble) => (Some(trouble), false),
            };
            while talks.try_join_next().is_some() {}
            if let Some(trouble) = &trouble {
                self.tell(trouble);
            }
            failures = if lived { 0 } else { failures + 1 };
            let wait = self.wait(failures, trouble.as_ref());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stopped(&mut stop) => break,
            }
        }
        drop(before);
        while talks.join_next().await.is_some() {}
    }

    /// How long to wait before the next try: longer with each failure, and never in step with
    /// others.
    fn wait(&self, failures: u32, trouble: Option<&Trouble>) -> Duration {
        let Times {
            first_wait,
            longest_wait,
            ..
        } = self.times;
        if failures == 0 {
            return Duration::ZERO;
        }
        let doubled = first_wait.saturating_mul(1 << (failures - 1).min(16));
        let longest = trouble.is_some_and(Trouble::is_permanent);
        let wait = if longest {
            longest_wait
        } else {
            doubled.min(longest_wait)
        };
        let jittered = wait.mul_f64(0.5 + fastrand::f64() / 2.0);
        jittered.max(trouble.map_or(Duration::ZERO, Trouble::wait))
    }

    /// Tells of a trouble, once.
    fn tell(&self, trouble: &Trouble) {
        metrics::counter!("syncgate_slack_socket_troubles_total").increment(1);
        if !self.status.note(trouble) {
            tracing::debug!(%trouble, "Slack's socket, still");
        } else if trouble.is_permanent() {
            tracing::error!(%trouble, "nothing comes in over Slack's socket");
        } else {
            tracing::warn!(%trouble, "a connection of Slack's socket is opened anew");
        }
    }
}
