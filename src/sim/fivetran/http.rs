//! The REST surface: the routes, what every request must carry, and the envelope of every answer.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use super::writes::Refusal;
use super::{FivetranSim, calls, reads, webhook_api};

/// A good answer, in Fivetran's envelope.
pub(super) struct Answer {
    message: String,
    data: Option<Value>,
}

impl Answer {
    pub fn data(message: &str, data: Value) -> Self {
        Answer {
            message: message.to_owned(),
            data: Some(data),
        }
    }

    pub fn message(message: impl Into<String>) -> Self {
        Answer {
            message: message.into(),
            data: None,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut body = json!({"code": "Success", "message": self.message});
        if let Some(data) = self.data {
            body["data"] = data;
        }
        axum::Json(body).into_response()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (
            status,
            axum::Json(json!({"code": self.code, "message": self.message})),
        )
            .into_response()
    }
}

/// What handlers return.
pub(super) type Reply = Result<Answer, Refusal>;

/// All routes.
pub(super) fn router(sim: FivetranSim) -> Router {
    let connection = "/v1/connections/{id}";
    let below = |path: &str| format!("{connection}{path}");
    Router::new()
        .route("/v1/account/info", get(reads::account))
        .route("/v1/groups", get(reads::groups))
        .route("/v1/groups/{id}", get(reads::group))
        .route("/v1/groups/{id}/connections", get(reads::group_connections))
        .route("/v1/destinations", get(reads::destinations))
        .route("/v1/destinations/{id}", get(reads::destination))
        .route("/v1/connections", get(reads::connections))
        .route(connection, get(reads::connection).patch(calls::patch))
        .route(&below("/sync"), post(calls::sync))
        .route(&below("/resync"), post(calls::resync))
        .route(&below("/test"), post(calls::test))
        .route(&below("/schemas"), get(reads::schemas))
        .route(&below("/schemas/reload"), post(calls::reload))
        .route(&below("/schemas/tables/resync"), post(calls::tables_resync))
        .route(&below("/errors"), get(reads::errors))
        .route(&below("/warnings"), get(reads::warnings))
        .route(&below("/sync-history"), get(reads::sync_history))
        .route("/v1/webhooks", get(webhook_api::list))
        .route(
            "/v1/webhooks/account",
            post(webhook_api::create_for_account),
        )
        .route(
            "/v1/webhooks/group/{id}",
            post(webhook_api::create_for_group),
        )
        .route(
            "/v1/webhooks/{id}",
            get(webhook_api::details)
                .patch(webhook_api::change)
                .delete(webhook_api::delete),
        )
        .route("/v1/webhooks/{id}/test", post(webhook_api::test))
        .fallback(async || Refusal {
            status: 404,
            code: "NotFound",
            message: "Resource not found".into(),
        })
        .layer(from_fn_with_state(sim.clone(), gate))
        .with_state(sim)
}

/// Checks what is the same for all requests and puts on the headers that all answers have.
async fn gate(State(sim): State<FivetranSim>, request: Request, next: Next) -> Response {
    let mut response = match admit(&sim, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(Denied {
            refusal,
            retry_after,
        }) => {
            let mut response = refusal.into_response();
            if let Some(seconds) = retry_after {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    };
    let (number, limit, remaining) = {
        let world = sim.world();
        (
            world.requests,
            world.budget.per_hour,
            world.budget.remaining(),
        )
    };
    let mut put = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    };
    put(
        "x-request-id",
        format!("{:032x}", u128::from(number) << 64 | 0x5379_6e63),
    );
    put("x-rate-limit", limit.to_string());
    put("x-rate-limit-remaining", remaining.to_string());
    response
}

/// A request that no handler gets to see.
struct Denied {
    refusal: Refusal,
    retry_after: Option<i64>,
}

fn denied(status: u16, code: &'static str, message: &str) -> Denied {
    let refusal = Refusal {
        status,
        code,
        message: message.to_owned(),
    };
    Denied {
        refusal,
        retry_after: None,
    }
}

fn admit(sim: &FivetranSim, method: &Method, headers: &HeaderMap) -> Result<(), Denied> {
    let mut world = sim.present();
    world.requests += 1;
    let header = |name| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    if header(header::AUTHORIZATION) != world.authorization {
        return Err(denied(
            401,
            "AuthFailed",
            "Invalid authorization credentials",
        ));
    }
    let now = world.now;
    if let Err(seconds) = world.budget.take(now) {
        let message = "You have exceeded the limit of API requests for your account";
        return Err(Denied {
            retry_after: Some(seconds),
            ..denied(429, "TooManyRequests", message)
        });
    }
    if !is_accepted(header(header::ACCEPT)) {
        return Err(denied(406, "NotAcceptable", "Unsupported 'Accept' header"));
    }
    let has_body = *method == Method::POST || *method == Method::PATCH;
    if has_body && media_type(header(header::CONTENT_TYPE)) != "application/json" {
        return Err(denied(
            415,
            "UnsupportedMediaType",
            "'Content-Type' must be 'application/json'",
        ));
    }
    Ok(())
}

fn is_accepted(accept: &str) -> bool {
    let parameters: String = accept.split(';').skip(1).map(str::trim).collect();
    media_type(accept) == "application/json" && (parameters.is_empty() || parameters == "version=2")
}

fn media_type(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// The JSON object of a body; an empty body gives none.
pub(super) fn object(body: &[u8]) -> Result<Option<Map<String, Value>>, Refusal> {
    if body.is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(Some(map)),
        Ok(_) | Err(_) => Err(Refusal::invalid("Request body is not a valid JSON object")),
    }
}
