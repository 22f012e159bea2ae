//! The proof of a citation: that a quotation stands in what was read, word for word. A judgement's
//! evidence goes through here whoever made it, the rules or a model.

use serde_json::Value;

use super::case::Case;

/// A quotation below this proves nothing: it stands everywhere.
pub(super) const SHORTEST: usize = 8;

/// Every text of a case in which a quotation can stand, with its white space folded.
#[derive(Debug)]
pub struct Sources(Vec<String>);

impl Sources {
    /// The texts of a case: its rows, the strings inside their data, and the API's status.
    pub fn of(case: &Case) -> Self {
        let mut texts = Vec::new();
        for row in &case.logs {
            texts.extend(row.message_data.as_deref().map(folded));
            if let Some(data) = row.data() {
                strings(&data, &mut texts);
            }
        }
        if let Ok(status) = serde_json::to_value(&case.api_status) {
            strings(&status, &mut texts);
        }
        Self(texts)
    }

    /// Whether it stands there.
    pub fn hold(&self, quotation: &str) -> bool {
        let quotation = folded(quotation);
        quotation.chars().count() >= SHORTEST && self.0.iter().any(|text| text.contains(&quotation))
    }
}

/// With every run of white space as one space.
pub fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(folded(text)),
        Value::Array(items) => items.iter().for_each(|item| strings(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::case::LogRow;

    #[test]
    fn only_what_stands_there_word_for_word_is_proved() {
        let row = LogRow {
            message_data: Some(r#"{"message":"No  such\nhost here"}"#.to_owned()),
            ..LogRow::default()
        };
        let case = Case {
            logs: vec![row],
            ..Case::default()
        };
        let sources = Sources::of(&case);
        assert!(sources.hold("No such host"));
        assert!(
            !sources.hold("no such host"),
            "another case is another word"
        );
        assert!(!sources.hold("No such port"));
        assert!(!sources.hold("No such"), "too short to prove anything");
    }
}
