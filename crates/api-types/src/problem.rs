//! Errors as RFC 9457 problem documents, with a stable code from one table.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, told so that a person can act and a program can decide (RFC 9457).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A URI reference of the kind of problem: `/problems/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short summary of the kind of problem.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: ProblemCode,
    /// What was wrong this time.
    pub detail: String,
    /// What to do next, where there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// After how many seconds to try again, where waiting helps; `Retry-After` says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_secs: Option<u64>,
    /// Single faults, where there are several or where they have a place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

/// One fault and where it stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// The field, as a JSON pointer, where the fault is in a field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The line, from 1, where the fault is in a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column, from 1, where the fault is in a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The stable code of the fault, where it has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The number that the fault is about, such as the least length, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// What is wrong there.
    pub detail: String,
}

macro_rules! problem_codes {
    ($($name:ident $status:literal $title:literal;)*) => {
        /// The stable code of a problem; the table of all of them is in the documentation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum ProblemCode {
            $(#[doc = $title] $name,)*
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The HTTP status that goes with the code.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The summary that goes with the code.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

problem_codes! {
    InvalidRequest 400 "The request is malformed";
    InvalidQuery 400 "The query is malformed";
    NotSignedIn 401 "Sign in first";
    WrongCredentials 401 "The name or the password is wrong";
    WrongPassword 401 "The password is wrong";
    WrongCode 401 "The one-time code is wrong";
    WrongSetupCode 401 "The set-up code is wrong or has expired";
    WrongInvitation 401 "The invitation is not valid";
    TotpRequired 401 "A one-time code is required";
    InvalidToken 401 "The token is not valid";
    LockedOut 429 "Too many failed attempts";
    AccountNotActive 403 "The account is not active";
    PermissionDenied 403 "The permission is missing";
    ReauthenticationRequired 403 "Confirm the password first";
    CsrfTokenMissing 403 "The CSRF token is missing or wrong";
    AddressNotAllowed 403 "This address is not on the allow list";
    NotFound 404 "There is no such thing";
    MethodNotAllowed 405 "The method is not allowed here";
    Conflict 409 "It conflicts with what exists";
    SetupDone 409 "The set-up is done already";
    ChangedMeanwhile 412 "It was changed since it was read";
    BodyTooLarge 413 "The body is too large";
    UnsupportedMediaType 415 "The media type is not supported";
    ValidationFailed 422 "A value is not valid";
    WeakPassword 422 "The password is too weak";
    MalformedRule 422 "The rule is malformed";
    QueryFailed 422 "The query could not be answered";
    CloudRefused 422 "The cloud refuses it";
    TooManyRequests 429 "Too many requests";
    Internal 500 "Something went wrong inside Yunhai";
    Unavailable 503 "Yunhai cannot do this now";
    DatabaseUnavailable 503 "The state database does not answer";
    DiskFull 503 "A disk is full";
    CloudUnreachable 503 "The cloud does not answer";
}

impl Problem {
    /// Makes a problem of a code and what was wrong this time.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            hint: None,
            retry_after_secs: None,
            errors: Vec::new(),
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds after how many seconds to try again.
    #[must_use]
    pub fn with_retry_after(mut self, secs: u64) -> Self {
        self.retry_after_secs = Some(secs);
        self
    }

    /// Adds single faults.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<Fault>) -> Self {
        self.errors = errors;
        self
    }
}

impl std::fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)?;
        // A single fault is often all that the detail says.
        let is_new = |fault: &&Fault| !self.detail.contains(&fault.detail);
        for fault in self.errors.iter().filter(is_new) {
            f.write_str("\n  ")?;
            match (&fault.pointer, fault.line) {
                (Some(pointer), _) => write!(f, "{pointer}: ")?,
                (None, Some(line)) => {
                    write!(f, "line {line}, column {}: ", fault.column.unwrap_or(1))?;
                }
                (None, None) => {}
            }
            f.write_str(&fault.detail)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_in_snake_case() {
        assert_eq!(ProblemCode::TotpRequired.to_string(), "totp_required");
        let problem =
            Problem::new(ProblemCode::NotFound, "no server `a`").with_hint("look at the list");
        assert_eq!(problem.to_string(), "no server `a`\nhint: look at the list");
        assert_eq!(problem.kind, "/problems/not_found");
    }

    #[test]
    fn a_fault_is_told_once() {
        let mut problem = Problem::new(ProblemCode::ValidationFailed, "name: too short");
        for detail in ["too short", "not a letter"] {
            problem.errors.push(Fault {
                pointer: Some("/name".to_owned()),
                detail: detail.to_owned(),
                ..Fault::default()
            });
        }
        let told = "name: too short\n  /name: not a letter";
        assert_eq!(problem.to_string(), told);
    }
}
