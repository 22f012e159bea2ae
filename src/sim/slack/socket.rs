//! Socket Mode: connections that the service opens, and deliveries over them, with everything that
//! can become of a connection.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use axum::extract::{Request, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::acts::{Ack, Signed};
use super::api::Reply;
use super::{SlackSim, lock};

/// How often an envelope that nobody acknowledged is delivered again.
const RETRIES: u32 = 3;
/// How often it is looked whether a connection stands.
const LOOK: Duration = Duration::from_millis(10);

/// The connections of Socket Mode.
#[derive(Default)]
pub(super) struct Sockets {
    /// The app-level token; acts go over sockets once there is one.
    app_token: Option<String>,
    tickets: Vec<String>,
    opened: u32,
    links: BTreeMap<u32, mpsc::UnboundedSender<Do>>,
    envelopes: u32,
    waiting: HashMap<String, Waiting>,
    acks: Vec<Value>,
}

/// An envelope on its way.
struct Waiting {
    link: u32,
    takes_answer: bool,
    answer: oneshot::Sender<Value>,
}

/// What happens to a connection.
enum Do {
    Send(Message),
    Silence,
    Drop,
}

/// Socket Mode, as tests drive it.
impl SlackSim {
    /// Switches Socket Mode on: from now on acts are delivered over the connections that the
    /// service opens with this app-level token.
    pub fn use_sockets(&self, app_token: &str) {
        lock(&self.0.sockets).app_token = Some(app_token.to_owned());
    }

    /// The connections that stand, the oldest first.
    pub fn sockets(&self) -> Vec<u32> {
        lock(&self.0.sockets).links.keys().copied().collect()
    }

    /// How many were ever asked for.
    pub fn sockets_opened(&self) -> u32 {
        lock(&self.0.sockets).opened
    }

    /// Every acknowledgement that came, in order.
    pub fn socket_acks(&self) -> Vec<Value> {
        lock(&self.0.sockets).acks.clone()
    }

    /// Tells a connection that it will be closed: `warning`, `refresh_requested`, `link_disabled`.
    pub fn disconnect(&self, socket: u32, reason: &str) {
        self.send_frame(
            socket,
            &json!({"type": "disconnect", "reason": reason}).to_string(),
        );
    }

    /// Sends any text over a connection.
    pub fn send_frame(&self, socket: u32, text: &str) {
        self.to_socket(socket, Do::Send(Message::text(text)));
    }

    /// Sends any bytes over a connection.
    pub fn send_bytes(&self, socket: u32, bytes: &[u8]) {
        self.to_socket(socket, Do::Send(Message::binary(bytes.to_vec())));
    }

    /// From now on nothing is sent over a connection and nothing read, and it stays open.
    pub fn silence(&self, socket: u32) {
        self.to_socket(socket, Do::Silence);
    }

    /// Cuts a connection off without a word.
    pub fn drop_socket(&self, socket: u32) {
        self.to_socket(socket, Do::Drop);
    }

    fn to_socket(&self, socket: u32, what: Do) {
        if let Some(link) = lock(&self.0.sockets).links.get(&socket) {
            // A connection that has just ended needs nothing more.
            let _ = link.send(what);
        }
    }
}

/// Connections.
impl SlackSim {
    /// `apps.connections.open`
    pub(super) fn open_socket(&self, token: &str) -> Reply {
        let mut sockets = lock(&self.0.sockets);
        match &sockets.app_token {
            Some(app_token) if app_token == token => {}
            _ if token == self.0.bot_token => return Err("not_allowed_token_type".into()),
            _ => return Err("invalid_auth".into()),
        }
        sockets.opened += 1;
        let ticket = format!("canary-ticket-{}", sockets.opened);
        let host = self.wiring().public.replacen("http", "ws", 1);
        let url = format!("{host}/link?ticket={ticket}&app_id=A0SIM");
        sockets.tickets.push(ticket);
        Ok(json!({ "url": url }))
    }

