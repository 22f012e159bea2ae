//! When very many connections fail at once: a channel takes one message a second, and nobody reads
//! a thousand cards. Those that come while enough cards wait are counted on one card instead. Each
//! still is an incident, in the list and in the audit log, and gets a card of its own when it fails
//! again after the flood.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::asked::{content_of, draft};
use super::incident::subject_of;
use super::{App, Flow};
use crate::model::Incident;
use crate::model::audit::Head;
use crate::slack::cards::{self, FloodView};
use crate::store::{Draft, MessageKind, Tx};

/// So many cards of incidents may wait to be posted in a channel: what it takes in a third of a
/// minute.
const CARDS: i64 = 20;

impl App {
    /// Brings an incident's own card up to date, or that of the flood which it came in. Says whether
    /// it has a card of its own: only then can a remedy stand in its thread.
    pub(super) async fn tell_incident(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        new: bool,
    ) -> Flow<bool> {
        if tx.has_message(&subject_of(incident.id)).await? {
            self.show_incident(tx, incident.id).await?;
            return Ok(true);
        }
        let over = !incident.state.is_open();
        // A muted connection makes no noise; it gets its card when the mute ends.
        if self.muted(tx, incident).await?.is_some() {
            return Ok(false);
        }
        let waiting = tx.incident_cards_waiting(&incident.channel).await?;
        let own = !over && waiting < CARDS;
        let flood = flood_of(incident);
        if !(new && own) {
            // Whoever counts holds the flood until the commit, so that what the card says is exact.
            tx.count_up(&flood).await?;
        }
        if new && !own {
            tx.count_up(&format!("{flood}:failed")).await?;
        }
        // What is over needs no card, and what has its own is no part of the flood any more.
        if !new && (own || over) {
            tx.count_up(&format!("{flood}:left")).await?;
        }
        if !(new && own) {
            self.show_flood(tx, incident, &flood).await?;
        }
        if own {
            self.show_incident(tx, incident.id).await?;
        }
        Ok(own)
    }

    async fn show_flood(&self, tx: &mut Tx, incident: &Incident, flood: &str) -> Flow<()> {
        let failed = tx.counted(&format!("{flood}:failed")).await?;
        let left = tx.counted(&format!("{flood}:left")).await?;
        let view = |head: Head| FloodView {
            since: hour_of(incident.opened_at),
            failed,
            open: (failed - left).max(0),
            tz: self.policy.load().timezone(),
            head,
        };
        let card = cards::flood_card(&view(tx.audit_head().await?));
        let content = content_of(&cards::flood_card(&view(Head::genesis())));
        let card = draft(
            flood.to_owned(),
            MessageKind::Card,
            &incident.channel,
            &card,
        );
        tx.put_message(&Draft { content, ..card }, self.ctx.now())
            .await?;
        Ok(())
    }
}

/// The card on which an incident is counted: one a channel and hour.
fn flood_of(incident: &Incident) -> String {
    let hour = hour_of(incident.opened_at).format("%Y-%m-%dT%H");
    format!("flood:{}:{hour}", incident.channel)
}

fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}
