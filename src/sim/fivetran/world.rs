//! The account's state and how it moves on with the clock.
//!
//! Nothing here runs in the background: whoever looks first advances the world to the present, and all that was due
//! since the last look happens in the order of its own times.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use chrono::{DateTime, Duration, Utc};

use super::budget::Budget;
use super::connection::Connection;
use super::effects::{Effect, EffectKind};
use super::hooks::Hooks;
use super::logs::{Finished, Log};
use super::schedule::next_start;
use super::writes::{Refusal, Write};

/// A group and its destination, which share one id.
#[derive(Debug, Clone)]
pub struct Group {
    /// The id of both.
    pub id: String,
    /// The group's name.
    pub name: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// The destination's type.
    pub service: String,
    /// The destination's region.
    pub region: String,
    /// Hours from UTC, −11 to +12.
    pub time_zone_offset: i8,
    /// INCOMPLETE, CONNECTED or BROKEN.
    pub setup_status: String,
    /// The minutes, 0 to 59, by which all scheduled syncs of the destination begin late.
    pub start_offset_minutes: u32,
}

impl Group {
    /// A connected destination whose syncs begin on the full slot.
    pub fn new(id: &str, name: &str, service: &str) -> Self {
        Group {
            id: id.into(),
            name: name.into(),
            created_at: DateTime::from_timestamp(1_600_000_000, 0).unwrap_or_default(),
            service: service.into(),
            region: "AWS_EU_CENTRAL_1".into(),
            time_zone_offset: 0,
            setup_status: "CONNECTED".into(),
            start_offset_minutes: 0,
        }
    }
}

/// What a `POST …/sync` on a paused connection does; Fivetran does not document it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PausedSync {
    /// 400 with `IllegalState`.
    Refused,
    /// 200, and nothing begins.
    Ignored,
}

/// A write that was accepted and is applied later.
struct Late {
    at: DateTime<Utc>,
    write: Write,
}

/// Everything that the account knows.
pub(super) struct World {
    pub now: DateTime<Utc>,
    pub authorization: String,
    pub groups: BTreeMap<String, Group>,
    pub connections: BTreeMap<String, Connection>,
    pub effects: Vec<Effect>,
    pub hooks: Hooks,
    pub log: Log,
    pub budget: Budget,
    pub paused_sync: PausedSync,
    pub diagnosis: bool,
    pub hide_effects: bool,
    /// How a sync ended does not show when it is read, while the webhook tells it.
    pub reads_lag: bool,
    pub next_write_late_by: Option<Duration>,
    pub requests: u64,
    late: VecDeque<Late>,
}

impl World {
    pub fn new(now: DateTime<Utc>, authorization: String) -> Self {
        World {
            now,
            authorization,
            groups: BTreeMap::new(),
            connections: BTreeMap::new(),
            effects: Vec::new(),
            hooks: Hooks::default(),
            log: Log::default(),
            budget: Budget::default(),
            paused_sync: PausedSync::Refused,
            diagnosis: false,
            hide_effects: false,
            reads_lag: false,
            next_write_late_by: None,
            requests: 0,
            late: VecDeque::new(),
        }
    }

    /// Lets everything happen that was due up to `to`. A clock that went backwards changes nothing.
    pub fn advance(&mut self, to: DateTime<Utc>) {
        if to < self.now {
            return;
        }
        let mut agenda: BinaryHeap<Reverse<(DateTime<Utc>, String)>> = BinaryHeap::new();
        for id in self.connections.keys() {
            agenda.extend(
                self.due(id)
                    .filter(|at| *at <= to)
                    .map(|at| Reverse((at, id.clone()))),
            );
        }
        loop {
            let late = self.late.front().map(|l| l.at).filter(|at| *at <= to);
            let next = agenda.peek().map(|Reverse((at, _))| *at);
            let touched = match (late, next) {
                (Some(late), next) if next.is_none_or(|next| late <= next) => self.apply_late(),
                (_, Some(_)) => agenda.pop().and_then(|Reverse((at, id))| self.step(at, id)),
                (_, None) => break,
            };
            let Some(id) = touched else { continue };
            agenda.extend(
                self.due(&id)
                    .filter(|at| *at <= to)
                    .map(|at| Reverse((at, id))),
            );
        }
        self.now = to;
    }

    /// When something happens to the connection by itself.
    fn due(&self, id: &str) -> Option<DateTime<Utc>> {
        let connection = self.connections.get(id)?;
        match &connection.running {
            Some(run) => run.ends_at,
            None => self.next_start(connection),
        }
    }

    /// When the connection begins its next sync by itself.
    pub fn next_start(&self, connection: &Connection) -> Option<DateTime<Utc>> {
        next_start(connection, self.groups.get(&connection.group_id))
    }

    /// Does what is due for one connection; none when the agenda's entry was overtaken by a change.
    fn step(&mut self, at: DateTime<Utc>, id: String) -> Option<String> {
        if self.due(&id) != Some(at) {
            return None;
        }
        self.now = self.now.max(at);
        if self
            .connections
            .get(&id)
            .is_some_and(|c| c.running.is_some())
        {
            self.finish(&id);
        } else {
            self.begin(&id);
        }
        Some(id)
    }

    fn apply_late(&mut self) -> Option<String> {
        let Late { at, write } = self.late.pop_front()?;
        self.now = self.now.max(at);
        // The world may have changed since the request; what is refused now simply has no effect.
        if write.check(self).is_ok() {
            self.apply(&write);
        }
        Some(write.target().to_owned())
    }

    /// Takes a mutating call: refuses it, or applies it now, or accepts it for later.
    pub fn call(&mut self, write: Write) -> Result<(), Refusal> {
        write.check(self)?;
        match self.next_write_late_by.take() {
            Some(by) => {
                let at = self.now + by;
                let place = self.late.partition_point(|l| l.at <= at);
                self.late.insert(place, Late { at, write });
            }
            None => self.apply(&write),
        }
        Ok(())
    }

    fn apply(&mut self, write: &Write) {
        let hidden = self.hide_effects && write.can_be_hidden();
        if hidden && let Some(connection) = self.connections.get_mut(write.target()) {
            connection.draw_veil();
        }
        let done = write.apply(self);
        self.record(write.target(), done);
    }

    /// Writes down what one call did.
    pub fn record(&mut self, target: &str, done: Vec<EffectKind>) {
        let mut done = done.into_iter();
        self.effects.push(Effect {
            seq: self.effects.len() as u64 + 1,
            at: self.now,
            connection_id: target.to_owned(),
            what: done.next().unwrap_or(EffectKind::NoChange),
            also: done.collect(),
        });
    }

    /// Shows everything again that was hidden.
    pub fn lift_veils(&mut self) {
        for connection in self.connections.values_mut() {
            connection.veil = None;
        }
    }

    /// Notes a finished sync in the log and tells the webhooks.
    pub fn announce_end(&mut self, id: &str, finished: Finished) {
        if let Some(connection) = self.connections.get(id) {
            self.hooks.sync_ended(connection, &finished, self.now);
            self.log.sync_ended(connection, finished);
        }
    }
}
