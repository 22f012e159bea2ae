//! The channel: messages with their threads, what one person alone sees, the open modal, and the frame.

use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, html};

use super::blocks::{Place, Scene, blocks, hidden, list, string};
use super::mrkdwn::{Reader, mrkdwn};
use super::{Look, Page};
use crate::sim::slack::{Ephemeral, Message};

/// The name under which the home tab stands among the channels.
pub(super) const HOME: &str = "home";

/// The whole page.
pub(super) fn whole(page: &Page, look: &Look) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (page.extra.title) }
                link rel="stylesheet" href="/page/style.css";
                link rel="icon" href="data:,";
            }
            body {
                (top(page, look))
                div.layout {
                    main { div #feed aria-live="polite" { (feed(page, look)) } (box_to_type(look)) }
                    aside #panel { ((page.extra.panel)()) }
                }
                div #modal { (modal(page, look)) }
                dialog #ask {
                    form method="dialog" {
                        h2 {} p {}
                        div.ends { button value="no" { "Cancel" } button.primary value="yes" { "OK" } }
                    }
                }
                script src="/page/script.js" {}
            }
        }
    }
}

fn top(page: &Page, look: &Look) -> Markup {
    let people = page
        .slack
        .users()
        .into_iter()
        .filter(|u| !u.is_bot && !u.deleted);
    let channels = page
        .slack
        .channels()
        .into_iter()
        .filter(|c| c.im.as_ref().is_none_or(|u| *u == look.user));
    html! {
        header {
            h1 { (page.extra.title) }
            form method="get" action="/" {
                label { "Channel " select name="channel" data-go="1" {
                    @for c in channels {
                        @let name = if c.im.is_some() { "direct message".into() } else { format!("#{}", c.name) };
                        option value=(c.id) selected[c.id == look.channel] { (name) }
                    }
                    option value=(HOME) selected[look.channel == HOME] { "Home tab" }
                } }
                label { "You are " select name="user" data-go="1" {
                    @for u in people { option value=(u.id) selected[u.id == look.user] { (u.real_name) } }
                } }
                noscript { button { "Go" } }
            }
        }
    }
}

fn box_to_type(look: &Look) -> Markup {
    html! {
        @if look.channel != HOME {
            form.type method="post" action="/page/type" data-clear="1" {
                (hidden("user", &look.user)) (hidden("back", &look.channel))
                input name="text" autocomplete="off" placeholder="/syncgate help" aria-label="Message or command" autofocus;
                button.primary { "Send" }
            }
        }
    }
}

/// What stands in the channel, oldest first.
pub(super) fn feed(page: &Page, look: &Look) -> Markup {
    let reader = page.reader(&look.user);
    if look.channel == HOME {
        return home(page, look, &reader);
    }
    let here = Here {
        look,
        reader: &reader,
        bot: page.slack.bot_user(),
        messages: page.slack.messages(&look.channel),
    };
    let mut own = page.slack.ephemerals(&look.user);
    own.retain(|e| e.channel == look.channel);
    let parent = |thread: &Option<String>| {
        thread
            .as_ref()
            .is_some_and(|t| here.messages.iter().any(|m| m.ts == *t))
    };
    // A reply whose first message was deleted stands for itself.
    let mut items: Vec<Item<'_>> = here
        .messages
        .iter()
        .filter(|m| !parent(&m.thread_ts))
        .map(Item::All)
        .collect();
    items.extend(own.iter().filter(|e| !parent(&e.thread_ts)).map(Item::Own));
    items.sort_by_key(|item| item.ts().to_owned());
    html! {
        @if items.is_empty() { p.soft { "Nothing here yet." } }
        @for item in items {
            @match item {
                Item::Own(ephemeral) => (here.own(ephemeral)),
                Item::All(message) => (here.message(message, &own)),
            }
        }
    }
}

enum Item<'a> {
    All(&'a Message),
    Own(&'a Ephemeral),
}

impl Item<'_> {
    fn ts(&self) -> &str {
        match self {
            Item::All(message) => &message.ts,
            Item::Own(ephemeral) => &ephemeral.ts,
        }
    }
}

struct Here<'a> {
    look: &'a Look,
    reader: &'a Reader,
    bot: String,
    messages: Vec<Message>,
}

