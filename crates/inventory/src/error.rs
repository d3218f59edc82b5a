//! What can go wrong with accounts.

use sea_orm::DbErr;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something about accounts failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields are wrong, each with its name before a colon.
    #[error("the account has faults: {}", .0.join("; "))]
    Invalid(Vec<String>),
    /// What was asked for does not exist.
    #[error("there is no cloud account `{0}`")]
    NotFound(String),
    /// The name is taken.
    #[error("there is a cloud account named `{0}` already")]
    NameTaken(String),
    /// Somebody has changed how the account is opened while it was tried.
    #[error("the cloud account `{0}` was changed while its new settings were tried")]
    ChangedMeanwhile(String),
    /// Another server on the same database has given a label to a server of another account.
    #[error("another account has a server by a name that was about to be given")]
    LabelTaken,
    /// Fields of an order are wrong, each with its name before a colon.
    #[error("the order has faults: {}", .0.join("; "))]
    InvalidOrder(Vec<String>),
    /// There is no such order.
    #[error("there is no order to a cloud `{0}`")]
    NoSuchOrder(String),
    /// No account has such a server.
    #[error("no cloud account has a server `{0}`")]
    NoSuchServer(String),
    /// The server was deleted.
    #[error("the server `{0}` was deleted; nothing can be done with it any more")]
    ServerDeleted(String),
    /// Something else is under way with the server.
    #[error("an order for `{subject}` is under way already: {under_way}")]
    OrderUnderWay {
        /// The server.
        subject: String,
        /// What is under way.
        under_way: String,
    },
    /// The key was used for another order.
    #[error("this key was used for another order already")]
    KeyTaken,
    /// The end of an order could not be recorded.
    #[error("cannot record the end of an order: {0}")]
    Unrecorded(String),
    /// The provider said no to the credentials, or nobody answered.
    #[error(transparent)]
    Cloud(#[from] yunhai_cloud::Error),
    /// The round was ended before it was through, as the server stops.
    #[error("the round was ended before it was through")]
    RoundEnded,
    /// The sealed credentials cannot be opened.
    #[error("cannot open the credentials of the cloud account `{account}`")]
    Sealed {
        /// The account's name.
        account: String,
        /// Why.
        source: yunhai_vault::Error,
    },
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

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Database(error.into())
    }
}
