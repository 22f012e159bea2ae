//! The fleet: read it, and find the connection that a person means.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{App, Flow, say};
use crate::fivetran::{Priority, ReadError};
use crate::model::{Connection, ConnectionId, Notice, Place, RawNames};
use crate::policy::Subject;
use crate::slack::words;
use crate::store::{self, Tx};
use crate::triage::redact::Redactor;

/// Untrusted texts are cut to this before they are stored.
const LONGEST: usize = 2_000;
/// Connections that are stored in one transaction.
const BATCH: usize = 200;
/// Connections missing from one list that are looked for before the next.
const MISSING: usize = 20;
/// So long somebody waits for the reading of one connection.
const PATIENCE: Duration = Duration::from_secs(20);

impl App {
    /// Reads the whole fleet and remembers it. A connection that the list does not show is forgotten
    /// only when Fivetran says that it does not exist: lists shift between pages, and leave out what
    /// cannot be read.
    ///
    /// # Errors
    /// When Fivetran or the database does not answer; what was remembered stays.
    pub async fn refresh_fleet(&self, who: Priority) -> anyhow::Result<Vec<Connection>> {
        let mut groups = self.fivetran.groups(who).await?;
        for group in &mut groups {
            group.name.retain(|c| c != '\0');
        }
        let read = self.fivetran.connections(who).await?;
        let mut fleet: Vec<Connection> = read
            .into_iter()
            .map(|connection| self.without_secrets(connection))
            .collect();
        let known = self.store.snapshot().await?.connections().await?;
        let listed: BTreeSet<&ConnectionId> = fleet.iter().map(|c| &c.id).collect();
        let missing = known.iter().filter(|c| !listed.contains(&c.id));
        let missing: Vec<ConnectionId> = missing.map(|c| c.id.clone()).take(MISSING).collect();
        let mut tx = self.store.begin().await?;
        tx.save_groups(&groups).await?;
        tx.commit().await?;
        self.remember(&fleet, &known).await?;
        for id in &missing {
            fleet.extend(self.look_for(id, who).await?);
        }
        Ok(fleet)
    }

    /// Stores what is other than known, and of the rest only that it was seen.
    async fn remember(&self, fleet: &[Connection], known: &[Connection]) -> store::Result<()> {
        let known: BTreeMap<&ConnectionId, &Connection> =
            known.iter().map(|c| (&c.id, c)).collect();
        let same = |read: &Connection| {
            known.get(&read.id).is_some_and(|known| {
                let now = Connection {
                    read_at: known.read_at,
                    ..read.clone()
                };
                now == **known
            })
        };
        // In short transactions: a person's click does not wait for the whole fleet.
        for batch in fleet.chunks(BATCH) {
            let mut tx = self.store.begin().await?;
            let (seen, changed): (Vec<&Connection>, Vec<&Connection>) =
                batch.iter().partition(|read| same(read));
            for connection in changed {
                tx.save_connection(connection).await?;
            }
            tx.saw_connections(&seen).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// A connection that a list did not show, read alone.
    async fn look_for(
        &self,
        id: &ConnectionId,
        who: Priority,
    ) -> anyhow::Result<Option<Connection>> {
        let asked_at = self.ctx.now();
        let found = match self.read(id, who).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(connection = %id, %error, "the list left a connection out; it stays as last read");
                return Ok(None);
            }
        };
        let mut tx = self.store.begin().await?;
        match &found {
            Some(connection) => tx.save_connection(connection).await?,
            None => tx.forget_connection(id, asked_at).await?,
        }
        tx.commit().await?;
        Ok(found)
    }

    /// What the policy matches its rules against.
    pub(crate) async fn subject(&self, tx: &mut Tx, connection: &Connection) -> Flow<Subject> {
        let group = tx.group_name(&connection.group_id).await?;
        let place = Place::of(connection, group);
        Ok(subject_at(&connection.id, place))
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
                        group: self.redacted(&tx.group_name(&found.group_id).await?),
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

    fn without_secrets(&self, connection: Connection) -> Connection {
        without_secrets(&self.redactor.load(), connection)
    }

    /// Untrusted text as it is stored: redacted, then cut.
    pub(super) fn kept(&self, text: &str) -> String {
        kept(&self.redactor.load(), text)
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

/// A connection as it may be stored and shown: what Fivetran quotes of the source is redacted.
pub(super) fn without_secrets(redactor: &Redactor, mut connection: Connection) -> Connection {
    // PostgreSQL's texts hold no NUL: one such name would keep the whole fleet from being stored.
    connection.schema.retain(|c| c != '\0');
    let shown = (
        kept(redactor, &connection.schema),
        kept(redactor, &connection.service),
    );
    let (schema, service) = (connection.schema, connection.service);
    let raw = RawNames { schema, service };
    let same = (&shown.0, &shown.1) == (&raw.schema, &raw.service);
    Connection {
        schema: shown.0,
        service: shown.1,
        raw: (!same).then_some(raw),
        tasks: notices(redactor, &connection.tasks),
        warnings: notices(redactor, &connection.warnings),
        ..connection
    }
}

/// What Fivetran quotes of the source, as it is stored.
fn notices(redactor: &Redactor, notices: &[Notice]) -> Vec<Notice> {
    notices
        .iter()
        .take(10)
        .map(|n| Notice {
            code: kept(redactor, &n.code),
            message: kept(redactor, &n.message),
            details: n.details.as_deref().map(|text| kept(redactor, text)),
        })
        .collect()
}

fn kept(redactor: &Redactor, text: &str) -> String {
    redactor.text(text).chars().take(LONGEST).collect()
}

/// What the policy matches a connection by that was in this place.
pub(super) fn subject_at(id: &ConnectionId, place: Place) -> Subject {
    Subject {
        id: id.clone(),
        schema: place.schema,
        service: place.service,
        group_id: place.group_id,
        group_name: place.group_name,
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
