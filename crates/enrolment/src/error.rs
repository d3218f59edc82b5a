//! What can go wrong with agents.

use sea_orm::DbErr;
use yunhai_model::{TimestampMs, format_rfc3339};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something about agents failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field is wrong.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such token, or it was revoked.
    #[error("the enrolment token is unknown or was revoked")]
    UnknownToken,
    /// The token's time is over.
    #[error("the enrolment token has expired at {}", format_rfc3339(*.0))]
    ExpiredToken(TimestampMs),
    /// As many machines have joined with the token as it was made for.
    #[error("the enrolment token is used up: it was made for {0} machine(s)")]
    UsedUpToken(u32),
    /// There is no such key, or it was revoked.
    #[error("the agent's key is unknown or was revoked")]
    UnknownKey,
    /// What was asked for does not exist.
    #[error("there is no {kind} `{id}`")]
    NotFound {
        /// What was looked for.
        kind: &'static str,
        /// By what.
        id: String,
    },
    /// Another machine has joined at the same time under the same name.
    #[error("another machine has just taken the name `{0}`")]
    NameTaken(String),
    /// What is stored cannot be read.
    #[error("cannot read the stored {what}")]
    Stored {
        /// What it is.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] yunhai_database::Error),
}

impl Error {
    pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Invalid { field, reason }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Database(error.into())
    }
}
