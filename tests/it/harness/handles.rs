//! Finer handles: one proposal's card, deliveries handled in one instant, rows behind the service's
//! back.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection as _, PgConnection, SqliteConnection};
use syncgate::app::{App, Parts, PolicyFile, Ran};
use syncgate::jobs::{handle_held, run_inbox};
use syncgate::model::{Clock, Ctx};
use syncgate::sim::slack::{Ack, Message, plain};
use syncgate::store::Lane;
use tokio::sync::watch;

use super::{CHANNEL, Database, World};

/// The workers, while they run by themselves.
pub struct Workers {
    stop: watch::Sender<bool>,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Workers {
    /// Lets each finish what it has begun.
    pub async fn end(self) {
        let _ = self.stop.send(true);
        self.running.await.unwrap().unwrap();
    }
}

impl World {
    /// The card of a proposal, as Slack has it.
    pub fn message_of(&self, id: i64) -> Message {
        let own = |m: &Message| m.thread_ts.is_none() && m.text.contains(&format!(": #{id} "));
        let mut cards = self.slack.messages(CHANNEL).into_iter();
        cards
            .find(own)
            .unwrap_or_else(|| panic!("no card of #{id}:\n{}", self.channel()))
    }

    /// The same as text.
    pub fn card_of(&self, id: i64) -> String {
        plain(&self.message_of(id))
    }

    /// Its state word.
    pub fn state_of(&self, id: i64) -> String {
        let text = self.message_of(id).text;
        text.split(':').next().unwrap_or_default().to_owned()
    }

    /// What stands in its thread.
    pub fn thread_of(&self, id: i64) -> String {
        let thread = self.slack.thread(CHANNEL, &self.message_of(id).ts);
        thread.iter().map(plain).collect::<Vec<_>>().join("\n")
    }

    /// Clicks a button of a proposal's card and lets everything happen that follows.
    pub async fn click_on(&self, user: &str, id: i64, label: &str) {
        let ack = self.press_on(user, id, label).await;
        assert!(ack.ok(), "{user}: {label} on #{id}: {ack:?}");
        self.settle().await;
    }

    /// The same, without letting anything follow.
    pub async fn press_on(&self, user: &str, id: i64, label: &str) -> Ack {
        let ts = self.message_of(id).ts;
        self.slack.click_label(user, CHANNEL, &ts, label).await
    }

    /// Clicks a button of the last thing that only this person was told.
    pub async fn click_told(&self, user: &str, label: &str) {
        let told = self.slack.ephemerals(user).pop().expect("told something");
        let ack = self.slack.click_label(user, CHANNEL, &told.ts, label).await;
        assert!(ack.ok(), "{user}: {label}: {ack:?}");
        self.settle().await;
    }

    /// A click with a value that no card of ours carries.
    pub async fn click_forged(&self, user: &str, id: i64, action: &str, value: &str) {
        let ts = self.message_of(id).ts;
        let ack = self
            .slack
            .click_raw(user, CHANNEL, &ts, action, value)
            .await;
        assert!(ack.ok(), "{user}: {action} {value}: {ack:?}");
        self.settle().await;
    }

    /// The value behind a button of a card.
    pub fn value_of(&self, id: i64, action: &str) -> String {
        let blocks = self.message_of(id).blocks;
        let mut elements = blocks
            .iter()
            .filter_map(|b| b["elements"].as_array())
            .flatten();
        let button = elements.find(|e| e["action_id"] == action);
        let button = button.unwrap_or_else(|| panic!("no {action} on #{id}"));
        button["value"].as_str().unwrap().to_owned()
    }

    /// Lets decisions be taken, but nothing be sent to Fivetran.
    pub async fn decide_only(&self) {
        self.take_up().await;
    }

    /// One delivery of each lane is handled; whether there was any.
    pub async fn take_up_one(&self) -> bool {
        let mut ran = false;
        for lane in Lane::ALL {
            ran |= run_inbox(self.app(), lane).await.unwrap() == Ran::Ran;
        }
        ran
    }

