//! Behaviour, driven from outside over HTTP against the simulated Slack and Fivetran.
//!
//! One binary, one file per behaviour. Every test runs on SQLite and, where a server answers, on
//! PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on is to fail"
)]

mod answers;
mod attend;
mod audit;
mod audit_export;
mod audit_guards;
mod audit_records;
mod bad_days;
mod beside;
mod browser;
mod causes;
mod check;
mod claims;
mod clocks;
mod commands;
mod contract;
mod crash;
mod cut;
mod dice;
mod doctor;
mod door;
mod doubts;
mod evidence;
mod explain;
mod extracts;
mod faithful;
mod fast_clock;
mod fivetran_door;
mod fivetran_faults;
mod fleet;
mod flexible_schedule;
mod floods;
mod floor_plan;
mod gate;
mod halt;
#[allow(
    dead_code,
    reason = "the world's vocabulary is larger than what one day's tests say"
)]
mod harness;
mod hints;
mod incident;
mod inert;
mod inputs;
mod integrity;
mod keeping;
mod kills;
mod lanes;
mod log_table;
mod modals;
mod model;
mod model_attacks;
mod model_cli;
mod model_client;
mod model_secrets;
mod model_trouble;
mod modify;
#[allow(dead_code, reason = "the simulator's own tests use the rest")]
mod noise;
mod openapi;
mod operator;
mod outbox;
mod overrides;
mod picture;
mod plan;
mod policy_file;
#[allow(
    dead_code,
    reason = "the vocabulary of crash tests is larger than what one of them says"
)]
mod process;
mod program;
mod refusals;
mod reminders;
mod replay;
mod reverts;
mod rights;
mod secrets;
mod settings;
mod settled;
mod siblings;
mod simulator;
mod slack_faults;
mod socket;
mod timetable;
mod walk;
mod webhooks_cli;
