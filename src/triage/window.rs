//! Long lines: what is kept of a row that is longer than anybody reads, as rows of the same place.
//!
//! A window that cut a secret in two would hide it from the redactor. So more than the window is
//! redacted, and what is left of the margins is cut off.

use serde_json::{Map, Value};

use super::case::LogRow;
use super::cues;
use super::redact::Redactor;

/// Bytes of data that are kept as they are.
const LONG: usize = 8 << 10;
/// Bytes of a window, and of the margins on both sides of it.
const WINDOW: usize = 1 << 10;
const MARGIN: usize = 6 << 10;
/// Bytes of a text that is redacted as a whole, as the document that it may be.
const WHOLE: usize = 256 << 10;
/// Windows of one line, its start and its end among them.
const WINDOWS: usize = 8;
/// Bytes of the other words of a row that is cut.
const WORD: usize = 200;

/// A row as it is kept: itself, or pieces of it.
pub(super) fn of(row: LogRow, redactor: &Redactor) -> Vec<LogRow> {
    let Some(data) = row.message_data.as_deref().filter(|data| data.len() > LONG) else {
        return vec![row];
    };
    let said = row.message();
    // What says nothing but is long is looked at as it stands.
    let text = said.as_deref().unwrap_or(data);
    let whole = (text.len() <= WHOLE).then(|| redactor.text(text).into_owned());
    let text = whole.as_deref().unwrap_or(text);
    let beside = words_beside(&row);
    let pieces = windows(text).into_iter().map(|at| {
        let mut fields = beside.clone();
        let piece = match whole {
            Some(_) => whole_words(piece(text, at, WINDOW), at, text.len()),
            None => cut_out(text, at, redactor),
        };
        fields.insert("message".to_owned(), Value::String(piece));
        LogRow {
            message_data: Some(Value::Object(fields).to_string()),
            ..LogRow {
                time_stamp: row.time_stamp.clone(),
                event: row.event.clone(),
                message_event: row.message_event.clone(),
                message_data: None,
                sync_id: row.sync_id.clone(),
                connection_id: row.connection_id.clone(),
                number: row.number,
                repeats: row.repeats,
            }
        }
    });
    pieces.collect()
}

/// The short words of a row's data: its status, its task, its table.
fn words_beside(row: &LogRow) -> Map<String, Value> {
    let Some(Value::Object(fields)) = row.data() else {
        return Map::new();
    };
    let short = fields.into_iter().filter(|(name, value)| {
        let length = value.as_str().map_or(usize::MAX, str::len);
        length <= WORD && name.len() <= WORD && name != "message"
    });
    short.take(16).collect()
}

/// The places that matter: the start, where it speaks of failures first and last, the end.
fn windows(text: &str) -> Vec<usize> {
    let mut found: Vec<usize> = vec![0];
    let mut kinds = Vec::new();
    let mut after = WINDOW / 2;
    while found.len() < WINDOWS - 1 {
        let rest = text.get(floor(text, after)..).unwrap_or_default();
        let Some(place) = cues::places(rest).next() else {
            break;
        };
        let at = floor(text, after) + place.start;
        let around = piece(text, at.saturating_sub(80), 240);
        let kind = cues::kind(around);
        if !kinds.contains(&kind) {
            kinds.push(kind);
            found.push(at.saturating_sub(WINDOW / 4));
        }
        // Ever further steps: a million repeats are looked at a few dozen times.
        after = at + WINDOW / 2 + (at / 16);
    }
    found.push(text.len().saturating_sub(WINDOW));
    found.sort_unstable();
    found.dedup();
    found
}

/// A window without secrets.
fn cut_out(text: &str, at: usize, redactor: &Redactor) -> String {
    let start = at.saturating_sub(MARGIN);
    let region = piece(text, start, at - start + WINDOW + MARGIN);
    let clean = redactor.text(region);
    // What stands before it is longer or shorter by now.
    let from = redactor.text(piece(text, start, at - start)).len();
    whole_words(piece(&clean, from, WINDOW), at, text.len())
}

/// The window at a place of a text of this length; half a word at an edge is no word.
fn whole_words(window: &str, at: usize, length: usize) -> String {
    let (is_start, is_end) = (at == 0, at + WINDOW >= length);
    let window = match window.split_once(char::is_whitespace) {
        Some((_, rest)) if !is_start => rest,
        _ => window,
    };
    match window.rsplit_once(char::is_whitespace) {
        Some((rest, _)) if !is_end => rest.to_owned(),
        _ => window.to_owned(),
    }
}

/// So many bytes from a place on, at the borders of characters.
fn piece(text: &str, from: usize, length: usize) -> &str {
    let (start, end) = (floor(text, from), floor(text, from.saturating_add(length)));
    text.get(start..end).unwrap_or_default()
}

fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(message: &str) -> LogRow {
        let data = serde_json::json!({ "status": "FAILURE", "message": message });
        LogRow {
            message_data: Some(data.to_string()),
            number: Some(7),
            ..LogRow::default()
        }
    }

    fn kept(message: &str) -> Vec<String> {
        let redactor = Redactor::new(&[]).unwrap();
        let rows = of(row(message), &redactor);
        assert!(rows.iter().all(|row| row.number == Some(7)));
        rows.iter()
            .map(|row| row.message().unwrap().into_owned())
            .collect()
    }

    #[test]
    fn of_a_long_line_its_start_its_end_and_what_speaks_of_failure_stays() {
        let noise = "row after row was read and all is well; ".repeat(20_000);
        let line =
            format!("Began here. {noise} FATAL: no such host db.example {noise} and ended there.");
        let kept = kept(&line);
        assert!(kept[0].starts_with("Began here."));
        assert!(
            kept.iter()
                .any(|text| text.contains("FATAL: no such host db.example"))
        );
        assert!(kept.last().unwrap().ends_with("and ended there."));
        assert!(kept.iter().map(String::len).sum::<usize>() < 10_000);
        assert!(
            kept.iter().all(|text| line.contains(text.as_str())),
            "word for word"
        );
        assert_eq!(
            super::of(row("short"), &Redactor::new(&[]).unwrap()),
            [row("short")]
        );
    }

    #[test]
    fn a_secret_of_another_length_moves_no_window() {
        let token = format!("eyJhbGciOiJIUzI1NiJ9.{}.c2ln", "eyJzdWIiOiIx".repeat(150));
        let calm = "x ".repeat(2_000);
        for noise in [1, 80] {
            let noise = "row after row was read; ".repeat(100 * noise);
            let line = format!("{noise} Bearer {token} {calm} error: invalid_grant {calm}{noise}");
            let told = kept(&line).join("\n");
            assert!(told.contains("error: invalid_grant"), "{told}");
            assert!(!told.contains("eyJzdWIiOiIx"), "{told}");
        }
    }

    #[test]
    fn no_window_cuts_a_secret_in_two() {
        for shift in 0..9 {
            // The window begins somewhere between the quotes.
            let (before, between) = ("x ".repeat(6_000), "z ".repeat(10 * shift));
            let secret = format!("password=\"hunter two {}\"", "s3cr3tW0rd and ".repeat(12));
            let line = format!("{before}{secret} {between}error: refused {before}");
            let told = kept(&line).join("\n");
            assert!(!told.contains("s3cr3tW0rd"), "{told}");
        }
    }
}
