//! The redactor: the one door through which every text leaves.
//!
//! Prompts, Slack texts, audit records, logs and stored bodies pass [`Redactor`]. It takes out credentials, e-mail
//! addresses and numbers that belong to a person, and leaves what a person needs to understand a failure: error texts,
//! ids, hosts, names, times, checksums.
//!
//! How it finds them:
//!
//! 1. `pairs`: a key says what its value is (`password=…`, `"token":"…"`, `Authorization: …`, `--password …`);
//! 2. `url`: a place says it (`scheme://user:…@host`);
//! 3. `shapes`: the secret says it itself (a maker's prefix, a private key);
//! 4. `random`: nobody says it, but words do not look like this;
//! 5. `personal`: addresses and numbers with check digits;
//! 6. `known`: our own configured secrets, and the patterns of the policy.
//!
//! Each runs on the raw text and on a `view` with all escapes undone, so that escaping hides nothing. Placeholders
//! are numbered by first appearance within one call: `‹secret-1›`, `‹email-1›`, `‹personal-1›`.
//!
//! Every step is linear in the text. What a step leaves behind is looked at again until nothing more is found, so a
//! redacted text never changes when it is redacted again.

mod json;
mod keys;
mod known;
mod pairs;
mod personal;
mod random;
mod sentence;
mod shapes;
mod span;
mod url;
mod value;
mod view;

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod lines_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use regex::Regex;

use span::{Names, Span};
use view::View;

/// How often a text is looked at again before it is given up as hostile and hidden whole.
const MAX_ROUNDS: usize = 8;

/// A pattern of the policy that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("redaction.extra_patterns: {pattern:?}: {reason}")]
pub struct BadPattern {
    /// The pattern as it stands in the policy.
    pub pattern: String,
    /// Why it cannot be used.
    pub reason: String,
}

/// Takes secrets and personal data out of everything that leaves. Cloning is cheap.
#[derive(Clone)]
pub struct Redactor {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    extra: Vec<Regex>,
    secrets: Vec<String>,
    known: Option<Regex>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the secrets nor the pattern made of them.
        f.debug_struct("Redactor")
            .field("extra_patterns", &self.inner.extra.len())
            .field("known_secrets", &self.inner.secrets.len())
            .finish()
    }
}

impl Redactor {
    /// A redactor with the patterns of the policy beside its own. A pattern with a capture group hides what the first
    /// group captures, else the whole match.
    pub fn new(extra_patterns: &[String]) -> Result<Redactor, BadPattern> {
        let extra = extra_patterns
            .iter()
            .map(|p| extra_pattern(p))
            .collect::<Result<_, _>>()?;
        Ok(Redactor {
            inner: Arc::new(Inner {
                extra,
                secrets: Vec::new(),
                known: None,
            }),
        })
    }

    /// Removes these secrets too, wherever they stand and however they are encoded (percent, base64, hexadecimal).
    /// Secrets of fewer than four bytes are left out: they would tear holes into every text.
    #[must_use]
    pub fn with_known(self, secrets: impl IntoIterator<Item = String>) -> Redactor {
        let mut inner = Inner::clone(&self.inner);
        inner.secrets.extend(secrets);
        #[expect(
            clippy::expect_used,
            reason = "escaped literals are a valid pattern; a configuration is far below the size limit"
        )]
        let known = known::pattern(&inner.secrets).map(|known| known.expect("escaped literals"));
        inner.known = known;
        Redactor {
            inner: Arc::new(inner),
        }
    }

    /// The text with every secret and every e-mail address replaced by a placeholder.
    pub fn text<'a>(&self, s: &'a str) -> Cow<'a, str> {
        let mut names = Names::default();
        names.reserve(s);
        match json::redact_text(self, s, &mut names) {
            Some(redacted) if redacted == s => Cow::Borrowed(s),
            Some(redacted) => Cow::Owned(redacted),
            None => self.plain(s, &mut names),
        }
    }

    /// The value with its strings redacted inside, also its keys, strings that are JSON themselves, and whatever stands
    /// under a key that names a secret.
    pub fn json(&self, v: &serde_json::Value) -> serde_json::Value {
        let mut names = Names::default();
        json::reserve(v, &mut names, 0);
        json::redact(self, v, &mut names)
    }

    /// A value that we made ourselves: its texts redacted, whatever the keys above them are called, but
    /// for what `ours` names (by key and value), which is left as it is.
    pub fn facts(
        &self,
        v: &serde_json::Value,
        ours: &dyn Fn(&str, &serde_json::Value) -> bool,
    ) -> serde_json::Value {
        let mut names = Names::default();
        json::reserve(v, &mut names, 0);
        json::redact_facts(self, v, ours, &mut names, 0)
    }

    /// One string of a JSON value.
    fn within(&self, s: &str, names: &mut Names) -> String {
        json::redact_text(self, s, names).unwrap_or_else(|| self.plain(s, names).into_owned())
    }

    /// A text that is taken as it is written.
    fn plain<'a>(&self, s: &'a str, names: &mut Names) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(s);
        for _ in 0..MAX_ROUNDS {
            let spans = self.find(&text);
            if spans.is_empty() {
                return text;
            }
            text = Cow::Owned(replace(&text, &spans, names));
        }
        if self.find(&text).is_empty() {
            text
        } else {
            Cow::Owned(names.name(span::Kind::Secret, s))
        }
    }

    fn find(&self, raw: &str) -> Vec<Span> {
        let mut spans = Vec::new();
        self.find_in(raw, &mut spans);
        let view = View::of(raw);
        if !view.is_plain() {
            for span in &mut spans {
                span.range = view.snap(span.range.clone());
            }
            let mut seen = Vec::new();
            self.find_in(&view.text, &mut seen);
            spans.extend(
                seen.into_iter()
                    .map(|s| Span::new(view.to_raw(s.range), s.kind)),
            );
        }
        span::settle(raw, spans)
    }

    fn find_in(&self, text: &str, spans: &mut Vec<Span>) {
        pairs::find(text, spans);
        url::find(text, spans);
        shapes::find(text, spans);
        random::find(text, spans);
        personal::find(text, spans);
        let known = self.inner.known.iter();
        spans.extend(
            known
                .flat_map(|k| k.find_iter(text))
                .map(|m| Span::secret(m.range())),
        );
        for pattern in &self.inner.extra {
            let found = pattern
                .captures_iter(text)
                .filter_map(|c| c.get(1).or_else(|| c.get(0)));
            spans.extend(
                found
                    .filter(|m| !m.is_empty())
                    .map(|m| Span::secret(m.range())),
            );
        }
    }
}

fn extra_pattern(pattern: &str) -> Result<Regex, BadPattern> {
    let bad = |reason: String| BadPattern {
        pattern: pattern.to_owned(),
        reason,
    };
    let regex = regex::RegexBuilder::new(pattern)
        .size_limit(1 << 20)
        .build()
        .map_err(|e| bad(e.to_string()))?;
    if regex.is_match("") {
        return Err(bad(
            "it matches the empty text, so it would hide everything or nothing".into(),
        ));
    }
    Ok(regex)
}

fn replace(text: &str, spans: &[Span], names: &mut Names) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for Span { range, kind } in spans {
        out.push_str(text.get(from..range.start).unwrap_or(""));
        // The same secret has the same number, escaped or not.
        let content = text.get(range.clone()).unwrap_or("");
        out.push_str(&names.name(*kind, &View::of(content).text));
        from = range.end;
    }
    out.push_str(text.get(from..).unwrap_or(""));
    out
}
