//! What was found, as lines or as JSON.

use std::fmt;
use std::io::Write;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::triage::redact::Redactor;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// It works, or could not be looked at; worth knowing.
    Warn,
    /// The user has to act.
    Fail,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad`, so that a width in the format holds.
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What was looked at.
    pub check: String,
    pub level: Level,
    /// How it is.
    pub found: String,
    /// What to do about it.
    pub mend: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            level: Level::Ok,
            found: found.into(),
            mend: None,
        }
    }

    pub(super) fn warn(
        check: impl Into<String>,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Warn,
            mend: Some(mend.into()),
            ..Self::ok(check, found)
        }
    }

    pub(super) fn fail(
        check: impl Into<String>,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Fail,
            ..Self::warn(check, found, mend)
        }
    }

    /// What hangs on a check that failed.
    pub(super) fn not_checked(check: impl Into<String>, because: &str) -> Self {
        Self {
            level: Level::Warn,
            ..Self::ok(check, format!("not checked: {because}"))
        }
    }

    /// Whether our clock goes as a peer's does. `fatal` is the number of seconds from which on the
    /// peer and we do not understand each other.
    pub(super) fn clock(
        check: &str,
        ours: DateTime<Utc>,
        theirs: Option<DateTime<Utc>>,
        fatal: Option<i64>,
    ) -> Self {
        let Some(theirs) = theirs else {
            return Self::not_checked(check, "the answer has no date");
        };
        let skew = (ours - theirs).num_seconds();
        let mend = "Set this machine's clock (NTP).";
        let found = format!(
            "our clock is {} s {} theirs",
            skew.abs(),
            if skew < 0 { "behind" } else { "ahead of" }
        );
        if fatal.is_some_and(|fatal| skew.abs() > fatal) {
            Self::fail(check, format!("{found}: signatures are refused"), mend)
        } else if skew.abs() > 60 {
            Self::warn(check, found, mend)
        } else {
            Self::ok(check, "as theirs, within a minute")
        }
    }

    /// Removes what must not be shown, and keeps it on one line: texts come from outside.
    pub(super) fn redact(&mut self, redactor: &Redactor) {
        let texts = [
            Some(&mut self.check),
            Some(&mut self.found),
            self.mend.as_mut(),
        ];
        for text in texts.into_iter().flatten() {
            let line: String = text
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            *text = redactor.text(&line).into_owned();
        }
    }
}

/// Prints the findings.
pub(super) fn print(findings: &[Finding], json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        let ok = findings.iter().all(|f| f.level != Level::Fail);
        let all = serde_json::json!({ "ok": ok, "checks": findings });
        writeln!(out, "{all:#}")?;
        return Ok(());
    }
    for finding in findings {
        write!(
            out,
            "{:<4}  {}: {}",
            finding.level, finding.check, finding.found
        )?;
        match &finding.mend {
            Some(mend) => writeln!(out, " → {mend}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_judged_by_what_it_breaks() {
        let ours = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1);
        let level = |seconds, fatal| {
            let theirs = ours + chrono::TimeDelta::seconds(seconds);
            Finding::clock("clock", ours, Some(theirs), fatal).level
        };
        assert_eq!(level(60, Some(300)), Level::Ok);
        assert_eq!(level(-61, Some(300)), Level::Warn);
        assert_eq!(level(300, Some(300)), Level::Warn);
        assert_eq!(level(-301, Some(300)), Level::Fail);
        assert_eq!(level(9_000, None), Level::Warn);
        let unknown = Finding::clock("clock", ours, None, Some(300));
        assert_eq!(unknown.found, "not checked: the answer has no date");
    }
}
