//! Fivetran's webhook, set up by the operator: registered where there is none, repaired where one is
//! there. Every call has its intent in the audit chain before it. The service only looks at it, and
//! tells people when it no longer posts.

use secrecy::SecretString;
use serde_json::json;

use super::asked::draft;
use super::{App, Ran};
use crate::fivetran::{FivetranClient, Hook, ReadError, Sent, Tried};
use crate::model::{Actor, HOOK_EVENTS, HookCall};
use crate::slack::words;
use crate::store::MessageKind;

/// What was last told to be wrong with the webhook.
const FAULTS: &str = "hook.faults";

/// The webhooks of the account, as one address sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// Those of the whole account that post to the address; the first is the one that is kept right.
    pub ours: Vec<Hook>,
    /// Those of single groups that post to the address.
    pub of_groups: usize,
}

impl Hooks {
    /// What is wrong, each as a sentence; nothing, where the webhook is as it should be. Its secret
    /// nobody can read: only a delivery shows whether it is the right one.
    pub fn faults(&self) -> Vec<String> {
        let Some(hook) = self.ours.first() else {
            return vec!["No webhook of the account posts to this address.".to_owned()];
        };
        let mut faults = Vec::new();
        if !hook.active {
            faults.push(format!("The webhook {} is switched off.", hook.id));
        }
        for event in HOOK_EVENTS {
            if !hook.events.iter().any(|sent| sent == event) {
                faults.push(format!("The webhook {} does not post {event}.", hook.id));
            }
        }
        faults
    }

    /// What is odd but does no harm, as a sentence: what comes twice is taken once.
    pub fn remark(&self) -> Option<String> {
        let more = self.ours.len().saturating_sub(1) + self.of_groups;
        (more > 0).then(|| {
            format!("{more} more post to this address; delete them in Fivetran, Syncgate cannot.")
        })
    }
}

/// How setting up the webhook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installed {
    /// It stands as it should, and Fivetran's trial of it went so.
    Stands {
        /// The webhook's id.
        id: String,
        /// Whether it is new.
        new: bool,
        /// The trial.
        tried: Tried,
    },
    /// Nothing was changed, or nobody knows; why, redacted.
    Failed(String),
}

/// The webhooks that post to an address.
///
/// # Errors
/// See [`ReadError`].
pub async fn hooks_at(fivetran: &FivetranClient, address: &str) -> Result<Hooks, ReadError> {
    let mut all = fivetran.hooks().await?;
    // However it was spelled when somebody registered it.
    let same = |url: &str| {
        url::Url::parse(url).is_ok_and(|url| url.as_str().trim_end_matches('/') == address)
    };
    all.retain(|hook| same(&hook.url));
    let (ours, of_groups): (Vec<_>, Vec<_>) = all.into_iter().partition(|hook| hook.of_account);
    Ok(Hooks {
        ours,
        of_groups: of_groups.len(),
    })
}

impl App {
    /// Registers the webhook or repairs it, then lets Fivetran try it. Run again, it makes no second
    /// one: what is there is looked at first.
    ///
    /// # Errors
    /// When Fivetran cannot be read or the database does not answer.
    pub async fn install_webhook(
        &self,
        address: &str,
        secret: &SecretString,
    ) -> anyhow::Result<Installed> {
        let call = match hooks_at(&self.fivetran, address)
            .await?
            .ours
            .into_iter()
            .next()
        {
            None => HookCall::Create {
                url: address.to_owned(),
            },
            Some(hook) => HookCall::Repair { id: hook.id },
        };
        if let Some(halted) = self.intend_hook(&call).await? {
            return Ok(Installed::Failed(halted));
        }
        let sent = self.fivetran.send_hook(&call, secret).await;
        let said = self.redacted(&in_words(&sent));
        let id = match self.stands(address, &call, &sent).await {
            Ok(id) => id,
            Err((code, more)) => {
                let why = format!("{said}{more}");
                self.record_hook(code, &call, &why).await?;
                return Ok(Installed::Failed(why));
            }
        };
        self.record_hook("webhook.done", &call, &said).await?;
        Ok(Installed::Stands {
            tried: self.try_webhook(&id).await?,
            new: matches!(call, HookCall::Create { .. }),
            id,
        })
    }

    /// The id of the webhook that a reading shows as it should be after a call; else under which
    /// code that is recorded, and what the reading adds to the answer.
    async fn stands(
        &self,
        address: &str,
        call: &HookCall,
        sent: &Sent,
    ) -> Result<String, (&'static str, String)> {
        let found = hooks_at(&self.fivetran, address).await.map_err(|error| {
            let error = self.redacted(&error.to_string());
            (
                "webhook.uncertain",
                format!("; what stands there cannot be read: {error}"),
            )
        })?;
        let stands = found.faults().is_empty();
        match (found.ours.into_iter().next(), sent, call) {
            // A new one is there with its secret or not at all, whatever became of the answer.
            (Some(hook), Sent::Accepted { .. }, _) | (Some(hook), _, HookCall::Create { .. })
                if stands =>
            {
                Ok(hook.id)
            }
            // It may come yet; and one that looks right may still have its old secret.
            (_, Sent::Unknown { .. }, _) => Err(("webhook.uncertain", String::new())),
            (_, Sent::Accepted { .. }, _) => {
                Err(("webhook.failed", ", but no reading shows it".to_owned()))
            }
            _ => Err(("webhook.failed", String::new())),
        }
    }

