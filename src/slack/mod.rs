//! The Slack edge: client, cards, modals, inbound parsing.

pub mod button;
pub mod cards;
pub mod client;
pub mod inbound;
pub mod inert;
#[cfg(test)]
mod limits;
pub mod modals;
pub mod response_url;
pub mod signature;
pub mod socket;
mod upload_url;
pub mod words;

pub use button::Button;
pub use client::{Person, SlackClient, SlackError};
