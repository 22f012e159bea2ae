//! How a step changes: one function per transition, each naming every state (SPEC §6).

use chrono::{DateTime, Utc};

use super::step::{Doubt, Intent, RevertReason, SkipReason, StepState};

/// A change of state that the present state does not allow: a bug, or a race that was lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an action that is {from} cannot become {to}")]
pub struct TransitionError {
    /// The present state.
    pub from: &'static str,
    /// The wanted one.
    pub to: &'static str,
}

/// What is to happen to a step; [`StepState::apply`] is the one function that does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Commit a call (the inverse's, while reverting).
    Intend(Box<Intent>),
    /// Fivetran said yes.
    Accept {
        /// Under which id Fivetran knows the call.
        request_id: Option<String>,
    },
    /// Nobody knows what came of the call.
    Doubt(Doubt),
    /// No reading can decide; ask people.
    GiveUpReading,
    /// A reading shows it.
    Done {
        /// When Syncgate puts the prior state back.
        restore_at: Option<DateTime<Utc>>,
    },
    /// Fivetran refused, or never took it.
    Fail(String),
    /// Do not send it.
    Skip(SkipReason),
    /// Send it (again) later: nothing happened, and that is proved.
    Requeue {
        /// Not before.
        due_at: DateTime<Utc>,
        /// Whether a call left the house.
        sent: bool,
        /// Why.
        note: String,
    },
    /// Take it back.
    Revert(RevertReason),
}

impl StepState {
    /// Carries out a transition.
    ///
    /// # Errors
    /// When the present state does not allow it.
    pub fn apply(self, change: Transition, at: DateTime<Utc>) -> Result<Self, TransitionError> {
        match change {
            Transition::Intend(intent) => self.intend(intent),
            Transition::Accept { request_id } => self.accept(at, request_id),
            Transition::Doubt(doubt) => self.doubt(doubt, at),
            Transition::GiveUpReading => self.give_up_reading(at),
            Transition::Done { restore_at } => self.done(at, restore_at),
            Transition::Fail(reason) => self.fail(at, reason),
            Transition::Skip(reason) => self.skip(at, reason),
            Transition::Requeue { due_at, sent, note } => self.requeue(due_at, sent, note),
            Transition::Revert(because) => self.revert(because, at),
        }
    }

    fn refuse(&self, to: &'static str) -> TransitionError {
        TransitionError {
            from: self.as_str(),
            to,
        }
    }

