//! Redaction of JSON values, and of texts that are JSON.

use serde_json::{Map, Value};

use super::keys::{self, Key};
use super::span::{Kind, Names};
use super::{Redactor, value};

/// Deeper values than a parser would make are hidden whole.
const MAX_DEPTH: usize = 128;

/// What the keys above a value say about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Under {
    Nothing,
    /// The value is a row id, a checksum: random, and to be kept.
    Identifier,
    Secret(Key),
}

/// A copy without secrets.
pub(super) fn redact(redactor: &Redactor, v: &Value, names: &mut Names) -> Value {
    walk(redactor, v, Under::Nothing, names, 0)
}

/// Takes note of the placeholders that a value already holds.
pub(super) fn reserve(v: &Value, names: &mut Names, depth: usize) {
    match v {
        Value::String(s) => names.reserve(s),
        Value::Array(items) if depth < MAX_DEPTH => items
            .iter()
            .for_each(|item| reserve(item, names, depth + 1)),
        Value::Object(map) if depth < MAX_DEPTH => map.iter().for_each(|(key, item)| {
            names.reserve(key);
            reserve(item, names, depth + 1);
        }),
        _ => {}
    }
}

/// A text that is a JSON object or array, redacted inside. The text is kept as it is written wherever that is enough.
pub(super) fn redact_text(redactor: &Redactor, text: &str, names: &mut Names) -> Option<String> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let parsed: Value = serde_json::from_str(text).ok()?;
    let in_place = redactor.plain(text, names);
    if let Ok(v) = serde_json::from_str::<Value>(&in_place)
        && redact(redactor, &v, names) == v
    {
        return Some(in_place.into_owned());
    }
    serde_json::to_string(&redact(redactor, &parsed, names)).ok()
}

fn walk(redactor: &Redactor, v: &Value, under: Under, names: &mut Names, depth: usize) -> Value {
    if depth >= MAX_DEPTH {
        return Value::String(names.name(Kind::Secret, ""));
    }
    match v {
        Value::Null | Value::Bool(_) => v.clone(),
        Value::Number(n) => match under {
            Under::Secret(key @ (Key::Password | Key::Personal)) => {
                hidden(&n.to_string(), key, names)
            }
            Under::Secret(Key::Credential) if n.to_string().len() >= 6 => {
                hidden(&n.to_string(), Key::Credential, names)
            }
            _ => v.clone(),
        },
        Value::String(s) => string(redactor, s, under, names),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| walk(redactor, item, under, names, depth + 1))
                .collect(),
        ),
        Value::Object(map) => object(redactor, map, under, names, depth),
    }
}

/// A copy of a value whose keys are our own and tell of no secret: only its texts are looked at, and
/// what `ours` names is left as it is.
pub(super) fn redact_facts(
    redactor: &Redactor,
    v: &Value,
    ours: &dyn Fn(&str, &Value) -> bool,
    names: &mut Names,
    depth: usize,
) -> Value {
    match v {
        Value::Array(items) if depth < MAX_DEPTH => Value::Array(
            items
                .iter()
                .map(|item| redact_facts(redactor, item, ours, names, depth + 1))
                .collect(),
        ),
        Value::Object(map) if depth < MAX_DEPTH => {
            let mut out = Map::new();
            for (key, item) in map {
                let mut name = redactor.within(key, names);
                while out.contains_key(&name) {
                    name.push('+');
                }
                let item = match item {
                    item if ours(key, item) => item.clone(),
                    Value::String(s) if keys::is_identifier(key) => {
                        string(redactor, s, Under::Identifier, names)
                    }
                    item => redact_facts(redactor, item, ours, names, depth + 1),
                };
                out.insert(name, item);
            }
            Value::Object(out)
        }
        leaf => walk(redactor, leaf, Under::Nothing, names, depth),
    }
}

fn object(
    redactor: &Redactor,
    map: &Map<String, Value>,
    under: Under,
    names: &mut Names,
    depth: usize,
) -> Value {
    // `{"name": "password", "value": "x"}`
    let named = ["name", "key", "field", "property"]
        .iter()
        .find_map(|k| map.get(*k))
        .and_then(Value::as_str)
        .and_then(keys::classify);
    let mut out = Map::new();
    for (key, item) in map {
        let inside = match (keys::classify(key), named) {
            (Some(Key::Weak) | None, Some(named))
                if key.to_ascii_lowercase().ends_with("value") =>
            {
                Under::Secret(named)
            }
            (Some(found), _) => Under::Secret(found),
            (None, _) if keys::is_identifier(key) => Under::Identifier,
            // `{"password": {"value": "x"}}`
            (None, _)
                if matches!(
                    key.as_str(),
                    "value" | "data" | "plain" | "plaintext" | "text"
                ) =>
            {
                under
            }
            (None, _) => Under::Nothing,
        };
        let mut name = redactor.within(key, names);
        while out.contains_key(&name) {
            name.push('+');
        }
        out.insert(name, walk(redactor, item, inside, names, depth + 1));
    }
    Value::Object(out)
}

fn string(redactor: &Redactor, s: &str, under: Under, names: &mut Names) -> Value {
    let Under::Secret(key) = under else {
        // The name of the field tells the finder of random tokens that this one is harmless.
        let lead = if under == Under::Identifier {
            "id: "
        } else {
            ""
        };
        let text = redactor.within(&format!("{lead}{s}"), names);
        return Value::String(text.strip_prefix(lead).map_or(text.clone(), str::to_owned));
    };
    if value::is_harmless(s) || s.parse::<f64>().is_ok() && key == Key::Credential && s.len() < 6 {
        return Value::String(redactor.within(s, names));
    }
    let known = super::span::placeholders(s)
        .map(|(range, ..)| range.len())
        .sum::<usize>();
    let structured = s.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<Value>(s).is_ok_and(|v| v.is_object() || v.is_array());
    let hide = match key {
        Key::Password | Key::Credential => !structured && known == 0,
        Key::Personal => s.bytes().filter(u8::is_ascii_digit).count() >= 3 && known == 0,
        Key::Weak => super::random::is_keyed(s),
    };
    if hide {
        hidden(s, key, names)
    } else {
        Value::String(redactor.within(s, names))
    }
}

fn hidden(content: &str, key: Key, names: &mut Names) -> Value {
    let kind = if key == Key::Personal {
        Kind::Personal
    } else {
        Kind::Secret
    };
    Value::String(names.name(kind, content))
}
