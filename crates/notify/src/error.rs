//! Why a notification was not delivered, in words that can be shown, and whether to try again.

use std::time::Duration;

/// Why no sender could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client for notifications")]
    HttpClient(#[source] reqwest::Error),
}

/// The kind of a failed delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendErrorKind {
    /// The provider was not reached: no address, no connection, no trusted certificate.
    Unreachable,
    /// The provider did not answer in time; whether it delivered is not known.
    TimedOut,
    /// The provider was asked too often.
    RateLimited,
    /// The provider is busy or broken.
    ProviderFailed,
    /// The provider refused the credentials, the signature or the address that we send from.
    Unauthorized,
    /// The provider refused the message or the recipient.
    Refused,
    /// The answer is not one that the provider gives.
    OddAnswer,
    /// The channel's settings cannot work.
    InvalidConfig,
}

impl SendErrorKind {
    /// Returns a code that stays the same, for programs and translations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::RateLimited => "rate_limited",
            Self::ProviderFailed => "provider_failed",
            Self::Unauthorized => "unauthorized",
            Self::Refused => "refused",
            Self::OddAnswer => "odd_answer",
            Self::InvalidConfig => "invalid_config",
        }
    }
}

/// A notification that was not delivered. Its text names neither an address with a token nor a
/// secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    /// What kind of failure it is.
    pub kind: SendErrorKind,
    /// What happened; the provider's own words where it gave any.
    pub message: String,
    /// The provider's code, such as `310000`.
    pub provider_code: Option<String>,
    /// What to do about it.
    pub hint: Option<&'static str>,
    /// Whether it can go better the next time.
    pub is_retryable: bool,
    /// How long the provider wants to be left alone.
    pub retry_after: Option<Duration>,
    /// How many attempts that fail in this way are to be made at most: where the provider says so, or
    /// the answer is one that hardly passes by itself.
    pub max_attempts: Option<u32>,
}

impl SendError {
    /// Makes an error that is retried if failures of its kind pass by themselves.
    pub(crate) fn new(kind: SendErrorKind, message: impl Into<String>) -> Self {
        use SendErrorKind as K;
        Self {
            kind,
            message: message.into(),
            provider_code: None,
            hint: None,
            is_retryable: matches!(
                kind,
                K::Unreachable | K::TimedOut | K::RateLimited | K::ProviderFailed | K::OddAnswer
            ),
            retry_after: None,
            max_attempts: None,
        }
    }

    pub(crate) fn code(mut self, code: impl std::fmt::Display) -> Self {
        self.provider_code = Some(code.to_string());
        self
    }

    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    pub(crate) fn retry_after(mut self, pause: Option<Duration>) -> Self {
        self.retry_after = pause.or(self.retry_after);
        self
    }

    pub(crate) fn at_most(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }
}

/// `310000: sign not match: check the robot's secret and the clock`.
impl std::fmt::Display for SendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(code) = &self.provider_code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)?;
        match self.hint {
            Some(hint) => write!(f, ": {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SendError {}
