//! Long random-looking tokens that no key announces, with care for what is random and harmless: UUIDs, checksums named as
//! such, row ids, names with a hash at the end.

use std::ops::Range;

use super::keys;
use super::span::Span;

/// How a token is made up. `changes` counts the steps between small letters, capitals and digits, except from a capital
/// to small letters: words have few of them, random text has many.
#[derive(Default)]
struct Makeup {
    letters: usize,
    digits: usize,
    changes: usize,
    upper: usize,
    lower: usize,
    beyond_hex: usize,
}

impl Makeup {
    fn of(token: &str) -> Makeup {
        let mut makeup = Makeup::default();
        let mut before = b' ';
        for b in token.bytes() {
            match b {
                b'0'..=b'9' => makeup.digits += 1,
                b'a'..=b'z' => makeup.lower += 1,
                b'A'..=b'Z' => makeup.upper += 1,
                _ => {}
            }
            if b.is_ascii_alphabetic() {
                makeup.letters += 1;
                makeup.beyond_hex += usize::from(!b.is_ascii_hexdigit());
            }
            let step = match (before, b) {
                (b'0'..=b'9', b) => b.is_ascii_alphabetic(),
                (b'a'..=b'z', b) => b.is_ascii_uppercase() || b.is_ascii_digit(),
                (b'A'..=b'Z', b) => b.is_ascii_digit(),
                _ => false,
            };
            makeup.changes += usize::from(step);
            before = b;
        }
        makeup
    }

    fn len(&self) -> usize {
        self.letters + self.digits
    }

    fn is_hex(&self) -> bool {
        self.beyond_hex == 0 && (self.upper == 0 || self.lower == 0)
    }
}

/// Finds tokens that look like keys. Tokens that name themselves (see [`super::shapes`]) may be shorter.
pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let len = bytes.get(i..).map_or(0, |rest| {
            rest.iter().take_while(|b| is_token_byte(**b)).count()
        });
        if len >= 12 {
            token(text, i..i + len, spans);
        }
        i += len + 1;
    }
}

fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'_' | b'-' | b'=' | b'~')
}

fn token(text: &str, range: Range<usize>, spans: &mut Vec<Span>) {
    let mut start = range.start;
    // UUIDs are names, not secrets; they also part a token.
    while let Some(uuid) = uuid_in(text, start..range.end) {
        piece(text, start..uuid.start, spans);
        start = uuid.end;
    }
    piece(text, start..range.end, spans);
}

fn piece(text: &str, range: Range<usize>, spans: &mut Vec<Span>) {
    let core = core(text, range.clone());
    let Some(token) = text.get(core.clone()) else {
        return;
    };
    if token.len() < 12 {
        return;
    }
    let makeup = Makeup::of(token);
    let hit = if makeup.is_hex() && !token.contains(['/', '+', '_']) {
        makeup.len() >= 32 && makeup.letters > 0 && makeup.digits > 0 && !is_hash(text, &core)
    } else {
        (makeup.len() >= 20 && is_mixed(token, &makeup)) || is_basic(token)
    };
    // `id=x/y`: the name stands in front of the last assignment.
    let lead = text
        .get(range.start..core.start)
        .and_then(|t| t.rfind('='))
        .map_or(range.start, |n| range.start + n + 1);
    if hit && !is_named_harmless(text, lead) {
        spans.push(Span::secret(core));
    }
}

/// The token without plain words and numbers at its ends: of `exports/2026/<key>` only the key.
fn core(text: &str, range: Range<usize>) -> Range<usize> {
    let (mut start, mut end) = (range.start, range.end);
    let plain =
        |part: &str| part.is_empty() || part.bytes().all(|b| b.is_ascii_digit()) || is_wordy(part);
    let separator = |c: char| !c.is_ascii_alphanumeric();
    while let Some((part, rest)) = text.get(start..end).and_then(|t| t.split_once(separator)) {
        let name = part.bytes().all(|b| b.is_ascii_alphabetic())
            && !rest.is_empty()
            && text.as_bytes().get(start + part.len()) == Some(&b'=');
        if !plain(part) && !name {
            break;
        }
        start += part.len() + 1;
    }
    // The padding of base64 belongs to what it pads.
    let unpadded = text
        .get(start..end)
        .map_or(end, |t| start + t.trim_end_matches('=').len());
    let mut stop = unpadded;
    while let Some((_, part)) = text.get(start..stop).and_then(|t| t.rsplit_once(separator)) {
        if !plain(part) {
            break;
        }
        stop -= part.len() + 1;
    }
    if stop < unpadded {
        end = stop;
    }
    start..end.max(start)
}

/// Letters only, and in the shape of a word: `orders`, `Orders`, `ORDERS`, `recordsModified`.
pub(super) fn is_wordy(part: &str) -> bool {
    let makeup = Makeup::of(part);
    let vowels = part.bytes().filter(|b| b"aeiouyAEIOUY".contains(b)).count();
    part.len() >= 3
        && makeup.digits == 0
        && vowels * 6 >= part.len()
        && makeup.changes * 4 <= part.len()
        && rough(part) < 2
}

/// How many times four consonants or more stand in a row: words do that rarely.
fn rough(part: &str) -> usize {
    part.split(|c: char| !c.is_ascii_alphabetic() || "aeiouyAEIOUY".contains(c))
        .filter(|run| run.len() >= 4)
        .count()
}

