//! What holds of every plan, whatever the schedules and the wishes.

use proptest::prelude::*;

use super::tests::{NOW, at, connection, horizon};
use super::*;
use crate::model::ScheduleType;

prop_compose! {
    fn any_connection()(
        frequency in prop::sample::select(vec![1_i64, 15, 60, 360, 1440]),
        ago in 0_i64..3_000,
        manual in any::<bool>(),
        daily in prop::option::of(0_u32..24),
        state in 0_usize..3,
        rescheduled in -100_i64..2_000,
    ) -> Connection {
        let mut c = connection();
        c.sync_frequency = Some(frequency);
        c.daily_sync_time = daily.map(|hour| format!("{hour:02}:00"));
        c.succeeded_at = Some(at(NOW) - Duration::minutes(ago));
        c.schedule_type = if manual { ScheduleType::Manual } else { ScheduleType::Auto };
        c.sync_state = [SyncState::Scheduled, SyncState::Syncing, SyncState::Rescheduled][state].clone();
        c.rescheduled_for = (state == 2).then(|| at(NOW) + Duration::minutes(rescheduled));
        c
    }
}

proptest! {
    #[test]
    fn every_plan_is_ahead_in_order_and_the_same_again(
        fleet in prop::collection::vec(any_connection(), 0..6),
        max_age in prop::option::of(1_i64..3_000),
        hours in prop::collection::vec(0_u32..24, 0..3),
        days in 1_i64..4,
    ) {
        let times: Vec<NaiveTime> =
            hours.iter().map(|h| NaiveTime::from_hms_opt(*h, 0, 0).unwrap()).collect();
        let target = |connection| Target {
            connection,
            max_age: max_age.map(Duration::minutes),
            fresh_by: &times,
            mode: Mode::Copilot,
            approved: &[],
            needs_person: false,
        };
        let targets: Vec<Target<'_>> = fleet.iter().map(target).collect();
        let span = horizon(NOW, days);
        let planned = plan(&targets, span);
        prop_assert_eq!(&planned, &plan(&targets, span));
        let due: Vec<_> = planned.iter().map(|p| p.line.action.due_at()).collect();
        prop_assert!(due.is_sorted());
        for planned in &planned {
            prop_assert!(!planned.line.reason.is_empty());
            let syncs = matches!(planned.line.action, Action::SyncNow { force: false } | Action::SyncAt { .. });
            prop_assert!(syncs, "{:?}", planned.line.action);
            for at in [planned.line.action.due_at(), planned.decide_by()].into_iter().flatten() {
                prop_assert!(at > span.now && at <= span.until + AT_ONCE, "{at}");
            }
        }
        if max_age.is_none() && times.is_empty() {
            prop_assert!(planned.iter().all(|p| p.line.pre_image.schedule_type == ScheduleType::Manual));
        }
    }
}

/// The ends of the syncs that would run in a plan's time, the planned ones too, first to last.
fn ends(target: &Target<'_>, span: Horizon, planned: &[Planned]) -> Vec<DateTime<Utc>> {
    let takes = counted(target.connection);
    let until = span.until + Duration::days(1);
    let own = Baseline::of(target.connection, span.now);
    let own = std::iter::successors(own.next_after(span.now), |end| own.next_after(*end));
    let starts = planned.iter().map(|p| p.line.action.due_at());
    let starts = starts.map(|start| start.unwrap_or(span.now));
    let beside = starts.chain(target.approved.iter().map(|start| (*start).max(span.now)));
    let mut ends: Vec<_> = own.take_while(|end| *end <= until).collect();
    ends.extend(beside.map(|start| start + takes));
    ends.extend(match target.connection.sync_state {
        SyncState::Syncing => Some(span.now + takes),
        _ => target.connection.succeeded_at,
    });
    ends.sort_unstable();
    ends
}

