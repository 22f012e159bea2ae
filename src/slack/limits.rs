//! Slack's limits (`reference/slack.md` §2.2), checked on the JSON that leaves and knowing nothing
//! of how it was made. Lengths are counted in UTF-16 units, which are never fewer than what Slack
//! counts.

use std::collections::BTreeSet;

use serde_json::Value;

/// Every action id that a message may carry; `choose:<n>` besides.
const ACTIONS: [&str; 14] = [
    "approve",
    "modify",
    "reject",
    "undo",
    "check",
    "lines",
    "settle_done",
    "settle_failed",
    "take",
    "dismiss",
    "snooze",
    "feedback_right",
    "feedback_partly",
    "feedback_wrong",
];

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// What Slack, or a reader, would not take in a message.
pub(super) fn of_message(text: &str, blocks: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    length(&mut faults, "text", text, 1, 3_000);
    each_block(&mut faults, blocks, 50);
    for action in action_ids(blocks) {
        let number = action.strip_prefix("choose:").map(str::parse::<u8>);
        if !ACTIONS.contains(&action.as_str()) && !matches!(number, Some(Ok(_))) {
            faults.push(format!("an action id that is not ours: {action}"));
        }
    }
    for block in blocks.as_array().into_iter().flatten() {
        if ["input", "file"].contains(&kind(block)) {
            faults.push(format!("{} does not belong into a message", kind(block)));
        }
    }
    faults
}

/// What Slack would not take in a modal.
pub(super) fn of_modal(view: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if view["type"] != "modal" {
        faults.push("no modal".to_owned());
    }
    for key in ["title", "submit", "close"] {
        if let Some(text) = view.get(key) {
            plain(&mut faults, key, text, 24);
        }
    }
    let blocks = &view["blocks"];
    each_block(&mut faults, blocks, 100);
    let inputs = blocks
        .as_array()
        .into_iter()
        .flatten()
        .any(|b| kind(b) == "input");
    if inputs && view.get("submit").is_none() {
        faults.push("inputs without a submit button".to_owned());
    }
    if let Some(meta) = view.get("private_metadata").and_then(Value::as_str) {
        length(&mut faults, "private_metadata", meta, 0, 3_000);
    }
    if let Some(id) = view.get("callback_id").and_then(Value::as_str) {
        length(&mut faults, "callback_id", id, 1, 255);
    }
    if view.to_string().len() > 250_000 {
        faults.push("more than 250 kB".to_owned());
    }
    faults
}

/// Every action id of a message, in order.
pub(super) fn action_ids(value: &Value) -> Vec<String> {
    let mut ids = Vec::new();
    walk(value, &mut |node| {
        if let Some(id) = node.get("action_id").and_then(Value::as_str) {
            ids.push(id.to_owned());
        }
    });
    ids
}

