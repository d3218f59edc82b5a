//! Asks services of AWS by signed requests, and reads why they refuse. Signed by Amazon's own crate
//! for it: two calls are not worth two of its clients.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use url::Url;
use yunhai_model::Secret;

use super::{Answer, Context, exchange};
use crate::config::Faults;
use crate::{SendError, SendErrorKind};

/// Whom a service is asked as, and where it is.
pub(super) struct Access<'a> {
    pub(super) region: &'a str,
    pub(super) key_id: &'a str,
    pub(super) secret: &'a Secret,
    pub(super) endpoint: Option<&'a str>,
}

impl Access<'_> {
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.require(
            is_region(self.region),
            "region",
            "must be a region, as eu-central-1",
        );
        let is_key = (16..=128).contains(&self.key_id.len())
            && self.key_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        faults.require(
            is_key,
            "access_key_id",
            "must be the id of an access key, as AKIA… in the AWS console",
        );
        faults.require(!self.secret.is_empty(), "secret_access_key", "is missing");
        faults.endpoint("endpoint", self.endpoint);
    }

    /// Returns the address of a service, without a final `/`.
    fn base(&self, host: &str) -> String {
        let domain = if self.region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        match self.endpoint {
            Some(endpoint) => endpoint.trim().trim_end_matches('/').to_owned(),
            None => format!("https://{host}.{}.{domain}", self.region),
        }
    }

    /// Posts a body, signed for a service; `host` is the first word of the service's address.
    pub(super) async fn post(
        &self,
        context: &Context<'_>,
        (service, host): (&str, &str),
        path: &str,
        content_type: &str,
        body: String,
    ) -> Result<Answer, SendError> {
        let url = format!("{}{path}", self.base(host));
        let url = Url::parse(&url).map_err(|error| unsigned(&error))?;
        let headers = self.signature(context, service, &url, content_type, body.as_bytes())?;
        let mut request = context.http.post(url).header("content-type", content_type);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        exchange(request.body(body)).await
    }

    fn signature(
        &self,
        context: &Context<'_>,
        service: &str,
        url: &Url,
        content_type: &str,
        body: &[u8],
    ) -> Result<Vec<(String, String)>, SendError> {
        let secret = self.secret.expose();
        let identity = Credentials::new(self.key_id, secret, None, None, "channel").into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let at = UNIX_EPOCH + Duration::from_millis(context.now_ms.max(0).unsigned_abs());
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(service)
            .time(at)
            .settings(settings)
            .build()
            .map_err(|error| unsigned(&error))?
            .into();
        let headers = [("content-type", content_type)].into_iter();
        let request =
            SignableRequest::new("POST", url.as_str(), headers, SignableBody::Bytes(body))
                .map_err(|error| unsigned(&error))?;
        let signed = sign(request, &parameters).map_err(|error| unsigned(&error))?;
        let (instructions, _) = signed.into_parts();
        let headers = instructions.headers();
        Ok(headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }
}

fn unsigned(error: &dyn std::fmt::Display) -> SendError {
    SendError::new(
        SendErrorKind::InvalidConfig,
        format!("the request cannot be signed: {error}"),
    )
}

pub(super) fn is_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    parts.len() >= 3
        && parts.iter().all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// Makes the error of a refusal from its code and words.
pub(super) fn refusal(answer: &Answer, code: &str, message: &str) -> SendError {
    use SendErrorKind as K;
    // `com.amazonaws.sesv2#MessageRejected:http://…` and plain names are the same.
    let code = code.rsplit('#').next().unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default();
    let (kind, hint) = match code.strip_suffix("Exception").unwrap_or(code) {
        "TooManyRequests"
        | "Throttling"
        | "Throttled"
        | "RequestLimitExceeded"
        | "LimitExceeded"
        | "KMSThrottling" => (K::RateLimited, None),
        "AccountSuspended" => (
            K::Refused,
            Some("AWS has suspended sending for this account: ask its support"),
        ),
        "SendingPaused" => (
            K::Refused,
            Some("sending is paused in SES: resume it in the console"),
        ),
        "MailFromDomainNotVerified" => (
            K::Refused,
            Some("verify the MAIL FROM domain in the SES console"),
        ),
        "MessageRejected" => (
            K::Refused,
            Some(
                "verify the sender in SES, and while the account is in the sandbox the recipients",
            ),
        ),
        "OptedOut" => (
            K::Refused,
            Some("this number has opted out: opt it in again in the SNS console"),
        ),
        "RequestExpired" | "ExpiredToken" => (
            K::Unauthorized,
            Some("check this machine's clock and the access key"),
        ),
        "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClient"
        | "InvalidSignature"
        | "IncompleteSignature"
        | "InvalidAccessKeyId"
        | "MissingAuthenticationToken" => (
            K::Unauthorized,
            Some("check the access key, its secret, the region, and this machine's clock"),
        ),
        "AccessDenied" | "AuthorizationError" | "NotAuthorized" | "OptInRequired" => (
            K::Unauthorized,
            Some("the access key lacks the right: ses:SendEmail for mail, sns:Publish for SNS"),
        ),
        "NotFound" => (
            K::Refused,
            Some("there is no such topic or configuration set in this region"),
        ),
        "EndpointDisabled" => (K::Refused, Some("enable the endpoint in SNS again")),
        _ => match answer.http_failure() {
            Some(failure) => (failure.kind, failure.hint),
            None => (K::OddAnswer, None),
        },
    };
    let mut error = SendError::new(kind, message)
        .code(code)
        .retry_after(answer.retry_after);
    error.hint = hint;
    error
}
