//! What came of a question to the model: how it is recorded, and what the card will say.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::llm::Trouble;
use crate::model::{Opinion, Silence};
use crate::store::Settled;
use crate::triage::admit::{Admitted, Refusal};

/// What came of a question, before it is weighed.
pub(super) struct Outcome {
    pub(super) settled: Settled,
    /// The record's code and facts.
    pub(super) code: &'static str,
    pub(super) facts: Value,
    pub(super) says: Says,
}

/// What the card will say.
pub(super) enum Says {
    /// What was admitted, and whose it is.
    Admitted(Box<Admitted>, String),
    /// That there is nothing to show.
    Nothing(Opinion),
}

/// Nobody was heard, and why.
pub(super) fn silence(why: Silence, facts: Value) -> Outcome {
    Outcome {
        settled: Settled::default(),
        code: "model.silent",
        facts,
        says: Says::Nothing(Opinion::Silent { why }),
    }
}

/// An outcome, with what the admission says of the answer recorded.
pub(super) fn weighable(
    settled: Settled,
    mut facts: Value,
    admitted: Result<Result<Admitted, Refusal>, Trouble>,
    model: String,
) -> Outcome {
    let (code, says) = match admitted {
        Ok(Ok(admitted)) => {
            record(&mut facts, &admitted);
            ("model.answered", Says::Admitted(Box::new(admitted), model))
        }
        Ok(Err(refusal)) => {
            facts["refused"] = json!(refusal.as_str());
            ("model.refused", Says::Nothing(Opinion::Refused { model }))
        }
        Err(Trouble::Malformed(why)) => {
            facts["refused"] = json!(why);
            ("model.refused", Says::Nothing(Opinion::Refused { model }))
        }
        Err(trouble) => {
            facts["why"] = json!(trouble.to_string());
            let why = match trouble {
                Trouble::Late => Silence::Late,
                Trouble::Down(_) | Trouble::Malformed(_) => Silence::Down,
            };
            ("model.silent", Says::Nothing(Opinion::Silent { why }))
        }
    };
    Outcome {
        settled,
        code,
        facts,
        says,
    }
}

/// What was admitted, as the audit chain has it: of what was quoted, the hash.
fn record(facts: &mut Value, admitted: &Admitted) {
    let cited = admitted.quotes.iter().map(|quote| {
        let hash = hex::encode(Sha256::digest(quote.text.as_bytes()));
        json!({ "origin": quote.origin, "line_sha256": hash })
    });
    facts["category"] = json!(admitted.category);
    facts["remedies"] = json!(admitted.remedies);
    facts["cited"] = cited.collect();
    facts["unproved"] = json!(admitted.unproved);
    facts["dropped"] = json!(admitted.dropped);
}