/// Calls `see` on every object.
pub(super) fn walk(value: &Value, see: &mut dyn FnMut(&Value)) {
    match value {
        Value::Object(map) => {
            see(value);
            map.values().for_each(|child| walk(child, see));
        }
        Value::Array(items) => items.iter().for_each(|child| walk(child, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn kind(value: &Value) -> &str {
    value["type"].as_str().unwrap_or_default()
}

fn length(faults: &mut Vec<String>, what: &str, text: &str, min: usize, max: usize) {
    let n = units(text);
    if n < min || n > max {
        faults.push(format!("{what} has {n} characters, not {min} to {max}"));
    }
}

fn many(faults: &mut Vec<String>, what: &str, value: &Value, max: usize) {
    let n = value.as_array().map_or(0, Vec::len);
    if n == 0 || n > max {
        faults.push(format!("{what}: {n} elements, not 1 to {max}"));
    }
}

fn plain(faults: &mut Vec<String>, what: &str, text: &Value, max: usize) {
    if kind(text) != "plain_text" {
        faults.push(format!("{what} is not plain_text"));
    }
    length(
        faults,
        what,
        text["text"].as_str().unwrap_or_default(),
        1,
        max,
    );
}

fn each_block(faults: &mut Vec<String>, blocks: &Value, max: usize) {
    many(faults, "blocks", blocks, max);
    let mut ids = BTreeSet::new();
    for block in blocks.as_array().into_iter().flatten() {
        if let Some(id) = block.get("block_id").and_then(Value::as_str) {
            length(faults, "block_id", id, 1, 255);
            if !ids.insert(id) {
                faults.push(format!("block_id {id} twice"));
            }
        }
        let actions = action_ids(block);
        if actions.iter().collect::<BTreeSet<_>>().len() < actions.len() {
            faults.push("one action_id twice in a block".to_owned());
        }
        of_block(faults, block);
        walk(block, &mut |node| of_element(faults, node));
    }
}

fn of_block(faults: &mut Vec<String>, block: &Value) {
    match kind(block) {
        "section" => {
            let text = block["text"]["text"].as_str().unwrap_or_default();
            length(faults, "section", text, 1, 3_000);
        }
        "rich_text" => many(faults, "rich_text", &block["elements"], usize::MAX),
        "actions" => many(faults, "actions", &block["elements"], 25),
        "context" => many(faults, "context", &block["elements"], 10),
        "input" => plain(faults, "input label", &block["label"], 2_000),
        "divider" => {}
        "image" => of_image(faults, block),
        other => faults.push(format!("a block of type {other}")),
    }
}

/// A picture is a file of ours in Slack, never an address that readers' machines would call.
fn of_image(faults: &mut Vec<String>, image: &Value) {
    let alt = image["alt_text"].as_str().unwrap_or_default();
    length(faults, "alt_text", alt, 1, 2_000);
    let file = image["slack_file"]["id"].as_str().unwrap_or_default();
    let letter = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    if !file.starts_with('F') || file.len() < 9 || !file.bytes().all(letter) {
        faults.push(format!("an image that is no file: {file}"));
    }
    if image.get("image_url").is_some() || image["slack_file"].get("url").is_some() {
        faults.push("an image from an address".to_owned());
    }
}

fn of_element(faults: &mut Vec<String>, node: &Value) {
    match kind(node) {
        "plain_text" | "mrkdwn" | "text" => {
            let text = node["text"].as_str().unwrap_or_default();
            length(faults, kind(node), text, 1, 3_000);
        }
        "rich_text_section" | "rich_text_preformatted" => {
            many(faults, kind(node), &node["elements"], usize::MAX);
        }
        "button" => of_button(faults, node),
        "static_select" => of_select(faults, node, 100),
        "overflow" => of_select(faults, node, 5),
        "plain_text_input" if node["max_length"].as_u64().unwrap_or(3_000) > 3_000 => {
            faults.push("an input of more than 3,000 characters".to_owned());
        }
        _ => {}
    }
    if let Some(id) = node.get("action_id").and_then(Value::as_str) {
        length(faults, "action_id", id, 1, 255);
    }
}

fn of_button(faults: &mut Vec<String>, button: &Value) {
    plain(faults, "button", &button["text"], 75);
    let value = button["value"].as_str().unwrap_or_default();
    length(faults, "button value", value, 1, 2_000);
    if button.get("action_id").is_none() {
        faults.push("a button without action_id".to_owned());
    }
    if button.get("url").is_some() {
        faults.push("a button that opens an address".to_owned());
    }
    if let Some(confirm) = button.get("confirm") {
        plain(faults, "confirm title", &confirm["title"], 100);
        plain(faults, "confirm text", &confirm["text"], 300);
        plain(faults, "confirm yes", &confirm["confirm"], 30);
        plain(faults, "confirm no", &confirm["deny"], 30);
    }
}

fn of_select(faults: &mut Vec<String>, select: &Value, most: usize) {
    many(faults, "options", &select["options"], most);
    for option in select["options"].as_array().into_iter().flatten() {
        plain(faults, "option", &option["text"], 75);
        let value = option["value"].as_str().unwrap_or_default();
        length(faults, "option value", value, 1, 75);
    }
    if let Some(initial) = select.get("initial_option") {
        let options = select["options"].as_array();
        if !options.is_some_and(|options| options.contains(initial)) {
            faults.push("an initial option that is not among the options".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_checker_sees_what_is_wrong() {
        let long = "x".repeat(3_001);
        let button = json!({"type": "button", "action_id": "evil", "url": "https://x",
            "text": {"type": "mrkdwn", "text": long}});
        let blocks = json!([
            {"type": "actions", "elements": [button, button]},
            {"type": "section", "text": {"type": "mrkdwn", "text": ""}},
            {"type": "bogus"},
        ]);
        let faults = of_message("", &blocks);
        for expected in [
            "text has 0",
            "not ours",
            "twice in a block",
            "button is not plain_text",
            "button value has 0",
            "opens an address",
            "section has 0",
            "of type bogus",
        ] {
            assert!(
                faults.iter().any(|f| f.contains(expected)),
                "{expected}: {faults:?}"
            );
        }
        let modal = json!({"type": "modal", "title": {"type": "plain_text", "text": long},
            "blocks": [{"type": "input", "label": {"type": "plain_text", "text": "x"}}]});
        let faults = of_modal(&modal);
        assert!(
            faults.iter().any(|f| f.contains("title has 3001")),
            "{faults:?}"
        );
        assert!(
            faults.iter().any(|f| f.contains("without a submit")),
            "{faults:?}"
        );
    }
}
