//! Picking single fields out of JSON of which we do not want to know the rest.

use serde_json::Value;

use super::BadPayload;

/// Reads an object. The reader stops at 128 levels of nesting, so no body can exhaust the stack.
pub fn object(text: &str) -> Result<Value, BadPayload> {
    let value: Value = serde_json::from_str(text).map_err(|_| BadPayload::NotJson)?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(BadPayload::NotAnObject)
    }
}

/// The first of several places (JSON pointers) that holds a string with something in it.
pub fn text(value: &Value, places: &[&str]) -> Option<String> {
    places
        .iter()
        .filter_map(|place| value.pointer(place)?.as_str())
        .find(|text| !text.is_empty())
        .map(str::to_owned)
}

/// A string that must be there.
pub fn required(value: &Value, place: &'static str) -> Result<String, BadPayload> {
    text(value, &[place]).ok_or(BadPayload::Lacks(place))
}
