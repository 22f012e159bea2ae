//! A message as a person reads it, in plain text, for snapshots.

use serde_json::Value;

use super::Message;

/// The whole message: its fallback, then its blocks.
pub(crate) fn rendered(message: &Message) -> String {
    format!("[{}]\n{}", message.text, blocks(&message.blocks))
}

/// Blocks, one paragraph each.
pub(crate) fn blocks(blocks: &Value) -> String {
    let paragraphs: Vec<String> = items(blocks).map(block).collect();
    paragraphs.join("\n")
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value["text"].as_str().unwrap_or_default().to_owned()
}

fn block(block: &Value) -> String {
    match block["type"].as_str().unwrap_or_default() {
        "section" => text(&block["text"]),
        "context" => items(&block["elements"])
            .map(text)
            .map(|t| format!("~ {t}"))
            .collect(),
        "rich_text" => items(&block["elements"]).map(paragraph).collect(),
        "actions" => items(&block["elements"])
            .map(button)
            .collect::<Vec<_>>()
            .join(" "),
        "input" => input(block),
        "image" => format!(
            "({}: {})",
            block["slack_file"]["id"].as_str().unwrap_or_default(),
            block["alt_text"].as_str().unwrap_or_default()
        ),
        other => format!("?{other}?"),
    }
}

fn paragraph(section: &Value) -> String {
    let inner: String = items(&section["elements"]).map(inline).collect();
    match section["type"].as_str() {
        Some("rich_text_preformatted") => format!("\n| {}\n", inner.replace('\n', "\n| ")),
        _ => inner,
    }
}

fn inline(element: &Value) -> String {
    let text = match element["type"].as_str().unwrap_or_default() {
        "text" => text(element),
        "date" => format!("<{}>", element["fallback"].as_str().unwrap_or_default()),
        "user" => format!("<@{}>", element["user_id"].as_str().unwrap_or_default()),
        "usergroup" => format!(
            "<!{}>",
            element["usergroup_id"].as_str().unwrap_or_default()
        ),
        "channel" => format!("<#{}>", element["channel_id"].as_str().unwrap_or_default()),
        other => format!("?{other}?"),
    };
    match (&element["style"]["bold"], &element["style"]["code"]) {
        (Value::Bool(true), _) => format!("*{text}*"),
        (_, Value::Bool(true)) => format!("`{text}`"),
        _ => text,
    }
}

/// A menu, by what can be chosen in it.
fn menu(menu: &Value) -> String {
    let options = menu["options"].as_array().into_iter().flatten();
    let options: Vec<String> = options.map(|one| text(&one["text"])).collect();
    format!("[… {}]", options.join(" / "))
}

fn button(button: &Value) -> String {
    if button["type"] == "overflow" {
        return menu(button);
    }
    let style = button["style"]
        .as_str()
        .map(|s| format!(" {s}"))
        .unwrap_or_default();
    let confirm = match button.get("confirm").filter(|c| c.is_object()) {
        Some(c) => format!(
            " ({}: {})",
            c["style"].as_str().unwrap_or_default(),
            text(&c["text"])
        ),
        None => String::new(),
    };
    format!("[{}{style}{confirm}]", text(&button["text"]))
}

fn input(block: &Value) -> String {
    let element = &block["element"];
    let id = block["block_id"].as_str().unwrap_or_default();
    let initial = &element["initial_option"]["text"];
    let initial = if initial.is_object() {
        text(initial)
    } else {
        element["initial_date_time"].to_string()
    };
    format!(
        "{id} | {} | {} = {initial}",
        text(&block["label"]),
        element["type"].as_str().unwrap_or_default()
    )
}
