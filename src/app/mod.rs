//! The use cases: the only place where model, store and the outside meet.
//!
//! Each file is one flow, to be read from top to bottom. They share a shape: read the outside
//! first (people, the live connection), then decide and write in one transaction that also settles
//! the delivery that asked, records the audit and says what Slack should show. A lost race starts
//! the flow again with fresh data.

mod advance;
mod answer;
mod asked;
mod attend;
mod beside;
mod card;
mod care;
mod cause;
mod check;
mod command;
pub(crate) mod crash;
mod decide;
mod deliver;
mod delivered;
mod diagnosis;
mod digest;
mod evidence;
mod execute;
mod explain;
mod feedback;
mod fitness;
mod fleet;
mod flood;
mod forget;
mod handle;
mod hint;
mod incident;
mod incident_card;
mod modify;
mod observe;
mod operate;
mod outlook;
mod people;
mod picture;
mod policy_file;
mod precedent;
mod proof;
mod propose;
mod question;
mod reading;
mod receipts;
mod revert;
mod shut;
mod siblings;
mod status;
mod timers;
mod timetable;
mod undo;
mod webhook;

use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use url::Url;

use crate::fivetran::FivetranClient;
use crate::fivetran::LogSource;
use crate::llm::Llm;
use crate::model::{Actor, Ctx};
use crate::policy::Policy;
use crate::slack::SlackClient;
use crate::slack::cards::Message;
use crate::store::{self, InboxWriter, Lane, Store};
use crate::triage::redact::Redactor;

pub use asked::lane_of;
pub use beside::{halt_beside, unhalt_beside};
pub(crate) use crash::crash_point;
pub use handle::Reply;
pub use operate::Health;
pub use outlook::{Change, Preview, preview};
pub use policy_file::PolicyFile;
pub use timetable::next_digest;
pub use webhook::{Hooks, Installed, hooks_at};

/// Everything a use case needs, shared by all workers.
pub struct App {
    /// Time and ids.
    pub ctx: Ctx,
    /// The database.
    pub store: Store,
    /// The one writer of deliveries.
    pub inbox: InboxWriter,
    /// Slack.
    pub slack: SlackClient,
    /// The base of Slack's Web API: answers may go to its host in tests and the demo.
    pub slack_api: Url,
    /// Fivetran.
    pub fivetran: FivetranClient,
    /// The language model; none where the built-in analyst works alone.
    pub llm: Option<Arc<Llm>>,
    /// The policy in force; replaced as a whole.
    pub policy: ArcSwap<Policy>,
    /// Removes secrets from what leaves; knows our own.
    pub redactor: ArcSwap<Redactor>,
    /// Wakes the workers when there is something to do at once.
    pub wake: Wake,
    people: people::Cache,
    log: Option<cause::Log>,
    webhook: Option<String>,
    diagnosis: diagnosis::Diagnosis,
    /// Until then the model is not asked: it did not answer in time.
    model_rests: Mutex<Option<DateTime<Utc>>>,
}

/// One bell per kind of worker. Work is found in the database; a bell only saves the wait.
#[derive(Debug, Default)]
pub struct Wake {
    /// Deliveries came in that are decided without Fivetran.
    pub decide: Notify,
    /// Requests came in that Fivetran is read for.
    pub ask: Notify,
    /// Fivetran told something.
    pub hint: Notify,
    /// Steps are due.
    pub steps: Notify,
    /// Messages wait.
    pub messages: Notify,
    /// A model has to be asked.
    pub questions: Notify,
}

impl Wake {
    /// The bell of a lane of the inbox.
    pub fn lane(&self, lane: Lane) -> &Notify {
        match lane {
            Lane::Decide => &self.decide,
            Lane::Ask => &self.ask,
            Lane::Hint => &self.hint,
        }
    }
}

/// What a worker's step found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// Something; there may be more.
    Ran,
    /// Nothing that is due.
    Empty,
}

/// Why a flow ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// No, in words for the person who asked. `code` goes into the audit log.
    Say {
        code: &'static str,
        message: Message,
    },
    /// Somebody else was faster: decide again with fresh data.
    Race,
    /// A fault of ours or of the outside.
    Fail(anyhow::Error),
}

/// The result of a part of a flow.
pub(crate) type Flow<T> = std::result::Result<T, Stop>;

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        if error.is_race() {
            Self::Race
        } else {
            Self::Fail(error.into())
        }
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Fail(error)
    }
}

