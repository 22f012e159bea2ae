//! What Fivetran's diagnosis endpoints say of a failure, asked beside the log and within the card's
//! time: a list that is slow, or that the account does not have, keeps no card from coming and is left
//! alone for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::App;
use crate::fivetran::{List, ReadError};
use crate::model::{Connection, Notice};
use crate::triage::case::{Listed, StatusNotice};

/// So long a card waits for the lists.
const PATIENCE: Duration = Duration::from_secs(2);
/// So long a list is not asked that was too slow or not there to answer.
const SHORT_REST: TimeDelta = TimeDelta::seconds(60);
/// So long one is not asked that the account does not have.
const LONG_REST: TimeDelta = TimeDelta::hours(1);
/// Failures a minute for which the lists are asked: a flood of them leaves Fivetran's limit to people.
const A_MINUTE: usize = 20;
/// How far back a sync's history is read.
const SPAN: TimeDelta = TimeDelta::days(1);

/// When the lists may be asked.
#[derive(Debug, Default)]
pub(super) struct Diagnosis {
    rests: Mutex<Rests>,
}

#[derive(Debug, Default)]
struct Rests {
    /// Of each list of [`List::ALL`], until when nobody asks it.
    until: [Option<DateTime<Utc>>; 3],
    minute: Option<DateTime<Utc>>,
    asked: usize,
}

impl Diagnosis {
    /// The lists that may be asked now.
    fn open(&self, now: DateTime<Utc>) -> [bool; 3] {
        let mut rests = self.rests();
        if rests
            .minute
            .is_none_or(|began| now - began >= TimeDelta::minutes(1))
        {
            rests.minute = Some(now);
            rests.asked = 0;
        }
        rests.asked += 1;
        let few = rests.asked <= A_MINUTE;
        rests
            .until
            .map(|until| few && until.is_none_or(|until| until <= now))
    }

    fn rest(&self, list: usize, until: DateTime<Utc>) {
        self.rests().until[list] = Some(until);
    }

    fn rests(&self) -> MutexGuard<'_, Rests> {
        self.rests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// What the lists say of a connection's last failure.
    pub(super) async fn listed(&self, connection: &Connection) -> Vec<Listed> {
        let now = self.ctx.now();
        let open = self.diagnosis.open(now);
        let [errors, warnings, history] = List::ALL;
        let lists = tokio::join!(
            self.list(errors, open[0], connection),
            self.list(warnings, open[1], connection),
            self.list(history, open[2], connection),
        );
        let mut told = Vec::new();
        for (at, (list, notices)) in List::ALL
            .into_iter()
            .zip([lists.0, lists.1, lists.2])
            .enumerate()
        {
            match notices {
                Ok(notices) => told.extend(notices.into_iter().map(|notice| listed(list, notice))),
                Err(Some(rest)) => self.diagnosis.rest(at, now + rest),
                Err(None) => {}
            }
        }
        told
    }

    /// One list; or how long it is left alone.
    async fn list(
        &self,
        list: List,
        open: bool,
        connection: &Connection,
    ) -> Result<Vec<Notice>, Option<TimeDelta>> {
        if !open {
            return Err(None);
        }
        let end = connection.failed_at.unwrap_or_else(|| self.ctx.now());
        let since = connection.succeeded_at.filter(|at| *at < end);
        let start = since.map_or(end - SPAN, |at| at.max(end - SPAN));
        let asked = self.fivetran.diagnosis(list, &connection.id, (start, end));
        let heard = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(notices)) => return Ok(notices),
            Ok(Err(error)) => error,
            Err(_) => {
                tracing::info!(connection = %connection.id, ?list, "a list of Fivetran's diagnosis is too slow");
                return Err(Some(SHORT_REST));
            }
        };
        tracing::debug!(connection = %connection.id, ?list, error = %heard, "a list of Fivetran's diagnosis is not there");
        Err(match heard {
            ReadError::KeyRefused { .. } => Some(LONG_REST),
            ReadError::Odd { status, .. } if status < 500 => Some(LONG_REST),
            ReadError::Odd { .. } | ReadError::Unreachable { .. } => Some(SHORT_REST),
            // The account's limit shuts every door by itself.
            ReadError::Throttled { .. } | ReadError::Budget { .. } => None,
        })
    }
}

fn listed(list: List, notice: Notice) -> Listed {
    let (origin, is_warning) = match list {
        List::Errors => ("Fivetran's errors list", false),
        List::Warnings => ("Fivetran's warnings list", true),
        List::History => ("Fivetran's sync history", false),
    };
    Listed {
        origin: origin.to_owned(),
        is_warning,
        notice: StatusNotice {
            code: notice.code,
            message: notice.message,
            details: notice.details,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_rests_by_itself_and_a_flood_is_not_asked_about() {
        let diagnosis = Diagnosis::default();
        let now: DateTime<Utc> = "2026-11-23T07:00:00Z".parse().unwrap();
        assert_eq!(diagnosis.open(now), [true; 3]);
        diagnosis.rest(1, now + LONG_REST);
        assert_eq!(diagnosis.open(now), [true, false, true]);
        for _ in 2..A_MINUTE {
            assert!(diagnosis.open(now)[0]);
        }
        assert_eq!(diagnosis.open(now), [false; 3]);
        assert_eq!(
            diagnosis.open(now + TimeDelta::minutes(1)),
            [true, false, true]
        );
        assert_eq!(diagnosis.open(now + LONG_REST), [true; 3]);
    }
}
