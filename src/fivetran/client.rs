//! The client: a few reads that may be repeated, and one write that never is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use chrono::{DateTime, Utc};
use reqwest::{Client, Method, Request};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::budget::{Door, Priority, Shut};
use super::outcome::{self, Sent};
use super::read::{Get, ReadError, decode, odd, says_not_found};
use super::transport::{self, ACCEPT_CONNECTION, ACCEPT_PLAIN, ANSWER_LIMIT, Answer};
use super::wire::{AccountWire, ConnectionWire, GroupWire, Page};
use crate::model::{Action, Call, Connection, ConnectionId, Ctx, Group};

/// How to reach Fivetran.
pub struct Settings {
    /// The base of the REST API, without `/v1`.
    pub base: Url,
    /// The API key.
    pub key: String,
    /// The API secret.
    pub secret: SecretString,
    /// For one request, from connecting to the last byte. Fivetran's own PATCH can take 60 s
    /// (docs: troubleshooting/pause-connector-500-error), so this must be longer.
    pub timeout: Duration,
}

impl Settings {
    /// The time-out to use unless there is a reason for another.
    pub const TIMEOUT: Duration = Duration::from_secs(90);
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base", &self.base.as_str())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Whose account the key opens (`GET /v1/account/info`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's id.
    pub id: String,
    /// Its name; the id, if it has none.
    pub name: String,
    /// The user or the system key that the key belongs to.
    pub identity: Option<String>,
}

/// An answer that tells who we are and how late it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Whose account the key opens.
    pub account: Account,
    /// Fivetran's clock, to the second.
    pub date: Option<DateTime<Utc>>,
}

/// The typed Fivetran client. It can make the calls of [`Call`] and of
/// [`HookCall`](crate::model::HookCall) and no other change; clones share
/// their connections and what they know of the rate limit.
#[derive(Clone)]
pub struct FivetranClient(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) ctx: Ctx,
    pub(super) reading: Client,
    writing: Client,
    pub(super) door: Door,
}

impl fmt::Debug for FivetranClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FivetranClient")
            .field(&self.0.settings)
            .finish()
    }
}

impl FivetranClient {
    /// A client for one account. Nothing is sent yet.
    ///
    /// # Errors
    /// When the address cannot be used or the process has no TLS provider.
    pub fn new(settings: Settings, ctx: Ctx) -> anyhow::Result<Self> {
        transport::check_base(&settings.base)?;
        ensure!(
            rustls::crypto::CryptoProvider::get_default().is_some(),
            "no TLS provider is installed in this process"
        );
        Ok(Self(Arc::new(Inner {
            reading: transport::reading(&settings.base, settings.timeout)?,
            writing: transport::writing(&settings.base, settings.timeout)?,
            settings,
            ctx,
            door: Door::default(),
        })))
    }

