//! The inputs of a modal as fields of an HTML form, and the form's answers as values of the inputs.

use chrono::{DateTime, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use maud::{Markup, html};
use serde_json::Value;

use super::blocks::{kind, list, options, string};
use super::mrkdwn::Reader;

/// Names of fields that hold a local date and time begin so.
const LOCAL: &str = "local:";
/// How a browser writes a date and time.
const FORMAT: &str = "%Y-%m-%dT%H:%M";

/// How an input stands in the form.
pub(super) struct Field<'a> {
    /// The block's id, which is the field's name.
    pub name: &'a str,
    /// Its element's id, which its label names.
    pub id: &'a str,
    pub required: bool,
    /// Whether something is wrong with what was sent; its words have the id `…-error`.
    pub wrong: bool,
    /// The id of the form it belongs to, which stands elsewhere: a modal also holds forms of single buttons,
    /// and forms cannot be nested.
    pub form: &'a str,
}

impl Field<'_> {
    /// One input.
    pub fn show(&self, one: &Value, reader: &Reader) -> Markup {
        let Self {
            name,
            id,
            required,
            wrong,
            form,
        } = *self;
        let words = wrong.then(|| format!("{id}-error"));
        let wrong = wrong.then_some("true");
        let placeholder = string(&one["placeholder"], "text");
        match kind(one) {
            "plain_text_input" if one["multiline"] == true => html! {
                textarea id=(id) name=(name) form=(form) rows="3" placeholder=(placeholder) required[required]
                    aria-invalid=[wrong] aria-describedby=[words] {
                    (string(one, "initial_value"))
                }
            },
            "static_select" => html! {
                select id=(id) name=(name) form=(form) required[required] aria-invalid=[wrong] aria-describedby=[words] {
                    @if one["initial_option"].is_null() || !required { option value="" { (placeholder) } }
                    (options(one))
                }
            },
            "checkboxes" | "multi_static_select" => html! {
                // Tells "all unticked" from "not in the form".
                input type="hidden" name=(name) form=(form) value="";
                @for o in list(one, "options") {
                    (self.tick("checkbox", o, list(one, "initial_options").contains(o), false))
                }
            },
            "radio_buttons" => html! {
                @for o in list(one, "options") { (self.tick("radio", o, *o == one["initial_option"], required)) }
            },
            "timepicker" => self.typed("time", string(one, "initial_time"), ""),
            "datepicker" => self.typed("date", string(one, "initial_date"), ""),
            "datetimepicker" => {
                let at = one["initial_date_time"]
                    .as_i64()
                    .and_then(|s| DateTime::from_timestamp(s, 0));
                let at = at
                    .map(|at| at.with_timezone(&reader.zone).format(FORMAT).to_string())
                    .unwrap_or_default();
                Field {
                    name: &format!("{LOCAL}{name}"),
                    ..*self
                }
                .typed("datetime-local", &at, "")
            }
            "users_select" => html! {
                select id=(id) name=(name) form=(form) required[required] aria-invalid=[wrong] aria-describedby=[words] {
                    option value="" { (placeholder) }
                    @for user in reader.users.iter().filter(|u| !u.is_bot) {
                        option value=(user.id) selected[user.id == string(one, "initial_user")] { (user.real_name) }
                    }
                }
            },
            "number_input" => self.typed("number", string(one, "initial_value"), placeholder),
            _ => self.typed("text", string(one, "initial_value"), placeholder),
        }
    }

    fn typed(&self, kind: &str, value: &str, placeholder: &str) -> Markup {
        let wrong = self.wrong.then_some("true");
        let words = self.wrong.then(|| format!("{}-error", self.id));
        html! {
            input id=(self.id) type=(kind) name=(self.name) form=(self.form) value=(value) placeholder=(placeholder)
                required[self.required] aria-invalid=[wrong] aria-describedby=[words];
        }
    }

    fn tick(&self, kind: &str, option: &Value, ticked: bool, required: bool) -> Markup {
        let description = string(&option["description"], "text");
        html! {
            label.tick {
                input type=(kind) name=(self.name) form=(self.form) value=(string(option, "value")) checked[ticked]
                    required[required];
                " " (string(&option["text"], "text"))
                @if !description.is_empty() { small { " " (description) } }
            }
        }
    }
}

/// A field of a submitted form as a value of its input: local times become unix times.
pub(super) fn value(name: &str, value: &str, zone: Tz) -> (String, String) {
    let Some(block) = name.strip_prefix(LOCAL) else {
        return (name.into(), value.into());
    };
    let local = NaiveDateTime::parse_from_str(value, FORMAT).ok();
    // Of the two readings of an hour that comes twice, the first; one that does not come at all is no time.
    let at = local
        .and_then(|l| zone.from_local_datetime(&l).earliest())
        .map(|t| t.timestamp().to_string());
    (block.into(), at.unwrap_or_default())
}
