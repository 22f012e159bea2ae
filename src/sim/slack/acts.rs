//! What a person does: delivery of each act to the service as Slack delivers it (signed, with a fresh trigger
//! id and response URL, and three seconds' patience), and the slash command.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::api::Call;
use super::hooks::{Place, show};
use super::state::{Hook, Origin, State, Trigger};
use super::{SlackSim, chat};

/// A request as it is about to be delivered; can be tampered with, or delivered again byte for byte.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Path at the service.
    pub path: String,
    /// All headers, the signature too.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// What the service acknowledged.
#[derive(Clone, Debug)]
#[must_use]
pub struct Ack {
    /// The HTTP status; 0: nothing was delivered, or nothing came back in time (the body says what happened).
    pub status: u16,
    /// The body.
    pub body: String,
    /// Whether the service said `x-slack-no-retry: 1`.
    pub no_retry: bool,
    /// How long it took in real time.
    pub took: Duration,
}

impl Ack {
    /// An act that came to nothing before anything was delivered.
    pub(super) fn none(why: impl Into<String>) -> Self {
        Self {
            status: 0,
            body: why.into(),
            no_retry: false,
            took: Duration::ZERO,
        }
    }

    /// Whether it is a success in Slack's eyes.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON, or null when it is something else.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// Slack's signature `v0=…` of a body at a unix time.
pub fn signature(secret: &str, timestamp: &str, body: &str) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    for part in ["v0:", timestamp, ":", body] {
        mac.update(part.as_bytes());
    }
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

/// A client that never speaks TLS, so it needs neither certificates nor a process-wide provider.
fn client() -> Result<reqwest::Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls
        .map_err(|e| e.to_string())?
        .with_root_certificates(rustls::RootCertStore::empty());
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.with_no_client_auth())
        .no_proxy();
    builder
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|e| e.to_string())
}

/// Delivery.
impl SlackSim {
    /// Signs a body with the simulated time; one that begins with `{` is sent as JSON, another as a form.
    pub fn signed(&self, path: &str, body: impl Into<String>) -> Signed {
        let body = body.into();
        let timestamp = self.now().timestamp().to_string();
        let json = body.starts_with('{');
        let kind = if json {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        let headers = [
            ("content-type", kind.to_owned()),
            (
                "user-agent",
                "Slackbot 1.0 (+https://api.slack.com/robots)".to_owned(),
            ),
            (
                "x-slack-signature",
                signature(&self.0.signing_secret, &timestamp, &body),
            ),
            ("x-slack-request-timestamp", timestamp),
        ];
        let headers = headers
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v))
            .collect();
        Signed {
            path: path.into(),
            headers,
            body,
        }
    }

    /// Delivers a request to the service as it stands; in Socket Mode, what it says.
    pub async fn deliver(&self, request: &Signed) -> Ack {
        if self.has_sockets() {
            return self.deliver_by_socket(request).await;
        }
        self.deliver_by_http(request).await
    }

    /// The same over HTTP in any case.
    pub async fn deliver_by_http(&self, request: &Signed) -> Ack {
        let wiring = self.wiring();
        let http = match self.0.http.get_or_init(client) {
            Ok(http) => http,
            Err(why) => return Ack::none(why.clone()),
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "how long the service took, in real time"
        )]
        let begun = Instant::now();
        let mut post = http
            .post(format!("{}{}", wiring.target, request.path))
            .timeout(wiring.patience);
        for (name, value) in &request.headers {
            post = post.header(name, value);
        }
        let answered = async {
            let response = post.body(request.body.clone()).send().await?;
            let status = response.status().as_u16();
            let no_retry = response
                .headers()
                .get("x-slack-no-retry")
                .is_some_and(|v| v == "1");
            Ok::<_, reqwest::Error>(Ack {
                status,
                body: response.text().await?,
                no_retry,
                took: begun.elapsed(),
            })
        };
        match answered.await {
            Ok(ack) => ack,
            Err(why) if why.is_timeout() => Ack {
                took: begun.elapsed(),
                ..Ack::none("operation_timeout")
            },
            Err(why) => Ack {
                took: begun.elapsed(),
                ..Ack::none(format!("dispatch_failed: {why}"))
            },
        }
    }

    /// Delivers an interaction's payload.
    pub async fn interact(&self, payload: &Value) -> Ack {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload.to_string())
            .finish();
        self.deliver(&self.signed("/slack/interactions", body))
            .await
    }
}

