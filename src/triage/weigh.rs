//! The rules' view and the model's, weighed by stated logic: certainty is computed, never asked of
//! the model (SPEC §6).
//!
//! | rules | model, with a proof | what stands | how sure |
//! |---|---|---|---|
//! | sure | the same kind | the rules | as sure as the surer |
//! | sure | another kind | the rules, and the other is shown | likely at most |
//! | not sure | any kind | the model's | likely |
//! | any | nothing proved | the rules | as they were |

use super::admit::Admitted;
use super::analyst::{CONFIRMED, Judgement, LIKELY};
use crate::model::{Cause, Certainty, Opinion};

/// How sure a cause is that a model alone has proved, in percent: likely, never confirmed.
const ALONE: u8 = 70;
/// The most that is left of a cause that the model contradicts with a proof.
const CONTESTED: u8 = 89;

/// What weighing comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weighed {
    Agrees,
    Differs,
    Leads,
    Unproved,
}

fn weigh(sure: bool, same: bool, admitted: &Admitted) -> Weighed {
    match (admitted.quotes.is_empty(), sure, same) {
        (true, ..) => Weighed::Unproved,
        (false, false, _) => Weighed::Leads,
        (false, true, true) => Weighed::Agrees,
        (false, true, false) => Weighed::Differs,
    }
}

/// The cause of an incident, with what a model said of it.
pub fn weighed(cause: Cause, admitted: Admitted, model: &str) -> Cause {
    let sure = match cause.certainty() {
        Certainty::Confirmed | Certainty::Likely => true,
        Certainty::Inconclusive => false,
    };
    let same = cause.category == admitted.category.as_str();
    let model = model.to_owned();
    let (percent, summary) = (cause.percent, admitted.summary.clone());
    match weigh(sure, same, &admitted) {
        Weighed::Unproved => Cause {
            opinion: Some(Opinion::Unproved { model }),
            ..cause
        },
        Weighed::Agrees => Cause {
            percent: percent.max(ALONE),
            opinion: Some(Opinion::Agrees { model, summary }),
            ..cause
        },
        Weighed::Differs => Cause {
            percent: percent.min(CONTESTED),
            opinion: Some(Opinion::Differs {
                model,
                category: admitted.category.as_str().to_owned(),
                summary,
                quotes: admitted.quotes,
            }),
            ..cause
        },
        Weighed::Leads => Cause {
            category: admitted.category.as_str().to_owned(),
            percent: ALONE,
            summary,
            quotes: admitted.quotes,
            remedies: admitted
                .remedies
                .iter()
                .map(|name| name.as_str().to_owned())
                .collect(),
            log: cause.log,
            opinion: Some(Opinion::Leads { model }),
        },
    }
}

/// The same for a judgement on the terminal, with the word for what came of it.
pub fn weighed_judgement(rules: Judgement, admitted: &Admitted) -> (Judgement, &'static str) {
    let sure = rules.confidence >= LIKELY && !rules.evidence.is_empty();
    let same = rules.category == admitted.category;
    let confidence = rules.confidence;
    match weigh(sure, same, admitted) {
        Weighed::Unproved => (rules, "unproved"),
        Weighed::Agrees => {
            let confidence = confidence.max(f64::from(ALONE) / 100.0);
            (
                Judgement {
                    confidence,
                    ..rules
                },
                "agrees",
            )
        }
        Weighed::Differs => {
            let confidence = confidence.min(CONFIRMED - 0.01);
            (
                Judgement {
                    confidence,
                    ..rules
                },
                "differs",
            )
        }
        Weighed::Leads => {
            let quotes = admitted.quotes.iter();
            let judgement = Judgement {
                category: admitted.category,
                confidence: f64::from(ALONE) / 100.0,
                root_cause: admitted.summary.clone(),
                evidence: quotes.map(|quote| quote.text.clone()).collect(),
                actions: admitted.remedies.clone(),
            };
            (judgement, "leads")
        }
    }
}

#[cfg(test)]
#[path = "weigh_tests.rs"]
mod tests;
