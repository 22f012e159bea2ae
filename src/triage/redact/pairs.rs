//! Values that a key announces, in every notation that logs use.

use std::ops::Range;

use super::keys::{self, Key, STEM};
use super::random;
use super::sentence;
use super::span::{Kind, Span};
use super::value::{self, Join, Value};

/// Longest name of a field that is looked at, to either side of the word that gave it away.
const NAME: usize = 64;

/// Finds the values of keys that name a secret.
pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    let mut from = 0;
    for stem in STEM.find_iter(text) {
        if stem.start() < from {
            continue;
        }
        let name = name_around(text, stem.range(), from);
        from = name.end;
        let Some(key) = classify(text, &name) else {
            continue;
        };
        let found = match join(text, &name) {
            Some((join, start)) => pair(text, &name, key, join, start),
            None if matches!(key, Key::Password | Key::Credential) => {
                sentence::find(text, name.end).into_iter().collect()
            }
            None => Vec::new(),
        };
        for range in found {
            from = from.max(range.end);
            let kind = if key == Key::Personal {
                Kind::Personal
            } else {
                Kind::Secret
            };
            spans.push(Span::new(range, kind));
        }
    }
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')
}

fn name_around(text: &str, stem: Range<usize>, from: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let low = stem.start.saturating_sub(NAME).max(from);
    let left = bytes
        .get(low..stem.start)
        .unwrap_or_default()
        .iter()
        .rev()
        .take_while(|b| is_name_byte(**b))
        .count();
    let rest = text.get(stem.end..).unwrap_or_default();
    // `contraseña`: a name goes on in any Latin letter.
    let of_name = |c: &char| {
        is_name_byte(u8::try_from(*c).unwrap_or_default()) || matches!(c, '\u{c0}'..='\u{24f}')
    };
    let right = rest.chars().take(NAME).take_while(of_name);
    let right: usize = right.map(char::len_utf8).sum();
    let mut end = stem.end + right;
    while end > stem.end && matches!(bytes.get(end - 1), Some(b'.' | b'-')) {
        end -= 1;
    }
    stem.start - left..end
}

/// What the name says; of two words (`API key`, `card no`) what both say.
fn classify(text: &str, name: &Range<usize>) -> Option<Key> {
    let word = text.get(name.clone())?;
    let key = keys::classify(word);
    if !matches!(key, None | Some(Key::Weak)) || !word.bytes().all(|b| b.is_ascii_alphabetic()) {
        return key;
    }
    let before = text.get(..name.start)?.strip_suffix(' ')?;
    let first = before
        .bytes()
        .rev()
        .take(16)
        .take_while(u8::is_ascii_alphabetic)
        .count();
    keys::classify(&format!("{}_{word}", before.get(before.len() - first..)?)).or(key)
}

/// How a value is joined to the name in front of it, and where it starts.
fn join(text: &str, name: &Range<usize>) -> Option<(Join, usize)> {
    let bytes = text.as_bytes();
    let blanks = |i: usize| {
        i + bytes.get(i..).map_or(0, |r| {
            r.iter()
                .take(24)
                .take_while(|b| matches!(b, b' ' | b'\t'))
                .count()
        })
    };
    let mut i = name.end;
    let mut closed = false;
    while matches!(
        bytes.get(i),
        Some(b'"' | b'\'' | b'`' | b')' | b']' | b'\\')
    ) && i < name.end + 16
    {
        closed = true;
        i += 1;
    }
    let after = blanks(i);
    let run = bytes.get(after..).map_or(0, |r| {
        r.iter()
            .take(5)
            .take_while(|b| matches!(b, b'=' | b':' | b'>' | b'?' | b'|' | b'~'))
            .count()
    });
    let sign = text.get(after..after + run).unwrap_or("");
    let tag = sign == ">"
        && after == name.end
        && opens_tag(text, name.start)
        && has_end_tag(text, after + 1);
    if sign.contains(['=', ':']) || sign == "||" || tag {
        let start = blanks(after + run);
        // Not the `://` of an address, not the `::` of a path in code.
        if sign == ":" && bytes.get(after + 1) == Some(&b'/') && bytes.get(after + 2) == Some(&b'/')
            || sign == "::"
        {
            return None;
        }
        let colon = sign == ":" && !closed && start > after + run;
        return Some((if colon { Join::Colon } else { Join::Assigned }, start));
    }
    if closed {
        let listed = blanks(after + 1);
        let is_listed =
            bytes.get(after) == Some(&b',') && matches!(bytes.get(listed), Some(b'"' | b'\''));
        let value = value_field(text, i).map(|start| (Join::Assigned, start));
        return value.or(is_listed.then_some((Join::Listed, listed)));
    }
    if let Some(start) = behind_attributes(text, name) {
        return Some((Join::Assigned, start));
    }
    let flag = bytes.get(name.start) == Some(&b'-')
        || matches!(text.get(..name.start), Some(t) if t.ends_with('-'));
    match bytes.get(after) {
        Some(b'"' | b'\'' | b'`') if after > i => Some((Join::Quoted, after)),
        Some(b) if flag && after > i && *b != b'-' => Some((Join::Flag, after)),
        _ => None,
    }
}

