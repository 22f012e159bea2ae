//! Block Kit as HTML.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::Value;

use super::inputs::Field;
use super::mrkdwn::{Reader, link, mrkdwn, plain};
use super::rich::{rich, table};
use super::{Page, files};

/// What an element that is clicked belongs to, as hidden fields of its form.
pub(super) enum Place {
    /// A message or an ephemeral.
    Message { channel: String, ts: String },
    /// A modal or the home tab.
    View { id: String },
}

/// Who looks at what.
pub(super) struct Scene<'a> {
    pub reader: &'a Reader,
    pub page: &'a Page,
    pub user: &'a str,
    /// The channel that the page shows, to come back to.
    pub back: &'a str,
    pub place: Place,
    /// The id of the form to which inputs belong.
    pub form: &'a str,
    /// What is wrong with them, by block id.
    pub errors: Option<&'a BTreeMap<String, String>>,
}

pub(super) fn kind(value: &Value) -> &str {
    value["type"].as_str().unwrap_or_default()
}

pub(super) fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of[key].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn string<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or_default()
}

/// A text object.
pub(super) fn text(object: &Value, reader: &Reader) -> Markup {
    let words = string(object, "text");
    if kind(object) == "mrkdwn" {
        mrkdwn(words, reader)
    } else {
        plain(words)
    }
}

/// All blocks, one below the other.
pub(super) fn blocks(all: &[Value], scene: &Scene<'_>) -> Markup {
    html! { @for one in all { (block(one, scene)) } }
}

fn block(block: &Value, scene: &Scene<'_>) -> Markup {
    let reader = scene.reader;
    match kind(block) {
        "header" => html! { h3 { (text(&block["text"], reader)) } },
        "section" => section(block, scene),
        "context" => html! {
            div.context {
                @for one in list(block, "elements") {
                    @if kind(one) == "image" { (image(one, scene)) } @else { span { (text(one, reader)) } }
                }
            }
        },
        "divider" => html! { hr; },
        "actions" => {
            html! { div.actions { @for one in list(block, "elements") { (element(one, scene)) } } }
        }
        "image" => figure(block, scene),
        "input" => input(block, scene),
        "rich_text" => html! { div.rich { (rich(block, reader)) } },
        "table" => table(block, reader),
        "markdown" => html! { div { (plain(string(block, "text"))) } },
        other => html! { div.context { "(a block of type " (other) ")" } },
    }
}

fn input(block: &Value, scene: &Scene<'_>) -> Markup {
    let (name, optional) = (string(block, "block_id"), block["optional"] == true);
    let error = scene.errors.and_then(|errors| errors.get(name));
    let field = Field {
        name,
        id: &format!("in-{name}"),
        required: !optional,
        wrong: error.is_some(),
        form: scene.form,
    };
    html! {
        div.input role="group" aria-label=(string(&block["label"], "text")) {
            label for={ "in-" (name) } { (text(&block["label"], scene.reader)) @if optional { small { " (optional)" } } }
            (field.show(&block["element"], scene.reader))
            @if let Some(error) = error { span.error id={ "in-" (name) "-error" } role="alert" { (error) } }
            @if block["hint"].is_object() { small { (text(&block["hint"], scene.reader)) } }
        }
    }
}

fn section(block: &Value, scene: &Scene<'_>) -> Markup {
    html! {
        div.section {
            div {
                @if block["text"].is_object() { div { (text(&block["text"], scene.reader)) } }
                @if !list(block, "fields").is_empty() {
                    div.fields { @for one in list(block, "fields") { div { (text(one, scene.reader)) } } }
                }
            }
            @if block["accessory"].is_object() { div { (element(&block["accessory"], scene)) } }
        }
    }
}

fn figure(block: &Value, scene: &Scene<'_>) -> Markup {
    let title = string(&block["title"], "text");
    html! {
        figure {
            @if !title.is_empty() { figcaption { (plain(title)) } }
            (image(block, scene))
        }
    }
}

/// A picture that was uploaded, or one by its address; its words while it is not there.
fn image(image: &Value, scene: &Scene<'_>) -> Markup {
    let (url, alt) = (string(image, "image_url"), string(image, "alt_text"));
    let uploaded = files::named(image).filter(|id| files::find(&scene.page.slack, id).is_some());
    html! {
        @if let Some(id) = uploaded { img src={ "/page/file/" (id) } alt=(alt); }
        @else if link(url) { img src=(url) alt=(alt); }
        @else { span.alt { "Picture: " (alt) } }
    }
}

fn element(one: &Value, scene: &Scene<'_>) -> Markup {
    match kind(one) {
        "button" => button(one, scene),
        "image" => image(one, scene),
        "static_select" | "overflow" | "radio_buttons" => menu(one, scene),
        other => html! { span.context { "(an element of type " (other) ")" } },
    }
}

/// The form around one element; pressing it delivers the click.
fn form(one: &Value, scene: &Scene<'_>, inside: &Markup) -> Markup {
    let confirm = &one["confirm"];
    let words = |key: &str| Some(string(&confirm[key], "text")).filter(|t| !t.is_empty());
    html! {
        form method="post" action="/page/click" data-title=[words("title")] data-text=[words("text")]
            data-confirm=[words("confirm")] data-deny=[words("deny")] data-style=[confirm["style"].as_str()] {
            (hidden("user", scene.user))
            (hidden("back", scene.back))
            (hidden("action_id", string(one, "action_id")))
            @match &scene.place {
                Place::Message { channel, ts } => { (hidden("channel", channel)) (hidden("ts", ts)) }
                Place::View { id } => (hidden("view", id)),
            }
            (inside)
        }
    }
}

pub(super) fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

fn button(one: &Value, scene: &Scene<'_>) -> Markup {
    let url = string(one, "url");
    let label = plain(string(&one["text"], "text"));
    if link(url) {
        return html! { a.button href=(url) rel="noopener noreferrer" target="_blank" { (label) } };
    }
    let style = match string(one, "style") {
        "primary" => "primary",
        "danger" => "danger",
        _ => "",
    };
    let value = one["value"].as_str();
    let named = Some(string(one, "accessibility_label")).filter(|l| !l.is_empty());
    let inside = html! {
        @if let Some(value) = value { (hidden("value", value)) }
        button class=(style) aria-label=[named] { (label) }
    };
    form(one, scene, &inside)
}

fn menu(one: &Value, scene: &Scene<'_>) -> Markup {
    let placeholder = Some(string(&one["placeholder"], "text"))
        .filter(|p| !p.is_empty())
        .unwrap_or("Choose…");
    let inside = html! {
        select name="option" data-send="1" aria-label=(placeholder) {
            @if one["initial_option"].is_null() { option value="" { (placeholder) } }
            (options(one))
        }
        noscript { button { "OK" } }
    };
    form(one, scene, &inside)
}

/// The options of a menu, in their groups.
pub(super) fn options(one: &Value) -> Markup {
    let option = |o: &Value| {
        html! {
            option value=(string(o, "value")) selected[*o == one["initial_option"]] { (string(&o["text"], "text")) }
        }
    };
    html! {
        @for group in list(one, "option_groups") {
            optgroup label=(string(&group["label"], "text")) { @for o in list(group, "options") { (option(o)) } }
        }
        @for o in list(one, "options") { (option(o)) }
    }
}
