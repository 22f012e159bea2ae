//! The address of a Socket Mode connection.

use secrecy::SecretString;
use serde_json::json;

use super::{SlackClient, SlackError, required};

impl SlackClient {
    /// Asks for a new Socket Mode connection (`apps.connections.open`); the client's token must be
    /// the app's, `xapp-…`. The address holds a ticket and is never to be logged.
    ///
    /// # Errors
    /// See [`SlackError`]; it can always be repeated.
    pub async fn open_connection(&self) -> Result<SecretString, SlackError> {
        let answer = self.post_json("apps.connections.open", &json!({})).await?;
        Ok(required(&answer, "/url")?.into())
    }

    /// Whether the Web API that this client speaks to is on this machine, as in tests and the demo.
    pub fn is_local(&self) -> bool {
        let local = |host| matches!(host, "127.0.0.1" | "localhost" | "[::1]");
        self.base.scheme() == "http" && self.base.host_str().is_some_and(local)
    }
}
