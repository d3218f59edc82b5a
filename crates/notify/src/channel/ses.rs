//! E-mail through Amazon SES, version 2 of its API.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use yunhai_model::Secret;

use super::aws::{self, Access};
use super::email::{self, Mail};
use super::{Answer, Context};
use crate::config::{Faults, redact};
use crate::message::{clip_bytes, one_line};
use crate::{SendError, SendErrorKind};

/// How many recipients SES takes for one mail.
const MAX_RECIPIENTS: usize = 50;

/// How to reach people by e-mail through Amazon SES.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SesConfig {
    /// The region whose SES sends, as `eu-central-1`.
    pub region: String,
    /// The id of an access key that may `ses:SendEmail`.
    pub access_key_id: String,
    /// Its secret.
    #[serde(serialize_with = "redact")]
    pub secret_access_key: Secret,
    /// The address of a private cloud or an emulator, instead of Amazon's.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The sender, verified in SES.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
    /// Who gets a copy, for all to see.
    #[serde(default)]
    pub cc: Vec<String>,
    /// Where answers go, if not to the sender.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// The configuration set that counts and reports what becomes of the mails.
    #[serde(default)]
    pub configuration_set: Option<String>,
}

impl SesConfig {
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
        email::check_addresses(
            faults,
            &self.from,
            &self.to,
            &self.cc,
            self.reply_to.as_ref(),
        );
        faults.require(
            self.to.len() + self.cc.len() <= MAX_RECIPIENTS,
            "to",
            "and `cc` may name at most 50 recipients: make another channel for more",
        );
    }
}

/// Delivers.
pub(super) async fn send(config: &SesConfig, context: &Context<'_>) -> Result<String, SendError> {
    let answer = config
        .access()
        .post(
            context,
            ("ses", "email"),
            "/v2/email/outbound-emails",
            "application/json",
            body(config, context).to_string(),
        )
        .await?;
    judge(&answer)
}

fn body(config: &SesConfig, context: &Context<'_>) -> Value {
    let Mail {
        subject,
        text,
        html,
        thread,
    } = email::write(&context.message, &config.from);
    let text_of = |data: String| json!({ "Data": data, "Charset": "UTF-8" });
    let mut body = json!({
        "FromEmailAddress": config.from,
        "Destination": { "ToAddresses": config.to, "CcAddresses": config.cc },
        "Content": { "Simple": {
            "Subject": text_of(subject),
            "Body": { "Text": text_of(text), "Html": text_of(html) },
            "Headers": [
                { "Name": "Auto-Submitted", "Value": "auto-generated" },
                { "Name": "References", "Value": thread },
            ],
        } },
        // What a mail that was sent twice can be recognised by.
        "EmailTags": [{ "Name": "yunhai-notification", "Value": email::message_id(context.id) }],
    });
    if let Some(reply_to) = &config.reply_to {
        body["ReplyToAddresses"] = json!([reply_to]);
    }
    if let Some(name) = &config.configuration_set {
        body["ConfigurationSetName"] = json!(name);
    }
    body
}

#[derive(Deserialize)]
struct Accepted {
    #[serde(rename = "MessageId")]
    message_id: String,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default, rename = "__type", alias = "code", alias = "Code")]
    code: String,
    #[serde(default, alias = "Message")]
    message: String,
}

fn judge(answer: &Answer) -> Result<String, SendError> {
    if answer.status.is_success() {
        return match serde_json::from_str::<Accepted>(&answer.body) {
            Ok(accepted) if !accepted.message_id.is_empty() => Ok(accepted.message_id),
            _ => Err(SendError::new(
                SendErrorKind::OddAnswer,
                format!("the answer names no message: {}", answer.report()),
            )
            .hint("is there a proxy that answers in SES's place?")
            .at_most(5)),
        };
    }
    let refusal = serde_json::from_str::<Refusal>(&answer.body).ok();
    let (code, message) = refusal.map_or_else(Default::default, |it| (it.code, it.message));
    let code = answer.error_type.clone().unwrap_or(code);
    if code.is_empty() {
        return Err(answer.http_failure().unwrap_or_else(|| {
            SendError::new(SendErrorKind::OddAnswer, answer.report()).at_most(5)
        }));
    }
    let message = one_line(&message);
    Err(aws::refusal(answer, &code, clip_bytes(&message, 300)))
}
