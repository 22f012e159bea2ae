//! The single values of the file: times, durations, numbers, words, people.

use std::time::Duration;

use chrono::{NaiveTime, Timelike, Weekday};

use super::errors::{listed, quoted, suggestion};
use crate::model::{ActionKind, Mode};

/// Ten years: what is longer was not meant.
const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);

const MINUTES_A_DAY: u16 = 24 * 60;

/// A part of every day in the policy's time zone; one whose end is before its start goes over
/// midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Minutes since midnight, 0 to 1439.
    from: u16,
    /// Minutes since midnight, 1 to 1440.
    until: u16,
}

impl Window {
    /// Whether a local time lies in it: the start does, the end does not.
    pub fn contains(self, time: NaiveTime) -> bool {
        let minute = u16::try_from(time.hour() * 60 + time.minute()).unwrap_or(0);
        if self.from < self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }
}

/// `HH:MM`, or `24:00` where it ends a window, in minutes since midnight.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| -> Option<u16> {
        let plain = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_A_DAY).then_some(total)
}

/// A local time of day, `HH:MM`.
pub(super) fn time(text: &str) -> Result<NaiveTime, String> {
    minute(text)
        .and_then(|m| NaiveTime::from_hms_opt(u32::from(m / 60), u32::from(m % 60), 0))
        .ok_or_else(|| {
            format!(
                "{} is no time of day; write it as \"06:00\", from \"00:00\" to \"23:59\"",
                quoted(text)
            )
        })
}

/// A window, `HH:MM-HH:MM`.
pub(super) fn window(text: &str) -> Result<Window, String> {
    let wrong = || {
        format!(
            "{} is no window; write it as \"09:00-18:00\" (\"22:00-06:00\" goes over midnight)",
            quoted(text)
        )
    };
    let (from, until) = text.split_once('-').ok_or_else(wrong)?;
    let from = minute(from.trim()).ok_or_else(wrong)?;
    let until = minute(until.trim()).ok_or_else(wrong)?;
    if from == MINUTES_A_DAY {
        return Err(wrong());
    }
    if from == until {
        return Err(format!(
            "{} is empty: it ends when it begins; write \"00:00-24:00\" for the whole day",
            quoted(text)
        ));
    }
    // An end at 00:00 is the end of the day, which keeps `until` above zero.
    let until = if until == 0 { MINUTES_A_DAY } else { until };
    Ok(Window { from, until })
}

/// A duration such as `90s`, `4h`, `1h 30m`, `90d`: at least a second, at most ten years.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "{} is no duration; write a number and a unit, such as 90s, 15m, 4h or 90d",
            quoted(text)
        )
    };
    // The parser takes much more (fractions of a second, months); nobody means it here.
    let plain = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase() || c == ' ';
    if text.len() > 40 || !text.chars().all(plain) {
        return Err(wrong());
    }
    let duration = humantime::parse_duration(text).map_err(|_| wrong())?;
    if duration < Duration::from_secs(1) {
        return Err(format!(
            "{} is too short: it must be at least 1s",
            quoted(text)
        ));
    }
    if duration > LONGEST {
        return Err(format!("{} is longer than ten years", quoted(text)));
    }
    Ok(duration)
}

/// A number of people or things, from 1 to `most`.
pub(super) fn count(text: &str, most: u32) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(n) if (1..=most).contains(&n) => Ok(n),
        _ => Err(format!(
            "{} does not go here; write a whole number from 1 to {most}",
            quoted(text)
        )),
    }
}

/// Monthly active rows: a whole number, with `_` between digits as people like.
pub(super) fn rows(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    digits
        .parse::<u64>()
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| {
            format!(
                "{} is no number of rows; write a whole number above 0, such as 50000000",
                quoted(text)
            )
        })
}

/// An amount of money a month, in the currency of the Fivetran bill.
pub(super) fn amount(text: &str) -> Result<f64, String> {
    let digits = text.replace('_', "");
    digits
        .parse::<f64>()
        .ok()
        .filter(|n| n.is_finite() && *n > 0.0)
        .ok_or_else(|| {
            format!(
                "{} is no budget; write an amount above 0, such as 12000",
                quoted(text)
            )
        })
}

/// A share above 0 and up to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|n| *n > 0.0 && *n <= 1.0)
        .ok_or_else(|| {
            format!(
                "{} is no share; write a number above 0 and up to 1, such as 0.8",
                quoted(text)
            )
        })
}

/// `true` or `false`.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    word(text, &[("true", true), ("false", false)])
}

/// One of a closed set of words.
pub(super) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let names = || words.iter().map(|(word, _)| *word);
    let mut hint = suggestion(text, names());
    if hint.is_empty() {
        hint = format!("; write one of {}", listed(names()));
    }
    Err(format!("{} is not known here{hint}", quoted(text)))
}

