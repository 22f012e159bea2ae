//! Fivetran's rate limit, which is one for the whole account (docs: rest-api/rate-limiting).
//!
//! Two things shut the door: a 429, for everybody until its `Retry-After`; and a budget that runs
//! low, for what nobody waits for. `X-Rate-Limit` and `X-Rate-Limit-Remaining` tell the budget of
//! a rolling hour but not when it fills up again, so now and then one background call goes out to
//! see.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(2 * 60 * 60);
/// For a 429 that does not say how long, or not in a way that makes sense.
const RETRY_AFTER_UNKNOWN: Duration = Duration::from_secs(60);
/// One part in so many of the budget is for people only.
const RESERVE: u64 = 5;
/// How long background calls wait before one of them looks again.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(5);
/// Fivetran counts over one hour: what was read longer ago says nothing.
const WINDOW: TimeDelta = TimeDelta::hours(1);

/// Who waits for a call: decides whether it may use the reserve of the hourly budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// A person, or an action that a person approved.
    People,
    /// Nobody: polling, refreshing, planning.
    Background,
}

/// Why no call may leave now, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    /// Fivetran said so.
    Throttled(DateTime<Utc>),
    /// What is left is for people.
    Budget(DateTime<Utc>),
}

/// What is known of the account's limit.
#[derive(Debug, Default)]
pub(super) struct Door(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    closed_until: Option<DateTime<Utc>>,
    budget: Option<Budget>,
}

#[derive(Debug)]
struct Budget {
    limit: u64,
    remaining: u64,
    read_at: DateTime<Utc>,
    /// When a background call was last let through or the figures were last read.
    looked_at: DateTime<Utc>,
}

impl Door {
    /// Whether a call may leave now.
    pub(super) fn pass(&self, who: Priority, now: DateTime<Utc>) -> Result<(), Shut> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = state.closed_until.filter(|until| now < *until) {
            return Err(Shut::Throttled(until));
        }
        state.closed_until = None;
        let Some(budget) = state.budget.as_mut() else {
            return Ok(());
        };
        let plenty = budget.remaining.saturating_mul(RESERVE) > budget.limit;
        if plenty || who == Priority::People || now >= budget.read_at + WINDOW {
            return Ok(());
        }
        let until = budget.looked_at + LOOK_AGAIN;
        if now < until {
            return Err(Shut::Budget(until));
        }
        budget.looked_at = now;
        Ok(())
    }

    /// Learns from an answer; for a 429, how long the door stays shut.
    pub(super) fn learn(
        &self,
        status: u16,
        headers: &HeaderMap,
        now: DateTime<Utc>,
    ) -> Option<Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = number(headers, "x-rate-limit").filter(|limit| *limit > 0);
        if let (Some(limit), Some(remaining)) = (limit, number(headers, "x-rate-limit-remaining")) {
            state.budget = Some(Budget {
                limit,
                remaining,
                read_at: now,
                looked_at: now,
            });
        }
        if status != 429 {
            return None;
        }
        let header = headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok());
        let wait = retry_after(header, now);
        // Answers may overtake each other: the longest wait holds.
        state.closed_until = state.closed_until.max(Some(now + wait));
        Some(wait)
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// How long a 429 makes us wait: seconds or an HTTP date, never less than 1 s nor more than 2 h;
/// 60 s when it is absent, negative, past or nonsense.
fn retry_after(header: Option<&str>, now: DateTime<Utc>) -> Duration {
    let Some(text) = header.map(str::trim).filter(|text| !text.is_empty()) else {
        return RETRY_AFTER_UNKNOWN;
    };
    let wait = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time, not nonsense.
        Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
    } else {
        DateTime::parse_from_rfc2822(text)
            .ok()
            .and_then(|at| (at.with_timezone(&Utc) - now).to_std().ok())
    };
    wait.map_or(RETRY_AFTER_UNKNOWN, |wait| {
        wait.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-22T08:00:00Z".parse().unwrap()
    }

    fn figures(limit: &str, remaining: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-rate-limit", limit.parse().unwrap());
        headers.insert("x-rate-limit-remaining", remaining.parse().unwrap());
        headers
    }

    /// T084.
    #[test]
    fn a_retry_after_is_bounded_whatever_it_says() {
        for (header, seconds) in [
            (Some("30"), 30),
            (Some(" 30 "), 30),
            (Some("3600"), 3600),
            (Some("0"), 1),
            (Some("7200"), 7200),
            (Some("7201"), 7200),
            (Some("99999999999999999999999999"), 7200),
            (Some("-5"), 60),
            (Some("+5"), 60),
            (Some("1.5"), 60),
            (Some("soon"), 60),
            (Some(""), 60),
            (None, 60),
            (Some("Sun, 22 Nov 2026 08:02:00 GMT"), 120),
            (Some("Sun, 22 Nov 2026 23:00:00 GMT"), 7200),
            (Some("Sun, 22 Nov 2026 07:00:00 GMT"), 60),
            (Some("Sun, 99 Nov 2026 07:00:00 GMT"), 60),
        ] {
            assert_eq!(
                retry_after(header, now()),
                Duration::from_secs(seconds),
                "{header:?}"
            );
        }
    }

    #[test]
    fn a_429_shuts_the_door_for_everybody_until_it_is_over() {
        let door = Door::default();
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "3600".parse().unwrap());
        door.learn(429, &headers, now());
        // A shorter wait that arrives later does not open it earlier.
        headers.insert(RETRY_AFTER, "5".parse().unwrap());
        door.learn(429, &headers, now());
        let until = now() + TimeDelta::hours(1);
        for who in [Priority::People, Priority::Background] {
            let early = until - TimeDelta::seconds(1);
            assert_eq!(door.pass(who, early), Err(Shut::Throttled(until)));
        }
        assert_eq!(door.pass(Priority::Background, until), Ok(()));
    }

    #[test]
    fn the_last_fifth_of_the_budget_is_for_people() {
        let door = Door::default();
        door.learn(200, &figures("20000", "4001"), now());
        assert_eq!(door.pass(Priority::Background, now()), Ok(()));
        door.learn(200, &figures("20000", "4000"), now());
        let until = now() + LOOK_AGAIN;
        assert_eq!(
            door.pass(Priority::Background, now()),
            Err(Shut::Budget(until))
        );
        assert_eq!(door.pass(Priority::People, now()), Ok(()));
        // One call looks, the next waits again, and after an hour the figures are void.
        assert_eq!(door.pass(Priority::Background, until), Ok(()));
        assert_eq!(
            door.pass(Priority::Background, until),
            Err(Shut::Budget(until + LOOK_AGAIN))
        );
        assert_eq!(door.pass(Priority::Background, now() + WINDOW), Ok(()));
    }

    #[test]
    fn nonsense_figures_are_not_believed() {
        let door = Door::default();
        for (limit, remaining) in [("0", "0"), ("many", "0"), ("100", "-1"), ("100", "")] {
            door.learn(200, &figures(limit, remaining), now());
            assert_eq!(door.pass(Priority::Background, now()), Ok(()), "{limit}");
        }
    }
}
