//! What the analyst says of an incident, as it is kept with it.

use serde::{Deserialize, Serialize};

use super::opinion::Opinion;

/// Why a sync failed. Every text in it was redacted before it came here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The kind of cause, one word of the analyst's closed set.
    pub category: String,
    /// How sure the analyst is, from 0 to 100.
    pub percent: u8,
    /// In one or two sentences.
    pub summary: String,
    /// Quotations, each proved to stand in the redacted evidence word for word.
    pub quotes: Vec<Quote>,
    /// What may be done, the best first; words of the analyst's closed set.
    pub remedies: Vec<String>,
    /// What the log had to say.
    pub log: LogRead,
    /// What was changed in the day before the failure, in the log's words; it proves nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Quote>,
    /// What a language model says beside the rules; none where none is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opinion: Option<Opinion>,
}

/// Something that stands in the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Where: a row of the log, a task, what the sync said.
    pub origin: String,
    /// Literally.
    pub text: String,
}

/// What came of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "read", rename_all = "snake_case")]
pub enum LogRead {
    /// No log is configured.
    Off,
    /// It was read.
    Rows {
        /// Rows about this failure; what the analysis saw is what the cut left of them.
        rows: usize,
        /// Lines and files that could not be read.
        passed_over: usize,
    },
    /// It could not be read.
    Failed,
}

/// The word for a confidence (SPEC §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// From 90 percent on.
    Confirmed,
    /// From 60 percent on.
    Likely,
    /// Below, or without a proof.
    Inconclusive,
}

impl Certainty {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Likely => "likely",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// Whether it is more than a guess.
    pub fn is_sure(self) -> bool {
        match self {
            Self::Confirmed | Self::Likely => true,
            Self::Inconclusive => false,
        }
    }
}

impl Cause {
    /// How sure it is. What proves nothing is never sure (SPEC I6).
    pub fn certainty(&self) -> Certainty {
        match self.percent {
            _ if self.quotes.is_empty() => Certainty::Inconclusive,
            90.. => Certainty::Confirmed,
            60.. => Certainty::Likely,
            _ => Certainty::Inconclusive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i6_what_proves_nothing_is_inconclusive_however_sure_it_is() {
        let quote = Quote {
            origin: "log".to_owned(),
            text: "no such host".to_owned(),
        };
        let sure = |percent, quotes: &[Quote]| {
            let cause = Cause {
                category: "network_unreachable".to_owned(),
                percent,
                summary: String::new(),
                quotes: quotes.to_vec(),
                remedies: Vec::new(),
                log: LogRead::Off,
                before: Vec::new(),
                opinion: None,
            };
            cause.certainty().as_str()
        };
        let words =
            [100, 90, 89, 60, 59, 0].map(|percent| sure(percent, std::slice::from_ref(&quote)));
        assert_eq!(
            words,
            [
                "confirmed",
                "confirmed",
                "likely",
                "likely",
                "inconclusive",
                "inconclusive"
            ]
        );
        assert_eq!(sure(100, &[]), "inconclusive");
    }
}
