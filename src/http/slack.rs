//! Slack's three routes.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::delivery::{self, Answer, Parse};
use super::{Door, Refused, Whole, expect_type, single};
use crate::slack::inbound;
use crate::slack::signature;

const FORM: &str = "application/x-www-form-urlencoded";

/// `POST /slack/commands`
pub(super) async fn commands(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Refused> {
    expect_type(&headers, FORM)?;
    take(&door, &headers, &body, "command", inbound::command).await
}

/// `POST /slack/interactions`
pub(super) async fn interactions(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Refused> {
    expect_type(&headers, FORM)?;
    take(&door, &headers, &body, "interaction", inbound::interaction).await
}

/// `POST /slack/events`
pub(super) async fn events(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Refused> {
    expect_type(&headers, "application/json")?;
    take(&door, &headers, &body, "event", inbound::event).await
}

async fn take(
    door: &Arc<Door>,
    headers: &HeaderMap,
    body: &Bytes,
    route: &'static str,
    parse: Parse,
) -> Result<Response, Refused> {
    verify(door, headers, body)?;
    Ok(match delivery::take(door, route, body, parse).await? {
        Answer::Empty => StatusCode::OK.into_response(),
        Answer::Json(answer) => Json(answer).into_response(),
        Answer::Forged => (StatusCode::CONFLICT, [("x-slack-no-retry", "1")]).into_response(),
    })
}

/// Refuses what does not bear Slack's signature.
fn verify(door: &Door, headers: &HeaderMap, body: &[u8]) -> Result<(), Refused> {
    let unauthorized = || Refused(StatusCode::UNAUTHORIZED);
    let timestamp = single(headers, "x-slack-request-timestamp").ok_or_else(unauthorized)?;
    let signed = single(headers, "x-slack-signature").ok_or_else(unauthorized)?;
    signature::verify(
        &door.slack_secrets,
        timestamp,
        signed,
        body,
        door.app.ctx.now(),
    )
    .map_err(|error| {
        tracing::warn!(%error, "a request that is not Slack's was refused");
        metrics::counter!("syncgate_unauthorized_total", "from" => "slack").increment(1);
        unauthorized()
    })
}
