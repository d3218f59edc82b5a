//! What can go wrong with identities; a variant for each thing that a caller answers differently.

use sea_orm::DbErr;
use yunhai_model::{InvalidPage, TimestampMs};

use crate::{Denied, WeakPassword};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation on identities did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Name and password do not belong together. Says no more, so that nobody learns which names
    /// exist.
    #[error("the name or the password is wrong")]
    InvalidCredentials,
    /// The code of the second factor is wrong or was used before; whoever reads this has given the
    /// password.
    #[error("the code is wrong or was used before; wait for the next one")]
    WrongCode,
    /// The password of someone who is signed in is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// Too many failed attempts.
    #[error("too many failed attempts; try again later, or ask an administrator to unlock you")]
    TooManyAttempts {
        /// When the next attempt is heard.
        retry_at_ms: TimestampMs,
        /// How long that is from now, in milliseconds.
        wait_ms: i64,
    },
    /// The user has registered and waits for an administrator.
    #[error("an administrator has to approve this user first")]
    PendingApproval,
    /// An administrator has disabled the user.
    #[error("this user is disabled; ask an administrator")]
    UserDisabled,
    /// The session or token is unknown, has expired or was revoked.
    #[error("you are not signed in, or your session has ended")]
    Unauthenticated,
    /// The principal may not do it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The password is too easy to guess.
    #[error("{0}")]
    WeakPassword(WeakPassword),
    /// A field of a request cannot be taken.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field's name in the API.
        field: &'static str,
        /// What is wrong and what to write instead.
        reason: String,
    },
    /// The page cannot be given.
    #[error(transparent)]
    InvalidPage(#[from] InvalidPage),
    /// The name is taken.
    #[error("there is a user named `{0}` already")]
    NameTaken(String),
    /// There is no such thing.
    #[error("there is no {kind} {id}")]
    NotFound {
        /// What it would be.
        kind: &'static str,
        /// Its id or name.
        id: String,
    },
    /// Nobody could manage the users any more.
    #[error("this is the last active administrator; make another user an administrator first")]
    LastAdministrator,
    /// The set-up was done before.
    #[error("Yunhai is set up already; sign in instead")]
    AlreadySetUp,
    /// The set-up code is wrong, used or expired.
    #[error(
        "the set-up code is wrong or has expired; start the server again to be shown a new one"
    )]
    InvalidSetupCode,
    /// Nobody may register.
    #[error("registration is closed; ask an administrator for an account")]
    RegistrationClosed,
    /// The invitation is unknown, used or expired.
    #[error("the invitation is wrong, used or expired; ask for a new one")]
    InvalidInvitation,
    /// The second factor is on already.
    #[error("the second factor is on already; turn it off first to set up a new one")]
    SecondFactorEnabled,
    /// The second factor is not on, or its set-up has not begun.
    #[error("the second factor is not set up")]
    SecondFactorMissing,
    /// The user has as many tokens as one can have.
    #[error(
        "this user has {most} API tokens already, and no more are taken; revoke what nobody needs \
         (with a token goes what was made with it)"
    )]
    TooManyTokens {
        /// How many that is.
        most: u64,
    },
    /// The vault failed.
    #[error("cannot use the keys")]
    Vault(#[from] yunhai_vault::Error),
    /// The database failed.
    #[error("the state database failed")]
    Database(#[from] DbErr),
    /// The connection or a transaction failed.
    #[error(transparent)]
    Connection(#[from] yunhai_database::Error),
    /// The file of audit checkpoints cannot be written or read.
    #[error("cannot use the file of audit checkpoints {path}")]
    CheckpointFile {
        /// Which file.
        path: String,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The database holds something that this release cannot read.
    #[error("the database holds a {kind} that this release does not know: `{value}`")]
    UnknownValue {
        /// What it would be.
        kind: &'static str,
        /// What is there.
        value: String,
    },
    /// A library refused to work.
    #[error("cannot {action}: {reason}")]
    Internal {
        /// What was attempted.
        action: &'static str,
        /// The library's answer.
        reason: String,
    },
}

impl Error {
    pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            reason: reason.into(),
        }
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "ids are small, and callers hold them in many forms"
    )]
    pub(crate) fn not_found(kind: &'static str, id: impl ToString) -> Self {
        Self::NotFound {
            kind,
            id: id.to_string(),
        }
    }
}
