//! The JSON that the account answers with.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::connection::{Connection, Notice};
use super::hooks::Webhook;
use super::world::{Group, World};

/// A time as the REST answers have it: microseconds.
pub(super) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A time as webhooks have it: milliseconds.
pub(super) fn millis(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn optional(at: Option<DateTime<Utc>>) -> Value {
    at.map(timestamp).into()
}

/// A connection as the list has it.
pub(super) fn connection_item(world: &World, c: &Connection) -> Value {
    let shown = if world.hide_effects || world.reads_lag {
        c.shown()
    } else {
        c.clone()
    };
    let c = &shown;
    let mut item = json!({
        "id": c.id, "service": c.service, "schema": c.schema, "group_id": c.group_id, "service_version": 1,
        "connected_by": c.connected_by,
        "created_at": timestamp(c.created_at.unwrap_or_default()),
        "succeeded_at": optional(c.succeeded_at), "failed_at": optional(c.failed_at),
        "paused": c.paused, "pause_after_trial": false,
        "sync_frequency": c.sync_frequency, "daily_sync_time": c.daily_sync_time, "schedule_type": c.schedule_type,
        "data_delay_sensitivity": c.data_delay_sensitivity, "data_delay_threshold": c.data_delay_threshold,
        "networking_method": c.networking_method,
        "private_link_id": null, "proxy_agent_id": null, "hybrid_deployment_agent_id": null,
        "status": status(c, world.now),
    });
    if let Some(schedule) = &c.schedule {
        item["schedule"] = schedule.clone();
    }
    item
}

/// A connection as its own page has it: with set-up tests and the masked configuration.
pub(super) fn connection_details(world: &World, c: &Connection) -> Value {
    let mut details = connection_item(world, c);
    details["setup_tests"] = c.setup_tests.clone().into();
    details["source_sync_details"] = json!({});
    details["config"] = c.config.clone();
    details
}

fn status(c: &Connection, now: DateTime<Utc>) -> Value {
    let state = c.sync_state();
    json!({
        "setup_state": c.setup_state,
        "schema_status": "ready",
        "sync_state": state,
        "update_state": c.update_state(now),
        "is_historical_sync": c.is_historical_sync,
        "rescheduled_for": optional(c.rescheduled_for.filter(|_| state == "rescheduled")),
        "tasks": c.tasks.iter().map(notice).collect::<Vec<_>>(),
        "warnings": c.warnings.iter().map(notice).collect::<Vec<_>>(),
    })
}

/// A task or warning; details only where there are some.
pub(super) fn notice(n: &Notice) -> Value {
    let mut value = json!({"code": n.code, "message": n.message});
    if let Some(details) = &n.details {
        value["details"] = details.as_str().into();
    }
    value
}

pub(super) fn group(g: &Group) -> Value {
    json!({"id": g.id, "name": g.name, "created_at": timestamp(g.created_at)})
}

pub(super) fn destination(g: &Group) -> Value {
    let offset = match g.time_zone_offset {
        hours if hours > 0 => format!("+{hours}"),
        hours => hours.to_string(),
    };
    json!({
        "id": g.id, "group_id": g.id, "service": g.service, "region": g.region, "time_zone_offset": offset,
        "daylight_saving_time_enabled": false, "setup_status": g.setup_status, "networking_method": "Directly",
        "private_link_id": null, "proxy_agent_id": null, "hybrid_deployment_agent_id": null, "config": {},
    })
}

/// The schema config. Columns that nobody edited are left out, as in the real answer.
pub(super) fn schema_config(c: &Connection) -> Value {
    let table = |name: &String| {
        json!({
            "name_in_destination": name.to_lowercase(), "enabled": true, "sync_mode": "SOFT_DELETE",
            "enabled_patch_settings": {"allowed": true}, "columns": {},
            "supports_columns_config": true, "supports_history_mode": true,
        })
    };
    let schemas: Map<String, Value> = c
        .tables
        .iter()
        .map(|(schema, names)| {
            let tables: Map<String, Value> = names.iter().map(|n| (n.clone(), table(n))).collect();
            (
                schema.clone(),
                json!({"name_in_destination": c.schema, "enabled": true, "tables": tables}),
            )
        })
        .collect();
    json!({"enable_new_by_default": true, "schema_change_handling": "ALLOW_ALL", "schemas": schemas})
}

/// A webhook; its secret is never shown.
pub(super) fn webhook(w: &Webhook) -> Value {
    let mut value = json!({
        "id": w.id, "type": if w.group_id.is_some() { "group" } else { "account" }, "url": w.url, "events": w.events,
        "active": w.active, "created_at": timestamp(w.created_at), "created_by": "mournful_shalt",
    });
    if w.secret.is_some() {
        value["secret"] = "******".into();
    }
    if let Some(group) = &w.group_id {
        value["group_id"] = group.as_str().into();
    }
    value
}
