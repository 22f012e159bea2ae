use proptest::prelude::*;

use super::*;
use crate::model::{Clock, Ctx, ScheduleType};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Monday, 08:00 in Berlin.
const NOW: &str = "2026-11-23T07:00:00Z";

/// Synced an hour ago, every six hours.
fn connection() -> Connection {
    Connection {
        succeeded_at: Some(at("2026-11-23T06:00:00Z")),
        read_at: at(NOW),
        ..crate::model::samples::connection()
    }
}

fn horizon(now: &str, days: i64) -> Horizon {
    Horizon {
        now: at(now),
        until: at(now) + Duration::days(days),
        tz: Tz::Europe__Berlin,
    }
}

/// The plan as text: action, reason, decide by.
fn told(connection: &Connection, max_age: Option<i64>, fresh_by: &[&str], span: Horizon) -> String {
    told_beside(&[], connection, max_age, fresh_by, span)
}

/// The plan as text where people have approved syncs at these times already.
fn told_beside(
    approved: &[DateTime<Utc>],
    connection: &Connection,
    max_age: Option<i64>,
    fresh_by: &[&str],
    span: Horizon,
) -> String {
    let times: Vec<NaiveTime> = fresh_by
        .iter()
        .map(|t| NaiveTime::parse_from_str(t, "%H:%M").unwrap())
        .collect();
    let target = Target {
        connection,
        max_age: max_age.map(Duration::hours),
        fresh_by: &times,
        mode: Mode::Copilot,
        approved,
        needs_person: false,
    };
    let clock = |at: DateTime<Utc>| at.format("%d %H:%M").to_string();
    let planned = plan(&[target], span).into_iter().map(|planned| {
        let start = planned.line.action.due_at().map_or("now".into(), clock);
        let by = planned.decide_by().map_or("-".into(), clock);
        format!("{start} | {by} | {}", planned.line.reason)
    });
    planned.collect::<Vec<_>>().join("\n")
}

fn today(connection: &Connection, max_age: Option<i64>, fresh_by: &[&str]) -> String {
    told(connection, max_age, fresh_by, horizon(NOW, 1))
}

#[test]
fn data_that_is_too_old_is_synced_now() {
    let mut c = connection();
    c.succeeded_at = Some(at("2026-11-23T04:00:00Z"));
    insta::assert_snapshot!(today(&c, Some(2), &[]), @"now | - | Its data is 3 h old; the limit is 2 h.");
    c.succeeded_at = None;
    insta::assert_snapshot!(today(&c, Some(2), &[]), @"now | - | It has never synced; its data may be 2 h old.");
    insta::assert_snapshot!(today(&c, None, &[]), @"");
}

#[test]
fn what_is_approved_already_is_not_proposed_again() {
    let beside = |approved: &str, age, by: &[&str]| {
        told_beside(&[at(approved)], &connection(), age, by, horizon(NOW, 1))
    };
    // What the limit needs after the approved one, and nothing for the deadline.
    let next = beside("2026-11-23T07:20:00Z", Some(3), &[]);
    assert!(next.starts_with("23 10:10"), "{next}");
    assert_eq!(beside("2026-11-23T09:00:00Z", None, &["11:00"]), "");
    // One that comes too late helps nothing.
    let late = beside("2026-11-23T11:00:00Z", Some(3), &[]);
    assert!(late.starts_with("23 08:20"), "{late}");
    let mut stuck = connection();
    stuck.schedule_type = ScheduleType::Manual;
    stuck.sync_state = SyncState::Rescheduled;
    stuck.rescheduled_for = Some(at("2026-11-23T06:30:00Z"));
    assert!(!today(&stuck, None, &[]).is_empty());
    let woken = told_beside(&[at(NOW)], &stuck, None, &[], horizon(NOW, 1));
    assert_eq!(woken, "");
}

#[test]
fn what_a_person_must_mend_first_is_not_synced() {
    let mut c = connection();
    c.succeeded_at = Some(at("2026-11-20T04:00:00Z"));
    let planned = |needs_person| {
        let target = Target {
            connection: &c,
            max_age: Some(Duration::hours(2)),
            fresh_by: &[],
            mode: Mode::Copilot,
            approved: &[],
            needs_person,
        };
        plan(&[target], horizon(NOW, 1)).len()
    };
    assert_eq!((planned(false), planned(true)), (1, 0));
}

