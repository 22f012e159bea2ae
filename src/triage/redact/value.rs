//! The value that belongs to a key: where it starts, where it ends, and whether it is worth hiding.

use std::ops::Range;

use super::random;

/// How key and value are joined; prose needs more care than an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// `key=value`, `"key":"value"`, `<key>value</key>`.
    Assigned,
    /// `key: value`, as YAML and English both write it.
    Colon,
    /// `--key value`.
    Flag,
    /// `password 'value'`.
    Quoted,
    /// `("token", "value")`: as likely two names as a name and a value.
    Listed,
}

/// Longest quoted value that is looked for; a key file in one JSON string fits.
const MAX_QUOTED: usize = 16 * 1024;

/// The value that starts at `start`.
pub(super) struct Value {
    /// What to hide; several for a list.
    pub(super) parts: Vec<Range<usize>>,
    pub(super) quoted: bool,
}

impl Value {
    fn bare(range: Range<usize>) -> Value {
        Value {
            parts: vec![range],
            quoted: false,
        }
    }
}

/// Reads the value at `start`, or nothing when there is none (an object, the end of the line).
pub(super) fn read(text: &str, start: usize) -> Option<Value> {
    let bytes = text.as_bytes();
    let slashes = bytes
        .get(start..)?
        .iter()
        .take(64)
        .take_while(|b| **b == b'\\')
        .count();
    let open = start + slashes;
    match bytes.get(open)? {
        b'"' | b'\'' | b'`' => Some(Value {
            parts: vec![quoted(bytes, open, slashes)],
            quoted: true,
        }),
        b'[' if slashes == 0 => list(text, open),
        b'(' if slashes == 0 => {
            let inside = bare(text, open + 1);
            let end = text
                .get(inside.clone())?
                .find(')')
                .map_or(inside.end, |n| open + 1 + n);
            Some(Value::bare(open + 1..end))
        }
        b'{' if slashes == 0 && bytes.get(open + 1) != Some(&b'{') => None,
        _ => {
            let range = bare(text, start);
            (!range.is_empty()).then(|| Value::bare(range))
        }
    }
}

/// From behind the quote at `open`, which `slashes` backslashes escape, to the quote that closes it.
fn quoted(bytes: &[u8], open: usize, slashes: usize) -> Range<usize> {
    let quote = bytes.get(open).copied().unwrap_or(b'"');
    let limit = bytes.len().min(open + 1 + MAX_QUOTED);
    let mut run = 0;
    for (n, b) in bytes
        .get(open + 1..limit)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let at = open + 1 + n;
        if *b == quote && run >= slashes && (run - slashes).is_multiple_of(2 * (slashes + 1)) {
            return open + 1..at - run.min(slashes);
        }
        run = if *b == b'\\' { run + 1 } else { 0 };
    }
    // Not closed: a cut line. Up to its end, or to white space when that is far.
    let rest = bytes.get(open + 1..limit).unwrap_or_default();
    let line = rest
        .iter()
        .take(512)
        .position(|b| *b == b'\n')
        .unwrap_or(rest.len().min(512));
    let word = rest
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(rest.len());
    boundary(bytes, open + 1..open + 1 + line.max(word))
}

/// Moves the end off the middle of a character.
fn boundary(bytes: &[u8], mut range: Range<usize>) -> Range<usize> {
    while bytes.get(range.end).is_some_and(|b| b & 0xC0 == 0x80) {
        range.end += 1;
    }
    range
}

/// The strings of `["a", "b"]`.
fn list(text: &str, open: usize) -> Option<Value> {
    let bytes = text.as_bytes();
    let mut parts = Vec::new();
    let mut at = open + 1;
    loop {
        at += bytes
            .get(at..)?
            .iter()
            .take_while(|b| matches!(b, b' ' | b',' | b'\n' | b'\r' | b'\t'))
            .count();
        let slashes = bytes
            .get(at..)?
            .iter()
            .take(64)
            .take_while(|b| **b == b'\\')
            .count();
        match bytes.get(at + slashes) {
            Some(b'"' | b'\'') => {
                let part = quoted(bytes, at + slashes, slashes);
                at = part.end + slashes + 1;
                parts.push(part);
            }
            Some(b']' | b'{' | b'[') | None => break,
            _ => {
                let part = bare(text, at);
                if part.is_empty() {
                    break;
                }
                at = part.end;
                parts.push(part);
            }
        }
    }
    (!parts.is_empty()).then_some(Value {
        parts,
        quoted: true,
    })
}

/// A value without quotes. Passwords may hold any of `& ; , )`: those end it only where what follows looks like the
/// next field or the end.
pub(super) fn bare(text: &str, start: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let mut end = start;
    for (n, c) in text.get(start..).unwrap_or("").char_indices() {
        end = start + n;
        let stop = match c {
            '"' | '\'' | '`' | '<' | '>' | '‹' => true,
            '&' | ';' | ',' | '|' => next_field(bytes, end + 1),
            ')' | ']' | '}' => closes(bytes, end + 1),
            _ => c.is_whitespace() || c.is_control(),
        };
        if stop {
            return trimmed(bytes, start..end);
        }
        end += c.len_utf8();
    }
    trimmed(bytes, start..end)
}

