//! Passwords that a sentence tells, without a sign between word and value.

use std::ops::Range;

use super::random;

/// How far a sentence about a password may go before the password comes.
const SENTENCE: usize = 96;

/// `… the stored password so that they can check it: x`: a word that looks like a password, in the sentence about one.
pub(super) fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let mut end = rest.len().min(SENTENCE);
    while !rest.is_char_boundary(end) {
        end -= 1;
    }
    let near = rest.get(..end)?.split('\n').next()?;
    if !near.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let (mut before, mut next) = ("", from);
    for word in near.split([' ', '\t', '(']) {
        let start = next;
        next += word.len() + 1;
        let tail = word.trim_start_matches(MARKS);
        let bare = tail.trim_end_matches(MARKS);
        if bare.contains('‹') {
            return None;
        }
        let quoted = word.starts_with(['"', '\'', '`', '\\']);
        let symbols = bare.contains(['!', '#', '$', '%', '^', '&', '*', '~']);
        if random::is_password_like(bare)
            && !is_name_or_place(bare)
            && (symbols || introduces(before, quoted))
        {
            let start = start + word.len() - tail.len();
            return Some(start..start + bare.len());
        }
        if !word.is_empty() {
            before = word;
        }
    }
    None
}

/// What stands around a word in a sentence.
const MARKS: [char; 9] = ['"', '\'', '`', '\\', ',', ';', '.', ':', ')'];

/// Whether the word in front says that the password comes now. What is quoted may also be the name of a user.
fn introduces(before: &str, quoted: bool) -> bool {
    let named = [
        "user", "role", "login", "account", "host", "table", "column", "database", "schema", "for",
        "on", "by",
    ];
    before.is_empty()
        || before.ends_with([':', '=', '>'])
        || ["is", "was", "to", "as", "with", "used", "given"].contains(&before)
        || (quoted && !named.contains(&before))
}

/// Times, versions, hosts, fields: mixed, yet no password.
fn is_name_or_place(word: &str) -> bool {
    let parts = word
        .split(['.', ':', '-', '_', '[', ']'])
        .filter(|p| !p.is_empty())
        .count();
    let symbols = word.contains(['!', '@', '#', '$', '%', '^', '&', '*', '~', '+', '?']);
    parts > 1 && !symbols
}
