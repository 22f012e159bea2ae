//! The daily digest: once a day at the policy's time, whatever restarts and however many replicas
//! there are. It is its day's also where it comes after midnight, since Fivetran or the service was
//! away; then it says that it is late, and the next day has its own.
//!
//! The day is claimed in the transaction that posts: who loses that claim posts nothing, and a crash
//! before the commit leaves the day to the next try.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::json;

use super::digest::{Occasion, late_key};
use super::outlook::channels;
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
/// For so long a digest is owed at least, however near to midnight it was due: its plan is still of
/// use in the morning.
const OWED: TimeDelta = TimeDelta::hours(12);
/// A digest that comes so much after its time says so.
const LATE: TimeDelta = TimeDelta::minutes(5);

/// A digest whose time has come.
#[derive(Clone, Copy, Debug)]
struct Due {
    /// Its day, in the policy's zone.
    day: NaiveDate,
    at: DateTime<Utc>,
    /// How long it is owed.
    until: DateTime<Utc>,
}

impl App {
    /// Posts the digest whose time has come if nobody has posted it; after a start too. It is owed
    /// for the rest of its day, for half a day at least, and never once the next one is due.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run_digest(&self) -> anyhow::Result<Ran> {
        let now = self.ctx.now();
        let policy = self.policy.load_full();
        if policy.digest().is_none() {
            return Ok(Ran::Empty);
        }
        let today = now.with_timezone(&policy.timezone()).date_naive();
        let posted = self.posted_until(today).await?;
        let Some(due) = due(&policy, now) else {
            return Ok(Ran::Empty);
        };
        if posted > label(due.day) || !self.claim_try(now).await? {
            return Ok(Ran::Empty);
        }
        let fleet = match self.refresh_fleet(Priority::Background).await {
            Ok(fleet) => fleet,
            Err(error) => {
                tracing::warn!(%error, day = %due.day, "cannot read the fleet for the digest");
                return outcome(self.tell_late(due).await);
            }
        };
        outcome(self.post_digest(due, &policy, &fleet).await)
    }

    /// The first day whose digest is not posted. Syncgate owes none of before the day on which it
    /// first looked for one.
    async fn posted_until(&self, today: NaiveDate) -> anyhow::Result<DateTime<Utc>> {
        let known = self.store.snapshot().await?.paced_until(POSTED).await?;
        if let Some(next) = known {
            return Ok(next);
        }
        let mut tx = self.store.begin().await?;
        tx.take_turn(POSTED, label(today), label(today)).await?;
        tx.commit().await?;
        Ok(label(today))
    }

    /// Whether this process may try to post the digest: one at a time, once a minute.
    async fn claim_try(&self, now: DateTime<Utc>) -> anyhow::Result<bool> {
        let tried = self.store.snapshot().await?.paced_until(TRY).await?;
        if tried.is_some_and(|next| next > now) {
            return Ok(false);
        }
        let mut tx = self.store.begin().await?;
        let ours = tx.take_turn(TRY, now, now + AGAIN).await?;
        tx.commit().await?;
        Ok(ours)
    }

    async fn post_digest(
        &self,
        due: Due,
        policy: &Policy,
        fleet: &[crate::model::Connection],
    ) -> Flow<Ran> {
        let planned = self.planned(policy, fleet).await?;
        let Some(unchanged) = policy.digest().map(|digest| digest.when_unchanged) else {
            return Ok(Ran::Empty);
        };
        let Due { day, at, .. } = due;
        let mut tx = self.store.begin().await?;
        let next = label(day) + TimeDelta::days(1);
        if !tx.take_turn(POSTED, label(day), next).await? {
            return Ok(Ran::Empty);
        }
        tx.lock_proposals().await?;
        let changes: usize = planned.values().map(|day| day.changes.len()).sum();
        let facts = json!({ "day": day, "connections": fleet.len(), "changes": changes });
        tx.audit(self.entry("digest.posted", Actor::Syncgate, "digest", facts));
        let occasion = Occasion {
            requester: Actor::Syncgate,
            unchanged,
            day,
            late: (self.ctx.now() >= at + LATE).then_some(at),
        };
        self.post_plan(&mut tx, planned, &occasion).await?;
        self.finish(tx).await?;
        Ok(Ran::Ran)
    }

    /// Fivetran does not answer: every channel that gets a digest is told once that it comes later,
    /// as far as it is known which do.
    async fn tell_late(&self, due: Due) -> Flow<Ran> {
        let policy = self.policy.load_full();
        let mut tx = self.store.snapshot().await?;
        let first = late_key(due.day, &policy.default_channel());
        if tx.has_message(&first).await? {
            return Ok(Ran::Ran);
        }
        let fleet = tx.connections().await?;
        let groups = self.group_names(&mut tx, &fleet).await?;
        drop(tx);
        let message = words::digest_late(due.day, due.until, policy.timezone());
        let mut tx = self.store.begin().await?;
        for channel in channels(&policy, &fleet, &groups) {
            let key = late_key(due.day, &channel);
            self.post(&mut tx, key, &channel, &message).await?;
        }
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

/// The last digest whose time has come, if it still is owed.
fn due(policy: &Policy, now: DateTime<Utc>) -> Option<Due> {
    let (tz, digest) = (policy.timezone(), policy.digest()?);
    let today = now.with_timezone(&tz).date_naive();
    let days = [Some(today), today.pred_opt()].into_iter().flatten();
    let moments = days
        .filter(|day| is_on(digest, *day))
        .map(|day| (day, local_moment(tz, day, digest.at)));
    let (day, at) = moments.into_iter().find(|(_, at)| *at <= now)?;
    let midnight = local_moment(tz, day.succ_opt()?, NaiveTime::MIN);
    let until = midnight.max(at + OWED).min(next_digest(policy, at)?);
    (now < until).then_some(Due { day, at, until })
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
        let day = |now| due(&nightly, at(now)).map(|due| due.day.to_string());
        // 29 March: the clocks go from 02:00 to 03:00 at 01:00 UTC.
        assert_eq!(day("2026-03-29T00:59:59Z"), None, "the day before is over");
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
    #[test]
    fn a_digest_is_owed_for_its_day_and_half_a_day_at_least_but_not_beside_the_next() {
        let day = |policy: &Policy, now| due(policy, at(now)).map(|due| due.day.to_string());
        let (monday, tuesday) = (Some("2026-11-23".to_owned()), Some("2026-11-24".to_owned()));
        let morning = policy("digest: {at: \"08:00\"}");
        assert_eq!(
            day(&morning, "2026-11-23T22:59:59Z"),
            monday,
            "until midnight"
        );
        assert_eq!(day(&morning, "2026-11-23T23:00:00Z"), None);
        let night = policy("digest: {at: \"23:50\"}");
        assert_eq!(
            day(&night, "2026-11-23T23:10:00Z"),
            monday,
            "ten past midnight"
        );
        assert_eq!(day(&night, "2026-11-24T10:49:59Z"), monday);
        assert_eq!(
            day(&night, "2026-11-24T10:50:00Z"),
            None,
            "half a day is over"
        );
        assert_eq!(day(&night, "2026-11-24T22:50:00Z"), tuesday);
        let weekly = policy("digest: {at: \"23:50\", days: [mon]}");
        assert_eq!(
            day(&weekly, "2026-11-23T23:10:00Z"),
            monday,
            "no matter that Tuesday has none"
        );
        assert_eq!(day(&weekly, "2026-11-24T22:55:00Z"), None);
        let midnight = policy("digest: {at: \"00:00\"}");
        assert_eq!(day(&midnight, "2026-11-23T22:59:59Z"), monday);
        assert_eq!(
            day(&midnight, "2026-11-23T23:00:00Z"),
            tuesday,
            "the next is due"
        );
    }
}
