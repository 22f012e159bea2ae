//! Slack's limits on what a message and a modal may hold, checked as strictly as Slack does, with its way
//! of pointing at the place.

use std::collections::HashSet;

use serde_json::Value;

use super::elements::element;

/// Where blocks stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// A message.
    Message,
    /// A modal.
    Modal,
    /// The home tab.
    Home,
}

/// What is wrong, in Slack's form: `[ERROR] … [json-pointer:/blocks/0/…]`.
#[derive(Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    pub fn add(&mut self, at: &str, what: impl std::fmt::Display) {
        self.0.push(format!("[ERROR] {what} [json-pointer:{at}]"));
    }

    pub fn length(&mut self, at: &str, text: &str, max: usize) {
        if text.chars().count() > max {
            self.add(at, format_args!("must be less than {} characters", max + 1));
        }
    }

    /// An optional string with a maximum length.
    pub fn string(&mut self, of: &Value, at: &str, key: &str, max: usize) {
        match of.get(key) {
            None => {}
            Some(Value::String(text)) => self.length(&format!("{at}/{key}"), text, max),
            Some(_) => self.add(&format!("{at}/{key}"), "should be a string"),
        }
    }

    pub fn count(&mut self, at: &str, found: usize, min: usize, max: usize) {
        if found < min {
            self.add(
                at,
                format_args!("must be more than {} items", min.saturating_sub(1)),
            );
        }
        if found > max {
            self.add(at, format_args!("no more than {max} items allowed"));
        }
    }
}

/// Which text objects are taken.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Text {
    Plain,
    Any,
}

/// All that is wrong with the blocks of a message; empty: nothing.
pub fn check_blocks(surface: Surface, blocks: &[Value]) -> Vec<String> {
    let mut problems = Problems::default();
    let at = if surface == Surface::Message {
        "/blocks"
    } else {
        "/view/blocks"
    };
    problems.count(
        at,
        blocks.len(),
        0,
        if surface == Surface::Message { 50 } else { 100 },
    );
    let mut ids = HashSet::new();
    let mut markdown = 0;
    for (index, block) in blocks.iter().enumerate() {
        let at = format!("{at}/{index}");
        if let Some(id) = block.get("block_id").and_then(Value::as_str)
            && !ids.insert(id)
        {
            problems.add(&at, format_args!("block_id {id} already exists"));
        }
        if kind(block) == "markdown" {
            markdown += block
                .get("text")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .chars()
                .count();
        }
        check_block(surface, block, &at, &mut problems);
    }
    if markdown > 12_000 {
        problems.add(at, "markdown blocks hold more than 12000 characters");
    }
    problems.0
}

/// All that is wrong with a view; empty: nothing.
pub fn check_view(view: &Value) -> Vec<String> {
    let mut problems = Problems::default();
    let surface = match kind(view) {
        "modal" => Surface::Modal,
        "home" => Surface::Home,
        other => {
            problems.add("/view/type", format_args!("unsupported type: {other}"));
            return problems.0;
        }
    };
    let blocks = view.get("blocks").and_then(Value::as_array);
    if blocks.is_none() {
        problems.add("/view", "missing required field: blocks");
    }
    let blocks = blocks.map_or(&[][..], Vec::as_slice);
    if surface == Surface::Modal {
        text(
            view.get("title"),
            "/view/title",
            Text::Plain,
            24,
            &mut problems,
        );
        for key in ["submit", "close"] {
            if view.get(key).is_some_and(|v| !v.is_null()) {
                text(
                    view.get(key),
                    &format!("/view/{key}"),
                    Text::Plain,
                    24,
                    &mut problems,
                );
            }
        }
        if view.get("submit").is_none_or(Value::is_null)
            && blocks.iter().any(|b| kind(b) == "input")
        {
            problems.add(
                "/view/submit",
                "missing required field: submit (the view has input blocks)",
            );
        }
    }
    problems.string(view, "/view", "private_metadata", 3000);
    problems.string(view, "/view", "callback_id", 255);
    problems.string(view, "/view", "external_id", 255);
    problems.0.extend(check_blocks(surface, blocks));
    problems.0
}

/// Whether a message holds more tables than the one that Slack takes.
pub fn too_many_tables(blocks: &[Value]) -> bool {
    blocks
        .iter()
        .filter(|b| matches!(kind(b), "table" | "data_table"))
        .count()
        > 1
}