fn is_mixed(token: &str, makeup: &Makeup) -> bool {
    let words: usize = token
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| is_wordy(part))
        .map(str::len)
        .sum();
    if words * 10 > makeup.len() * 3 {
        return false;
    }
    let digits = makeup.digits >= 2
        && makeup.letters * 4 >= makeup.len()
        && makeup.changes * 100 >= makeup.len() * 18;
    let letters = makeup.upper * 4 >= makeup.len()
        && makeup.lower * 4 >= makeup.len()
        && makeup.changes * 100 >= makeup.len() * 19;
    let one_case = makeup.upper == 0 || makeup.lower == 0;
    let unspeakable = one_case
        && makeup.len() >= 24
        && rough(token) + makeup.changes / 2 >= 3
        && rough(token) > 0;
    digits || (letters && makeup.len() >= 24) || unspeakable
}

/// Whether a value that a weak key announces looks random.
pub(super) fn is_keyed(value: &str) -> bool {
    let makeup = Makeup::of(value);
    let long = makeup.len() >= 14 && makeup.len() * 4 >= value.len() * 3;
    let hex = makeup.is_hex() && makeup.len() >= 20 && makeup.letters > 1 && makeup.digits > 1;
    long && !is_uuid(value)
        && (hex
            || (makeup.digits >= 2 && makeup.changes * 100 >= makeup.len() * 18)
            || (makeup.len() >= 20 && is_mixed(value, &makeup)))
}

/// Whether a word in a sentence about a password looks like one: `ouFQ20%1x7z`.
pub(super) fn is_password_like(value: &str) -> bool {
    let makeup = Makeup::of(value);
    let symbols = value.chars().filter(|c| "!@#$%^&*~+?".contains(*c)).count();
    let name = ["sha", "md5", "aes", "rsa", "scram", "http", "utf"]
        .iter()
        .any(|n| value.to_ascii_lowercase().starts_with(n));
    (8..=128).contains(&value.chars().count())
        && makeup.letters > 0
        && makeup.digits > 0
        && makeup.changes + symbols >= 3
        && !name
        && !value.contains(['/', '(', '='])
        && !is_uuid(value)
}

/// Base64 of `user:password`.
fn is_basic(token: &str) -> bool {
    let Some(decoded) = super::known::decode_base64(token) else {
        return false;
    };
    let Some((user, password)) = std::str::from_utf8(&decoded)
        .ok()
        .and_then(|t| t.split_once(':'))
    else {
        return false;
    };
    let plain = |t: &str| t.bytes().all(|b| b.is_ascii_graphic());
    user.len() >= 2 && password.len() >= 3 && plain(user) && plain(password)
}

/// Hex that says it is a checksum, a commit or an id, or that ends a longer name.
fn is_hash(text: &str, range: &Range<usize>) -> bool {
    const NAMES: [&str; 18] = [
        "sha",
        "md5",
        "hash",
        "commit",
        "digest",
        "checksum",
        "etag",
        "revision",
        "fingerprint",
        "git",
        "id",
        "trace",
        "span",
        "request",
        "rev",
        "version",
        "build",
        "crc",
    ];
    let before = before(text, range.start);
    let glued = before
        .strip_suffix(['_', '-'])
        .is_some_and(|b| b.ends_with(|c: char| c.is_ascii_alphabetic()));
    let tail = window(before, 32).to_ascii_lowercase();
    let named = tail.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| {
        NAMES.iter().any(|n| {
            w == *n || (n.len() > 2 && w.contains(n)) || (w.len() > 2 && w.ends_with("id"))
        })
    });
    glued || named
}

/// Whether what stands in front of a token calls it an id, a checksum or a fingerprint.
fn is_named_harmless(text: &str, start: usize) -> bool {
    let before = before(text, start);
    let named = before.trim_end_matches(['"', '\'', ' ', '=', ':', '\\', '(']);
    if named.len() < before.len() {
        let key = named
            .rsplit(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
            .next()
            .unwrap_or("");
        if keys::is_identifier(key) {
            return true;
        }
    }
    let tail = window(before, 24).to_ascii_lowercase();
    [
        "sha256:",
        "sha1:",
        "md5:",
        "sha512:",
        "sha256-",
        "sha512-",
        "fingerprint",
        "checksum",
        "etag",
    ]
    .iter()
    .any(|n| tail.contains(n))
}

/// Up to 64 bytes in front of a place.
fn before(text: &str, at: usize) -> &str {
    window(text.get(..at).unwrap_or(""), 64)
}

fn window(text: &str, len: usize) -> &str {
    let mut start = text.len().saturating_sub(len);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or("")
}

/// The first UUID in a range.
fn uuid_in(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let token = text.get(range.clone())?;
    let mut from = 0;
    while let Some(dash) = token.get(from..)?.find('-') {
        let at = from + dash;
        if let Some(start) = at.checked_sub(8)
            && token.get(start..start + 36).is_some_and(is_uuid)
        {
            return Some(range.start + start..range.start + start + 36);
        }
        from = at + 1;
    }
    None
}

/// Whether this is a UUID and nothing else.
pub(super) fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(n, b)| match n {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}
