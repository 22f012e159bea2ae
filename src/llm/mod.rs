//! A language model, behind any server that speaks OpenAI's chat completions.
//!
//! It is asked one thing: the root cause of a failure, from lines that were redacted and bounded
//! before ([`crate::triage::brief`]). What comes back is [`crate::triage::admit::Untrusted`], or a
//! reason why nothing did. Servers differ in what they take; `client` finds out, step by step, and
//! remembers.

mod client;
pub mod prompt;
mod shape;
mod transport;
mod wire;

pub use client::{Heard, Llm, Settings, Trouble, read};
pub use prompt::Prompt;
