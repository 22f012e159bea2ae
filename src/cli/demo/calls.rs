//! The changes that the simulated Fivetran was asked for, each with the decision that allowed it: what
//! arrived, held against the service's own audit chain.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::model::Actor;
use crate::model::audit::Record;
use crate::sim::ledger::{Entry, Ledger, Service};
use crate::sim::slack::User;
use crate::store::{self, Store};

/// How soon a call is shown.
const SOON: Duration = Duration::from_millis(250);
/// So many of the latest are shown.
const SHOWN: usize = 12;

/// What arrived, as far as it was looked at.
pub(super) struct Calls {
    store: Store,
    ledger: Ledger,
    read: Mutex<Vec<Call>>,
}

/// One mutating call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub at: DateTime<Utc>,
    pub method: String,
    pub path: String,
    pub body: String,
    /// `None`: no answer yet.
    pub status: Option<u16>,
    /// Why it was allowed, in words; `None`: nothing in the chain allows it.
    pub allowed: Option<String>,
}

impl Calls {
    pub fn new(store: Store, ledger: Ledger) -> Self {
        Self {
            store,
            ledger,
            read: Mutex::default(),
        }
    }

    /// The latest calls, newest first, with people by their names.
    pub fn latest(&self, users: &[User]) -> Vec<Call> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = read.iter().rev().take(SHOWN).cloned();
        latest
            .map(|mut call| {
                for user in users {
                    let named = |words: String| words.replace(&user.id, &user.real_name);
                    call.allowed = call.allowed.map(named);
                }
                call
            })
            .collect()
    }

    /// Looks for new calls for ever.
    pub async fn follow(&self) {
        let mut looked_at = 0;
        loop {
            let writes = writes(&self.ledger);
            let answered = writes.iter().filter(|e| e.status.is_some()).count();
            // The intent is committed before its call: when the call is here, its reason is.
            if looked_at != writes.len() + answered {
                match self.facts().await {
                    Ok(facts) => {
                        let calls = explained(&writes, facts);
                        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = calls;
                        looked_at = writes.len() + answered;
                    }
                    Err(error) => tracing::warn!(%error, "the demo cannot read the audit chain"),
                }
            }
            tokio::time::sleep(SOON).await;
        }
    }

    async fn facts(&self) -> store::Result<Vec<Fact>> {
        let mut facts = Vec::new();
        let mut tx = self.store.snapshot().await?;
        tx.audit_records::<store::Error>(|record| {
            facts.extend(Fact::read(&record));
            Ok(())
        })
        .await?;
        Ok(facts)
    }
}

/// The mutating calls that arrived, in order.
fn writes(ledger: &Ledger) -> Vec<Entry> {
    let of = |method| ledger.matching(Service::Fivetran, method, "/v1/");
    let mut writes: Vec<_> = ["POST", "PATCH", "PUT", "DELETE"]
        .into_iter()
        .flat_map(of)
        .collect();
    writes.sort_by_key(|entry| entry.seq);
    writes
}

/// A record that bears on a call.
struct Fact {
    at: DateTime<Utc>,
    code: String,
    actor: Actor,
    subject: String,
    body: Value,
}

impl Fact {
    fn read(record: &Record) -> Option<Self> {
        const BEARING: [&str; 7] = [
            "action.intended",
            "revert.intended",
            "webhook.intended",
            "decision.approve",
            "decision.undo",
            "proposal.direct",
            "revert.queued",
        ];
        BEARING.contains(&&*record.code).then_some(())?;
        Some(Self {
            at: record.at.parse().ok()?,
            code: record.code.clone(),
            actor: serde_json::from_str(&record.actor).ok()?,
            subject: record.subject.clone(),
            body: serde_json::from_str(&record.body).ok()?,
        })
    }

    fn is_intent_of(&self, entry: &Entry) -> bool {
        let request = &self.body["request"];
        self.code.ends_with(".intended")
            && self.at <= entry.at
            && request["method"] == *entry.method
            && request["path"] == *entry.path
            // What `webhook install` sends holds a secret that is not recorded.
            && (request["body"] == *entry.body || self.code == "webhook.intended")
    }

    /// Whether it is about the same revision of the same proposal.
    fn is_beside(&self, other: &Self) -> bool {
        self.subject == other.subject && self.body["revision"] == other.body["revision"]
    }
}

/// Each call with the intent that is its own, and what allowed that.
fn explained(writes: &[Entry], facts: Vec<Fact>) -> Vec<Call> {
    let mut taken = vec![false; facts.len()];
    let calls = writes.iter().map(|entry| {
        // The last one before it: an older one may be of the same request that never arrived.
        let mut own = facts.iter().enumerate();
        let own = own.rfind(|(n, fact)| !taken[*n] && fact.is_intent_of(entry));
        let own = own.map(|(n, _)| n);
        let allowed = own.and_then(|n| {
            taken[n] = true;
            allowed(&facts[..n], &facts[n])
        });
        Call {
            at: entry.at,
            method: entry.method.clone(),
            path: entry.path.clone(),
            body: entry.body.clone(),
            status: entry.status,
            allowed,
        }
    });
    calls.collect()
}

