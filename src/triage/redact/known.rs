//! The secrets of our own configuration, in every form in which they may come back.

use std::collections::BTreeSet;

use regex::Regex;

use super::view::View;

/// Shorter secrets would tear holes into every text.
const SHORTEST: usize = 4;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// One pattern for all forms of all known secrets; `None` when there are none.
pub(super) fn pattern<'a>(
    secrets: impl IntoIterator<Item = &'a String>,
) -> Option<Result<Regex, regex::Error>> {
    let mut forms: BTreeSet<String> = BTreeSet::new();
    for secret in secrets {
        let lines = secret.lines().filter(|line| line.trim().len() >= 16);
        for one in std::iter::once(secret.trim()).chain(lines) {
            if one.len() >= SHORTEST {
                forms.insert(one.to_owned());
                forms.insert(View::of(one).text.into_owned());
                forms.extend(encoded(one.as_bytes()));
            }
        }
    }
    let mut forms: Vec<String> = forms.into_iter().filter(|f| f.len() >= SHORTEST).collect();
    // The longest first, so that a secret which is the start of another does not leave the rest of it behind.
    forms.sort_by_key(|f| std::cmp::Reverse(f.len()));
    let alternatives: Vec<String> = forms.iter().map(|f| regex::escape(f)).collect();
    (!alternatives.is_empty()).then(|| {
        regex::RegexBuilder::new(&alternatives.join("|"))
            .size_limit(256 << 20)
            .build()
    })
}

/// Hexadecimal, percent-encoded, and base64 in the three ways in which it may be aligned inside a longer text (as in
/// the base64 of `user:secret`), without the characters at the ends that depend on the neighbours.
fn encoded(secret: &[u8]) -> Vec<String> {
    let hex: String = secret.iter().map(|b| format!("{b:02x}")).collect();
    let percent: String = secret.iter().map(|b| format!("%{b:02X}")).collect();
    let mut forms = vec![
        hex.to_ascii_uppercase(),
        hex,
        percent.to_ascii_lowercase(),
        percent,
    ];
    for shift in 0..3 {
        let mut padded = vec![0; shift];
        padded.extend_from_slice(secret);
        let text = encode_base64(&padded);
        let first = (shift * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        if let Some(core) = text.get(first..last).filter(|core| core.len() >= 6) {
            forms.push(core.to_owned());
            forms.push(core.replace('+', "-").replace('/', "_"));
        }
    }
    forms
}

fn encode_base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for n in 0..=chunk.len() {
            let index = (word >> (18 - 6 * n)) & 63;
            out.push(char::from(ALPHABET[index as usize]));
        }
    }
    out
}

/// Undoes base64 in either alphabet; `None` for anything that is not.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    if body.len() % 4 == 1 || text.len() - body.len() > 2 || body.len() > 4096 {
        return None;
    }
    let (mut word, mut bits) = (0u32, 0);
    let mut out = Vec::with_capacity(body.len() * 3 / 4);
    for b in body.bytes() {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        word = (word << 6 | u32::from(value)) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(word >> bits & 0xFF).ok()?);
        }
    }
    Some(out)
}
