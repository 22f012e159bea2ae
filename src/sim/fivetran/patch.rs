//! `PATCH /v1/connections/{id}`: parsing, refusals, effects.

use serde_json::{Map, Value};

use super::connection::Connection;
use super::effects::EffectKind;
use super::schedule::{FREQUENCIES, is_daily_time};
use super::setup_tests;
use super::world::World;
use super::writes::Refusal;

/// Fields that change the set-up itself; written ones are recorded by name and not interpreted.
const SETUP_FIELDS: [&str; 13] = [
    "config",
    "auth",
    "pause_after_trial",
    "schema_status",
    "networking_method",
    "hybrid_deployment_agent_id",
    "proxy_agent_id",
    "private_link_id",
    "destination_configuration",
    "external_secrets_manager_id",
    "external_secrets_keys_config",
    "destination_schema_names",
    "connect_card_config",
];

const SENSITIVITIES: [&str; 5] = ["LOW", "NORMAL", "HIGH", "CUSTOM", "SYNC_FREQUENCY"];

/// What a PATCH asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Patch {
    paused: Option<bool>,
    sync_frequency: Option<u32>,
    daily_sync_time: Option<String>,
    schedule_type: Option<String>,
    data_delay_sensitivity: Option<String>,
    data_delay_threshold: Option<u32>,
    is_historical_sync: Option<bool>,
    setup_fields: Vec<String>,
    skip_setup_tests: bool,
}

impl Patch {
    /// Reads the body. A field with null counts as absent, as it does for a Java server.
    pub fn parse(body: &Map<String, Value>) -> Result<Patch, Refusal> {
        let mut patch = Patch::default();
        let mut persistent = 0;
        for (name, value) in body.iter().filter(|(_, v)| !v.is_null()) {
            persistent += u32::from(patch.read_field(name, value)?);
        }
        if persistent == 0 {
            return Err(Refusal::invalid(
                "At least one field to update must be specified",
            ));
        }
        Ok(patch)
    }

    /// Takes one field; says whether it is one that is kept.
    fn read_field(&mut self, name: &str, value: &Value) -> Result<bool, Refusal> {
        match name {
            "paused" => self.paused = Some(boolean(name, value)?),
            "sync_frequency" => self.sync_frequency = Some(frequency(value)?),
            "daily_sync_time" => self.daily_sync_time = Some(daily_time(value)?),
            "schedule_type" => self.schedule_type = Some(one_of(name, value, &["auto", "manual"])?),
            "data_delay_sensitivity" => {
                self.data_delay_sensitivity = Some(one_of(name, value, &SENSITIVITIES)?)
            }
            "data_delay_threshold" => self.data_delay_threshold = Some(minutes(name, value)?),
            "is_historical_sync" => self.is_historical_sync = Some(boolean(name, value)?),
            "run_setup_tests" => {
                self.skip_setup_tests = !boolean(name, value)?;
                return Ok(false);
            }
            "trust_certificates" | "trust_fingerprints" => {
                boolean(name, value)?;
                return Ok(false);
            }
            "schedule" => {
                return Err(Refusal::invalid(
                    "The 'schedule' object is not available for this account",
                ));
            }
            _ if SETUP_FIELDS.contains(&name) => self.setup_fields.push(name.to_owned()),
            _ => return Err(Refusal::invalid(format!("Unrecognized field '{name}'"))),
        }
        Ok(true)
    }

    /// Whether it fits the connection: a daily time needs the daily frequency.
    pub fn check(&self, c: &Connection) -> Result<(), Refusal> {
        let frequency = self.sync_frequency.unwrap_or(c.sync_frequency);
        if self.daily_sync_time.is_some() && frequency != 1440 {
            return Err(Refusal::invalid(
                "'daily_sync_time' can be set only when 'sync_frequency' is 1440",
            ));
        }
        Ok(())
    }

    /// Applies it, and says what changed.
    pub fn apply(&self, id: &str, world: &mut World) -> Vec<EffectKind> {
        let now = world.now;
        let Some(c) = world.connections.get_mut(id) else {
            return Vec::new();
        };
        let mut done = self.set_schedule(c);
        done.extend(self.set_delay(c));
        if !done.is_empty() {
            // Slots of the new schedule that are already past are not made up for.
            c.slots_after = c.slots_after.max(now);
        }
        done.extend(self.set_paused(id, world));
        if !self.setup_fields.is_empty() {
            done.push(EffectKind::ConfigChanged {
                fields: self.setup_fields.clone(),
            });
        }
        if self.is_historical_sync == Some(true) {
            done.extend(restart_historical(id, world));
        }
        if !self.skip_setup_tests {
            setup_tests::run(world, id);
            done.push(EffectKind::SetupTestsRun);
        }
        done
    }

