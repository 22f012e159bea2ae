//! The demo's page: a Slack workspace in a browser. Server rendered, so it works without its script; with it, the
//! server tells each open tab what changed (`live`).
//!
//! Every form posts to a route of the page (`acts`), and that calls the act of [`SlackSim`], which delivers the
//! signed request to the service: the page itself knows nothing of the service.

mod acts;
mod blocks;
mod faces;
mod feed;
mod files;
mod frame;
mod inputs;
mod live;
mod mrkdwn;
mod parts;
mod rich;
mod side;
#[cfg(test)]
mod tests;
mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use chrono_tz::Tz;

use super::lock;
use super::slack::{SlackSim, User};
use mrkdwn::Reader;

pub use parts::{Item, Part};

/// The fields of a form, in order, with those that come twice.
pub type Fields = Vec<(String, String)>;

/// The side panel, for what the reader searches for in it.
pub type Panel = Arc<dyn Fn(&str) -> Vec<Part> + Send + Sync>;

/// What the demo adds to the workspace.
#[derive(Clone)]
pub struct Extra {
    /// The page's title, and the workspace's name.
    pub title: String,
    /// What the slash command understands: the words, and what they do.
    pub commands: Vec<(String, String)>,
    /// Who there is to be, by user id, and what each may do; who is named first is who comes first.
    pub about: Vec<(String, String)>,
    /// The side panel: its parts stand below each other. Its forms post to `/page/switch`.
    pub panel: Panel,
    /// What such a form does, with all its fields. While it runs, no act is under way.
    pub switch: Arc<dyn Fn(Fields) + Send + Sync>,
}

impl Default for Extra {
    fn default() -> Self {
        Self {
            title: "Simulated Slack".into(),
            commands: Vec::new(),
            about: Vec::new(),
            panel: Arc::new(|_| Vec::new()),
            switch: Arc::new(|_| {}),
        }
    }
}

#[derive(Clone)]
struct Page {
    slack: SlackSim,
    extra: Extra,
    /// The last message of a channel that a person has had before him, by person and channel.
    seen: Arc<Mutex<HashMap<(String, String), String>>>,
    /// Held by each act; a switch waits until none is under way: a clock that jumped between the signing of a
    /// request and its arrival would make it a forgery.
    acts: Arc<tokio::sync::RwLock<()>>,
}

/// Who looks, and where: the first user and channel when the address does not say.
#[derive(Clone)]
struct Look {
    user: String,
    channel: String,
    /// The open thread.
    thread: Option<String>,
    /// What the side panel is searched for.
    search: String,
}

impl Look {
    /// The address of a place, for the same person.
    fn at(&self, channel: &str, thread: Option<&str>) -> String {
        address(&self.user, channel, thread)
    }
}

/// The address of a place as a person sees it.
fn address(user: &str, channel: &str, thread: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("user", user)
        .append_pair("channel", channel);
    if let Some(thread) = thread {
        query.append_pair("thread", thread);
    }
    format!("/?{}", query.finish())
}

/// The page at `/`, with all else below `/page`.
pub fn router(slack: SlackSim, extra: Extra) -> Router {
    let page = Page {
        slack,
        extra,
        seen: Arc::default(),
        acts: Arc::default(),
    };
    Router::new()
        .route("/", get(whole))
        .route("/page/events", get(live::events))
        .route("/page/file/{id}", get(files::file))
        .route("/page/style.css", get(style))
        .route("/page/script.js", get(script))
        .merge(acts::routes())
        .layer(from_fn(guarded))
        .with_state(page)
}

/// Nothing that is not ours may run, whatever a message holds.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self' data: http: https:";

/// Puts the policy on every answer, so that none can be opened without it.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        // The way back after a form is in it; to others it would tell nothing but a port.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Page {
    fn look(&self, query: &HashMap<String, String>) -> Look {
        let channels = self.slack.channels().into_iter().filter(|c| c.im.is_none());
        let given = |key: &str| query.get(key).filter(|v| !v.is_empty()).cloned();
        Look {
            user: given("user")
                .or_else(|| self.people().into_iter().map(|u| u.id).next())
                .unwrap_or_default(),
            channel: given("channel")
                .or_else(|| channels.map(|c| c.id).next())
                .unwrap_or_default(),
            thread: given("thread"),
            search: given("search").unwrap_or_default(),
        }
    }

    /// Who there is to be.
    fn people(&self) -> Vec<User> {
        let mut people = self.slack.users();
        people.retain(|u| !u.is_bot && !u.deleted);
        let about = &self.extra.about;
        people.sort_by_key(|u| {
            about
                .iter()
                .position(|(id, _)| *id == u.id)
                .unwrap_or(about.len())
        });
        people
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

    /// All parts but the side panel's, as this person sees them; what is shown of a channel is seen.
    fn parts(&self, look: &Look) -> Vec<Part> {
        if let Some(last) = self.slack.messages(&look.channel).pop() {
            let place = (look.user.clone(), look.channel.clone());
            lock(&self.seen).insert(place, last.ts);
        }
        let reader = self.reader(&look.user);
        vec![
            side::side(self, look, &reader),
            side::head(self, look, &reader),
            feed::messages(self, look, &reader),
            feed::composer(self, look),
            feed::thread(self, look, &reader),
            view::modal(self, look, &reader),
        ]
    }
}

async fn whole(State(page): State<Page>, Query(query): Query<HashMap<String, String>>) -> Response {
    let look = page.look(&query);
    if look.channel == view::HOME {
        page.open_home(&look.user).await;
    }
    let parts = page.parts(&look);
    let panel = (page.extra.panel)(&look.search);
    Html(frame::whole(&page, &look, &parts, &panel).0).into_response()
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
