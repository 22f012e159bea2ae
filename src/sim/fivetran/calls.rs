//! The mutating half of the REST surface: bodies in, [`Write`]s to the world.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Path, State};
use serde_json::{Map, Value};

use super::FivetranSim;
use super::http::{Answer, Reply, object};
use super::patch::Patch;
use super::wire;
use super::writes::{Refusal, Write};

pub(super) async fn patch(
    State(sim): State<FivetranSim>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    let patch = Patch::parse(&object(&body)?.unwrap_or_default())?;
    let mut world = sim.present();
    world.call(Write::Patch {
        id: id.clone(),
        patch: Box::new(patch),
    })?;
    let c = world
        .connections
        .get(&id)
        .ok_or_else(|| Refusal::no_connection(&id))?;
    Ok(Answer::data(
        "Connection has been updated",
        wire::connection_details(&world, c),
    ))
}

pub(super) async fn sync(
    State(sim): State<FivetranSim>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    let body = object(&body)?.unwrap_or_default();
    let force = match body.get("force") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(force)) => *force,
        Some(_) => return Err(Refusal::invalid("Field 'force' must be a boolean")),
    };
    sim.present().call(Write::Sync {
        id: id.clone(),
        force,
    })?;
    Ok(triggered(&id))
}

pub(super) async fn resync(
    State(sim): State<FivetranSim>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    let body = object(&body)?.unwrap_or_default();
    let write = match body.get("scope") {
        None | Some(Value::Null) => Write::Resync { id: id.clone() },
        Some(Value::Object(scope)) => Write::TablesResync {
            id: id.clone(),
            scope: tables(scope)?,
        },
        Some(_) => return Err(Refusal::invalid("Field 'scope' must be an object")),
    };
    sim.present().call(write)?;
    Ok(triggered(&id))
}

pub(super) async fn tables_resync(
    State(sim): State<FivetranSim>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    let scope = tables(&object(&body)?.unwrap_or_default())?;
    sim.present().call(Write::TablesResync { id, scope })?;
    Ok(Answer::message("Re-sync has been triggered successfully"))
}

pub(super) async fn test(
    State(sim): State<FivetranSim>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    object(&body)?.ok_or_else(|| Refusal::invalid("Request body is missing"))?;
    let mut world = sim.present();
    world.call(Write::SetupTests { id: id.clone() })?;
    let c = world
        .connections
        .get(&id)
        .ok_or_else(|| Refusal::no_connection(&id))?;
    Ok(Answer::data(
        "Setup tests have been completed",
        wire::connection_details(&world, c),
    ))
}

pub(super) async fn reload(
    State(sim): State<FivetranSim>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    object(&body)?;
    let mut world = sim.present();
    world.call(Write::SchemaReload { id: id.clone() })?;
    let c = world
        .connections
        .get(&id)
        .ok_or_else(|| Refusal::no_connection(&id))?;
    Ok(Answer::data(
        "Schema configuration has been reloaded",
        wire::schema_config(c),
    ))
}

fn triggered(id: &str) -> Answer {
    Answer::message(format!(
        "Sync has been successfully triggered for connection with id '{id}'"
    ))
}

/// The map `schema → tables` of a re-sync; each table once.
fn tables(scope: &Map<String, Value>) -> Result<BTreeMap<String, Vec<String>>, Refusal> {
    let bad = || Refusal::invalid("Tables must be given as arrays of distinct names");
    let mut tables = BTreeMap::new();
    for (schema, names) in scope {
        let names = names.as_array().ok_or_else(bad)?;
        let names: Option<Vec<String>> = names
            .iter()
            .map(|n| n.as_str().map(str::to_owned))
            .collect();
        let mut names = names.ok_or_else(bad)?;
        let given = names.len();
        names.sort();
        names.dedup();
        if names.len() != given {
            return Err(bad());
        }
        tables.insert(schema.clone(), names);
    }
    Ok(tables)
}
