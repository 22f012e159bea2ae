//! The reading half of the REST surface.

use axum::extract::{Path, Query, State};
use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::FivetranSim;
use super::connection::Connection;
use super::http::{Answer, Reply};
use super::wire;
use super::world::World;
use super::writes::Refusal;

/// The query of every list.
#[derive(Deserialize)]
pub(super) struct ListQuery {
    group_id: Option<String>,
    schema: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

/// The query of `sync-history`.
#[derive(Deserialize)]
pub(super) struct HistoryQuery {
    start_time: Option<String>,
    end_time: Option<String>,
}

pub(super) async fn account() -> Reply {
    let data = json!({"account_id": "simulated_account", "account_name": "Simulated", "user_id": "mournful_shalt"});
    Ok(Answer::data(
        "Account information retrieved successfully",
        data,
    ))
}

pub(super) async fn groups(
    State(sim): State<FivetranSim>,
    Query(query): Query<ListQuery>,
) -> Reply {
    let world = sim.present();
    let page = query.page(
        world
            .groups
            .iter()
            .map(|(id, g)| (id.as_str(), || wire::group(g))),
    )?;
    Ok(Answer::data("Groups retrieved successfully", page))
}

pub(super) async fn group(State(sim): State<FivetranSim>, Path(id): Path<String>) -> Reply {
    let world = sim.present();
    let group = world
        .groups
        .get(&id)
        .ok_or_else(|| not_found("NotFound_Group", "Group", &id))?;
    Ok(Answer::data(
        "Group details retrieved successfully",
        wire::group(group),
    ))
}

pub(super) async fn destinations(
    State(sim): State<FivetranSim>,
    Query(query): Query<ListQuery>,
) -> Reply {
    let world = sim.present();
    let page = query.page(
        world
            .groups
            .iter()
            .map(|(id, g)| (id.as_str(), || wire::destination(g))),
    )?;
    Ok(Answer::data(
        "Destinations list retrieved successfully",
        page,
    ))
}

pub(super) async fn destination(State(sim): State<FivetranSim>, Path(id): Path<String>) -> Reply {
    let world = sim.present();
    let group = world
        .groups
        .get(&id)
        .ok_or_else(|| not_found("NotFound_Destination", "Destination", &id))?;
    Ok(Answer::data(
        "Destination details retrieved successfully",
        wire::destination(group),
    ))
}

pub(super) async fn connections(
    State(sim): State<FivetranSim>,
    Query(query): Query<ListQuery>,
) -> Reply {
    let page = query.connections(&sim.present())?;
    Ok(Answer::data(
        "Connections list retrieved successfully",
        page,
    ))
}

pub(super) async fn group_connections(
    State(sim): State<FivetranSim>,
    Path(id): Path<String>,
    Query(mut query): Query<ListQuery>,
) -> Reply {
    let world = sim.present();
    if !world.groups.contains_key(&id) {
        return Err(not_found("NotFound_Group", "Group", &id));
    }
    query.group_id = Some(id);
    Ok(Answer::data(
        "Group connections retrieved successfully",
        query.connections(&world)?,
    ))
}

pub(super) async fn connection(State(sim): State<FivetranSim>, Path(id): Path<String>) -> Reply {
    let world = sim.present();
    let data = wire::connection_details(&world, find(&world, &id)?);
    Ok(Answer::data(
        "Connection details retrieved successfully",
        data,
    ))
}

pub(super) async fn schemas(State(sim): State<FivetranSim>, Path(id): Path<String>) -> Reply {
    let world = sim.present();
    let c = find(&world, &id)?;
    if c.tables.is_empty() {
        let message = format!("Connection with id '{id}' doesn't have schema config");
        return Err(Refusal {
            status: 404,
            code: "NotFound_SchemaConfig",
            message,
        });
    }
    Ok(Answer::data(
        "Schema configuration retrieved successfully",
        wire::schema_config(c),
    ))
}

/// Private preview: without the feature it is forbidden.
pub(super) async fn errors(State(sim): State<FivetranSim>, Path(id): Path<String>) -> Reply {
    let world = sim.present();
    if !world.diagnosis {
        let message = "This feature is not available for your account".into();
        return Err(Refusal {
            status: 403,
            code: "Forbidden",
            message,
        });
    }
    let c = find(&world, &id)?;
    let created_at = wire::timestamp(c.failed_at.unwrap_or_default());
    let item = |t: &super::connection::Notice| {
        json!({
            "type": t.code, "title": t.message, "reason": t.details.as_deref().unwrap_or_default(),
            "message": "Check the connection's credentials and set-up, then sync again.", "created_at": created_at,
        })
    };
    let items: Vec<Value> = c.tasks.iter().map(item).collect();
    Ok(Answer::data(
        "Connection errors retrieved successfully",
        json!({"items": items}),
    ))
}

pub(super) async fn warnings(State(sim): State<FivetranSim>, Path(id): Path<String>) -> Reply {
    let world = sim.present();
    needs_diagnosis(&world)?;
    let c = find(&world, &id)?;
    let warnings: Vec<Value> = c.warnings.iter().map(wire::notice).collect();
    let items = if warnings.is_empty() {
        json!([])
    } else {
        json!([{"warnings": warnings}])
    };
    Ok(Answer::data(
        "Connection warnings retrieved successfully",
        json!({"items": items}),
    ))
}

/// The fields of an item are not documented; these are the ones that a reader would expect.
pub(super) async fn sync_history(
    State(sim): State<FivetranSim>,
    Path(id): Path<String>,
    Query(query): Query<HistoryQuery>,
) -> Reply {
    let world = sim.present();
    needs_diagnosis(&world)?;
    find(&world, &id)?;
    let (from, to) = query.range(world.now)?;
    let items: Vec<Value> = world
        .log
        .finished(&id)
        .filter(|f| f.started_at >= from && f.started_at <= to)
        .map(|f| {
            json!({
                "sync_id": f.sync_id, "start": wire::timestamp(f.started_at), "end": wire::timestamp(f.ended_at),
                "status": f.end.status(), "reason": f.end.reason(),
            })
        })
        .collect();
    Ok(Answer::data(
        "Sync history retrieved successfully",
        json!({"items": items}),
    ))
}

impl HistoryQuery {
    /// The range asked for: an hour by default, a week at most.
    fn range(&self, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>), Refusal> {
        let parse = |text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|_| Refusal::invalid(format!("Invalid time '{text}'"))),
        };
        let hour = Duration::hours(1);
        let (from, to) = match (parse(&self.start_time)?, parse(&self.end_time)?) {
            (None, None) => (now - hour, now),
            (Some(from), None) => (from, from + hour),
            (None, Some(to)) => (to - hour, to),
            (Some(from), Some(to)) => (from, to),
        };
        if to < from || to - from > Duration::days(7) {
            return Err(Refusal::invalid("The time range must be within 7 days"));
        }
        Ok((from, to))
    }
}

