//! What a language model is told holds no secret of a log (SPEC I7).

use serde_json::Value;
use syncgate::llm::prompt::render;
use syncgate::triage::cause::Evidence;
use syncgate::triage::redact::Redactor;

use crate::beside::shared_text;
use crate::harness::{World, world};
use crate::model_attacks::carried;

#[test]
fn i7_t119_no_secret_of_the_corpus_is_in_a_prompt_that_arrives() {
    let text = shared_text("corpora/secrets/fivetran_log_positives.jsonl").unwrap_or_default();
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    world(async |w| {
        w.with_model().await;
        if w.settings.database.starts_with("postgres") {
            return;
        }
        let client = w.model().client();
        let redactor = Redactor::new(&[]).unwrap();
        let mut planted = 0;
        let connection = w.stored("orders_id").await;
        for row in &rows {
            let line = row["line"].as_str().unwrap();
            let evidence = Evidence {
                connection: connection.clone(),
                reason: Some(line.to_owned()),
                rows: carried(0, line).logs,
                listed: Vec::new(),
                changes: Vec::new(),
                log: syncgate::model::LogRead::Off,
            };
            let (_, brief) = evidence.cause(&redactor);
            assert!(!brief.lines.is_empty(), "{line}");
            let _ = client.ask(&render(&brief).unwrap()).await;
            let arrived = w.prompts().pop().unwrap();
            let messages = arrived.json()["messages"].clone();
            let texts: Vec<&str> = (0..2)
                .filter_map(|n| messages[n]["content"].as_str())
                .collect();
            for secret in row["secrets"].as_array().unwrap() {
                let secret = secret.as_str().unwrap();
                planted += 1;
                assert!(
                    texts.iter().all(|text| !text.contains(secret)),
                    "{secret} in {texts:?}"
                );
            }
        }
        println!("{planted} secrets in {} lines, none arrived", rows.len());
    });
}

impl World {
    /// A connection as it was read last.
    async fn stored(&self, id: &str) -> syncgate::model::Connection {
        self.app().poll().await.unwrap();
        let mut tx = self.app().store.snapshot().await.unwrap();
        tx.connection(&id.into()).await.unwrap().unwrap()
    }
}
