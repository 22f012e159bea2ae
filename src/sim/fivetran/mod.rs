//! A simulated Fivetran account, spoken to over HTTP exactly like the real one.
//!
//! It keeps its own time: every request, and every look from a test, first lets happen what was due since the last one
//! (`world`). Syncs begin by themselves, take their time, succeed, fail and are rescheduled; what API calls did is kept
//! in order as [`Effect`]s. It imports nothing of the service under test.

mod base64;
mod budget;
mod calls;
mod connection;
mod effects;
mod hooks;
mod http;
mod logs;
mod outcome;
mod panel;
mod patch;
mod reads;
mod schedule;
mod setup_tests;
mod sync;
#[cfg(test)]
mod tests;
mod webhook_api;
mod wire;
mod world;
mod writes;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use connection::{Connection, Notice, Run};
pub use effects::{Effect, EffectKind};
pub use hooks::{Webhook, WebhookRequest};
pub use logs::LogRow;
pub use outcome::Outcome;
pub use panel::{Panel, PanelLine};
pub use schedule::FREQUENCIES;
pub use world::{Group, PausedSync};

use super::SimClock;
use logs::End;
use world::World;

/// How long a webhook's receiver may take.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// A handle on the simulated account; clones share it.
#[derive(Clone)]
pub struct FivetranSim(Arc<Inner>);

struct Inner {
    clock: SimClock,
    world: Mutex<World>,
    client: OnceLock<reqwest::Client>,
}

impl FivetranSim {
    /// An empty account that opens to this key and secret.
    pub fn new(clock: SimClock, api_key: &str, api_secret: &str) -> Self {
        let now = clock();
        Self::starting_at(clock, now, api_key, api_secret)
    }

    /// An empty account whose own time begins in the past; the first look brings it to the present, with all the syncs
    /// that ran in between.
    pub fn starting_at(
        clock: SimClock,
        start: DateTime<Utc>,
        api_key: &str,
        api_secret: &str,
    ) -> Self {
        let world = Mutex::new(World::new(start, basic(api_key, api_secret)));
        FivetranSim(Arc::new(Inner {
            clock,
            world,
            client: OnceLock::new(),
        }))
    }

