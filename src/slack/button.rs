//! What a button carries: exactly what its card showed (SPEC I2).

use crate::model::{Fingerprint, IncidentId, ProposalId};

/// The value behind a card's button: which revision of which proposal the person was looking at.
///
/// It is a claim, not a right: the use case compares it with what is stored and checks the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// The proposal.
    pub proposal: ProposalId,
    /// The revision, counted from 1.
    pub revision: i64,
    /// The first 32 hex digits of the revision's fingerprint.
    pub fingerprint: String,
}

const VERSION: &str = "v1";
const FINGERPRINT_DIGITS: usize = 32;
/// More than the longest value that `value` writes; Slack allows 2,000.
const MAX_CHARS: usize = 200;

impl Button {
    /// The button for a stored revision.
    pub fn new(proposal: ProposalId, revision: i64, fingerprint: &Fingerprint) -> Self {
        Self {
            proposal,
            revision,
            fingerprint: fingerprint.short().to_owned(),
        }
    }

    /// As Slack keeps it: `v1.<proposal>.<revision>.<fingerprint>`.
    pub fn value(&self) -> String {
        let Self {
            proposal,
            revision,
            fingerprint,
        } = self;
        format!("{VERSION}.{proposal}.{revision}.{fingerprint}")
    }

    /// Reads a button's value; `None` for everything that [`Button::value`] does not write, other
    /// spellings of the same numbers included.
    pub fn parse(value: &str) -> Option<Self> {
        if value.len() > MAX_CHARS {
            return None;
        }
        let mut parts = value.split('.');
        let (version, proposal, revision, fingerprint) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != VERSION || parts.next().is_some() || !is_fingerprint(fingerprint) {
            return None;
        }
        Some(Self {
            proposal: ProposalId(positive(proposal)?),
            revision: positive(revision)?,
            fingerprint: fingerprint.to_owned(),
        })
    }
}

/// What a button of an incident's card carries: which incident it is about.
pub fn incident_value(id: IncidentId) -> String {
    format!("{VERSION}.incident.{id}")
}

/// Reads what [`incident_value`] writes, with what a menu may add after another dot.
pub fn incident_of(value: &str) -> Option<(IncidentId, Option<&str>)> {
    let rest = value.strip_prefix(VERSION)?.strip_prefix(".incident.")?;
    let (number, more) = match rest.split_once('.') {
        Some((number, more)) => (number, Some(more)),
        None => (rest, None),
    };
    Some((IncidentId(positive(number)?), more))
}

fn positive(digits: &str) -> Option<i64> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
}

fn is_fingerprint(digits: &str) -> bool {
    digits.len() == FINGERPRINT_DIGITS
        && digits
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FP: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_button_names_its_revision() {
        let button = Button::new(ProposalId(12), 3, &Fingerprint::stored(format!("{FP}ff")));
        assert_eq!(button.value(), format!("v1.12.3.{FP}"));
        assert_eq!(Button::parse(&button.value()), Some(button));
    }

    #[test]
    fn t024_an_incidents_button_is_read_as_it_is_written_and_no_other() {
        let value = incident_value(IncidentId(4));
        assert_eq!(incident_of(&value), Some((IncidentId(4), None)));
        let chosen = format!("{value}.60");
        assert_eq!(incident_of(&chosen), Some((IncidentId(4), Some("60"))));
        for odd in [
            "",
            "4",
            "v1.incident.",
            "v1.incident.0",
            "v1.incident.+4",
            "v2.incident.4",
            "v1.4",
        ] {
            assert_eq!(incident_of(odd), None, "{odd:?}");
        }
        assert_eq!(Button::parse(&value), None);
    }

    #[test]
    fn t024_what_is_not_our_format_is_refused() {
        let long = format!("v1.12.3.{}", "0".repeat(1_993));
        assert_eq!(long.len(), 2_001);
        let upper = format!("v1.12.3.{}", FP.to_uppercase());
        let odd = [
            "", "v1", "v1...", "v1.12.3.", "12.3", "approve", &long, &upper,
        ];
        for value in odd {
            assert_eq!(Button::parse(value), None, "{value:?}");
        }
        for numbers in [
            "v2.12.3",
            "v1.012.3",
            "v1.+12.3",
            "v1.-12.3",
            "v1.12.0",
            "v1.0.3",
            "v1. 12.3",
            "v1.99999999999999999999.3",
            "v1.12",
            "v1.12.3.4",
            "v1.١٢.3",
            "V1.12.3",
        ] {
            assert_eq!(Button::parse(&format!("{numbers}.{FP}")), None, "{numbers}");
        }
    }

    proptest! {
        #[test]
        fn t024_only_what_we_write_is_read(text in "\\PC{0,220}|v1\\.[0-9]{0,20}\\.[0-9]{0,20}\\.[0-9a-f]{30,34}") {
            if let Some(button) = Button::parse(&text) {
                prop_assert_eq!(button.value(), text);
            }
        }

        #[test]
        fn t024_what_we_write_is_read_back(proposal in 1..=i64::MAX, revision in 1..=i64::MAX, fingerprint in "[0-9a-f]{32}") {
            let button = Button { proposal: ProposalId(proposal), revision, fingerprint };
            prop_assert_eq!(Button::parse(&button.value()), Some(button));
        }
    }
}
