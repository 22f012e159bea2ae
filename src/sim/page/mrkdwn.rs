//! Slack's mrkdwn as HTML. Everything that Slack would not render stays the text it is, escaped.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use maud::{Markup, PreEscaped, html};

use crate::sim::slack::{Channel, Group, User};

/// What names and times look like to the reader.
pub(super) struct Reader {
    pub users: Vec<User>,
    pub groups: Vec<Group>,
    pub channels: Vec<Channel>,
    pub zone: Tz,
    pub now: DateTime<Utc>,
}

impl Reader {
    pub fn user(&self, id: &str) -> String {
        self.users
            .iter()
            .find(|u| u.id == id)
            .map_or_else(|| id.to_owned(), |u| u.real_name.clone())
    }

    pub fn group(&self, id: &str) -> String {
        self.groups
            .iter()
            .find(|g| g.id == id)
            .map_or_else(|| id.to_owned(), |g| g.handle.clone())
    }

    pub fn channel(&self, id: &str) -> String {
        self.channels
            .iter()
            .find(|c| c.id == id)
            .map_or_else(|| id.to_owned(), |c| c.name.clone())
    }

    /// A `<!date>` format in the reader's zone.
    pub fn date(&self, seconds: i64, format: &str) -> Option<String> {
        let at = DateTime::from_timestamp(seconds, 0)?.with_timezone(&self.zone);
        let away = (at.date_naive() - self.now.with_timezone(&self.zone).date_naive()).num_days();
        let near = match away {
            0 => Some("Today"),
            1 => Some("Tomorrow"),
            -1 => Some("Yesterday"),
            _ => None,
        };
        let mut out = format.to_owned();
        for (token, pattern) in [
            ("date_num", "%Y-%m-%d"),
            ("date_short", "%b %-d, %Y"),
            ("date_long", "%A, %B %-d, %Y"),
            ("date", "%B %-d, %Y"),
            ("time_secs", "%H:%M:%S"),
            ("time", "%H:%M"),
        ] {
            let plain = at.format(pattern).to_string();
            let pretty = near.map_or_else(|| plain.clone(), str::to_owned);
            out = out
                .replace(&format!("{{{token}_pretty}}"), &pretty)
                .replace(&format!("{{{token}}}"), &plain);
        }
        Some(out)
    }
}

/// Text with no markup in it.
pub(super) fn plain(text: &str) -> Markup {
    html! { @for (n, line) in text.split('\n').enumerate() { @if n > 0 { br; } (line) } }
}

/// Escaped text. Slack's own entities are undone first, so that `&lt;` is shown as `<`.
fn words(text: &str) -> Markup {
    plain(
        &text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}

/// A mrkdwn text.
pub(super) fn mrkdwn(text: &str, reader: &Reader) -> Markup {
    let mut out = String::new();
    for (n, part) in text.split("```").enumerate() {
        if n % 2 == 1 {
            out.push_str(&html! { pre { (code(part.trim_matches('\n'), reader)) } }.0);
        } else {
            quotes(part.trim_matches(|c| n > 0 && c == '\n'), reader, &mut out);
        }
    }
    PreEscaped(out)
}

/// Lines, with those that begin with `>` as a quotation.
fn quotes(text: &str, reader: &Reader, out: &mut String) {
    let mut first = true;
    for line in text.split('\n') {
        match line.strip_prefix("&gt;").or_else(|| line.strip_prefix('>')) {
            Some(quoted) => {
                out.push_str(
                    &html! { blockquote { (PreEscaped(inline(quoted.trim_start(), reader))) } }.0,
                );
                first = true;
            }
            None => {
                if !first {
                    out.push_str("<br>");
                }
                out.push_str(&inline(line, reader));
                first = false;
            }
        }
    }
}

/// Inside code only control sequences are rendered, and those as their words.
fn code(text: &str, reader: &Reader) -> Markup {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, inner, after)) = control(rest) {
        out.push_str(&words(before).0);
        out.push_str(&angle(inner, reader).0);
        rest = after;
    }
    out.push_str(&words(rest).0);
    PreEscaped(out)
}

/// The first `<…>` of a text, with what is before and after.
fn control(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('<')?;
    let (inner, after) = rest.split_once('>')?;
    Some((before, inner, after))
}

/// One line: code, control sequences, bold, italic, strike.
fn inline(text: &str, reader: &Reader) -> String {
    let mut out = String::new();
    let mut pending = 0;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let found = match c {
            '<' => control(rest)
                .map(|(_, inner, after)| (angle(inner, reader), rest.len() - after.len())),
            '`' | '*' | '_' | '~' => span(text, at, c, reader),
            _ => None,
        };
        match found {
            Some((markup, length)) => {
                out.push_str(&words(&text[pending..at]).0);
                out.push_str(&markup.0);
                at += length;
                pending = at;
            }
            None => at += c.len_utf8(),
        }
    }
    out.push_str(&words(&text[pending..]).0);
    out
}

