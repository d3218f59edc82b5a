//! What can go wrong with the state database, in words that say what to check.

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the state database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address of the database cannot be understood.
    #[error(
        "cannot understand the database address: {reason}\nhint: write `sqlite:///path/file.db`, \
         `postgres://user:password@host/database` or `mysql://user:password@host/database`"
    )]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// The database does not answer, or turns us away.
    #[error("cannot connect to {engine} at {place}: {reason}\nhint: {hint}")]
    Connect {
        /// The engine's name.
        engine: &'static str,
        /// The host and port, the socket, or the file.
        place: String,
        /// What the engine or the network said, without any password.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// A newer release has written this database.
    #[error(
        "the database holds version {found} of the `{domain}` tables, this release knows only \
         version {known}; start a newer release, or restore a backup made by this one"
    )]
    NewerSchema {
        /// Whose tables.
        domain: String,
        /// The version in the database.
        found: u32,
        /// The newest version that this release knows.
        known: u32,
    },
    /// A step of a migration failed.
    #[error("cannot bring the `{domain}` tables to version {version} ({name})")]
    Migration {
        /// Whose tables.
        domain: &'static str,
        /// The version that was being made.
        version: u32,
        /// What the step does.
        name: &'static str,
        /// The engine's answer.
        source: DbErr,
    },
    /// Another server is changing the tables and does not finish.
    #[error(
        "another server has been migrating this database for over a minute; look at its log, \
         then start this one again"
    )]
    MigrationLocked,
    /// A setting is not in the form that this release knows.
    #[error("cannot understand the setting `{name}`")]
    Setting {
        /// The setting's name.
        name: String,
        /// Where its JSON is wrong.
        source: serde_json::Error,
    },
    /// There is nothing of ours in the database.
    #[error("{place} holds no state of Yunhai\nhint: name the database that your server uses")]
    NoState {
        /// Which database.
        place: String,
    },
    /// Something is in the database that a copy should go to.
    #[error(
        "{place} is not empty: it has a table `{table}`\nhint: name a database that is empty, such \
         as one that was made for this"
    )]
    CopyTargetInUse {
        /// Which database.
        place: String,
        /// The first table that is in the way.
        table: String,
    },
    /// A table could not be read or written.
    #[error("cannot copy the table `{table}`")]
    Copy {
        /// Which table.
        table: String,
        /// The engine's answer.
        source: DbErr,
    },
    /// The copy is not like the source.
    #[error(
        "the table `{table}` was changed while it was copied\nhint: stop every server and command \
         that uses the database, then copy again"
    )]
    CopyDiffers {
        /// Which table.
        table: String,
    },
    /// What a copy that failed has made could not be taken away.
    #[error("cannot remove the unfinished copy {place}: {reason}")]
    CopyUndo {
        /// The file.
        place: String,
        /// The operating system's answer.
        reason: String,
    },
    /// A statement failed.
    #[error("the state database failed")]
    Query(#[from] DbErr),
}

impl Error {
    pub(crate) fn setting(name: &str) -> impl FnOnce(serde_json::Error) -> Self {
        let name = name.to_owned();
        move |source| Self::Setting { name, source }
    }
}

/// Tells whether a statement failed as a unique key already exists.
pub fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Tells whether a transaction lost against another one and may be tried again: a deadlock, a
/// serialisation failure, or a lock that was not free in time.
pub fn is_conflict(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))
    | DbErr::Conn(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    let sqlx::Error::Database(error) = &**error else {
        return false;
    };
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        // ER_CHECKREAD (record changed since last read), lock wait timeout, deadlock.
        return matches!(error.number(), 1020 | 1205 | 1213);
    }
    // PostgreSQL: serialisation failure, deadlock, a lock that was not free; SQLite: busy and locked, with their extensions.
    matches!(
        error.code().as_deref(),
        Some("40001" | "40P01" | "55P03" | "5" | "6" | "261" | "262" | "517")
    )
}

/// Tells like [`is_conflict`] of an error that a domain has wrapped.
pub fn is_conflict_behind(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source())
        .filter_map(|error| error.downcast_ref())
        .any(is_conflict)
}
