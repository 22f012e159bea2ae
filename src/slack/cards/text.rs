//! Sentences out of our own words, foreign words, times and mentions.
//!
//! A sentence knows which of its words are foreign. It becomes `mrkdwn` when none is (Slack is known
//! to notify whom such a text mentions) and `rich_text`, where nothing is parsed, when one is. Our
//! own words are `&'static str`, so that a foreign one cannot get among them by accident.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use slack_morphism::prelude::*;

use crate::model::{Actor, ChannelId, Page, UserId};
use crate::slack::inert::{Inert, cut, units};

/// How a word looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Plain,
    Bold,
    Code,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Ours: letters, digits and punctuation that code chose.
    Own(String, Look),
    /// From outside.
    Foreign(Inert, Look),
    /// A moment, with its spelling in the policy's zone.
    Time(DateTime<Utc>, String),
    User(String),
    Group(String),
    Channel(String),
    Page(Page),
}

/// A sentence, or a few lines of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::slack) struct Words(Vec<Part>);

/// How Slack shows a moment in the reader's own zone.
const DATE: &str = "{date_short_pretty} {time}";

impl Words {
    pub(in crate::slack) fn new() -> Self {
        Self::default()
    }

    /// Our own words.
    pub(in crate::slack) fn say(mut self, words: &'static str) -> Self {
        self.0.push(Part::Own(words.to_owned(), Look::Plain));
        self
    }

    /// Our own words, in bold.
    pub(in crate::slack) fn bold(mut self, words: &'static str) -> Self {
        self.0.push(Part::Own(words.to_owned(), Look::Bold));
        self
    }

    /// Something to type.
    pub(in crate::slack) fn code(mut self, words: &'static str) -> Self {
        self.0.push(Part::Own(words.to_owned(), Look::Code));
        self
    }

    /// A command with a number, to type: `audit 12`.
    pub(in crate::slack) fn command(mut self, word: &'static str, id: impl Number) -> Self {
        let text = format!("{word} {id}");
        self.0.push(Part::Own(text, Look::Code));
        self
    }

    /// A number.
    pub(in crate::slack) fn number(mut self, number: impl Number) -> Self {
        self.0.push(Part::Own(number.to_string(), Look::Plain));
        self
    }

    /// A count with its noun: `1 change`, `2 changes`.
    pub(in crate::slack) fn count(self, n: usize, one: &'static str, many: &'static str) -> Self {
        self.number(n).say(" ").say(if n == 1 { one } else { many })
    }

    /// The first digits of a hash; anything else in it is left out.
    pub(in crate::slack) fn hex(mut self, hash: &str, digits: usize) -> Self {
        let mut text: String = hash
            .chars()
            .filter(char::is_ascii_hexdigit)
            .take(digits)
            .collect();
        if text.is_empty() {
            text.push('-');
        }
        self.0.push(Part::Own(text, Look::Plain));
        self
    }

    /// Foreign words.
    pub(in crate::slack) fn foreign(mut self, words: Inert) -> Self {
        self.0.push(Part::Foreign(words, Look::Plain));
        self
    }

    /// Foreign words on one line, cut to `max`.
    pub(in crate::slack) fn quote(self, words: &str, max: usize) -> Self {
        self.foreign(Inert::line(words, max))
    }

    /// A foreign name, in bold.
    pub(in crate::slack) fn name(mut self, name: &str) -> Self {
        self.0
            .push(Part::Foreign(Inert::line(name, 80), Look::Bold));
        self
    }

    /// A foreign title, in bold.
    pub(in crate::slack) fn title(mut self, title: &str) -> Self {
        self.0
            .push(Part::Foreign(Inert::line(title, 150), Look::Bold));
        self
    }

    /// A foreign identifier, as code.
    pub(in crate::slack) fn id(mut self, id: &str) -> Self {
        self.0.push(Part::Foreign(Inert::line(id, 60), Look::Code));
        self
    }

    /// Foreign words in which pairs of backticks mark what to type.
    pub(in crate::slack) fn ticked(mut self, words: &str, max: usize) -> Self {
        let words = Inert::line(words, max);
        let pieces = words.split('`');
        if pieces.iter().any(Inert::is_empty) {
            return self.foreign(words);
        }
        for (i, piece) in pieces.into_iter().enumerate() {
            let look = if i % 2 == 1 { Look::Code } else { Look::Plain };
            self.0.push(Part::Foreign(piece, look));
        }
        self
    }

