//! Slack's limits on the elements inside blocks: buttons, menus, inputs.

use serde_json::Value;

use super::limits::{Problems, Surface, Text, image, kind, list, optional_text, text};

/// Whether Slack takes an element of this type there.
fn allowed(surface: Surface, parent: &str, element: &str) -> bool {
    match element {
        "button" | "overflow" => parent != "input",
        "image" => parent == "section",
        "static_select"
        | "users_select"
        | "conversations_select"
        | "channels_select"
        | "external_select"
        | "datepicker"
        | "timepicker"
        | "radio_buttons"
        | "checkboxes" => true,
        "multi_static_select"
        | "multi_users_select"
        | "multi_conversations_select"
        | "multi_channels_select"
        | "multi_external_select" => parent != "actions",
        "datetimepicker" => parent != "section" && surface != Surface::Home,
        "plain_text_input" => parent == "input",
        "rich_text_input" => parent == "input" && surface != Surface::Message,
        "email_text_input" | "number_input" | "url_text_input" | "file_input" => {
            parent == "input" && surface == Surface::Modal
        }
        _ => false,
    }
}

pub(super) fn element(
    surface: Surface,
    parent: &str,
    one: &Value,
    at: &str,
    problems: &mut Problems,
) {
    let kind = kind(one);
    if !allowed(surface, parent, kind) {
        problems.add(
            &format!("{at}/type"),
            format_args!("unsupported type: {kind}"),
        );
        return;
    }
    problems.string(one, at, "action_id", 255);
    optional_text(one, "placeholder", at, 150, problems);
    if let Some(confirm) = one.get("confirm") {
        confirmation(confirm, &format!("{at}/confirm"), problems);
    }
    match kind {
        "image" => image(one, at, problems),
        "button" => button(one, at, problems),
        "overflow" => options(one, at, 1, 5, problems),
        "radio_buttons" | "checkboxes" => options(one, at, 1, 10, problems),
        "static_select" | "multi_static_select" => select(one, at, problems),
        "plain_text_input" => {
            problems.string(one, at, "initial_value", 3000);
            if one
                .get("max_length")
                .and_then(Value::as_u64)
                .is_some_and(|n| n == 0 || n > 3000)
            {
                problems.add(&format!("{at}/max_length"), "must be from 1 to 3000");
            }
        }
        "timepicker" => clock_time(one, at, problems),
        "datetimepicker" => {
            let seconds = one.get("initial_date_time");
            if seconds.is_some_and(|v| v.as_i64().is_none_or(|n| n.to_string().len() != 10)) {
                problems.add(
                    &format!("{at}/initial_date_time"),
                    "should be a unix time of 10 digits",
                );
            }
        }
        _ => {}
    }
}

fn button(one: &Value, at: &str, problems: &mut Problems) {
    text(
        one.get("text"),
        &format!("{at}/text"),
        Text::Plain,
        75,
        problems,
    );
    problems.string(one, at, "value", 2000);
    problems.string(one, at, "url", 3000);
    problems.string(one, at, "accessibility_label", 75);
    match one.get("style").map(|v| v.as_str().unwrap_or_default()) {
        None | Some("primary" | "danger") => {}
        Some(_) => problems.add(&format!("{at}/style"), "should be primary or danger"),
    }
}

fn confirmation(confirm: &Value, at: &str, problems: &mut Problems) {
    text(
        confirm.get("title"),
        &format!("{at}/title"),
        Text::Plain,
        100,
        problems,
    );
    text(
        confirm.get("text"),
        &format!("{at}/text"),
        Text::Any,
        300,
        problems,
    );
    text(
        confirm.get("confirm"),
        &format!("{at}/confirm"),
        Text::Plain,
        30,
        problems,
    );
    text(
        confirm.get("deny"),
        &format!("{at}/deny"),
        Text::Plain,
        30,
        problems,
    );
}

fn select(one: &Value, at: &str, problems: &mut Problems) {
    let groups = list(one, "option_groups");
    if groups.is_empty() {
        return options(one, at, 1, 100, problems);
    }
    problems.count(&format!("{at}/option_groups"), groups.len(), 1, 100);
    for (index, group) in groups.iter().enumerate() {
        let at = format!("{at}/option_groups/{index}");
        text(
            group.get("label"),
            &format!("{at}/label"),
            Text::Plain,
            75,
            problems,
        );
        options(group, &at, 1, 100, problems);
    }
}

fn options(one: &Value, at: &str, min: usize, max: usize, problems: &mut Problems) {
    let all = list(one, "options");
    problems.count(&format!("{at}/options"), all.len(), min, max);
    for (index, option) in all.iter().enumerate() {
        let at = format!("{at}/options/{index}");
        text(
            option.get("text"),
            &format!("{at}/text"),
            Text::Any,
            75,
            problems,
        );
        if option.get("value").and_then(Value::as_str).is_none() {
            problems.add(&at, "missing required field: value");
        }
        problems.string(option, &at, "value", 150);
        if let Some(description) = option.get("description") {
            text(
                Some(description),
                &format!("{at}/description"),
                Text::Any,
                75,
                problems,
            );
        }
    }
    let initial = one
        .get("initial_option")
        .into_iter()
        .chain(list(one, "initial_options"));
    for chosen in initial {
        if !all.contains(chosen) {
            problems.add(
                &format!("{at}/initial_option"),
                "must be one of the provided options",
            );
        }
    }
}

fn clock_time(one: &Value, at: &str, problems: &mut Problems) {
    let good =
        |text: &str| chrono::NaiveTime::parse_from_str(text, "%H:%M").is_ok() && text.len() == 5;
    if one
        .get("initial_time")
        .is_some_and(|v| !v.as_str().is_some_and(good))
    {
        problems.add(&format!("{at}/initial_time"), "should be HH:mm");
    }
}
