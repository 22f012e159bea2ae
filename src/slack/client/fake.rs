//! A tiny server that gives prepared raw answers, one a connection, and remembers what it was
//! asked.

use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::SlackClient;

pub const TOKEN: &str = "xoxb-1-canary";

/// What the server does with a request.
pub enum Reply {
    /// Sends these bytes and closes.
    Raw(String),
    /// Closes without a word.
    Drop,
    /// Never answers.
    Hang,
}

/// A 200 with this JSON.
pub fn json(body: &str) -> Reply {
    typed(
        "200 OK",
        "Content-Type: application/json; charset=utf-8\r\n",
        body,
    )
}

/// Any status, any headers.
pub fn typed(status: &str, headers: &str, body: &str) -> Reply {
    Reply::Raw(format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))
}

pub struct Fake {
    pub base: Url,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Serves the replies in order, then closes every further connection.
    pub async fn serving(replies: Vec<Reply>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/api", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut replies = replies.into_iter();
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                log.lock().unwrap().push(request);
                match replies.next() {
                    Some(Reply::Raw(bytes)) => stream.write_all(bytes.as_bytes()).await.unwrap(),
                    Some(Reply::Hang) => held.push(stream),
                    Some(Reply::Drop) | None => {}
                }
            }
        });
        Self {
            base: base.parse().unwrap(),
            seen,
        }
    }

    pub fn client(&self) -> SlackClient {
        SlackClient::new(&self.base, SecretString::from(TOKEN)).unwrap()
    }

    /// The requests so far, head and body.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// The body of the only request.
    pub fn sent(&self) -> serde_json::Value {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        serde_json::from_str(seen[0].split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

/// One request, head and body.
pub async fn read(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase();
            let length = length
                .split_once("content-length: ")
                .map_or(0, |(_, rest)| {
                    rest.split("\r\n").next().unwrap().parse().unwrap()
                });
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return text,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
}