    /// Whatever waits in the inbox is handled.
    pub async fn take_up(&self) {
        while self.take_up_one().await {}
    }

    /// Every worker runs by itself from now on, as in the process, until the handle is dropped.
    pub fn workers(&self) -> Workers {
        let policy = PolicyFile::new(self.policy.to_path_buf(), self.settings.own_secrets());
        let (stop, stopped) = watch::channel(false);
        let run = syncgate::jobs::run(self.app().clone(), Arc::new(policy), stopped);
        let running = tokio::spawn(run);
        Workers { stop, running }
    }

    /// Another replica on the same database, whose clock stands ahead of ours.
    pub fn twin(&self, ahead: Duration) -> Arc<App> {
        let (app, clock) = (self.app(), Clock::fixed(self.now()));
        clock.advance(ahead);
        let policy = PolicyFile::new(self.policy.to_path_buf(), self.settings.own_secrets());
        let (policy, redactor) = policy.load().unwrap();
        App::new(Parts {
            ctx: Ctx::new(clock),
            store: app.store.clone(),
            inbox: app.inbox.clone(),
            slack: app.slack.clone(),
            slack_api: app.slack_api.clone(),
            fivetran: app.fivetran.clone(),
            llm: app.llm.clone(),
            policy,
            redactor,
            log_source: self.log.clone(),
            webhook: None,
        })
    }

    /// Waits until what a worker or a request handles in this moment is settled.
    pub async fn until_settled(&self) {
        let settled = async {
            while self.app().health().await.unwrap().inbox_waiting > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let settled = tokio::time::timeout(Duration::from_secs(20), settled).await;
        settled.expect("a delivery is handled within seconds");
    }

    /// Handles every delivery that waits in one and the same instant, each by a worker of its own.
    pub async fn at_once(&self) {
        let app = self.app();
        let mut rows = Vec::new();
        let mut tx = app.store.begin().await.unwrap();
        for lane in Lane::ALL {
            while let Some(row) = tx.claim_inbox("all", lane, app.ctx.now()).await.unwrap() {
                rows.push(row);
            }
        }
        tx.commit().await.unwrap();
        let handling = rows.into_iter().map(|row| {
            let app = app.clone();
            tokio::spawn(async move { handle_held(&app, &row).await.unwrap() })
        });
        for handled in handling.collect::<Vec<_>>() {
            handled.await.unwrap();
        }
        self.settle().await;
    }

    /// Changes the database behind the service's back; says how many rows.
    pub async fn sql(&self, statement: &str) -> u64 {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        let url = &self.settings.database;
        match &self.database {
            Database::Sqlite(_) => {
                let mut db = SqliteConnection::connect(url).await.unwrap();
                let done = sqlx::query(statement).execute(&mut db).await.unwrap();
                db.close().await.unwrap();
                done.rows_affected()
            }
            Database::Postgres { .. } => {
                let mut db = PgConnection::connect(url).await.unwrap();
                let done = sqlx::query(statement).execute(&mut db).await.unwrap();
                db.close().await.unwrap();
                done.rows_affected()
            }
        }
    }

    /// One text from the database.
    pub async fn sql_text(&self, query: &str) -> String {
        let query = sqlx::AssertSqlSafe(query.to_owned());
        let url = &self.settings.database;
        match &self.database {
            Database::Sqlite(_) => {
                let mut db = SqliteConnection::connect(url).await.unwrap();
                let text = sqlx::query_scalar(query).fetch_one(&mut db).await.unwrap();
                db.close().await.unwrap();
                text
            }
            Database::Postgres { .. } => {
                let mut db = PgConnection::connect(url).await.unwrap();
                let text = sqlx::query_scalar(query).fetch_one(&mut db).await.unwrap();
                db.close().await.unwrap();
                text
            }
        }
    }

    /// How many audit records have this code.
    pub async fn audited(&self, code: &str) -> usize {
        let codes = self.codes().await;
        codes.iter().filter(|found| *found == code).count()
    }
}
