//! Names and passwords in front of the host of an address.

use super::random;
use super::span::Span;
use super::value;

/// Finds `scheme://user:password@host`, and the same without a scheme (`user:password@tcp(host:3306)/db`).
pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    let mut marks = text
        .match_indices("://")
        .map(|(at, mark)| (at, at + mark.len()))
        .peekable();
    while let Some((_, start)) = marks.next() {
        let limit = marks.peek().map_or(text.len(), |(next, _)| *next);
        let rest = text.get(start..limit).unwrap_or("");
        let end = rest.find(|c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | '<' | '>')
        });
        let window = rest.get(..end.unwrap_or(rest.len())).unwrap_or("");
        if let Some(len) = userinfo(window) {
            login(text, start, start + len, spans);
        }
    }
    without_scheme(text, spans);
}

/// How long the user and password in front of the host are.
fn userinfo(window: &str) -> Option<usize> {
    let authority = window
        .find(['/', '?', '#'])
        .and_then(|n| window.get(..n))
        .unwrap_or(window);
    if let Some(at) = authority.rfind('@') {
        return Some(at);
    }
    // `user:p/w?d@host`: an unencoded password. `host:443/?mail=a@b` is not one.
    let (_, after) = authority.split_once(':')?;
    if after.is_empty() && authority.len() + 1 >= window.len()
        || (!after.is_empty() && after.bytes().all(|b| b.is_ascii_digit()))
    {
        return None;
    }
    let at = window.rfind('@')?;
    window
        .get(at + 1..)?
        .starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        .then_some(at)
}

/// Hides the password of `user:password`, and a user that is itself a key.
fn login(text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
    let info = text.get(start..end).unwrap_or("");
    let (user, password) = info.split_once(':').unwrap_or((info, ""));
    if random::is_keyed(user) {
        spans.push(Span::secret(start..start + user.len()));
    }
    let from = start + user.len() + 1;
    if from < end && !value::is_harmless(password) {
        spans.push(Span::secret(from..end));
    }
}

fn without_scheme(text: &str, spans: &mut Vec<Span>) {
    let mut from = 0;
    for (at, _) in text.match_indices('@') {
        let host = text.get(at + 1..).unwrap_or("");
        let host_len = host
            .bytes()
            .take(253)
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
            .count();
        let ends = host.as_bytes().get(host_len);
        let host_text = host.get(..host_len).unwrap_or("");
        if host_len == 0 || !(matches!(ends, Some(b'(' | b':' | b'/')) || host_text.contains('.')) {
            continue;
        }
        // Back to the white space in front, no further than a password is long.
        let mut low = at.saturating_sub(200).max(from);
        while !text.is_char_boundary(low) {
            low += 1;
        }
        let info = text.get(low..at).unwrap_or("");
        let cut = info
            .rfind(|c: char| {
                c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '=' | '(' | ',')
            })
            .map_or(0, |n| n + 1);
        let cut = cut + usize::from(!info.is_char_boundary(cut));
        let info = info.get(cut..).unwrap_or("");
        from = at + 1;
        let Some((user, password)) = info.split_once(':') else {
            continue;
        };
        let name = |u: &str| {
            !u.is_empty()
                && u.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'%'))
        };
        let is_login =
            name(user) && password.len() >= 3 && !password.starts_with("//") && user != "mailto";
        if is_login && !value::is_harmless(password) {
            spans.push(Span::secret(low + cut + user.len() + 1..at));
        }
    }
}
