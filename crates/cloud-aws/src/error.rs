//! From the clients' errors to what a caller can do about them.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use yunhai_cloud::{Error, ErrorKind};
use yunhai_model::with_causes;

/// Tells what went wrong when something was `attempted`.
pub(crate) fn told<E>(attempted: impl Into<String>, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let attempted = attempted.into();
    if let SdkError::ServiceError(context) = error {
        let service = context.err();
        let code = service.code().map(str::to_owned);
        let said = service
            .message()
            .filter(|message| !message.is_empty())
            .map_or_else(
                || format!("answer {}", context.raw().status()),
                str::to_owned,
            );
        let kind = kind_of(
            code.as_deref().unwrap_or_default(),
            &said,
            context.raw().status().as_u16(),
        );
        return Error {
            kind,
            attempted,
            said,
            code,
        };
    }
    // What has to be fetched elsewhere, such as a role, can fail as the network does.
    let is_of_credentials = cause::<CredentialsError>(error)
        .is_some_and(|credentials| cause::<ConnectorError>(credentials).is_none());
    let kind = match error {
        _ if is_of_credentials => ErrorKind::Credentials,
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => ErrorKind::Unreachable,
        SdkError::ResponseError(context) if context.raw().status().is_server_error() => {
            ErrorKind::Unavailable
        }
        SdkError::ConstructionFailure(_) => ErrorKind::Invalid,
        _ => ErrorKind::Protocol,
    };
    Error::new(kind, attempted, with_causes(error))
}

/// Returns the first cause of a kind.
fn cause<'a, C: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a C> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<C>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// Sorts a code of Amazon's, from the lists of common errors of EC2, CloudWatch and STS.
fn kind_of(code: &str, said: &str, status: u16) -> ErrorKind {
    match code {
        "RequestExpired" | "RequestTimeTooSkewed" => ErrorKind::ClockSkew,
        "SignatureDoesNotMatch" | "InvalidSignatureException"
            if said.contains("Signature expired") || said.contains("not yet current") =>
        {
            ErrorKind::ClockSkew
        }
        "AuthFailure" if said.contains("Not authorized for") => ErrorKind::Denied,
        "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => ErrorKind::Credentials,
        "AccessDenied"
        | "AccessDeniedException"
        | "Blocked"
        | "NotAuthorized"
        | "OptInRequired"
        | "PendingVerification"
        | "UnauthorizedOperation" => ErrorKind::Denied,
        "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException" => ErrorKind::Throttled,
        "InsufficientInstanceCapacity" | "InsufficientAddressCapacity" => ErrorKind::Quota,
        "IdempotentParameterMismatch"
        | "IncorrectInstanceState"
        | "IncorrectState"
        | "OperationNotPermitted" => ErrorKind::Conflict,
        "Unsupported" | "UnsupportedOperation" => ErrorKind::Unsupported,
        _ if code.contains("LimitExceeded") => ErrorKind::Quota,
        _ if code.ends_with("NotFound") || code.ends_with(".Unknown") => ErrorKind::NotFound,
        "" if status == 401 => ErrorKind::Credentials,
        "" if status == 403 => ErrorKind::Denied,
        _ if status == 429 => ErrorKind::Throttled,
        _ if status >= 500 => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_can_be_done() {
        for (code, status, kind) in [
            ("UnauthorizedOperation", 403, ErrorKind::Denied),
            ("AuthFailure", 401, ErrorKind::Credentials),
            ("RequestLimitExceeded", 503, ErrorKind::Throttled),
            ("VcpuLimitExceeded", 400, ErrorKind::Quota),
            ("InvalidInstanceID.NotFound", 400, ErrorKind::NotFound),
            ("InvalidParameterValue", 400, ErrorKind::Invalid),
            ("InternalError", 500, ErrorKind::Unavailable),
            ("IncorrectInstanceState", 400, ErrorKind::Conflict),
        ] {
            assert_eq!(kind_of(code, "", status), kind, "{code}");
        }
        assert_eq!(
            kind_of(
                "SignatureDoesNotMatch",
                "Signature expired: 20261101T000000Z is now earlier than …",
                403
            ),
            ErrorKind::ClockSkew
        );
    }
}
