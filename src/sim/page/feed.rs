//! The channel: messages, what one person alone sees, and the open thread.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use maud::{Markup, html};

use super::blocks::{Place, Scene, blocks, hidden};
use super::faces::{bubble, eye, face};
use super::mrkdwn::{Reader, mrkdwn};
use super::parts::{Item, Part};
use super::{Look, Page, view};
use crate::sim::slack::{Ephemeral, Message, User};

/// The channel shows so many of its last messages.
const SHOWN: usize = 200;

/// What stands in the channel, oldest first, with a line where a day begins.
pub(super) fn messages(page: &Page, look: &Look, reader: &Reader) -> Part {
    if look.channel == view::HOME {
        return Part::one("messages", view::home(page, look, reader));
    }
    let here = Here::new(page, look, reader);
    // A reply whose first message was deleted stands for itself.
    let mut all = here.notes(|thread| thread.is_none_or(|ts| here.parent(ts).is_none()));
    all.drain(..all.len().saturating_sub(SHOWN));
    let mut items = Vec::with_capacity(all.len() + 1);
    let mut day = None;
    for note in &all {
        let today = reader.day(note.ts());
        if today != day {
            day = today;
            items.extend(today.map(|day| Item::new(format!("day-{day}"), divider(day, reader))));
        }
        let below = match note {
            Note::All(message) => here.replies(message),
            Note::Own(_) => html! {},
        };
        items.push(here.item(note, &below));
    }
    if items.is_empty() {
        items.push(Item::new(
            "empty",
            html! { p.soft { "Nothing here yet. Type " code { (page.slack.command_name()) " help" } } },
        ));
    }
    Part::new("messages", items)
}

/// The open thread: its first message, the replies, and a box for one more.
pub(super) fn thread(page: &Page, look: &Look, reader: &Reader) -> Part {
    let here = Here::new(page, look, reader);
    let Some(first) = look.thread.as_deref().and_then(|ts| here.parent(ts)) else {
        return Part::new("thread", Vec::new());
    };
    let ts = first.ts.as_str();
    let head = html! {
        header {
            h2 { "Thread" }
            a.close href=(look.at(&look.channel, None)) data-go="1" aria-label="Close the thread" { "×" }
        }
    };
    let mut items = vec![
        Item::new("thread-head", head),
        here.item(&Note::All(first), &html! {}),
    ];
    let replies = here.notes(|thread| thread == Some(ts));
    if !replies.is_empty() {
        let line = html! { div.divider { span { (count(replies.len())) } } };
        items.push(Item::new("thread-count", line));
    }
    items.extend(replies.iter().map(|note| here.item(note, &html! {})));
    let bot = page.bot_name();
    let reply = html! {
        form.type method="post" action="/page/type" data-clear="1" {
            (hidden("user", &look.user)) (hidden("back", &look.channel)) (hidden("thread", ts))
            input name="text" autocomplete="off" placeholder={ "Reply, or @" (bot) " status" } aria-label="Reply in the thread";
            button.primary { "Reply" }
        }
    };
    items.push(Item::new(format!("thread-reply-{ts}"), reply));
    Part::new("thread", items)
}

/// The box to type in.
pub(super) fn composer(page: &Page, look: &Look) -> Part {
    if look.channel == view::HOME {
        return Part::new("composer", Vec::new());
    }
    let command = page.slack.command_name();
    let box_to_type = html! {
        form.type method="post" action="/page/type" data-clear="1" {
            (hidden("user", &look.user)) (hidden("back", &look.channel))
            input #text name="text" autocomplete="off" placeholder={ "Message, or " (command) " help" }
                aria-label="Message or command" role="combobox" aria-expanded="false" aria-controls="commands"
                aria-autocomplete="list" autofocus;
            button.primary { "Send" }
        }
    };
    Part::new(
        "composer",
        vec![Item::new(format!("composer-{}", look.channel), box_to_type)],
    )
}

fn count(replies: usize) -> String {
    match replies {
        1 => "1 reply".to_owned(),
        n => format!("{n} replies"),
    }
}

/// The line where a day begins.
fn divider(day: NaiveDate, reader: &Reader) -> Markup {
    html! { div.divider role="separator" { span { (reader.named_day(day)) } } }
}

/// A message to all, or to the reader alone.
enum Note<'a> {
    All(&'a Message),
    Own(&'a Ephemeral),
}

impl Note<'_> {
    fn ts(&self) -> &str {
        match self {
            Self::All(message) => &message.ts,
            Self::Own(ephemeral) => &ephemeral.ts,
        }
    }
}

struct Here<'a> {
    page: &'a Page,
    look: &'a Look,
    reader: &'a Reader,
    bot: String,
    messages: Vec<Message>,
    own: Vec<Ephemeral>,
}

