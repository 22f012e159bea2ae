//! The policy file: read at start, watched afterwards, replaced as a whole or not at all (SPEC §7).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{App, Ran};
use crate::model::Actor;
use crate::policy::Policy;
use crate::slack::words;
use crate::triage::redact::Redactor;

/// A file that cannot be read for longer than this is told of; an editor replaces one faster.
const PATIENCE: TimeDelta = TimeDelta::minutes(1);

/// The file that the policy comes from, and what of it was last taken up or refused.
#[derive(Debug)]
pub struct PolicyFile {
    path: PathBuf,
    seen: Mutex<Seen>,
    secrets: Vec<String>,
}

#[derive(Debug, Default)]
struct Seen {
    text: Option<String>,
    unreadable: Option<Unreadable>,
}

#[derive(Clone, Copy, Debug)]
struct Unreadable {
    since: DateTime<Utc>,
    told: bool,
}

impl PolicyFile {
    /// The file at a path; `secrets` are our own, which every redactor must know.
    pub fn new(path: PathBuf, secrets: Vec<String>) -> Self {
        Self {
            path,
            seen: Mutex::default(),
            secrets,
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it, line by line, or why it cannot be read.
    pub fn load(&self) -> Result<(Arc<Policy>, Redactor), String> {
        let text = self.read()?;
        let loaded = self.parse(&text)?;
        self.seen().text = Some(text);
        Ok(loaded)
    }

    fn read(&self) -> Result<String, String> {
        std::fs::read_to_string(&self.path).map_err(|error| {
            let path = self.path.display();
            format!("SYNCGATE_POLICY: cannot read {path}: {error}; start from policy.example.yml")
        })
    }

    fn parse(&self, text: &str) -> Result<(Arc<Policy>, Redactor), String> {
        let path = self.path.display();
        let policy =
            Policy::parse(text).map_err(|errors| format!("SYNCGATE_POLICY: {path}:\n{errors}"))?;
        let redactor = Redactor::new(policy.redaction_patterns()).map_err(|error| {
            format!("SYNCGATE_POLICY: {path}: redaction.extra_patterns: {error}")
        })?;
        let redactor = redactor.with_known(self.secrets.iter().cloned());
        Ok((Arc::new(policy), redactor))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time to tell that the file cannot be read.
    fn is_long_unreadable(&self, now: DateTime<Utc>) -> bool {
        let first = Unreadable {
            since: now,
            told: false,
        };
        let since = *self.seen().unreadable.get_or_insert(first);
        !since.told && now - since.since > PATIENCE
    }

    fn told_unreadable(&self) {
        if let Some(unreadable) = &mut self.seen().unreadable {
            unreadable.told = true;
        }
    }
}

impl App {
    /// Takes up a changed policy file; a wrong one leaves the policy in force as it is, and says so.
    ///
    /// # Errors
    /// When the database does not answer; the file is looked at again then.
    pub async fn reload_policy(&self, file: &PolicyFile) -> anyhow::Result<Ran> {
        let text = match file.read() {
            Ok(text) => text,
            Err(error) => {
                if !file.is_long_unreadable(self.ctx.now()) {
                    return Ok(Ran::Empty);
                }
                self.refuse_policy(&error).await?;
                file.told_unreadable();
                return Ok(Ran::Ran);
            }
        };
        file.seen().unreadable = None;
        if file.seen().text.as_ref() == Some(&text) {
            return Ok(Ran::Empty);
        }
        match file.parse(&text) {
            Ok((policy, redactor)) => self.take_up(policy, redactor).await?,
            Err(error) => self.refuse_policy(&error).await?,
        }
        // Only now: what the database did not take is looked at again.
        file.seen().text = Some(text);
        Ok(Ran::Ran)
    }

    async fn take_up(&self, policy: Arc<Policy>, redactor: Redactor) -> anyhow::Result<()> {
        let mut tx = self.store.begin().await?;
        if tx.set_fact("policy.hash", policy.hash()).await? {
            let was = self.policy.load().hash().to_owned();
            let facts = json!({ "policy_hash": policy.hash(), "was_policy_hash": was });
            tx.audit(self.entry("policy.loaded", Actor::Operator, "policy", facts));
        }
        tx.commit().await?;
        tracing::info!(hash = policy.short_hash(), "the policy file was taken up");
        self.redactor.store(Arc::new(redactor));
        self.policy.store(policy);
        Ok(())
    }

    async fn refuse_policy(&self, error: &str) -> anyhow::Result<()> {
        tracing::error!(%error, "the policy file cannot be taken up; the one before stays in force");
        let mut tx = self.store.begin().await?;
        let facts = json!({ "error": error });
        tx.audit(self.entry("policy.refused", Actor::Operator, "policy", facts));
        let key = format!("policy:refused:{}", self.ctx.now().timestamp_micros());
        let channel = self.policy.load().default_channel();
        let message = words::policy_refused(&self.redacted(error));
        match self.post(&mut tx, key, &channel, &message).await {
            Ok(()) => Ok(tx.commit().await?),
            Err(_) => anyhow::bail!("cannot tell that the policy file is wrong"),
        }
    }

    /// Records the policy that is in force at start, if it is another than at the last one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn record_policy(&self) -> anyhow::Result<()> {
        let policy = self.policy.load_full();
        let mut tx = self.store.begin().await?;
        if tx.set_fact("policy.hash", policy.hash()).await? {
            let facts = json!({ "policy_hash": policy.hash() });
            tx.audit(self.entry("policy.loaded", Actor::Operator, "policy", facts));
        }
        Ok(tx.commit().await?)
    }
}
