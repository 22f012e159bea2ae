//! Which connections are part of an incident.

use chrono::{DateTime, Utc};

use super::{Result, Tx, on};
use crate::model::{ConnectionId, Incident, IncidentId, Member};

#[derive(sqlx::FromRow)]
struct Row {
    connection_id: String,
    name: String,
    failed_at: DateTime<Utc>,
    failures: i64,
    failing: bool,
    gone: bool,
}

impl Row {
    fn read(self) -> Member {
        Member {
            connection: ConnectionId::new(self.connection_id),
            name: self.name,
            failed_at: self.failed_at,
            failures: self.failures,
            failing: self.failing,
            gone: self.gone,
        }
    }
}

/// How many connections are part of an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Members {
    /// In all.
    pub all: i64,
    /// For which it is not over.
    pub failing: i64,
}

impl Tx {
    /// Makes a connection part of an incident, or changes what is known of its part.
    ///
    /// # Errors
    /// A unique violation, which is a race ([`Error::is_race`](super::Error::is_race)), when it is
    /// part of another living one.
    pub async fn put_member(&mut self, incident: IncidentId, member: &Member) -> Result<()> {
        on!(self, conn => sqlx::query(
            "INSERT INTO incident_members \
                 (incident_id, connection_id, name, failed_at, failures, failing, gone) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (incident_id, connection_id) DO UPDATE SET name = excluded.name, \
                 failed_at = excluded.failed_at, failures = excluded.failures, \
                 failing = excluded.failing, gone = excluded.gone",
        )
        .bind(incident.0)
        .bind(member.connection.as_str())
        .bind(&member.name)
        .bind(member.failed_at)
        .bind(member.failures)
        .bind(member.failing)
        .bind(member.gone)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// A connection's part in an incident.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn member(
        &mut self,
        incident: IncidentId,
        connection: &ConnectionId,
    ) -> Result<Option<Member>> {
        let row = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT connection_id, name, failed_at, failures, failing, gone FROM incident_members \
             WHERE incident_id = $1 AND connection_id = $2",
        )
        .bind(incident.0)
        .bind(connection.as_str())
        .fetch_optional(conn)
        .await)?;
        Ok(row.map(Row::read))
    }

    /// The latest failure of a connection that any incident has counted.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn last_failure(&mut self, connection: &ConnectionId) -> Result<Option<Member>> {
        let row = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT connection_id, name, failed_at, failures, failing, gone FROM incident_members \
             WHERE connection_id = $1 ORDER BY failed_at DESC, incident_id DESC LIMIT 1",
        )
        .bind(connection.as_str())
        .fetch_optional(conn)
        .await)?;
        Ok(row.map(Row::read))
    }

    /// Connections for which an incident is not over, but for the one that it was opened for; by
    /// name, so many at most.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn failing_siblings(&mut self, incident: &Incident, max: i64) -> Result<Vec<Member>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT connection_id, name, failed_at, failures, failing, gone FROM incident_members \
             WHERE incident_id = $1 AND connection_id <> $2 AND failing \
             ORDER BY name, connection_id LIMIT $3",
        )
        .bind(incident.id.0)
        .bind(incident.connection.as_str())
        .bind(max)
        .fetch_all(conn)
        .await)?;
        Ok(rows.into_iter().map(Row::read).collect())
    }

    /// How many are part of an incident.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn members(&mut self, incident: IncidentId) -> Result<Members> {
        Ok(on!(self, conn => sqlx::query_as(
            "SELECT count(*) AS \"all\", count(CASE WHEN failing THEN 1 END) AS failing \
             FROM incident_members WHERE incident_id = $1",
        )
        .bind(incident.0)
        .fetch_one(conn)
        .await)?)
    }

    /// Every connection that is part of a living incident, with that incident.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn failing(&mut self) -> Result<Vec<(ConnectionId, IncidentId)>> {
        let rows: Vec<(String, i64)> = on!(self, conn => sqlx::query_as(
            "SELECT connection_id, incident_id FROM incident_members WHERE failing \
             ORDER BY incident_id, connection_id",
        )
        .fetch_all(conn)
        .await)?;
        let read = |(connection, incident)| (ConnectionId::new(connection), IncidentId(incident));
        Ok(rows.into_iter().map(read).collect())
    }

    /// It is over for all.
    pub(super) async fn release_members(&mut self, incident: &Incident) -> Result<()> {
        on!(self, conn => sqlx::query(
            "UPDATE incident_members SET failing = FALSE, gone = $1 \
             WHERE incident_id = $2 AND failing",
        )
        .bind(incident.gone)
        .bind(incident.id.0)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }
}
