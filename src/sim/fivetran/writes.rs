//! The mutating calls: what they ask, when they are refused, what they do.

use std::collections::BTreeMap;

use super::connection::Connection;
use super::effects::EffectKind;
use super::patch::Patch;
use super::setup_tests;
use super::world::{PausedSync, World};

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    pub fn invalid(message: impl Into<String>) -> Self {
        Refusal {
            status: 400,
            code: "InvalidInput",
            message: message.into(),
        }
    }

    pub fn illegal_state(message: impl Into<String>) -> Self {
        Refusal {
            status: 400,
            code: "IllegalState",
            message: message.into(),
        }
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Refusal {
            status: 409,
            code: "Conflict",
            message: message.into(),
        }
    }

    pub fn no_connection(id: &str) -> Self {
        Refusal {
            status: 404,
            code: "NotFound_Connection",
            message: format!("Connection with id '{id}' does not exist."),
        }
    }
}

/// A mutating call on a connection, parsed.
#[derive(Debug, Clone)]
pub(super) enum Write {
    Patch {
        id: String,
        patch: Box<Patch>,
    },
    Sync {
        id: String,
        force: bool,
    },
    Resync {
        id: String,
    },
    TablesResync {
        id: String,
        scope: BTreeMap<String, Vec<String>>,
    },
    SetupTests {
        id: String,
    },
    SchemaReload {
        id: String,
    },
}

impl Write {
    /// The connection it is about.
    pub fn target(&self) -> &str {
        match self {
            Write::Patch { id, .. }
            | Write::Sync { id, .. }
            | Write::Resync { id }
            | Write::TablesResync { id, .. }
            | Write::SetupTests { id }
            | Write::SchemaReload { id } => id,
        }
    }

    /// Whether `hide_effects` keeps its effect from reads: syncs and re-syncs only.
    pub fn can_be_hidden(&self) -> bool {
        matches!(
            self,
            Write::Sync { .. } | Write::Resync { .. } | Write::TablesResync { .. }
        )
    }

    /// Whether the account takes the call as it stands.
    pub fn check(&self, world: &World) -> Result<(), Refusal> {
        let id = self.target();
        let c = world
            .connections
            .get(id)
            .ok_or_else(|| Refusal::no_connection(id))?;
        match self {
            Write::Patch { patch, .. } => patch.check(c),
            Write::Sync { .. } => check_sync(c, world.paused_sync),
            Write::Resync { .. } => check_resync(c),
            Write::TablesResync { scope, .. } => {
                check_resync(c).and_then(|()| check_tables(c, scope))
            }
            Write::SetupTests { .. } => Ok(()),
            Write::SchemaReload { .. } if c.setup_state != "connected" => {
                Err(Refusal::illegal_state("Connection is not connected"))
            }
            Write::SchemaReload { .. } => Ok(()),
        }
    }

    /// Does it, and says what it did; nothing when it changed nothing.
    pub fn apply(&self, world: &mut World) -> Vec<EffectKind> {
        match self {
            Write::Patch { id, patch } => patch.apply(id, world),
            Write::Sync { id, force } => sync(world, id, *force),
            Write::Resync { id } => {
                if let Some(c) = world.connections.get_mut(id) {
                    c.is_historical_sync = true;
                }
                begin_or_wait(world, id);
                vec![EffectKind::Resync]
            }
            Write::TablesResync { id, scope } => {
                begin_or_wait(world, id);
                let mut tables: Vec<String> = scope
                    .iter()
                    .flat_map(|(s, tables)| tables.iter().map(move |t| format!("{s}.{t}")))
                    .collect();
                tables.sort();
                vec![EffectKind::TablesResync { tables }]
            }
            Write::SetupTests { id } => {
                setup_tests::run(world, id);
                vec![EffectKind::SetupTestsRun]
            }
            Write::SchemaReload { .. } => vec![EffectKind::SchemaReloaded],
        }
    }
}

fn check_sync(c: &Connection, paused: PausedSync) -> Result<(), Refusal> {
    if c.setup_state == "incomplete" {
        return Err(Refusal::illegal_state(format!(
            "Connection with id '{}' is not set up",
            c.id
        )));
    }
    if c.paused && paused == PausedSync::Refused {
        return Err(Refusal::illegal_state(format!(
            "Connection with id '{}' is paused",
            c.id
        )));
    }
    Ok(())
}

fn check_resync(c: &Connection) -> Result<(), Refusal> {
    match c.running {
        Some(_) => Err(Refusal::conflict(format!(
            "Sync is already in progress for connection with id '{}'",
            c.id
        ))),
        None => Ok(()),
    }
}

fn check_tables(c: &Connection, scope: &BTreeMap<String, Vec<String>>) -> Result<(), Refusal> {
    if !c.table_resync {
        return Err(Refusal::invalid(format!(
            "Table re-sync is not supported for service '{}'",
            c.service
        )));
    }
    if scope.is_empty() || scope.values().any(Vec::is_empty) {
        return Err(Refusal::invalid(
            "At least one table must be specified for re-sync",
        ));
    }
    for (schema, tables) in scope {
        let known = c.tables.get(schema);
        if let Some(table) = tables
            .iter()
            .find(|t| !known.is_some_and(|k| k.contains(t)))
        {
            return Err(Refusal::invalid(format!(
                "Table '{schema}.{table}' is not found"
            )));
        }
    }
    Ok(())
}

fn sync(world: &mut World, id: &str, force: bool) -> Vec<EffectKind> {
    let Some(c) = world.connections.get(id) else {
        return Vec::new();
    };
    if c.paused || (c.running.is_some() && !force) {
        return Vec::new();
    }
    let killed = world.kill(id);
    let started = world.begin(id);
    let mut done = Vec::new();
    if started {
        done.push(EffectKind::SyncStarted { force });
    }
    if killed {
        done.push(EffectKind::SyncKilled);
    }
    done
}

/// A paused connection keeps an accepted re-sync until it is resumed.
fn begin_or_wait(world: &mut World, id: &str) {
    let paused = world.connections.get(id).is_some_and(|c| c.paused);
    if !paused {
        world.begin(id);
    } else if let Some(c) = world.connections.get_mut(id) {
        c.resync_waits = true;
    }
}
