//! A scripted HTTP server on a bare socket: each request takes the next line of the script.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a request once it is read.
pub enum Reply {
    /// These bytes; the connection stays open.
    Keep(Vec<u8>),
    /// These bytes, then the connection ends.
    Close(Vec<u8>),
    /// A head, then one byte now and then.
    Drip,
    /// A head that promises so many bytes, and as many.
    Flood(usize),
    /// Nothing, for ever.
    Hang,
}

/// A request as it was on the wire.
#[derive(Clone, Debug)]
pub struct Seen {
    pub head: String,
    pub body: String,
}

impl Seen {
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Mutex<VecDeque<Reply>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub async fn new(script: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            script: Arc::new(Mutex::new(script.into())),
            connections: Arc::default(),
        };
        let (seen, script) = (server.seen.clone(), server.script.clone());
        let connections = server.connections.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(converse(socket, seen.clone(), script.clone()));
            }
        });
        server
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many connections were taken.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn then(&self, reply: Reply) {
        self.script.lock().unwrap().push_back(reply);
    }
}

async fn converse(
    mut socket: TcpStream,
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Mutex<VecDeque<Reply>>>,
) {
    while let Some(request) = read_request(&mut socket).await {
        seen.lock().unwrap().push(request);
        let reply = script.lock().unwrap().pop_front();
        match reply.unwrap_or_else(|| json(599, r#"{"message":"not in the script"}"#)) {
            Reply::Keep(bytes) => socket.write_all(&bytes).await.unwrap(),
            Reply::Close(bytes) => {
                let _ = socket.write_all(&bytes).await;
                return;
            }
            Reply::Drip => {
                let _ = socket
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{")
                    .await;
                while socket.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(40)).await;
                }
                return;
            }
            Reply::Flood(size) => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n");
                let _ = socket.write_all(head.as_bytes()).await;
                let block = vec![b' '; 1 << 16];
                let mut left = size;
                while left > 0
                    && socket
                        .write_all(&block[..left.min(block.len())])
                        .await
                        .is_ok()
                {
                    left -= left.min(block.len());
                }
            }
            Reply::Hang => std::future::pending().await,
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> Option<Seen> {
    let mut raw = Vec::new();
    loop {
        let mut byte = [0];
        if socket.read(&mut byte).await.ok()? == 0 {
            return None;
        }
        raw.push(byte[0]);
        if raw.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let mut seen = Seen {
        head: String::from_utf8(raw).unwrap(),
        body: String::new(),
    };
    let length = seen
        .header("content-length")
        .unwrap_or("0")
        .parse()
        .unwrap();
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await.ok()?;
    seen.body = String::from_utf8(body).unwrap();
    Some(seen)
}

/// A whole answer with more headers, each ending in CRLF.
pub fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

pub fn json(status: u16, body: &str) -> Reply {
    Reply::Keep(answer(status, "content-type: application/json\r\n", body))
}

pub fn html(status: u16) -> Reply {
    let page = "<html><body>Proxy &amp; Sons</body></html>";
    Reply::Keep(answer(status, "content-type: text/html\r\n", page))
}

/// An answer that promises more than it holds.
pub fn half(status: u16, body: &str) -> Reply {
    let length = body.len() + 50;
    let text = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}");
    Reply::Close(text.into_bytes())
}

pub fn throttled(retry_after: &str) -> Reply {
    let headers = format!("retry-after: {retry_after}\r\n");
    let body = r#"{"code":"TooManyRequests","message":"slow down"}"#;
    Reply::Keep(answer(429, &headers, body))
}
