//! What can go wrong in alerting.

use sea_orm::DbErr;

use crate::rule_file::RuleFaults;
use crate::simple_form::FormFault;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something about alerting failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule file is malformed.
    #[error(transparent)]
    RuleFile(#[from] RuleFaults),
    /// Fields of the simple form are wrong.
    #[error("the form has faults: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Form(Vec<FormFault>),
    /// Fields of something else are wrong, each with its name before a colon.
    #[error("the {what} has faults: {}", .faults.join("; "))]
    Invalid {
        /// What was to be stored.
        what: &'static str,
        /// Each fault, `field: what is wrong`.
        faults: Vec<String>,
    },
    /// What was asked for does not exist.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its name or id.
        id: String,
    },
    /// Another server evaluates and sends.
    #[error("{leader} evaluates the rules on this database")]
    NotLeader {
        /// The name of that server.
        leader: String,
    },
    /// An alert was changed at the same time by another server; another attempt sees the change.
    #[error("another server has changed the alert `{0}` at the same time")]
    Raced(yunhai_model::AlertId),
    /// Somebody else has changed what was to be replaced since it was read.
    #[error("the {what} changed since it was read")]
    ChangedMeanwhile {
        /// What was to be replaced.
        what: &'static str,
    },
    /// What was asked for does not fit the present state.
    #[error("{0}")]
    Conflict(String),
    /// A list cannot be given as asked for.
    #[error(transparent)]
    Page(#[from] yunhai_model::InvalidPage),
    /// The expression of a rule could not be evaluated.
    #[error("cannot evaluate `{expr}`")]
    Evaluate {
        /// The expression.
        expr: String,
        /// Why.
        source: yunhai_promql::Error,
    },
    /// A rule yields more than its group allows.
    #[error(
        "the rule yields {found} alerts or series, its group allows {limit}; raise `limit` or narrow the expression"
    )]
    Limit {
        /// How many it yields.
        found: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// The results of a rule could not be stored.
    #[error("cannot store the results of rules: {0}")]
    Sink(String),
    /// A secret could not be sealed or opened.
    #[error("cannot {attempt} the secrets of channel `{channel}`: {reason}")]
    Secret {
        /// `seal` or `open`.
        attempt: &'static str,
        /// The channel.
        channel: String,
        /// Why.
        reason: String,
    },
    /// A secret of a probe could not be sealed or opened.
    #[error("cannot {attempt} the secrets of probe `{probe}`: {reason}")]
    ProbeSecret {
        /// `seal` or `open`.
        attempt: &'static str,
        /// The probe.
        probe: String,
        /// Why.
        reason: String,
    },
    /// A test notification did not arrive.
    #[error("the channel did not take the notification: {0}")]
    Notify(#[from] crate::notification::NotifyError),
    /// A row of the database cannot be understood.
    #[error(
        "the stored {what} cannot be understood; it was written by another release or changed by hand"
    )]
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
