//! Looking at what was read: whether a connection failed, failed again, or runs again.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, Flow, Ran, Stop};
use crate::fivetran::Priority;
use crate::model::{Connection, ConnectionId, Incident, Member};
use crate::store::Tx;

/// A living incident, and what a connection has to do with it.
pub(super) struct Living {
    pub incident: Incident,
    pub version: i64,
    pub member: Member,
}

impl Living {
    /// Whether the incident was opened for this connection.
    pub fn is_first(&self) -> bool {
        self.incident.connection == self.member.connection
    }
}

impl App {
    /// Reads the fleet and looks for failures and recoveries: the detection of those who have no
    /// public address, and the safety net of those who have.
    ///
    /// # Errors
    /// When Fivetran or the database does not answer.
    pub async fn poll(&self) -> anyhow::Result<Ran> {
        let now = self.ctx.now();
        let every = TimeDelta::from_std(self.policy.load().poll_interval())?;
        let mut tx = self.store.begin().await?;
        let ours = tx.take_turn("poll", now, now + every).await?;
        tx.commit().await?;
        if !ours {
            return Ok(Ran::Empty);
        }
        let fleet = self.refresh_fleet(Priority::Background).await?;
        let failing = self.store.snapshot().await?.failing().await?;
        let living: BTreeSet<ConnectionId> = failing.into_iter().map(|(id, _)| id).collect();
        let listed: BTreeSet<&ConnectionId> = fleet.iter().map(|c| &c.id).collect();
        for connection in fleet
            .iter()
            .filter(|c| c.failed() || living.contains(&c.id))
        {
            let observed = self.observe(connection, None).await;
            noted(&connection.id, observed);
        }
        for id in living.iter().filter(|id| !listed.contains(id)) {
            noted(id, self.look_whether_gone(id).await);
        }
        Ok(Ran::Ran)
    }

    /// An incident of a connection that the list does not show is over only if Fivetran says that
    /// there is no such connection.
    async fn look_whether_gone(&self, id: &ConnectionId) -> anyhow::Result<()> {
        match self.read(id, Priority::Background).await? {
            Some(connection) => self.observe(&connection, None).await,
            None => self.gone(id).await,
        }
    }

    /// The connection no longer exists: what was wrong with it is over.
    pub(super) async fn gone(&self, id: &ConnectionId) -> anyhow::Result<()> {
        let known = living(&mut self.store.snapshot().await?, id).await;
        let recovered = match known {
            Ok(Some(known)) => self.recover(known, true).await,
            Ok(None) => Ok(()),
            Err(stop) => Err(stop),
        };
        match recovered {
            // Whoever was faster changed it; the next reading looks again.
            Ok(()) | Err(Stop::Race) => Ok(()),
            Err(Stop::Fail(error)) => Err(error),
            Err(Stop::Say { code, .. }) => anyhow::bail!("nobody asked for an incident: {code}"),
        }
    }

    /// Opens, counts or resolves, by what was read.
    pub(super) async fn observe(
        &self,
        connection: &Connection,
        reason: Option<&str>,
    ) -> anyhow::Result<()> {
        for _ in 0..5 {
            match self.try_observe(connection, reason).await {
                Ok(()) => return Ok(()),
                Err(Stop::Race) => {}
                Err(Stop::Fail(error)) => return Err(error),
                Err(Stop::Say { code, .. }) => {
                    anyhow::bail!("nobody asked for an incident: {code}")
                }
            }
        }
        anyhow::bail!("lost five races over one incident")
    }

    async fn try_observe(&self, connection: &Connection, reason: Option<&str>) -> Flow<()> {
        let mut tx = self.store.snapshot().await?;
        let known = living(&mut tx, &connection.id).await?;
        drop(tx);
        let failed_at = connection.failed_at.filter(|_| connection.failed());
        let Some(known) = known else {
            return match failed_at {
                Some(failed_at) => self.open(connection, failed_at, reason).await,
                None => Ok(()),
            };
        };
        match failed_at {
            Some(failed_at) if failed_at > known.member.failed_at && known.is_first() => {
                self.count(connection, known, reason).await
            }
            Some(failed_at) if failed_at > known.member.failed_at => {
                self.count_sibling(connection, failed_at, known, reason)
                    .await
            }
            // The reading was faster than the webhook that tells why.
            Some(failed_at)
                if failed_at == known.member.failed_at
                    && known.is_first()
                    && known.incident.reason.is_none()
                    && reason.is_some() =>
            {
                self.explain(connection, known, reason).await
            }
            _ if connection
                .succeeded_at
                .is_some_and(|at| at > known.member.failed_at) =>
            {
                let mut known = known;
                known.incident.care.recovered_at = connection.succeeded_at;
                self.recover(known, false).await
            }
            _ => Ok(()),
        }
    }
}

/// The living incident that a connection is part of.
pub(super) async fn living(tx: &mut Tx, id: &ConnectionId) -> Flow<Option<Living>> {
    let Some((incident, version)) = tx.open_incident(id).await? else {
        return Ok(None);
    };
    // Read after the incident: between the two, it may have been let go.
    let member = tx.member(incident.id, id).await?;
    Ok(member.map(|member| Living {
        incident,
        version,
        member,
    }))
}

/// Whether a failure was seen and over before this reading of it came to be looked at: a newer
/// reading is stored, or an incident has counted it.
///
/// Stops where another reading has opened an incident since: it is looked at again, so that a reason
/// that only this one knows comes onto that card.
pub(super) async fn is_old_news(
    tx: &mut Tx,
    connection: &Connection,
    failed_at: DateTime<Utc>,
) -> Flow<bool> {
    if tx.open_incident(&connection.id).await?.is_some() {
        return Err(Stop::Race);
    }
    let newer = tx.connection(&connection.id).await?;
    if newer.is_some_and(|stored| stored.read_at > connection.read_at && !stored.failed()) {
        return Ok(true);
    }
    let last = tx.last_failure(&connection.id).await?;
    // One that was only thought to be gone is back, and still failed.
    Ok(last.is_some_and(|last| !last.gone && failed_at <= last.failed_at))
}

/// One connection's trouble does not keep the next from being looked at.
fn noted(id: &ConnectionId, observed: anyhow::Result<()>) {
    if let Err(error) = observed {
        tracing::error!(connection = %id, error = format!("{error:#}"), "an incident cannot be looked after");
    }
}
