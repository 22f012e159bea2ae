//! Syncgate: a human gate in Slack in front of every change to a company's Fivetran syncs.
//!
//! A map of the house, lowest layer first; `docs/design.md` tells how the flows run through it and
//! `tests/it/floor_plan.rs` holds every module to its layer:
//!
//! | layer | modules | what they do |
//! |---|---|---|
//! | 0 | [`model`] | pure types and transitions |
//! | 1 | [`policy`], [`planner`], [`picture`], [`triage`] | pure, synchronous decisions; the plan drawn |
//! | 2 | [`store`], [`fivetran`], [`slack`], [`llm`] | the outside: database, Fivetran, Slack, a language model |
//! | 3 | [`app`] | the use cases |
//! | 4 | [`jobs`], [`http`] | what drives the use cases |
//! | 5 | [`cli`] | one file per subcommand |
//! | – | [`sim`] | the simulated Slack and Fivetran; imports nothing of ours |

pub mod app;
#[cfg(test)]
#[path = "../tests/it/beside.rs"]
mod beside;
pub mod cli;
pub mod config;
pub mod fivetran;
pub mod http;
pub mod jobs;
pub mod llm;
pub mod model;
pub mod picture;
pub mod planner;
pub mod policy;
pub mod sim;
pub mod slack;
pub mod store;
pub mod triage;
