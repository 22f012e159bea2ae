//! What a person does on the page: each form becomes an act of the simulated Slack.

use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;

use super::{Fields, Page, address, inputs, view};
use crate::sim::slack::Ack;

pub(super) fn routes() -> Router<Page> {
    Router::new()
        .route("/page/type", post(typed))
        .route("/page/click", post(click))
        .route("/page/submit", post(submit))
        .route("/page/close", post(close))
        .route("/page/switch", post(switch))
        .layer(from_fn(ours))
}

/// A page of another origin may show a form that posts here; a browser says so.
async fn ours(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site");
    match site.and_then(|site| site.to_str().ok()) {
        None | Some("same-origin" | "none") => next.run(request).await,
        Some(_) => StatusCode::FORBIDDEN.into_response(),
    }
}

/// A form that a person sent, read by name.
struct Sent {
    fields: Fields,
    /// Where the person looks.
    from: Option<String>,
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = FormRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, FormRejection> {
        let from = request.headers().get(header::REFERER);
        let from = from.and_then(|from| url::Url::parse(from.to_str().ok()?).ok());
        let from = from.and_then(|from| Some(format!("/?{}", from.query()?)));
        let Form(fields) = Form::from_request(request, state).await?;
        Ok(Self { fields, from })
    }
}

impl Sent {
    fn get(&self, key: &str) -> &str {
        self.given(key).unwrap_or_default()
    }

    fn given(&self, key: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }

    /// Back to where it was sent from.
    fn back(&self) -> Redirect {
        let home = || address(self.get("user"), self.get("back"), None);
        Redirect::to(&self.from.clone().unwrap_or_else(home))
    }
}

/// Something was typed: a command, a mention of the bot, or just words.
async fn typed(State(page): State<Page>, sent: Sent) -> Redirect {
    let _act = page.acts.read().await;
    let (user, channel, text) = (sent.get("user"), sent.get("back"), sent.get("text").trim());
    let thread = sent.given("thread");
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let command = page.slack.command_name();
    match first.chars().next() {
        None => {}
        Some('/') if first != command => {
            let why = format!("{first} is not a command here; {command} is.");
            page.slack.whisper_in(user, channel, thread, &why);
        }
        Some('/') if thread.is_some() => {
            let bot = page.bot_name();
            let why = format!("{first} does not work in threads. Write @{bot} {rest}");
            page.slack.whisper_in(user, channel, thread, &why);
        }
        Some('/') => {
            let ack = page.slack.command(user, channel, rest.trim()).await;
            page.report(user, channel, first, &ack);
        }
        Some('@') if first[1..].eq_ignore_ascii_case(&page.bot_name()) => {
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
    /// The bot's short name.
    pub(super) fn bot_name(&self) -> String {
        let bot = self.slack.bot_user();
        let found = self.slack.users().into_iter().find(|u| u.id == bot);
        found.map(|u| u.name).unwrap_or_default()
    }

    /// The person opens the app's home tab.
    pub(super) async fn open_home(&self, user: &str) {
        let _act = self.acts.read().await;
        let ack = self.slack.open_home(user).await;
        self.report(user, view::HOME, "The home tab", &ack);
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

async fn click(State(page): State<Page>, sent: Sent) -> Redirect {
    let _act = page.acts.read().await;
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

async fn submit(State(page): State<Page>, sent: Sent) -> Redirect {
    let _act = page.acts.read().await;
    let user = sent.get("user");
    let zone = page.reader(user).zone;
    let inputs = sent
        .fields
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

async fn close(State(page): State<Page>, sent: Sent) -> Redirect {
    let _act = page.acts.read().await;
    let (user, view) = (sent.get("user"), sent.get("view"));
    let ack = page.slack.close_view(user, view).await;
    page.report(user, sent.get("back"), "Closing the form", &ack);
    sent.back()
}

async fn switch(State(page): State<Page>, sent: Sent) -> Redirect {
    let _alone = page.acts.write().await;
    (page.extra.switch)(sent.fields.clone());
    sent.back()
}