impl Here<'_> {
    /// A message with its thread below.
    fn message(&self, message: &Message, own: &[Ephemeral]) -> Markup {
        let replies = self
            .messages
            .iter()
            .filter(|m| m.thread_ts.as_deref() == Some(&message.ts))
            .map(Item::All);
        let own = own
            .iter()
            .filter(|e| e.thread_ts.as_deref() == Some(&message.ts))
            .map(Item::Own);
        let mut thread: Vec<_> = replies.chain(own).collect();
        thread.sort_by_key(|item| item.ts().to_owned());
        let below = html! {
            @if !thread.is_empty() {
                div.thread {
                    @for item in &thread {
                        @match item {
                            Item::All(reply) => (self.frame(reply, false, &html! {})),
                            Item::Own(ephemeral) => (self.own(ephemeral)),
                        }
                    }
                }
            }
            (self.reply(&message.ts))
        };
        self.frame(message, false, &below)
    }

    fn own(&self, ephemeral: &Ephemeral) -> Markup {
        let message = Message {
            user: self.bot.clone(),
            ..ephemeral.as_message()
        };
        self.frame(&message, true, &html! {})
    }

    fn frame(&self, message: &Message, only: bool, below: &Markup) -> Markup {
        let name = self.reader.user(&message.user);
        let at = clock(&message.ts).map(|at| {
            at.with_timezone(&self.reader.zone)
                .format("%H:%M")
                .to_string()
        });
        let scene = Scene {
            reader: self.reader,
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
            article.message id={ "m" (message.ts) } {
                div.face aria-hidden="true" { (name.chars().take(1).collect::<String>()) }
                div.body {
                    span.who { (name) } " "
                    @if message.user == self.bot { small { "APP " } }
                    span.at { (at.unwrap_or_default()) @if message.marked_edited { " (edited)" } }
                    @if only { " " small { "Only visible to you" } }
                    div class=(if only { "only" } else { "" }) {
                        @if message.blocks.is_empty() { (mrkdwn(&message.text, self.reader)) }
                        @else { (blocks(&message.blocks, &scene)) }
                    }
                    (below)
                }
            }
        }
    }

    fn reply(&self, ts: &str) -> Markup {
        html! {
            details {
                summary.soft { "Reply in thread" }
                form.reply method="post" action="/page/type" data-clear="1" {
                    (hidden("user", &self.look.user)) (hidden("back", &self.look.channel)) (hidden("thread", ts))
                    input name="text" autocomplete="off" placeholder="@syncgate status" aria-label="Reply";
                    " " button { "Reply" }
                }
            }
        }
    }
}

fn clock(ts: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(ts.split('.').next()?.parse().ok()?, 0)
}

fn home(page: &Page, look: &Look, reader: &Reader) -> Markup {
    let Some(view) = page.slack.home(&look.user) else {
        return html! { p.soft { "The home tab is empty." } };
    };
    let place = Place::View {
        id: view.id.clone(),
    };
    let scene = Scene {
        reader,
        user: &look.user,
        back: HOME,
        place,
        form: "",
        errors: None,
    };
    blocks(list(&view.view, "blocks"), &scene)
}

/// The topmost modal.
pub(super) fn modal(page: &Page, look: &Look) -> Markup {
    let Some(view) = page.slack.views(&look.user).pop() else {
        return html! {};
    };
    let reader = page.reader(&look.user);
    let form = format!("form-{}", view.id);
    let scene = Scene {
        reader: &reader,
        user: &look.user,
        back: &look.channel,
        place: Place::View {
            id: view.id.clone(),
        },
        form: &form,
        errors: Some(&view.errors),
    };
    let label = |key: &str, otherwise: &str| {
        let given = string(&view.view[key], "text");
        if given.is_empty() {
            otherwise.to_owned()
        } else {
            given.to_owned()
        }
    };
    let hidden_fields = html! {
        (hidden("user", &look.user)) (hidden("back", &look.channel)) (hidden("view", &view.id))
    };
    html! {
        div.modal {
            div.sheet role="dialog" aria-modal="true" data-view=(view.id) {
                h2 { (label("title", "")) }
                (blocks(list(&view.view, "blocks"), &scene))
                div.ends {
                    form method="post" action="/page/close" { (hidden_fields) button { (label("close", "Cancel")) } }
                    form id=(form) method="post" action="/page/submit" {
                        (hidden_fields)
                        @if view.view["submit"].is_object() { button.primary { (label("submit", "Submit")) } }
                    }
                }
            }
        }
    }
}
