//! From the answers of Azure to what a caller can do about them.

use serde_json::Value;
use yunhai_cloud::{Error, ErrorKind};
use yunhai_model::with_causes;

/// Tells what an answer refused when something was `attempted`.
///
/// The Resource Manager and Monitor say `{"error": {"code", "message", "details"}}` (`ErrorResponse`
/// of common-types/resource-management in azure-rest-api-specs).
pub(crate) fn refused(attempted: &str, status: u16, body: &Value) -> Error {
    let error = body.get("error").unwrap_or(body);
    let text = |name: &str| {
        let text = error.get(name).and_then(Value::as_str);
        text.map(str::trim).filter(|text| !text.is_empty())
    };
    let code = text("code").unwrap_or_default();
    let said = text("message").map_or_else(|| format!("answer {status}"), str::to_owned);
    Error {
        kind: kind_of(code, &said, status),
        attempted: attempted.to_owned(),
        said,
        code: (!code.is_empty()).then(|| code.to_owned()),
    }
}

/// Tells why somebody could not sign in.
///
/// Entra says `{"error", "error_description", "error_codes"}`, and the description begins with the
/// code; so does the endpoint of managed identities, without codes.
pub(crate) fn sign_in_refused(attempted: &str, status: u16, body: &Value) -> Error {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let whole = text("error_description").unwrap_or_default();
    // What follows the first line are ids and the time.
    let first = whole.lines().next().unwrap_or_default();
    let first = first.split(" Trace ID:").next().unwrap_or_default().trim();
    let code = first
        .split(':')
        .next()
        .filter(|code| code.starts_with("AADSTS"))
        .or_else(|| text("error"));
    let kind = match code {
        Some("AADSTS700024") => ErrorKind::ClockSkew,
        Some("AADSTS90056" | "AADSTS50196") => ErrorKind::Throttled,
        _ if status == 429 => ErrorKind::Throttled,
        _ if status >= 500 => ErrorKind::Unavailable,
        _ => ErrorKind::Credentials,
    };
    let said = if first.is_empty() {
        format!("answer {status}")
    } else {
        first.to_owned()
    };
    Error {
        kind,
        attempted: attempted.to_owned(),
        said,
        code: code.map(str::to_owned),
    }
}

/// Tells why there was no answer.
pub(crate) fn unanswered(attempted: &str, error: reqwest::Error) -> Error {
    let kind = if error.is_builder() {
        ErrorKind::Invalid
    } else {
        ErrorKind::Unreachable
    };
    // Addresses have ids in them, and the causes say the host.
    Error::new(kind, attempted, with_causes(&error.without_url()))
}

/// Sorts a code, from the lists of errors of the Resource Manager, Compute, Network and Monitor.
pub(crate) fn kind_of(code: &str, said: &str, status: u16) -> ErrorKind {
    match code {
        "OperationNotAllowed" if is_about_quota(said) => ErrorKind::Quota,
        "AllocationFailed"
        | "OverconstrainedAllocationRequest"
        | "OverconstrainedZonalAllocationRequest"
        | "QuotaExceeded"
        | "SkuNotAvailable"
        | "ZonalAllocationFailed" => ErrorKind::Quota,
        "AuthorizationFailed"
        | "AuthorizationPermissionMismatch"
        | "Forbidden"
        | "InsufficientAccessPermissions"
        | "LinkedAuthorizationFailed"
        | "RequestDisallowedByPolicy" => ErrorKind::Denied,
        "AuthenticationFailed"
        | "ExpiredAuthenticationToken"
        | "InvalidAuthenticationToken"
        | "InvalidAuthenticationTokenAudience"
        | "InvalidAuthenticationTokenTenant" => ErrorKind::Credentials,
        "AnotherOperationInProgress"
        | "Conflict"
        | "NicInUse"
        | "OperationNotAllowed"
        | "OperationPreempted"
        | "PreconditionFailed"
        | "ReadOnlyDisabledSubscription"
        | "ScopeLocked"
        | "VMMarkedForDeletion" => ErrorKind::Conflict,
        "TooManyRequests" | "SubscriptionRequestsThrottled" => ErrorKind::Throttled,
        _ if code.ends_with("NotFound") => ErrorKind::NotFound,
        _ if code.ends_with("Throttled") => ErrorKind::Throttled,
        _ => match status {
            401 => ErrorKind::Credentials,
            403 => ErrorKind::Denied,
            404 => ErrorKind::NotFound,
            409 | 412 => ErrorKind::Conflict,
            429 => ErrorKind::Throttled,
            500.. => ErrorKind::Unavailable,
            _ => ErrorKind::Invalid,
        },
    }
}

fn is_about_quota(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    said.contains("quota") || said.contains("limit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn codes_are_sorted_by_what_can_be_done() {
        for (code, status, kind) in [
            ("AuthorizationFailed", 403, ErrorKind::Denied),
            ("ExpiredAuthenticationToken", 401, ErrorKind::Credentials),
            ("SubscriptionRequestsThrottled", 429, ErrorKind::Throttled),
            ("SkuNotAvailable", 409, ErrorKind::Quota),
            ("ScopeLocked", 409, ErrorKind::Conflict),
            ("ResourceGroupNotFound", 404, ErrorKind::NotFound),
            ("InvalidParameter", 400, ErrorKind::Invalid),
            ("InternalExecutionError", 500, ErrorKind::Unavailable),
            ("", 503, ErrorKind::Unavailable),
        ] {
            assert_eq!(kind_of(code, "", status), kind, "{code}");
        }
        let quota = "Operation could not be completed as it results in exceeding approved Total \
                     Regional Cores quota.";
        assert_eq!(kind_of("OperationNotAllowed", quota, 409), ErrorKind::Quota);
        assert_eq!(
            kind_of("OperationNotAllowed", "The VM is being deleted.", 409),
            ErrorKind::Conflict
        );
    }

    #[test]
    fn a_refused_sign_in_is_told_without_trace_ids() {
        let body = json!({
            "error": "invalid_client",
            "error_description": "AADSTS7000222: The provided client secret keys for app 'x' are \
                expired. Trace ID: 1234 Correlation ID: 5678 Timestamp: 2026-11-01 00:00:00Z",
            "error_codes": [7_000_222],
        });
        let error = sign_in_refused("sign in", 401, &body);
        assert_eq!(error.kind, ErrorKind::Credentials);
        assert_eq!(error.code.as_deref(), Some("AADSTS7000222"));
        assert!(error.said.ends_with("are expired."), "{error}");
    }
}
