//! The kinds of channels, one file each, and what they share: one exchange over HTTP, and keeping
//! secrets out of what is reported about it.

mod acs;
pub(crate) mod acs_email;
pub(crate) mod acs_sms;
mod aws;
pub(crate) mod dingtalk;
pub(crate) mod email;
pub(crate) mod feishu;
mod numbers;
pub(crate) mod pubsub;
pub(crate) mod ses;
pub(crate) mod slack;
pub(crate) mod sns;
pub(crate) mod twilio;
pub(crate) mod webhook;
pub(crate) mod wecom;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{RequestBuilder, StatusCode, header};
use serde::Deserialize;
use sha2::Sha256;
use url::Url;
use yunhai_model::{Secret, TimestampMs};

use crate::message::{Message, clip_bytes, one_line};
use crate::sender::Delivered;
use crate::{BaseUrls, ChannelConfig, SendError, SendErrorKind};

/// Everything that a channel needs for one delivery.
pub(crate) struct Context<'a> {
    pub(crate) http: &'a reqwest::Client,
    pub(crate) base_urls: &'a BaseUrls,
    pub(crate) message: Message<'a>,
    pub(crate) id: &'a str,
    pub(crate) now_ms: TimestampMs,
    pub(crate) timeout: Duration,
    pub(crate) delivered: &'a Delivered,
    pub(crate) tokens: &'a pubsub::Tokens,
}

/// Delivers over whichever channel it is; returns the provider's answer.
pub(crate) async fn send(
    channel: &ChannelConfig,
    context: &Context<'_>,
) -> Result<String, SendError> {
    match channel {
        ChannelConfig::Email(config) => email::send(config, context).await,
        ChannelConfig::Webhook(config) => webhook::send(config, context).await,
        ChannelConfig::DingTalk(config) => dingtalk::send(config, context).await,
        ChannelConfig::WeCom(config) => wecom::send(config, context).await,
        ChannelConfig::Feishu(config) => feishu::send(config, context).await,
        ChannelConfig::Slack(config) => slack::send(config, context).await,
        ChannelConfig::Twilio(config) => twilio::send(config, context).await,
        ChannelConfig::Ses(config) => ses::send(config, context).await,
        ChannelConfig::Sns(config) => sns::send(config, context).await,
        ChannelConfig::AcsEmail(config) => acs_email::send(config, context).await,
        ChannelConfig::AcsSms(config) => acs_sms::send(config, context).await,
        ChannelConfig::PubSub(config) => pubsub::send(config, context).await,
    }
}

impl Context<'_> {
    /// Posts JSON to a chat robot and reads its verdict.
    async fn ask_robot(&self, url: Url, body: String) -> Result<(Answer, RobotVerdict), SendError> {
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json");
        let answer = exchange(request.body(body)).await?;
        let verdict = answer.robot_verdict()?;
        Ok((answer, verdict))
    }

    /// The message's title, with the word in it that a robot wants.
    fn title_with(&self, keyword: Option<&str>) -> String {
        let title = self.message.title();
        match keyword {
            Some(keyword) if !title.contains(keyword) => format!("{keyword} {title}"),
            _ => title,
        }
    }
}

/// Makes a body of at most so many bytes, by leaving ever less room to the texts in it: what
/// escaping adds is only known afterwards.
fn fitting(max_bytes: usize, mut room: usize, body: impl Fn(usize) -> String) -> String {
    loop {
        let body = body(room);
        if body.len() <= max_bytes || room == 0 {
            return body;
        }
        room = room * 3 / 4;
    }
}

/// How much of an answer is read, and how much of it is reported.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
const MAX_REPORTED_BYTES: usize = 300;

/// A provider's answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    /// Amazon's name of an error, where it stands in a header.
    pub(crate) error_type: Option<String>,
    pub(crate) body: String,
}

