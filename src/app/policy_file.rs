//! The policy file, with the catalogue files that it names: read at start, watched afterwards, replaced as a whole or not at all (SPEC §7).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{App, Ran};
use crate::model::Actor;
use crate::policy::Policy;
use crate::slack::words;
use crate::triage::catalogue::Catalogue;
use crate::triage::redact::Redactor;

/// A file that cannot be read for longer than this is told of; an editor replaces one faster.
const PATIENCE: TimeDelta = TimeDelta::minutes(1);

/// What a policy file makes: all of it together, or nothing.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The policy; its hash covers the catalogue files too.
    pub policy: Arc<Policy>,
    /// Takes out what the policy hides besides what is always hidden.
    pub redactor: Redactor,
    /// The shipped catalogue with the policy's own files.
    pub catalogue: Arc<Catalogue>,
}

/// The text of the file, and of the catalogue files that it names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Texts {
    policy: String,
    catalogue: Vec<(String, String)>,
}

/// The file that the policy comes from, and what of it was last taken up or refused.
#[derive(Debug)]
pub struct PolicyFile {
    path: PathBuf,
    seen: Mutex<Seen>,
    secrets: Vec<String>,
}

#[derive(Debug, Default)]
struct Seen {
    texts: Option<Texts>,
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
    pub fn load(&self) -> Result<Loaded, String> {
        let texts = self.read()?;
        let loaded = self.parse(&texts)?;
        self.seen().texts = Some(texts);
        Ok(loaded)
    }

    fn read(&self) -> Result<Texts, String> {
        let policy = std::fs::read_to_string(&self.path).map_err(|error| {
            let path = self.path.display();
            format!("SYNCGATE_POLICY: cannot read {path}: {error}; start from policy.example.yml")
        })?;
        let catalogue = self.catalogue_files(&policy);
        let catalogue = catalogue.into_iter().map(|name| {
            // Paths are the policy file's, wherever the service was started.
            let path = self.path.parent().unwrap_or(Path::new("")).join(&name);
            let text = std::fs::read_to_string(path).map_err(|error| {
                format!("SYNCGATE_POLICY: catalogue: cannot read {name}: {error}")
            })?;
            Ok((name, text))
        });
        let catalogue = catalogue.collect::<Result<_, String>>()?;
        Ok(Texts { policy, catalogue })
    }

    /// The catalogue files that a policy names; none where it is wrong, which its reading tells. The
    /// same text names the same files, so it is not read anew each second.
    fn catalogue_files(&self, policy: &str) -> Vec<String> {
        let seen = self.seen();
        if let Some(texts) = seen.texts.as_ref().filter(|texts| texts.policy == policy) {
            return texts
                .catalogue
                .iter()
                .map(|(name, _)| name.clone())
                .collect();
        }
        drop(seen);
        Policy::parse(policy).map_or_else(|_| Vec::new(), |policy| policy.catalogue().to_vec())
    }

    fn parse(&self, texts: &Texts) -> Result<Loaded, String> {
        let path = self.path.display();
        let policy = Policy::parse(&texts.policy)
            .map_err(|errors| format!("SYNCGATE_POLICY: {path}:\n{errors}"))?;
        let policy = policy.covering(&texts.catalogue);
        let catalogue = Catalogue::with(&texts.catalogue)
            .map_err(|errors| format!("SYNCGATE_POLICY: {path}: catalogue:\n{errors}"))?;
        let redactor = Redactor::new(policy.redaction_patterns()).map_err(|error| {
            format!("SYNCGATE_POLICY: {path}: redaction.extra_patterns: {error}")
        })?;
        let redactor = redactor.with_known(self.secrets.iter().cloned());
        Ok(Loaded {
            policy: Arc::new(policy),
            redactor,
            catalogue: Arc::new(catalogue),
        })
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
        let texts = match file.read() {
            Ok(texts) => texts,
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
        if file.seen().texts.as_ref() == Some(&texts) {
            return Ok(Ran::Empty);
        }
        match file.parse(&texts) {
            Ok(loaded) => self.take_up(loaded).await?,
            Err(error) => self.refuse_policy(&error).await?,
        }
        // Only now: what the database did not take is looked at again.
        file.seen().texts = Some(texts);
        Ok(Ran::Ran)
    }

    async fn take_up(&self, loaded: Loaded) -> anyhow::Result<()> {
        let Loaded {
            policy,
            redactor,
            catalogue,
        } = loaded;
        let mut tx = self.store.begin().await?;
        if tx.set_fact("policy.hash", policy.hash()).await? {
            let was = self.policy.load().hash().to_owned();
            let facts = json!({ "policy_hash": policy.hash(), "was_policy_hash": was });
            tx.audit(self.entry("policy.loaded", Actor::Operator, "policy", facts));
        }
        tx.commit().await?;
        tracing::info!(hash = policy.short_hash(), "the policy file was taken up");
        self.redactor.store(Arc::new(redactor));
        self.catalogue.store(catalogue);
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
