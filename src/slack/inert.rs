//! Words from outside (Fivetran's names and errors, log lines, people's reasons), made inert.
//!
//! Slack has three places for text: `plain_text` and `rich_text`, where nothing is parsed, and
//! `mrkdwn`, where `<!channel>` calls everybody in. Foreign words go to the first two only; the
//! one exception is a message's top-level fallback text, which Slack always parses, and for which
//! [`Inert::mrkdwn`] takes every sign its meaning. Besides, what could act if it were ever pasted
//! elsewhere is broken visibly already here, and what cannot be seen is spelled out: a person who
//! approves must see what is there, not what a bidirectional override makes of it.

use std::fmt::Write;

/// Text that can do nothing in Slack. The only way for foreign words into a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inert(String);

/// More combining marks than this on one letter are cut: they paint over the lines around it.
const MARKS: usize = 3;

impl Inert {
    /// One line of at most `max` UTF-16 units; line breaks are shown as `⏎`.
    pub fn line(text: &str, max: usize) -> Self {
        Self::made(&visible(text.trim(), Breaks::Shown, max), max)
    }

    /// Text that keeps its line breaks: at most `max` UTF-16 units on at most `lines` lines.
    pub fn block(text: &str, max: usize, lines: usize) -> Self {
        let shown = visible(text.trim(), Breaks::Kept, max);
        let mut kept: Vec<&str> = shown.lines().take(lines).collect();
        if shown.lines().nth(lines).is_some() {
            kept.pop();
            kept.push("…");
        }
        Self::made(&kept.join("\n"), max)
    }

    fn made(shown: &str, max: usize) -> Self {
        if shown.is_empty() {
            // Slack refuses an empty text, and with it the whole message.
            return Self("(empty)".to_owned());
        }
        Self(cut(shown, max))
    }

    /// The pieces between a sign; what is inert stays so in pieces.
    pub(super) fn split(&self, sign: char) -> Vec<Self> {
        self.0
            .split(sign)
            .map(|piece| Self(piece.to_owned()))
            .collect()
    }

    /// Only a piece can be empty.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For `plain_text` and `rich_text`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For the top-level fallback text: signs that Slack would take for formatting are replaced by
    /// ones that only look like them.
    pub fn mrkdwn(&self) -> String {
        let mut out = String::with_capacity(self.0.len() + 16);
        let mut before = ' ';
        for (at, c) in self.0.char_indices() {
            let rest = self.0.get(at + c.len_utf8()..).unwrap_or_default();
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '*' => out.push('∗'),
                '~' => out.push('∼'),
                '`' => out.push('ˋ'),
                '_' if !(before.is_alphanumeric() && rest.starts_with(char::is_alphanumeric)) => {
                    out.push('＿');
                }
                ':' if names_an_emoji(rest) => out.push('：'),
                c => out.push(c),
            }
            before = c;
        }
        out
    }
}

