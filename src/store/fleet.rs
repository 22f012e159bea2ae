//! Connections and groups as they were last read.

use chrono::{DateTime, Utc};

use super::{Result, Tx, on, read_json, write_json};
use crate::model::{Connection, ConnectionId, Group, GroupId};

impl Tx {
    /// Remembers a reading of one connection.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_connection(&mut self, connection: &Connection) -> Result<()> {
        let snapshot = write_json("connection", connection)?;
        on!(self, conn => sqlx::query(
            "INSERT INTO connections (id, schema, group_id, snapshot, read_at) \
             VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (id) DO UPDATE SET schema = excluded.schema, group_id = excluded.group_id, \
                 snapshot = excluded.snapshot, read_at = excluded.read_at \
             WHERE connections.read_at <= excluded.read_at",
        )
        .bind(connection.id.as_str())
        .bind(&connection.schema)
        .bind(connection.group_id.as_str())
        .bind(&snapshot)
        .bind(connection.read_at)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// Forgets the connections that a reading of the whole fleet no longer shows.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_connections_before(&mut self, read_at: DateTime<Utc>) -> Result<u64> {
        Ok(
            on!(self, conn => sqlx::query("DELETE FROM connections WHERE read_at < $1")
            .bind(read_at)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?,
        )
    }

    /// The fleet, by schema name.
    ///
    /// # Errors
    /// When the database refuses or a snapshot cannot be read.
    pub async fn connections(&mut self) -> Result<Vec<Connection>> {
        let rows = on!(self, conn => sqlx::query_scalar::<_, String>(
            "SELECT snapshot FROM connections ORDER BY schema, id",
        )
        .fetch_all(conn)
        .await)?;
        rows.iter()
            .map(|row| read_json("connection", row))
            .collect()
    }

    /// One connection as last read.
    ///
    /// # Errors
    /// When the database refuses or the snapshot cannot be read.
    pub async fn connection(&mut self, id: &ConnectionId) -> Result<Option<Connection>> {
        let row = on!(self, conn => sqlx::query_scalar::<_, String>(
            "SELECT snapshot FROM connections WHERE id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(conn)
        .await)?;
        row.map(|row| read_json("connection", &row)).transpose()
    }

    /// Remembers the groups' names.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_groups(&mut self, groups: &[Group]) -> Result<()> {
        for group in groups {
            on!(self, conn => sqlx::query(
                "INSERT INTO groups (id, name) VALUES ($1, $2) \
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            )
            .bind(group.id.as_str())
            .bind(&group.name)
            .execute(conn)
            .await
            .map(|_| ()))?;
        }
        Ok(())
    }

    /// A group's name; its id where the name is not known.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn group_name(&mut self, id: &GroupId) -> Result<String> {
        let name = on!(self, conn => sqlx::query_scalar::<_, String>(
            "SELECT name FROM groups WHERE id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(conn)
        .await)?;
        Ok(name.unwrap_or_else(|| id.to_string()))
    }

    /// When a door may be used again: a channel, a Slack method, the Fivetran account.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn paced_until(&mut self, name: &str) -> Result<Option<DateTime<Utc>>> {
        Ok(
            on!(self, conn => sqlx::query_scalar("SELECT next_at FROM pace WHERE name = $1")
            .bind(name)
            .fetch_optional(conn)
            .await)?,
        )
    }

    /// Keeps a door shut until then; one that is shut for longer stays so.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn pace(&mut self, name: &str, next_at: DateTime<Utc>) -> Result<()> {
        on!(self, conn => sqlx::query(
            "INSERT INTO pace (name, next_at) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at \
             WHERE pace.next_at < excluded.next_at",
        )
        .bind(name)
        .bind(next_at)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// Takes the turn of something that is done by one process every so often; `false` when it is
    /// not yet time, or another process took it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn take_turn(
        &mut self,
        name: &str,
        now: DateTime<Utc>,
        next_at: DateTime<Utc>,
    ) -> Result<bool> {
        let done = on!(self, conn => sqlx::query(
            "INSERT INTO pace (name, next_at) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at WHERE pace.next_at <= $3",
        )
        .bind(name)
        .bind(next_at)
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }
}
