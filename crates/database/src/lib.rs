//! Connection, transactions and migrations of the state database.
//!
//! SQLite, PostgreSQL and MySQL/MariaDB behind one [`Database`]. What a domain stores, and its
//! queries, belong to the domain's crate; it hands its [`Migration`]s to [`Database::migrate`].

mod connect;
mod copy;
mod error;
mod migrate;
mod settings;
mod table;
mod transaction;
mod trouble;
mod url;

pub use connect::Database;
pub use copy::{CopiedTable, CopyPlan, CopyProgress};
pub use error::{Error, Result, is_conflict, is_conflict_behind, is_unique_violation};
pub use migrate::Migration;
pub use settings::SETTINGS_MIGRATIONS;
pub use table::Table;
pub use transaction::Transaction;
pub use trouble::Trouble;
