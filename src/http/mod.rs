//! The door, by HTTP and by socket: verify, parse, persist, answer. Nothing is decided here.

mod delivery;
mod fivetran;
mod health;
mod metrics;
mod slack;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::slack::socket::Status;
use crate::store::{Arrival, Arrived, WriterGone};

pub use metrics::recorder;
pub use socket::serve as serve_socket;

/// Bodies beyond this are not read: Slack's and Fivetran's are far smaller.
const BODY_LIMIT: usize = 1 << 20;

/// A body is read for so long: neither sender is slow, and a stranger who is must not hold the
/// process back when it is to end.
const BODY_TIME: Duration = Duration::from_secs(5);
/// Deliveries at one time; more are asked to come again. Slack's peak is far below it.
const AT_ONCE: usize = 512;

/// What the door needs beside the app.
pub struct Door {
    /// The app.
    pub app: Arc<App>,
    /// Slack's signing secrets: the present one, and the next while they are being changed.
    pub slack_secrets: Vec<SecretString>,
    /// Fivetran's webhook secrets; none switches the route off.
    pub webhook_secrets: Vec<SecretString>,
    /// How Socket Mode is; `None` where it is not used.
    pub socket: Option<Arc<Status>>,
    /// What `/metrics` shows; `None` where no recorder is installed.
    pub metrics: Option<PrometheusHandle>,
}

/// The routes of SPEC §4. Slack's and Fivetran's exist only where their secret is set.
pub fn router(door: Arc<Door>) -> Router {
    let health = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics));
    let mut deliveries = Router::new();
    if !door.slack_secrets.is_empty() {
        deliveries = deliveries
            .route("/slack/commands", post(slack::commands))
            .route("/slack/interactions", post(slack::interactions))
            .route("/slack/events", post(slack::events));
    }
    if !door.webhook_secrets.is_empty() {
        deliveries = deliveries.route("/fivetran/webhooks", post(fivetran::webhooks));
    }
    let places = Arc::new(Semaphore::new(AT_ONCE));
    deliveries
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(places, one_of_many))
        .merge(health)
        .with_state(door)
}

/// Lets a delivery in while there is a place.
async fn one_of_many(
    State(places): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Response {
    match places.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => Refused(StatusCode::SERVICE_UNAVAILABLE).into_response(),
    }
}

/// A whole body, as it came.
struct Whole(Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        match tokio::time::timeout(BODY_TIME, Bytes::from_request(request, state)).await {
            Ok(read) => read.map(Self).map_err(|error| Refused(error.status())),
            Err(_) => Err(Refused(StatusCode::REQUEST_TIMEOUT)),
        }
    }
}

/// Why a request goes no further than the door. Its answer has no body: whoever sent it is not
/// told what was wrong.
#[derive(Debug)]
struct Refused(StatusCode);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        if self.0 == StatusCode::SERVICE_UNAVAILABLE {
            return (self.0, [(header::RETRY_AFTER, "1")]).into_response();
        }
        self.0.into_response()
    }
}

/// The one value of a header; a header that is missing, doubled or not ASCII is no header.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Refuses compressed bodies: neither sender does that, and nothing is unpacked for a stranger.
fn expect_plain(headers: &HeaderMap) -> Result<(), Refused> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    Ok(())
}

/// Refuses bodies that are compressed, or not of the expected type.
fn expect_type(headers: &HeaderMap, expected: &str) -> Result<(), Refused> {
    expect_plain(headers)?;
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let given = given
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    match given {
        Some(given) if given.eq_ignore_ascii_case(expected) => Ok(()),
        _ => Err(Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
    }
}

fn sha256(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

impl Door {
    /// Makes a delivery durable. Only then may it be acknowledged (SPEC I3).
    async fn persist(&self, arrival: Arrival) -> Result<Arrived, Refused> {
        let route = arrival.route;
        ::metrics::counter!("syncgate_deliveries_total", "route" => route).increment(1);
        let began = self.app.ctx.monotonic();
        match self.app.inbox.store(arrival).await {
            Ok(arrived) => {
                let took = began.elapsed().as_secs_f64();
                ::metrics::histogram!("syncgate_delivery_stored_seconds").record(took);
                Ok(arrived)
            }
            Err(error) => {
                ::metrics::counter!("syncgate_deliveries_refused_total", "route" => route)
                    .increment(1);
                if !matches!(error, WriterGone::Full) {
                    tracing::error!(route, %error, "a delivery could not be stored");
                }
                Err(Refused(StatusCode::SERVICE_UNAVAILABLE))
            }
        }
    }
}
