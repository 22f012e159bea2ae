//! Is the process up, is it ready, how is it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Door;

/// `GET /healthz`: the process is up.
pub(super) async fn healthz() -> &'static str {
    "ok"
}

/// `GET /readyz`: the database answers and its tables are there; in Socket Mode, a connection to Slack
/// stands. The workers need no question: when one ends, so does the process.
pub(super) async fn readyz(State(door): State<Arc<Door>>) -> Response {
    let health = match door.app.health().await {
        Ok(health) => health,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "not ready");
            let why = json!({ "ready": false, "database": "no answer" });
            return (StatusCode::SERVICE_UNAVAILABLE, Json(why)).into_response();
        }
    };
    if let Some(why) = door.socket.as_ref().and_then(|socket| socket.down()) {
        let why = json!({ "ready": false, "slack_socket": why, "state": health });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(why)).into_response();
    }
    Json(json!({ "ready": true, "state": health })).into_response()
}

/// `GET /metrics`: Prometheus text.
pub(super) async fn metrics(State(door): State<Arc<Door>>) -> Response {
    match &door.metrics {
        Some(handle) => handle.render().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
