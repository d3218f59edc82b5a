//! Connection, transactions and migrations of the state database.