/// Commands.
impl SlackSim {
    /// A person types the slash command with these words; the answer is shown to him as Slack shows it.
    pub async fn command(&self, user: &str, channel: &str, text: &str) -> Ack {
        let ack = self
            .deliver(&self.command_request(user, channel, text))
            .await;
        self.answered(user, channel, &ack);
        ack
    }

    /// The request of a command, for delivering it by hand.
    pub fn command_request(&self, user: &str, channel: &str, text: &str) -> Signed {
        let (now, wiring) = (self.now(), self.wiring());
        let fields = self.with(|s| {
            let trigger = s.new_trigger(user, now, None);
            let hook = Hook {
                user: user.into(),
                channel: channel.into(),
                issued: now,
                uses: 0,
                origin: Origin::Command,
                thread_ts: None,
            };
            let url = format!("{}/response/{}", wiring.public, s.new_hook(hook));
            [
                ("token", "verification-token".to_owned()),
                ("team_id", s.team_of(user)),
                ("team_domain", s.team_domain.clone()),
                ("channel_id", channel.to_owned()),
                ("channel_name", s.channel_name(channel)),
                ("user_id", user.to_owned()),
                ("user_name", s.user_name(user)),
                ("command", wiring.command.clone()),
                ("text", text.to_owned()),
                ("api_app_id", s.app_id.clone()),
                ("is_enterprise_install", "false".to_owned()),
                ("response_url", url),
                ("trigger_id", trigger),
            ]
        });
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.signed("/slack/commands", body)
    }

    /// Shows what a command was answered with.
    fn answered(&self, user: &str, channel: &str, ack: &Ack) {
        if !ack.ok() || ack.body.is_empty() {
            return;
        }
        let args = match ack.json() {
            Value::Object(args) => args,
            _ => Map::from_iter([("text".to_owned(), json!(ack.body))]),
        };
        let call = Call {
            args,
            now: self.now(),
        };
        if call.args.is_empty() {
            return;
        }
        self.with(|s| match chat::content(s, &call) {
            Ok(content) => {
                let place = Place {
                    user: user.into(),
                    channel: channel.into(),
                    thread_ts: None,
                };
                show(
                    s,
                    &call,
                    place,
                    call.text("response_type") == "in_channel",
                    content,
                );
            }
            Err(failure) => s.complain(format!(
                "answer to a command: {} {:?}",
                failure.error, failure.messages
            )),
        });
    }
}

/// Parts of a payload.
impl State {
    pub fn new_trigger(
        &mut self,
        user: &str,
        issued: chrono::DateTime<chrono::Utc>,
        view: Option<String>,
    ) -> String {
        let id = self.next_id("t.");
        self.triggers.insert(
            id.clone(),
            Trigger {
                user: user.into(),
                issued,
                used: false,
                view,
            },
        );
        id
    }

    pub fn team_of(&self, user: &str) -> String {
        self.users
            .get(user)
            .map_or(&self.team_id, |u| &u.team_id)
            .clone()
    }

    pub fn user_name(&self, user: &str) -> String {
        self.users
            .get(user)
            .map(|u| u.name.clone())
            .unwrap_or_default()
    }

    pub fn channel_name(&self, channel: &str) -> String {
        let found = self.channels.get(channel);
        found
            .map(|c| {
                if c.im.is_some() {
                    "directmessage".into()
                } else {
                    c.name.clone()
                }
            })
            .unwrap_or_default()
    }

    /// The blocks of a message, or of an ephemeral.
    pub fn blocks_at(&self, channel: &str, ts: &str) -> Vec<Value> {
        let ephemeral = || {
            self.ephemerals
                .iter()
                .find(|e| e.ts == ts)
                .map(|e| e.blocks.clone())
        };
        self.message(channel, ts)
            .map(|m| m.blocks.clone())
            .or_else(ephemeral)
            .unwrap_or_default()
    }

    /// What every interaction begins with.
    pub fn payload(&self, kind: &str, user: &str) -> Value {
        let (name, team) = (self.user_name(user), self.team_of(user));
        json!({
            "type": kind, "token": "verification-token", "api_app_id": self.app_id, "enterprise": null,
            "is_enterprise_install": false, "team": {"id": self.team_id, "domain": self.team_domain},
            "user": {"id": user, "username": name, "name": name, "team_id": team},
        })
    }
}
