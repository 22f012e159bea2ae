//! The fleet: read it, and find the connection that a person means.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{App, Flow, say};
use crate::fivetran::{Priority, ReadError};
use crate::model::{Connection, ConnectionId, Notice};
use crate::policy::Subject;
use crate::slack::words;
use crate::store::Tx;

/// Untrusted texts are cut to this before they are stored.
const LONGEST: usize = 2_000;
/// So long somebody waits for the reading of one connection.
const PATIENCE: Duration = Duration::from_secs(20);

impl App {
    /// Reads the whole fleet and remembers it; what is no longer there is forgotten.
    ///
    /// # Errors
    /// When Fivetran or the database does not answer; what was remembered stays.
    pub async fn refresh_fleet(&self, who: Priority) -> anyhow::Result<Vec<Connection>> {
        let started = self.ctx.now();
        let mut groups = self.fivetran.groups(who).await?;
        for group in &mut groups {
            group.name.retain(|c| c != '\0');
        }
        let connections = self.fivetran.connections(who).await?;
        let connections: Vec<Connection> = connections
            .into_iter()
            .map(|connection| self.without_secrets(connection))
            .collect();
        let mut tx = self.store.begin().await?;
        tx.save_groups(&groups).await?;
        for connection in &connections {
            tx.save_connection(connection).await?;
        }
        tx.forget_connections_before(started).await?;
        tx.commit().await?;
        Ok(connections)
    }

    /// What the policy matches its rules against.
    pub(crate) async fn subject(&self, tx: &mut Tx, connection: &Connection) -> Flow<Subject> {
        Ok(Subject {
            id: connection.id.clone(),
            schema: connection.schema.clone(),
            service: connection.service.clone(),
            group_id: connection.group_id.clone(),
            group_name: tx.group_name(&connection.group_id).await?,
        })
    }

    /// The connection that a person names: by id, by schema, or by a unique likeness.
    /// `command` is what they typed, with `{}` where the name stands, for the buttons to choose.
    pub(crate) async fn resolve(&self, name: &str, command: &str) -> Flow<Connection> {
        let mut fleet = self.store.snapshot().await?.connections().await?;
        let mut found = find(&fleet, name);
        if found.is_empty() {
            // It may be newer than our last reading.
            match self.refresh_fleet(Priority::People).await {
                Ok(fresh) => {
                    fleet = fresh;
                    found = find(&fleet, name);
                }
                Err(error) if fleet.is_empty() => {
                    tracing::warn!(%error, "cannot read the fleet");
                    return self.fivetran_down();
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot read the fleet; the last reading stands")
                }
            }
        }
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => say(
                "connection.unknown",
                words::connection_not_found(name, &nearest(&fleet, name)),
            ),
            many => {
                let mut tx = self.store.snapshot().await?;
                let mut choices = Vec::with_capacity(many.len());
                for found in many {
                    choices.push(words::Choice {
                        id: found.id.clone(),
                        name: found.schema.clone(),
                        group: tx.group_name(&found.group_id).await?,
                        command: command.replace("{}", found.id.as_str()),
                    });
                }
                say("connection.ambiguous", words::ambiguous(name, &choices))
            }
        }
    }

    /// Reads one connection now.
    pub(crate) async fn live(&self, id: &ConnectionId) -> Flow<Connection> {
        match self.read_soon(id, Priority::People).await {
            Ok(Some(connection)) => {
                let mut tx = self.store.begin().await?;
                tx.save_connection(&connection).await?;
                tx.commit().await?;
                Ok(connection)
            }
            Ok(None) => say("connection.gone", words::connection_gone(id.as_str())),
            Err(error) => {
                tracing::warn!(connection = %id, %error, "cannot read a connection");
                say(
                    "fivetran.unreadable",
                    words::fivetran_unreadable(&self.read_error(&error)),
                )
            }
        }
    }

    /// Reads one connection. What Fivetran quotes of the source is redacted before anything keeps it:
    /// snapshots, intents and incidents are all made of this.
    pub(crate) async fn read(
        &self,
        id: &ConnectionId,
        who: Priority,
    ) -> Result<Option<Connection>, ReadError> {
        let read = self.fivetran.connection(id, who).await?;
        Ok(read.map(|connection| self.without_secrets(connection)))
    }

    /// The same for somebody who waits: whoever gets no answer is told so, and nobody behind him
    /// waits for long.
    pub(super) async fn read_soon(
        &self,
        id: &ConnectionId,
        who: Priority,
    ) -> Result<Option<Connection>, ReadError> {
        tokio::time::timeout(PATIENCE, self.read(id, who))
            .await
            .unwrap_or_else(|_| {
                let detail = format!("no answer within {} s", PATIENCE.as_secs());
                Err(ReadError::Unreachable { detail })
            })
    }

    fn without_secrets(&self, mut connection: Connection) -> Connection {
        // PostgreSQL's texts hold no NUL: one such name would keep the whole fleet from being stored.
        connection.schema.retain(|c| c != '\0');
        Connection {
            tasks: self.notices(&connection.tasks),
            warnings: self.notices(&connection.warnings),
            ..connection
        }
    }

    /// What Fivetran quotes of the source, as it is stored.
    fn notices(&self, notices: &[Notice]) -> Vec<Notice> {
        notices
            .iter()
            .take(10)
            .map(|n| Notice {
                code: self.kept(&n.code),
                message: self.kept(&n.message),
                details: n.details.as_deref().map(|text| self.kept(text)),
            })
            .collect()
    }

    /// Untrusted text as it is stored: redacted, then cut.
    pub(super) fn kept(&self, text: &str) -> String {
        self.redacted(text).chars().take(LONGEST).collect()
    }

    /// Fivetran does not answer: nothing is guessed.
    pub(crate) fn fivetran_down<T>(&self) -> Flow<T> {
        say("fivetran.unreadable", words::fivetran_down())
    }

    /// A read error in words for people.
    pub(crate) fn read_error(&self, error: &ReadError) -> String {
        self.redacted(&error.to_string())
    }
}

/// Letters and digits only, in lower case: how people half remember names.
fn folded(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn find<'a>(fleet: &'a [Connection], name: &str) -> Vec<&'a Connection> {
    let wanted = folded(name);
    let exact = fleet
        .iter()
        .filter(|c| c.id.as_str() == name || c.schema == name);
    let same = fleet.iter().filter(|c| folded(&c.schema) == wanted);
    let part = fleet.iter().filter(|c| {
        !wanted.is_empty() && (folded(&c.schema).contains(&wanted) || folded(&c.service) == wanted)
    });
    for candidates in [exact.collect::<Vec<_>>(), same.collect(), part.collect()] {
        if !candidates.is_empty() {
            return candidates;
        }
    }
    let like: Vec<&Connection> = fleet
        .iter()
        .filter(|c| strsim::jaro_winkler(&folded(&c.schema), &wanted) > 0.92)
        .collect();
    like
}

fn nearest(fleet: &[Connection], name: &str) -> Vec<String> {
    let wanted = folded(name);
    let mut likeness: BTreeMap<i64, &str> = BTreeMap::new();
    for connection in fleet {
        let score = strsim::jaro_winkler(&folded(&connection.schema), &wanted);
        if score > 0.6 {
            // Most alike first; a rough whole number orders well enough for three suggestions.
            #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1,000,000")]
            likeness.insert(-(score * 1_000_000.0) as i64, &connection.schema);
        }
    }
    likeness.into_values().take(3).map(str::to_owned).collect()
}
