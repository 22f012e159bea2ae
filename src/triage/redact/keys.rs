//! What the name of a field says about its value.

use std::sync::LazyLock;

use regex::Regex;

use super::shapes::fixed;

/// How much a key alone says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// The value is a password: redact whatever it looks like.
    Password,
    /// The value is some credential: redact it unless it is plainly a word or a count.
    Credential,
    /// The value may be one: redact it if it looks random.
    Weak,
    /// The value is a number that belongs to a person.
    Personal,
}

/// Finds where a key may be; [`classify`] looks at the whole name.
pub(super) static STEM: LazyLock<Regex> = LazyLock::new(|| {
    fixed(concat!(
        r"(?i-u:pass|pwd|pword|secret|token|key|auth|cred|cookie|session|sess_|sid\b|signature|sig\b|bearer|jwt|",
        r"\bsas\b|code\b|\bpin\b|otp\b|nonce|hmac|login\b|dsn\b|ssn|social|iban|card|phone|mobile|\bmsisdn|cvv|cvc|",
        r"kennwort|senha|contrase)|パスワード|пароль|密码",
    ))
});

const PASSWORD: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "passcode",
    "pword",
    "kennwort",
    "passwort",
    "senha",
    "passw",
];
const CREDENTIAL: [&str; 12] = [
    "secret",
    "token",
    "apikey",
    "authorization",
    "cookie",
    "bearer",
    "jwt",
    "otp",
    "pin",
    "credential",
    "sas",
    "authtoken",
];
const WEAK: [&str; 14] = [
    "key",
    "auth",
    "sig",
    "signature",
    "session",
    "sid",
    "sessionid",
    "code",
    "nonce",
    "hmac",
    "salt",
    "login",
    "dsn",
    "sess",
];
const PERSONAL: [&str; 9] = [
    "ssn",
    "iban",
    "phone",
    "mobile",
    "msisdn",
    "cvv",
    "cvc",
    "cardno",
    "telephone",
];

/// Words which before `key` make it a key that opens something.
const OPENS: [&str; 32] = [
    "api",
    "access",
    "secret",
    "private",
    "account",
    "encryption",
    "signing",
    "master",
    "shared",
    "storage",
    "license",
    "ssh",
    "rsa",
    "pgp",
    "gpg",
    "auth",
    "service",
    "consumer",
    "app",
    "application",
    "client",
    "deploy",
    "webhook",
    "subscription",
    "functions",
    "sas",
    "symmetric",
    "hmac",
    "integration",
    "decryption",
    "session",
    "x",
];

/// Last words of names that hold something about a secret, not the secret.
const ABOUT: [&str; 58] = [
    "count",
    "type",
    "name",
    "length",
    "len",
    "size",
    "expiry",
    "expires",
    "expiration",
    "expired",
    "at",
    "in",
    "on",
    "ttl",
    "url",
    "uri",
    "endpoint",
    "path",
    "file",
    "policy",
    "status",
    "state",
    "hint",
    "column",
    "table",
    "field",
    "version",
    "format",
    "limit",
    "age",
    "rotation",
    "enabled",
    "required",
    "present",
    "set",
    "valid",
    "error",
    "errors",
    "failed",
    "failure",
    "exception",
    "message",
    "reason",
    "method",
    "mode",
    "server",
    "service",
    "provider",
    "user",
    "username",
    "host",
    "scheme",
    "attempts",
    "date",
    "time",
    "usage",
    "budget",
    "arn",
];

