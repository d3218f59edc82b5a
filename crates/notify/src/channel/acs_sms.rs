//! SMS through Azure Communication Services: one request for all numbers, each judged by itself.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use yunhai_model::Secret;

use super::acs::{self, Resource};
use super::numbers::{self, Outcomes};
use super::{Answer, Context};
use crate::config::{Faults, redact};
use crate::message::{clip_bytes, one_line};
use crate::{SendError, SendErrorKind};

const PATH: &str = "/sms?api-version=2021-03-07";
/// The longest text that Azure takes.
const MAX_CHARS: usize = 2048;
/// How many numbers Azure takes at once.
const MAX_NUMBERS: usize = 100;

/// How to reach telephones through Azure Communication Services.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcsSmsConfig {
    /// The resource's address, as `https://name.communication.azure.com`.
    pub endpoint: String,
    /// One of the resource's two keys.
    #[serde(serialize_with = "redact")]
    pub access_key: Secret,
    /// The number of the resource to send from, a short code, or a sender's name.
    pub from: String,
    /// The numbers to send to, as `+8613800000000`.
    pub to: Vec<String>,
    /// How many segments a message may have; each is charged.
    #[serde(default = "numbers::default_max_segments")]
    pub max_segments: usize,
}

impl AcsSmsConfig {
    fn resource(&self) -> Resource<'_> {
        Resource {
            endpoint: &self.endpoint,
            access_key: &self.access_key,
        }
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        self.resource().check(faults);
        let is_short_code =
            (4..=8).contains(&self.from.len()) && self.from.bytes().all(|b| b.is_ascii_digit());
        let is_name = (1..=11).contains(&self.from.len())
            && self
                .from
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b' ')
            && self.from.bytes().any(|b| b.is_ascii_alphabetic());
        faults.require(
            numbers::is_e164(&self.from) || is_short_code || is_name,
            "from",
            "must be a number as +18005550100, a short code, or a name of up to 11 letters",
        );
        numbers::check(faults, &self.to);
        faults.require(
            self.to.len() <= MAX_NUMBERS,
            "to",
            "may name at most 100 numbers: make another channel for more",
        );
        numbers::check_segments(faults, self.max_segments);
    }
}

#[derive(Deserialize)]
struct Answers {
    value: Vec<Verdict>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    to: String,
    #[serde(default)]
    message_id: Option<String>,
    http_status_code: u16,
    successful: bool,
    #[serde(default)]
    error_message: Option<String>,
}

/// Delivers to every number; those that have the message already are left out.
pub(super) async fn send(
    config: &AcsSmsConfig,
    context: &Context<'_>,
) -> Result<String, SendError> {
    let text = context.message.short(config.max_segments, MAX_CHARS);
    let mut outcomes = Outcomes::new(context, config.to.len());
    let mut waiting: Vec<&String> = config.to.iter().collect();
    waiting.retain(|number| !outcomes.is_told(number));
    if waiting.is_empty() {
        return outcomes.finish();
    }
    let first_sent = jiff::Timestamp::from_millisecond(context.now_ms)
        .unwrap_or_default()
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let recipients: Vec<_> = waiting
        .iter()
        .map(|number| {
            json!({
                "to": number,
                // By this Azure tells a request that is repeated, and sends nothing twice.
                "repeatabilityRequestId": acs::uuid_of(&[context.id, number]),
                "repeatabilityFirstSent": first_sent,
            })
        })
        .collect();
    let body = json!({
        "from": config.from,
        "smsRecipients": recipients,
        "message": text,
        "smsSendOptions": { "enableDeliveryReport": false },
    });
    let answer = config
        .resource()
        .ask(context, Method::POST, PATH, &[], body.to_string())
        .await?;
    let verdicts = match serde_json::from_str::<Answers>(&answer.body) {
        Ok(answers) if answer.status.is_success() => answers.value,
        _ => return Err(acs::refusal(&answer)),
    };
    for number in waiting {
        let verdict = verdicts.iter().find(|verdict| verdict.to == *number);
        outcomes.add(number, judge(verdict, &answer));
    }
    outcomes.finish()
}

fn judge(verdict: Option<&Verdict>, answer: &Answer) -> Result<String, SendError> {
    let Some(verdict) = verdict else {
        // It may have been taken: trying again is safe, as the request is known by its id.
        return Err(SendError::new(
            SendErrorKind::OddAnswer,
            format!("the answer does not name this number: {}", answer.report()),
        )
        .at_most(3));
    };
    if verdict.successful && (200..300).contains(&verdict.http_status_code) {
        return Ok(verdict.message_id.clone().unwrap_or_default());
    }
    let (kind, hint) = match verdict.http_status_code {
        429 => (SendErrorKind::RateLimited, None),
        500..=599 => (SendErrorKind::ProviderFailed, None),
        401 | 403 => (
            SendErrorKind::Unauthorized,
            Some("this number may not be sent to from this sender"),
        ),
        _ => (
            SendErrorKind::Refused,
            Some(
                "check the number, and whether its country and its owner allow SMS from the sender",
            ),
        ),
    };
    let words = one_line(verdict.error_message.as_deref().unwrap_or("refused"));
    let mut error = SendError::new(kind, clip_bytes(&words, 300))
        .code(verdict.http_status_code)
        .retry_after(answer.retry_after);
    error.hint = hint;
    Err(error)
}
