//! The state database on all three engines.

#[path = "it/connect.rs"]
mod connect;
#[path = "it/migrate.rs"]
mod migrate;
#[path = "it/settings.rs"]
mod settings;
