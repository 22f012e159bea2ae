//! Every write proved from the audit chain alone: it has an intent of its own, and the intent a
//! decision (SPEC I1, I4).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;
use syncgate::model::audit::Record;
use syncgate::sim::ledger::{Entry, Service};

use crate::openapi::Spec;

/// An audit record, read.
struct Fact {
    at: DateTime<Utc>,
    code: String,
    actor: String,
    subject: String,
    body: Value,
}

impl Fact {
    fn read(record: &Record) -> Self {
        Self {
            at: record.at.parse().unwrap(),
            code: record.code.clone(),
            actor: record.actor.clone(),
            subject: record.subject.clone(),
            body: serde_json::from_str(&record.body).unwrap(),
        }
    }

    /// Whether it is of the same revision of the same proposal.
    fn is_beside(&self, other: &Self) -> bool {
        self.subject == other.subject && self.body["revision"] == other.body["revision"]
    }

    /// Whether it is of the same action.
    fn is_of_action(&self, other: &Self) -> bool {
        self.is_beside(other) && self.body["position"] == other.body["position"]
    }
}

/// Each write that arrived at Fivetran has an intent of its own, with exactly its bytes, recorded
/// before it; each intent has its decision before it; and Fivetran describes every request.
pub fn check_requests(audit: &[Record], ledger: &[Entry]) {
    let facts: Vec<Fact> = audit.iter().map(Fact::read).collect();
    let is_intent = |fact: &Fact| fact.code.ends_with(".intended");
    for (at, intent) in facts.iter().enumerate().filter(|(_, fact)| is_intent(fact)) {
        if let Err(why) = decided(&facts[..at], intent) {
            panic!(
                "{} of {}: {why}: {}",
                intent.code, intent.subject, intent.body
            );
        }
    }
    let mut intents: Vec<&Fact> = facts.iter().filter(|fact| is_intent(fact)).collect();
    for entry in ledger.iter().filter(|e| e.service == Service::Fivetran) {
        is_described(entry);
        if entry.method == "GET" {
            continue;
        }
        let body = recorded(entry);
        let own = |fact: &&Fact| {
            let request = &fact.body["request"];
            request["method"] == *entry.method
                && request["path"] == *entry.path
                && request["body"] == *body
                && fact.at <= entry.at
        };
        let sent = format!("{} {} {}", entry.method, entry.path, entry.body);
        let Some(own) = intents.iter().position(own) else {
            panic!("a write without an intent of its own before it: {sent}");
        };
        intents.remove(own);
        if entry.method == "PATCH" && !is_about_webhooks(entry) {
            assert_eq!(entry.json()["run_setup_tests"], false, "{sent}");
        }
    }
}

fn is_about_webhooks(entry: &Entry) -> bool {
    entry.service == Service::Fivetran && entry.path.starts_with("/v1/webhooks")
}

/// A request's body as it may be recorded and told: the one secret that is Fivetran's to know is
/// hidden.
pub fn recorded(entry: &Entry) -> String {
    let mut body = match is_about_webhooks(entry) {
        true => serde_json::from_str(&entry.body).unwrap_or_default(),
        false => Value::Null,
    };
    match body.get_mut("secret") {
        Some(secret) => *secret = "hidden".into(),
        None => return entry.body.clone(),
    }
    body.to_string()
}

/// Whether what was recorded before covers the intent.
fn decided(before: &[Fact], intent: &Fact) -> Result<(), &'static str> {
    if intent.code == "webhook.intended" {
        let by_operator = intent.actor.contains("operator");
        return by_operator.then_some(()).ok_or("it is not the operator's");
    }
    if intent.code == "revert.intended" {
        taken_back(before, intent)
    } else {
        approved(before, intent)
    }
}

/// The fingerprint that a revision was recorded with when it was made.
fn fingerprint<'a>(before: &'a [Fact], of: &Fact) -> Option<&'a Value> {
    let made = ["proposal.created", "proposal.modified"];
    let mut made = before
        .iter()
        .filter(|f| made.contains(&&*f.code) && f.is_beside(of));
    let revision = made.next()?;
    let line = &revision.body["lines"][usize::try_from(of.body["position"].as_u64()?).ok()?];
    (line["connection"] == of.body["connection"]).then_some(&revision.body["fingerprint"])
}

/// A direct decision, or as many people's approvals as were needed, of exactly this content.
fn approved(before: &[Fact], intent: &Fact) -> Result<(), &'static str> {
    let print = fingerprint(before, intent).ok_or("no such line was ever proposed")?;
    let of = |code: &'static str| {
        let same = move |f: &&Fact| {
            f.code == code && f.is_beside(intent) && f.body["fingerprint"] == *print
        };
        before.iter().filter(same)
    };
    if of("proposal.direct").next().is_some() {
        return Ok(());
    }
    let enough = of("proposal.approved")
        .next()
        .ok_or("nobody decided on it")?;
    let people: BTreeSet<&str> = of("decision.approve").map(|f| &*f.actor).collect();
    let needed = enough.body["quorum"]
        .as_u64()
        .ok_or("no quorum is recorded")?;
    if people.len() as u64 >= needed {
        Ok(())
    } else {
        Err("fewer people approved than were needed")
    }
}

/// Done before, and ordered back: by a person's undo, by its recorded end, by the operator.
fn taken_back(before: &[Fact], intent: &Fact) -> Result<(), &'static str> {
    let of = |code: &'static str| {
        let same = move |f: &&Fact| f.code == code && f.is_of_action(intent);
        before.iter().filter(same)
    };
    let done = of("action.done").next().ok_or("it was never done")?;
    let order = of("revert.queued").next_back().ok_or("nobody ordered it")?;
    // Each later try is queued by Syncgate itself.
    let ordered_by = |actor: &str| of("revert.queued").any(|order| order.actor == actor);
    let allowed = match order.body["to"]["because"]["because"].as_str() {
        Some("undo") => {
            let print = fingerprint(before, intent).ok_or("no such line was ever proposed")?;
            before.iter().any(|f| {
                f.code == "decision.undo"
                    && f.is_beside(intent)
                    && ordered_by(&f.actor)
                    && f.body["fingerprint"] == *print
            })
        }
        Some("ended") => {
            let end = done.body["to"]["restore_at"].as_str();
            end.is_some_and(|end| end.parse::<DateTime<Utc>>().unwrap() <= intent.at)
        }
        Some("restore") => of("revert.queued").any(|order| order.actor.contains("operator")),
        _ => return Err("no reason is recorded"),
    };
    if allowed {
        Ok(())
    } else {
        Err("its order has no ground")
    }
}

/// Whether Fivetran's own description knows the request, with these fields and no others.
fn is_described(entry: &Entry) {
    let Some(spec) = Spec::load() else { return };
    let body = match entry.body.as_str() {
        "" => Value::Null,
        body => serde_json::from_str(body).unwrap(),
    };
    if let Err(why) = spec.check_request(&entry.method, &entry.path, &body) {
        panic!("{} {} {}: {why}", entry.method, entry.path, entry.body);
    }
}