/// Cuts at a character's edge so that the result has at most `max` UTF-16 units, the unit that is
/// never smaller than what Slack counts.
pub(super) fn cut(text: &str, max: usize) -> String {
    if units(text) <= max {
        return text.to_owned();
    }
    let mut left = max.saturating_sub(1);
    let mut out = String::new();
    for c in text.chars() {
        match left.checked_sub(c.len_utf16()) {
            Some(less) => left = less,
            None => break,
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// The length of a text in UTF-16 units.
pub(super) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Breaks {
    Shown,
    Kept,
}

/// Stops soon after `max` units, so that a text of megabytes costs no more than what is shown.
fn visible(text: &str, breaks: Breaks, max: usize) -> String {
    let mut out = String::new();
    let mut marks = 0;
    let mut newlines = 0;
    for (at, c) in text.char_indices() {
        if units_at_least(&out, max) {
            out.push('…');
            break;
        }
        let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks > MARKS || (c == '\r' && rest.starts_with('\n')) {
            continue;
        }
        newlines = if c == '\n' { newlines + 1 } else { 0 };
        match (c, breaks) {
            ('\n', Breaks::Kept) if newlines <= 2 => out.push('\n'),
            ('\n', Breaks::Shown) if newlines <= 1 => out.push_str(" ⏎ "),
            ('\n', _) => {}
            ('\t', Breaks::Kept) => out.push('\t'),
            ('<', _) if opens_markup(rest) => out.push('‹'),
            ('@', _) if calls_everybody(rest) => out.push('＠'),
            (':', _) if rest.starts_with("//") => out.push_str("[:]"),
            (c, _) if is_hidden(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "[U+{:04X}]", u32::from(c));
            }
            (c, _) => out.push(c),
        }
    }
    out
}

/// A character is at most four bytes and at least a quarter unit per byte, so the bytes tell
/// cheaply when counting is worth it.
fn units_at_least(out: &str, max: usize) -> bool {
    out.len() > max && units(out) > max
}

fn opens_markup(rest: &str) -> bool {
    rest.starts_with(['!', '@', '#'])
        || ["http", "mailto:", "tel:", "slack:", "javascript:"]
            .iter()
            .any(|scheme| starts_with_ignoring_case(rest, scheme))
}

fn calls_everybody(rest: &str) -> bool {
    ["channel", "here", "everyone", "group"]
        .iter()
        .any(|word| starts_with_ignoring_case(rest, word))
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn names_an_emoji(rest: &str) -> bool {
    let Some((name, _)) = rest.split_once(':') else {
        return false;
    };
    name.chars().any(char::is_alphabetic)
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '\''))
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE0F}' | '\u{FE20}'..='\u{FE2F}')
}

/// Control characters, overrides of the writing direction, characters without width, tags and
/// variation selectors: all that a reader cannot see.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}'
            | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0E}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        Inert::line(text, 200).as_str().to_owned()
    }

    #[test]
    fn what_could_act_is_broken_visibly() {
        insta::assert_snapshot!(line("<!channel> failed"), @"‹!channel> failed");
        insta::assert_snapshot!(line("@here <@U1> <#C1|x>"), @"＠here ‹@U1> ‹#C1|x>");
        insta::assert_snapshot!(line("<https://evil.example|ok>"), @"‹https[:]//evil.example|ok>");
        insta::assert_snapshot!(line("List<String> & a@b"), @"List<String> & a@b");
    }

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        insta::assert_snapshot!(line("\u{202E}gnp.evorppa\u{202C}"), @"[U+202E]gnp.evorppa[U+202C]");
        insta::assert_snapshot!(line("<\u{200B}!channel>"), @"<[U+200B]!channel>");
        insta::assert_snapshot!(line("a\u{0}b"), @"a[U+0000]b");
        insta::assert_snapshot!(line("one\r\n\n\ntwo"), @"one ⏎ two");
        insta::assert_snapshot!(line(""), @"(empty)");
    }

    #[test]
    fn the_fallback_text_has_no_formatting_either() {
        let text = Inert::line("*bold* _it_ ~s~ `c` :tada: snake_case 12:30 a<b", 200);
        insta::assert_snapshot!(text.mrkdwn(), @"∗bold∗ ＿it＿ ∼s∼ ˋcˋ ：tada: snake_case 12:30 a&lt;b");
    }

    #[test]
    fn a_long_text_is_cut_at_a_characters_edge() {
        assert_eq!(Inert::line("👩👩👩", 5).as_str(), "👩👩…");
        assert_eq!(units(Inert::line(&"x".repeat(9_000), 80).as_str()), 80);
        assert_eq!(Inert::block("a\nb\nc", 80, 2).as_str(), "a\n…");
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_left_that_could_act(text in "(<|!|@|#|http|:|/|channel|\\PC|\\n|\u{200B}){0,60}") {
            for shown in [Inert::line(&text, 100), Inert::block(&text, 100, 5)] {
                let shown = shown.as_str().to_lowercase();
                for bad in ["<!", "<@", "<#", "<http", "@channel", "://", "\u{200B}"] {
                    proptest::prop_assert!(!shown.contains(bad), "{shown}");
                }
                proptest::prop_assert!(units(&shown) <= 100 + 8);
            }
        }
    }
}
