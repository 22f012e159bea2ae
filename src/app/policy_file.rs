//! The policy file: read at start, watched afterwards, replaced as a whole or not at all (SPEC §7).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::{App, Ran};
use crate::model::Actor;
use crate::policy::Policy;
use crate::slack::words;
use crate::triage::redact::Redactor;

/// The file that the policy comes from, and what of it was last looked at.
#[derive(Debug)]
pub struct PolicyFile {
    path: PathBuf,
    seen: Mutex<Option<String>>,
    secrets: Vec<String>,
}

impl PolicyFile {
    /// The file at a path; `secrets` are our own, which every redactor must know.
    pub fn new(path: PathBuf, secrets: Vec<String>) -> Self {
        Self {
            path,
            seen: Mutex::new(None),
            secrets,
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it, line by line, or why it cannot be read.
    pub fn load(&self) -> Result<(Arc<Policy>, Redactor), String> {
        let path = self.path.display();
        let text = std::fs::read_to_string(&self.path).map_err(|error| {
            format!("SYNCGATE_POLICY: cannot read {path}: {error}; start from policy.example.yml")
        })?;
        let policy =
            Policy::parse(&text).map_err(|errors| format!("SYNCGATE_POLICY: {path}:\n{errors}"))?;
        let redactor = Redactor::new(policy.redaction_patterns()).map_err(|error| {
            format!("SYNCGATE_POLICY: {path}: redaction.extra_patterns: {error}")
        })?;
        let redactor = redactor.with_known(self.secrets.iter().cloned());
        *self.seen() = Some(text);
        Ok((Arc::new(policy), redactor))
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the file has another content than when it was last looked at; looks at it.
    fn changed(&self) -> bool {
        // A file that is gone for the moment (an editor replaces it) is looked at again later.
        let Ok(text) = std::fs::read_to_string(&self.path) else {
            return false;
        };
        let mut seen = self.seen();
        let changed = seen.as_deref() != Some(text.as_str());
        *seen = Some(text);
        changed
    }
}

impl App {
    /// Takes up a changed policy file; a wrong one leaves the policy in force as it is, and says so.
    ///
    /// # Errors
    /// When the database does not answer; the file is looked at again then.
    pub async fn reload_policy(&self, file: &PolicyFile) -> anyhow::Result<Ran> {
        if !file.changed() {
            return Ok(Ran::Empty);
        }
        let mut tx = self.store.begin().await?;
        let now = self.ctx.now();
        match file.load() {
            Ok((policy, redactor)) => {
                if tx.set_fact("policy.hash", policy.hash()).await? {
                    let was = self.policy.load().hash().to_owned();
                    let facts = json!({ "policy_hash": policy.hash(), "was_policy_hash": was });
                    tx.audit(self.entry("policy.loaded", Actor::Operator, "policy", facts));
                }
                tx.commit().await?;
                tracing::info!(hash = policy.short_hash(), "the policy file was taken up");
                self.redactor.store(Arc::new(redactor));
                self.policy.store(policy);
            }
            Err(error) => {
                tracing::error!(%error, "the changed policy file is wrong; the one before stays in force");
                let facts = json!({ "error": error });
                tx.audit(self.entry("policy.refused", Actor::Operator, "policy", facts));
                let key = format!("policy:refused:{}", now.timestamp_micros());
                let channel = self.policy.load().default_channel();
                let message = words::policy_refused(&self.redacted(&error));
                match self.post(&mut tx, key, &channel, &message).await {
                    Ok(()) => tx.commit().await?,
                    Err(_) => anyhow::bail!("cannot tell that the policy file is wrong"),
                }
            }
        }
        Ok(Ran::Ran)
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
