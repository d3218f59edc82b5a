//! SMS through Twilio: one request per number, each judged by itself.

use serde::{Deserialize, Serialize};
use url::Url;
use yunhai_model::Secret;

use super::numbers::{self, Outcomes, is_e164};
use super::{Answer, Context, exchange};
use crate::config::{Faults, redact};
use crate::{SendError, SendErrorKind};

/// The longest text that Twilio takes.
const MAX_CHARS: usize = 1600;
const API: &str = "https://api.twilio.com";

/// How to reach telephones through Twilio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwilioConfig {
    /// The account (`AC…`).
    pub account_sid: String,
    /// The account's token.
    #[serde(serialize_with = "redact")]
    pub auth_token: Secret,
    /// The number to send from; this or a messaging service.
    #[serde(default)]
    pub from: Option<String>,
    /// The messaging service (`MG…`) that chooses the number to send from.
    #[serde(default)]
    pub messaging_service_sid: Option<String>,
    /// The numbers to send to, as `+8613800000000`.
    pub to: Vec<String>,
    /// How many segments a message may have; each is charged.
    #[serde(default = "numbers::default_max_segments")]
    pub max_segments: usize,
}

impl TwilioConfig {
    pub(crate) fn check(&self, faults: &mut Faults) {
        let is_sid = |sid: &str, prefix: &str| {
            sid.len() == 34
                && sid.starts_with(prefix)
                && sid[2..].bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        faults.require(
            is_sid(&self.account_sid, "AC"),
            "account_sid",
            "must be AC and 32 hexadecimal digits, as the Twilio console shows it",
        );
        faults.require(!self.auth_token.is_empty(), "auth_token", "is missing");
        match (&self.from, &self.messaging_service_sid) {
            (Some(from), None) => faults.require(
                is_e164(from) || is_sender_name(from),
                "from",
                "must be a number as +15005550006, or a sender's name of up to 11 letters",
            ),
            (None, Some(sid)) => faults.require(
                is_sid(sid, "MG"),
                "messaging_service_sid",
                "must be MG and 32 hexadecimal digits",
            ),
            _ => faults.add(
                "from",
                "or `messaging_service_sid` must be set, and only one",
            ),
        }
        numbers::check(faults, &self.to);
        numbers::check_segments(faults, self.max_segments);
    }
}

fn is_sender_name(name: &str) -> bool {
    (1..=11).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
        && name.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[derive(Deserialize)]
struct Accepted {
    sid: String,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    #[serde(default)]
    message: String,
}

/// Delivers to every number; those that have the message already are left out.
pub(super) async fn send(
    config: &TwilioConfig,
    context: &Context<'_>,
) -> Result<String, SendError> {
    let base = context.base_urls.twilio.as_ref().map_or(API, Url::as_str);
    let url = format!(
        "{}/2010-04-01/Accounts/{}/Messages.json",
        base.trim_end_matches('/'),
        config.account_sid
    );
    let text = context.message.short(config.max_segments, MAX_CHARS);
    let mut outcomes = Outcomes::new(context, config.to.len());
    for number in &config.to {
        if outcomes.is_told(number) {
            continue;
        }
        let mut form = vec![("To", number.as_str()), ("Body", text.as_str())];
        form.extend(config.from.as_deref().map(|from| ("From", from)));
        let service = config.messaging_service_sid.as_deref();
        form.extend(service.map(|sid| ("MessagingServiceSid", sid)));
        let request = context
            .http
            .post(&url)
            .basic_auth(&config.account_sid, Some(config.auth_token.expose()))
            .form(&form);
        let outcome = exchange(request).await.and_then(|answer| judge(&answer));
        outcomes.add(number, outcome);
    }
    outcomes.finish()
}

fn judge(answer: &Answer) -> Result<String, SendError> {
    if answer.status == 201 {
        return serde_json::from_str::<Accepted>(&answer.body)
            .map(|accepted| accepted.sid)
            .map_err(|_| {
                // It was taken: trying again could send it twice.
                let mut error = SendError::new(
                    SendErrorKind::OddAnswer,
                    format!("the answer names no message: {}", answer.report()),
                );
                error.is_retryable = false;
                error
            });
    }
    let Ok(refusal) = serde_json::from_str::<Refusal>(&answer.body) else {
        return Err(answer.http_failure().unwrap_or_else(|| {
            SendError::new(SendErrorKind::OddAnswer, answer.report()).at_most(5)
        }));
    };
    let (kind, hint) = match refusal.code {
        20_003 => (
            SendErrorKind::Unauthorized,
            Some("check account and token in the Twilio console"),
        ),
        20_429 => (SendErrorKind::RateLimited, None),
        21_211 => (
            SendErrorKind::Refused,
            Some("the number does not exist: check it and its country's code"),
        ),
        21_610 => (
            SendErrorKind::Refused,
            Some("this number answered STOP: its owner must answer START"),
        ),
        _ => match answer.http_failure() {
            Some(failure) => (failure.kind, failure.hint),
            None => (SendErrorKind::OddAnswer, None),
        },
    };
    let mut error = SendError::new(kind, refusal.message)
        .code(refusal.code)
        .retry_after(answer.retry_after);
    error.hint = hint;
    Err(error)
}
