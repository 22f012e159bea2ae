//! Generated secrets in hostile surroundings.

use proptest::prelude::*;

use super::Redactor;
use super::corpus_tests::leaks;

fn redactor() -> Redactor {
    Redactor::new(&[]).unwrap()
}

fn secret() -> impl Strategy<Value = String> {
    // Ends that no notation takes for its own.
    "[A-Za-z0-9][A-Za-z0-9!#$*+._~-]{10,30}[0-9][A-Za-z][0-9]"
}

fn key() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "password",
        "db_password",
        "client_secret",
        "api_key",
        "accessToken",
        "passwd",
        "refresh_token",
        "privateKey",
    ]);
    (name, any::<bool>()).prop_map(|(name, upper)| {
        if upper {
            name.to_uppercase()
        } else {
            name.to_owned()
        }
    })
}

/// JSON-escaped as often as asked.
fn escaped(text: &str, times: usize) -> String {
    (0..times).fold(text.to_owned(), |text, _| {
        let quoted = serde_json::to_string(&text).unwrap();
        quoted[1..quoted.len() - 1].to_owned()
    })
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn announced_secrets_never_survive(s in secret(), key in key(), form in 0usize..9, depth in 0usize..4, before in "[a-z ,;]{0,12}", after in "[a-z ]{0,12}") {
        let line = match form {
            0 => format!(r#"{{"host":"h","{key}":"{s}","port":1}}"#),
            1 => format!("{before} {key}={s} {after}"),
            2 => format!("https://h.example.com/x?a=1&{key}={s}&b=2"),
            3 => format!("{key}='{s}'"),
            4 => format!("jdbc:x://h:1;user=a;{key}={s};b=c"),
            5 => format!("x://user:{s}@h.example.com/db"),
            6 => format!("--{key}={s} -v"),
            7 => format!("{before}\n{key}: \"{s}\"\n{after}"),
            _ => format!("<{key}>{s}</{key}>"),
        };
        let line = format!("{before} {} {after}", escaped(&line, depth));
        let out = redactor().text(&line).into_owned();
        prop_assert!(!leaks(&out, &s), "{line}\n{out}");
        prop_assert_eq!(redactor().text(&out), out.clone());
    }

    #[test]
    fn encoding_hides_nothing(s in secret(), key in key(), at in 0usize..12, way in 0usize..4) {
        let unicode = |c: char| format!("\\u{:04x}", u32::from(c));
        let split = |escape: &dyn Fn(char) -> String| s.chars().enumerate().map(|(n, c)| if n == at { escape(c) } else { c.to_string() }).collect::<String>();
        let line = match way {
            0 => format!(r#"{{"{key}":"{}"}}"#, split(&unicode)),
            1 => format!("redirect=https%3A%2F%2Fh%2F%3F{key}%3D{}%26b%3D1", percent(&s)),
            2 => format!("{key}%253D{}", percent(&percent(&s))),
            _ => format!("{key}={}", split(&|c| format!("{c}\u{200b}"))),
        };
        let out = redactor().text(&line).into_owned();
        let plain = out.replace('\u{200b}', "");
        prop_assert!(!leaks(&plain, &s) && !leaks(&out, &percent(&s)), "{line}\n{out}");
        prop_assert_eq!(redactor().text(&out), out.clone());
    }

    #[test]
    fn json_values_lose_them_and_stay_json(s in "[ -~]{12,40}", key in key(), nested in 0usize..3) {
        prop_assume!(!super::value::is_harmless(&s) && !s.trim_start().starts_with(['{', '[']));
        let mut v = serde_json::json!({ key: s.clone(), "status": "FAILED" });
        for _ in 0..nested {
            v = serde_json::json!({ "message_data": v.to_string() });
        }
        let out = redactor().json(&v);
        prop_assert!(!leaks(&out.to_string(), &s), "{out}");
        prop_assert_eq!(redactor().json(&out), out.clone());
        let mut inner = out;
        for _ in 0..nested {
            inner = serde_json::from_str(inner["message_data"].as_str().unwrap()).unwrap();
        }
        prop_assert_eq!(&inner["status"], "FAILED");
    }

    #[test]
    fn any_text_is_taken_and_twice_is_once(s in any::<String>()) {
        let once = redactor().text(&s).into_owned();
        prop_assert_eq!(redactor().text(&once), once.clone());
    }

    #[test]
    fn texts_of_hard_parts_twice_is_once(parts in prop::collection::vec(prop::sample::select(vec![
        "password", "=", ":", " ", "\"", "'", "\\", "\\\"", "\\u0041", "%20", "%3D", "token", "Bearer ", "://", "@", "a.com", "user", "Ab3xZ9qW",
        "‹secret-1›", "‹email-2›", "‹", "›", "{", "}", "[", "]", ",", "&", ";", "\n", "<", ">", "key", "4111111111111111", "é", "\u{200b}", "is ", "--", "-----BEGIN PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9", "cookie: ", "x=1", "(", ")", "value", "api ",
    ]), 0..24)) {
        let text = parts.concat();
        let once = redactor().text(&text).into_owned();
        prop_assert_eq!(redactor().text(&once), once.clone());
        let value = serde_json::json!({ text.clone(): [text] });
        let once = redactor().json(&value);
        prop_assert_eq!(redactor().json(&once), once.clone());
    }
}
