//! The world in Socket Mode.

use std::time::Duration;

use syncgate::slack::SlackClient;
use syncgate::slack::socket::{Line, Times};

use super::{APP_TOKEN, World};

/// As in the service, but nobody waits long.
const TIMES: Times = Times {
    open: Duration::from_secs(10),
    quiet: Duration::from_millis(400),
    linger: Duration::from_millis(300),
    first_wait: Duration::from_millis(20),
    longest_wait: Duration::from_millis(200),
};

impl World {
    pub(super) fn line(&self) -> Line {
        let token = self.settings.slack_app_token.clone().unwrap();
        let client = SlackClient::new(&self.settings.slack_api, token).unwrap();
        Line::new(client).with(2, TIMES)
    }

    /// From now on everything comes over sockets.
    pub async fn use_sockets(&mut self) {
        self.slack.use_sockets(APP_TOKEN);
        self.crash().await;
        self.by_socket = true;
        self.start().await;
        self.until_up(2).await;
    }

    /// Waits until so many connections stand.
    pub async fn until_up(&self, count: usize) {
        self.until("connections", || self.slack.sockets().len() == count)
            .await;
    }

    /// Waits until something is so.
    pub async fn until(&self, what: &str, so: impl Fn() -> bool) {
        let waiting = async {
            while !so() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        assert!(waited.is_ok(), "{what}: {:?}", self.slack.sockets());
    }
}
