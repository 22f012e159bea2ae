//! The built-in analyst: from a log to a cause, by rules alone. It never guesses loudly: where the
//! catalogue knows nothing of an error, the judgement says so by its confidence.

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::catalogue::{self, Catalogue, Entry};
use super::cite::Sources;
use super::labels::{Category, RemedyName};
use super::redact::Redactor;
use super::story::{Ending, Side, Statement, Story, Weight};

/// From here on a judgement is *likely* (SPEC §6).
pub const LIKELY: f64 = 0.6;
/// From here on it is *confirmed*.
pub const CONFIRMED: f64 = 0.9;
/// Two causes that are this close are both told.
const CLOSE: f64 = 0.1;
/// Categories that a language model is told of.
const CANDIDATES: usize = 3;
/// Quotations of one judgement.
const QUOTATIONS: usize = 3;
/// Words, without their spaces, by which errors speak of a service without its name.
const ALIASES: [(&str, &[&str]); 5] = [
    (
        "databricks",
        &["spark", "delta_", "useschema", "usecatalog"],
    ),
    ("bigquery", &["bigquery.", "dataset"]),
    ("snowflake", &["sqlaccesscontrol", "resourcemonitor"]),
    ("lake", &["glue:", "iceberg", "lakeformation"]),
    ("synapse", &["sqlpool"]),
];
/// The longest quotation, in characters.
const LONGEST: usize = 400;

/// What a failure comes from, and what may be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The kind of cause.
    pub category: Category,
    /// From 0 to 1.
    pub confidence: f64,
    /// In plain words; never words of the log.
    pub root_cause: String,
    /// Quotations that stand in the log word for word.
    pub evidence: Vec<String>,
    /// The best first.
    pub actions: Vec<RemedyName>,
    /// The family of the catalogue that decided, where one did; the prediction has no place for it.
    #[serde(skip)]
    pub family: Option<String>,
}

impl Judgement {
    /// The word for its confidence.
    pub fn certainty(&self) -> &'static str {
        match self.confidence {
            sure if sure >= CONFIRMED => "confirmed",
            sure if sure >= LIKELY => "likely",
            _ => "inconclusive",
        }
    }
}

/// A category that speaks for itself in a statement.
#[derive(Clone, Copy)]
struct Suspicion<'a> {
    category: Category,
    entry: &'a Entry,
    score: f64,
    length: usize,
    statement: &'a Statement,
}

/// Judges a case. What it returns holds no secret that `redactor` knows, and recommends nothing that
/// the catalogue calls dangerous.
pub fn judge(case: &Case, catalogue: &Catalogue, redactor: &Redactor) -> Judgement {
    let mut judgement = judged(case, catalogue, redactor);
    let (category, family) = (judgement.category, judgement.family.as_deref());
    let harmless = |remedy: &RemedyName| !catalogue.is_dangerous(category, family, *remedy);
    judgement.actions.retain(harmless);
    judgement
}

/// What the catalogue's signs speak of, the likeliest first, in the words of the closed set: what a
/// language model is told to look at, and not what it has to answer.
pub fn candidates(case: &Case, catalogue: &Catalogue) -> Vec<String> {
    let story = Story::of(case);
    let signs = Signs {
        case,
        story: &story,
        catalogue,
    };
    let found = signs.suspicions();
    let told = |one: &Suspicion<'_>| {
        let sign = match one.score {
            CONFIRMED.. => "a plain sign",
            LIKELY.. => "a sign",
            _ => "a weak sign",
        };
        format!("{} ({sign})", one.category)
    };
    found.iter().take(CANDIDATES).map(told).collect()
}

fn judged(case: &Case, catalogue: &Catalogue, redactor: &Redactor) -> Judgement {
    let story = Story::of(case);
    let desk = Desk {
        signs: Signs {
            case,
            story: &story,
            catalogue,
        },
        redactor,
        sources: Sources::of(case),
    };
    match story.ending {
        Ending::Cancelled => desk.healthy(
            "A person or a change of the settings stopped this sync; the next one goes on.",
        ),
        Ending::Rescheduled if case.api_status.update_state != "delayed" => {
            desk.healthy("Fivetran put this sync off as planned; the data is on schedule.")
        }
        Ending::Succeeded => desk.judge_success(),
        Ending::Unknown if story.statements.is_empty() => {
            desk.healthy("Nothing in the log or in the connection's status speaks of a failure.")
        }
        Ending::Failed | Ending::Rescheduled | Ending::Unknown => desk.judge_failure(),
    }
}

