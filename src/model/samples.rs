//! A connection for the tests of every module: each names only what its test is about.

use chrono::DateTime;

use super::{Connection, ScheduleType, SetupState, SyncState, UpdateState};

/// PostgreSQL, every six hours, connected and scheduled; it has never synced and never failed.
pub(crate) fn connection() -> Connection {
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
        succeeded_at: None,
        failed_at: None,
        tasks: Vec::new(),
        warnings: Vec::new(),
        schedule: None,
        raw: None,
        read_at: DateTime::UNIX_EPOCH,
    }
}
