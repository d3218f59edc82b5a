//! From Google's errors to what a caller can do about them.

use serde::Deserialize;
use yunhai_cloud::{Error, ErrorKind};
use yunhai_model::{TimestampMs, with_causes};

/// By how much clocks can differ until tokens are refused.
const CLOCK_TOLERANCE_MS: i64 = 60_000;

/// An answer that is no success (google.rpc.Status as JSON, and the older form of Compute Engine
/// beside it).
#[derive(Debug, Default, Deserialize)]
struct Answer {
    #[serde(default)]
    error: Refusal,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    message: String,
    status: Option<String>,
    errors: Vec<Item>,
    details: Vec<Detail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    reason: Option<String>,
}

/// `google.rpc.ErrorInfo` among others.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    reason: Option<String>,
}

/// Tells what went wrong when an answer of `status` came; `date` is its header.
pub(crate) fn refused(
    attempted: &str,
    status: u16,
    body: &[u8],
    date: Option<&str>,
    now_ms: TimestampMs,
) -> Error {
    let Answer { error } = serde_json::from_slice(body).unwrap_or_default();
    let reason = (error.details.into_iter().find_map(|detail| detail.reason))
        .or_else(|| error.errors.into_iter().find_map(|item| item.reason));
    let code = reason.or(error.status);
    let mut said = error.message;
    if said.is_empty() {
        said = format!("answer {status}");
    }
    let mut kind = kind_of(code.as_deref().unwrap_or_default(), &said, status);
    if kind == ErrorKind::Credentials
        && let Some(ahead_ms) = date.and_then(|date| ahead_ms(date, now_ms))
        && ahead_ms.abs() > CLOCK_TOLERANCE_MS
    {
        kind = ErrorKind::ClockSkew;
        let direction = if ahead_ms > 0 { "ahead of" } else { "behind" };
        let minutes = (ahead_ms.abs() + 30_000) / 60_000;
        said = format!("{said} (this machine's clock is {minutes} min {direction} Google's)");
    }
    Error {
        kind,
        attempted: attempted.to_owned(),
        said,
        code,
    }
}

/// Tells why nobody answered, or why the answer broke off.
pub(crate) fn unanswered(attempted: &str, error: &reqwest::Error) -> Error {
    let kind = if error.is_builder() {
        ErrorKind::Invalid
    } else {
        ErrorKind::Unreachable
    };
    Error::new(kind, attempted, with_causes(error))
}

/// By how much this machine's clock is ahead of a `Date` header.
fn ahead_ms(date: &str, now_ms: TimestampMs) -> Option<i64> {
    let there = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(now_ms - there.timestamp().as_millisecond())
}

/// Sorts a code of Google's: from `google.rpc.Code`, the reasons of `google.rpc.ErrorInfo` in the
/// domain googleapis.com, and those of Compute Engine's operations.
pub(crate) fn kind_of(code: &str, said: &str, status: u16) -> ErrorKind {
    match code {
        // What is protected is refused in more than one way.
        _ if said.contains("protected against deletion") => ErrorKind::Conflict,
        "rateLimitExceeded" | "userRateLimitExceeded" | "RATE_LIMIT_EXCEEDED" => {
            ErrorKind::Throttled
        }
        "quotaExceeded"
        | "QUOTA_EXCEEDED"
        | "ZONE_RESOURCE_POOL_EXHAUSTED"
        | "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"
        | "RESOURCE_POOL_EXHAUSTED" => ErrorKind::Quota,
        "resourceNotReady"
        | "resourceInUseByAnotherResource"
        | "alreadyExists"
        | "conditionNotMet"
        | "RESOURCE_ALREADY_EXISTS"
        | "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"
        | "RESOURCE_NOT_READY"
        | "FAILED_PRECONDITION"
        | "ABORTED" => ErrorKind::Conflict,
        "notFound" | "RESOURCE_NOT_FOUND" => ErrorKind::NotFound,
        "PERMISSIONS_ERROR" => ErrorKind::Denied,
        _ => match status {
            401 => ErrorKind::Credentials,
            403 => ErrorKind::Denied,
            404 => ErrorKind::NotFound,
            409 | 412 => ErrorKind::Conflict,
            429 => ErrorKind::Throttled,
            501 => ErrorKind::Unsupported,
            500.. => ErrorKind::Unavailable,
            _ => ErrorKind::Invalid,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW_MS: i64 = 1_795_000_000_000;

    fn told(status: u16, error: &Value) -> Error {
        let body = json!({ "error": error }).to_string();
        refused("list", status, body.as_bytes(), None, NOW_MS)
    }

    #[test]
    fn codes_are_sorted_by_what_can_be_done() {
        for (code, status, kind) in [
            ("forbidden", 403, ErrorKind::Denied),
            ("rateLimitExceeded", 403, ErrorKind::Throttled),
            ("SERVICE_DISABLED", 403, ErrorKind::Denied),
            ("quotaExceeded", 403, ErrorKind::Quota),
            ("ZONE_RESOURCE_POOL_EXHAUSTED", 503, ErrorKind::Quota),
            ("notFound", 404, ErrorKind::NotFound),
            ("invalid", 400, ErrorKind::Invalid),
            ("resourceNotReady", 400, ErrorKind::Conflict),
            ("alreadyExists", 409, ErrorKind::Conflict),
            ("backendError", 503, ErrorKind::Unavailable),
            ("authError", 401, ErrorKind::Credentials),
        ] {
            let error = told(
                status,
                &json!({ "message": "no", "errors": [{ "reason": code }] }),
            );
            assert_eq!(error.kind, kind, "{code}");
            assert_eq!(error.code.as_deref(), Some(code));
        }
    }

    #[test]
    fn the_most_exact_code_is_told() {
        let error = told(
            403,
            &json!({
                "message": "Compute Engine API has not been used in project 1 before",
                "status": "PERMISSION_DENIED",
                "errors": [{ "reason": "accessNotConfigured" }],
                "details": [{ "reason": "SERVICE_DISABLED", "domain": "googleapis.com" }],
            }),
        );
        assert_eq!(error.code.as_deref(), Some("SERVICE_DISABLED"));
        assert_eq!(error.kind, ErrorKind::Denied);
    }

    #[test]
    fn refused_credentials_and_a_wrong_clock_are_a_wrong_clock() {
        let date = "Wed, 18 Nov 2026 09:10:00 GMT";
        let there = jiff::fmt::rfc2822::parse(date).unwrap().timestamp();
        let there_ms = there.as_millisecond();
        for (ours_ms, kind, words) in [
            (there_ms + 600_000, ErrorKind::ClockSkew, "10 min ahead of"),
            (there_ms - 600_000, ErrorKind::ClockSkew, "10 min behind"),
            (there_ms + 5_000, ErrorKind::Credentials, "answer 401"),
        ] {
            let error = refused("list", 401, b"", Some(date), ours_ms);
            assert_eq!(error.kind, kind);
            assert!(error.said.contains(words), "{error}");
        }
    }

    #[test]
    fn an_answer_of_another_shape_is_told_by_its_status() {
        let error = refused("list", 502, b"<html>", None, NOW_MS);
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert_eq!(error.said, "answer 502");
    }
}
