//! How a sync can end.

use chrono::{DateTime, Utc};

use super::connection::Notice;

/// The end that a test plans for a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Ends well.
    Succeeds {
        /// Its duration.
        minutes: u32,
    },
    /// Ends with `FAILURE_WITH_TASK`, or with `FAILURE` when Fivetran does not know the cause.
    FailsWith {
        /// Its duration.
        minutes: u32,
        /// The task that the connection then shows.
        task: Option<Notice>,
        /// The reason, often an exception's text.
        reason: String,
    },
    /// Is put off: neither a success nor a failure.
    Reschedules {
        /// How long it ran before.
        minutes: u32,
        /// When Fivetran means to start it again, which it does only under `auto`.
        until: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// Runs until it is killed.
    NeverEnds,
    /// Is accepted, and nothing begins.
    NeverStarts,
}

impl Outcome {
    /// Success after so many minutes.
    pub fn succeeds(minutes: u32) -> Self {
        Outcome::Succeeds { minutes }
    }

    /// Failure with a task, such as `("reconnect", "Reconnect")`.
    pub fn fails(minutes: u32, code: &str, message: &str, reason: &str) -> Self {
        let task = Notice {
            code: code.into(),
            message: message.into(),
            details: Some(reason.into()),
        };
        Outcome::FailsWith {
            minutes,
            task: Some(task),
            reason: reason.into(),
        }
    }

    /// Failure whose cause Fivetran does not know.
    pub fn fails_unknown(minutes: u32, reason: &str) -> Self {
        Outcome::FailsWith {
            minutes,
            task: None,
            reason: reason.into(),
        }
    }

    /// Rescheduled after a minute, with the words Fivetran has for the harmless kind.
    pub fn reschedules(until: DateTime<Utc>) -> Self {
        Outcome::Reschedules {
            minutes: 1,
            until,
            reason: "We have rescheduled the connection until more API calls are available in the source.".into(),
        }
    }

    /// How long the sync runs; none when it does not end by itself.
    pub fn minutes(&self) -> Option<u32> {
        match self {
            Outcome::Succeeds { minutes }
            | Outcome::FailsWith { minutes, .. }
            | Outcome::Reschedules { minutes, .. } => Some(*minutes),
            Outcome::NeverEnds | Outcome::NeverStarts => None,
        }
    }
}
