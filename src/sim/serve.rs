//! The accept loop that stands in front of every simulated service: it reads the whole request, writes it
//! into the ledger, looks for a fault, runs the router or not, and answers or not.
//!
//! It is our own and not `axum::serve` because a closed connection, half an answer or no answer at all
//! can only be made below the router.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

use super::SimClock;
use super::fault::{FaultKind, Faults};
use super::ledger::{Arrival, Ledger, Service};

/// Long enough for the first part of a cut answer to leave before the connection is closed.
const FLUSH: Duration = Duration::from_millis(20);

/// A running server; dropping it closes the listener and every connection.
pub struct Server {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The connections live in a JoinSet inside this task and end with it.
        self.task.abort();
    }
}

/// Serves `router` as `service` at `bind` (port 0 takes a free one).
pub async fn serve(
    service: Service,
    router: Router,
    ledger: Ledger,
    faults: Faults,
    clock: SimClock,
    bind: SocketAddr,
) -> io::Result<Server> {
    let listener = TcpListener::bind(bind).await?;
    let addr = listener.local_addr()?;
    let door = Door {
        service,
        router,
        ledger,
        faults,
        clock,
    };
    let task = tokio::spawn(accept(listener, door));
    Ok(Server { addr, task })
}

async fn accept(listener: TcpListener, door: Door) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    number += 1;
                    connections.spawn(connection(stream, number, door.clone()));
                }
                // Out of file descriptors, say: the next try may succeed.
                Err(_) => tokio::time::sleep(FLUSH).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, number: u64, door: Door) {
    // Without this, answers of two segments wait 40 ms for a delayed ACK.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let door = door.clone();
        async move { door.request(number, request).await }
    });
    // An error is what `Close` and `HalfAnswer` are made of, or a client that went away.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades()
        .await;
}

#[derive(Clone)]
struct Door {
    service: Service,
    router: Router,
    ledger: Ledger,
    faults: Faults,
    clock: SimClock,
}

impl Door {
    async fn request(
        &self,
        connection: u64,
        request: Request<Incoming>,
    ) -> io::Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let method = parts.method.as_str().to_owned();
        let path = parts
            .uri
            .path_and_query()
            .map_or_else(|| parts.uri.path().to_owned(), ToString::to_string);
        let seq = self.ledger.record(Arrival {
            at: (self.clock)(),
            service: self.service,
            method: method.clone(),
            path: path.clone(),
            headers: pairs(&parts.headers),
            body: String::from_utf8_lossy(&bytes).into_owned(),
            connection,
        });
        let fault = self.faults.take(self.service, &method, &path);
        let request = Request::from_parts(parts, Body::from(bytes));
        let response = self.answer(fault, request).await?;
        self.ledger.answered(seq, response.status().as_u16());
        Ok(response)
    }

    async fn answer(
        &self,
        fault: Option<FaultKind>,
        request: Request<Body>,
    ) -> io::Result<Response<Body>> {
        match fault {
            None => Ok(self.run(request).await),
            Some(FaultKind::Delay(time)) => self.late(time, request).await,
            Some(FaultKind::Answer {
                status,
                headers,
                body,
            }) => ready(status, &headers, body),
            Some(FaultKind::ApplyThenAnswer {
                status,
                headers,
                body,
            }) => {
                self.run(request).await;
                ready(status, &headers, body)
            }
            Some(FaultKind::Hang { apply }) => {
                if apply {
                    self.run(request).await;
                }
                std::future::pending().await
            }
            Some(FaultKind::Close { apply }) => {
                if apply {
                    self.run(request).await;
                }
                Err(io::Error::other("closed on purpose"))
            }
            Some(FaultKind::HalfAnswer { apply }) => {
                let whole = if apply {
                    self.run(request).await
                } else {
                    ready(200, &[], r#"{"ok":true,"#.into())?
                };
                half(whole).await
            }
            Some(FaultKind::Drip { every }) => drip(self.run(request).await, every).await,
        }
    }

    /// In a task of its own: the effect comes even when the client has given up waiting for it.
    async fn late(&self, time: Duration, request: Request<Body>) -> io::Result<Response<Body>> {
        let door = self.clone();
        let late = async move {
            tokio::time::sleep(time).await;
            door.run(request).await
        };
        tokio::spawn(late).await.map_err(io::Error::other)
    }

    async fn run(&self, request: Request<Body>) -> Response<Body> {
        let answered: Result<_, Infallible> = self.router.clone().oneshot(request).await;
        match answered {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

fn ready(status: u16, headers: &[(String, String)], body: String) -> io::Result<Response<Body>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(io::Error::other)?;
        let value = HeaderValue::try_from(value).map_err(io::Error::other)?;
        response = response.header(name, value);
    }
    response.body(Body::from(body)).map_err(io::Error::other)
}

/// The first half of an answer under the length of a longer one, then a broken connection.
async fn half(whole: Response<Body>) -> io::Result<Response<Body>> {
    let (mut parts, body) = whole.into_parts();
    let bytes = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let first = bytes.slice(..bytes.len() / 2);
    parts.headers.remove(header::TRANSFER_ENCODING);
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len() + 64));
    let chunks = stream::unfold(Some(first), |left| async move {
        match left {
            Some(first) => Some((Ok(first), None)),
            None => {
                tokio::time::sleep(FLUSH).await;
                Some((Err(io::Error::other("cut on purpose")), None::<Bytes>))
            }
        }
    });
    Ok(Response::from_parts(parts, Body::from_stream(chunks)))
}

async fn drip(whole: Response<Body>, every: Duration) -> io::Result<Response<Body>> {
    let (mut parts, body) = whole.into_parts();
    let bytes = body.collect().await.map_err(io::Error::other)?.to_bytes();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let drops = stream::unfold(bytes, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(every).await;
        let next = left.split_to(1);
        Some((Ok::<_, Infallible>(next), left))
    });
    Ok(Response::from_parts(parts, Body::from_stream(drops)))
}
