//! The Web API's door: verbs, arguments, tokens, scopes, and the table of methods.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::state::State;
use super::{SlackSim, chat, directory, files, hooks, modals, socket};

/// What a method answers: the fields beside `ok`, or what went wrong.
pub(super) type Reply = Result<Value, Failure>;

/// An answer with `ok: false`.
pub(super) struct Failure {
    pub error: String,
    pub messages: Vec<String>,
}

impl From<&str> for Failure {
    fn from(error: &str) -> Self {
        Self {
            error: error.into(),
            messages: Vec::new(),
        }
    }
}

impl Failure {
    pub fn with(error: &str, messages: Vec<String>) -> Self {
        Self {
            error: error.into(),
            messages,
        }
    }

    pub fn json(self) -> Value {
        let mut json = json!({"ok": false, "error": self.error});
        if !self.messages.is_empty() {
            json["response_metadata"] = json!({"messages": self.messages});
        }
        json
    }
}

/// The arguments of a call, from a query, a form or JSON alike.
pub(super) struct Call {
    pub args: Map<String, Value>,
    pub now: DateTime<Utc>,
}

impl Call {
    /// A string; empty when it is missing.
    pub fn text(&self, key: &str) -> String {
        match self.args.get(key) {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        }
    }

    /// A string that is not empty.
    pub fn given(&self, key: &str) -> Option<String> {
        Some(self.text(key)).filter(|t| !t.is_empty())
    }

    pub fn flag(&self, key: &str) -> bool {
        matches!(self.text(key).as_str(), "true" | "1" | "True")
    }

    pub fn number(&self, key: &str) -> Option<usize> {
        self.text(key).parse().ok()
    }

    /// A value of JSON, which forms and queries carry as text.
    pub fn json(&self, key: &str) -> Result<Option<Value>, serde_json::Error> {
        match self.args.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some),
            Some(other) => Ok(Some(other.clone())),
        }
    }
}

type Method = fn(&mut State, &Call) -> Reply;

/// A method with the scopes of which one suffices.
fn method(name: &str) -> Option<(&'static [&'static str], Method)> {
    const WRITE: &[&str] = &["chat:write"];
    const HISTORY: &[&str] = &["channels:history", "groups:history", "im:history"];
    const READ: &[&str] = &["channels:read", "groups:read", "im:read"];
    let found: (&'static [&'static str], Method) = match name {
        "auth.test" => (&[], directory::auth_test),
        "chat.postMessage" => (WRITE, chat::post_message),
        "chat.update" => (WRITE, chat::update),
        "chat.delete" => (WRITE, chat::delete),
        "chat.postEphemeral" => (WRITE, chat::post_ephemeral),
        "chat.getPermalink" => (&[], chat::permalink),
        "conversations.history" => (HISTORY, chat::history),
        "conversations.replies" => (HISTORY, chat::replies),
        "conversations.info" => (READ, directory::conversation),
        "conversations.open" => (&["im:write"], directory::open),
        "users.info" => (&["users:read"], directory::user),
        "users.lookupByEmail" => (&["users:read.email"], directory::by_email),
        "usergroups.list" => (&["usergroups:read"], directory::groups),
        "usergroups.users.list" => (&["usergroups:read"], directory::group_users),
        "files.getUploadURLExternal" => (&["files:write"], files::get_upload_url),
        "files.completeUploadExternal" => (&["files:write"], files::complete_upload),
        "files.info" => (&["files:read"], files::info),
        "views.open" => (&[], modals::open),
        "views.push" => (&[], modals::push),
        "views.update" => (&[], modals::update),
        "views.publish" => (&[], modals::publish),
        _ => return None,
    };
    Some(found)
}

impl SlackSim {
    /// The Web API under `/api/METHOD`, the response URLs under `/response/ID`, uploads under
    /// `/upload/v1/KEY`, and Socket Mode's connections under `/link`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/api/{method}", any(web_api))
            .route("/response/{id}", post(response_url))
            .route("/upload/v1/{key}", post(upload))
            .route("/link", any(socket::link))
            .with_state(self.clone())
    }

    fn call(&self, name: &str, headers: &HeaderMap, args: Map<String, Value>) -> Reply {
        let call = Call {
            args,
            now: self.now(),
        };
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|v| v.to_str().ok());
        let token = bearer
            .and_then(|v| v.strip_prefix("Bearer "))
            .map(str::to_owned)
            .or_else(|| call.given("token"));
        match token {
            None => return Err("not_authed".into()),
            Some(token) if name == "apps.connections.open" => return self.open_socket(&token),
            Some(token) if token != self.0.bot_token => return Err("invalid_auth".into()),
            Some(_) => {}
        }
        let (scopes, run) = method(name).ok_or("unknown_method")?;
        self.with(|state| {
            if !scopes.is_empty() && !scopes.iter().any(|s| state.scopes.contains(*s)) {
                return Err(Failure::with(
                    "missing_scope",
                    scopes.iter().map(ToString::to_string).collect(),
                ));
            }
            run(state, &call)
        })
    }

    fn provided(&self) -> String {
        self.with(|s| s.scopes.iter().cloned().collect::<Vec<_>>().join(","))
    }
}

async fn web_api(
    Shared(slack): Shared<SlackSim>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let reply = match arguments(query.as_deref(), &headers, &body) {
        Ok(args) => slack.call(&name, &headers, args),
        Err(failure) => Err(failure),
    };
    let scopes = slack.provided();
    let json = match reply {
        Ok(mut value) => {
            value["ok"] = json!(true);
            value
        }
        Err(failure) if failure.error == "missing_scope" => {
            json!({"ok": false, "error": "missing_scope", "needed": failure.messages.join(","), "provided": scopes})
        }
        Err(failure) => failure.json(),
    };
    let headers = [
        (
            header::CONTENT_TYPE.as_str(),
            "application/json; charset=utf-8",
        ),
        ("x-oauth-scopes", &scopes),
    ];
    (headers, json.to_string()).into_response()
}

async fn upload(
    Shared(slack): Shared<SlackSim>,
    Path(key): Path<String>,
    body: Bytes,
) -> (StatusCode, String) {
    slack.take_bytes(&key, &body)
}

async fn response_url(
    Shared(slack): Shared<SlackSim>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let reply = arguments(None, &headers, &body).and_then(|args| {
        let call = Call {
            args,
            now: slack.now(),
        };
        slack.with(|state| hooks::respond(state, &id, &call))
    });
    let (status, json) = match reply {
        Ok(()) => (StatusCode::OK, json!({"ok": true})),
        Err(failure) if failure.error.ends_with("_url") => (StatusCode::NOT_FOUND, failure.json()),
        Err(failure) => (StatusCode::BAD_REQUEST, failure.json()),
    };
    (
        status,
        [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
        json.to_string(),
    )
        .into_response()
}

fn arguments(
    query: Option<&str>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Map<String, Value>, Failure> {
    let mut args = Map::new();
    let mut form = |bytes: &[u8]| {
        for (key, value) in url::form_urlencoded::parse(bytes) {
            args.insert(key.into_owned(), Value::String(value.into_owned()));
        }
    };
    form(query.unwrap_or_default().as_bytes());
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("application/json") {
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => args.extend(object),
            Ok(_) => return Err("json_not_object".into()),
            Err(_) => return Err("invalid_json".into()),
        }
    } else {
        form(body);
    }
    Ok(args)
}