/// What a field called `name` holds, if its name tells.
pub(super) fn classify(name: &str) -> Option<Key> {
    let words = words(name);
    let last = words.last()?.as_str();
    if ABOUT.contains(&last) {
        return None;
    }
    let about_identity = matches!(last, "id" | "ids" | "kid");
    let mut found: Option<Key> = None;
    for (n, word) in words.iter().enumerate() {
        let before = n
            .checked_sub(1)
            .and_then(|n| words.get(n))
            .map(String::as_str);
        let key = classify_word(word, before);
        found = match (found, key) {
            (Some(Key::Password), _) | (_, Some(Key::Password)) => Some(Key::Password),
            (Some(Key::Credential), _) | (_, Some(Key::Credential)) => Some(Key::Credential),
            (Some(Key::Personal), _) | (_, Some(Key::Personal)) => Some(Key::Personal),
            // A weak word only counts at the end: `keyboard_layout`, `session_variables` are nothing.
            (_, Some(Key::Weak)) if n + 1 == words.len() => Some(Key::Weak),
            _ => found,
        };
    }
    match found {
        Some(Key::Password) if !about_identity => found,
        Some(Key::Password | Key::Credential) if about_identity => Some(Key::Weak),
        _ => found,
    }
}

fn classify_word(word: &str, before: Option<&str>) -> Option<Key> {
    let singular = word.strip_suffix('s').unwrap_or(word);
    let is = |list: &[&str]| list.contains(&word) || list.contains(&singular);
    if is(&PASSWORD)
        || ["password", "passwd", "passphrase", "pwd"]
            .iter()
            .any(|p| word.ends_with(p) || word.starts_with(p))
    {
        return Some(Key::Password);
    }
    // `mot de passe`
    if matches!(word, "pass" | "passe")
        || ["dbpass", "userpass", "sshpass", "smtppass", "mypass"].contains(&word)
    {
        return Some(Key::Password);
    }
    if word.starts_with("contrase") || ["パスワード", "пароль", "密码"].contains(&word)
    {
        return Some(Key::Password);
    }
    let opens = singular == "key" && before.is_some_and(|b| OPENS.contains(&b));
    let glued = singular
        .strip_suffix("key")
        .is_some_and(|b| OPENS.contains(&b));
    if opens
        || glued
        || is(&CREDENTIAL)
        || ["token", "secret", "apikey"]
            .iter()
            .any(|t| singular.ends_with(t))
    {
        return Some(Key::Credential);
    }
    let card = matches!(word, "number" | "no" | "num" | "nr")
        && before.is_some_and(|b| b == "card" || b == "cc");
    if card || is(&PERSONAL) || (matches!(word, "number" | "security") && before == Some("social"))
    {
        return Some(Key::Personal);
    }
    is(&WEAK).then_some(Key::Weak)
}

/// The words of a name: `dbPassword2`, `DB_PASSWORD`, `db.password` are all `db`, `password`.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in name.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()) {
        let part = part.trim_end_matches(|c: char| c.is_ascii_digit());
        let mut word = String::new();
        let mut chars = part.chars().peekable();
        let mut lower_before = false;
        while let Some(c) = chars.next() {
            let ends_capitals = c.is_uppercase() && chars.peek().is_some_and(|n| n.is_lowercase());
            if c.is_uppercase()
                && !word.is_empty()
                && (lower_before || (ends_capitals && word.len() > 1))
            {
                words.push(std::mem::take(&mut word));
            }
            lower_before = c.is_lowercase();
            word.extend(c.to_lowercase());
        }
        if !word.is_empty() {
            words.push(word);
        }
    }
    words
}

/// Whether a field of this name holds an identifier or a checksum: random to look at, yet no secret.
pub(super) fn is_identifier(name: &str) -> bool {
    const LAST: [&str; 19] = [
        "id",
        "ids",
        "uuid",
        "guid",
        "hash",
        "sha",
        "sha1",
        "sha256",
        "md5",
        "digest",
        "checksum",
        "etag",
        "fingerprint",
        "commit",
        "revision",
        "rev",
        "offset",
        "cursor",
        "lsn",
    ];
    let lower = name.to_ascii_lowercase();
    let last = lower
        .rsplit(|c: char| !c.is_ascii_alphanumeric())
        .find(|w| !w.is_empty())
        .unwrap_or("");
    let camel = ["Id", "ID", "Hash", "UUID"]
        .iter()
        .any(|end| name.ends_with(end));
    (LAST.contains(&last) || camel) && classify(name).is_none()
}
