//! The planner: fleet and targets in, proposed actions out. Pure and deterministic.
//!
//! Two rules today: what is older than its `max_age` is synced, and a sync that was rescheduled
//! under `manual` is started, because nobody else will (`reference/fivetran.md` §0.6).

use chrono::{DateTime, Duration, Utc};

use crate::model::{Action, Connection, Line, Mode, PreImage, SetupState, SyncState};

/// One connection with what the policy wants of it.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// As it was read.
    pub connection: &'a Connection,
    /// How old its data may be.
    pub max_age: Option<Duration>,
    /// What Syncgate may do about it.
    pub mode: Mode,
}

/// A proposed action and the mode of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The action with its reason.
    pub line: Line,
    /// In `shadow` it is shown, not decided on.
    pub mode: Mode,
}

/// What should be done now that would not happen by itself. In the order of the fleet.
pub fn plan(targets: &[Target<'_>], now: DateTime<Utc>) -> Vec<Planned> {
    targets
        .iter()
        .filter_map(|target| propose(target, now))
        .collect()
}

fn propose(target: &Target<'_>, now: DateTime<Utc>) -> Option<Planned> {
    let connection = target.connection;
    let able = !connection.paused
        && connection.setup_state == SetupState::Connected
        && connection.sync_state != SyncState::Syncing;
    if !able {
        return None;
    }
    let reason = stuck(connection, now).or_else(|| stale(target, now))?;
    let line = Line {
        connection: connection.id.clone(),
        name: connection.schema.clone(),
        action: Action::SyncNow { force: false },
        place: None,
        pre_image: PreImage::of(connection),
        reason,
    };
    Some(Planned {
        line,
        mode: target.mode,
    })
}

fn stuck(connection: &Connection, now: DateTime<Utc>) -> Option<String> {
    let due = connection.rescheduled_for.is_none_or(|at| at <= now);
    (connection.stuck_rescheduled() && due).then(|| {
        "Its sync was rescheduled, but its schedule is manual: Fivetran will never start it."
            .to_owned()
    })
}

fn stale(target: &Target<'_>, now: DateTime<Utc>) -> Option<String> {
    let max_age = target.max_age?;
    let Some(succeeded_at) = target.connection.succeeded_at else {
        return Some(format!(
            "It has never synced; its data may be {} old.",
            span(max_age)
        ));
    };
    let age = now - succeeded_at;
    (age > max_age).then(|| {
        format!(
            "Its data is {} old; the limit is {}.",
            span(age),
            span(max_age)
        )
    })
}

fn span(span: Duration) -> String {
    match span.num_minutes() {
        m if m < 120 => format!("{m} min"),
        m if m < 48 * 60 => format!("{} h", m / 60),
        m => format!("{} days", m / (24 * 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ScheduleType, UpdateState};

    fn at(hour: u32) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::hours(hour.into())
    }

    fn connection() -> Connection {
        Connection {
            id: "c".into(),
            service: "postgres".into(),
            schema: "orders".into(),
            group_id: "g".into(),
            paused: false,
            sync_frequency: Some(360),
            daily_sync_time: None,
            schedule_type: ScheduleType::Auto,
            setup_state: SetupState::Connected,
            sync_state: SyncState::Scheduled,
            update_state: UpdateState::OnSchedule,
            is_historical_sync: false,
            rescheduled_for: None,
            succeeded_at: Some(at(10)),
            failed_at: None,
            tasks: vec![],
            warnings: vec![],
            schedule: None,
            raw: None,
            read_at: at(12),
        }
    }

    fn planned(connection: &Connection, max_age: Option<i64>) -> Option<String> {
        let max_age = max_age.map(Duration::hours);
        let target = Target {
            connection,
            max_age,
            mode: Mode::Copilot,
        };
        plan(&[target], at(13)).pop().map(|p| p.line.reason)
    }

    #[test]
    fn data_older_than_its_limit_is_synced() {
        assert_eq!(planned(&connection(), Some(3)), None);
        insta::assert_snapshot!(planned(&connection(), Some(2)).unwrap(), @"Its data is 3 h old; the limit is 2 h.");
        assert_eq!(planned(&connection(), None), None);
    }

    #[test]
    fn a_rescheduled_sync_under_manual_is_woken_once_it_is_due() {
        let mut c = connection();
        c.sync_state = SyncState::Rescheduled;
        c.rescheduled_for = Some(at(12));
        assert_eq!(
            planned(&c, None),
            None,
            "Fivetran itself wakes it under auto"
        );
        c.schedule_type = ScheduleType::Manual;
        assert!(planned(&c, None).is_some());
        c.rescheduled_for = Some(at(14));
        assert_eq!(planned(&c, None), None, "not yet due");
    }

    #[test]
    fn what_cannot_sync_is_left_alone() {
        let mut c = connection();
        c.paused = true;
        assert_eq!(planned(&c, Some(1)), None);
        let mut c = connection();
        c.setup_state = SetupState::Broken;
        assert_eq!(planned(&c, Some(1)), None);
    }
}