/// Sends a request and reads the answer, whatever it says.
pub(crate) async fn exchange(request: RequestBuilder) -> Result<Answer, SendError> {
    let mut response = request.send().await.map_err(|error| unreachable(&error))?;
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let error_type = response.headers().get("x-amzn-errortype");
    let error_type = error_type
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(&error))?
    {
        let room = MAX_ANSWER_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == MAX_ANSWER_BYTES {
            break;
        }
    }
    Ok(Answer {
        status: response.status(),
        retry_after,
        error_type,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// Says why there is no answer: the innermost cause, since the outer ones name the address.
fn unreachable(error: &reqwest::Error) -> SendError {
    if error.is_timeout() {
        return SendError::new(SendErrorKind::TimedOut, "no answer in time");
    }
    if error.is_builder() {
        return SendError::new(SendErrorKind::InvalidConfig, "the request cannot be made")
            .hint("check the channel's address and headers");
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let cause = if cause.source().is_none() && cause.is::<reqwest::Error>() {
        "the connection broke".to_owned()
    } else {
        cause.to_string()
    };
    SendError::new(SendErrorKind::Unreachable, cause)
        .hint("check the network, the name server and the proxy from this machine")
}

impl Answer {
    /// Returns the beginning of the body, in one line.
    pub(crate) fn short_body(&self) -> String {
        clip_bytes(&one_line(&self.body), MAX_REPORTED_BYTES).to_owned()
    }

    /// Returns status and body for people.
    pub(crate) fn report(&self) -> String {
        let body = self.short_body();
        let separator = if body.is_empty() { "" } else { ": " };
        format!("HTTP {}{separator}{body}", self.status.as_u16())
    }

    /// Returns the error that the HTTP status stands for, or `None` if it is a success.
    pub(crate) fn http_failure(&self) -> Option<SendError> {
        let status = self.status;
        if status.is_success() {
            return None;
        }
        let (kind, hint) = match status.as_u16() {
            429 => (SendErrorKind::RateLimited, None),
            408 => (SendErrorKind::TimedOut, None),
            500..=599 => (SendErrorKind::ProviderFailed, None),
            401 | 403 | 407 => (
                SendErrorKind::Unauthorized,
                Some("check the channel's credentials"),
            ),
            300..=399 => (
                SendErrorKind::Refused,
                Some("the address redirects: give the final one"),
            ),
            404 | 410 => (
                SendErrorKind::Refused,
                Some("nothing is at this address: check it, or make a new one at the provider"),
            ),
            _ => (SendErrorKind::Refused, None),
        };
        let mut error = SendError::new(kind, self.report()).retry_after(self.retry_after);
        error.hint = hint;
        Some(error)
    }

    /// Reads the body of a chat robot, which carries the verdict; the HTTP status is 200 even
    /// for a refusal.
    pub(crate) fn robot_verdict(&self) -> Result<RobotVerdict, SendError> {
        match serde_json::from_str(&self.body) {
            Ok(verdict) => Ok(verdict),
            Err(_) => Err(self.http_failure().unwrap_or_else(|| {
                SendError::new(
                    SendErrorKind::OddAnswer,
                    format!("the answer has no code: {}", self.report()),
                )
                .hint("is there a proxy that answers in the provider's place?")
                .at_most(5)
            })),
        }
    }
}

/// What a chat robot answers.
#[derive(Debug, Deserialize)]
pub(crate) struct RobotVerdict {
    #[serde(alias = "errcode", alias = "StatusCode")]
    pub(crate) code: i64,
    #[serde(default, alias = "errmsg", alias = "StatusMessage")]
    pub(crate) msg: String,
}

impl RobotVerdict {
    /// Makes the error of a refusal, with the provider's code and words.
    pub(crate) fn error(&self, kind: SendErrorKind) -> SendError {
        let words = one_line(&self.msg);
        let words = if words.is_empty() {
            "the provider gave no reason"
        } else {
            clip_bytes(&words, MAX_REPORTED_BYTES)
        };
        SendError::new(kind, words).code(self.code)
    }

    /// Makes the error of a code that is not known: tried a few times, since it may pass.
    pub(crate) fn unknown(&self) -> SendError {
        self.error(SendErrorKind::ProviderFailed).at_most(3)
    }
}

/// Returns `base64(HMAC-SHA256(key, message))`, as robots are signed.
pub(crate) fn sign(key: &str, message: &str) -> String {
    sign_with(key.as_bytes(), message)
}

/// Signs like [`sign`], with a key of bytes.
pub(crate) fn sign_with(key: &[u8], message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Reads a secret address, and puts it onto another host where one is given.
pub(crate) fn address(url: &Secret, base: Option<&Url>) -> Result<Url, SendError> {
    let mut url = Url::parse(url.expose().trim()).map_err(|error| {
        SendError::new(
            SendErrorKind::InvalidConfig,
            format!("the channel's address cannot be read: {error}"),
        )
    })?;
    if let Some(base) = base {
        // Both are web addresses, between which these changes are always possible.
        let _ = url.set_scheme(base.scheme());
        let _ = url.set_host(base.host_str());
        let _ = url.set_port(base.port());
    }
    Ok(url)
}

/// Takes secrets out of texts that come from outside.
pub(crate) struct Scrubber(Vec<Secret>);

impl Scrubber {
    /// Knows the secrets of a channel: its passwords, and of its addresses every part that can be
    /// a token.
    pub(crate) fn of(channel: &ChannelConfig) -> Self {
        let mut hidden = Vec::new();
        for (_, secret) in channel.clone().secrets_mut() {
            if let Ok(url) = Url::parse(secret.expose()) {
                hidden.extend(url.query_pairs().map(|(_, value)| Secret::new(value)));
                let long_segments = url.path_segments().into_iter().flatten();
                hidden.extend(
                    long_segments
                        .filter(|segment| segment.len() >= 12)
                        .map(Secret::new),
                );
                hidden.extend(url.password().map(Secret::new));
                hidden.extend(url.query().map(Secret::new));
                if url.path().len() > 1 {
                    hidden.push(Secret::new(url.path()));
                }
            }
            hidden.push(secret.clone());
        }
        // Very short ones would blot out ordinary words; longer ones go first.
        hidden.retain(|secret| secret.expose().len() >= 4);
        hidden.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        Self(hidden)
    }

    pub(crate) fn scrub(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.expose(), "[secret]")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_agree_with_python_s_hmac() {
        // Computed with Python's hmac module:
        // base64.b64encode(hmac.new(key, message, hashlib.sha256).digest())
        assert_eq!(
            sign("secret", "1700000000000\nsecret"),
            PYTHON_DINGTALK_SIGNATURE
        );
        assert_eq!(sign("1700000000\nsecret", ""), PYTHON_FEISHU_SIGNATURE);
    }

    const PYTHON_DINGTALK_SIGNATURE: &str = "OuzzJR5+xZ4/EYwqtNt6sMYZQMTa/HEGvc9miJe7XzY=";
    const PYTHON_FEISHU_SIGNATURE: &str = "fiWS2+gh28DOydAv7hzONH/mDn9+b1Y4Y5ivXWXy8vA=";
}
