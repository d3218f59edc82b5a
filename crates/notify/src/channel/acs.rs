//! Asks Azure Communication Services by requests that are signed with the resource's access key,
//! and reads why they refuse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::{Position, Url};
use yunhai_model::Secret;

use super::{Answer, Context, exchange, sign_with};
use crate::config::Faults;
use crate::message::{clip_bytes, one_line};
use crate::{SendError, SendErrorKind};

const CREDENTIALS: &str = "check the access key, the endpoint, and this machine's clock";

/// A resource of Azure Communication Services, and the key to it.
pub(super) struct Resource<'a> {
    pub(super) endpoint: &'a str,
    pub(super) access_key: &'a Secret,
}

impl Resource<'_> {
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.endpoint("endpoint", Some(self.endpoint));
        let key = self.access_key.expose();
        faults.require(!key.is_empty(), "access_key", "is missing");
        faults.require(
            key.is_empty() || STANDARD.decode(key.trim()).is_ok(),
            "access_key",
            "is not a key: copy it whole from the Azure portal, Settings → Keys",
        );
    }

    /// Asks the resource; `path` has the version of the API in its query.
    pub(super) async fn ask(
        &self,
        context: &Context<'_>,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: String,
    ) -> Result<Answer, SendError> {
        let invalid = |words: String| SendError::new(SendErrorKind::InvalidConfig, words);
        let url = format!("{}{path}", self.endpoint.trim().trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| invalid(format!("`endpoint`: {error}")))?;
        let key = STANDARD
            .decode(self.access_key.expose().trim())
            .map_err(|_| invalid("`access_key` is not a key".to_owned()))?;
        let date = jiff::Timestamp::from_millisecond(context.now_ms)
            .unwrap_or_default()
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string();
        let digest = STANDARD.encode(Sha256::digest(&body));
        let path_and_query = &url[Position::BeforePath..Position::AfterQuery];
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        let signed = format!("{method}\n{path_and_query}\n{date};{authority};{digest}");
        let signature = sign_with(&key, &signed);
        let authorization = format!(
            "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}"
        );
        let mut request = context
            .http
            .request(method, url)
            .header("x-ms-date", date)
            .header("x-ms-content-sha256", digest)
            .header("authorization", authorization);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if !body.is_empty() {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        exchange(request).await
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: Reason,
}

/// Why something was refused, in Azure's code and words.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Reason {
    #[serde(default)]
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
}

/// Makes the error of an answer that is none of those that were hoped for.
pub(super) fn refusal(answer: &Answer) -> SendError {
    let Some(failure) = answer.http_failure() else {
        return SendError::new(
            SendErrorKind::OddAnswer,
            format!(
                "the answer says nothing of the message: {}",
                answer.report()
            ),
        )
        .hint("is there a proxy that answers in Azure's place?")
        .at_most(5);
    };
    let mut failure = match serde_json::from_str::<Refusal>(&answer.body) {
        Ok(Refusal { error }) if !error.message.is_empty() || !error.code.is_empty() => {
            with_reason(failure, &error)
        }
        _ => failure,
    };
    if failure.kind == SendErrorKind::Unauthorized {
        failure.hint = Some(CREDENTIALS);
    }
    failure
}

/// Puts Azure's code and words into an error.
pub(super) fn with_reason(mut error: SendError, reason: &Reason) -> SendError {
    let words = one_line(&reason.message);
    if !words.is_empty() {
        clip_bytes(&words, 300).clone_into(&mut error.message);
    }
    if !reason.code.is_empty() {
        error.provider_code = Some(clip_bytes(&one_line(&reason.code), 80).to_owned());
    }
    error
}

/// Makes a UUID that is the same for the same texts, as Azure knows repeated requests by one.
pub(super) fn uuid_of(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\0"));
    let mut bytes: [u8; 16] = std::array::from_fn(|at| digest[at]);
    // Version 8, "custom", of RFC 9562.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_the_same_for_the_same_texts() {
        let one = uuid_of(&["a", "b"]);
        assert_eq!(one, uuid_of(&["a", "b"]));
        assert_ne!(one, uuid_of(&["a", "c"]));
        assert_eq!((one.len(), &one[14..15]), (36, "8"));
    }
}
