//! What a cloud refuses or fails to do, in its own words, and what to do about it.

use serde::{Deserialize, Serialize};

/// The result of asking a cloud.
pub type Result<T> = std::result::Result<T, Error>;

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("cannot {attempted}: {said}{}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct Error {
    /// What a caller can do about it.
    pub kind: ErrorKind,
    /// What was attempted on what: `list the servers of eu-west-1`.
    pub attempted: String,
    /// What the provider said, or what stood in the way of reaching it.
    pub said: String,
    /// The provider's own code: `UnauthorizedOperation`.
    pub code: Option<String>,
}

/// What a caller can do about a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The credentials are wrong, expired or cannot be read.
    Credentials,
    /// The credentials are good, but may not do this.
    Denied,
    /// Too many calls for now; the client has waited and tried again already.
    Throttled,
    /// A limit of the account is reached.
    Quota,
    /// What was named does not exist.
    NotFound,
    /// It cannot be done in the present state, such as deleting what is protected.
    Conflict,
    /// The provider does not understand the request.
    Invalid,
    /// Nobody answered: name look-up, connection, TLS or time.
    Unreachable,
    /// The provider failed.
    Unavailable,
    /// The clocks differ by more than the provider bears.
    ClockSkew,
    /// This provider cannot do it at all.
    Unsupported,
    /// The answer is not what was agreed upon.
    Protocol,
}

impl Error {
    /// Makes an error without a code of the provider's.
    pub fn new(kind: ErrorKind, attempted: impl Into<String>, said: impl Into<String>) -> Self {
        Self {
            kind,
            attempted: attempted.into(),
            said: said.into(),
            code: None,
        }
    }

    /// Tells whether the same call may well succeed later, with nothing changed by anybody.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Throttled | ErrorKind::Unreachable | ErrorKind::Unavailable
        )
    }

    /// Returns the next step, where there is one.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self.kind {
            ErrorKind::Credentials => "enter new credentials for the account",
            ErrorKind::Denied => "give the account the right that is named; see its policy",
            ErrorKind::Throttled => {
                "it is tried again by itself; a longer interval asks less often"
            }
            ErrorKind::Quota => {
                "ask the provider to raise the limit, or choose another region or type"
            }
            ErrorKind::NotFound => "it may have been deleted meanwhile; refresh the list",
            ErrorKind::Conflict => "wait until what is under way has ended, or lift the protection",
            ErrorKind::Invalid => "correct what the provider names",
            ErrorKind::Unreachable => {
                "check the network, the name servers, the proxy and the account's endpoint"
            }
            ErrorKind::Unavailable => "it is tried again by itself; see the provider's status page",
            ErrorKind::ClockSkew => "set this machine's clock, for instance by NTP",
            ErrorKind::Unsupported | ErrorKind::Protocol => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_was_attempted_and_the_providers_words() {
        let mut error = Error::new(
            ErrorKind::Denied,
            "list the servers of eu-west-1",
            "You are not authorized to perform this operation.",
        );
        error.code = Some("UnauthorizedOperation".to_owned());
        assert_eq!(
            error.to_string(),
            "cannot list the servers of eu-west-1: You are not authorized to perform this operation. \
             (UnauthorizedOperation)"
        );
        assert!(!error.is_transient());
    }
}