    fn set_schedule(&self, c: &mut Connection) -> Vec<EffectKind> {
        let mut done = Vec::new();
        let daily_before = c.daily_sync_time.clone();
        if let Some(minutes) = self.sync_frequency.filter(|f| *f != c.sync_frequency) {
            c.sync_frequency = minutes;
            // A time of day means nothing for any other frequency.
            if minutes != 1440 {
                c.daily_sync_time = None;
            }
            done.push(EffectKind::FrequencySet { minutes });
        }
        if let Some(time) = &self.daily_sync_time {
            c.daily_sync_time = Some(time.clone());
        }
        if c.daily_sync_time != daily_before {
            done.push(EffectKind::DailySyncTimeSet {
                time: c.daily_sync_time.clone(),
            });
        }
        if let Some(kind) = self
            .schedule_type
            .as_ref()
            .filter(|k| **k != c.schedule_type)
        {
            c.schedule_type.clone_from(kind);
            done.push(EffectKind::ScheduleTypeSet {
                schedule_type: kind.clone(),
            });
        }
        done
    }

    fn set_delay(&self, c: &mut Connection) -> Option<EffectKind> {
        let sensitivity = self
            .data_delay_sensitivity
            .clone()
            .unwrap_or_else(|| c.data_delay_sensitivity.clone());
        let threshold = self.data_delay_threshold.unwrap_or(c.data_delay_threshold);
        if sensitivity == c.data_delay_sensitivity && threshold == c.data_delay_threshold {
            return None;
        }
        c.data_delay_sensitivity = sensitivity;
        c.data_delay_threshold = threshold;
        Some(EffectKind::DataDelaySet)
    }

    fn set_paused(&self, id: &str, world: &mut World) -> Vec<EffectKind> {
        let now = world.now;
        let Some(c) = world.connections.get_mut(id) else {
            return Vec::new();
        };
        let Some(paused) = self.paused.filter(|p| *p != c.paused) else {
            return Vec::new();
        };
        c.paused = paused;
        c.slots_after = c.slots_after.max(now);
        if !paused {
            return vec![EffectKind::Resumed];
        }
        let killed = world.kill(id).then_some(EffectKind::SyncKilled);
        std::iter::once(EffectKind::Paused).chain(killed).collect()
    }
}

/// The field's documented effect: everything is read anew at once, and a running sync is cancelled for it.
fn restart_historical(id: &str, world: &mut World) -> Vec<EffectKind> {
    let killed = world.kill(id).then_some(EffectKind::SyncKilled);
    let Some(c) = world.connections.get_mut(id) else {
        return Vec::new();
    };
    c.is_historical_sync = true;
    c.resync_waits = c.paused;
    if !c.paused {
        world.begin(id);
    }
    std::iter::once(EffectKind::Resync).chain(killed).collect()
}

fn boolean(name: &str, value: &Value) -> Result<bool, Refusal> {
    value
        .as_bool()
        .ok_or_else(|| Refusal::invalid(format!("Field '{name}' must be a boolean")))
}

fn minutes(name: &str, value: &Value) -> Result<u32, Refusal> {
    let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
    number.ok_or_else(|| Refusal::invalid(format!("Field '{name}' must be a non-negative integer")))
}

fn frequency(value: &Value) -> Result<u32, Refusal> {
    let number = minutes("sync_frequency", value)?;
    if !FREQUENCIES.contains(&number) {
        return Err(Refusal::invalid(format!(
            "Invalid 'sync_frequency' value: {number}"
        )));
    }
    Ok(number)
}

fn daily_time(value: &Value) -> Result<String, Refusal> {
    let time = value.as_str().filter(|t| is_daily_time(t));
    let time = time.ok_or_else(|| {
        Refusal::invalid("'daily_sync_time' must be a whole hour, such as '03:00'")
    })?;
    Ok(time.to_owned())
}

fn one_of(name: &str, value: &Value, allowed: &[&str]) -> Result<String, Refusal> {
    let text = value.as_str().filter(|v| allowed.contains(v));
    Ok(text
        .ok_or_else(|| {
            Refusal::invalid(format!(
                "Field '{name}' must be one of {}",
                allowed.join(", ")
            ))
        })?
        .to_owned())
}
