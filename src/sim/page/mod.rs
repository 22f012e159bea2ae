//! The demo's plain page: a Slack channel in a browser. Server rendered; a small script keeps it up to date.
//!
//! Every form posts to a route of the page, and that calls the act of [`SlackSim`], which delivers the signed
//! request to the service: the page itself knows nothing of the service.

mod blocks;
mod feed;
mod inputs;
mod mrkdwn;
mod rich;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Json, Redirect, Response};
use axum::routing::{get, post};
use chrono_tz::Tz;
use maud::Markup;
use serde_json::{Value, json};

use super::slack::{Ack, SlackSim};
use mrkdwn::Reader;

/// The fields of a form, in order, with those that come twice.
pub type Fields = Vec<(String, String)>;

/// What the demo adds to the channel.
#[derive(Clone)]
pub struct Extra {
    /// The page's title.
    pub title: String,
    /// The side panel, rendered anew each second. Its forms post to `/page/switch`.
    pub panel: Arc<dyn Fn() -> Markup + Send + Sync>,
    /// What such a form does, with all its fields.
    pub switch: Arc<dyn Fn(Fields) + Send + Sync>,
}

impl Default for Extra {
    fn default() -> Self {
        Self {
            title: "Simulated Slack".into(),
            panel: Arc::new(|| maud::html! {}),
            switch: Arc::new(|_| {}),
        }
    }
}

#[derive(Clone)]
struct Page {
    slack: SlackSim,
    extra: Extra,
}

/// Who looks, and where: the first user and channel when the address does not say.
struct Look {
    user: String,
    channel: String,
}

/// The page at `/`, with all else below `/page`.
pub fn router(slack: SlackSim, extra: Extra) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/page/parts", get(parts))
        .route("/page/style.css", get(style))
        .route("/page/script.js", get(script))
        .route("/page/type", post(typed))
        .route("/page/click", post(click))
        .route("/page/submit", post(submit))
        .route("/page/close", post(close))
        .route("/page/switch", post(switch))
        .with_state(Page { slack, extra })
}

/// Nothing that is not ours may run, whatever a message holds.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self' data: http: https:";

impl Page {
    fn look(&self, query: &HashMap<String, String>) -> Look {
        let people = self
            .slack
            .users()
            .into_iter()
            .filter(|u| !u.is_bot && !u.deleted);
        let channels = self.slack.channels().into_iter().filter(|c| c.im.is_none());
        let given = |key: &str| query.get(key).filter(|v| !v.is_empty()).cloned();
        Look {
            user: given("user")
                .or_else(|| people.map(|u| u.id).next())
                .unwrap_or_default(),
            channel: given("channel")
                .or_else(|| channels.map(|c| c.id).next())
                .unwrap_or_default(),
        }
    }

    fn reader(&self, user: &str) -> Reader {
        let users = self.slack.users();
        let zone = users
            .iter()
            .find(|u| u.id == user)
            .and_then(|u| u.tz.parse().ok())
            .unwrap_or(Tz::UTC);
        let (groups, channels) = (self.slack.groups(), self.slack.channels());
        Reader {
            users,
            groups,
            channels,
            zone,
            now: self.slack.now(),
        }
    }

    /// Tells a person that his act failed, as Slackbot does.
    fn report(&self, user: &str, channel: &str, what: &str, ack: &Ack) {
        if ack.ok()
            || ack.status == 0
                && !ack.body.starts_with("dispatch")
                && ack.body != "operation_timeout"
        {
            return;
        }
        let why = if ack.status == 0 {
            ack.body.clone()
        } else {
            format!("http status {}", ack.status)
        };
        self.slack
            .whisper(user, channel, &format!("{what} failed: {why}"));
    }
}

async fn page(State(page): State<Page>, Query(query): Query<HashMap<String, String>>) -> Response {
    let look = page.look(&query);
    if look.channel == feed::HOME {
        let ack = page.slack.open_home(&look.user).await;
        page.report(&look.user, &look.channel, "The home tab", &ack);
    }
    (
        [(header::CONTENT_SECURITY_POLICY, POLICY)],
        Html(feed::whole(&page, &look).0),
    )
        .into_response()
}