/// `<password>`, `<ns:password>`.
fn opens_tag(text: &str, start: usize) -> bool {
    let head = text.get(..start).unwrap_or("");
    let prefix = head
        .bytes()
        .rev()
        .take(24)
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b':')
        .count();
    head.get(..head.len() - prefix)
        .is_some_and(|t| t.ends_with('<'))
}

/// `<password type="text">`: where the value starts.
fn behind_attributes(text: &str, name: &Range<usize>) -> Option<usize> {
    let rest = text.get(name.end..)?;
    let end = rest
        .bytes()
        .take(160)
        .position(|b| matches!(b, b'<' | b'>'))?;
    let attributes = rest.get(..end)?;
    let start = name.end + end + 1;
    let is_tag = rest.as_bytes().get(end) == Some(&b'>')
        && attributes.starts_with([' ', '\t'])
        && !attributes.ends_with('/')
        && opens_tag(text, name.start)
        && has_end_tag(text, start);
    is_tag.then_some(start)
}

fn has_end_tag(text: &str, start: usize) -> bool {
    let end = value::bare(text, start).end;
    text.get(end..).is_some_and(|t| t.starts_with('<'))
}

/// `"name":"password","value":"x"` and `key="password" value="x"`: where the value starts.
fn value_field(text: &str, i: usize) -> Option<usize> {
    let rest = text.get(i..)?;
    let skipped = rest.trim_start_matches([',', ' ', '\t', '\n', '\r', '"', '\'', '\\']);
    if rest.len() - skipped.len() > 32 {
        return None;
    }
    let low = skipped.get(..5)?.to_ascii_lowercase();
    let after = if low == "value" {
        skipped.get(5..)?
    } else {
        return None;
    };
    let sign = after.trim_start_matches(['"', '\'', '\\', ' ']);
    let value = sign.strip_prefix([':', '='])?.trim_start_matches(' ');
    Some(text.len() - value.len())
}

/// What to hide of the value at `start`.
fn pair(text: &str, name: &Range<usize>, key: Key, join: Join, start: usize) -> Vec<Range<usize>> {
    let lower = text.get(name.clone()).unwrap_or("").to_ascii_lowercase();
    if key == Key::Weak {
        return weak(text, start).into_iter().collect();
    }
    let Some(Value { parts, quoted }) = value::read(text, start) else {
        return Vec::new();
    };
    if !quoted && (lower.ends_with("authorization") || lower.ends_with("cookie")) {
        return header(text, start, lower.ends_with("cookie"))
            .into_iter()
            .collect();
    }
    let keep = |range: &Range<usize>| {
        let found = text.get(range.clone()).unwrap_or("");
        let words = found.contains(char::is_whitespace);
        match (key, join) {
            _ if value::is_harmless(found) => false,
            (Key::Personal, _) => {
                found.bytes().filter(u8::is_ascii_digit).count()
                    >= if join == Join::Assigned { 3 } else { 7 }
            }
            (_, Join::Listed) => {
                random::is_keyed(found) || random::is_password_like(found) || random::is_uuid(found)
            }
            (Key::Password, Join::Quoted) => !words,
            (_, Join::Quoted) => random::is_keyed(found) || random::is_password_like(found),
            (Key::Password, Join::Colon) if quoted => !words || is_alone(text, name, range),
            (_, Join::Colon) if quoted => !words && !is_plain(found),
            (_, Join::Colon) => !value::is_prose(
                text,
                range,
                key == Key::Password && !lower.ends_with("pass") || lower == "pin",
                follows_word(text, name.start),
            ),
            (Key::Credential, _) => !is_count(found),
            // `pass=3`, `passed: 12` of a test run
            (Key::Password, _) => {
                !(is_count(found) && (found.len() == 1 || lower.ends_with("pass")))
            }
            (Key::Weak, _) => false,
        }
    };
    parts
        .into_iter()
        .filter(|range| !range.is_empty() && keep(range))
        .collect()
}