impl ListQuery {
    fn connections(&self, world: &World) -> Result<Value, Refusal> {
        let matching = world.connections.values().filter(|c| {
            self.group_id.as_ref().is_none_or(|g| *g == c.group_id)
                && self.schema.as_ref().is_none_or(|s| *s == c.schema)
        });
        self.page(matching.map(|c| (c.id.as_str(), || wire::connection_item(world, c))))
    }

    /// One page of a list that is ordered by id. The cursor names the last id given out, so that what is added or
    /// deleted between two pages neither repeats nor hides the others.
    pub fn page<'a, F: FnOnce() -> Value>(
        &self,
        all: impl Iterator<Item = (&'a str, F)>,
    ) -> Result<Value, Refusal> {
        let limit = match &self.limit {
            None => 100,
            Some(text) => text
                .parse::<usize>()
                .ok()
                .filter(|n| (1..=1000).contains(n))
                .ok_or_else(|| Refusal::invalid("'limit' must be between 1 and 1000"))?,
        };
        let after = self.cursor.as_deref().map(cursor_id).transpose()?;
        let mut rest = all
            .filter(|(id, _)| after.as_deref().is_none_or(|after| *id > after))
            .peekable();
        let mut items = Vec::new();
        let mut last = "";
        while items.len() < limit {
            let Some((id, render)) = rest.next() else {
                break;
            };
            items.push(render());
            last = id;
        }
        let mut page = json!({"items": items});
        if rest.peek().is_some() {
            page["next_cursor"] = hex::encode(format!("after:{last}")).into();
        }
        Ok(page)
    }
}

fn cursor_id(cursor: &str) -> Result<String, Refusal> {
    let text = hex::decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let id = text.as_deref().and_then(|t| t.strip_prefix("after:"));
    Ok(id
        .ok_or_else(|| Refusal::invalid("Invalid cursor"))?
        .to_owned())
}

fn needs_diagnosis(world: &World) -> Result<(), Refusal> {
    if world.diagnosis {
        return Ok(());
    }
    Err(Refusal {
        status: 404,
        code: "NotFound",
        message: "Resource not found".into(),
    })
}

pub(super) fn not_found(code: &'static str, what: &str, id: &str) -> Refusal {
    Refusal {
        status: 404,
        code,
        message: format!("{what} with id '{id}' does not exist."),
    }
}

fn find<'a>(world: &'a World, id: &str) -> Result<&'a Connection, Refusal> {
    world
        .connections
        .get(id)
        .ok_or_else(|| Refusal::no_connection(id))
}
