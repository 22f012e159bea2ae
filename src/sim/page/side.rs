//! Beside and above the messages: the channels, who one is, and the channel's head.

use maud::{Markup, html};

use super::faces::face;
use super::mrkdwn::Reader;
use super::parts::{Item, Part};
use super::view::HOME;
use super::{Look, Page, address, lock};
use crate::sim::slack::Channel;

/// The channels and the people to be.
pub(super) fn side(page: &Page, look: &Look, reader: &Reader) -> Part {
    let mine = |c: &&Channel| c.im.as_ref().is_none_or(|u| *u == look.user);
    let (direct, open): (Vec<_>, Vec<_>) = reader
        .channels
        .iter()
        .filter(mine)
        .partition(|c| c.im.is_some());
    let app = app_name(page, reader);
    let places = html! {
        h2 { "Channels" }
        ul { @for c in open { li { (channel(page, look, c, &html! { span.hash { "#" } (c.name) })) } } }
        h2 { "Apps" }
        ul {
            li { (place(look, HOME, &html! { span.hash { "⌂" } (app) })) }
            @for c in direct { li { (channel(page, look, c, &html! { span.hash { "@" } (app) })) } }
        }
    };
    let people = html! {
        h2 { "You are" }
        ul.people {
            @for user in &page.people() {
                li {
                    a href=(address(&user.id, &look.channel, look.thread.as_deref())) data-go="1"
                        aria-current=[(user.id == look.user).then_some("true")] {
                        (face(user))
                        span {
                            (user.real_name)
                            @for (_, about) in page.extra.about.iter().filter(|(id, _)| *id == user.id) { small { (about) } }
                        }
                    }
                }
            }
        }
    };
    Part::new(
        "side",
        vec![Item::new("places", places), Item::new("people", people)],
    )
}

fn app_name(page: &Page, reader: &Reader) -> String {
    reader.user(&page.slack.bot_user())
}

fn place(look: &Look, channel: &str, inside: &Markup) -> Markup {
    let here = (look.channel == channel).then_some("page");
    html! { a href=(look.at(channel, None)) data-go="1" aria-current=[here] { (inside) } }
}

/// A channel, with what this person has not seen in it.
fn channel(page: &Page, look: &Look, channel: &Channel, name: &Markup) -> Markup {
    let seen = lock(&page.seen)
        .get(&(look.user.clone(), channel.id.clone()))
        .cloned()
        .unwrap_or_default();
    let messages = page.slack.messages(&channel.id);
    let new = messages
        .iter()
        .filter(|m| m.ts > seen && m.user != look.user);
    let new = match look.channel == channel.id {
        true => 0,
        false => new.count(),
    };
    let inside = html! {
        (name)
        @if new > 0 { span.count { (new) span.unseen { " unread" } } }
    };
    place(look, &channel.id, &inside)
}

/// The head of what is shown.
pub(super) fn head(page: &Page, look: &Look, reader: &Reader) -> Part {
    let channel = reader.channels.iter().find(|c| c.id == look.channel);
    let people = page.people();
    Part::one(
        "head",
        html! {
            @match channel {
                None => h2 { (app_name(page, reader)) } ,
                Some(c) if c.im.is_some() => h2 { (app_name(page, reader)) },
                Some(c) => {
                    h2 { span.hash { "#" } (c.name) }
                    span.members {
                        @for user in &people { (face(user)) }
                        span { (people.len()) " people and " (app_name(page, reader)) }
                    }
                },
            }
        },
    )
}
