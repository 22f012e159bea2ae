//! The canonical form of JSON, over which fingerprints and the audit chain are made.
//!
//! As RFC 8785 has it for the values that we use: keys sorted, no white space, integers only.
//! Sorting is done here because serde_json's own order depends on a feature that any dependency
//! can switch on.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The canonical text of a value.
///
/// # Errors
/// When the value does not serialise, or holds a number that is not an integer of 64 bits: such a
/// number has more than one spelling.
pub fn text<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let value = serde_json::to_value(value)?;
    let mut out = String::new();
    write(&value, &mut out)?;
    Ok(out)
}

/// SHA-256 in hex over a domain, a zero byte and the text: a hash made for one purpose cannot
/// stand for another.
pub fn sha256(domain: &str, text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(domain.as_bytes());
    hash.update([0]);
    hash.update(text.as_bytes());
    hex::encode(hash.finalize())
}

fn write(value: &Value, out: &mut String) -> Result<(), serde_json::Error> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
        Value::Number(number) => {
            if !number.is_i64() && !number.is_u64() {
                return Err(serde::ser::Error::custom(format!(
                    "{number} is not an integer"
                )));
            }
            // Writing to a String cannot fail.
            let _ = write!(out, "{number}");
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            // RFC 8785 sorts by UTF-16 code units; our keys are ASCII, where that is byte order.
            keys.sort();
            out.push('{');
            for (i, key) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write(&map[key], out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_nothing_is_padded() {
        let value = json!({"b": [1, null, "ü\n"], "a": {"z": true, "y": -2}});
        assert_eq!(
            text(&value).unwrap(),
            r#"{"a":{"y":-2,"z":true},"b":[1,null,"ü\n"]}"#
        );
        assert!(text(&json!({"x": 1.5})).is_err());
    }

    #[test]
    fn a_domain_separates_hashes() {
        assert_ne!(sha256("a", "bc"), sha256("ab", "c"));
    }

    proptest::proptest! {
        #[test]
        fn the_text_survives_a_round_trip(key in ".*", word in ".*", number in proptest::num::i64::ANY) {
            let once = text(&json!({key: [word, number]})).unwrap();
            let again: Value = serde_json::from_str(&once).unwrap();
            proptest::prop_assert_eq!(text(&again).unwrap(), once);
        }
    }
}
