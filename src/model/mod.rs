//! Pure types and transitions: no database, no network, no clock of its own.
//!
//! Everything else speaks in these words. States are enums that carry their data; a transition
//! consumes the old state and returns the new one or says why it may not.

mod action;
mod actor;
pub mod audit;
mod call;
pub mod canonical;
mod care;
mod cause;
mod chart;
mod command;
mod connection;
mod context;
mod decision;
mod feedback;
mod hook_call;
mod ids;
mod incident;
mod local;
mod opinion;
mod progress;
mod proposal;
mod reconcile;
#[cfg(test)]
pub(crate) mod samples;
mod schedule;
mod step;
#[cfg(test)]
mod tests;
mod transition;

pub use action::{Action, ActionKind, TableSet};
pub use actor::Actor;
pub use call::{Call, Patch};
pub use care::{Care, Dismissal, Held, Late, LateRule, Precedent, Silenced, Taken};
pub use cause::{Cause, Certainty, LogRead, Quote};
pub use chart::{Added, ByItself, Chart, ChartRow};
pub use command::{Command, CommandError, Schedule};
pub use connection::{
    Connection, Difference, Group, Notice, Place, PreImage, RawNames, SETUP_TEST, ScheduleType,
    SetupState, SyncState, UpdateState,
};
pub use context::{Clock, Ctx};
pub use decision::{Decision, Mode, Verdict, Via};
pub use feedback::{Feedback, Judgement};
pub use hook_call::{HOOK_EVENTS, HookCall};
pub use ids::{ActionId, ChannelId, ConnectionId, GroupId, IncidentId, ProposalId, UserId};
pub use incident::{Incident, IncidentState, Member};
pub use local::local_moment;
pub use opinion::{Opinion, Silence};
pub use progress::{CardState, Progress};
pub use proposal::{Fingerprint, Line, Proposal, ProposalKind, ProposalState, Refusal, Revision};
pub use reconcile::{Reading, Reconciled, reconcile};
pub use schedule::{DailyTime, Frequency};
pub use step::{Doubt, Intent, RevertReason, SkipReason, Step, StepState};
pub use transition::{Transition, TransitionError};