#[test]
fn data_that_will_be_too_old_is_synced_as_late_as_is_safe() {
    insta::assert_snapshot!(today(&connection(), Some(3), &[]), @"23 08:20 | 23 08:20 | Its data passes its limit of 3 h at Mon 10:00. The next one ends at about Mon 13:00, if a sync takes 30 min. Its frequency cannot keep that limit; every 3h would.");
    assert_eq!(
        today(&connection(), Some(6), &[]),
        "",
        "Fivetran is in time"
    );
    let mut manual = connection();
    manual.schedule_type = ScheduleType::Manual;
    insta::assert_snapshot!(today(&manual, Some(12), &[]), @"23 17:20 | 23 17:20 | Its data passes its limit of 12 h at Mon 19:00. Nothing syncs it by itself. A sync is counted as 30 min.");
    assert_eq!(today(&manual, Some(36), &[]), "", "after the next digest");
}

#[test]
fn what_must_start_within_half_an_hour_starts_now() {
    let mut c = connection();
    c.succeeded_at = Some(at("2026-11-23T06:05:00Z"));
    insta::assert_snapshot!(today(&c, Some(2), &[]), @"now | 23 07:25 | Its data passes its limit of 2 h at Mon 09:05. The next one ends at about Mon 13:05, if a sync takes 30 min. Its frequency cannot keep that limit; every 2h would.");
    c.sync_state = SyncState::Syncing;
    assert_eq!(
        today(&c, Some(6), &[]),
        "",
        "a running sync is taken to succeed"
    );
}

#[test]
fn a_deadline_gets_a_sync_unless_fivetran_has_one_shortly_before() {
    // Its own syncs end at 07:00, 13:00, 19:00 and 01:00 in Berlin.
    insta::assert_snapshot!(today(&connection(), None, &["06:00"]), @"24 04:20 | 24 04:20 | It must be fresh by Tue 06:00, and no sync ends in the 2 h before. The next one ends at about Tue 07:00, if a sync takes 30 min.");
    assert_eq!(today(&connection(), None, &["14:30", "02:59"]), "");
    insta::assert_snapshot!(today(&connection(), None, &["12:30", "11:45", "08:20"]), @"23 10:05 | 23 10:05 | It must be fresh by Mon 11:45, and no sync ends in the 2 h before. The next one ends at about Mon 13:00, if a sync takes 30 min.");
}

#[test]
fn an_age_and_a_deadline_that_one_sync_meets_get_one_sync() {
    let mut manual = connection();
    manual.schedule_type = ScheduleType::Manual;
    insta::assert_snapshot!(today(&manual, Some(5), &["12:30"]), @"23 10:20 | 23 10:20 | Its data passes its limit of 5 h at Mon 12:00. Nothing syncs it by itself. A sync is counted as 30 min.");
}

#[test]
fn a_rescheduled_sync_under_manual_is_woken_at_its_time() {
    let mut c = connection();
    c.sync_state = SyncState::Rescheduled;
    c.rescheduled_for = Some(at("2026-11-23T06:30:00Z"));
    assert_eq!(
        today(&c, None, &[]),
        "",
        "Fivetran itself wakes it under auto"
    );
    c.schedule_type = ScheduleType::Manual;
    insta::assert_snapshot!(today(&c, None, &[]), @"now | - | Its sync was rescheduled, but its schedule is manual: Fivetran will never start it.");
    c.rescheduled_for = Some(at("2026-11-23T09:00:00Z"));
    insta::assert_snapshot!(today(&c, None, &[]), @"23 09:00 | - | Its sync was rescheduled for Mon 10:00, but its schedule is manual: Fivetran will never start it.");
    c.rescheduled_for = Some(at("2026-11-25T09:00:00Z"));
    assert_eq!(today(&c, None, &[]), "", "the next plan sees to it");
}

#[test]
fn a_daily_sync_is_reckoned_from_its_hour_in_utc_as_late_as_it_may_be() {
    let mut c = connection();
    c.sync_frequency = Some(1440);
    c.daily_sync_time = Some("03:00".to_owned());
    c.succeeded_at = Some(at("2026-11-23T03:40:00Z"));
    assert_eq!(today(&c, Some(25), &["06:00"]), "", "it ends by 04:30 UTC");
    insta::assert_snapshot!(today(&c, Some(24), &["05:00"]), @"24 03:00 | 24 03:00 | Its data passes its limit of 24 h at Tue 04:40. The next one ends at about Tue 05:30, if a sync takes 30 min.");
}

#[test]
fn what_cannot_sync_or_cannot_be_foretold_is_left_alone() {
    let old = Some(at("2026-11-20T06:00:00Z"));
    let cannot: [fn(&mut Connection); 3] = [
        |c| c.paused = true,
        |c| c.setup_state = SetupState::Broken,
        |c| c.is_historical_sync = true,
    ];
    for change in cannot {
        let mut c = connection();
        c.succeeded_at = old;
        change(&mut c);
        assert_eq!(today(&c, Some(1), &["06:00"]), "");
    }
    let mut c = connection();
    c.schedule = Some("CRON".to_owned());
    assert_eq!(today(&c, Some(3), &["06:00"]), "", "nothing is guessed");
    c.succeeded_at = old;
    insta::assert_snapshot!(today(&c, Some(3), &[]), @"now | - | Its data is 3 days old; the limit is 3 h.");
}

