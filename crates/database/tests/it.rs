//! The state database on all three engines.
#![allow(clippy::unwrap_used, reason = "all of this is test code")]

#[path = "it/connect.rs"]
mod connect;
#[path = "it/copy.rs"]
mod copy;
#[path = "it/migrate.rs"]
mod migrate;
#[path = "it/settings.rs"]
mod settings;
#[path = "it/transaction.rs"]
mod transaction;