/// What is read of a case without any opinion yet on how to tell it.
#[derive(Clone, Copy)]
struct Signs<'a> {
    case: &'a Case,
    story: &'a Story,
    catalogue: &'a Catalogue,
}

struct Desk<'a> {
    signs: Signs<'a>,
    redactor: &'a Redactor,
    sources: Sources,
}

impl<'a> Signs<'a> {
    /// Every category that the statements speak of, the likeliest first.
    fn suspicions(&self) -> Vec<Suspicion<'a>> {
        let mut best: Vec<Suspicion<'a>> = Vec::new();
        for statement in &self.story.statements {
            let side = self.side(statement);
            let text = catalogue::legible(&statement.text);
            let fit = self
                .catalogue
                .entries()
                .filter(|entry| side == Side::Destination || !entry.only_at_destination);
            for found in fit.filter_map(|entry| entry.find(&text)) {
                let category = match found.entry.at_destination {
                    Some(there) if side == Side::Destination => there,
                    _ => found.entry.category,
                };
                let suspicion = Suspicion {
                    category,
                    entry: found.entry,
                    score: found.strength * trust(statement.weight),
                    length: found.length,
                    statement,
                };
                match best.iter_mut().find(|known| known.category == category) {
                    Some(known) if rank(&suspicion) > rank(known) => *known = suspicion,
                    Some(_) => {}
                    None => best.push(suspicion),
                }
            }
        }
        best.sort_by(|a, b| {
            rank(b)
                .partial_cmp(&rank(a))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        best
    }

    /// Which end a statement is about: the one that it names, else the one that was at work.
    fn side(&self, statement: &Statement) -> Side {
        let text = statement.text.to_lowercase().replace(' ', "");
        let names = |service: &str| {
            let service = service.trim_end_matches("_warehouse").replace('_', "");
            let aliases = ALIASES.iter().filter(|(of, _)| service.contains(of));
            let by_alias = aliases
                .flat_map(|(_, words)| *words)
                .any(|word| text.contains(word));
            (service.len() > 3 && (by_alias || text.contains(&service))).then_some(())
        };
        let source = names(&self.case.connector_service);
        let destination = names(&self.case.destination_service);
        match (source, destination) {
            (Some(_), None) => Side::Source,
            (None, Some(_)) => Side::Destination,
            _ => self.story.side,
        }
    }
}

impl Desk<'_> {
    fn healthy(&self, why: &str) -> Judgement {
        let proof = self.signs.story.proof_of_ending.as_deref();
        Judgement {
            category: Category::NoFailure,
            confidence: if proof.is_some() { 0.95 } else { LIKELY },
            root_cause: why.to_owned(),
            evidence: proof
                .and_then(|proof| self.quote(proof))
                .into_iter()
                .collect(),
            actions: vec![RemedyName::None],
            family: None,
        }
    }

    /// A sync that took may still warn of what somebody has to do.
    fn judge_success(&self) -> Judgement {
        let suspicions = self.signs.suspicions();
        let clear = suspicions.first().filter(|first| first.score >= LIKELY);
        match clear {
            Some(_) if !self.signs.case.api_status.warnings.is_empty() => {
                self.judgement(&suspicions)
            }
            _ => self.healthy("The last sync succeeded."),
        }
    }

    fn judge_failure(&self) -> Judgement {
        let suspicions = self.signs.suspicions();
        if suspicions.is_empty() {
            return self.unknown();
        }
        self.judgement(&suspicions)
    }

