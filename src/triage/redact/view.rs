//! A second look at a text: with its escapes undone, and with a way back to the original bytes.
//!
//! A password may stand in a log line as `a\u0062c`, as `a%62c`, or three levels deep in JSON inside JSON. Instead of
//! teaching every finder every escape, the finders run on the raw text and on this decoded view; what they find in the
//! view is carried back to the raw bytes. One run of backslashes counts as one escape whatever its depth.

use std::borrow::Cow;
use std::ops::Range;

/// One escape: where it stands in the view, and which raw bytes it came from.
struct Unit {
    at: usize,
    len: usize,
    raw: Range<usize>,
}

/// A text with its escapes undone.
pub(super) struct View<'a> {
    pub(super) text: Cow<'a, str>,
    units: Vec<Unit>,
}

impl<'a> View<'a> {
    /// Undoes JSON, percent and entity escapes and drops invisible characters.
    pub(super) fn of(raw: &'a str) -> View<'a> {
        let bytes = raw.as_bytes();
        let mut text = String::new();
        let mut units = Vec::new();
        let (mut copied, mut i) = (0, 0);
        while let Some(step) = bytes
            .get(i..)
            .and_then(|rest| rest.iter().position(|b| may_start_unit(*b)))
        {
            i += step;
            match unit_at(raw, i) {
                Some((decoded, end)) => {
                    text.push_str(&raw[copied..i]);
                    units.push(Unit {
                        at: text.len(),
                        len: decoded.map_or(0, char::len_utf8),
                        raw: i..end,
                    });
                    text.extend(decoded);
                    copied = end;
                    i = end;
                }
                // A run of backslashes is looked at once, however long it is.
                None => i += run_of(bytes, i, b'\\').max(1),
            }
        }
        if units.is_empty() {
            return View {
                text: Cow::Borrowed(raw),
                units,
            };
        }
        text.push_str(&raw[copied..]);
        View {
            text: Cow::Owned(text),
            units,
        }
    }

    /// Whether the view says nothing that the raw text does not.
    pub(super) fn is_plain(&self) -> bool {
        self.units.is_empty()
    }

    /// The raw bytes behind a range of the view.
    pub(super) fn to_raw(&self, range: Range<usize>) -> Range<usize> {
        self.raw_start(range.start)..self.raw_end(range.end)
    }

    fn raw_start(&self, pos: usize) -> usize {
        match self
            .units
            .partition_point(|u| u.at <= pos)
            .checked_sub(1)
            .and_then(|n| self.units.get(n))
        {
            None => pos,
            Some(u) if pos < u.at + u.len => u.raw.start,
            Some(u) => u.raw.end + (pos - u.at - u.len),
        }
    }

    fn raw_end(&self, pos: usize) -> usize {
        match self
            .units
            .partition_point(|u| u.at < pos)
            .checked_sub(1)
            .and_then(|n| self.units.get(n))
        {
            None => pos,
            Some(u) if pos <= u.at + u.len => u.raw.end,
            Some(u) => u.raw.end + (pos - u.at - u.len),
        }
    }

    /// Moves the ends of a raw range off the middle of an escape, so that cutting it out leaves whole escapes.
    pub(super) fn snap(&self, range: Range<usize>) -> Range<usize> {
        let inside = |pos: usize| {
            let unit = self
                .units
                .partition_point(|u| u.raw.start < pos)
                .checked_sub(1)
                .and_then(|n| self.units.get(n));
            unit.filter(|u| pos < u.raw.end)
        };
        let edge = |u: &Unit| {
            let decoded = self.text.as_bytes().get(u.at);
            u.len > 0
                && decoded.is_some_and(|b| {
                    matches!(b, b'"' | b'\'' | b'\\' | b'\n' | b'\r' | b'\t' | b' ')
                })
        };
        let start =
            inside(range.start).map_or(
                range.start,
                |u| if edge(u) { u.raw.end } else { u.raw.start },
            );
        let end =
            inside(range.end).map_or(range.end, |u| if edge(u) { u.raw.start } else { u.raw.end });
        start..end.max(start)
    }
}

fn may_start_unit(b: u8) -> bool {
    matches!(b, b'\\' | b'%' | b'&' | 0xC2 | 0xE2 | 0xEF)
}

/// The escape that starts at `i`: what it stands for (`None`: nothing, an invisible character) and where it ends.
fn unit_at(raw: &str, i: usize) -> Option<(Option<char>, usize)> {
    let bytes = raw.as_bytes();
    match bytes.get(i)? {
        b'\\' => backslash(bytes, i).map(|(c, end)| (Some(c), end)),
        b'%' => percent(bytes, i).map(|(c, end)| (Some(c), end)),
        b'&' => entity(raw, i).map(|(c, end)| (Some(c), end)),
        _ => {
            let c = raw.get(i..)?.chars().next()?;
            let invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
            invisible.then(|| (None, i + c.len_utf8()))
        }
    }
}

fn run_of(bytes: &[u8], i: usize, what: u8) -> usize {
    bytes
        .get(i..)
        .map_or(0, |rest| rest.iter().take_while(|b| **b == what).count())
}

fn hex(bytes: &[u8], range: Range<usize>) -> Option<u32> {
    bytes
        .get(range)?
        .iter()
        .try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))
}

