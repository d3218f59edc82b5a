//! The real program: started, spoken to, fed with nonsense, stopped.
#![allow(clippy::unwrap_used)]

#[path = "it/agent.rs"]
mod agent;
#[path = "it/bad_data.rs"]
mod bad_data;
#[path = "it/bad_start.rs"]
mod bad_start;
#[path = "it/buckets.rs"]
mod buckets;
#[path = "it/clouds.rs"]
mod clouds;
#[path = "it/commands.rs"]
mod commands;
#[path = "it/conformance.rs"]
mod conformance;
#[path = "it/database.rs"]
mod database;
#[path = "it/help.rs"]
mod help;
#[path = "it/offline.rs"]
mod offline;
#[path = "it/program.rs"]
mod program;
#[path = "it/shells.rs"]
mod shells;
#[path = "it/stores.rs"]
mod stores;
#[path = "it/tls.rs"]
mod tls;
#[path = "it/tokens.rs"]
mod tokens;
#[path = "it/writer.rs"]
mod writer;
