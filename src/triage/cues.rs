//! What makes a line worth keeping before anybody has understood it: words in which failures are
//! told, and the codes that tell two failures of the same words apart. Cheap, because it looks at every
//! line of a log; what a line means is the catalogue's matter.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::likeness::gist;

/// Words of failures, and the shapes of names and codes of errors.
const WORDS: &str = r"(?x)
    (?i: \b(?:error|errors|errno|failed|failure|failing|fatal|severe|critical|panic|exception|traceback|denied|
    forbidden|unauthori[sz]ed|refused|rejected|revoked|expired|invalid|unreachable|unavailable|unknown|timeout|
    aborted|cancell?ed|killed|corrupt(?:ed)?|missing|exceeded|exhausted|throttl(?:ed|ing)|suspended|lost|
    deadlock|overflow|unsupported|disabled|locked|blocked|mismatch|violat(?:es|ion)|conflict|insufficient)\b
    | \btimed\ out\b | \bcould\ not\b | \bcannot\b | \bcan't\b | \bunable\ to\b | \bout\ of\ (?:memory|disk|space)\b
    | \bno\ (?:such|space|route|longer)\b | \bnot\ (?:found|exist|permitted|allowed|authorized|supported|available)\b
    | \bdoes\ not\ exist\b | \btoo\ (?:many|large|long|old)\b | \brate\ limit | \bquota\b | \bcaused\ by\b )
    | [A-Za-z](?:Error|Exception)\b | \b[A-Z]{2,}[0-9]*-[0-9]{3,}\b | \bE[A-Z]{5,}\b";
/// Codes that are never the same trouble, though the words around them are.
const CODES: &str = r"(?x)
    \b(?:4[0-3][0-9]|50[0-9]|51[01])\b | \b[A-Za-z]{2,6}-?[0-9]{3,6}\b
    | (?i:\b(?:code|status|errno|error|sqlstate|exit)[^0-9A-Za-z]{1,3}[0-9A-Z]{1,6}\b)";

static SPOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(WORDS).ok());
static CODED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(CODES).ok());

/// Where a text speaks of a failure.
pub(super) fn places(text: &str) -> impl Iterator<Item = Range<usize>> {
    let found = SPOKEN.as_ref().map(|words| words.find_iter(text));
    found.into_iter().flatten().map(|found| found.range())
}

/// How often a text speaks of a failure, up to `most`.
pub(super) fn count(text: &str, most: usize) -> usize {
    places(text).take(most).count()
}

/// The level of a line of plain text: it says itself whether it is an error.
pub(super) fn level(text: &str) -> &'static str {
    let start: String = text.chars().take(60).collect();
    let has = |word: &str| start.contains(word);
    match count(text, 1) {
        // A logger's own word for its line comes first.
        _ if has("WARN") => "WARNING",
        0 => "INFO",
        _ if has(" INFO ") || has("[INFO]") || has(" DEBUG ") || has("[DEBUG]") => "INFO",
        _ => "ERROR",
    }
}

/// Which lines are one: the same words, whatever ids, times and numbers stand in them, and the same
/// codes.
pub(super) fn kind(text: &str) -> u64 {
    let mut hash = DefaultHasher::new();
    gist(text).hash(&mut hash);
    if let Some(codes) = &*CODED {
        codes
            .find_iter(text)
            .for_each(|code| code.as_str().hash(&mut hash));
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_names_of_failures_are_found_and_plain_work_is_not() {
        for line in [
            "psycopg2.OperationalError: FATAL: password authentication failed",
            "ORA-01017: invalid username/password; logon denied",
            "connect ECONNREFUSED 10.0.0.7:5432",
            "java.net.UnknownHostException: db.internal.example",
            "Caused by: request timed out",
        ] {
            assert_eq!(level(line), "ERROR", "{line}");
        }
        assert_eq!(level("2026-11-23 07:00:01 WARN slow answer"), "WARNING");
        assert_eq!(
            level("2026-11-23 07:00:01 INFO no such file yet, goes on"),
            "INFO"
        );
        assert_eq!(level("read 417 rows of orders in 3 s"), "INFO");
    }

    #[test]
    fn lines_are_one_by_their_words_but_not_where_a_code_tells_them_apart() {
        let same = |a: &str, b: &str| kind(a) == kind(b);
        assert!(same(
            "attempt 17 of orders 00001234",
            "attempt 9 of orders 00004321"
        ));
        assert!(!same(
            "GET /v1/orders answered 503",
            "GET /v1/orders answered 401"
        ));
        assert!(!same("ORA-01017 at login", "ORA-28000 at login"));
        assert!(!same("SQLSTATE: 28000", "SQLSTATE: 57014"));
        assert!(!same("no such host", "no such port"));
    }
}