pub(super) fn kind(value: &Value) -> &str {
    value
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn check_block(surface: Surface, block: &Value, at: &str, problems: &mut Problems) {
    problems.string(block, at, "block_id", 255);
    match kind(block) {
        "section" => section(surface, block, at, problems),
        "header" => text(
            block.get("text"),
            &format!("{at}/text"),
            Text::Plain,
            150,
            problems,
        ),
        "divider" => {}
        "image" => image(block, at, problems),
        "actions" => elements(surface, block, at, problems),
        "context" => context(block, at, problems),
        "input" => input(surface, block, at, problems),
        "rich_text" => {
            if list(block, "elements").is_empty() {
                problems.add(at, "missing required field: elements");
            }
        }
        "table" if surface == Surface::Message => table(block, at, problems),
        "markdown" if surface == Surface::Message => problems.string(block, at, "text", 12_000),
        "video" => problems.string(block, at, "alt_text", 2000),
        other => problems.add(
            &format!("{at}/type"),
            format_args!("unsupported type: {other}"),
        ),
    }
}

pub(super) fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of.get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

pub(super) fn text(of: Option<&Value>, at: &str, taken: Text, max: usize, problems: &mut Problems) {
    let Some(object) = of else {
        problems.add(at, "missing required field");
        return;
    };
    match kind(object) {
        "plain_text" => {}
        "mrkdwn" if taken == Text::Any => {}
        other => problems.add(
            &format!("{at}/type"),
            format_args!("unsupported type: {other}"),
        ),
    }
    match object.get("text").and_then(Value::as_str) {
        None | Some("") => problems.add(&format!("{at}/text"), "must be more than 0 characters"),
        Some(words) => problems.length(&format!("{at}/text"), words, max),
    }
}

pub(super) fn optional_text(of: &Value, key: &str, at: &str, max: usize, problems: &mut Problems) {
    if of.get(key).is_some_and(|v| !v.is_null()) {
        text(
            of.get(key),
            &format!("{at}/{key}"),
            Text::Plain,
            max,
            problems,
        );
    }
}

fn section(surface: Surface, block: &Value, at: &str, problems: &mut Problems) {
    let fields = list(block, "fields");
    if block.get("text").is_none() && fields.is_empty() {
        problems.add(at, "missing required field: text");
    }
    if block.get("text").is_some() {
        text(
            block.get("text"),
            &format!("{at}/text"),
            Text::Any,
            3000,
            problems,
        );
    }
    problems.count(&format!("{at}/fields"), fields.len(), 0, 10);
    for (index, field) in fields.iter().enumerate() {
        text(
            Some(field),
            &format!("{at}/fields/{index}"),
            Text::Any,
            2000,
            problems,
        );
    }
    if let Some(accessory) = block.get("accessory") {
        element(
            surface,
            "section",
            accessory,
            &format!("{at}/accessory"),
            problems,
        );
    }
}

pub(super) fn image(image: &Value, at: &str, problems: &mut Problems) {
    if image.get("image_url").is_none() && image.get("slack_file").is_none() {
        problems.add(at, "missing required field: image_url");
    }
    if image
        .get("alt_text")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .is_empty()
    {
        problems.add(at, "missing required field: alt_text");
    }
    problems.string(image, at, "image_url", 3000);
    problems.string(image, at, "alt_text", 2000);
    optional_text(image, "title", at, 2000, problems);
}

fn elements(surface: Surface, block: &Value, at: &str, problems: &mut Problems) {
    let all = list(block, "elements");
    problems.count(&format!("{at}/elements"), all.len(), 1, 25);
    let mut ids = HashSet::new();
    for (index, one) in all.iter().enumerate() {
        let at = format!("{at}/elements/{index}");
        if let Some(id) = one.get("action_id").and_then(Value::as_str)
            && !ids.insert(id)
        {
            problems.add(
                &at,
                format_args!("action_id {id} already exists for this block"),
            );
        }
        element(surface, "actions", one, &at, problems);
    }
}

fn context(block: &Value, at: &str, problems: &mut Problems) {
    let all = list(block, "elements");
    problems.count(&format!("{at}/elements"), all.len(), 1, 10);
    for (index, one) in all.iter().enumerate() {
        let at = format!("{at}/elements/{index}");
        match kind(one) {
            "image" => image(one, &at, problems),
            _ => text(Some(one), &at, Text::Any, 3000, problems),
        }
    }
}

fn input(surface: Surface, block: &Value, at: &str, problems: &mut Problems) {
    text(
        block.get("label"),
        &format!("{at}/label"),
        Text::Plain,
        2000,
        problems,
    );
    optional_text(block, "hint", at, 2000, problems);
    match block.get("element") {
        None => problems.add(at, "missing required field: element"),
        Some(one) => element(surface, "input", one, &format!("{at}/element"), problems),
    }
}

fn table(block: &Value, at: &str, problems: &mut Problems) {
    let rows = list(block, "rows");
    problems.count(&format!("{at}/rows"), rows.len(), 1, 100);
    for (index, row) in rows.iter().enumerate() {
        let at = format!("{at}/rows/{index}");
        let cells = row.as_array().map_or(&[][..], Vec::as_slice);
        problems.count(&at, cells.len(), 1, 20);
        for (index, cell) in cells.iter().enumerate() {
            if !matches!(kind(cell), "raw_text" | "rich_text" | "raw_number") {
                problems.add(
                    &format!("{at}/{index}/type"),
                    format_args!("unsupported type: {}", kind(cell)),
                );
            }
        }
    }
}
