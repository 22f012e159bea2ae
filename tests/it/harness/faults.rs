//! Bad days: services that go away, a process that dies in the middle of a call.

use std::time::Duration;

use syncgate::app::Ran;
use syncgate::model::Clock;
use syncgate::sim::fault::{Fault, FaultKind, Faults};
use syncgate::sim::ledger::{Ledger, Service};
use syncgate::sim::serve::serve;
use syncgate::sim::slack::{Message, plain};

use super::people::ANA;
use super::{CHANNEL, World};

impl World {
    /// The messages of the channel that stand in no thread, oldest first.
    pub fn roots(&self) -> Vec<Message> {
        let mut all = self.slack.messages(CHANNEL);
        all.retain(|m| m.thread_ts.is_none());
        all
    }

    /// The newest of them, as a person sees it.
    pub fn top(&self) -> String {
        self.roots().last().map(plain).unwrap_or_default()
    }

    /// The state word that the card with this text begins with.
    pub fn word_of(&self, text: &str) -> String {
        let mut cards = self.roots();
        cards.retain(|m| plain(m).contains(text));
        let fallback = cards.last().map(|m| m.text.clone()).unwrap_or_default();
        let word = fallback.split(':').next();
        word.unwrap_or_default().to_owned()
    }

    /// The state word of the newest card.
    pub fn word(&self) -> String {
        self.word_of("")
    }

    /// Ana asks, and these people approve.
    pub async fn approved(&self, command: &str, by: &[&str]) {
        self.command(ANA, command).await;
        for user in by {
            self.click(user, "Approve").await;
        }
    }

    /// Until it is cleared, this happens to requests of this method whose path contains this.
    pub fn always(&self, service: Service, method: &str, path: &str, kind: FaultKind) {
        self.faults
            .add(Fault::always(service, path, kind).on(method));
    }

    /// What arrived at Slack for this method of its Web API.
    pub fn slack_calls(&self, method: &str) -> Vec<serde_json::Value> {
        let path = format!("/api/{method}");
        let entries = self.ledger.entries().into_iter();
        entries
            .filter(|e| e.service == Service::Slack && e.path.starts_with(&path))
            .map(|e| e.json())
            .collect()
    }

    /// How many requests Fivetran got in all.
    pub fn fivetran_requests(&self) -> usize {
        let entries = self.ledger.entries();
        let at_fivetran = entries.iter().filter(|e| e.service == Service::Fivetran);
        at_fivetran.count()
    }

    /// Moves the clock and lets every worker run, second by second and no longer.
    pub async fn seconds(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            while self.round().await {}
        }
    }

    /// The clock jumps, and everything that is due by then happens.
    pub async fn later(&self, span: Duration) {
        self.clock.advance(span);
        self.settle().await;
    }

    /// A command is typed and everything happens that is due in this second.
    pub async fn command_now(&self, user: &str, text: &str) -> bool {
        let ack = self.slack.command(user, CHANNEL, text).await;
        while self.round().await {}
        ack.ok()
    }

    /// A button is pressed and the delivery handled; no action is begun.
    pub async fn decided(&self, user: &str, label: &str) {
        assert!(self.press(user, label).await.ok());
        self.take_up().await;
    }

    /// What waits in the inbox is handled, and the process dies while the call that follows is on
    /// the wire: it has had its effect (or not), and no byte of an answer came. Then it starts again.
    pub async fn dies_in_the_call(&mut self, apply: bool) {
        let (calls, effects) = (self.writes().len(), self.fivetran.effects().len());
        self.fault_on_write(FaultKind::Hang { apply });
        let app = self.app().clone();
        self.take_up().await;
        let worker =
            tokio::spawn(async move { while app.run_step().await.unwrap() == Ran::Ran {} });
        let under_way = async {
            while self.writes().len() == calls
                || (apply && self.fivetran.effects().len() == effects)
            {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), under_way)
            .await
            .expect("no call was made");
        worker.abort();
        let _ = worker.await;
        self.faults.clear();
        self.restart().await;
    }

    /// The service of this name refuses connections from now on.
    pub async fn down(&mut self, service: Service) {
        let clock = Clock::machine();
        let elsewhere = serve(
            service,
            axum::Router::new(),
            Ledger::new(),
            Faults::new(),
            std::sync::Arc::new(move || clock.now()),
            ([127, 0, 0, 1], 0).into(),
        );
        let index = index(service);
        let address = self._servers[index].addr();
        self._servers[index] = elsewhere.await.unwrap();
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// It is back, as if nothing had been.
    pub async fn up(&mut self, service: Service) {
        let (base, router) = match service {
            Service::Slack => (&self.settings.slack_api, self.slack.router()),
            _ => (&self.settings.fivetran.api, self.fivetran.router()),
        };
        let address = base.socket_addrs(|| None).unwrap()[0];
        let clock = self.clock.clone();
        let server = serve(
            service,
            router,
            self.ledger.clone(),
            self.faults.clone(),
            std::sync::Arc::new(move || clock.now()),
            address,
        );
        self._servers[index(service)] = server.await.unwrap();
    }
}

fn index(service: Service) -> usize {
    usize::from(service != Service::Slack)
}
