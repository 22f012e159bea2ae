//! What Slack delivers, by whichever way: read, redact, make durable, answer.
//!
//! The HTTP routes and the socket both end here, so that there is one door and not two.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Door, Refused, sha256};
use crate::app::{App, Reply, crash_point, lane_of};
use crate::jobs::{handle_held, tell_late};
use crate::slack::inbound::{BadPayload, Field, Inbound, Parsed};
use crate::store::{Arrival, Arrived, InboxRow};

/// Slack waits three seconds for what a modal's submission comes back with.
const PATIENCE: Duration = Duration::from_millis(2_500);

/// Reads one kind of payload.
pub(super) type Parse = fn(&[u8]) -> Result<Parsed, BadPayload>;

/// What Slack is answered, once the delivery is durable.
#[derive(Debug)]
pub(super) enum Answer {
    /// That it was taken.
    Empty,
    /// That it was taken, and this.
    Json(Value),
    /// Another body came under a key that was taken before.
    Forged,
}

/// Takes one delivery that is known to be Slack's. When this returns an answer, it is durable: only
/// then may it be acknowledged (SPEC I3).
pub(super) async fn take(
    door: &Arc<Door>,
    route: &'static str,
    body: &[u8],
    parse: Parse,
) -> Result<Answer, Refused> {
    let parsed = parse(body).map_err(|error| {
        tracing::warn!(route, %error, "a delivery of Slack's cannot be read");
        Refused(StatusCode::BAD_REQUEST)
    })?;
    match &parsed.inbound {
        Inbound::SslCheck => return Ok(Answer::Empty),
        Inbound::Challenge { challenge } => {
            return Ok(Answer::Json(json!({ "challenge": challenge })));
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
            Ok(Answer::Empty)
        }
        // Taken before: a retry, a replay, a second click's twin. The same answer, no second effect.
        (Arrived::Again, _) => Ok(Answer::Empty),
        (Arrived::Forged, _) => {
            door.app.note_forgery(route, &key).await;
            Ok(Answer::Forged)
        }
    }
}

/// What people typed may hold a secret; it is gone before anything is stored (SPEC I7).
fn redact(app: &App, mut inbound: Inbound) -> Inbound {
    let clean = |text: &mut String| *text = app.clean(std::mem::take(text));
    match &mut inbound {
        Inbound::Command { text, .. } | Inbound::Mention { text, .. } => clean(text),
        Inbound::Submit { values, .. } => {
            for field in values.values_mut() {
                if let Field::Text(text) = field {
                    clean(text);
                }
            }
        }
        _ => {}
    }
    inbound
}

/// A modal's submission: Slack shows the answer, so it is handled while Slack waits. If that takes
/// too long the modal closes, the handling goes on, and the answer comes as a message.
async fn submission(door: &Arc<Door>, row: InboxRow) -> Answer {
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
            Answer::Json(json!({ "response_action": "errors", "errors": errors }))
        }
        Some(Reply::Taken) | None => Answer::Empty,
    }
}
