//! `/v1/webhooks`: registering, changing and trying webhooks.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use serde_json::{Map, Value, json};

use super::FivetranSim;
use super::effects::EffectKind;
use super::hooks::{Webhook, WebhookRequest, test_body};
use super::http::{Answer, Reply, object};
use super::reads::{ListQuery, not_found};
use super::wire;
use super::writes::Refusal;

pub(super) async fn list(State(sim): State<FivetranSim>, Query(query): Query<ListQuery>) -> Reply {
    let world = sim.present();
    let page = query.page(
        world
            .hooks
            .registered
            .iter()
            .map(|(id, w)| (id.as_str(), || wire::webhook(w))),
    )?;
    Ok(Answer::data("Webhooks retrieved successfully", page))
}

pub(super) async fn details(State(sim): State<FivetranSim>, Path(id): Path<String>) -> Reply {
    Ok(Answer::data(
        "Webhook details retrieved successfully",
        wire::webhook(&find(&sim, &id)?),
    ))
}

pub(super) async fn create_for_account(State(sim): State<FivetranSim>, body: Bytes) -> Reply {
    create(&sim, None, &body, "Account webhook has been created").await
}

pub(super) async fn create_for_group(
    State(sim): State<FivetranSim>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    if !sim.present().groups.contains_key(&id) {
        return Err(not_found("NotFound_Group", "Group", &id));
    }
    create(&sim, Some(id), &body, "Group webhook has been created").await
}

async fn create(sim: &FivetranSim, group_id: Option<String>, body: &[u8], message: &str) -> Reply {
    let body = object(body)?.unwrap_or_default();
    let mut webhook = Webhook {
        id: String::new(),
        group_id,
        url: String::new(),
        events: Vec::new(),
        active: true,
        secret: None,
        created_at: sim.present().now,
    };
    edit(&mut webhook, &body)?;
    if webhook.url.is_empty() || webhook.events.is_empty() {
        return Err(Refusal::invalid("'url' and 'events' are required"));
    }
    if webhook.active {
        must_answer(sim, &webhook).await?;
    }
    let mut world = sim.present();
    let webhook = world.hooks.register(webhook);
    world.record(&webhook.id, vec![EffectKind::WebhookCreated]);
    Ok(Answer::data(message, wire::webhook(&webhook)))
}

pub(super) async fn change(
    State(sim): State<FivetranSim>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    let body = object(&body)?.unwrap_or_default();
    let before = find(&sim, &id)?;
    let mut webhook = before.clone();
    edit(&mut webhook, &body)?;
    let wakes = webhook.active && (!before.active || webhook.url != before.url);
    if wakes {
        must_answer(&sim, &webhook).await?;
    }
    let mut world = sim.present();
    world.hooks.registered.insert(id.clone(), webhook.clone());
    world.record(&id, vec![EffectKind::WebhookChanged]);
    Ok(Answer::data(
        "Webhook has been updated",
        wire::webhook(&webhook),
    ))
}

pub(super) async fn delete(State(sim): State<FivetranSim>, Path(id): Path<String>) -> Reply {
    find(&sim, &id)?;
    let mut world = sim.present();
    world.hooks.registered.remove(&id);
    world.record(&id, vec![EffectKind::WebhookDeleted]);
    Ok(Answer::message(format!(
        "Webhook with id '{id}' has been deleted"
    )))
}

pub(super) async fn test(
    State(sim): State<FivetranSim>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    let webhook = find(&sim, &id)?;
    let body = object(&body)?.unwrap_or_default();
    let event = body
        .get("event")
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::invalid("'event' is required"))?;
    let status = probe(&sim, &webhook, event).await;
    let succeed = status.is_some_and(|s| (200..300).contains(&s));
    let data = json!({"succeed": succeed, "status": status.unwrap_or(0), "message": if succeed { "OK" } else { "Failed" }});
    Ok(Answer::data("Webhook test completed successfully", data))
}

/// Registration and activation work only when the receiver answers the test payload.
async fn must_answer(sim: &FivetranSim, webhook: &Webhook) -> Result<(), Refusal> {
    match probe(sim, webhook, "test_event").await {
        Some(status) if (200..300).contains(&status) => Ok(()),
        Some(status) => Err(Refusal::invalid(format!(
            "Webhook test failed: the endpoint answered {status}"
        ))),
        None => Err(Refusal::invalid(
            "Webhook test failed: the endpoint is not reachable",
        )),
    }
}

async fn probe(sim: &FivetranSim, webhook: &Webhook, event: &str) -> Option<u16> {
    let body = test_body(event, sim.present().now);
    sim.post(&WebhookRequest::new(
        &webhook.url,
        webhook.secret.as_deref(),
        body,
    ))
    .await
}

fn edit(webhook: &mut Webhook, body: &Map<String, Value>) -> Result<(), Refusal> {
    for (name, value) in body {
        match (name.as_str(), value) {
            ("url", Value::String(url)) => webhook.url = allowed_url(url)?,
            ("events", Value::Array(events)) => {
                let events: Option<Vec<String>> = events
                    .iter()
                    .map(|e| e.as_str().map(str::to_owned))
                    .collect();
                webhook.events =
                    events.ok_or_else(|| Refusal::invalid("Field 'events' must hold strings"))?;
            }
            ("active", Value::Bool(active)) => webhook.active = *active,
            ("secret", Value::String(secret)) => webhook.secret = Some(secret.clone()),
            _ => return Err(Refusal::invalid(format!("Invalid field '{name}'"))),
        }
    }
    Ok(())
}

/// Fivetran posts to https only. Loopback is let through, for that is where tests and the demo listen.
fn allowed_url(text: &str) -> Result<String, Refusal> {
    let url =
        url::Url::parse(text).map_err(|_| Refusal::invalid("Field 'url' is not a valid URL"))?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if url.scheme() == "https" || (url.scheme() == "http" && loopback) {
        return Ok(text.to_owned());
    }
    Err(Refusal::invalid("Field 'url' must start with 'https://'"))
}

fn find(sim: &FivetranSim, id: &str) -> Result<Webhook, Refusal> {
    sim.present()
        .hooks
        .registered
        .get(id)
        .cloned()
        .ok_or_else(|| not_found("NotFound_Webhook", "Webhook", id))
}
