//! Failures of the identity domain as problems of the API.

use yunhai_api_types::{Fault, ProblemCode};
use yunhai_identity::Error;

use crate::error::ApiError;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        use ProblemCode as P;
        let code = match &error {
            Error::InvalidCredentials | Error::InvalidSetupCode | Error::InvalidInvitation => {
                P::WrongCredentials
            }
            Error::TooManyAttempts { .. } => P::LockedOut,
            Error::PendingApproval | Error::UserDisabled => P::AccountNotActive,
            Error::Unauthenticated => P::NotSignedIn,
            Error::Denied(denied) => return (*denied).into(),
            Error::WeakPassword(weak) => {
                let fault = Fault {
                    pointer: Some("/password".to_owned()),
                    detail: weak.reason.clone(),
                    ..Fault::default()
                };
                let problem = Self::new(P::ValidationFailed, weak.reason.clone());
                return Self(Box::new(problem.0.with_errors(vec![fault])))
                    .hint_if(weak.suggestions.join(" "));
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
            | Error::SecondFactorMissing => P::Conflict,
            Error::NotFound { .. } => P::NotFound,
            Error::AlreadySetUp => P::SetupDone,
            Error::RegistrationClosed => P::PermissionDenied,
            _ => return Self::internal(error),
        };
        Self::new(code, error.to_string())
    }
}