    /// The REST surface, `/v1/…`.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone())
    }

    /// The world as it was at the last look. A test that panicked while it held the lock must not hide its message
    /// behind a poisoned lock in all others.
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world, brought to the present.
    fn present(&self) -> MutexGuard<'_, World> {
        let now = (self.0.clock)();
        let mut world = self.world();
        world.advance(now);
        world
    }

    /// Brings the account to the present.
    pub fn tick(&self) {
        drop(self.present());
    }

    /// Replaces the key; the old one answers 401 from now on.
    pub fn set_key(&self, api_key: &str, api_secret: &str) {
        self.world().authorization = basic(api_key, api_secret);
    }

    /// Adds a group and its destination.
    pub fn add_group(&self, group: Group) {
        self.world().groups.insert(group.id.clone(), group);
    }

    /// Adds a connection, and an unnamed snowflake destination for it when its group is not there.
    pub fn add_connection(&self, mut connection: Connection) {
        let mut world = self.world();
        let now = world.now;
        connection
            .created_at
            .get_or_insert(now - chrono::Duration::days(400));
        connection.slots_after = now;
        let group = connection.group_id.clone();
        world
            .groups
            .entry(group.clone())
            .or_insert_with(|| Group::new(&group, &group, "snowflake"));
        world.connections.insert(connection.id.clone(), connection);
    }

    /// A copy of a connection as it really is now.
    pub fn connection(&self, id: &str) -> Option<Connection> {
        self.present().connections.get(id).cloned()
    }

    /// A foreign edit: someone changes a connection in Fivetran's own pages. Says whether the connection is there.
    pub fn change(&self, id: &str, edit: impl FnOnce(&mut Connection)) -> bool {
        self.present().connections.get_mut(id).map(edit).is_some()
    }

    /// Deletes a connection; says whether it was there.
    pub fn delete(&self, id: &str) -> bool {
        self.present().connections.remove(id).is_some()
    }

    /// Starts a sync as Fivetran's schedule or somebody in its pages would; says whether it began.
    pub fn start_sync(&self, id: &str) -> bool {
        self.present().begin(id)
    }

    /// Plans how the next sync ends; called again, how the one after it does.
    pub fn next_sync(&self, id: &str, outcome: Outcome) -> bool {
        self.change(id, |c| c.planned.push_back(outcome))
    }

    /// Ends the sync that runs, or one that begins now, like this.
    pub fn fail_now(&self, id: &str, outcome: Outcome) -> bool {
        let mut world = self.present();
        let now = world.now;
        let Some(connection) = world.connections.get_mut(id) else {
            return false;
        };
        if let Some(run) = &mut connection.running {
            run.outcome = outcome;
            run.ends_at = Some(now);
            return true;
        }
        connection.planned.push_front(outcome);
        world.begin(id)
    }

    /// Mends the source of a connection: syncs succeed again, in so many minutes, and the tasks are gone.
    pub fn repair(&self, id: &str, minutes: u32) -> bool {
        self.change(id, |c| {
            c.usual = Outcome::succeeds(minutes);
            c.planned.clear();
            c.tasks.clear();
            c.failures_in_a_row = 0;
            c.setup_state = "connected".into();
        })
    }

    /// What API calls did, in order.
    pub fn effects(&self) -> Vec<Effect> {
        self.present().effects.clone()
    }

    /// Forgets the effects so far, the webhooks not yet posted included.
    pub fn forget(&self) {
        let mut world = self.present();
        world.effects.clear();
        world.hooks.drain();
    }

    /// The rows of the account's log, in the order of time.
    pub fn log_rows(&self) -> Vec<LogRow> {
        self.present().log.rows()
    }

    /// From now on, the effect of an applied sync or re-sync does not show when it is read; `false` shows all again.
    pub fn hide_effects(&self, hidden: bool) {
        let mut world = self.present();
        world.hide_effects = hidden;
        if !hidden {
            world.lift_veils();
        }
    }

    /// From now on, readings lag behind the webhooks: they do not show how a sync ended; `false` shows all again.
    pub fn lag_reads(&self, lagging: bool) {
        let mut world = self.present();
        world.reads_lag = lagging;
        if !lagging {
            world.lift_veils();
        }
    }

    /// The next mutating call on a connection is accepted at once and applied this much later.
    pub fn apply_late(&self, by: Duration) {
        self.present().next_write_late_by = chrono::Duration::from_std(by).ok();
    }

    /// How many requests the account may make in an hour (20,000 at first).
    pub fn set_budget(&self, requests_per_hour: usize) {
        self.world().budget.per_hour = requests_per_hour;
    }

    /// What a sync of a paused connection is answered with (refused at first).
    pub fn on_paused_sync(&self, answer: PausedSync) {
        self.world().paused_sync = answer;
    }

    /// Switches `errors`, `warnings` and `sync-history` on (they are off at first, as for most accounts).
    pub fn enable_diagnosis(&self, on: bool) {
        self.world().diagnosis = on;
    }

    /// Registers an account webhook for sync events without the test payload that the API would post; gives its id.
    pub fn set_webhook(&self, url: &str, secret: &str) -> String {
        let mut world = self.present();
        let webhook = Webhook {
            id: String::new(),
            group_id: None,
            url: url.to_owned(),
            events: vec!["sync_start".into(), "sync_end".into()],
            active: true,
            secret: Some(secret.to_owned()),
            created_at: world.now,
        };
        world.hooks.register(webhook).id
    }

    /// Switches every webhook on or off, as Fivetran does after a day of failures.
    pub fn switch_webhooks(&self, active: bool) {
        let mut world = self.present();
        for webhook in world.hooks.registered.values_mut() {
            webhook.active = active;
        }
    }

    /// The registered webhooks.
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.present().hooks.registered.values().cloned().collect()
    }

    /// Takes all posts that wait, so that a test can deliver them itself: twice, late, in another order, damaged.
    pub fn take_webhooks(&self) -> Vec<WebhookRequest> {
        self.present().hooks.drain()
    }

    /// The exact post for a sync of this connection, as the first webhook would get it: its start when no outcome is
    /// given, else its end.
    pub fn webhook_request(
        &self,
        id: &str,
        sync_id: &str,
        outcome: Option<&Outcome>,
    ) -> Option<WebhookRequest> {
        let world = self.present();
        let connection = world.connections.get(id)?;
        let end = match outcome {
            None => None,
            Some(outcome) => Some(End::of(outcome)?),
        };
        let body = hooks::sync_body(connection, sync_id, end.as_ref(), world.now);
        let hook = world.hooks.registered.values().next();
        let (url, secret) = (
            hook.map_or("", |h| &h.url),
            hook.and_then(|h| h.secret.as_deref()),
        );
        Some(WebhookRequest::new(url, secret, body))
    }

    /// Posts what is due, oldest first; what is not answered with 2xx waits for its retry. Gives the number accepted.
    pub async fn deliver_webhooks(&self) -> usize {
        let due = {
            let world = self.present();
            world.hooks.due(world.now)
        };
        let mut accepted = 0;
        for delivery in due {
            let taken = self
                .post(&delivery.request)
                .await
                .is_some_and(|status| (200..300).contains(&status));
            accepted += usize::from(taken);
            let mut world = self.present();
            let now = world.now;
            world.hooks.settle(&delivery, taken, now);
        }
        accepted
    }

    /// Posts one webhook; none when there was no answer.
    async fn post(&self, request: &WebhookRequest) -> Option<u16> {
        let mut post = self.client()?.post(&request.url);
        for (name, value) in &request.headers {
            post = post.header(name, value);
        }
        Some(
            post.body(request.body.clone())
                .send()
                .await
                .ok()?
                .status()
                .as_u16(),
        )
    }

    fn client(&self) -> Option<reqwest::Client> {
        if let Some(client) = self.0.client.get() {
            return Some(client.clone());
        }
        let builder = reqwest::Client::builder()
            .timeout(WEBHOOK_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none());
        let client = builder.build().ok()?;
        Some(self.0.client.get_or_init(|| client).clone())
    }
}

fn basic(api_key: &str, api_secret: &str) -> String {
    format!(
        "Basic {}",
        base64::encode(format!("{api_key}:{api_secret}").as_bytes())
    )
}