/// A backslash at the end escapes what follows; it is not ours.
fn trimmed(bytes: &[u8], mut range: Range<usize>) -> Range<usize> {
    while range.end > range.start && bytes.get(range.end - 1) == Some(&b'\\') {
        range.end -= 1;
    }
    range
}

fn next_field(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..bytes.len().min(at + 64)).unwrap_or_default();
    match rest.first() {
        None | Some(b'"' | b'\'' | b'\\' | b'{' | b'}' | b']' | b')' | b'`' | b'<' | b'>') => {
            return true;
        }
        Some(b) if b.is_ascii_whitespace() => return true,
        _ => {}
    }
    let name = rest
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        .count();
    name > 0 && matches!(rest.get(name), Some(b'=' | b':'))
}

fn closes(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        None
        | Some(
            b',' | b';' | b')' | b']' | b'}' | b'"' | b'\'' | b'.' | b':' | b'\\' | b'>' | b'<',
        ) => true,
        Some(b) => b.is_ascii_whitespace(),
    }
}

/// Words that stand where a password would, and are none.
const STATUS: [&str; 58] = [
    "true",
    "false",
    "null",
    "none",
    "nil",
    "yes",
    "no",
    "on",
    "off",
    "n/a",
    "undefined",
    "expired",
    "invalid",
    "revoked",
    "missing",
    "wrong",
    "incorrect",
    "required",
    "denied",
    "rejected",
    "failed",
    "unknown",
    "empty",
    "not",
    "is",
    "was",
    "has",
    "unauthorized",
    "forbidden",
    "malformed",
    "absent",
    "disabled",
    "enabled",
    "changed",
    "set",
    "unset",
    "ok",
    "error",
    "redacted",
    "masked",
    "hidden",
    "removed",
    "valid",
    "mismatch",
    "bad",
    "refused",
    "authentication",
    "must",
    "please",
    "and",
    "or",
    "provided",
    "string",
    "varchar",
    "text",
    "boolean",
    "integer",
    "bigint",
];

/// Whether a value is a mask, a template, a yes or a no: nothing that opens anything.
pub(super) fn is_harmless(value: &str) -> bool {
    let v = value.trim();
    let core = v.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
    let mask = v
        .chars()
        .all(|c| matches!(c, '*' | '•' | '.' | '-' | '_' | '#' | '?' | ',' | ' '))
        || (v.len() >= 3 && v.chars().all(|c| matches!(c, 'x' | 'X' | '*')));
    let variable = v.strip_prefix('$').is_some_and(|n| {
        n.starts_with(['{', '('])
            || (!n.is_empty() && n.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
    });
    let percent = v.len() > 2
        && v.starts_with('%')
        && v.ends_with('%')
        && v[1..v.len() - 1]
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b == b'_');
    let template = variable
        || percent
        || v.starts_with("{{")
        || (v.starts_with('<') && v.ends_with('>'))
        || (v.starts_with('[') && v.ends_with(']') && v.chars().all(|c| !c.is_ascii_digit()));
    let named = v.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        && super::keys::classify(v).is_some();
    mask || template
        || named
        || STATUS.iter().any(|s| core.eq_ignore_ascii_case(s))
        || v.starts_with("‹")
}

/// Whether an unquoted value behind `key: ` reads as a sentence that goes on, not as a value.
pub(super) fn is_prose(text: &str, range: &Range<usize>, password: bool, after_word: bool) -> bool {
    let value = text.get(range.clone()).unwrap_or("");
    let core = value.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'']);
    let rest = text.get(range.end..).unwrap_or("").trim_start_matches(' ');
    let goes_on = value.ends_with(':')
        || rest
            .chars()
            .next()
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '(' | '\'' | '"'));
    if core.chars().all(|c| c.is_ascii_digit()) {
        // A PIN has four digits; `password: 3 attempts left` is none.
        return core.len() < if password && !goes_on { 4 } else { 6 };
    }
    if core.starts_with("http://") || core.starts_with("https://") || is_error_code(core) {
        return true;
    }
    if !core
        .chars()
        .all(|c| c.is_alphabetic() || matches!(c, '.' | '_' | '-' | '\''))
        || random::is_keyed(core)
    {
        return false;
    }
    goes_on || (!password && after_word)
}

/// `ORA-01017`, `28P01`.
fn is_error_code(v: &str) -> bool {
    let numbered = v.split_once('-').is_some_and(|(name, number)| {
        (2..=8).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_uppercase())
            && (3..=6).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_digit())
    });
    numbered
        || (v.len() == 5
            && v.bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && v.starts_with(|c: char| c.is_ascii_digit()))
}
