//! A language model beside the rules: what it changes on an incident's card, and what it does not
//! (SPEC I5, I6).

use std::time::Duration;

use serde_json::{Value, json};
use syncgate::app::Ran;
use syncgate::sim::fivetran::Outcome;
use syncgate::sim::ledger::{Entry, Service};
use syncgate::sim::llm::Mode;

use crate::harness::people::{EMIL, VIV};
use crate::harness::{World, world};
use crate::incident::steady;

pub const HOST: &str = "UnknownHostException: db.internal.example";
pub const ODD: &str = "widget 17 refused to turn: the flux is out of balance";

/// An answer that cites the first line.
pub fn answer(quote: &str, kind: &str, remedies: &[&str], explanation: &str) -> Mode {
    let answer = json!({
        "evidence": [{ "line": 1, "quote": quote }],
        "explanation": explanation, "kind": kind, "remedies": remedies,
    });
    Mode::Says(answer.to_string())
}

impl World {
    /// The lines of the incident's card from the model's on.
    pub fn models_part(&self) -> String {
        let card = self.incident();
        let from = card.find("Model").unwrap_or(card.len());
        let part = card.get(from..).unwrap_or_default();
        let part = part.replace('*', "");
        let ends = ["What the sync said", "Next: "];
        let lines = part
            .lines()
            .take_while(|line| !ends.iter().any(|end| line.starts_with(end)));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What the audit log says of the model, the newest last.
    pub async fn model_records(&self) -> Vec<(String, Value)> {
        let mut records = self.audit().await;
        records.retain(|(code, _)| code.starts_with("model."));
        records
    }

    /// The last of them.
    pub async fn last_of_model(&self) -> (String, Value) {
        self.model_records()
            .await
            .pop()
            .expect("the model is in the audit log")
    }

    /// Drives everything but the model until nothing is due.
    pub async fn settle_but_the_model(&self) {
        for _ in 0..10 {
            let mut ran = true;
            while ran {
                ran = self.take_up_one().await;
                ran |= self.app().deliver_one().await.unwrap() == Ran::Ran;
            }
            self.clock.advance(Duration::from_secs(1));
        }
    }

    /// A sync fails, and everything follows but that the model is asked.
    pub async fn fails_unasked(&self, reason: &str) {
        let outcome = Outcome::fails_unknown(1, reason);
        self.fivetran.next_sync("orders_id", outcome);
        assert!(self.fivetran.start_sync("orders_id"));
        self.clock.advance(Duration::from_secs(70));
        self.fivetran.tick();
        self.fivetran.deliver_webhooks().await;
        self.settle_but_the_model().await;
    }

    /// Asks, and ends the process's part in it when the model has been asked.
    pub async fn dies_while_asking(&self) {
        let last = self.ledger.entries().last().map_or(0, |entry| entry.seq);
        let app = self.app().clone();
        let asking = tokio::spawn(async move { app.ask_model().await });
        let patience = Duration::from_secs(20);
        let arrived = |e: &Entry| e.service == Service::Llm && e.seq > last;
        let arrived = self.ledger.wait_for(patience, arrived);
        assert!(arrived.await.is_some(), "the model was not asked");
        asking.abort();
        let _ = asking.await;
        // On PostgreSQL nobody frees what the dead one held; its lease ends.
        self.clock.advance(Duration::from_secs(61));
    }
}

#[test]
fn t116_the_card_comes_at_once_and_says_later_what_the_model_makes_of_it() {
    world(async |w| {
        w.with_model().await;
        let log = w.with_log().await;
        log.says("07:00:58.000", HOST);
        w.fails_unasked("it failed").await;
        assert!(
            w.incident().contains("confirmed: network_unreachable"),
            "{}",
            w.incident()
        );
        assert_eq!(
            w.models_part().lines().next().unwrap(),
            "Model: it is being asked. Until it answers, this is the rules' view."
        );
        assert_eq!(w.prompts().len(), 0);
        w.settle().await;
        insta::assert_snapshot!(steady(&w.incident()), @r#"
        Open · incident 1 · orders orders_id: the sync failed
        Since 23 Nov 08:01 CET, failed 1 time, last 23 Nov 08:01 CET.
        Cause, confirmed: network_unreachable. The source (postgres) cannot be reached from Fivetran, or refuses its address: DNS, firewall, allowlist, port or tunnel.
        1. log row of 2026-11-23 07:00:58.000, SEVERE error, line 1:
        | UnknownHostException: db.internal.example
        2. what the sync said:
        | it failed
        Read from the log: 1 row.
        Model sim-model-1: agrees, with a proof. In its words: The log speaks of "host", which is a sign of network unreachable.
        *Next*: A person must act first, as below; another sync would fail too.
        *What people can do*:
        1. Check host, port, DNS, firewall, allowlist and tunnel between Fivetran and the source.
        [Show lines] [I'm on it] [Dismiss] [… Silence its reminders for 1 h / Silence its reminders for 4 h]
        [Cause is right] [Partly] [Wrong]
        ~ audit #8 <hash>
        "#);
        let codes: Vec<String> = w
            .model_records()
            .await
            .into_iter()
            .map(|(code, _)| code)
            .collect();
        assert_eq!(codes, ["model.asked", "model.answered"]);
        let posts = w
            .ledger
            .matching(Service::Slack, "POST", "/api/chat.postMessage");
        assert_eq!(posts.len(), 1, "one card, edited");
    });
}

#[test]
fn i5_a_model_that_sees_it_otherwise_is_shown_and_changes_no_remedy() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        let remedies = ["historical_resync", "extend_log_retention_human"];
        w.model().sim.set_mode(answer(
            "canceling statement due to statement timeout",
            "replication_log_lost",
            &remedies,
            "The slot is gone.",
        ));
        w.fails("canceling statement due to statement timeout")
            .await;
        let card = w.incident();
        assert!(card.contains("likely: source_timeout"), "{card}");
        insta::assert_snapshot!(w.models_part(), @"
        Model sim-model-1: sees it otherwise: replication_log_lost. In its words: The slot is gone. It quotes what follows; the rules' view stands, but is not confirmed.
        1. what the sync said:
        | canceling statement due to statement timeout
        ");
        assert!(
            !card.contains("re-sync"),
            "its remedies are not the card's: {card}"
        );
        w.click(EMIL, "Approve the fix").await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
    });
}

#[test]
fn i6_where_the_rules_know_nothing_a_proved_view_leads_as_likely_and_proposes_nothing() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        w.model().sim.set_mode(answer(
            "the flux is out of balance",
            "config_error",
            &["fix_source_config_human", "historical_resync"],
            "The flux setting is wrong.",
        ));
        w.fails_unasked(ODD).await;
        let before = w.ask("SELECT fingerprint FROM revisions").await;
        w.settle().await;
        let card = w.incident();
        assert!(
            card.contains("likely: config_error. The flux setting is wrong."),
            "{card}"
        );
        assert!(card.contains("the rules were not sure"), "{card}");
        assert!(
            card.contains("Next: approve #1"),
            "the proposal that waits, waits: {card}"
        );
        let (_, facts) = w.last_of_model().await;
        assert_eq!(facts["dropped"], json!(["historical_resync"]));
        w.command(VIV, "explain orders").await;
        let explained = w.told(VIV);
        let lines = card.lines().skip_while(|line| !line.starts_with("Cause"));
        for line in lines.take_while(|line| !line.starts_with("What the sync said")) {
            assert!(explained.contains(line), "{line}\n{explained}");
        }
        assert_eq!(w.ask("SELECT fingerprint FROM revisions").await, before);
        w.click(EMIL, "Approve the fix").await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
    });
}