fn backslash(bytes: &[u8], i: usize) -> Option<(char, usize)> {
    let run = run_of(bytes, i, b'\\');
    let j = i + run;
    let short = |c| Some((c, j + 1));
    match bytes.get(j).copied() {
        Some(b'"') => short('"'),
        Some(b'\'') => short('\''),
        Some(b'/') => short('/'),
        Some(b'n') => short('\n'),
        Some(b'r') => short('\r'),
        Some(b't') => short('\t'),
        Some(b'x') if hex(bytes, j + 1..j + 3).is_some() => {
            Some((hex(bytes, j + 1..j + 3).and_then(char::from_u32)?, j + 3))
        }
        Some(b'u') if hex(bytes, j + 1..j + 5).is_some() => unicode(bytes, j),
        _ if run > 1 => Some(('\\', j)),
        _ => None,
    }
}

/// `u` and four digits at `j`, joined with a following low surrogate where the first is a high one.
fn unicode(bytes: &[u8], j: usize) -> Option<(char, usize)> {
    let (first, end) = (hex(bytes, j + 1..j + 5)?, j + 5);
    if let Some(c) = char::from_u32(first) {
        return Some((c, end));
    }
    let next = end + run_of(bytes, end, b'\\');
    let low = (next > end && bytes.get(next) == Some(&b'u'))
        .then(|| hex(bytes, next + 1..next + 5))
        .flatten();
    match low {
        Some(low) if (0xD800..0xDC00).contains(&first) && (0xDC00..0xE000).contains(&low) => {
            let code = 0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00);
            Some((char::from_u32(code).unwrap_or('\u{fffd}'), next + 5))
        }
        _ => Some(('\u{fffd}', end)),
    }
}

/// `%41`, also encoded again and again (`%252541`). Bytes beyond ASCII are decoded as one character.
fn percent(bytes: &[u8], i: usize) -> Option<(char, usize)> {
    let byte_at = |mut i: usize| {
        if bytes.get(i) != Some(&b'%') {
            return None;
        }
        while bytes.get(i + 1..i + 3) == Some(b"25") && hex(bytes, i + 3..i + 5).is_some() {
            i += 2;
        }
        Some((u8::try_from(hex(bytes, i + 1..i + 3)?).ok()?, i + 3))
    };
    let (first, mut end) = byte_at(i)?;
    let len = match first {
        0..0x80 => return Some((char::from(first), end)),
        0xC2..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0..0xF5 => 4,
        _ => return None,
    };
    let mut buffer = vec![first];
    while buffer.len() < len {
        let (byte, next) = byte_at(end)?;
        buffer.push(byte);
        end = next;
    }
    Some((std::str::from_utf8(&buffer).ok()?.chars().next()?, end))
}

fn entity(raw: &str, i: usize) -> Option<(char, usize)> {
    let mut body = raw.get(i + 1..)?;
    let mut at = i + 1;
    while let Some(rest) = body.strip_prefix("amp;") {
        body = rest;
        at += 4;
    }
    for (name, c) in [("quot;", '"'), ("apos;", '\''), ("lt;", '<'), ("gt;", '>')] {
        if body.starts_with(name) {
            return Some((c, at + name.len()));
        }
    }
    if let Some(number) = body.strip_prefix('#') {
        let end = number.bytes().take(8).position(|b| b == b';')?;
        let digits = number.get(..end)?;
        let code = match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => digits.parse(),
        };
        return Some((char::from_u32(code.ok()?)?, at + end + 2));
    }
    (at > i + 1).then_some(('&', at))
}
