//! One request out and one answer in, bounded in time and size, with the status kept whatever the
//! body is: async-openai's own path loses it, waits as long as it is told, and reads without an end
//! (`reference/llm.md` §3).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, redirect, retry};
use secrecy::SecretString;
use tower::Service;
use url::{Host, Url};

/// The most of an answer that is read: the longest of the right form has some KiB.
const LIMIT: usize = 256 << 10;
/// The most of a complaint that is read and looked at.
const COMPLAINT: usize = 2_000;

/// What a server said instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerSaid {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// Only to find out what it complains of; never shown or kept.
    pub body: String,
}

impl fmt::Display for ServerSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)
    }
}

impl std::error::Error for ServerSaid {}

/// An answer longer than any of the right form.
#[derive(Debug, thiserror::Error)]
#[error("the answer is larger than {} KiB", LIMIT >> 10)]
pub(super) struct TooLarge;

/// Where the server is and what it wants to see. Everything is set here: async-openai's own
/// configurations take what is not from the environment.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub base: String,
    pub headers: HeaderMap,
    pub query: Vec<(String, String)>,
    /// The trait asks for one; the header holds the real one.
    pub key: SecretString,
}

impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        self.query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// The client for requests to this address.
pub(super) fn http(base: &Url, timeout: Duration) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .user_agent(concat!("syncgate/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeout.min(Duration::from_secs(5)))
        .timeout(timeout)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .http1_only();
    let local = match base.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if local { builder.no_proxy() } else { builder }.build()
}

/// A header's value that nothing prints.
pub(super) fn secret_header(value: &str) -> anyhow::Result<HeaderValue> {
    let mut value = HeaderValue::from_str(value)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The transport under async-openai.
#[derive(Clone)]
pub(super) struct Transport(pub Client);

impl Service<HttpRequestFactory> for Transport {
    type Response = Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let http = self.0.clone();
        Box::pin(async move {
            let mut response = http.execute(request.build().await?).await?;
            let status = response.status();
            if status.is_success() {
                let (body, whole) = read(&mut response, LIMIT).await?;
                if !whole {
                    return Err(OpenAIError::Boxed(Box::new(TooLarge)));
                }
                let bounded = axum::http::Response::builder().status(status).body(body);
                let bounded = bounded.map_err(|error| OpenAIError::Boxed(Box::new(error)))?;
                return Ok(Response::from(bounded));
            }
            let retry_after = seconds(response.headers());
            let body = read(&mut response, COMPLAINT).await;
            let (body, _) = body.unwrap_or_default();
            Err(OpenAIError::Boxed(Box::new(ServerSaid {
                status: status.as_u16(),
                retry_after,
                body: String::from_utf8_lossy(&body).into_owned(),
            })))
        })
    }
}

/// The body up to `limit`, and whether that is all of it.
async fn read(response: &mut Response, limit: usize) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let left = limit - body.len();
        if chunk.len() > left {
            body.extend_from_slice(&chunk[..left]);
            return Ok((body, false));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body, true))
}

fn seconds(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}
