//! One connection, from its hello to its end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::frame::{self, Ack, Envelope, Frame};
use super::link::{Link, Trouble};
use super::{Status, Times, stopped};

/// Envelopes of one connection that are handled side by side; more are not taken, and come again.
const AT_ONCE: usize = 256;
/// What is to be sent is sent within this time, or nobody listens.
const SEND: Duration = Duration::from_secs(5);
/// How long what is under way may take when a connection ends. A form's errors take 2.5 s.
const FINISH: Duration = Duration::from_secs(4);

/// Why a connection is to be replaced.
#[derive(Debug)]
pub(super) enum Ending {
    /// Slack wants it so; it goes on until it is.
    Refresh,
    /// It is gone, or Socket Mode is off.
    Gone(Trouble),
}

impl Ending {
    /// What went wrong, if something did.
    pub fn trouble(self) -> Option<Trouble> {
        match self {
            Self::Refresh => None,
            Self::Gone(trouble) => Some(trouble),
        }
    }
}

/// A connection while it is talked over.
pub(super) struct Talk<F> {
    link: Link,
    times: Times,
    take: Arc<F>,
    /// Told once, when a new connection is needed.
    ending: Option<oneshot::Sender<Ending>>,
    acks: mpsc::UnboundedSender<String>,
    to_send: mpsc::UnboundedReceiver<String>,
    places: Arc<Semaphore>,
    /// When something was last heard.
    heard: Instant,
    /// Whether we have asked since whether somebody is there.
    asked: bool,
}

impl<F, A> Talk<F>
where
    F: Fn(Envelope) -> A + Send + Sync + 'static,
    A: Future<Output = Option<Ack>> + Send + 'static,
{
    pub fn new(link: Link, times: Times, take: Arc<F>, ending: oneshot::Sender<Ending>) -> Self {
        let (acks, to_send) = mpsc::unbounded_channel();
        Self {
            link,
            times,
            take,
            ending: Some(ending),
            acks,
            to_send,
            places: Arc::new(Semaphore::new(AT_ONCE)),
            heard: Instant::now(),
            asked: false,
        }
    }

    /// Reads until the connection ends, or `stop` says so, or some time after its `successor`
    /// stands.
    pub async fn run(
        mut self,
        status: Arc<Status>,
        successor: oneshot::Receiver<()>,
        stop: watch::Receiver<bool>,
    ) {
        let _up = status.up();
        match self.read(successor, stop).await {
            Ok(()) => self.finish().await,
            Err(trouble) => self.tell(Ending::Gone(trouble)),
        }
    }

    /// Reads; an error when nobody is there any more.
    async fn read(
        &mut self,
        mut successor: oneshot::Receiver<()>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Trouble> {
        // Set once the successor stands: what Slack has sent here meanwhile is still taken.
        let mut leave: Option<Instant> = None;
        loop {
            let due = self.heard + self.times.quiet;
            let wake = leave.map_or(due, |leave| leave.min(due));
            tokio::select! {
                message = self.link.next() => {
                    self.heard = Instant::now();
                    self.asked = false;
                    self.hear(message)?;
                }
                Some(ack) = self.to_send.recv() => self.say(Message::text(ack)).await?,
                // An error says the same: whoever would have told is gone.
                _ = &mut successor, if leave.is_none() => {
                    leave = Some(Instant::now() + self.times.linger);
                }
                () = stopped(&mut stop) => return Ok(()),
                () = tokio::time::sleep_until(wake) => {
                    if leave.is_some_and(|leave| leave <= Instant::now()) {
                        return Ok(());
                    }
                    self.ask().await?;
                }
            }
        }
    }

    fn hear(&mut self, message: Option<Result<Message, Error>>) -> Result<(), Trouble> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            // The library answers pings by itself.
            Some(Ok(_)) => return Ok(()),
            Some(Err(Error::Capacity(_))) => return Err(Trouble::Lost("a frame was too long")),
            Some(Err(Error::Protocol(_) | Error::Utf8(_))) => {
                return Err(Trouble::Lost("it did not keep to the protocol"));
            }
            Some(Err(_)) => return Err(Trouble::Lost("the connection broke")),
            None => return Err(Trouble::Lost("closed by Slack")),
        };
        match frame::read(&text) {
            Frame::Envelope(envelope) => self.hand_over(envelope),
            Frame::Refresh => self.tell(Ending::Refresh),
            Frame::Disabled => return Err(Trouble::Disabled),
            Frame::Hello => {}
            Frame::Unknown => tracing::debug!("a frame that is none of Slack's was passed over"),
        }
        Ok(())
    }

    /// Handles an envelope in a task of its own: a slow one delays no other's acknowledgement.
    fn hand_over(&self, envelope: Envelope) {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            tracing::warn!("too many envelopes at one time; one was left for Slack to bring again");
            return;
        };
        let (take, acks) = (self.take.clone(), self.acks.clone());
        let ack = envelope.acker();
        tokio::spawn(async move {
            if let Some(answer) = take(envelope).await {
                // A connection that has ended meanwhile: Slack brings it again over another.
                let _ = acks.send(ack.frame(answer));
            }
            drop(place);
        });
    }

    /// Nothing was heard for a while: asks, and the second time gives the connection up.
    async fn ask(&mut self) -> Result<(), Trouble> {
        if std::mem::replace(&mut self.asked, true) {
            return Err(Trouble::Lost("nothing was heard of it for too long"));
        }
        self.heard = Instant::now();
        self.say(Message::Ping(Vec::new().into())).await
    }

    async fn say(&mut self, message: Message) -> Result<(), Trouble> {
        match tokio::time::timeout(SEND, self.link.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Trouble::Lost("it takes nothing any more")),
        }
    }

    fn tell(&mut self, why: Ending) {
        if let Some(ending) = self.ending.take() {
            // Nobody listens while the service is being stopped.
            let _ = ending.send(why);
        }
    }

    /// What is under way is still acknowledged; then the connection is closed.
    async fn finish(mut self) {
        let finishing = async {
            let under_way = u32::try_from(AT_ONCE).unwrap_or(u32::MAX);
            let places = self.places.clone();
            let mut all_done = std::pin::pin!(places.acquire_many(under_way));
            loop {
                tokio::select! {
                    biased;
                    Some(ack) = self.to_send.recv() => self.say(Message::text(ack)).await?,
                    _ = &mut all_done => break,
                }
            }
            // Sent by the last of them, before it gave back its place.
            while let Ok(ack) = self.to_send.try_recv() {
                self.say(Message::text(ack)).await?;
            }
            Ok::<_, Trouble>(())
        };
        let _ = tokio::time::timeout(FINISH, finishing).await;
        let _ = tokio::time::timeout(Duration::from_secs(1), self.link.close(None)).await;
    }
}
