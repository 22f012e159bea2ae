//! E-mail addresses and numbers that belong to a person.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::keys;
use super::shapes::fixed;
use super::span::{Kind, Span};

static PHONE: LazyLock<Regex> = LazyLock::new(|| {
    fixed(concat!(
        r"\+[1-9][0-9]{0,2}[ .-]?(?:\([0-9]{1,5}\)[ .-]?)?[0-9]{1,12}(?:[ .-][0-9]{2,12}){0,5}(?-u:\b)",
        r"|\([2-9][0-9]{2}\) ?[0-9]{3}[-. ][0-9]{4}(?-u:\b)",
        r"|(?-u:\b)[2-9][0-9]{2}[-.][2-9][0-9]{2}[-.][0-9]{4}(?-u:\b)",
    ))
});
static SSN: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"(?-u:\b)[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}(?-u:\b)"));
static CARD: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r"(?-u:\b)[3-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}(?-u:\b)|(?-u:\b)3[0-9]{3}[ -][0-9]{6}[ -][0-9]{5}(?-u:\b)",
    )
});
static IBAN: LazyLock<Regex> = LazyLock::new(|| {
    fixed(r"(?-u:\b)[A-Za-z]{2}[0-9]{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?(?-u:\b)")
});

/// Finds addresses and numbers.
pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    for (at, _) in text.match_indices('@') {
        if let Some(range) = email(text, at) {
            spans.push(Span::new(range, Kind::Email));
        }
    }
    let mut add = |range: Range<usize>| spans.push(Span::new(range, Kind::Personal));
    for m in PHONE.find_iter(text).filter(|m| is_phone(text, m.range())) {
        add(m.range());
    }
    for m in SSN.find_iter(text).filter(|m| is_alone(text, &m.range())) {
        if !["000", "666"].iter().any(|no| m.as_str().starts_with(no)) {
            add(m.range());
        }
    }
    for m in CARD
        .find_iter(text)
        .filter(|m| is_alone(text, &m.range()) && is_card(text, m.range()))
    {
        add(m.range());
    }
    for m in IBAN.find_iter(text) {
        if let Some(len) = iban(m.as_str()) {
            add(m.start()..m.start() + len);
        }
    }
}

/// The address around an at sign. A host inside a network (`user@db.internal`) is no address, nor is `git@host`.
fn email(text: &str, at: usize) -> Option<Range<usize>> {
    let is_local = |c: char| {
        c.is_alphanumeric()
            || matches!(
                c,
                '.' | '_' | '%' | '+' | '-' | '\'' | '!' | '#' | '$' | '*' | '^' | '~'
            )
    };
    let head = text.get(..at)?;
    let mut start = head
        .char_indices()
        .rev()
        .take(64)
        .take_while(|(_, c)| is_local(*c))
        .last()?
        .0;
    let lead = text.get(start..at)?;
    start += lead.len()
        - lead
            .trim_start_matches(['.', '\'', '-', '!', '#', '$', '*'])
            .len();
    // Azure's storage: a container at an account.
    let scheme = text.get(..start)?;
    let stores = ["abfs://", "abfss://", "wasb://", "wasbs://"];
    if stores.iter().any(|store| scheme.ends_with(store)) {
        return None;
    }
    let tail = text.get(at + 1..)?;
    let len: usize = tail
        .chars()
        .take(190)
        .take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
        .map(char::len_utf8)
        .sum();
    let domain = tail.get(..len)?.trim_end_matches(['.', '-']);
    let (host, top) = domain.rsplit_once('.')?;
    let inside = [
        "internal",
        "local",
        "localdomain",
        "lan",
        "corp",
        "svc",
        "cluster",
    ]
    .iter()
    .any(|t| top.eq_ignore_ascii_case(t));
    let local = text.get(start..at)?;
    let is_address = !host.is_empty()
        && !host.starts_with('.')
        && top.chars().count() >= 2
        && top.chars().all(char::is_alphabetic);
    (is_address && !inside && !local.is_empty() && local != "git")
        .then_some(start..at + 1 + domain.len())
}

/// Not a part of a longer number, date, address or name.
fn is_alone(text: &str, range: &Range<usize>) -> bool {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '/');
    let before = text.get(..range.start).and_then(|t| t.chars().next_back());
    let mut after = text.get(range.end..).unwrap_or("").chars();
    let next = after.next();
    let goes_on = match next {
        Some('.') => after.next().is_some_and(char::is_alphanumeric),
        Some(c) => joins(c),
        None => false,
    };
    !before.is_some_and(joins) && !goes_on
}

fn is_phone(text: &str, range: Range<usize>) -> bool {
    let found = text.get(range.clone()).unwrap_or("");
    let digits = found.bytes().filter(u8::is_ascii_digit).count();
    let before = text.get(..range.start).and_then(|t| t.chars().next_back());
    (8..=15).contains(&digits)
        && !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/'))
}

fn is_card(text: &str, range: Range<usize>) -> bool {
    let found = text.get(range.clone()).unwrap_or("");
    let digits: Vec<u32> = found.chars().filter_map(|c| c.to_digit(10)).collect();
    if !(13..=19).contains(&digits.len()) || (digits.iter().all(|d| Some(d) == digits.first())) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, d)| match n % 2 {
            0 => *d,
            _ if *d > 4 => d * 2 - 9,
            _ => d * 2,
        })
        .sum();
    // One in ten numbers passes the sum: without gaps, a number that is named as an id is one.
    let named = text
        .get(..range.start)
        .unwrap_or("")
        .trim_end_matches(['=', ':', ' ', '"', '\'', '\\']);
    let name = named
        .rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .next()
        .unwrap_or("");
    sum.is_multiple_of(10) && (found.contains([' ', '-']) || !keys::is_identifier(name))
}

/// How much of the text is an account number with the right check digits.
fn iban(found: &str) -> Option<usize> {
    let mut ends: Vec<usize> = found
        .match_indices(' ')
        .map(|(n, _)| n)
        .chain([found.len()])
        .collect();
    ends.reverse();
    ends.into_iter().find(|end| {
        let compact: String = found
            .get(..*end)
            .unwrap_or("")
            .chars()
            .filter(|c| *c != ' ')
            .collect();
        (15..=34).contains(&compact.len())
            && compact.bytes().filter(u8::is_ascii_digit).count() >= 8
            && mod_97(&compact) == Some(1)
    })
}

fn mod_97(compact: &str) -> Option<u32> {
    let (head, tail) = (compact.get(..4)?, compact.get(4..)?);
    tail.chars().chain(head.chars()).try_fold(0, |sum, c| {
        let d = c.to_digit(36)?;
        Some((if d > 9 { sum * 100 + d } else { sum * 10 + d }) % 97)
    })
}

/// For the test that compiles every constant pattern.
#[cfg(test)]
pub(super) fn compile_all() -> usize {
    [&PHONE, &SSN, &CARD, &IBAN]
        .into_iter()
        .filter(|r| !r.as_str().is_empty())
        .count()
}