#[test]
fn t118_i6_what_the_model_cannot_prove_is_not_shown() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        let invented = "password authentication failed";
        w.model().sim.set_mode(answer(
            invented,
            "credential_expired",
            &["reconnect_human"],
            "A dead login.",
        ));
        w.fails(ODD).await;
        let card = w.incident();
        assert!(card.contains("inconclusive"), "{card}");
        assert!(
            !card.contains("A dead login") && !card.contains(invented),
            "{card}"
        );
        assert!(
            w.models_part().contains("proved nothing by what was read"),
            "{card}"
        );
        assert_eq!(w.last_of_model().await.1["unproved"], 1);
    });
}

#[test]
fn the_same_evidence_is_asked_about_once() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        // At the third, Fivetran makes a task of it: other evidence.
        for times in 1..=2 {
            w.fails(HOST).await;
            assert!(
                w.models_part().contains("agrees"),
                "{times}: {}",
                w.incident()
            );
        }
        assert_eq!(w.prompts().len(), 1);
        assert_eq!(w.last_of_model().await.1["again"], true);
        w.fails("canceling statement due to statement timeout")
            .await;
        assert_eq!(w.prompts().len(), 2);
    });
}

#[test]
fn another_model_is_asked_the_same_anew() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        w.fails(HOST).await;
        w.model.as_mut().unwrap().name = "sim-model-2".to_owned();
        w.restart().await;
        w.webhooks();
        w.fails(HOST).await;
        let models = w.prompts().into_iter().map(|p| p.json()["model"].clone());
        assert_eq!(models.collect::<Vec<_>>(), ["sim-model-1", "sim-model-2"]);
    });
}

#[test]
fn a_question_about_an_older_failure_is_not_asked_any_more() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        w.model().sim.set_mode(Mode::Hang);
        w.fails_unasked(HOST).await;
        w.dies_while_asking().await;
        let answer = answer("widget 17 refused", "config_error", &[], "A widget.");
        w.model().sim.set_mode(answer);
        w.fails_unasked(ODD).await;
        w.settle().await;
        let card = w.incident();
        assert!(
            card.contains("failed 2 times") && card.contains("A widget."),
            "{card}"
        );
        assert_eq!(w.prompts().len(), 2);
        assert_eq!(w.count("model_calls WHERE run_after IS NOT NULL").await, 0);
    });
}

#[test]
fn an_answer_that_comes_after_the_next_failure_is_not_taken_for_its_own() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        w.fails_unasked(HOST).await;
        // It is held by a worker that is not done yet.
        w.meddle("UPDATE model_calls SET lease_until = '2026-11-23T07:30:00Z'")
            .await;
        w.fails_unasked(ODD).await;
        assert_eq!(w.count("model_calls WHERE run_after IS NOT NULL").await, 2);
        w.clock.advance(Duration::from_secs(3_600));
        w.settle().await;
        assert_eq!(w.prompts().len(), 1, "only the newer is asked");
        let (_, facts) = w
            .model_records()
            .await
            .into_iter()
            .find(|(code, _)| code == "model.silent")
            .unwrap();
        assert_eq!(facts["why"], "it failed again since");
    });
}

#[test]
fn without_a_line_to_quote_nobody_is_asked_and_without_a_model_the_card_says_so() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        w.syncs("orders_id", Outcome::fails_unknown(1, "nobody told"))
            .await;
        w.polls().await;
        assert_eq!((w.models_part(), w.prompts().len()), (String::new(), 0));
        w.fivetran.take_webhooks();
        w.fails_unasked(HOST).await;
        w.model = None;
        w.settings.model = None;
        w.restart().await;
        w.settle().await;
        assert!(
            w.models_part().contains("none is configured any more"),
            "{}",
            w.incident()
        );
    });
}
