//! Secrets that nobody has put in yet.

use std::collections::HashSet;

/// What stands in a file until somebody puts the secret there: words that ask for it, brackets of a
/// template that was not filled, one character again and again.
pub(super) fn is_placeholder(secret: &str) -> bool {
    const WORDS: [&str; 14] = [
        "change",
        "secret",
        "xxx",
        "your",
        "placeholder",
        "example",
        "replace",
        "insert",
        "enter",
        "todo",
        "dummy",
        "fill",
        "signing",
        "slack_signing",
    ];
    let plain = secret.to_lowercase().replace('-', "_");
    let bare = plain.trim_start_matches('$');
    let distinct: HashSet<char> = plain.chars().collect();
    WORDS.iter().any(|word| bare.starts_with(word))
        || ["<", "[", "${", "{{"]
            .iter()
            .any(|open| secret.starts_with(open))
        || distinct.len() < 5
}