/// Whether name and value have a line of their own, as in YAML: then the value is no quotation in a
/// sentence, however many words it has.
fn is_alone(text: &str, name: &Range<usize>, value: &Range<usize>) -> bool {
    let before = text.get(..name.start).unwrap_or("");
    let before = before.rsplit('\n').next().unwrap_or("");
    let after = text.get(value.end..).unwrap_or("");
    let after = after.trim_start_matches(['\\', '"', '\'', '`']);
    let after = after.split('\n').next().unwrap_or("").trim();
    before.trim_matches([' ', '\t', '-']).is_empty() && (after.is_empty() || after.starts_with('#'))
}

fn is_count(value: &str) -> bool {
    value.len() < 6 && value.bytes().all(|b| b.is_ascii_digit())
}

fn is_plain(value: &str) -> bool {
    value
        .chars()
        .all(|c| c.is_alphabetic() || !c.is_alphanumeric() && c.is_ascii())
        && !random::is_keyed(value)
}

/// Whether a word of the same sentence stands in front: `unexpected token`.
fn follows_word(text: &str, start: usize) -> bool {
    text.get(..start).is_some_and(|t| {
        t.strip_suffix(' ')
            .is_some_and(|t| t.ends_with(char::is_alphanumeric))
    })
}

/// A value behind `key`, `code`, `sig`: one token, and only if it looks random.
fn weak(text: &str, start: usize) -> Option<Range<usize>> {
    let rest = text.get(start..)?;
    let open = rest.len() - rest.trim_start_matches(['"', '\'', '\\', '`']).len();
    let body = rest.get(open..)?;
    let mut len = body
        .bytes()
        .take_while(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'_' | b'.' | b'~' | b'%' | b'-')
        })
        .count();
    len += body
        .get(len..)?
        .bytes()
        .take(2)
        .take_while(|b| *b == b'=')
        .count();
    let found = body.get(..len)?;
    let random = if found.contains('/') {
        found.split('/').any(random::is_keyed)
    } else {
        random::is_keyed(found)
    };
    random.then_some(start + open..start + open + len)
}

/// The credentials of a header without quotes: behind the name of the scheme; of a cookie, or of a scheme with
/// parameters, the rest of the line.
fn header(text: &str, start: usize, cookie: bool) -> Option<Range<usize>> {
    let rest = text.get(start..).unwrap_or("");
    let line_len = rest
        .find(['\n', '\r', '"', '‹', '\''])
        .unwrap_or(rest.len())
        .min(4096);
    let line_len = (0..=line_len)
        .rev()
        .find(|n| rest.is_char_boundary(*n))
        .unwrap_or(0);
    let line = rest
        .get(..line_len)
        .unwrap_or("")
        .trim_end_matches(['\\', ' ']);
    if cookie {
        return if line.contains('=') {
            Some(start..start + line.len())
        } else {
            None
        };
    }
    let scheme = line
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        .count();
    let name = line.get(..scheme).unwrap_or("").to_ascii_lowercase();
    let has_scheme = line.get(scheme..).is_some_and(|r| r.starts_with(' '));
    let known = [
        "basic",
        "bearer",
        "token",
        "negotiate",
        "ntlm",
        "apikey",
        "key",
        "snowflake",
        "zoho-oauthtoken",
        "oauth",
    ];
    if has_scheme
        && !known.contains(&name.as_str())
        && line.get(scheme..).is_some_and(|r| r.contains('='))
    {
        return Some(start + scheme + 1..start + line.len());
    }
    let from = if has_scheme && (known.contains(&name.as_str())) {
        start + scheme + 1
    } else {
        start
    };
    let range = value::bare(text, from);
    let found = text.get(range.clone()).unwrap_or("");
    let word = found
        .chars()
        .all(|c| c.is_alphabetic() || matches!(c, '.' | ',' | ':'));
    if found.len() < 6 || value::is_harmless(found) || (word && !random::is_keyed(found)) {
        return None;
    }
    Some(range)
}
