//! The account's hourly allowance of requests.

use std::collections::VecDeque;

use chrono::{DateTime, Duration, Utc};

/// Requests of the last hour, and how many there may be.
#[derive(Debug)]
pub(super) struct Budget {
    pub per_hour: usize,
    taken: VecDeque<DateTime<Utc>>,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            per_hour: 20_000,
            taken: VecDeque::new(),
        }
    }
}

impl Budget {
    /// Takes one request; when none is left, says after how many seconds the next one is.
    pub fn take(&mut self, now: DateTime<Utc>) -> Result<(), i64> {
        let hour = Duration::hours(1);
        while self.taken.front().is_some_and(|at| *at + hour <= now) {
            self.taken.pop_front();
        }
        if self.taken.len() >= self.per_hour {
            let free = self.taken.front().map_or(now + hour, |at| *at + hour);
            return Err((free - now).num_seconds().max(1));
        }
        self.taken.push_back(now);
        Ok(())
    }

    /// How many requests are left in the current hour.
    pub fn remaining(&self) -> usize {
        self.per_hour.saturating_sub(self.taken.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_rolls() {
        let start: DateTime<Utc> = "2026-11-22T10:00:00Z".parse().unwrap();
        let mut budget = Budget {
            per_hour: 2,
            ..Budget::default()
        };
        assert_eq!(budget.take(start), Ok(()));
        assert_eq!(budget.take(start + Duration::minutes(10)), Ok(()));
        assert_eq!(budget.remaining(), 0);
        assert_eq!(budget.take(start + Duration::minutes(20)), Err(40 * 60));
        assert_eq!(budget.take(start + Duration::minutes(60)), Ok(()));
        assert_eq!(budget.take(start + Duration::minutes(61)), Err(9 * 60));
    }
}