/// The first moment at which the data that these syncs bring is too old.
fn too_old_at(ends: &[DateTime<Utc>], max_age: Duration) -> DateTime<Utc> {
    let limits = ends.iter().map(|end| *end + max_age);
    let nexts = ends.iter().skip(1).copied();
    let mut spans = limits.zip(nexts.chain([DateTime::<Utc>::MAX_UTC]));
    let first = spans.find(|(limit, next)| next > limit);
    first.map_or(DateTime::<Utc>::MAX_UTC, |(limit, _)| limit)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_can_still_be_fresh_in_time_is_and_no_sync_is_proposed_for_nothing(
        connection in any_connection(),
        approved in prop::collection::vec(-60_i64..2_000, 0..3),
        max_age in prop::option::of(40_i64..2_000),
        times in prop::collection::vec(0_u32..24 * 12, 0..4),
        days in 1_i64..3,
    ) {
        let span = horizon(NOW, days);
        let approved: Vec<_> = approved.iter().map(|m| span.now + Duration::minutes(*m)).collect();
        let times: Vec<NaiveTime> = times
            .iter()
            .map(|five| NaiveTime::from_hms_opt(five / 12, five % 12 * 5, 0).unwrap())
            .collect();
        let target = Target {
            connection: &connection,
            max_age: max_age.map(Duration::minutes),
            fresh_by: &times,
            mode: Mode::Copilot,
            approved: &approved,
            needs_person: false,
        };
        let planned = plan(std::slice::from_ref(&target), span);
        let takes = counted(&connection);
        let barred = connection.rescheduled_for.unwrap_or(span.now);
        let at_once = if barred > span.now { AT_ONCE } else { Duration::zero() };
        // Whoever decides at once can have a sync that ends in time.
        let reachable = |by: DateTime<Utc>| {
            // It has to end before an approved one begins that comes too late.
            let too_late = approved.iter().filter(|start| **start + takes > by);
            let before = too_late.map(|start| *start - takes);
            let latest = before.fold(by - takes - RESERVE, DateTime::min);
            let mut others = planned.iter().filter_map(|p| p.line.action.due_at());
            latest > span.now + at_once
                && latest >= barred
                && latest <= span.until + AT_ONCE
                && others.all(|other| other == latest || (other - latest).abs() >= takes)
        };
        let with = ends(&target, span, &planned);
        let without = ends(&target, span, &[]);
        for deadline in Forecast::new(&target, span).deadlines() {
            let is_met = with.iter().any(|end| *end <= deadline && *end + FRESH >= deadline);
            prop_assert!(is_met || !reachable(deadline), "{deadline}: {planned:#?}");
        }
        // While one runs no other is started, and one that was put off has its own time.
        let idle = connection.sync_state == SyncState::Scheduled;
        if let Some(max_age) = target.max_age.filter(|_| idle) {
            let [before, after] = [&without, &with].map(|ends| too_old_at(ends, max_age));
            if before <= span.until && reachable(before) {
                prop_assert!(after > before, "{before}: {planned:#?}");
            }
            // Data gets too old all the same only after a sync that was proposed against that.
            let mut told = planned.iter().filter(|p| p.line.reason.contains("limit"));
            if after <= span.until && reachable(after) {
                prop_assert!(told.next().is_some(), "{after}: {planned:#?}");
            }
        }
        let mut added: Vec<_> = planned.iter().map(|p| p.line.action.due_at()).collect();
        added.sort_unstable();
        // One that no limit asks for soon after the other lies in no other's two hours.
        let least = match approved.as_slice() {
            [] => (FRESH - takes).min(target.max_age.map_or(FRESH, |age| age - RESERVE)),
            // It may have to make room for one that is approved.
            _ => takes,
        };
        for pair in added.windows(2) {
            let gap = pair[1].unwrap_or(span.now) - pair[0].unwrap_or(span.now);
            prop_assert!(gap >= least, "{gap}: {planned:#?}");
        }
    }
}