    async fn try_webhook(&self, id: &str) -> anyhow::Result<Tried> {
        let call = HookCall::Try { id: id.to_owned() };
        if let Some(halted) = self.intend_hook(&call).await? {
            return Ok(Tried::NotTried(Sent::NotSent { why: halted }));
        }
        let tried = match self.fivetran.try_hook(id).await {
            Tried::Taken => Tried::Taken,
            Tried::Refused { status, message } => Tried::Refused {
                status,
                message: self.redacted(&message),
            },
            Tried::NotTried(sent) => Tried::NotTried(Sent::NotSent {
                why: self.redacted(&in_words(&sent)),
            }),
        };
        let (code, said) = match &tried {
            Tried::Taken => ("webhook.done", "the event was taken".to_owned()),
            Tried::Refused { status, message } => {
                ("webhook.failed", format!("{status}: {message}"))
            }
            Tried::NotTried(sent) => ("webhook.failed", in_words(sent)),
        };
        self.record_hook(code, &call, &said).await?;
        Ok(tried)
    }

    /// Commits the intent of a call; why it must not leave, where a halt is in force.
    async fn intend_hook(&self, call: &HookCall) -> anyhow::Result<Option<String>> {
        let mut tx = self.store.begin().await?;
        if let Some(halt) = tx.halted_until_commit().await? {
            return Ok(Some(format!(
                "halted by {}: run `syncgate unhalt` first",
                halt.by
            )));
        }
        let facts = json!({ "call": call.name(), "request": call.recorded() });
        tx.audit(self.entry("webhook.intended", Actor::Operator, "webhook", facts));
        tx.commit().await?;
        Ok(None)
    }

    /// Looks whether the webhook still posts, and tells the default channel once when it does not, and
    /// once when it does again: in between, failures are found only by reading the account (SPEC I13).
    ///
    /// # Errors
    /// When Fivetran or the database does not answer.
    pub async fn watch_webhook(&self) -> anyhow::Result<Ran> {
        let Some(address) = &self.webhook else {
            return Ok(Ran::Empty);
        };
        let faults = match hooks_at(&self.fivetran, address).await {
            Ok(hooks) => self.redacted(&hooks.faults().join(" ")),
            // Without that right nobody knows; `doctor` says so.
            Err(ReadError::KeyRefused { .. }) => return Ok(Ran::Empty),
            Err(error) => return Err(error.into()),
        };
        let mut tx = self.store.begin().await?;
        let known = tx.fact(FAULTS).await?.unwrap_or_default();
        if known == faults {
            return Ok(Ran::Empty);
        }
        if !tx.set_fact(FAULTS, &faults).await? {
            // Another replica was faster.
            return Ok(Ran::Empty);
        }
        let (code, message) = if faults.is_empty() {
            ("webhook.up", words::webhook_up())
        } else {
            ("webhook.down", words::webhook_down(&faults))
        };
        let facts = json!({ "faults": faults });
        tx.audit(self.entry(code, Actor::Syncgate, "webhook", facts));
        let key = format!("{code}:{}", self.ctx.now().timestamp_micros());
        let channel = self.policy.load().default_channel();
        let draft = draft(key, MessageKind::Card, &channel, &message);
        tx.put_message(&draft, self.ctx.now()).await?;
        tx.commit().await?;
        self.wake.messages.notify_one();
        Ok(Ran::Ran)
    }

    async fn record_hook(
        &self,
        code: &'static str,
        call: &HookCall,
        said: &str,
    ) -> anyhow::Result<()> {
        let mut tx = self.store.begin().await?;
        let facts = json!({ "call": call.name(), "said": said });
        tx.audit(self.entry(code, Actor::Operator, "webhook", facts));
        Ok(tx.commit().await?)
    }
}

/// What is known of a write, as a clause.
fn in_words(sent: &Sent) -> String {
    match sent {
        Sent::Accepted { .. } => "Fivetran said yes".to_owned(),
        Sent::Refused { message, .. } => format!("Fivetran refused it: {message}"),
        Sent::KeyRefused { message, .. } => format!(
            "Fivetran refused the key: {message}; the system key needs WEBHOOK: MANAGE for this"
        ),
        Sent::Throttled { retry_after } => format!(
            "Fivetran's rate limit is used up: try again in {} s",
            retry_after.as_secs()
        ),
        Sent::NotSent { why } => why.clone(),
        Sent::Unknown { detail, .. } => format!("nobody knows whether it took: {detail}"),
    }
}
