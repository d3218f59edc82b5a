//! Amazon SNS: a topic, or SMS to telephone numbers, each of them judged by itself.

use serde::{Deserialize, Serialize};
use url::form_urlencoded::Serializer;
use yunhai_model::Secret;

use super::aws::{self, Access};
use super::numbers::{self, Outcomes};
use super::{Answer, Context, sign};
use crate::config::{Faults, redact};
use crate::message::{Space, clip, clip_bytes, dialect, one_line};
use crate::{SendError, SendErrorKind};

/// A message may have 256 KiB; subscribers by e-mail and SMS read less.
const SPACE: Space = Space::of_bytes(200_000);
/// A subject has less than 100 characters.
const MAX_SUBJECT_CHARS: usize = 99;
/// The longest SMS that SNS takes.
const MAX_SMS_CHARS: usize = 1600;

/// How to reach the subscribers of a topic of Amazon SNS, or telephones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnsConfig {
    /// The region of the topic, or from which SMS are sent.
    pub region: String,
    /// The id of an access key that may `sns:Publish`.
    pub access_key_id: String,
    /// Its secret.
    #[serde(serialize_with = "redact")]
    pub secret_access_key: Secret,
    /// The address of a private cloud or an emulator, instead of Amazon's.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The topic (`arn:aws:sns:…`); this or telephone numbers.
    #[serde(default)]
    pub topic_arn: Option<String>,
    /// The numbers to send SMS to, as `+8613800000000`.
    #[serde(default)]
    pub to: Vec<String>,
    /// The name that SMS come from, in countries that allow one.
    #[serde(default)]
    pub sender_id: Option<String>,
    /// How many segments an SMS may have; each is charged.
    #[serde(default = "numbers::default_max_segments")]
    pub max_segments: usize,
}

impl SnsConfig {
    fn access(&self) -> Access<'_> {
        Access {
            region: &self.region,
            key_id: &self.access_key_id,
            secret: &self.secret_access_key,
            endpoint: self.endpoint.as_deref(),
        }
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        self.access().check(faults);
        match &self.topic_arn {
            Some(arn) if self.to.is_empty() => {
                let parts: Vec<&str> = arn.split(':').collect();
                let is_topic =
                    matches!(&parts[..], ["arn", _, "sns", _, _, name] if !name.is_empty());
                faults.require(
                    is_topic,
                    "topic_arn",
                    "must be a topic, as arn:aws:sns:eu-central-1:123456789012:alerts",
                );
                if is_topic && parts[3] != self.region {
                    faults.add(
                        "topic_arn",
                        format!("is in {}: set `region` to that", parts[3]),
                    );
                }
            }
            None if !self.to.is_empty() => numbers::check(faults, &self.to),
            _ => faults.add("topic_arn", "or `to` must be set, and only one"),
        }
        let is_sender = |name: &str| {
            (1..=11).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && name.bytes().any(|byte| byte.is_ascii_alphabetic())
        };
        faults.require(
            self.sender_id.as_deref().is_none_or(is_sender),
            "sender_id",
            "must be up to 11 letters and digits, one of them a letter",
        );
        numbers::check_segments(faults, self.max_segments);
    }

    async fn publish(
        &self,
        context: &Context<'_>,
        parameters: &[(&str, &str)],
        attributes: &[(&str, &str)],
    ) -> Result<String, SendError> {
        let content_type = "application/x-www-form-urlencoded; charset=utf-8";
        let answer = self
            .access()
            .post(
                context,
                ("sns", "sns"),
                "/",
                content_type,
                form(parameters, attributes),
            )
            .await?;
        judge(&answer)
    }
}

fn form(parameters: &[(&str, &str)], attributes: &[(&str, &str)]) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("Action", "Publish")
        .append_pair("Version", "2010-03-31")
        .extend_pairs(parameters);
    for (at, (name, value)) in attributes.iter().enumerate() {
        let entry = format!("MessageAttributes.entry.{}", at + 1);
        form.append_pair(&format!("{entry}.Name"), name)
            .append_pair(&format!("{entry}.Value.DataType"), "String")
            .append_pair(&format!("{entry}.Value.StringValue"), value);
    }
    form.finish()
}