/// What allowed an intent, in words.
fn allowed(before: &[Fact], intent: &Fact) -> Option<String> {
    let by = |code: &str| -> Vec<String> {
        let of = before
            .iter()
            .filter(|f| f.code == code && f.is_beside(intent));
        of.map(|f| f.actor.to_string()).collect()
    };
    let number = intent.subject.rsplit(':').next().unwrap_or_default();
    let proposal = format!("#{number}, revision {}", intent.body["revision"]);
    if intent.code == "webhook.intended" {
        return Some(format!("Ordered by {}", intent.actor));
    }
    if intent.code == "revert.intended" {
        let order = before
            .iter()
            .rfind(|f| f.code == "revert.queued" && f.is_beside(intent))?;
        let because = order.body["to"]["because"]["because"].as_str();
        return Some(match (because, by("decision.undo").pop()) {
            (Some("undo"), Some(who)) => format!("Taken back by {who}: {proposal}"),
            (Some("ended"), _) => format!("Its end, as approved: {proposal}"),
            _ => format!("Taken back by {}: {proposal}", order.actor),
        });
    }
    let approvers = by("decision.approve");
    if approvers.is_empty() {
        let who = by("proposal.direct").pop()?;
        return Some(format!(
            "{who}’s own command, as the policy allows: {proposal}"
        ));
    }
    Some(format!(
        "Approved by {}: {proposal}",
        approvers.join(" and ")
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const AT: &str = "2026-11-22T08:00:00Z";
    const BODY: &str = "{\"force\":false}";

    fn fact(code: &str, actor: Actor, body: Value) -> Fact {
        Fact {
            at: AT.parse().unwrap(),
            code: code.into(),
            actor,
            subject: "proposal:7".into(),
            body,
        }
    }

    fn by(code: &str, user: &str, revision: i64) -> Fact {
        let user = Actor::user(&user.into());
        fact(code, user, json!({"revision": revision}))
    }

    fn intent(code: &str) -> Fact {
        let request = json!({"method": "POST", "path": "/v1/connections/a/sync", "body": BODY});
        let body = json!({"revision": 2, "position": 0, "request": request});
        fact(code, Actor::Syncgate, body)
    }

    fn entry(seq: u64) -> Entry {
        Entry {
            seq,
            at: AT.parse().unwrap(),
            service: Service::Fivetran,
            method: "POST".into(),
            path: "/v1/connections/a/sync".into(),
            headers: Vec::new(),
            body: BODY.into(),
            status: Some(200),
            connection: 1,
        }
    }

    fn told(writes: &[Entry], facts: Vec<Fact>) -> Vec<Option<String>> {
        let calls = explained(writes, facts).into_iter();
        calls.map(|call| call.allowed).collect()
    }

    fn some(words: &str) -> Vec<Option<String>> {
        vec![Some(words.to_owned())]
    }

    #[test]
    fn a_call_names_who_approved_its_revision() {
        let facts = vec![
            by("decision.approve", "U1", 1),
            by("decision.approve", "U2", 2),
            by("decision.approve", "U3", 2),
            intent("action.intended"),
        ];
        assert_eq!(
            told(&[entry(1)], facts),
            some("Approved by U2 and U3: #7, revision 2")
        );
    }

    #[test]
    fn a_persons_own_command_and_what_is_taken_back_are_named_so() {
        let facts = vec![by("proposal.direct", "U1", 2), intent("action.intended")];
        let own = "U1’s own command, as the policy allows: #7, revision 2";
        assert_eq!(told(&[entry(1)], facts), some(own));
        let order = |because: &str| {
            let to = json!({"because": {"because": because}});
            let body = json!({"revision": 2, "position": 0, "to": to});
            fact("revert.queued", Actor::Operator, body)
        };
        for (because, words) in [
            ("undo", "Taken back by U1: #7, revision 2"),
            ("ended", "Its end, as approved: #7, revision 2"),
            (
                "restore",
                "Taken back by the operator's terminal: #7, revision 2",
            ),
        ] {
            let undo = by("decision.undo", "U1", 2);
            let facts = vec![undo, order(because), intent("revert.intended")];
            assert_eq!(told(&[entry(1)], facts), some(words));
        }
    }

    #[test]
    fn the_same_call_again_is_credited_to_its_own_approval() {
        let about = |subject: &str, seconds: i64, fact: Fact| Fact {
            subject: subject.into(),
            at: fact.at + chrono::TimeDelta::seconds(seconds),
            ..fact
        };
        let approved = |subject: &str, user: &str, seconds: i64| {
            [
                about(subject, seconds, by("decision.approve", user, 2)),
                about(subject, seconds, intent("action.intended")),
            ]
        };
        let facts = || {
            [
                approved("proposal:7", "U1", 0),
                approved("proposal:8", "U2", 20),
            ]
        };
        let at = |seq: u64, seconds: i64| Entry {
            at: entry(seq).at + chrono::TimeDelta::seconds(seconds),
            ..entry(seq)
        };
        let (first, second) = (
            Some("Approved by U1: #7, revision 2".to_owned()),
            Some("Approved by U2: #8, revision 2".to_owned()),
        );
        let both = told(
            &[at(1, 1), at(2, 21)],
            facts().into_iter().flatten().collect(),
        );
        assert_eq!(both, [first, second.clone()]);
        // The first was intended, but never arrived.
        let one = told(&[at(1, 21)], facts().into_iter().flatten().collect());
        assert_eq!(one, [second]);
    }

    #[test]
    fn what_nothing_allows_is_shown_as_that() {
        // No intent at all; an intent that nobody decided on; a decision on another revision; one intent for
        // two calls; an intent that was written after its call.
        assert_eq!(told(&[entry(1)], Vec::new()), [None]);
        assert_eq!(told(&[entry(1)], vec![intent("action.intended")]), [None]);
        let other = vec![by("decision.approve", "U1", 1), intent("action.intended")];
        assert_eq!(told(&[entry(1)], other), [None]);
        let one = vec![by("decision.approve", "U1", 2), intent("action.intended")];
        let twice = told(&[entry(1), entry(2)], one);
        assert_eq!(twice[1], None);
        let mut late = intent("action.intended");
        late.at += chrono::TimeDelta::seconds(1);
        let late = vec![by("decision.approve", "U1", 2), late];
        assert_eq!(told(&[entry(1)], late), [None]);
    }
}
