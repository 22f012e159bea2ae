//! What was found, merged and turned into numbered placeholders.

use std::collections::HashMap;
use std::ops::Range;

/// What kind of thing a span holds; the word of its placeholder. The order is the precedence when spans overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Email,
    Personal,
    Secret,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Secret, Kind::Email, Kind::Personal];

    fn word(self) -> &'static str {
        match self {
            Kind::Secret => "secret",
            Kind::Email => "email",
            Kind::Personal => "personal",
        }
    }
}

/// A stretch of text that must not survive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
}

impl Span {
    pub(super) fn new(range: Range<usize>, kind: Kind) -> Span {
        Span { range, kind }
    }

    pub(super) fn secret(range: Range<usize>) -> Span {
        Span::new(range, Kind::Secret)
    }
}

/// The numbers given out within one call: the same secret has the same number.
#[derive(Default)]
pub(super) struct Names {
    given: HashMap<(Kind, String), usize>,
    last: HashMap<Kind, usize>,
}

impl Names {
    /// Numbers that a text already holds are not given out again.
    pub(super) fn reserve(&mut self, text: &str) {
        for (_, kind, number) in placeholders(text) {
            let last = self.last.entry(kind).or_default();
            *last = number.max(*last);
        }
    }

    /// The placeholder for this content.
    pub(super) fn name(&mut self, kind: Kind, content: &str) -> String {
        let last = self.last.entry(kind).or_default();
        let number = self
            .given
            .entry((kind, content.to_owned()))
            .or_insert_with(|| {
                *last += 1;
                *last
            });
        format!("‹{}-{number}›", kind.word())
    }
}

/// Every placeholder in a text: where it stands, its kind, its number.
pub(super) fn placeholders(text: &str) -> impl Iterator<Item = (Range<usize>, Kind, usize)> {
    text.match_indices('‹').filter_map(|(start, open)| {
        let body = text.get(start + open.len()..)?;
        let kind = Kind::ALL.into_iter().find(|k| body.starts_with(k.word()))?;
        let digits = body.get(kind.word().len()..)?.strip_prefix('-')?;
        let len = digits
            .bytes()
            .take(10)
            .take_while(u8::is_ascii_digit)
            .count();
        let number = (1..=9)
            .contains(&len)
            .then(|| digits.get(..len)?.parse().ok())
            .flatten()?;
        let end = start + open.len() + kind.word().len() + 1 + len;
        text.get(end..)?
            .starts_with('›')
            .then(|| (start..end + '›'.len_utf8(), kind, number))
    })
}

/// Joins what overlaps, leaves placeholders alone, and drops what is then empty.
pub(super) fn settle(text: &str, mut spans: Vec<Span>) -> Vec<Span> {
    if spans.is_empty() {
        return spans;
    }
    drop_hosts(text, &mut spans);
    spans.sort_by_key(|s| (s.range.start, s.range.end));
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.range.start < last.range.end => {
                last.range.end = last.range.end.max(span.range.end);
                last.kind = last.kind.max(span.kind);
            }
            _ => joined.push(span),
        }
    }
    around_placeholders(text, joined)
}

/// `user:pass@host.example.com` looks like an address `pass@host.example.com`: where a secret already takes what stands
/// before the at sign, the host stays.
fn drop_hosts(text: &str, spans: &mut Vec<Span>) {
    let mut secrets: Vec<Range<usize>> = spans
        .iter()
        .filter(|s| s.kind == Kind::Secret)
        .map(|s| s.range.clone())
        .collect();
    secrets.sort_by_key(|r| (r.start, r.end));
    let mut reach = 0;
    let reaches: Vec<usize> = secrets
        .iter()
        .map(|r| {
            reach = r.end.max(reach);
            reach
        })
        .collect();
    spans.retain(|span| {
        if span.kind != Kind::Email {
            return true;
        }
        let at = text
            .get(span.range.clone())
            .and_then(|s| s.rfind('@'))
            .map_or(span.range.end, |n| span.range.start + n);
        // Some secret starts before the at sign and reaches it.
        let before = secrets.partition_point(|r| r.start < at);
        before == 0 || reaches.get(before - 1).is_none_or(|reach| *reach < at)
    });
}

fn around_placeholders(text: &str, spans: Vec<Span>) -> Vec<Span> {
    let taken: Vec<Range<usize>> = placeholders(text).map(|(range, ..)| range).collect();
    let mut out = Vec::with_capacity(spans.len());
    for Span { range, kind } in spans {
        let mut start = range.start;
        let first = taken.partition_point(|t| t.end <= start);
        for t in taken.iter().skip(first).take_while(|t| t.start < range.end) {
            out.push(Span::new(start..t.start.max(start), kind));
            start = t.end.min(range.end);
        }
        out.push(Span::new(start..range.end, kind));
    }
    out.retain(|s| {
        text.get(s.range.clone())
            .is_some_and(|t| !t.trim().is_empty())
    });
    out
}
