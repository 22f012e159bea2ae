//! The daily digest: once a day at the policy's time, whatever restarts and however many replicas
//! there are.
//!
//! The day is claimed in the transaction that posts: who loses that claim posts nothing, and a crash
//! before the commit leaves the day to the next try.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::json;

use super::{App, Flow, Ran, Stop};
use crate::fivetran::Priority;
use crate::model::{Actor, local_moment};
use crate::planner::Horizon;
use crate::policy::{Digest, Policy};
use crate::slack::words;

/// The day of the last digest: its row names the day after as the next one.
const POSTED: &str = "digest";
/// Who may try now.
const TRY: &str = "digest.try";
/// How long after a try the next one begins.
const AGAIN: TimeDelta = TimeDelta::minutes(1);
/// No week is without a digest's day.
const WEEK: usize = 8;

impl App {
    /// Posts today's digest if its time has come and nobody has posted it; after a start too. A day
    /// that has passed is not made up for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run_digest(&self) -> anyhow::Result<Ran> {
        let now = self.ctx.now();
        let policy = self.policy.load_full();
        let Some(day) = due_day(&policy, now) else {
            return Ok(Ran::Empty);
        };
        if !self.claim_try(day, now).await? {
            return Ok(Ran::Empty);
        }
        let fleet = match self.refresh_fleet(Priority::Background).await {
            Ok(fleet) => fleet,
            Err(error) => {
                tracing::warn!(%error, %day, "cannot read the fleet for the digest");
                return outcome(self.tell_late(day).await);
            }
        };
        outcome(self.post_digest(day, &policy, &fleet).await)
    }

    /// Whether this process may try to post the digest of this day: one at a time, once a minute.
    async fn claim_try(&self, day: NaiveDate, now: DateTime<Utc>) -> anyhow::Result<bool> {
        let mut tx = self.store.snapshot().await?;
        let posted = tx.paced_until(POSTED).await?;
        let tried = tx.paced_until(TRY).await?;
        drop(tx);
        let is_posted = posted.is_some_and(|next| next > label(day));
        if is_posted || tried.is_some_and(|next| next > now) {
            return Ok(false);
        }
        let mut tx = self.store.begin().await?;
        let ours = tx.take_turn(TRY, now, now + AGAIN).await?;
        tx.commit().await?;
        Ok(ours)
    }

    async fn post_digest(
        &self,
        day: NaiveDate,
        policy: &Policy,
        fleet: &[crate::model::Connection],
    ) -> Flow<Ran> {
        let planned = self.planned(policy, fleet).await?;
        let Some(unchanged) = policy.digest().map(|digest| digest.when_unchanged) else {
            return Ok(Ran::Empty);
        };
        let mut tx = self.store.begin().await?;
        let next = label(day) + TimeDelta::days(1);
        if !tx.take_turn(POSTED, label(day), next).await? {
            return Ok(Ran::Empty);
        }
        tx.lock_proposals().await?;
        let changes: usize = planned.values().map(|day| day.changes.len()).sum();
        let facts = json!({ "day": day, "connections": fleet.len(), "changes": changes });
        tx.audit(self.entry("digest.posted", Actor::Syncgate, "digest", facts));
        self.post_plan(&mut tx, planned, Actor::Syncgate, unchanged)
            .await?;
        self.finish(tx).await?;
        Ok(Ran::Ran)
    }

    /// Fivetran does not answer: people are told once a day that the digest comes later.
    async fn tell_late(&self, day: NaiveDate) -> Flow<Ran> {
        let mut tx = self.store.begin().await?;
        let channel = self.policy.load().default_channel();
        let key = format!("digest:late:{day}");
        self.post(&mut tx, key, &channel, &words::digest_late())
            .await?;
        self.finish(tx).await?;
        Ok(Ran::Ran)
    }
}

