//! What several people edit has a version, which travels in the headers that HTTP has for it.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, header};
use yunhai_api_types::ProblemCode;
use yunhai_monitor::Expected;

use crate::error::{ApiError, ApiResult};

/// What the description of the API says of these headers.
pub(crate) const IF_MATCH: &str =
    "The version that is replaced; refused with `changed_meanwhile` where it is not there anymore.";
pub(crate) const IF_NONE_MATCH: &str =
    "`*` to make it only; refused with `changed_meanwhile` where there is one already.";

/// An answer with the version of what it shows.
pub(crate) struct Versioned<T>(pub(crate) String, pub(crate) T);

impl<T: IntoResponse> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.0)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// What a request expects to be there, by `If-Match` and `If-None-Match`.
pub(crate) struct Expectation(pub(crate) Expected);

impl<S: Sync> FromRequestParts<S> for Expectation {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        // What cannot be read is a version that nothing has.
        let text = |name| Some(parts.headers.get(name)?.to_str().unwrap_or_default());
        let is_new = text(header::IF_NONE_MATCH) == Some("*");
        Ok(Self(match text(header::IF_MATCH).map(untagged) {
            Some(version) if version != "*" => Expected::Version(version.to_owned()),
            _ if is_new => Expected::Nothing,
            _ => Expected::Anything,
        }))
    }
}

impl Expectation {
    /// Refuses a change of something that is no longer what was read.
    pub(crate) fn check(&self, stored: &str) -> ApiResult<()> {
        if self.0.allows(Some(stored)) {
            return Ok(());
        }
        let text = "it was changed since it was read";
        Err(ApiError::new(ProblemCode::ChangedMeanwhile, text)
            .hint("read it again and carry your change over to what is there now"))
    }
}

/// A proxy that compresses marks the versions that pass it as weak.
fn untagged(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_also_where_a_proxy_weakened_it() {
        assert_eq!(untagged("\"a1\""), "a1");
        assert_eq!(untagged("W/\"a1\""), "a1");
    }
}
