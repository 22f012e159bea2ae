//! Server-sent events: a tab is told what changed, and nothing while nothing does.
//!
//! A tab that comes back after a break is a new one to the server: it is told everything once, and
//! leaves alone what it has in that version already.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use super::parts::Told;
use super::view::HOME;
use super::{Look, Page};

/// How often the side panel is looked at: its syncs move on with the clock alone.
const PANEL: Duration = Duration::from_secs(1);
/// One act changes several things: so long what belongs together is waited for.
const TOGETHER: Duration = Duration::from_millis(25);
/// A comment that keeps the connection, and tells us that a tab has gone.
const ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn events(
    State(page): State<Page>,
    Query(query): Query<HashMap<String, String>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let look = page.look(&query);
    if look.channel == HOME {
        page.open_home(&look.user).await;
    }
    let tab = Tab::new(page, look);
    let events = stream::unfold(tab, |mut tab| async move {
        let news = tab.next().await;
        let data = Value::Array(news).to_string();
        Some((Ok(Event::default().event("parts").data(data)), tab))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE))
}

/// One open tab: who looks at what, and what it was told.
pub(super) struct Tab {
    page: Page,
    look: Look,
    told: Told,
    changes: watch::Receiver<u64>,
    panel: Interval,
    /// What may have changed since the last look.
    pub stale: Stale,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Stale {
    Nothing,
    Panel,
    All,
}

impl Tab {
    pub fn new(page: Page, look: Look) -> Self {
        let changes = page.slack.changes();
        let mut panel = interval(PANEL);
        panel.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            page,
            look,
            told: Told::default(),
            changes,
            panel,
            stale: Stale::All,
        }
    }

    /// Waits for the next news.
    pub async fn next(&mut self) -> Vec<Value> {
        loop {
            let news = self.news();
            if !news.is_empty() {
                return news;
            }
            self.wait().await;
        }
    }

    /// What the tab does not know yet.
    pub fn news(&mut self) -> Vec<Value> {
        let stale = std::mem::replace(&mut self.stale, Stale::Nothing);
        let mut parts = Vec::new();
        if stale == Stale::All {
            self.changes.mark_unchanged();
            parts.extend(self.page.parts(&self.look));
        }
        if stale != Stale::Nothing {
            parts.extend((self.page.extra.panel)(&self.look.search));
        }
        self.told.news(&parts)
    }

    async fn wait(&mut self) {
        self.stale = tokio::select! {
            changed = self.changes.changed() => match changed {
                Ok(()) => {
                    sleep(TOGETHER).await;
                    Stale::All
                }
                // The workspace lives as long as the page.
                Err(_) => std::future::pending().await,
            },
            _ = self.panel.tick() => Stale::Panel,
        };
    }
}
