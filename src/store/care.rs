//! Incidents whose time has come, connections that are to be silent, and what people say of causes.

use chrono::{DateTime, Utc};

use super::incidents::Row;
use super::{Error, Result, Tx, on};
use crate::model::{ConnectionId, Feedback, Incident, IncidentId, Judgement, Silenced, UserId};

/// Timers that are looked at in one go.
const AT_ONCE: i64 = 50;

impl Tx {
    /// Living incidents for which something is due, the longest due first; one that cannot be read is
    /// left out and logged.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn due_incidents(&mut self, now: DateTime<Utc>) -> Result<Vec<(Incident, i64)>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT document, version FROM incidents WHERE next_timer <= $1 \
             ORDER BY next_timer, id LIMIT $2",
        )
        .bind(now)
        .bind(AT_ONCE)
        .fetch_all(conn)
        .await)?;
        let readable = |row: Row| {
            row.read()
                .inspect_err(|error| tracing::error!(%error, "an incident's timer is left out"))
                .ok()
        };
        Ok(rows.into_iter().filter_map(readable).collect())
    }

    /// The last incidents of a connection, the newest first.
    ///
    /// # Errors
    /// When the database refuses or a document cannot be read.
    pub async fn incidents_of(
        &mut self,
        connection: &ConnectionId,
        most: i64,
    ) -> Result<Vec<Incident>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT document, version FROM incidents WHERE connection_id = $1 \
             ORDER BY id DESC LIMIT $2",
        )
        .bind(connection.as_str())
        .bind(most)
        .fetch_all(conn)
        .await)?;
        let read = rows.into_iter().map(|row| Ok(row.read()?.0));
        read.collect()
    }

    /// The last incidents that are over and were the same trouble, first those of the connection, then
    /// those of others; the newest first.
    ///
    /// # Errors
    /// When the database refuses or a document cannot be read.
    pub async fn incidents_like(
        &mut self,
        likeness: &str,
        connection: &ConnectionId,
        most: i64,
    ) -> Result<Vec<Incident>> {
        let rows = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT document, version FROM incidents WHERE likeness = $1 AND NOT open \
             ORDER BY CASE WHEN connection_id = $2 THEN 0 ELSE 1 END, id DESC LIMIT $3",
        )
        .bind(likeness)
        .bind(connection.as_str())
        .bind(most)
        .fetch_all(conn)
        .await)?;
        let read = rows.into_iter().map(|row| Ok(row.read()?.0));
        read.collect()
    }

    /// The incident of the same trouble on the same connection that came next.
    ///
    /// # Errors
    /// When the database refuses or the document cannot be read.
    pub async fn next_like(&mut self, earlier: &Incident) -> Result<Option<Incident>> {
        let row = on!(self, conn => sqlx::query_as::<_, Row>(
            "SELECT document, version FROM incidents \
             WHERE likeness = $1 AND connection_id = $2 AND id > $3 ORDER BY id LIMIT 1",
        )
        .bind(earlier.care.likeness.as_deref())
        .bind(earlier.connection.as_str())
        .bind(earlier.id.0)
        .fetch_optional(conn)
        .await)?;
        Ok(row
            .map(Row::read)
            .transpose()?
            .map(|(incident, _)| incident))
    }

    /// What was carried out on a connection, by the moment of the intent: proposal, revision and
    /// position of each line.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn lines_done(
        &mut self,
        connection: &ConnectionId,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<(i64, i64, i64)>> {
        Ok(on!(self, conn => sqlx::query_as(
            "SELECT proposal_id, revision, position FROM steps \
             WHERE connection_id = $1 AND intended_at >= $2 AND intended_at <= $3 \
               AND state IN ('done', 'reverting', 'reverted', 'revert_refused') \
             ORDER BY intended_at, id",
        )
        .bind(connection.as_str())
        .bind(since)
        .bind(until)
        .fetch_all(conn)
        .await)?)
    }

    /// When Slack posted a message, by Slack's own clock; none while it has not.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn posted_at(&mut self, key: &str) -> Result<Option<DateTime<Utc>>> {
        let ts: Option<Option<String>> = on!(self, conn => sqlx::query_scalar(
            "SELECT ts FROM messages WHERE key = $1",
        )
        .bind(key)
        .fetch_optional(conn)
        .await)?;
        // An address is `seconds.microseconds`; the latter only tell messages of one second apart.
        let seconds = ts
            .flatten()
            .and_then(|ts| ts.split('.').next()?.parse().ok());
        Ok(seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)))
    }

    // ---- silence -----------------------------------------------------------------------------

    /// Lets a connection be silent until then; a later word on it takes the place of an earlier one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mute(
        &mut self,
        connection: &ConnectionId,
        mute: &Silenced,
        now: DateTime<Utc>,
    ) -> Result<()> {
        on!(self, conn => sqlx::query(
            "INSERT INTO mutes (connection_id, by_user, at, until) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (connection_id) DO UPDATE \
             SET by_user = excluded.by_user, at = excluded.at, until = excluded.until",
        )
        .bind(connection.as_str())
        .bind(mute.by.as_str())
        .bind(now)
        .bind(mute.until)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// Whether a connection is silent now, by whom and until when.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mute_of(
        &mut self,
        connection: &ConnectionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Silenced>> {
        let row: Option<(String, DateTime<Utc>)> = on!(self, conn => sqlx::query_as(
            "SELECT by_user, until FROM mutes WHERE connection_id = $1 AND until > $2",
        )
        .bind(connection.as_str())
        .bind(now)
        .fetch_optional(conn)
        .await)?;
        Ok(row.map(|(by, until)| Silenced {
            by: UserId::new(by),
            until,
        }))
    }

    /// Every connection that is silent now, and until when.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mutes(
        &mut self,
        now: DateTime<Utc>,
    ) -> Result<Vec<(ConnectionId, DateTime<Utc>)>> {
        let rows: Vec<(String, DateTime<Utc>)> = on!(self, conn => sqlx::query_as(
            "SELECT connection_id, until FROM mutes WHERE until > $1",
        )
        .bind(now)
        .fetch_all(conn)
        .await)?;
        let row = |(id, until): (String, _)| (ConnectionId::new(id), until);
        Ok(rows.into_iter().map(row).collect())
    }

    /// Connections whose silence is over.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mutes_over(&mut self, now: DateTime<Utc>) -> Result<Vec<ConnectionId>> {
        let ids: Vec<String> = on!(self, conn => sqlx::query_scalar(
            "SELECT connection_id FROM mutes WHERE until <= $1 ORDER BY until LIMIT $2",
        )
        .bind(now)
        .bind(AT_ONCE)
        .fetch_all(conn)
        .await)?;
        Ok(ids.into_iter().map(ConnectionId::new).collect())
    }

    /// Ends a silence whose time is over; false where another did, or somebody prolonged it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn unmute(&mut self, connection: &ConnectionId, now: DateTime<Utc>) -> Result<bool> {
        let gone = on!(self, conn => sqlx::query(
            "DELETE FROM mutes WHERE connection_id = $1 AND until <= $2",
        )
        .bind(connection.as_str())
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
        Ok(gone > 0)
    }

    // ---- feedback ----------------------------------------------------------------------------

    /// Stores what a person says of a cause, in place of what they said before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_feedback(&mut self, of: IncidentId, said: &Feedback) -> Result<()> {
        on!(self, conn => sqlx::query(
            "INSERT INTO feedback (incident_id, by_user, judgement, category, approver, at) \
             VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (incident_id, by_user) DO UPDATE SET judgement = excluded.judgement, \
                category = excluded.category, approver = excluded.approver, at = excluded.at",
        )
        .bind(of.0)
        .bind(said.by.as_str())
        .bind(said.judgement.as_str())
        .bind(said.category.as_deref())
        .bind(said.approver)
        .bind(said.at)
        .execute(conn)
        .await
        .map(|_| ()))?;
        Ok(())
    }

    /// What people say of an incident's cause, the newest first.
    ///
    /// # Errors
    /// When the database refuses or holds a word that nobody wrote.
    pub async fn feedback_of(&mut self, of: IncidentId) -> Result<Vec<Feedback>> {
        type Said = (String, String, Option<String>, bool, DateTime<Utc>);
        let rows: Vec<Said> = on!(self, conn => sqlx::query_as(
            "SELECT by_user, judgement, category, approver, at FROM feedback \
             WHERE incident_id = $1 ORDER BY at DESC, by_user",
        )
        .bind(of.0)
        .fetch_all(conn)
        .await)?;
        let read = |(by, judgement, category, approver, at): Said| {
            let judgement = Judgement::parse(&judgement)
                .ok_or_else(|| Error::corrupt("feedback", "an unknown judgement"))?;
            Ok(Feedback {
                by: UserId::new(by),
                judgement,
                category,
                approver,
                at,
            })
        };
        rows.into_iter().map(read).collect()
    }
}