async fn parts(
    State(page): State<Page>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let look = page.look(&query);
    Json(json!({
        "feed": feed::feed(&page, &look).0, "modal": feed::modal(&page, &look).0, "panel": (page.extra.panel)().0,
    }))
}

async fn style() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("style.css"),
    )
}

async fn script() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
        include_str!("script.js"),
    )
}

/// A form that a person sent, read by name.
struct Sent(Fields);

impl Sent {
    fn get(&self, key: &str) -> &str {
        self.given(key).unwrap_or_default()
    }

    fn given(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }

    /// Back to where it was sent from.
    fn back(&self) -> Redirect {
        let query = [("user", self.get("user")), ("channel", self.get("back"))];
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        Redirect::to(&format!("/?{query}"))
    }
}

/// Something was typed: a command, a mention of the bot, or just words.
async fn typed(State(page): State<Page>, Form(fields): Form<Fields>) -> Redirect {
    let sent = Sent(fields);
    let (user, channel, text) = (sent.get("user"), sent.get("back"), sent.get("text").trim());
    let thread = sent.given("thread");
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    match first.chars().next() {
        None => {}
        Some('/') if thread.is_none() => {
            let ack = page.slack.command(user, channel, rest).await;
            page.report(user, channel, first, &ack);
        }
        Some('@') if page.is_bot(&first[1..]) => {
            let ack = page.slack.mention(user, channel, rest, thread).await;
            page.report(user, channel, first, &ack);
        }
        Some(_) => {
            page.slack.say(user, channel, text, thread);
        }
    }
    sent.back()
}

impl Page {
    fn is_bot(&self, name: &str) -> bool {
        let bot = self.slack.bot_user();
        self.slack
            .users()
            .iter()
            .any(|u| u.id == bot && u.name.eq_ignore_ascii_case(name))
    }
}

async fn click(State(page): State<Page>, Form(fields): Form<Fields>) -> Redirect {
    let sent = Sent(fields);
    let (user, channel, ts, action) = (
        sent.get("user"),
        sent.get("channel"),
        sent.get("ts"),
        sent.get("action_id"),
    );
    let slack = &page.slack;
    let ack = match (
        sent.given("view"),
        sent.given("option"),
        sent.given("value"),
    ) {
        (Some(view), option, value) => slack.click_view(user, view, action, option.or(value)).await,
        (None, Some(option), _) => slack.choose(user, channel, ts, action, option).await,
        (None, None, Some(value)) => slack.click_value(user, channel, ts, action, value).await,
        (None, None, None) => slack.click(user, channel, ts, action).await,
    };
    page.report(user, sent.get("back"), "That click", &ack);
    sent.back()
}

async fn submit(State(page): State<Page>, Form(fields): Form<Fields>) -> Redirect {
    let sent = Sent(fields);
    let user = sent.get("user");
    let zone = page.reader(user).zone;
    let inputs = sent
        .0
        .iter()
        .filter(|(key, _)| !["user", "back", "view"].contains(&key.as_str()));
    let values: Fields = inputs
        .map(|(key, value)| inputs::value(key, value, zone))
        .collect();
    let values: Vec<_> = values
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let ack = page.slack.submit(user, sent.get("view"), &values).await;
    page.report(user, sent.get("back"), "That form", &ack);
    sent.back()
}

async fn close(State(page): State<Page>, Form(fields): Form<Fields>) -> Redirect {
    let sent = Sent(fields);
    let ack = page
        .slack
        .close_view(sent.get("user"), sent.get("view"))
        .await;
    page.report(sent.get("user"), sent.get("back"), "Closing the form", &ack);
    sent.back()
}

async fn switch(State(page): State<Page>, Form(fields): Form<Fields>) -> Redirect {
    let sent = Sent(fields);
    (page.extra.switch)(sent.0.clone());
    sent.back()
}