    /// Takes a ticket, which is good once.
    fn redeem(&self, query: &str) -> bool {
        let mut sockets = lock(&self.0.sockets);
        let given =
            url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "ticket");
        let known = |ticket: &String| given.as_ref().is_some_and(|(_, given)| given == ticket);
        let found = sockets.tickets.iter().position(known);
        found.map(|at| sockets.tickets.swap_remove(at)).is_some()
    }

    async fn converse(&self, mut socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>) {
        let (link, mut todo) = mpsc::unbounded_channel();
        let hello = json!({
            "type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0SIM"},
            "debug_info": {"host": "applink-1", "approximate_connection_time": 18_060},
        });
        if socket.send(Message::text(hello.to_string())).await.is_err() {
            return;
        }
        let number = {
            let mut sockets = lock(&self.0.sockets);
            let number = sockets.links.keys().next_back().map_or(1, |last| last + 1);
            let number = number.max(sockets.opened);
            sockets.links.insert(number, link);
            number
        };
        let mut silent = false;
        loop {
            tokio::select! {
                message = socket.next(), if !silent => match message {
                    Some(Ok(Message::Text(text))) => self.acknowledged(&text),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                },
                act = todo.recv() => match act {
                    Some(Do::Send(message)) if !silent => {
                        // A connection that breaks is noticed by the reading.
                        let _ = socket.send(message).await;
                    }
                    Some(Do::Send(_)) => {}
                    Some(Do::Silence) => silent = true,
                    Some(Do::Drop) | None => break,
                },
            }
        }
        let mut sockets = lock(&self.0.sockets);
        sockets.links.remove(&number);
        sockets.waiting.retain(|_, waiting| waiting.link != number);
    }

    fn acknowledged(&self, text: &str) {
        let ack: Value = serde_json::from_str(text).unwrap_or_default();
        let id = ack["envelope_id"].as_str().unwrap_or_default();
        let waiting = {
            let mut sockets = lock(&self.0.sockets);
            sockets.acks.push(ack.clone());
            sockets.waiting.remove(id)
        };
        if id.is_empty() {
            self.with(|s| s.complain(format!("no acknowledgement: {text}")));
        }
        if let Some(waiting) = waiting {
            if !waiting.takes_answer && ack.get("payload").is_some() {
                self.with(|s| s.complain("an answer in an acknowledgement that takes none"));
            }
            // Whoever waited may have given up.
            let _ = waiting.answer.send(ack["payload"].clone());
        }
    }
}

/// `GET /link`: a request to become a WebSocket.
pub(super) async fn link(Shared(slack): Shared<SlackSim>, request: Request) -> Response {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY);
    let accept = key.map(|key| derive_accept_key(key.as_bytes()));
    let Some(accept) = accept.filter(|_| slack.redeem(request.uri().query().unwrap_or_default()))
    else {
        return StatusCode::FORBIDDEN.into_response();
    };
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            let io = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
            slack.converse(socket).await;
        }
    });
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// Deliveries.
impl SlackSim {
    pub(super) fn has_sockets(&self) -> bool {
        lock(&self.0.sockets).app_token.is_some()
    }

    /// Delivers over any connection what would go out over HTTP, and again while nobody
    /// acknowledges it.
    pub(super) async fn deliver_by_socket(&self, request: &Signed) -> Ack {
        let patience = self.wiring().patience;
        for attempt in 0..=RETRIES {
            let answered = tokio::time::timeout(patience, async {
                loop {
                    match self.send_envelope(request, attempt) {
                        Some(answer) => break answer.await,
                        None => tokio::time::sleep(LOOK).await,
                    }
                }
            });
            if let Ok(Ok(payload)) = answered.await {
                let body = match payload {
                    Value::Null => String::new(),
                    payload => payload.to_string(),
                };
                return Ack {
                    status: 200,
                    ..Ack::none(body)
                };
            }
        }
        Ack::none("operation_timeout")
    }

    /// Sends an envelope over the next connection, if one stands.
    fn send_envelope(&self, request: &Signed, attempt: u32) -> Option<oneshot::Receiver<Value>> {
        let mut sockets = lock(&self.0.sockets);
        let all: Vec<u32> = sockets.links.keys().copied().collect();
        sockets.envelopes += 1;
        let at = sockets.envelopes as usize % all.len().max(1);
        let link = *all.get(at)?;
        let id = format!("e-{}", sockets.envelopes);
        let mut envelope = envelope(request);
        envelope["envelope_id"] = json!(id);
        envelope["retry_attempt"] = json!(attempt);
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            link,
            takes_answer: envelope["accepts_response_payload"] == true,
            answer,
        };
        sockets.waiting.insert(id, waiting);
        let frame = Message::text(envelope.to_string());
        sockets.links.get(&link)?.send(Do::Send(frame)).ok()?;
        Some(answered)
    }
}

/// What stands in the envelope of a request.
pub fn envelope(request: &Signed) -> Value {
    let form = || url::form_urlencoded::parse(request.body.as_bytes()).into_owned();
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    match request.path.as_str() {
        "/slack/commands" => {
            let fields: Map<String, Value> =
                form().map(|(name, text)| (name, text.into())).collect();
            json!({"type": "slash_commands", "accepts_response_payload": true, "payload": fields})
        }
        "/slack/interactions" => {
            let payload = form().find(|(name, _)| name == "payload");
            let payload = payload.map(|(_, text)| json(&text)).unwrap_or_default();
            let takes_answer = payload["type"] == "view_submission";
            json!({"type": "interactive", "accepts_response_payload": takes_answer, "payload": payload})
        }
        _ => {
            let payload = json(&request.body);
            json!({"type": "events_api", "accepts_response_payload": false, "payload": payload})
        }
    }
}
