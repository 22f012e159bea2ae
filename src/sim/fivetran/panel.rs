//! What the demo's side panel shows of the account.

use chrono::{DateTime, Utc};

use super::FivetranSim;
use super::connection::Notice;
use super::effects::Effect;

/// The panel holds this many of the latest effects.
const EFFECTS_SHOWN: usize = 20;

/// The account at a glance.
#[derive(Debug, Clone)]
pub struct Panel {
    /// The account's time.
    pub now: DateTime<Utc>,
    /// All connections, by group and name.
    pub connections: Vec<PanelLine>,
    /// The latest effects of API calls, newest first.
    pub effects: Vec<Effect>,
}

/// One connection of the panel.
#[derive(Debug, Clone)]
pub struct PanelLine {
    /// The id.
    pub id: String,
    /// The connector type.
    pub service: String,
    /// The name.
    pub schema: String,
    /// The group's name.
    pub group: String,
    /// `scheduled`, `syncing`, `paused` or `rescheduled`.
    pub sync_state: &'static str,
    /// `connected`, `broken` or `incomplete`.
    pub setup_state: String,
    /// Whether Fivetran itself calls it delayed.
    pub delayed: bool,
    /// Whether the last sync failed.
    pub failed: bool,
    /// Minutes between syncs.
    pub sync_frequency: u32,
    /// `auto` or `manual`.
    pub schedule_type: String,
    /// The last success.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// The last failure, however old.
    pub failed_at: Option<DateTime<Utc>>,
    /// When the sync under way began.
    pub running_since: Option<DateTime<Utc>>,
    /// When the sync under way ends, as far as it is planned.
    pub running_until: Option<DateTime<Utc>>,
    /// When the next one begins by itself.
    pub next_start: Option<DateTime<Utc>>,
    /// When a rescheduled sync is to be started again.
    pub rescheduled_for: Option<DateTime<Utc>>,
    /// What stops it.
    pub tasks: Vec<Notice>,
}

impl FivetranSim {
    /// The account at a glance, as it really is (`hide_effects` hides nothing here).
    pub fn panel(&self) -> Panel {
        let world = self.present();
        let mut connections: Vec<PanelLine> = world
            .connections
            .values()
            .map(|c| PanelLine {
                id: c.id.clone(),
                service: c.service.clone(),
                schema: c.schema.clone(),
                group: world
                    .groups
                    .get(&c.group_id)
                    .map_or_else(|| c.group_id.clone(), |g| g.name.clone()),
                sync_state: c.sync_state(),
                setup_state: c.setup_state.clone(),
                delayed: c.update_state(world.now) == "delayed",
                failed: c.failed_at.is_some() && c.failed_at > c.succeeded_at,
                sync_frequency: c.sync_frequency,
                schedule_type: c.schedule_type.clone(),
                succeeded_at: c.succeeded_at,
                failed_at: c.failed_at,
                running_since: c.running.as_ref().map(|r| r.started_at),
                running_until: c.running.as_ref().and_then(|r| r.ends_at),
                next_start: world.next_start(c),
                rescheduled_for: c.rescheduled_for,
                tasks: c.tasks.clone(),
            })
            .collect();
        connections.sort_by(|a, b| (&a.group, &a.schema).cmp(&(&b.group, &b.schema)));
        let effects = world
            .effects
            .iter()
            .rev()
            .take(EFFECTS_SHOWN)
            .cloned()
            .collect();
        Panel {
            now: world.now,
            connections,
            effects,
        }
    }
}