#[test]
fn a_deadline_in_the_hour_that_a_night_leaves_out_or_doubles_is_met() {
    let mut manual = connection();
    manual.schedule_type = ScheduleType::Manual;
    let night = |now| told(&manual, None, &["02:30"], horizon(now, 1));
    insta::assert_snapshot!(night("2026-03-28T12:00:00Z"), @"29 00:20 | 29 00:20 | It must be fresh by Sun 03:00, and no sync ends in the 2 h before. Nothing syncs it by itself. A sync is counted as 30 min.");
    insta::assert_snapshot!(night("2026-10-24T12:00:00Z"), @"24 23:50 | 24 23:50 | It must be fresh by Sun 02:30, and no sync ends in the 2 h before. Nothing syncs it by itself. A sync is counted as 30 min.");
}

#[test]
fn five_thousand_connections_are_planned_in_one_pass() {
    let fleet: Vec<Connection> = (0..5_000)
        .map(|n| Connection {
            id: format!("c{n:04}").as_str().into(),
            sync_frequency: Some([5, 60, 360, 1440][n % 4]),
            ..connection()
        })
        .collect();
    let times = [NaiveTime::from_hms_opt(6, 0, 0).unwrap()];
    let target = |connection| Target {
        connection,
        max_age: Some(Duration::hours(4)),
        fresh_by: &times,
        mode: Mode::Copilot,
        approved: &[],
        needs_person: false,
    };
    let targets: Vec<Target<'_>> = fleet.iter().map(target).collect();
    let began = Ctx::new(Clock::machine()).monotonic();
    let planned = plan(&targets, horizon(NOW, 1));
    println!(
        "{} lines of 5,000 connections in {:?}",
        planned.len(),
        began.elapsed()
    );
    assert!(planned.len() >= 2_500, "{}", planned.len());
    assert!(plan(&[], horizon(NOW, 1)).is_empty());
}

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

/// What the picture of a plan would show: name, what Fivetran starts, by when it must be fresh.
fn pictured(connections: &[(Connection, Option<i64>, Mode)], span: Horizon) -> (String, usize) {
    let targets: Vec<Target<'_>> = connections
        .iter()
        .map(|(connection, max_age, mode)| Target {
            connection,
            max_age: max_age.map(Duration::hours),
            fresh_by: &[],
            mode: *mode,
            approved: &[],
            needs_person: false,
        })
        .collect();
    let chart = chart(&targets, &plan(&targets, span), span);
    let clock = |at: &DateTime<Utc>| at.format("%H:%M").to_string();
    let rows = chart.rows.iter().map(|row| {
        let ends: Vec<String> = row.ends(chart.until).map(|at| clock(&at)).collect();
        let due: Vec<String> = row.due.iter().map(clock).collect();
        format!("{}: {} by {}", row.name, ends.join(" "), due.join(" "))
    });
    (rows.collect::<Vec<_>>().join("\n"), chart.more)
}

#[test]
fn a_picture_shows_the_lines_first_then_the_targets_then_the_rest() {
    let named = |name: &str| Connection {
        id: name.into(),
        schema: name.to_owned(),
        ..connection()
    };
    let old = |name: &str| Connection {
        succeeded_at: Some(at("2026-11-23T04:00:00Z")),
        ..named(name)
    };
    let paused = Connection {
        paused: true,
        ..named("paused")
    };
    let all = [
        (named("a_free"), None, Mode::Copilot),
        (paused, None, Mode::Copilot),
        (named("watched"), Some(7), Mode::Copilot),
        (old("late_in_shadow"), Some(2), Mode::Shadow),
        (named("soon_late"), Some(3), Mode::Copilot),
        (old("late"), Some(2), Mode::Copilot),
    ];
    let (shown, more) = pictured(&all, horizon(NOW, 1));
    let expected = [
        "late: 10:00 16:00 22:00 04:00 by ",
        "soon_late: 12:00 18:00 00:00 06:00 by 09:00",
        "late_in_shadow: 10:00 16:00 22:00 04:00 by ",
        "watched: 12:00 18:00 00:00 06:00 by 13:00",
        "a_free: 12:00 18:00 00:00 06:00 by ",
        "paused:  by ",
    ];
    assert_eq!((shown, more), (expected.join("\n"), 0));
    let many: Vec<_> = (0..40)
        .map(|n| (named(&format!("c{n:02}")), None, Mode::Copilot))
        .collect();
    let (shown, more) = pictured(&many, horizon(NOW, 1));
    assert_eq!((shown.lines().count(), more), (14, 26));
    assert_eq!(pictured(&[], horizon(NOW, 1)), (String::new(), 0));
}
