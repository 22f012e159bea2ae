use super::*;
use crate::model::{Clock, Ctx, ScheduleType};

pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Monday, 08:00 in Berlin.
pub(super) const NOW: &str = "2026-11-23T07:00:00Z";

/// Synced an hour ago, every six hours.
pub(super) fn connection() -> Connection {
    Connection {
        succeeded_at: Some(at("2026-11-23T06:00:00Z")),
        read_at: at(NOW),
        ..crate::model::samples::connection()
    }
}

pub(super) fn horizon(now: &str, days: i64) -> Horizon {
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
    insta::assert_snapshot!(today(&connection(), None, &["12:30", "11:45", "08:20"]), @"23 10:05 | 23 10:05 | It must be fresh by Mon 11:45 and Mon 12:30, and no sync ends in the 2 h before. The next one ends at about Mon 13:00, if a sync takes 30 min.");
}

#[test]
fn an_age_and_a_deadline_that_one_sync_meets_get_one_sync_that_says_both() {
    let mut manual = connection();
    manual.schedule_type = ScheduleType::Manual;
    // The limit is passed at 12:00 in Berlin.
    insta::assert_snapshot!(today(&manual, Some(5), &["11:45"]), @"23 10:05 | 23 10:05 | Its data passes its limit of 5 h at Mon 12:00. It must be fresh by Mon 11:45, and no sync ends in the 2 h before. Nothing syncs it by itself. A sync is counted as 30 min.");
    insta::assert_snapshot!(today(&manual, Some(5), &["12:10"]), @"23 10:20 | 23 10:20 | Its data passes its limit of 5 h at Mon 12:00. It must be fresh by Mon 12:10, and no sync ends in the 2 h before. Nothing syncs it by itself. A sync is counted as 30 min.");
    insta::assert_snapshot!(today(&manual, Some(5), &["12:30"]), @"23 10:20 | 23 10:20 | Its data passes its limit of 5 h at Mon 12:00. It must be fresh by Mon 12:30, and no sync ends in the 2 h before. Nothing syncs it by itself. A sync is counted as 30 min.");
}

#[test]
fn an_age_and_a_deadline_that_lie_far_apart_get_a_sync_each() {
    let mut manual = connection();
    manual.schedule_type = ScheduleType::Manual;
    insta::assert_snapshot!(today(&manual, Some(5), &["14:00"]), @r"
    23 10:20 | 23 10:20 | Its data passes its limit of 5 h at Mon 12:00. Nothing syncs it by itself. A sync is counted as 30 min.
    23 12:20 | 23 12:20 | It must be fresh by Mon 14:00, and no sync ends in the 2 h before. Nothing syncs it by itself. A sync is counted as 30 min.
    ");
    // The sync of the deadline puts off the limit of 18:00, to a time that the plan still knows.
    insta::assert_snapshot!(today(&manual, Some(11), &["09:30"]), @r"
    23 07:50 | 23 07:50 | It must be fresh by Mon 09:30, and no sync ends in the 2 h before. Nothing syncs it by itself. A sync is counted as 30 min.
    23 18:40 | 23 18:40 | Its data passes its limit of 11 h at Mon 20:20. Nothing syncs it by itself. A sync is counted as 30 min.
    ");
    // Here to a time that the next plan sees to.
    insta::assert_snapshot!(today(&manual, Some(24), &["09:30"]), @"23 07:50 | 23 07:50 | Its data passes its limit of 24 h at Tue 07:00. It must be fresh by Mon 09:30, and no sync ends in the 2 h before. Nothing syncs it by itself. A sync is counted as 30 min.");
}

#[test]
fn a_deadline_is_kept_beside_an_approved_sync_that_comes_too_late_for_it() {
    let mut manual = connection();
    manual.schedule_type = ScheduleType::Manual;
    let beside =
        |approved| told_beside(&[at(approved)], &manual, None, &["12:00"], horizon(NOW, 1));
    // It ends at 11:50: nothing is to be done.
    assert_eq!(beside("2026-11-23T10:20:00Z"), "");
    // It ends a little later. The added one is over when it begins.
    insta::assert_snapshot!(beside("2026-11-23T10:35:00Z"), @"23 10:05 | 23 10:05 | It must be fresh by Mon 12:00, and no sync ends in the 2 h before. The next one ends at about Mon 12:05, if a sync takes 30 min.");
    insta::assert_snapshot!(beside("2026-11-23T10:40:00Z"), @"23 10:10 | 23 10:10 | It must be fresh by Mon 12:00, and no sync ends in the 2 h before. The next one ends at about Mon 12:10, if a sync takes 30 min.");
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
    insta::assert_snapshot!(today(&c, Some(24), &["05:00"]), @"24 03:00 | 24 03:00 | Its data passes its limit of 24 h at Tue 04:40. It must be fresh by Tue 05:00, and no sync ends in the 2 h before. The next one ends at about Tue 05:30, if a sync takes 30 min.");
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
fn a_picture_shows_what_people_have_approved_already() {
    let named = |name: &str| Connection {
        id: name.into(),
        schema: name.to_owned(),
        ..connection()
    };
    let (free, agreed) = (named("a_free"), named("b_agreed"));
    // One is due, one lies ahead, one beyond the plan.
    let times = [
        "2026-11-23T06:59:00Z",
        "2026-11-23T09:00:00Z",
        "2026-11-24T07:01:00Z",
    ]
    .map(at);
    let target = |connection, approved| Target {
        connection,
        max_age: None,
        fresh_by: &[],
        mode: Mode::Copilot,
        approved,
        needs_person: false,
    };
    let targets = [target(&free, &[]), target(&agreed, &times)];
    let chart = chart(&targets, &[], horizon(NOW, 1));
    let rows = chart.rows.into_iter().map(|row| (row.name, row.approved));
    let expected = [
        ("b_agreed".to_owned(), vec![at(NOW), times[1]]),
        ("a_free".to_owned(), vec![]),
    ];
    assert_eq!(rows.collect::<Vec<_>>(), expected);
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
