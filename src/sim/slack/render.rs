//! Messages and modals as compact plain text, for inline snapshots.

use serde_json::Value;

use super::limits::kind;
use super::state::{Message, View};

/// A message as plain text: its blocks, or its text when it has none.
pub fn plain(message: &Message) -> String {
    if message.blocks.is_empty() {
        dates(&message.text)
    } else {
        plain_blocks(&message.blocks)
    }
}

/// A modal as plain text: title, blocks, field errors, buttons.
pub fn plain_view(view: &View) -> String {
    let mut out = format!(
        "[[ {} ]]\n{}",
        text_of(&view.view, "title"),
        plain_blocks(&list(&view.view, "blocks"))
    );
    for (block, error) in &view.errors {
        out.push_str(&format!("\n! {block}: {error}"));
    }
    let submit = text_of(&view.view, "submit");
    let close = text_of(&view.view, "close");
    let buttons = [submit, close]
        .into_iter()
        .filter(|b| !b.is_empty())
        .map(|b| format!("[{b}]"));
    let buttons = buttons.collect::<Vec<_>>().join(" ");
    if buttons.is_empty() {
        out
    } else {
        format!("{out}\n{buttons}")
    }
}

/// Blocks as plain text, one or more lines each.
pub fn plain_blocks(blocks: &[Value]) -> String {
    blocks
        .iter()
        .map(block)
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

fn list(of: &Value, key: &str) -> Vec<Value> {
    of.get(key)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn string<'a>(of: &'a Value, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The words of a text object.
fn text_of(of: &Value, key: &str) -> String {
    of.get(key)
        .map(|object| dates(string(object, "text")))
        .unwrap_or_default()
}

fn join(parts: impl IntoIterator<Item = String>, with: &str) -> String {
    parts
        .into_iter()
        .filter(|p| !p.is_empty())
        .collect::<Vec<_>>()
        .join(with)
}

fn block(block: &Value) -> String {
    match kind(block) {
        "header" => format!("# {}", text_of(block, "text")),
        "section" => section(block),
        "context" => format!(
            "~ {}",
            join(list(block, "elements").iter().map(context_element), " · ")
        ),
        "divider" => "---".into(),
        "actions" => join(list(block, "elements").iter().map(element), " "),
        "image" => format!("(image: {})", string(block, "alt_text")),
        "input" => input(block),
        "rich_text" => join(list(block, "elements").iter().map(rich_part), "\n"),
        "table" => join(list(block, "rows").iter().map(row), "\n"),
        "markdown" => string(block, "text").to_owned(),
        other => format!("({other})"),
    }
}

fn section(block: &Value) -> String {
    let fields = list(block, "fields");
    let fields = join(
        fields
            .iter()
            .map(|f| dates(string(f, "text")).replace('\n', " ")),
        " | ",
    );
    let accessory = block.get("accessory").map(element).unwrap_or_default();
    join(
        [join([text_of(block, "text"), accessory], "  "), fields],
        "\n",
    )
}

fn context_element(one: &Value) -> String {
    if kind(one) == "image" {
        format!("(image: {})", string(one, "alt_text"))
    } else {
        dates(string(one, "text"))
    }
}

fn element(one: &Value) -> String {
    match kind(one) {
        "button" => format!("[{}]", text_of(one, "text")),
        "overflow" => format!("[… {}]", options(one)),
        "image" => context_element(one),
        _ => value(one),
    }
}

fn input(block: &Value) -> String {
    let optional = if block.get("optional").and_then(Value::as_bool) == Some(true) {
        " (optional)"
    } else {
        ""
    };
    let element = block.get("element").map(value).unwrap_or_default();
    let hint = text_of(block, "hint");
    let hint = if hint.is_empty() {
        hint
    } else {
        format!("  ({hint})")
    };
    format!("{}{optional}: {element}{hint}", text_of(block, "label"))
}

fn options(one: &Value) -> String {
    join(
        list(one, "options").iter().map(|o| text_of(o, "text")),
        " / ",
    )
}

/// What an input shows before it is touched.
fn value(one: &Value) -> String {
    match kind(one) {
        "checkboxes" | "radio_buttons" => {
            let mut initial = list(one, "initial_options");
            initial.extend(one.get("initial_option").cloned());
            let tick = |o: &Value| if initial.contains(o) { "(x)" } else { "( )" };
            join(
                list(one, "options")
                    .iter()
                    .map(|o| format!("{} {}", tick(o), text_of(o, "text"))),
                " ",
            )
        }
        "static_select" | "multi_static_select" => {
            let mut initial = list(one, "initial_options");
            initial.extend(one.get("initial_option").cloned());
            let chosen = join(initial.iter().map(|o| text_of(o, "text")), ", ");
            let shown = if chosen.is_empty() {
                text_of(one, "placeholder")
            } else {
                chosen
            };
            format!("<{shown} of {}>", options(one))
        }
        _ => {
            let initial = [
                "initial_value",
                "initial_time",
                "initial_date",
                "initial_date_time",
                "initial_user",
            ];
            let found = initial.iter().find_map(|key| one.get(*key));
            match found {
                Some(Value::String(text)) => format!("<{text}>"),
                Some(other) => format!("<{other}>"),
                None => format!("<{}>", text_of(one, "placeholder")),
            }
        }
    }
}

fn row(row: &Value) -> String {
    let cell = |c: &Value| match kind(c) {
        "rich_text" => join(list(c, "elements").iter().map(rich_part), " "),
        _ => c
            .get("text")
            .or_else(|| c.get("value"))
            .map(scalar)
            .unwrap_or_default(),
    };
    row.as_array()
        .map(|cells| cells.iter().map(cell).collect::<Vec<_>>().join(" | "))
        .unwrap_or_default()
}

fn scalar(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn rich_part(part: &Value) -> String {
    let elements = list(part, "elements");
    let inline = || elements.iter().map(rich_inline).collect::<String>();
    let prefixed = |prefix: &str| join(inline().lines().map(|l| format!("{prefix}{l}")), "\n");
    match kind(part) {
        "rich_text_list" => join(
            elements.iter().map(|item| format!("• {}", rich_part(item))),
            "\n",
        ),
        "rich_text_preformatted" => prefixed("| "),
        "rich_text_quote" => prefixed("> "),
        _ => inline(),
    }
}

fn rich_inline(one: &Value) -> String {
    match kind(one) {
        "link" => match string(one, "text") {
            "" => string(one, "url").to_owned(),
            text => format!("{text} ({})", string(one, "url")),
        },
        "user" => format!("<@{}>", string(one, "user_id")),
        "usergroup" => format!("<!subteam^{}>", string(one, "usergroup_id")),
        "channel" => format!("<#{}>", string(one, "channel_id")),
        "emoji" => format!(":{}:", string(one, "name")),
        "broadcast" => format!("<!{}>", string(one, "range")),
        "date" => match string(one, "fallback") {
            "" => scalar(&one["timestamp"]),
            fallback => fallback.to_owned(),
        },
        _ => string(one, "text").to_owned(),
    }
}

/// Shows `<!date^…|fallback>` as its fallback: what a reader sees depends on his zone, the fallback does not.
fn dates(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!date^") {
        out.push_str(before);
        let (token, behind) = after.split_once('>').unwrap_or((after, ""));
        out.push_str(
            token
                .split_once('|')
                .map_or(token, |(_, fallback)| fallback),
        );
        rest = behind;
    }
    out.push_str(rest);
    out
}