/// A `*…*` that begins here: it stands between spaces or punctuation and holds something.
fn span(text: &str, at: usize, mark: char, reader: &Reader) -> Option<(Markup, usize)> {
    let word = |c: char| c.is_alphanumeric() || c == mark;
    if text[..at].chars().next_back().is_some_and(word) {
        return None;
    }
    let inner = &text[at + 1..];
    let closes = |end: usize| {
        let touching = inner[..end]
            .chars()
            .next_back()
            .is_some_and(|c| mark == '`' || !c.is_whitespace());
        touching && !inner[end + 1..].chars().next().is_some_and(word)
    };
    let end = inner
        .match_indices(mark)
        .map(|(end, _)| end)
        .find(|end| closes(*end))?;
    let inside = &inner[..end];
    if mark != '`' && inside.starts_with(char::is_whitespace) {
        return None;
    }
    let deeper = || PreEscaped(inline(inside, reader));
    let markup = match mark {
        '`' => html! { code { (code(inside, reader)) } },
        '*' => html! { b { (deeper()) } },
        '_' => html! { i { (deeper()) } },
        _ => html! { s { (deeper()) } },
    };
    Some((markup, end + 2))
}

/// What stands between `<` and `>`: a mention, a date, a link, or nothing that Slack knows.
fn angle(inner: &str, reader: &Reader) -> Markup {
    let (target, label) = inner
        .split_once('|')
        .map_or((inner, None), |(t, l)| (t, Some(l)));
    if let Some(user) = target.strip_prefix('@') {
        return html! { span.mention { "@" (reader.user(user)) } };
    }
    if let Some(channel) = target.strip_prefix('#') {
        return html! { span.mention { "#" (reader.channel(channel)) } };
    }
    if let Some(group) = target.strip_prefix("!subteam^") {
        return html! { span.mention { "@" (reader.group(group)) } };
    }
    if let Some(date) = target.strip_prefix("!date^") {
        let mut parts = date.splitn(3, '^');
        let seconds = parts.next().and_then(|s| s.parse().ok());
        let shown = seconds.and_then(|s| reader.date(s, parts.next().unwrap_or_default()));
        return html! { time { (shown.or(label.map(str::to_owned)).unwrap_or_default()) } };
    }
    if let Some(all) = target.strip_prefix('!')
        && ["here", "channel", "everyone"].contains(&all)
    {
        return html! { span.mention.loud { "@" (all) } };
    }
    match link(target) {
        true => {
            let target = target.replace("&amp;", "&");
            html! { a href=(target) rel="noopener noreferrer" target="_blank" { (words(label.unwrap_or(&target))) } }
        }
        false => words(&format!("<{inner}>")),
    }
}

/// Whether a link may be followed: nothing but the web and mail, so that no script can hide in it.
pub(super) fn link(url: &str) -> bool {
    ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut group = vec![Group {
            id: "S1".into(),
            handle: "oncall".into(),
            members: vec![],
            disabled: false,
        }];
        let reader = Reader {
            users: vec![User::new("U1", "Ada <b>")],
            groups: std::mem::take(&mut group),
            channels: vec![],
            zone: Tz::Europe__Berlin,
            now: DateTime::from_timestamp(1_795_334_400, 0).unwrap(),
        };
        mrkdwn(text, &reader).0
    }

    #[test]
    fn formats_are_slacks() {
        assert_eq!(
            shown("*bold* _it_ ~no~ `co*d*e`"),
            "<b>bold</b> <i>it</i> <s>no</s> <code>co*d*e</code>"
        );
        assert_eq!(
            shown("2*3*4 snake_case_name * a*"),
            "2*3*4 snake_case_name * a*"
        );
        assert_eq!(shown("a\nb\n> q"), "a<br>b<blockquote>q</blockquote>");
        assert_eq!(shown("x ```a\n*b*```"), "x <pre>a<br>*b*</pre>");
        assert_eq!(
            shown("<!date^1795334400^{date_short_pretty} {time}|f>"),
            "<time>Today 09:00</time>"
        );
        assert_eq!(
            shown("<!subteam^S1>"),
            r#"<span class="mention">@oncall</span>"#
        );
    }

    #[test]
    fn everything_else_is_inert() {
        assert_eq!(
            shown("<@U1>"),
            r#"<span class="mention">@Ada &lt;b&gt;</span>"#
        );
        assert_eq!(
            shown("<script>alert(1)</script>"),
            "&lt;script&gt;alert(1)&lt;/script&gt;"
        );
        assert_eq!(
            shown("<javascript:alert(1)|x>"),
            "&lt;javascript:alert(1)|x&gt;"
        );
        assert_eq!(
            shown("&lt;!channel&gt; &amp;lt;"),
            "&lt;!channel&gt; &amp;lt;"
        );
        let link = shown(r#"<https://e.com/"onx="1|<b>>"#);
        assert!(
            link.starts_with(r#"<a href="https://e.com/&quot;onx=&quot;1""#),
            "{link}"
        );
        assert_eq!(
            shown("`<img src=x>` *<i"),
            "<code>&lt;img src=x&gt;</code> *&lt;i"
        );
    }
}