    fn intend(self, new: Box<Intent>) -> Result<Self, TransitionError> {
        match self {
            Self::Queued { .. } => Ok(Self::Intended { intent: new }),
            Self::Reverting {
                done,
                because,
                since,
                intent: None,
                due_at,
                attempt,
                note,
                ..
            } => Ok(Self::Reverting {
                done,
                because,
                since,
                intent: Some(new),
                doubt: None,
                due_at,
                attempt,
                note,
            }),
            Self::Reverting {
                intent: Some(_), ..
            }
            | Self::Intended { .. }
            | Self::Uncertain { .. }
            | Self::Done { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Reverted { .. }
            | Self::RevertRefused { .. } => Err(self.refuse("intended")),
        }
    }

    fn accept(
        self,
        at: DateTime<Utc>,
        request_id: Option<String>,
    ) -> Result<Self, TransitionError> {
        match self {
            Self::Intended { mut intent } => {
                intent.accepted_at = Some(at);
                intent.request_id = request_id;
                Ok(Self::Intended { intent })
            }
            Self::Reverting {
                done,
                because,
                since,
                intent: Some(mut intent),
                doubt,
                due_at,
                attempt,
                note,
            } => {
                intent.accepted_at = Some(at);
                intent.request_id = request_id;
                Ok(Self::Reverting {
                    done,
                    because,
                    since,
                    intent: Some(intent),
                    doubt,
                    due_at,
                    attempt,
                    note,
                })
            }
            Self::Reverting { intent: None, .. }
            | Self::Queued { .. }
            | Self::Uncertain { .. }
            | Self::Done { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Reverted { .. }
            | Self::RevertRefused { .. } => Err(self.refuse("accepted")),
        }
    }

    fn doubt(self, doubt: Doubt, at: DateTime<Utc>) -> Result<Self, TransitionError> {
        match self {
            Self::Intended { intent } => Ok(Self::Uncertain {
                intent,
                doubt,
                since: at,
                unprovable: false,
            }),
            Self::Reverting {
                done,
                because,
                since,
                intent: Some(intent),
                due_at,
                attempt,
                note,
                ..
            } => Ok(Self::Reverting {
                done,
                because,
                since,
                intent: Some(intent),
                doubt: Some(doubt),
                due_at,
                attempt,
                note,
            }),
            Self::Reverting { intent: None, .. }
            | Self::Queued { .. }
            | Self::Uncertain { .. }
            | Self::Done { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Reverted { .. }
            | Self::RevertRefused { .. } => Err(self.refuse("uncertain")),
        }
    }

    fn give_up_reading(self, at: DateTime<Utc>) -> Result<Self, TransitionError> {
        match self {
            Self::Uncertain {
                intent,
                doubt,
                since,
                ..
            } => Ok(Self::Uncertain {
                intent,
                doubt,
                since,
                unprovable: true,
            }),
            Self::Intended { intent } => Ok(Self::Uncertain {
                intent,
                doubt: Doubt::NotSeen,
                since: at,
                unprovable: true,
            }),
            // What is to be taken back is never given up for want of a reading (SPEC I10).
            Self::Reverting { .. }
            | Self::Queued { .. }
            | Self::Done { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Reverted { .. }
            | Self::RevertRefused { .. } => Err(self.refuse("unprovable")),
        }
    }

    fn done(
        self,
        at: DateTime<Utc>,
        restore_at: Option<DateTime<Utc>>,
    ) -> Result<Self, TransitionError> {
        match self {
            Self::Intended { intent } | Self::Uncertain { intent, .. } => {
                let restore_at = restore_at.filter(|_| intent.inverse.is_some());
                Ok(Self::Done {
                    at,
                    intent,
                    restore_at,
                })
            }
            Self::Reverting { because, .. } => Ok(Self::Reverted { at, because }),
            Self::Queued { .. }
            | Self::Done { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Reverted { .. }
            | Self::RevertRefused { .. } => Err(self.refuse("done")),
        }
    }

    fn fail(self, at: DateTime<Utc>, reason: String) -> Result<Self, TransitionError> {
        match self {
            Self::Queued { .. } | Self::Intended { .. } | Self::Uncertain { .. } => {
                Ok(Self::Failed { at, reason })
            }
            Self::Reverting { because, .. } => Ok(Self::RevertRefused {
                at,
                because,
                reason,
            }),
            Self::Done { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Reverted { .. }
            | Self::RevertRefused { .. } => Err(self.refuse("failed")),
        }
    }

    fn skip(self, at: DateTime<Utc>, reason: SkipReason) -> Result<Self, TransitionError> {
        match self {
            Self::Queued { .. } => Ok(Self::Skipped { at, reason }),
            Self::Reverting {
                because,
                intent: None,
                ..
            } => Ok(Self::RevertRefused {
                at,
                because,
                reason: reason.to_string(),
            }),
            Self::Reverting {
                intent: Some(_), ..
            }
            | Self::Intended { .. }
            | Self::Uncertain { .. }
            | Self::Done { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Reverted { .. }
            | Self::RevertRefused { .. } => Err(self.refuse("skipped")),
        }
    }

    fn requeue(
        self,
        due_at: DateTime<Utc>,
        sent: bool,
        note: String,
    ) -> Result<Self, TransitionError> {
        match self {
            Self::Queued { attempt, .. } => Ok(Self::Queued {
                due_at,
                attempt,
                note: Some(note),
            }),
            Self::Intended { intent } | Self::Uncertain { intent, .. } => Ok(Self::Queued {
                due_at,
                attempt: intent.attempt + u32::from(sent),
                note: Some(note),
            }),
            Self::Reverting {
                done,
                because,
                since,
                attempt,
                ..
            } => Ok(Self::Reverting {
                done,
                because,
                since,
                intent: None,
                doubt: None,
                due_at,
                attempt: attempt + u32::from(sent),
                note: Some(note),
            }),
            Self::Done { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Reverted { .. }
            | Self::RevertRefused { .. } => Err(self.refuse("queued")),
        }
    }

    fn revert(self, because: RevertReason, at: DateTime<Utc>) -> Result<Self, TransitionError> {
        match self {
            Self::Done { intent, .. } if intent.inverse.is_some() => Ok(Self::Reverting {
                done: intent,
                because,
                since: at,
                intent: None,
                doubt: None,
                due_at: at,
                attempt: 1,
                note: None,
            }),
            Self::Queued { .. } => Ok(Self::Reverted { at, because }),
            Self::Done { .. }
            | Self::Intended { .. }
            | Self::Uncertain { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::Reverting { .. }
            | Self::Reverted { .. }
            | Self::RevertRefused { .. } => Err(self.refuse("reverting")),
        }
    }
}