/// A race is tried again like anything else: in a minute.
fn outcome(done: Flow<Ran>) -> anyhow::Result<Ran> {
    match done {
        Ok(ran) => Ok(ran),
        Err(Stop::Race) => Ok(Ran::Empty),
        Err(Stop::Fail(error)) => Err(error),
        Err(Stop::Say { code, .. }) => anyhow::bail!("nobody asked for the digest: {code}"),
    }
}

/// A day as a moment that only ever grows, whatever the zone: what the claim compares.
fn label(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// Today, if a digest is due today and its time has come.
fn due_day(policy: &Policy, now: DateTime<Utc>) -> Option<NaiveDate> {
    let (tz, digest) = (policy.timezone(), policy.digest()?);
    let today = now.with_timezone(&tz).date_naive();
    let due = is_on(digest, today) && local_moment(tz, today, digest.at) <= now;
    due.then_some(today)
}

fn is_on(digest: &Digest, day: NaiveDate) -> bool {
    digest.days.contains(&day.weekday())
}

/// When the next digest is due, by the policy's days and in its zone.
pub fn next_digest(policy: &Policy, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (tz, digest) = (policy.timezone(), policy.digest()?);
    let today = now.with_timezone(&tz).date_naive();
    let days = today.iter_days().take(WEEK);
    let mut moments = days
        .filter(|day| is_on(digest, *day))
        .map(|day| local_moment(tz, day, digest.at));
    moments.find(|at| *at > now)
}

/// What a plan that is made now is for: until the next digest, or a day where there is none.
pub(super) fn horizon(policy: &Policy, now: DateTime<Utc>) -> Horizon {
    Horizon {
        now,
        until: next_digest(policy, now).unwrap_or(now + TimeDelta::days(1)),
        tz: policy.timezone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(digest: &str) -> Policy {
        Policy::parse(&format!(
            "version: 1\ntimezone: Europe/Berlin\nchannels: {{default: C0DATAOPS}}\n{digest}"
        ))
        .unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn until(policy: &Policy, now: &str) -> String {
        horizon(policy, at(now)).until.to_rfc3339()
    }

    #[test]
    fn a_plan_is_made_until_the_next_digest_or_for_a_day() {
        let weekdays = policy("digest: {at: \"08:00\", days: [mon, tue, wed, thu, fri]}");
        let friday = until(&weekdays, "2026-11-20T07:00:00Z");
        assert_eq!(friday, "2026-11-23T07:00:00+00:00", "over the weekend");
        let early = until(&weekdays, "2026-11-23T06:59:59Z");
        assert_eq!(early, "2026-11-23T07:00:00+00:00");
        let weekly = policy("digest: {at: \"08:00\", days: [mon]}");
        let monday = until(&weekly, "2026-11-23T07:00:00Z");
        assert_eq!(monday, "2026-11-30T07:00:00+00:00");
        let none = until(&policy(""), "2026-11-23T07:00:00Z");
        assert_eq!(none, "2026-11-24T07:00:00+00:00");
    }

    #[test]
    fn a_digest_in_the_hour_that_a_night_leaves_out_or_doubles_is_due_once() {
        let nightly = policy("digest: {at: \"02:30\"}");
        let day = |now| due_day(&nightly, at(now)).map(|day| day.to_string());
        // 29 March: the clocks go from 02:00 to 03:00 at 01:00 UTC.
        assert_eq!(day("2026-03-29T00:59:59Z"), None);
        assert_eq!(day("2026-03-29T01:00:00Z").unwrap(), "2026-03-29");
        assert_eq!(
            until(&nightly, "2026-03-28T12:00:00Z"),
            "2026-03-29T01:00:00+00:00"
        );
        // 25 October: 02:30 comes at 00:30 and at 01:30 UTC; both are of one day.
        assert_eq!(day("2026-10-25T00:29:59Z"), None);
        assert_eq!(day("2026-10-25T00:30:00Z").unwrap(), "2026-10-25");
        assert_eq!(day("2026-10-25T01:30:00Z").unwrap(), "2026-10-25");
        assert_eq!(
            until(&nightly, "2026-10-25T00:30:00Z"),
            "2026-10-26T01:30:00+00:00"
        );
    }
}
