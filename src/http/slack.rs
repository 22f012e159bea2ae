//! Slack's three routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::oneshot;

use super::{Door, Refused, Whole, expect_type, sha256, single};
use crate::app::{App, Reply, crash_point, lane_of};
use crate::jobs::{handle_held, tell_late};
use crate::slack::inbound::{self, BadPayload, Field, Inbound, Parsed};
use crate::slack::signature;
use crate::store::{Arrival, Arrived, InboxRow};

/// Slack waits three seconds for what a modal's submission comes back with.
const PATIENCE: Duration = Duration::from_millis(2_500);

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
    parse: fn(&[u8]) -> Result<Parsed, BadPayload>,
) -> Result<Response, Refused> {
    verify(door, headers, body)?;
    let parsed = parse(body).map_err(|error| {
        tracing::warn!(route, %error, "a signed request cannot be read");
        Refused(StatusCode::BAD_REQUEST)
    })?;
    match &parsed.inbound {
        Inbound::SslCheck => return Ok(StatusCode::OK.into_response()),
        Inbound::Challenge { challenge } => {
            return Ok(Json(json!({ "challenge": challenge })).into_response());
        }
        _ => {}
    }
    let held = matches!(parsed.inbound, Inbound::Submit { .. });
    let redacted = redact(&door.app, parsed.inbound);
    let lane = lane_of(&redacted);
    let arrival = Arrival {
        key: parsed.key,
        route,
        lane,
        received_at: door.app.ctx.now(),
        body: serde_json::to_string(&redacted).map_err(|_| Refused(StatusCode::BAD_REQUEST))?,
        raw_sha256: sha256(body),
        held,
    };
    let row = held.then(|| InboxRow {
        key: arrival.key.clone(),
        route: route.to_owned(),
        received_at: arrival.received_at,
        body: arrival.body.clone(),
        attempts: 1,
    });
    let key = arrival.key.clone();
    crash_point!("request-verified");
    let arrived = door.persist(arrival).await?;
    crash_point!("inbox-committed");
    match (arrived, row) {
        (Arrived::New, Some(row)) => Ok(submission(door, row).await),
        (Arrived::New, None) => {
            door.app.wake.lane(lane).notify_one();
            Ok(StatusCode::OK.into_response())
        }
        // Taken before: a retry, a replay, a second click's twin. The same answer, no second effect.
        (Arrived::Again, _) => Ok(StatusCode::OK.into_response()),
        (Arrived::Forged, _) => {
            door.app.note_forgery(route, &key).await;
            Ok((StatusCode::CONFLICT, [("x-slack-no-retry", "1")]).into_response())
        }
    }
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

/// What people typed may hold a secret; it is gone before anything is stored (SPEC I7).
fn redact(app: &App, inbound: Inbound) -> Inbound {
    match inbound {
        Inbound::Command {
            team,
            user,
            channel,
            text,
            trigger_id,
            response_url,
        } => Inbound::Command {
            text: app.clean(text),
            team,
            user,
            channel,
            trigger_id,
            response_url,
        },
        Inbound::Mention {
            team,
            user,
            channel,
            ts,
            thread_ts,
            text,
        } => Inbound::Mention {
            text: app.clean(text),
            team,
            user,
            channel,
            ts,
            thread_ts,
        },
        Inbound::Submit {
            team,
            user,
            view_id,
            view_hash,
            callback_id,
            private_metadata,
            mut values,
        } => {
            for field in values.values_mut() {
                if let Field::Text(text) = field {
                    *text = app.clean(std::mem::take(text));
                }
            }
            Inbound::Submit {
                team,
                user,
                view_id,
                view_hash,
                callback_id,
                private_metadata,
                values,
            }
        }
        other => other,
    }
}

/// A modal's submission: Slack shows the answer, so it is handled while Slack waits. If that takes
/// too long the modal closes, the handling goes on, and the answer comes as a message.
async fn submission(door: &Arc<Door>, row: InboxRow) -> Response {
    let app = door.app.clone();
    let (answer, mut answered) = oneshot::channel();
    tokio::spawn(async move {
        // What could not be handled is tried again by the workers.
        if let Some(reply) = handle_held(&app, &row).await
            && let Err(reply) = answer.send(reply)
        {
            tell_late(&app, &row, reply).await;
        }
    });
    let reply = match tokio::time::timeout(PATIENCE, &mut answered).await {
        Ok(reply) => reply.ok(),
        Err(_) => {
            // From here on the answer is refused, and goes out as a message.
            answered.close();
            answered.try_recv().ok()
        }
    };
    match reply {
        Some(Reply::FieldErrors(errors)) => {
            Json(json!({ "response_action": "errors", "errors": errors })).into_response()
        }
        Some(Reply::Taken) | None => StatusCode::OK.into_response(),
    }
}
