//! Connections and groups as they were last read.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::{Result, Tx, on, read_json, write_json};
use crate::model::{Connection, ConnectionId, Group, GroupId};

#[derive(sqlx::FromRow)]
struct Row {
    snapshot: String,
    read_at: DateTime<Utc>,
}

impl Row {
    /// A reading that found nothing new moves only the row's own time.
    fn read(self) -> Result<Connection> {
        let connection: Connection = read_json("connection", &self.snapshot)?;
        Ok(Connection {
            read_at: self.read_at,
            ..connection
        })
    }
}

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

    /// Remembers that connections were read and are as they were.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn saw_connections(&mut self, seen: &[&Connection]) -> Result<()> {
        let Some(read_at) = seen.iter().map(|c| c.read_at).min() else {
            return Ok(());
        };
        let ids: Vec<String> = (2..seen.len() + 2).map(|n| format!("${n}")).collect();
        let sql = format!(
            "UPDATE connections SET read_at = $1 WHERE read_at < $1 AND id IN ({})",
            ids.join(", ")
        );
        on!(self, conn => {
            let update = sqlx::query(AssertSqlSafe(sql)).bind(read_at);
            let update = seen.iter().fold(update, |update, c| update.bind(c.id.as_str()));
            update.execute(conn).await.map(|_| ())
        })?;
        Ok(())
    }

    /// Forgets a connection that is gone, unless it was read later than that.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_connection(
        &mut self,
        id: &ConnectionId,
        gone_at: DateTime<Utc>,
    ) -> Result<()> {
        on!(self, conn => sqlx::query("DELETE FROM connections WHERE id = $1 AND read_at <= $2")
            .bind(id.as_str())
            .bind(gone_at)
            .execute(conn)
            .await
            .map(|_| ()))?;
        Ok(())
    }

    /// The fleet, by schema name. What cannot be read is left out: the next reading writes it anew.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn connections(&mut self) -> Result<Vec<Connection>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT snapshot, read_at FROM connections ORDER BY schema, id",
        )
        .fetch_all(conn)
        .await)?;
        let readable = |row: Row| {
            row.read()
                .inspect_err(|error| tracing::error!(%error, "a stored connection is left out"))
                .ok()
        };
        Ok(rows.into_iter().filter_map(readable).collect())
    }

    /// One connection as last read.
    ///
    /// # Errors
    /// When the database refuses or the snapshot cannot be read.
    pub async fn connection(&mut self, id: &ConnectionId) -> Result<Option<Connection>> {
        let row = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT snapshot, read_at FROM connections WHERE id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(conn)
        .await)?;
        row.map(Row::read).transpose()
    }

    /// Remembers the groups' names.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_groups(&mut self, groups: &[Group]) -> Result<()> {
        for group in groups {
            on!(self, conn => sqlx::query(
                "INSERT INTO groups (id, name) VALUES ($1, $2) \
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name \
                 WHERE groups.name <> excluded.name",
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