/// A mode.
pub(super) fn mode(text: &str) -> Result<Mode, String> {
    let all = [Mode::Shadow, Mode::Copilot, Mode::Auto].map(|m| (m.to_string(), m));
    let all: Vec<(&str, Mode)> = all.iter().map(|(word, m)| (word.as_str(), *m)).collect();
    word(text, &all)
}

/// A day of the week, by its first three letters.
pub(super) fn weekday(text: &str) -> Result<Weekday, String> {
    word(
        text,
        &[
            ("mon", Weekday::Mon),
            ("tue", Weekday::Tue),
            ("wed", Weekday::Wed),
            ("thu", Weekday::Thu),
            ("fri", Weekday::Fri),
            ("sat", Weekday::Sat),
            ("sun", Weekday::Sun),
        ],
    )
}

/// A time zone of the IANA database.
pub(super) fn zone(text: &str) -> Result<chrono_tz::Tz, String> {
    text.parse().map_err(|_| {
        let names = chrono_tz::TZ_VARIANTS.iter().map(|tz| tz.name());
        let hint = match suggestion(text, names) {
            hint if hint.is_empty() => "; write a name such as `Europe/Berlin` or `UTC`".to_owned(),
            hint => hint,
        };
        format!("{} is no time zone{hint}", quoted(text))
    })
}

/// The kind of an action.
pub(super) fn action(text: &str) -> Result<ActionKind, String> {
    const LATER: [&str; 8] = [
        "set_schedule_type",
        "reload_schema",
        "set_schema_change_handling",
        "enable_table",
        "disable_table",
        "enable_column",
        "disable_column",
        "run_transformation",
    ];
    if LATER.contains(&text) {
        return Err(format!(
            "{} is an action that this version does not do yet; remove it until it does",
            quoted(text)
        ));
    }
    let all: Vec<(&str, ActionKind)> = ActionKind::ALL.iter().map(|k| (k.as_str(), *k)).collect();
    word(text, &all).map_err(|message| message.replace("is not known here", "is no action"))
}

/// Whether `text` is an id of Slack's with one of these first letters.
fn is_slack_id(text: &str, first: &[char]) -> bool {
    text.len() >= 3
        && text.len() <= 32
        && text.starts_with(first)
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Whether `text` is a Slack user's id.
pub(super) fn is_user(text: &str) -> bool {
    is_slack_id(text, &['U', 'W'])
}

/// Whether `text` is a Slack user group's id.
pub(super) fn is_group(text: &str) -> bool {
    is_slack_id(text, &['S'])
}

/// A user's id, a user group's id or a user group's handle, as written.
pub(super) fn person(text: &str) -> Result<String, String> {
    if text == "everyone" {
        return Err("`everyone` is no one to be told; name users or user groups".to_owned());
    }
    let handle = text.strip_prefix('@').unwrap_or(text);
    let is_handle = handle.chars().count() <= 80
        && handle.starts_with(|c: char| c.is_alphanumeric())
        && handle
            .chars()
            .all(|c| (c.is_alphanumeric() && !c.is_uppercase()) || matches!(c, '-' | '_' | '.'));
    if is_user(text) || is_group(text) || is_handle {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{} names nobody; write a Slack user id (`U…`), a user-group id (`S…`) or a user-group handle (`@data-eng`)",
        quoted(text)
    ))
}

/// The same, or `everyone`.
pub(super) fn person_or_everyone(text: &str) -> Result<String, String> {
    if text == "everyone" {
        return Ok(text.to_owned());
    }
    person(text)
}

/// A channel's id.
pub(super) fn channel(text: &str) -> Result<crate::model::ChannelId, String> {
    if is_slack_id(text, &['C', 'G', 'D']) {
        return Ok(text.into());
    }
    Err(format!(
        "{} is no channel id; write the id (`C…`) that Slack shows at the end of the channel's details",
        quoted(text)
    ))
}

/// A pattern whose matches are redacted.
pub(super) fn regex(text: &str) -> Result<String, String> {
    const LONGEST: usize = 500;
    if text.len() > LONGEST {
        return Err(format!(
            "the pattern is longer than {LONGEST} bytes; split it"
        ));
    }
    // Bounds what a pattern such as `\w{1000}{1000}` costs.
    let regex = regex::RegexBuilder::new(text)
        .size_limit(512 * 1024)
        .nest_limit(50)
        .build()
        .map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default();
            let reason = reason.trim().trim_start_matches("error: ");
            format!("{} is no regular expression: {reason}", quoted(text))
        })?;
    if regex.is_match("") {
        return Err(format!(
            "{} matches the empty text and would redact everything; make it match at least one character",
            quoted(text)
        ));
    }
    Ok(text.to_owned())
}