/// A span of the policy's as one that times can be moved by.
pub(crate) fn span(span: std::time::Duration) -> chrono::TimeDelta {
    chrono::TimeDelta::from_std(span).unwrap_or(chrono::TimeDelta::MAX)
}

/// Ends a flow with words for the person.
pub(crate) fn say<T>(code: &'static str, message: Message) -> Flow<T> {
    Err(Stop::Say { code, message })
}

/// What an [`App`] is made of.
pub struct Parts {
    /// Time and ids.
    pub ctx: Ctx,
    /// The database.
    pub store: Store,
    /// The one writer of deliveries.
    pub inbox: InboxWriter,
    /// Slack.
    pub slack: SlackClient,
    /// The base of Slack's Web API.
    pub slack_api: Url,
    /// Fivetran.
    pub fivetran: FivetranClient,
    /// The language model, where there is one.
    pub llm: Option<Arc<Llm>>,
    /// The policy to start with.
    pub policy: Arc<Policy>,
    /// The redactor to start with.
    pub redactor: Redactor,
    /// Where Fivetran's log rows are found.
    pub log_source: Option<LogSource>,
    /// Where Fivetran's webhook is to post; `None` where there is to be none.
    pub webhook: Option<String>,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            ctx: parts.ctx,
            store: parts.store,
            inbox: parts.inbox,
            slack: parts.slack,
            slack_api: parts.slack_api,
            fivetran: parts.fivetran,
            llm: parts.llm,
            policy: ArcSwap::new(parts.policy),
            redactor: ArcSwap::from_pointee(parts.redactor),
            wake: Wake::default(),
            people: people::Cache::default(),
            log: parts.log_source.map(cause::Log::new),
            webhook: parts.webhook,
            diagnosis: diagnosis::Diagnosis::default(),
            model_rests: Mutex::new(None),
        })
    }

    /// Text from outside without its secrets.
    pub(crate) fn redacted(&self, text: &str) -> String {
        self.redactor.load().text(text).into_owned()
    }

    /// The record of a request that was refused.
    pub(crate) fn refusal(&self, asked: &asked::Asked, code: &str) -> crate::model::audit::Entry {
        let facts = serde_json::json!({ "why": code, "via": asked.via });
        let actor = Actor::user(&asked.user);
        self.entry("request.refused", actor, "request", facts)
    }

    /// An audit entry, redacted.
    pub(crate) fn entry(
        &self,
        code: &'static str,
        actor: Actor,
        subject: impl Into<String>,
        body: serde_json::Value,
    ) -> crate::model::audit::Entry {
        crate::model::audit::Entry {
            at: self.ctx.now(),
            code,
            actor,
            subject: subject.into(),
            body: self.redactor.load().facts(&body, &is_ours),
        }
    }
}

/// What of an audit record is never redacted, because a hole in it would make the record worthless:
/// the hashes that we computed, the delivery's key, and the request exactly as Fivetran gets it
/// (people's words are redacted at the door, before any request is made of them).
fn is_ours(key: &str, value: &serde_json::Value) -> bool {
    let is_hash = |text: &str| {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        text.len() == 64 && text.bytes().all(hex)
    };
    match key {
        "request" | "delivery" => true,
        key => {
            let named = key == "fingerprint" || key.ends_with("_hash") || key.ends_with("sha256");
            named && value.as_str().is_some_and(is_hash)
        }
    }
}

impl App {
    /// Text as it may be stored: without secrets, and without NUL, which PostgreSQL's texts cannot
    /// hold. Only what holds a secret is copied.
    pub fn clean(&self, mut text: String) -> String {
        text.retain(|c| c != '\0');
        let redactor = self.redactor.load();
        let cleaned = match redactor.text(&text) {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(cleaned) => Some(cleaned),
        };
        cleaned.unwrap_or(text)
    }

    /// Records that another body came under a key that was taken before.
    pub async fn note_forgery(&self, route: &str, key: &str) {
        tracing::warn!(
            route,
            key,
            "another body came under a known key; it was refused"
        );
        let facts = serde_json::json!({ "route": route, "delivery": key });
        let recorded = async {
            let mut tx = self.store.begin().await?;
            tx.audit(self.entry("inbound.forged", Actor::Syncgate, "request", facts));
            tx.commit().await
        };
        if let Err(error) = recorded.await {
            tracing::error!(%error, "cannot record a refused delivery");
        }
    }
}
