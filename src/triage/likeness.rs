//! Whether two failures are one trouble: the same words but for numbers, names of secrets and ids.

use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest, Sha256};

use super::cite::folded;
use crate::model::Cause;

/// What differs between two tellings of one error: placeholders of secrets, ids, addresses in memory, numbers.
static VARYING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let kinds = [
        r"‹[^›]*›",
        r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
        r"\b0x[0-9a-f]+\b",
        r"\b(?:[0-9]+[a-f]|[a-f]+[0-9])[0-9a-f]{6,}\b",
        r"[0-9]+",
    ];
    Regex::new(&kinds.join("|")).ok()
});

/// A text without what differs between two tellings of one error.
pub fn gist(text: &str) -> String {
    let text = folded(&text.to_lowercase());
    match &*VARYING {
        Some(varying) => varying.replace_all(&text, "#").into_owned(),
        None => text,
    }
}

/// The fingerprint of a failure: its kind, the connector's type and the gist of its strongest proof.
/// None where nothing proves it: two things of which nothing is known are not the same.
pub fn likeness(service: &str, cause: &Cause) -> Option<String> {
    let proof = cause.quotes.first()?;
    let words = [service, &cause.category, &gist(&proof.text)].join("\n");
    Some(hex::encode(Sha256::digest(words.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LogRead, Quote};

    fn cause(category: &str, proof: Option<&str>) -> Cause {
        let quote = |text: &str| Quote {
            origin: "log".to_owned(),
            text: text.to_owned(),
        };
        Cause {
            category: category.to_owned(),
            percent: 95,
            summary: String::new(),
            quotes: proof.map(quote).into_iter().collect(),
            remedies: Vec::new(),
            log: LogRead::Off,
            family: None,
            opinion: None,
        }
    }

    #[test]
    fn the_gist_keeps_the_words_and_the_host_and_drops_what_varies() {
        let told = "Process 402 waits;  request 1F3c9ab2d0e4 of ‹secret-3› at 10.0.0.7 \
                    (id 7d9e1c1a-0000-4abc-8def-1234567890ab) on db.internal.example";
        assert_eq!(
            gist(told),
            "process # waits; request # of # at #.#.#.# (id #) on db.internal.example"
        );
        assert_eq!(gist("the decade faded"), "the decade faded");
    }

    #[test]
    fn alike_are_two_failures_of_one_kind_with_one_proof() {
        let of = |service, category, proof| likeness(service, &cause(category, proof));
        let timeout = "source_timeout";
        let one = of("postgres", timeout, Some("canceled after 300 s"));
        assert!(one.is_some());
        assert_eq!(one, of("postgres", timeout, Some("Canceled after 417 s")));
        assert_ne!(one, of("mysql", timeout, Some("canceled after 300 s")));
        assert_ne!(one, of("postgres", timeout, Some("no such host")));
        assert_ne!(
            one,
            of("postgres", "schema_change", Some("canceled after 300 s"))
        );
        assert_eq!(of("postgres", timeout, None), None);
    }
}
