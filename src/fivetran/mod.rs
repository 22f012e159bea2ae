//! The Fivetran edge: the client, its wire types, webhooks.
//!
//! Facts about Fivetran's API are those of its OpenAPI file and public documentation. Two rules
//! shape everything here: a read may be repeated and a write never is ([`FivetranClient::send`]
//! puts one request on the wire and says what is known of it), and what comes back is untrusted
//! text of unknown shape and size.

mod budget;
mod client;
mod diagnosis;
mod hooks;
mod logs;
mod outcome;
mod read;
mod transport;
mod webhook;
mod wire;

#[cfg(test)]
mod tests;

pub use budget::Priority;
pub use client::{Account, FivetranClient, Greeting, Settings};
pub use diagnosis::List;
pub use hooks::{Hook, Tried};
pub use logs::{LogSource, PostgresLog};
pub use outcome::Sent;
pub use read::ReadError;
pub use webhook::{BadWebhook, Webhook, parse, verify};
