//! Triage: what a failure is and what may be done about it. Pure.
//!
//! A log is read as a stream ([`reading`]) of which the [`cut`] keeps what matters. A [`case::Case`] is read into a [`story::Story`], which the [`analyst`] holds against its
//! catalogue; what it quotes is proved by [`cite`]. [`score`] measures it on labelled cases. A
//! language model is told a [`brief::Brief`]; its answer comes in by [`admit`] and is weighed
//! against the rules' view by [`weigh`].

pub mod admit;
pub mod advice;
pub mod analyst;
pub mod brief;
pub mod case;
pub mod catalogue;
pub mod cause;
pub mod changes;
pub mod cite;
mod cues;
pub mod cut;
pub mod labels;
pub mod likeness;
pub mod reading;
pub mod redact;
pub mod score;
pub mod source;
pub mod story;
pub mod weigh;
mod window;
mod wire;

use crate::model::{Action, Cause, Connection, SetupState};

/// What may be done about a failed sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Syncgate can propose it.
    Propose(Action),
    /// Only a person can: what, in one sentence.
    Person(&'static str),
}

/// The remedy for a connection whose last sync failed, by what the analyst says of it.
pub fn remedy(connection: &Connection, cause: Option<&Cause>) -> Remedy {
    let reconnect = |code: &str| code.starts_with("reconnect") || code.contains("service_account");
    if connection.paused {
        return Remedy::Person("It is paused; resume it once the cause is mended.");
    }
    if connection.setup_state != SetupState::Connected
        || connection.tasks.iter().any(|task| reconnect(&task.code))
    {
        // Trying again with a dead credential can lock the account at the source.
        return Remedy::Person(
            "A person must mend the connection in Fivetran; another sync would fail too.",
        );
    }
    if cause.is_some_and(advice::only_a_person_helps) {
        return Remedy::Person("A person must act first, as below; another sync would fail too.");
    }
    Remedy::Propose(Action::SyncNow { force: false })
}
