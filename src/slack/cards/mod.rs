//! Every card and note that people read in a channel, as pure functions from model to blocks.

mod action;
mod attend;
mod before;
mod blocks;
mod cause;
mod choice;
mod flood;
mod in_force;
mod incident;
mod lines;
mod message;
mod note;
mod opinion;
mod outcome;
mod people;
mod picture;
mod precedents;
mod proposal;
mod text;
mod told;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod golden_care;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod poison;
#[cfg(test)]
mod render;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use attend::{Attended, FLAPPING, SNOOZES};
pub use flood::{FloodView, flood_card};
pub use in_force::InForce;
pub use incident::{IncidentView, Remedy, Siblings, incident_card};
pub use message::Message;
pub use note::{
    decision_note, escalation, expired_note, modified_note, reminder, step_note, superseded_note,
};
pub use picture::{PICTURE_FILE, Picture, alt_text, picture_in, picture_title};
pub use proposal::{HaltView, ProposalView, plan_card, proposal_card, unchanged_day};
pub use told::{late_note, owner_note, taken_note};

pub(in crate::slack) use action::{asked, now_of};
pub(in crate::slack) use blocks::{button, button_value, option, plain_text};
pub(in crate::slack) use cause::{explained, numbered_line, steps};
pub(in crate::slack) use message::{Builder, blocks_json};
pub(in crate::slack) use text::{Words, slack_time};
