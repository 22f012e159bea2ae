//! What the chain holds: a stable code for everything, our own values whole, exports that anybody can verify.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use syncgate::sim::fault::FaultKind;
use syncgate::sim::fivetran::Outcome;
use syncgate::sim::slack::plain;

use crate::harness::people::{ANA, EMIL, ERIN, GUEST, LEAD, POLICY, VIV};
use crate::harness::{CHANNEL, World, world, world_with};

pub fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The codes in the first column of the tables under a heading of `docs/audit.md`.
fn documented(heading: &str) -> BTreeSet<String> {
    let text = read("docs/audit.md");
    let section = text
        .split("\n## ")
        .find(|s| s.starts_with(heading))
        .unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned()))
        .filter(|word| word != "why")
        .collect()
}

/// Words of the form `this.that` in the sources which are no audit codes: facts' names and files.
const OTHER_WORDS: [&str; 7] = [
    "digest.try",
    "fivetran.key",
    "halt.shown",
    "hook.faults",
    "policy.hash",
    "slack.team",
    "policy.yml",
];

#[test]
fn every_audit_code_of_the_sources_is_documented_and_no_other() {
    let word = regex::Regex::new(r#""([a-z]+\.[a-z_]+)""#).unwrap();
    let mut used = BTreeSet::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        used.extend(word.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    used.retain(|word| !OTHER_WORDS.contains(&word.as_str()));
    // Made in other places, or without a dot.
    used.extend(["not_a_member", "role_missing", "own_request", "fields"].map(str::to_owned));
    let codes: BTreeSet<String> = documented("Codes")
        .union(&documented("Why"))
        .cloned()
        .collect();
    assert_eq!(used, codes);
}

#[test]
fn every_effect_decision_and_refusal_has_its_record() {
    world(async |w| {
        everything(w).await;
        let audit = w.audit().await;
        let codes: BTreeSet<String> = audit.iter().map(|(code, _)| code.clone()).collect();
        let documented = documented("Codes");
        // Met by the tests of faults, forgeries and webhooks.
        let elsewhere = [
            "action.queued",
            "digest.posted",
            "fivetran.key_refused",
            "inbound.dead",
            "inbound.forged",
            "inbound.taken",
            "message.dead",
            "revert.uncertain",
            "incident.explained",
            "incident.repeated",
            // By those of what people do with incidents, and of time.
            "incident.taken",
            "incident.snoozed",
            "incident.dismissed",
            "incident.feedback",
            "incident.mentioned",
            "incident.reminded",
            "mute.set",
            "mute.ended",
            // By those of several connections, and of what a person mended.
            "incident.checked",
            "incident.joined",
            "incident.left",
            "incident.merged",
            "incident.recovered",
            "webhook.received",
            "webhook.down",
            "webhook.up",
            // By those of the model.
            "model.answered",
            "model.asked",
            "model.refused",
            "model.silent",
            // By the operator's terminal.
            "webhook.done",
            "webhook.failed",
            "webhook.intended",
            "webhook.uncertain",
        ];
        let missing: Vec<_> = documented
            .difference(&codes)
            .filter(|code| !elsewhere.contains(&code.as_str()))
            .collect();
        assert!(missing.is_empty(), "no record of {missing:?}");
        assert!(codes.is_subset(&documented), "{codes:?}");
        let why: BTreeSet<String> = audit
            .iter()
            .filter(|(code, _)| code == "request.refused")
            .map(|(_, body)| body["why"].as_str().unwrap().to_owned())
            .collect();
        for refusal in [
            "role_missing",
            "own_request",
            "not_a_member",
            "decision.late",
            "command.unknown",
            "proposal.twin",
        ] {
            assert!(why.contains(refusal), "{refusal} is not in {why:?}");
        }
    });
}

/// One of each thing that can happen.
async fn everything(w: &mut World) {
    w.command(ANA, "sync orders").await;
    w.command(ANA, "pause hubspot for 2h").await;
    w.command(ANA, "pause hubspot for 3h").await;
    w.command(VIV, "approve 2").await;
    w.command(ANA, "approve 2").await;
    w.command(GUEST, "status").await;
    w.command(ANA, "dance").await;
    w.command(EMIL, "approve 2").await;
    w.command(ERIN, "approve 2").await;
    w.command(ERIN, "reject 2 too late").await;
    w.command(EMIL, "undo 2").await;
    w.command(EMIL, "pause hubspot for 2h").await;
    w.command(EMIL, "approve 3").await;
    w.command(ERIN, "reject 3 no").await;
    modified(w).await;
    refused_undo(w).await;
    failed_and_skipped(w).await;
    w.command(LEAD, "halt drill").await;
    w.command(LEAD, "unhalt").await;
    w.set_policy(&format!("{POLICY}\n# reviewed\n")).await;
    w.set_policy("version: 1\nnonsense: true\n").await;
    incident(w).await;
    w.fivetran_saw();
}

/// The number of the newest proposal.
async fn newest(w: &World) -> usize {
    let codes = w.codes().await;
    codes
        .iter()
        .filter(|code| *code == "proposal.created")
        .count()
}

async fn modified(w: &mut World) {
    w.command(ANA, "schedule orders every 1h").await;
    w.click(EMIL, "Modify…").await;
    let ack = w.submit(EMIL, &[("line:0:minutes", "30")]).await;
    assert!(ack.ok(), "{ack:?}");
    // Nobody answers; and the scheduled syncs of noon end.
    w.pass(std::time::Duration::from_secs(19_800)).await;
}

/// Somebody changed the schedule again: it stays as they left it.
async fn refused_undo(w: &mut World) {
    w.command(ANA, "schedule orders every 1h").await;
    let id = newest(w).await;
    w.command(EMIL, &format!("approve {id}")).await;
    w.edit("orders_id", |c| c.sync_frequency = 15);
    w.command(EMIL, &format!("undo {id}")).await;
    w.edit("orders_id", |c| c.sync_frequency = 360);
}

async fn failed_and_skipped(w: &mut World) {
    w.fault_on_write(FaultKind::answer(
        404,
        r#"{"code":"NotFound","message":"no"}"#,
    ));
    w.command(ANA, "sync orders").await;
    w.faults.clear();
    w.command(ANA, "pause orders for 1h").await;
    w.edit("orders_id", |c| c.sync_frequency = 60);
    w.command(EMIL, &format!("approve {}", newest(w).await))
        .await;
    w.fault_on_write(FaultKind::apply_then_answer(500, "{}"));
    w.command(ANA, "sync hubspot").await;
    w.faults.clear();
    w.pass(std::time::Duration::from_secs(600)).await;
}

async fn incident(w: &mut World) {
    w.fivetran
        .next_sync("hub_id", Outcome::fails_unknown(1, "connection reset"));
    assert!(w.fivetran.start_sync("hub_id"));
    w.pass(std::time::Duration::from_secs(90)).await;
    w.app().poll().await.unwrap();
    w.settle().await;
    w.edit("hub_id", |c| {
        c.succeeded_at = c.failed_at.map(|at| at + chrono::TimeDelta::seconds(5))
    });
    w.pass(std::time::Duration::from_secs(90)).await;
    w.app().poll().await.unwrap();
    w.settle().await;
}

/// A policy whose own patterns hide every run of four digits, as that of a company with account numbers might.
fn digits() -> String {
    format!("{POLICY}\nredaction: {{extra_patterns: [\"[0-9]{{4,}}\"]}}\n")
}

#[test]
fn redaction_leaves_our_own_values_in_the_chain_whole() {
    world_with(&digits(), async |w| {
        w.edit("orders_id", |c| {
            c.schema = "orders_20261123".to_owned();
            for (schema, table) in [("credentials", "users"), ("token", "a")] {
                c.tables.insert(schema.to_owned(), vec![table.to_owned()]);
            }
        });
        w.command(ANA, "resync orders_id credentials.users token.a")
            .await;
        w.command(ERIN, "approve 1").await;
        let policy = w.app().policy.load().hash().to_owned();
        let stored = w
            .raw()
            .await
            .texts("SELECT fingerprint FROM revisions")
            .await
            .remove(0);
        let mut met = BTreeSet::new();
        for (code, body) in w.audit().await {
            each(&body, &mut |key, value| {
                let expected = match key {
                    "policy_hash" => Some(policy.clone()),
                    "fingerprint" => Some(stored.clone()),
                    _ => None,
                };
                if let Some(expected) = expected {
                    assert_eq!(value, &Value::from(expected), "{key} of {code}");
                    met.insert(key.to_owned());
                }
                if key == "request" && !value.is_null() {
                    let body = value["body"].as_str().unwrap();
                    assert_eq!(body, r#"{"credentials":["users"],"token":["a"]}"#);
                    assert_eq!(value["sha256"], hex::encode(Sha256::digest(body)));
                    met.insert(key.to_owned());
                }
                if key == "tables" {
                    assert_eq!(
                        value["credentials"],
                        json!(["users"]),
                        "a schema's name is no secret's"
                    );
                    met.insert(key.to_owned());
                }
            });
        }
        assert_eq!(met.len(), 4, "only {met:?} was met");
        assert!(!w.fivetran_saw().is_empty());
        let all = format!("{:?}", w.audit().await);
        assert!(
            !all.contains("20261123"),
            "the policy's pattern holds for names"
        );
    });
}

/// Every key of a value with what stands under it.
fn each(value: &Value, see: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            see(key, item);
            each(item, see);
        }),
        Value::Array(items) => items.iter().for_each(|item| each(item, see)),
        _ => {}
    }
}

