//! The service's own door, spoken to by hand: any method, any header, any bytes.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{SIGNING_SECRET, WEBHOOK_SECRET, World};
use crate::beside::shared_text;

pub const FORM: &str = "application/x-www-form-urlencoded";
pub const JSON: &str = "application/json";

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

/// A request that is put together piece by piece.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// One more header of this name.
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().into()));
        self
    }

    /// This header with this value and no other.
    pub fn set(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.with(name, value)
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// HMAC-SHA256 of the parts, in lower-case hex.
pub fn hmac(secret: &str, parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    for part in parts {
        mac.update(part);
    }
    hex::encode(mac.finalize().into_bytes())
}

/// Slack's signature of a body at a time.
pub fn slack_signature(secret: &str, time: &str, body: &[u8]) -> String {
    format!(
        "v0={}",
        hmac(secret, &[b"v0:", time.as_bytes(), b":", body])
    )
}

/// A form of these fields.
pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// The big list of naughty strings.
pub fn naughty() -> Vec<String> {
    let text = shared_text("corpora/parsing/blns.json");
    text.map_or_else(Vec::new, |text| {
        let all: Vec<String> = serde_json::from_str(&text).unwrap();
        assert_eq!(all.len(), 515);
        all
    })
}

impl World {
    /// A body that Slack signed just now.
    pub fn as_slack(&self, path: &str, body: impl Into<Vec<u8>>) -> Request {
        let body = body.into();
        let time = self.now().timestamp().to_string();
        let kind = if path == "/slack/events" { JSON } else { FORM };
        Request::new("POST", path)
            .with("content-type", kind)
            .with("x-slack-request-timestamp", &time)
            .with(
                "x-slack-signature",
                slack_signature(SIGNING_SECRET, &time, &body),
            )
            .body(body)
    }

    /// A body that Fivetran signed.
    pub fn as_fivetran(&self, body: impl Into<Vec<u8>>) -> Request {
        let body = body.into();
        Request::new("POST", "/fivetran/webhooks")
            .with("content-type", JSON)
            .with(
                "x-fivetran-signature-256",
                hmac(WEBHOOK_SECRET, &[&body]).to_uppercase(),
            )
            .body(body)
    }

    /// Sends a request to the service as it stands.
    pub async fn send(&self, request: Request) -> Answer {
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        let url = format!("{}{}", self.service().url, request.path);
        let client = self.client.get_or_init(|| {
            let builder = reqwest::Client::builder().no_proxy();
            builder
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap()
        });
        let sent = client
            .request(request.method, url)
            .headers(headers)
            .body(request.body);
        let answer = sent.send().await.unwrap();
        Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await.unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::new("GET", path)).await
    }

    /// Writes bytes to the service's socket and reads until a whole head has come back: its first
    /// line.
    pub async fn send_bytes(&self, bytes: &[u8]) -> String {
        let address = self.service().url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The service may answer and close before it has taken everything.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let mut piece = [0; 1024];
        let heard = async {
            while !answer.windows(4).any(|w| w == b"\r\n\r\n") {
                match stream.read(&mut piece).await {
                    Ok(count) if count > 0 => answer.extend_from_slice(&piece[..count]),
                    _ => break,
                }
            }
        };
        let heard = tokio::time::timeout(Duration::from_secs(10), heard).await;
        assert!(
            heard.is_ok(),
            "no answer while the request is not at its end"
        );
        let answer = String::from_utf8_lossy(&answer);
        answer.lines().next().unwrap_or_default().to_owned()
    }
}
