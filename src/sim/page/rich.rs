//! `rich_text` and `table` blocks as HTML.

use maud::{Markup, html};
use serde_json::Value;

use super::blocks::{kind, list, string};
use super::mrkdwn::{Reader, link, plain};

/// A rich text block, or one cell of a table.
pub(super) fn rich(block: &Value, reader: &Reader) -> Markup {
    html! { @for part in list(block, "elements") { (paragraph(part, reader)) } }
}

fn paragraph(part: &Value, reader: &Reader) -> Markup {
    let inside = || html! { @for one in list(part, "elements") { (inline(one, reader)) } };
    match kind(part) {
        "rich_text_preformatted" => html! { pre { (inside()) } },
        "rich_text_quote" => html! { blockquote { (inside()) } },
        "rich_text_list" => {
            let items =
                html! { @for item in list(part, "elements") { li { (paragraph(item, reader)) } } };
            if part["style"] == "ordered" {
                html! { ol { (items) } }
            } else {
                html! { ul { (items) } }
            }
        }
        _ => html! { div { (inside()) } },
    }
}

fn inline(one: &Value, reader: &Reader) -> Markup {
    let bare = match kind(one) {
        "link" => {
            let url = string(one, "url");
            let label = Some(string(one, "text"))
                .filter(|t| !t.is_empty())
                .unwrap_or(url);
            if link(url) {
                html! { a href=(url) rel="noopener noreferrer" target="_blank" { (label) } }
            } else {
                plain(label)
            }
        }
        "user" => html! { span.mention { "@" (reader.user(string(one, "user_id"))) } },
        "usergroup" => html! { span.mention { "@" (reader.group(string(one, "usergroup_id"))) } },
        "channel" => html! { span.mention { "#" (reader.channel(string(one, "channel_id"))) } },
        "broadcast" => html! { span.mention.loud { "@" (string(one, "range")) } },
        "emoji" => html! { ":" (string(one, "name")) ":" },
        "date" => {
            let shown = one["timestamp"]
                .as_i64()
                .and_then(|s| reader.date(s, string(one, "format")));
            html! { time { (shown.unwrap_or_else(|| string(one, "fallback").to_owned())) } }
        }
        _ => plain(string(one, "text")),
    };
    styled(&one["style"], bare)
}

fn styled(style: &Value, mut inside: Markup) -> Markup {
    if style["code"] == true {
        inside = html! { code { (inside) } };
    }
    if style["bold"] == true {
        inside = html! { b { (inside) } };
    }
    if style["italic"] == true {
        inside = html! { i { (inside) } };
    }
    if style["strike"] == true {
        inside = html! { s { (inside) } };
    }
    inside
}

/// A table; its first row is the head.
pub(super) fn table(block: &Value, reader: &Reader) -> Markup {
    let right = |column: usize| block["column_settings"][column]["align"] == "right";
    let rows = list(block, "rows");
    html! {
        div.table {
            table {
                @for (n, row) in rows.iter().enumerate() {
                    tr {
                        @for (column, one) in row.as_array().map_or(&[][..], Vec::as_slice).iter().enumerate() {
                            @let class = if right(column) { "right" } else { "" };
                            @if n == 0 { th class=(class) { (cell(one, reader)) } }
                            @else { td class=(class) { (cell(one, reader)) } }
                        }
                    }
                }
            }
        }
    }
}

fn cell(one: &Value, reader: &Reader) -> Markup {
    match kind(one) {
        "rich_text" => rich(one, reader),
        _ => match (&one["text"], &one["value"]) {
            (Value::String(text), _) => plain(text),
            (_, Value::Null) => html! {},
            (_, value) => plain(&value.to_string()),
        },
    }
}