#[test]
fn no_hash_is_ever_taken_for_a_secret() {
    world(async |w| {
        for n in 0..60 {
            w.set_policy(&format!("{POLICY}\n# {n}\n")).await;
        }
        let hashes: Vec<String> = w
            .audit()
            .await
            .into_iter()
            .filter(|(code, _)| code == "policy.loaded")
            .map(|(_, body)| body["policy_hash"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(hashes.len(), 61);
        assert!(
            hashes
                .iter()
                .all(|h| h.len() == 64 && h.bytes().all(|b| b.is_ascii_hexdigit()))
        );
    });
}

#[test]
fn a_cards_footer_holds_the_head_of_its_making_and_never_causes_an_edit() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        let card = w.cards(CHANNEL).pop().unwrap();
        let shown = plain(&card);
        let records = w.audit().await.len();
        for _ in 0..5 {
            w.command(VIV, "approve 1").await;
        }
        w.set_policy(&format!("{POLICY}\n# reviewed\n")).await;
        w.settle().await;
        assert!(w.audit().await.len() >= records + 6);
        let now = w.slack.message(CHANNEL, &card.ts).unwrap();
        assert_eq!((now.edited(), plain(&now)), (card.edited(), shown));
        w.command(ERIN, "reject 1 no").await;
        let now = w.slack.message(CHANNEL, &card.ts).unwrap();
        let head = |text: &str| -> i64 {
            let after = text.split_once("audit #").unwrap().1;
            after.split(' ').next().unwrap().parse().unwrap()
        };
        assert!(
            head(&plain(&now)) > head(&plain(&card)),
            "an edit for another reason brings the head along"
        );
    });
}
