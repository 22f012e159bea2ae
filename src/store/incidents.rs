//! Incidents.

use chrono::{DateTime, Utc};

use super::{Result, Tx, held, on, read_json, write_json};
use crate::model::{ConnectionId, Incident, IncidentId, Member};

/// An incident as it is stored.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    document: String,
    version: i64,
}

impl Row {
    pub(super) fn read(self) -> Result<(Incident, i64)> {
        Ok((read_json("incident", &self.document)?, self.version))
    }
}

/// When something is due for an incident; nothing is once it is over.
fn timer_of(incident: &Incident) -> Option<DateTime<Utc>> {
    let due = incident.care.next_timer();
    due.filter(|_| incident.state.is_open())
}

impl Tx {
    /// The number of the next incident.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn next_incident(&mut self) -> Result<IncidentId> {
        Ok(IncidentId(self.next("incident").await?))
    }

    /// Counts one more under a name; whoever counts at the same time waits.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn count_up(&mut self, name: &str) -> Result<()> {
        on!(self, conn => sqlx::query(
            "INSERT INTO counters (name, value) VALUES ($1, 1) \
             ON CONFLICT (name) DO UPDATE SET value = counters.value + 1",
        )
        .bind(name)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// How much was counted under a name.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn counted(&mut self, name: &str) -> Result<i64> {
        let value: Option<i64> = on!(self, conn => sqlx::query_scalar(
            "SELECT value FROM counters WHERE name = $1",
        )
        .bind(name)
        .fetch_optional(conn)
        .await)?;
        Ok(value.unwrap_or(0))
    }

    /// Opens an incident, with its connection as the first that is part of it.
    ///
    /// # Errors
    /// A unique violation, which is a race ([`Error::is_race`](super::Error::is_race)), when the connection has one.
    pub async fn insert_incident(&mut self, incident: &Incident, kin: Option<&str>) -> Result<()> {
        let document = write_json("incident", incident)?;
        on!(self, conn => sqlx::query(
            "INSERT INTO incidents \
                 (id, connection_id, open, document, version, kin, next_timer, likeness) \
             VALUES ($1, $2, $3, $4, 1, $5, $6, $7)",
        )
        .bind(incident.id.0)
        .bind(incident.connection.as_str())
        .bind(incident.state.is_open())
        .bind(&document)
        .bind(kin)
        .bind(timer_of(incident))
        .bind(incident.care.likeness.as_deref())
        .execute(conn)
        .await
        .map(|_| ()))?;
        let first = Member {
            connection: incident.connection.clone(),
            name: incident.name.clone(),
            failed_at: incident.failed_at,
            failures: incident.failures,
            failing: incident.state.is_open(),
            gone: incident.gone,
        };
        self.put_member(incident.id, &first).await
    }

    /// Changes an incident that was read at `version`. One that is over is so for all that were part
    /// of it.
    ///
    /// # Errors
    /// [`Error::Lost`](super::Error::Lost) when somebody else changed it first.
    pub async fn update_incident(&mut self, incident: &Incident, version: i64) -> Result<()> {
        let document = write_json("incident", incident)?;
        let done = on!(self, conn => sqlx::query(
            "UPDATE incidents SET open = $1, document = $2, next_timer = $5, likeness = $6, \
                    version = version + 1 \
             WHERE id = $3 AND version = $4",
        )
        .bind(incident.state.is_open())
        .bind(&document)
        .bind(incident.id.0)
        .bind(version)
        .bind(timer_of(incident))
        .bind(incident.care.likeness.as_deref())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        held(done)?;
        match incident.state.is_open() {
            true => Ok(()),
            false => self.release_members(incident).await,
        }
    }

    /// One incident and its version.
    ///
    /// # Errors
    /// When the database refuses or the document cannot be read.
    pub async fn incident(&mut self, id: IncidentId) -> Result<Option<(Incident, i64)>> {
        let row = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT document, version FROM incidents WHERE id = $1",
        )
        .bind(id.0)
        .fetch_optional(conn)
        .await)?;
        row.map(Row::read).transpose()
    }

    /// The living incident that a connection is part of.
    ///
    /// # Errors
    /// When the database refuses or the document cannot be read.
    pub async fn open_incident(
        &mut self,
        connection: &ConnectionId,
    ) -> Result<Option<(Incident, i64)>> {
        let row = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT i.document, i.version FROM incidents i \
             JOIN incident_members m ON m.incident_id = i.id \
             WHERE m.connection_id = $1 AND m.failing",
        )
        .bind(connection.as_str())
        .fetch_optional(conn)
        .await)?;
        row.map(Row::read).transpose()
    }

    /// The oldest living incidents that failures with this key are part of, a few.
    ///
    /// # Errors
    /// When the database refuses or the document cannot be read.
    pub async fn incidents_of_kin(&mut self, kin: &str) -> Result<Vec<(Incident, i64)>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT document, version FROM incidents WHERE open AND kin = $1 ORDER BY id LIMIT 20",
        )
        .bind(kin)
        .fetch_all(conn)
        .await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Keeps others from changing an incident until this transaction ends, and reads it then: those
    /// who join it wait for each other and lose no race. None if it is over.
    ///
    /// # Errors
    /// When the database refuses or the document cannot be read.
    pub async fn hold_incident(&mut self, id: IncidentId) -> Result<Option<(Incident, i64)>> {
        let row = on!(self, conn => sqlx::query_as::<_, Row>(
            "UPDATE incidents SET version = version + 1 WHERE id = $1 AND open \
             RETURNING document, version",
        )
        .bind(id.0)
        .fetch_optional(conn)
        .await)?;
        row.map(Row::read).transpose()
    }

    /// What a failure must share to be part of an incident.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_kin(&mut self, id: IncidentId, kin: Option<&str>) -> Result<()> {
        on!(self, conn => sqlx::query("UPDATE incidents SET kin = $1 WHERE id = $2")
            .bind(kin)
            .bind(id.0)
            .execute(conn)
            .await
            .map(|_| ()))?;
        Ok(())
    }

    /// Every living incident; one that cannot be read is left out and logged, so that it does not
    /// keep the others from being looked after.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open_incidents(&mut self) -> Result<Vec<(Incident, i64)>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT document, version FROM incidents WHERE open ORDER BY id",
        )
        .fetch_all(conn)
        .await)?;
        let readable = |row: Row| {
            row.read()
                .inspect_err(|error| tracing::error!(%error, "an open incident is left out"))
                .ok()
        };
        Ok(rows.into_iter().filter_map(readable).collect())
    }
}
