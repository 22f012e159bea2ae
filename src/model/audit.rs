//! The audit chain: what a record is, how it is hashed, and what a broken chain looks like.
//!
//! Plain SHA-256: each record holds the hash of the one before it, and the head (last number and
//! hash) stands in a table of its own and in the footer of every card. Whoever rewrites the table
//! must rewrite the head and every card as well.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::actor::Actor;
use super::canonical;

/// The `prev` of the first record.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What is to be recorded; the store gives it its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// A stable code, for example `proposal.approved`; see `docs/audit.md`.
    pub code: &'static str,
    /// By whom.
    pub actor: Actor,
    /// About what: `proposal:12`, `action:31`, `incident:4`, `policy`…
    pub subject: String,
    /// The facts; integers and texts only, redacted.
    pub body: Value,
}

/// One link of the chain, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// 1, 2, 3… without a gap.
    pub seq: i64,
    /// RFC 3339 in UTC with microseconds.
    pub at: String,
    /// A stable code.
    pub code: String,
    /// The actor as canonical JSON.
    pub actor: String,
    /// About what.
    pub subject: String,
    /// The facts as canonical JSON.
    pub body: String,
    /// The hash of the record before.
    pub prev: String,
    /// SHA-256 over all of the above, in hex.
    pub hash: String,
}

/// The end of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The last record's number; 0 when there is none.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

impl Head {
    /// The head of an empty chain.
    pub fn genesis() -> Self {
        Self {
            seq: 0,
            hash: GENESIS.to_owned(),
        }
    }

    /// As a card's footer shows it: `#12 3f9a41c07b2e55d0`.
    pub fn short(&self) -> String {
        format!(
            "#{} {}",
            self.seq,
            self.hash.get(..16).unwrap_or(&self.hash)
        )
    }
}

impl Record {
    /// Links an entry behind the head.
    ///
    /// # Errors
    /// When the body holds a number that is not an integer.
    pub fn link(entry: &Entry, head: &Head) -> Result<Self, serde_json::Error> {
        let mut record = Self {
            seq: head.seq + 1,
            at: entry.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            code: entry.code.to_owned(),
            actor: canonical::text(&entry.actor)?,
            subject: entry.subject.clone(),
            body: canonical::text(&entry.body)?,
            prev: head.hash.clone(),
            hash: String::new(),
        };
        record.hash = record.expected_hash()?;
        Ok(record)
    }

    /// The hash that the record's content calls for.
    ///
    /// # Errors
    /// Never: the fields are texts and one integer.
    pub fn expected_hash(&self) -> Result<String, serde_json::Error> {
        let content = json!({
            "seq": self.seq,
            "at": self.at,
            "code": self.code,
            "actor": self.actor,
            "subject": self.subject,
            "body": self.body,
            "prev": self.prev,
        });
        Ok(canonical::sha256(
            "syncgate.audit.v1",
            &canonical::text(&content)?,
        ))
    }

    /// The head once this is the last record.
    pub fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash.clone(),
        }
    }
}

/// What is wrong with a chain, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The content does not give the hash that stands beside it.
    #[error("record {seq} was changed: its content does not give its hash")]
    Changed {
        /// Where.
        seq: i64,
    },
    /// A number is missing, doubled or out of order.
    #[error("record {expected} is missing: record {found} stands in its place")]
    Missing {
        /// Which should have come.
        expected: i64,
        /// Which came.
        found: i64,
    },
    /// `prev` is not the hash of the record before.
    #[error(
        "record {seq} does not follow the one before it: something was inserted, removed or moved"
    )]
    Unlinked {
        /// Where.
        seq: i64,
    },
    /// The records end before the head, or after it.
    #[error(
        "the chain ends at record {last}, but its head is at {head}: records were cut off or added"
    )]
    Head {
        /// The last record.
        last: i64,
        /// Where the head is.
        head: i64,
    },
    /// The head stands at the last record, but with another hash.
    #[error(
        "the head does not have the hash of the last record, {seq}: the head was changed, or that record \
         rewritten"
    )]
    OtherHead {
        /// The last record.
        seq: i64,
    },
    /// The database holds something there that is no record: no text, no number, nothing at all.
    #[error("record {seq} cannot be read: it was changed")]
    Unreadable {
        /// Where.
        seq: i64,
    },
    /// The head's own row is gone or holds no head.
    #[error("the head of the chain is missing or cannot be read")]
    NoHead,
    /// A head seen outside (a card's footer) is not in the chain.
    #[error("record {seq} is not the one whose hash was seen outside: the chain was rewritten")]
    Witness {
        /// Where.
        seq: i64,
    },
}

/// Walks a chain record by record, so that it need not be held in memory.
#[derive(Debug)]
pub struct Verifier {
    head: Head,
    witnesses: Vec<(i64, String)>,
}

impl Verifier {
    /// A verifier that also holds the chain against heads seen elsewhere: number and the first
    /// digits of the hash, as in a card's footer.
    pub fn new(witnesses: Vec<(i64, String)>) -> Self {
        Self {
            head: Head::genesis(),
            witnesses,
        }
    }

    /// The number that the next record must have.
    pub fn expected(&self) -> i64 {
        self.head.seq + 1
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn next(&mut self, record: &Record) -> Result<(), Broken> {
        let expected = self.expected();
        if record.seq != expected {
            return Err(Broken::Missing {
                expected,
                found: record.seq,
            });
        }
        let seq = record.seq;
        if record.expected_hash().ok().as_deref() != Some(record.hash.as_str()) {
            return Err(Broken::Changed { seq });
        }
        if record.prev != self.head.hash {
            return Err(Broken::Unlinked { seq });
        }
        let rewritten = |(at, hash): &(i64, String)| *at == seq && !record.hash.starts_with(hash);
        if self.witnesses.iter().any(rewritten) {
            return Err(Broken::Witness { seq });
        }
        self.head = record.head();
        Ok(())
    }

    /// Ends the walk against the stored head.
    ///
    /// # Errors
    /// When the chain does not end where its head, or a head seen outside, says.
    pub fn finish(self, head: &Head) -> Result<Head, Broken> {
        if self.head != *head && self.head.seq == head.seq {
            return Err(Broken::OtherHead { seq: head.seq });
        }
        if self.head != *head {
            return Err(Broken::Head {
                last: self.head.seq,
                head: head.seq,
            });
        }
        match self.witnesses.iter().find(|(seq, _)| *seq > self.head.seq) {
            Some((seq, _)) => Err(Broken::Head {
                last: self.head.seq,
                head: *seq,
            }),
            None => Ok(self.head),
        }
    }
}