    fn judgement(&self, suspicions: &[Suspicion<'_>]) -> Judgement {
        let first = suspicions[0];
        let rival = suspicions
            .get(1)
            .filter(|second| first.score - second.score < CLOSE)
            // A user's own sign is not doubted for a shipped one that is no stronger.
            .filter(|second| !first.entry.own || second.entry.own);
        // Where words of one error mean two things, neither is certain.
        let confidence = if rival.is_some() {
            first.score * 0.8
        } else {
            first.score
        };
        let entry = self
            .signs
            .catalogue
            .entry_of(first.category)
            .filter(|_| first.category != first.entry.category)
            .unwrap_or(first.entry);
        let mut root_cause = self.say(&entry.cause);
        if let Some(rival) = rival {
            let other = self.signs.catalogue.entry_of(rival.category);
            let other = other.unwrap_or(rival.entry);
            root_cause.push_str(&format!(" It may also be this: {}", self.say(&other.cause)));
        }
        Judgement {
            category: first.category,
            confidence: (confidence * 100.0).round() / 100.0,
            root_cause,
            evidence: self.evidence(first.statement),
            actions: self.remedies(entry, confidence),
            family: entry.family.clone(),
        }
    }

    fn remedies(&self, entry: &Entry, confidence: f64) -> Vec<RemedyName> {
        let warned = self.signs.story.ending == Ending::Succeeded;
        match &entry.while_it_still_syncs {
            _ if confidence < LIKELY => unsure(),
            still if warned && !still.is_empty() => still.clone(),
            _ => entry.remedies.clone(),
        }
    }

    /// An error that the catalogue does not know.
    fn unknown(&self) -> Judgement {
        let status = &self.signs.case.api_status;
        let category = match self.signs.story.side {
            Side::Destination => Category::DestinationUnavailable,
            Side::Source if status.setup_state == "broken" => Category::ConfigError,
            Side::Source => Category::SourceUnavailable,
        };
        let root_cause = "The cause is not known: nothing that was read fits the catalogue. A person has to look.";
        let first = self.signs.story.statements.first();
        Judgement {
            category,
            confidence: 0.2,
            root_cause: root_cause.to_owned(),
            evidence: first.map(|first| self.evidence(first)).unwrap_or_default(),
            actions: unsure(),
            family: None,
        }
    }

    fn say(&self, cause: &str) -> String {
        let named = |service: &str, otherwise: &str| match service {
            "" => otherwise.to_owned(),
            service => self.redactor.text(service).into_owned(),
        };
        cause
            .replace(
                "{source}",
                &named(&self.signs.case.connector_service, "type unknown"),
            )
            .replace(
                "{destination}",
                &named(&self.signs.case.destination_service, "type unknown"),
            )
    }

    /// The statement that decided, and others that say the same.
    fn evidence(&self, decided: &Statement) -> Vec<String> {
        let others = self.signs.story.statements.iter();
        let alike =
            others.filter(|other| other.text != decided.text && other.weight > Weight::Status);
        let mut quotations: Vec<String> = Vec::new();
        for statement in std::iter::once(decided).chain(alike) {
            let quotation = self.quote(&statement.text);
            quotations.extend(quotation.filter(|new| !quotations.iter().any(|q| q.contains(new))));
        }
        quotations.truncate(QUOTATIONS);
        quotations
    }

    /// A text as it may be quoted: without secrets, bounded, and still word for word what stands in
    /// the log, so that anybody can find it there.
    fn quote(&self, text: &str) -> Option<String> {
        let redacted = self.redactor.text(text);
        let whole = bounded(&redacted);
        if !whole.contains(['‹', '›']) && self.sources.hold(whole) {
            return Some(whole.to_owned());
        }
        // What stands between two redactions is literal, also where the case itself was redacted.
        let outside = redacted
            .split('‹')
            .enumerate()
            .map(|(number, piece)| match number {
                0 => piece,
                _ => piece.split_once('›').map_or("", |(_, after)| after),
            });
        outside
            .flat_map(|piece| piece.split('›'))
            .map(|piece| bounded(piece.trim()))
            .filter(|piece| self.sources.hold(piece))
            .max_by_key(|piece| piece.len())
            .map(str::to_owned)
    }
}

/// The stronger sign first, then a user's own, then the longer.
fn rank(suspicion: &Suspicion<'_>) -> (f64, bool, usize) {
    (suspicion.score, suspicion.entry.own, suspicion.length)
}

fn trust(weight: Weight) -> f64 {
    match weight {
        Weight::Reason | Weight::Error => 1.0,
        Weight::Status => 0.98,
        Weight::Warning => 0.75,
    }
}

/// What never harms and may help.
fn unsure() -> Vec<RemedyName> {
    vec![RemedyName::RunSetupTests, RemedyName::NotifyOwner]
}

fn bounded(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(LONGEST)
        .map_or(text.len(), |(at, _)| at);
    &text[..end]
}

#[cfg(test)]
#[path = "analyst_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "canonical_tests.rs"]
mod canonical_tests;
