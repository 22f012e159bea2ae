//! Fivetran's webhook route.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use super::{Door, Refused, Whole, expect_plain, sha256, single};
use crate::fivetran as webhook;
use crate::store::{Arrival, Arrived, Lane};

/// `POST /fivetran/webhooks`. Whatever is signed and can be read is answered 200, whatever it says and
/// whatever type it claims to be: after refusals for a day Fivetran switches the webhook off.
pub(super) async fn webhooks(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<StatusCode, Refused> {
    expect_plain(&headers)?;
    let signed = single(&headers, "x-fivetran-signature-256");
    if !signed.is_some_and(|signed| webhook::verify(&door.webhook_secrets, &body, signed)) {
        tracing::warn!("a webhook that is not Fivetran's was refused");
        metrics::counter!("syncgate_unauthorized_total", "from" => "fivetran").increment(1);
        return Err(Refused(StatusCode::UNAUTHORIZED));
    }
    let mut hint = webhook::parse(&body).map_err(|error| {
        tracing::warn!(%error, "a signed webhook cannot be read");
        Refused(StatusCode::BAD_REQUEST)
    })?;
    let key = format!("webhook:{}", hint.key());
    for text in [
        &mut hint.reason,
        &mut hint.connection_name,
        &mut hint.sync_id,
        &mut hint.status,
        &mut hint.task_type,
    ] {
        *text = text.take().map(|text| door.app.clean(text));
    }
    hint.event = door.app.clean(hint.event);
    let arrival = Arrival {
        key,
        route: "webhook",
        lane: Lane::Hint,
        received_at: door.app.ctx.now(),
        body: serde_json::to_string(&hint).map_err(|_| Refused(StatusCode::BAD_REQUEST))?,
        raw_sha256: sha256(&body),
        held: false,
    };
    let key = arrival.key.clone();
    match door.persist(arrival).await? {
        Arrived::New => door.app.wake.hint.notify_one(),
        Arrived::Again => {}
        Arrived::Forged => door.app.note_forgery("webhook", &key).await,
    }
    Ok(StatusCode::OK)
}