    /// A moment, shown in the reader's zone, else in the policy's.
    pub(in crate::slack) fn time(mut self, at: DateTime<Utc>, tz: Tz) -> Self {
        self.0.push(Part::Time(at, spelled(at, tz)));
        self
    }

    /// A person, mentioned.
    pub(in crate::slack) fn user(mut self, id: &UserId) -> Self {
        self.0.push(mention(id.as_str()));
        self
    }

    /// A channel, as a link to it.
    pub(in crate::slack) fn channel(mut self, id: &ChannelId) -> Self {
        let is_id = id.as_str().len() <= 30
            && id
                .as_str()
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        self.0.push(match id.as_str().chars().next() {
            Some('C' | 'G' | 'D') if is_id => Part::Channel(id.as_str().to_owned()),
            _ => Part::Foreign(Inert::line(id.as_str(), 60), Look::Plain),
        });
        self
    }

    /// A page of the catalogue's, as a link to it.
    pub(in crate::slack) fn page(mut self, page: &Page) -> Self {
        self.0.push(Part::Page(page.clone()));
        self
    }

    /// Someone of the policy: a user, a user group, a handle, `everyone`.
    pub(in crate::slack) fn role(mut self, entry: &str) -> Self {
        self.0.push(mention(entry));
        self
    }

    /// Whoever did something.
    pub(in crate::slack) fn actor(self, actor: &Actor) -> Self {
        match actor {
            Actor::User { id } => self.user(id),
            Actor::Operator => self.say("the operator's terminal"),
            Actor::Rule { name } => self.say("the rule ").quote(name, 60),
            Actor::Syncgate => self.say("Syncgate"),
        }
    }

    /// Role entries with commas, no more than five of them.
    pub(in crate::slack) fn roles(mut self, entries: &[String]) -> Self {
        const SHOWN: usize = 5;
        for (i, entry) in entries.iter().take(SHOWN).enumerate() {
            self = if i > 0 { self.say(", ") } else { self }.role(entry);
        }
        match entries.len().saturating_sub(SHOWN) {
            0 => self,
            more => self.say(" and ").number(more).say(" more"),
        }
    }

    /// These words, then those.
    pub(in crate::slack) fn then(mut self, more: Words) -> Self {
        self.0.extend(more.0);
        self
    }

    pub(in crate::slack) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Roughly what it adds to a message, in UTF-16 units.
    pub(in crate::slack) fn size(&self) -> usize {
        units(&self.plain())
    }

    /// For dialogs and labels, where nothing is parsed.
    pub(in crate::slack) fn plain(&self) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Own(text, _) => text.clone(),
                Part::Foreign(text, _) => text.as_str().to_owned(),
                Part::Time(_, spelled) => spelled.clone(),
                Part::User(id) | Part::Group(id) => format!("@{id}"),
                Part::Channel(id) => format!("#{id}"),
                Part::Page(page) => page.as_str().to_owned(),
            })
            .collect()
    }

    /// For the message's top-level text: what is to type in quotes, other formatting left out,
    /// mentions kept; as many whole words
    /// as fit into `max`, so that no mention and no entity is cut in two.
    pub(in crate::slack) fn fallback(&self, max: usize) -> String {
        let mut out = String::new();
        for part in &self.0 {
            let piece = match part {
                Part::Own(text, Look::Code) => format!("'{}'", escape(text)),
                Part::Own(text, Look::Plain | Look::Bold) => escape(text),
                Part::Foreign(text, Look::Code) => format!("'{}'", text.mrkdwn()),
                Part::Foreign(text, Look::Plain | Look::Bold) => text.mrkdwn(),
                Part::Time(_, spelled) => spelled.clone(),
                Part::User(id) => format!("<@{id}>"),
                Part::Group(id) => format!("<!subteam^{id}>"),
                Part::Channel(id) => format!("<#{id}>"),
                Part::Page(page) => format!("<{}>", page.as_str()),
            };
            if units(&out) + units(&piece) >= max {
                out.push('…');
                break;
            }
            out.push_str(&piece);
        }
        out
    }

    /// As `mrkdwn`; for words of our own.
    fn mrkdwn(&self) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Own(text, Look::Plain) => escape(text),
                Part::Own(text, Look::Bold) => format!("*{}*", escape(text)),
                Part::Own(text, Look::Code) => format!("`{}`", escape(text)),
                Part::Foreign(text, _) => text.mrkdwn(),
                Part::Time(at, spelled) => {
                    format!("<!date^{}^{DATE}|{spelled}>", at.timestamp())
                }
                Part::User(id) => format!("<@{id}>"),
                Part::Group(id) => format!("<!subteam^{id}>"),
                Part::Channel(id) => format!("<#{id}>"),
                Part::Page(page) => format!("<{}>", page.as_str()),
            })
            .collect()
    }

    fn is_own(&self) -> bool {
        !self.0.iter().any(|part| matches!(part, Part::Foreign(..)))
    }

    /// As a block of its own.
    pub(in crate::slack) fn block(&self) -> SlackBlock {
        if self.is_own() {
            return SlackSectionBlock::new()
                .with_text(self.verbatim().into())
                .into();
        }
        self.rich().into()
    }

    /// As `rich_text`, whatever the words.
    pub(in crate::slack) fn rich(&self) -> SlackRichTextBlock {
        let mut elements: Vec<SlackRichTextInlineElement> = Vec::new();
        for part in &self.0 {
            let next = element(part);
            match (elements.last_mut(), next) {
                // Neighbours that look the same are one element: a long card stays light.
                (
                    Some(SlackRichTextInlineElement::Text(last)),
                    SlackRichTextInlineElement::Text(next),
                ) if last.style == next.style => last.text.push_str(&next.text),
                (_, SlackRichTextInlineElement::Text(next)) if next.text.is_empty() => {}
                (_, next) => elements.push(next),
            }
        }
        SlackRichTextBlock::new(vec![SlackRichTextSection::new(elements).into()])
    }

    /// As the small print at the foot of a message; for words of our own, else as a block.
    pub(in crate::slack) fn context(&self) -> SlackBlock {
        if self.is_own() {
            SlackContextBlock::new(vec![self.verbatim().into()]).into()
        } else {
            self.rich().into()
        }
    }

    fn verbatim(&self) -> SlackBlockMarkDownText {
        SlackBlockMarkDownText::new(self.mrkdwn()).with_verbatim(true)
    }
}