/// Delivers.
pub(super) async fn send(config: &SnsConfig, context: &Context<'_>) -> Result<String, SendError> {
    match &config.topic_arn {
        Some(arn) => to_topic(config, arn, context).await,
        None => to_numbers(config, context).await,
    }
}

async fn to_topic(
    config: &SnsConfig,
    arn: &str,
    context: &Context<'_>,
) -> Result<String, SendError> {
    let message = &context.message;
    let title = message.title();
    let subject = clip(&one_line(&title), MAX_SUBJECT_CHARS);
    let parts = message.parts(&dialect::Plain, "\n\n", SPACE);
    let text = format!("{title}\n\n{}", parts.join("\n\n"));
    let mut parameters = vec![
        ("TopicArn", arn),
        ("Subject", subject.as_str()),
        ("Message", text.as_str()),
    ];
    let group = sign("group", &message.notification.group_key);
    // A queue keeps the order within a group, and tells by the id what it has already.
    if arn.to_ascii_lowercase().ends_with(".fifo") {
        parameters.push(("MessageGroupId", &group));
        parameters.push(("MessageDeduplicationId", context.id));
    }
    // By these subscribers can filter.
    let mut attributes = vec![
        ("status", message.notification.status.as_str()),
        ("notification_id", context.id),
    ];
    let labels = &message.notification.common_labels;
    for name in ["severity", "alertname"] {
        let value = labels.get(name).filter(|value| !value.is_empty());
        attributes.extend(value.map(|value| (name, value)));
    }
    config.publish(context, &parameters, &attributes).await
}

async fn to_numbers(config: &SnsConfig, context: &Context<'_>) -> Result<String, SendError> {
    let text = context.message.short(config.max_segments, MAX_SMS_CHARS);
    let mut attributes = vec![("AWS.SNS.SMS.SMSType", "Transactional")];
    attributes.extend(
        config
            .sender_id
            .as_deref()
            .map(|name| ("AWS.SNS.SMS.SenderID", name)),
    );
    let mut outcomes = Outcomes::new(context, config.to.len());
    for number in &config.to {
        if outcomes.is_told(number) {
            continue;
        }
        let parameters = [("PhoneNumber", number.as_str()), ("Message", text.as_str())];
        let outcome = config.publish(context, &parameters, &attributes).await;
        outcomes.add(number, outcome);
    }
    outcomes.finish()
}

#[derive(Deserialize)]
struct Accepted {
    #[serde(rename = "PublishResult")]
    result: AcceptedMessage,
}

#[derive(Deserialize)]
struct AcceptedMessage {
    #[serde(rename = "MessageId")]
    message_id: String,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "Error")]
    error: RefusalReason,
}

#[derive(Deserialize)]
struct RefusalReason {
    #[serde(rename = "Code")]
    code: String,
    #[serde(default, rename = "Message")]
    message: String,
}

fn judge(answer: &Answer) -> Result<String, SendError> {
    if answer.status.is_success() {
        return match quick_xml::de::from_str::<Accepted>(&answer.body) {
            Ok(accepted) => Ok(accepted.result.message_id),
            Err(_) => Err(SendError::new(
                SendErrorKind::OddAnswer,
                format!("the answer names no message: {}", answer.report()),
            )
            .hint("is there a proxy that answers in SNS's place?")
            .at_most(5)),
        };
    }
    match quick_xml::de::from_str::<Refusal>(&answer.body) {
        Ok(Refusal { error }) => {
            let message = one_line(&error.message);
            Err(aws::refusal(answer, &error.code, clip_bytes(&message, 300)))
        }
        Err(_) => Err(answer.http_failure().unwrap_or_else(|| {
            SendError::new(SendErrorKind::OddAnswer, answer.report()).at_most(5)
        })),
    }
}
