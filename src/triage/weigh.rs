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
use crate::model::{Cause, Opinion, Quote};

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

fn weigh(sure: bool, same: bool, proved: bool) -> Weighed {
    match (proved, sure, same) {
        (false, ..) => Weighed::Unproved,
        (true, false, _) => Weighed::Leads,
        (true, true, true) => Weighed::Agrees,
        (true, true, false) => Weighed::Differs,
    }
}

/// A model's view of a failure, as it is weighed.
struct View {
    category: String,
    summary: String,
    quotes: Vec<Quote>,
    remedies: Vec<String>,
}

/// The cause of an incident, with what a model said of it.
pub fn weighed(cause: Cause, admitted: Admitted, model: &str) -> Cause {
    let remedies = admitted.remedies.iter();
    let view = View {
        category: admitted.category.as_str().to_owned(),
        summary: admitted.summary,
        quotes: admitted.quotes,
        remedies: remedies.map(|name| name.as_str().to_owned()).collect(),
    };
    with_view(cause, view, model)
}

/// What the rules say afresh of a failure, with what a model said of the same failure before: the
/// rules may know more by now, so it is weighed anew.
pub fn weighed_afresh(fresh: Cause, told: &Cause) -> Cause {
    let (model, view) = match &told.opinion {
        None => return fresh,
        Some(Opinion::Leads { model }) => {
            let view = View {
                category: told.category.clone(),
                summary: told.summary.clone(),
                quotes: told.quotes.clone(),
                remedies: told.remedies.clone(),
            };
            (model, view)
        }
        Some(Opinion::Differs {
            model,
            category,
            summary,
            quotes,
        }) => {
            let view = View {
                category: category.clone(),
                summary: summary.clone(),
                quotes: quotes.clone(),
                // They were never shown.
                remedies: Vec::new(),
            };
            (model, view)
        }
        // Of its proof nothing is kept but that it was one, for what the rules said then.
        Some(Opinion::Agrees { .. })
            if fresh.category != told.category || !fresh.certainty().is_sure() =>
        {
            return fresh;
        }
        Some(Opinion::Agrees { .. }) => {
            return Cause {
                percent: fresh.percent.max(ALONE),
                opinion: told.opinion.clone(),
                ..fresh
            };
        }
        Some(
            Opinion::Asked { .. }
            | Opinion::Unproved { .. }
            | Opinion::Refused { .. }
            | Opinion::Silent { .. },
        ) => {
            return Cause {
                opinion: told.opinion.clone(),
                ..fresh
            };
        }
    };
    with_view(fresh, view, model)
}

fn with_view(cause: Cause, view: View, model: &str) -> Cause {
    let same = cause.category == view.category;
    let proved = !view.quotes.is_empty();
    let model = model.to_owned();
    match weigh(cause.certainty().is_sure(), same, proved) {
        Weighed::Unproved => Cause {
            opinion: Some(Opinion::Unproved { model }),
            ..cause
        },
        Weighed::Agrees => Cause {
            percent: cause.percent.max(ALONE),
            opinion: Some(Opinion::Agrees {
                model,
                summary: view.summary,
            }),
            ..cause
        },
        Weighed::Differs => Cause {
            percent: cause.percent.min(CONTESTED),
            opinion: Some(Opinion::Differs {
                model,
                category: view.category,
                summary: view.summary,
                quotes: view.quotes,
            }),
            ..cause
        },
        Weighed::Leads => Cause {
            family: cause.family.filter(|_| cause.category == view.category),
            category: view.category,
            percent: ALONE,
            summary: view.summary,
            quotes: view.quotes,
            remedies: view.remedies,
            log: cause.log,
            before: cause.before,
            opinion: Some(Opinion::Leads { model }),
        },
    }
}

/// The same for a judgement on the terminal, with the word for what came of it.
pub fn weighed_judgement(rules: Judgement, admitted: &Admitted) -> (Judgement, &'static str) {
    let sure = rules.confidence >= LIKELY && !rules.evidence.is_empty();
    let same = rules.category == admitted.category;
    let confidence = rules.confidence;
    match weigh(sure, same, !admitted.quotes.is_empty()) {
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
                family: None,
            };
            (judgement, "leads")
        }
    }
}

#[cfg(test)]
#[path = "weigh_tests.rs"]
mod tests;