/// What may be shown as a number: never a text that only looks like one.
pub(in crate::slack) trait Number: Display {}
impl Number for usize {}
impl Number for u32 {}
impl Number for i64 {}
impl Number for crate::model::ProposalId {}
impl Number for crate::model::IncidentId {}

fn element(part: &Part) -> SlackRichTextInlineElement {
    match part {
        Part::Own(text, look) => styled(text, *look),
        Part::Foreign(text, look) => styled(text.as_str(), *look),
        Part::Time(at, spelled) => match slack_time(*at) {
            Some(timestamp) => SlackRichTextInlineElement::Date(
                SlackRichTextDate::new(timestamp, DATE.to_owned()).with_fallback(spelled.clone()),
            ),
            None => spelled.as_str().into(),
        },
        Part::User(id) => {
            SlackRichTextInlineElement::User(SlackRichTextUser::new(SlackUserId(id.clone())))
        }
        Part::Group(id) => SlackRichTextInlineElement::UserGroup(SlackRichTextUserGroup::new(
            SlackUserGroupId(id.clone()),
        )),
        Part::Channel(id) => SlackRichTextInlineElement::Channel(SlackRichTextChannel::new(
            SlackChannelId(id.clone()),
        )),
        Part::Page(page) => {
            SlackRichTextLink::new(SlackRelaxedUrl(page.as_str().to_owned())).into()
        }
    }
}

fn styled(text: &str, look: Look) -> SlackRichTextInlineElement {
    let text = SlackRichTextText::new(text.to_owned());
    match look {
        Look::Plain => text,
        Look::Bold => text.bold(),
        Look::Code => text.code(),
    }
    .into()
}

/// Only what looks like an id of Slack's becomes a mention; the policy's other words are text.
fn mention(entry: &str) -> Part {
    let entry = entry.trim();
    let is_id = entry.len() >= 3
        && entry
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    match entry.chars().next() {
        Some('U' | 'W') if is_id => Part::User(cut(entry, 30)),
        Some('S') if is_id => Part::Group(cut(entry, 30)),
        _ => Part::Foreign(Inert::line(entry, 60), Look::Plain),
    }
}

/// A moment in the policy's zone: `22 Nov 14:00 CET`.
pub(in crate::slack) fn spelled(at: DateTime<Utc>, tz: Tz) -> String {
    at.with_timezone(&tz).format("%-d %b %H:%M %Z").to_string()
}

/// slack-morphism's dates are another crate's; a message's timestamp is the bridge.
pub(in crate::slack) fn slack_time(at: DateTime<Utc>) -> Option<SlackDateTime> {
    SlackTs(format!("{}.000000", at.timestamp()))
        .to_date_time_opt()
        .map(SlackDateTime)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