    /// Whose account the key opens.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn account(&self) -> Result<Account, ReadError> {
        Ok(self.greet().await?.account)
    }

    /// Whose account the key opens, and what time it is there.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn greet(&self) -> Result<Greeting, ReadError> {
        let get = Get {
            path: "/v1/account/info",
            query: Vec::new(),
            accept: ACCEPT_PLAIN,
            limit: ANSWER_LIMIT,
        };
        let answer = self.fetch(&get, Priority::People).await?;
        let wire: AccountWire = decode(&get, &answer)?;
        let date = answer.headers.get("date").and_then(|v| v.to_str().ok());
        let date = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok());
        Ok(Greeting {
            account: Account {
                name: wire.account_name.unwrap_or_else(|| wire.account_id.clone()),
                id: wire.account_id,
                identity: wire.user_id.or(wire.system_key_id),
            },
            date: date.map(|at| at.with_timezone(&Utc)),
        })
    }

    /// Whether the key may list connections, and whether there is one.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn sees_connections(&self) -> Result<bool, ReadError> {
        let get = Get {
            path: "/v1/connections",
            query: vec![("limit", "1".to_owned())],
            accept: ACCEPT_CONNECTION,
            limit: ANSWER_LIMIT,
        };
        let answer = self.fetch(&get, Priority::People).await?;
        let page: Page<ConnectionWire> = decode(&get, &answer)?;
        Ok(!page.items.is_empty())
    }

    /// All groups that the key can see.
    ///
    /// # Errors
    /// See [`ReadError`]; half a list is an error, never a shorter list.
    pub async fn groups(&self, who: Priority) -> Result<Vec<Group>, ReadError> {
        let read = |wire: GroupWire, _| Some(Group::from(wire));
        let id = |group: &Group| group.id.as_str().to_owned();
        self.list("/v1/groups", ACCEPT_PLAIN, who, read, id).await
    }

    /// All connections that the key can see, with their whole status. One that cannot be read is
    /// left out and counted in the log.
    ///
    /// # Errors
    /// See [`ReadError`]; half a list is an error, never a shorter list.
    pub async fn connections(&self, who: Priority) -> Result<Vec<Connection>, ReadError> {
        let read = ConnectionWire::into_model;
        let id = |connection: &Connection| connection.id.as_str().to_owned();
        self.list("/v1/connections", ACCEPT_CONNECTION, who, read, id)
            .await
    }

    /// One connection; `None` if Fivetran says that it does not exist.
    ///
    /// # Errors
    /// See [`ReadError`]. A 404 that is not Fivetran's (a proxy's page, say) is an error too: it
    /// must not look like a deleted connection.
    pub async fn connection(
        &self,
        id: &ConnectionId,
        who: Priority,
    ) -> Result<Option<Connection>, ReadError> {
        // A connection is read where it is changed.
        let path = Call::of(&Action::Resume).path(id);
        let get = Get {
            path: &path,
            query: Vec::new(),
            accept: ACCEPT_CONNECTION,
            limit: ANSWER_LIMIT,
        };
        // What is read is at least as new as this; how much newer, nobody knows.
        let read_at = self.0.ctx.now();
        let answer = self.fetch(&get, who).await?;
        if answer.status == 404 && answer.body.as_deref().is_ok_and(says_not_found) {
            return Ok(None);
        }
        let wire: ConnectionWire = decode(&get, &answer)?;
        let Some(read) = wire.into_model(read_at) else {
            return Err(odd(&get, &answer, "not a connection that we can read"));
        };
        if read.id != *id {
            return Err(odd(&get, &answer, "the answer is about another connection"));
        }
        Ok(Some(read))
    }

    /// Makes a change: at most one request, with exactly the bytes of [`Call::body`], never
    /// repeated here, no redirect followed. The answer says what is known of it.
    pub async fn send(&self, id: &ConnectionId, call: &Call) -> Sent {
        let (method, path) = (call.method(), call.path(id));
        let sent = self.write(method, &path, ACCEPT_CONNECTION, call.body());
        match sent.await {
            Ok(answer) => {
                outcome::of_answer(&format!("{method} {path}"), Some(id.as_str()), &answer)
            }
            Err(sent) => sent,
        }
    }

    /// Sends one request that changes something. Gives the answer, unless none came or it was a 429.
    pub(super) async fn write(
        &self,
        method: &'static str,
        path: &str,
        accept: &'static str,
        body: String,
    ) -> Result<Answer, Sent> {
        let inner = &*self.0;
        let now = inner.ctx.now();
        if let Err(Shut::Throttled(until) | Shut::Budget(until)) =
            inner.door.pass(Priority::People, now)
        {
            let retry_after = (until - now).to_std().unwrap_or_default();
            return Err(Sent::Throttled { retry_after });
        }
        let request = Method::from_bytes(method.as_bytes())
            .map_err(|_| "not an HTTP method".to_owned())
            .and_then(|method| self.request(&inner.writing, method, path, accept, Some(body)))
            .map_err(|why| Sent::NotSent { why })?;
        let answer = transport::exchange(&inner.writing, request, ANSWER_LIMIT)
            .await
            .map_err(|error| outcome::without_answer(&format!("{method} {path}"), &error))?;
        match self.learn(&answer) {
            Some(retry_after) => Err(Sent::Throttled { retry_after }),
            None => Ok(answer),
        }
    }

    /// Takes the rate limit from an answer; for a 429, how long to wait.
    pub(super) fn learn(&self, answer: &Answer) -> Option<Duration> {
        let now = self.0.ctx.now();
        self.0.door.learn(answer.status, &answer.headers, now)
    }

    pub(super) fn request(
        &self,
        http: &Client,
        method: Method,
        path: &str,
        accept: &'static str,
        body: Option<String>,
    ) -> Result<Request, String> {
        let settings = &self.0.settings;
        let url = transport::address(&settings.base, path)?;
        let credentials = (settings.key.as_str(), settings.secret.expose_secret());
        transport::request(http, method, url, accept, credentials, body)
    }
}
