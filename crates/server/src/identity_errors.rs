//! Failures of the identity domain as problems of the API.

use yunhai_api_types::{Fault, ProblemCode};
use yunhai_identity::Error;
use yunhai_model::HumanDuration;

use crate::error::ApiError;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        use ProblemCode as P;
        let code = match &error {
            Error::InvalidCredentials => P::WrongCredentials,
            Error::WrongPassword => P::WrongPassword,
            Error::WrongCode => P::WrongCode,
            Error::InvalidSetupCode => P::WrongSetupCode,
            Error::InvalidInvitation => P::WrongInvitation,
            Error::TooManyAttempts { wait_ms, .. } => {
                let secs = u64::try_from(*wait_ms).unwrap_or(0).div_ceil(1000);
                return Self::new(P::LockedOut, "too many failed attempts")
                    .hint(format!(
                        "try again in {}, or ask an administrator to unlock you",
                        HumanDuration::from_secs(secs)
                    ))
                    .retry_after(secs);
            }
            Error::PendingApproval | Error::UserDisabled => P::AccountNotActive,
            Error::Unauthenticated => P::NotSignedIn,
            Error::Denied(denied) => return (*denied).into(),
            Error::WeakPassword(weak) => {
                let fault = Fault {
                    pointer: Some("/password".to_owned()),
                    code: Some(weak.reason.code.to_owned()),
                    limit: weak.reason.limit.map(|limit| limit as u64),
                    detail: weak.reason.sentence.clone(),
                    ..Fault::default()
                };
                let problem = Self::new(P::WeakPassword, weak.reason.sentence.clone());
                let suggestions: Vec<&str> = weak
                    .suggestions
                    .iter()
                    .map(|advice| advice.sentence.as_str())
                    .collect();
                return Self(Box::new(problem.0.with_errors(vec![fault])))
                    .hint_if(suggestions.join(" "));
            }
            Error::Invalid { field, reason } => {
                let fault = Fault {
                    pointer: Some(format!("/{field}")),
                    detail: reason.clone(),
                    ..Fault::default()
                };
                let problem = Self::new(P::ValidationFailed, error.to_string());
                return Self(Box::new(problem.0.with_errors(vec![fault])));
            }
            Error::InvalidPage(_) => P::InvalidRequest,
            Error::NameTaken(_)
            | Error::LastAdministrator
            | Error::SecondFactorEnabled
            | Error::TooManyTokens { .. }
            | Error::SecondFactorMissing => P::Conflict,
            Error::NotFound { .. } => P::NotFound,
            Error::AlreadySetUp => P::SetupDone,
            Error::RegistrationClosed => P::PermissionDenied,
            _ => return Self::internal(error),
        };
        Self::new(code, error.to_string())
    }
}
