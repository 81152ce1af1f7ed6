//! Finds version mismatches between the environment a model was trained in and the one it is served from.
//!
//! The modules stand in the order of the data flow; a module names only those above it
//! (`tests/suite/layers.rs` checks this). `README.md` is for users, this documentation for maintainers.

pub mod text;

pub mod version;

pub mod fact;

pub mod input;

pub mod knowledge;

pub mod environment;

pub mod finding;

pub mod rules;

pub mod fix;

pub mod report;

pub mod config;

pub mod gate;

pub mod cli;
