//! Ready-made simulated worlds.

pub mod demo;