impl<'a> Here<'a> {
    fn new(page: &'a Page, look: &'a Look, reader: &'a Reader) -> Self {
        let mut own = page.slack.ephemerals(&look.user);
        own.retain(|e| e.channel == look.channel);
        Self {
            page,
            look,
            reader,
            bot: page.slack.bot_user(),
            messages: page.slack.messages(&look.channel),
            own,
        }
    }

    /// The first message of a thread.
    fn parent(&self, ts: &str) -> Option<&Message> {
        self.messages.iter().find(|m| m.ts == ts)
    }

    /// All whose thread is wanted, oldest first.
    fn notes(&self, wanted: impl Fn(Option<&str>) -> bool) -> Vec<Note<'_>> {
        let all = self.messages.iter();
        let all = all
            .filter(|m| wanted(m.thread_ts.as_deref()))
            .map(Note::All);
        let own = self.own.iter();
        let own = own
            .filter(|e| wanted(e.thread_ts.as_deref()))
            .map(Note::Own);
        let mut notes: Vec<_> = all.chain(own).collect();
        notes.sort_by(|a, b| a.ts().cmp(b.ts()));
        notes
    }

    fn item(&self, note: &Note<'_>, below: &Markup) -> Item {
        let html = match note {
            Note::All(message) => self.frame(message, false, below),
            Note::Own(ephemeral) => {
                let message = Message {
                    user: self.bot.clone(),
                    ..ephemeral.as_message()
                };
                self.frame(&message, true, below)
            }
        };
        Item::new(format!("m{}", note.ts()), html)
    }

    fn frame(&self, message: &Message, only: bool, below: &Markup) -> Markup {
        let author = self.author(&message.user);
        let scene = Scene {
            reader: self.reader,
            page: self.page,
            user: &self.look.user,
            back: &self.look.channel,
            place: Place::Message {
                channel: message.channel.clone(),
                ts: message.ts.clone(),
            },
            form: "",
            errors: None,
        };
        html! {
            article.message.only[only] aria-label={ "From " (author.real_name) } {
                @if only { p.private { (eye()) " Only visible to you" } }
                (face(&author))
                div.body {
                    div.line {
                        b.who { (author.real_name) }
                        @if author.is_bot { span.badge { "APP" } }
                        time.at { (self.reader.clock(&message.ts)) }
                    }
                    @if message.blocks.is_empty() { div.text { (mrkdwn(&message.text, self.reader)) } }
                    @else { (blocks(&message.blocks, &scene)) }
                    @if message.marked_edited { span.edited { "(edited)" } }
                    (below)
                }
            }
        }
    }

    fn author(&self, id: &str) -> User {
        let found = self.reader.users.iter().find(|u| u.id == id);
        found.cloned().unwrap_or_else(|| User::new(id, id))
    }

    /// The way into a message's thread.
    fn replies(&self, message: &Message) -> Markup {
        let replies = self.notes(|thread| thread == Some(&message.ts));
        let open = self.look.thread.as_deref() == Some(&message.ts);
        let authors: BTreeSet<&str> = replies
            .iter()
            .map(|note| match note {
                Note::All(reply) => reply.user.as_str(),
                Note::Own(_) => self.bot.as_str(),
            })
            .collect();
        let last = replies.last().map(|note| self.reader.clock(note.ts()));
        html! {
            a.replies.none[replies.is_empty()] href=(self.look.at(&self.look.channel, Some(&message.ts))) data-go="1"
                aria-current=[open.then_some("true")] {
                @if replies.is_empty() { (bubble()) " Reply in thread" }
                @else {
                    @for author in authors.iter().take(4) { (face(&self.author(author))) }
                    b { (count(replies.len())) }
                    @if let Some(last) = last { small { "Last reply at " (last) } }
                }
            }
        }
    }
}

/// When a message was written, by its address.
fn written(ts: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(ts.split('.').next()?.parse().ok()?, 0)
}

impl Reader {
    /// The time of day of a message.
    fn clock(&self, ts: &str) -> String {
        let at = written(ts).map(|at| at.with_timezone(&self.zone));
        at.map(|at| at.format("%H:%M").to_string())
            .unwrap_or_default()
    }

    fn day(&self, ts: &str) -> Option<NaiveDate> {
        written(ts).map(|at| at.with_timezone(&self.zone).date_naive())
    }

    /// A day as it is spoken of.
    fn named_day(&self, day: NaiveDate) -> String {
        let today = self.now.with_timezone(&self.zone).date_naive();
        match (today - day).num_days() {
            0 => "Today".to_owned(),
            1 => "Yesterday".to_owned(),
            _ => day.format("%A, %-d %B").to_string(),
        }
    }
}
