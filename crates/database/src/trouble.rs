//! Why the database does not work, where that is neither the statement's fault nor ours.

use std::error::Error;

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// What is wrong with the database as a whole; it passes without any change to what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It does not answer, breaks connections off, or takes no more of them.
    Unavailable,
    /// Its disk is full.
    OutOfRoom,
}

impl Trouble {
    /// Finds the trouble among the causes of an error, whoever has wrapped it.
    pub fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |&error| error.source())
            .find_map(|error| Self::of_statement(error.downcast_ref()?))
    }

    fn of_statement(error: &DbErr) -> Option<Self> {
        match error {
            DbErr::ConnectionAcquire(_) => Some(Self::Unavailable),
            DbErr::Conn(RuntimeErr::SqlxError(error))
            | DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)) => Self::of_driver(error),
            _ => None,
        }
    }

    fn of_driver(error: &sqlx::Error) -> Option<Self> {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Some(Self::Unavailable),
            sqlx::Error::Database(error) => Self::of_engine(&**error),
            _ => None,
        }
    }

    fn of_engine(error: &dyn sqlx::error::DatabaseError) -> Option<Self> {
        if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
            return match error.number() {
                // Error writing file, disk full, the table is full.
                3 | 1021 | 1114 => Some(Self::OutOfRoom),
                // Too many connections, shutdown in progress, connection killed.
                1040 | 1053 | 1927 => Some(Self::Unavailable),
                _ => None,
            };
        }
        let code = error.code()?;
        match &*code {
            // PostgreSQL: disk full. SQLite: full, and no room for the index of its log.
            "53100" | "13" | "4874" => Some(Self::OutOfRoom),
            // PostgreSQL: too many connections, shutting down, crashed, starting.
            "53300" | "57P01" | "57P02" | "57P03" => Some(Self::Unavailable),
            // PostgreSQL: the class of broken connections.
            code if code.len() == 5 && code.starts_with("08") => Some(Self::Unavailable),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error as DatabaseError;

    #[derive(Debug, thiserror::Error)]
    #[error("something of a domain failed")]
    struct Wrapped(#[source] DatabaseError);

    #[test]
    fn trouble_is_found_behind_what_wraps_it() {
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let reset = DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::Io(reset).into()));
        let wrapped = Wrapped(reset.into());
        assert_eq!(Trouble::behind(&wrapped), Some(Trouble::Unavailable));
        let wrapped = Wrapped(DbErr::Custom("no such column".to_owned()).into());
        assert_eq!(Trouble::behind(&wrapped), None);
    }
}
