//! E-mail through Azure Communication Services: handed over, and then followed to its end, as only
//! that tells whether it was accepted.

use std::time::Duration;

use lettre::message::Mailbox;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use yunhai_model::Secret;

use super::acs::{self, Reason, Resource};
use super::email::{self, Mail};
use super::{Answer, Context};
use crate::config::{Faults, redact};
use crate::{SendError, SendErrorKind};

const VERSION: &str = "2025-09-01";
/// How many recipients Azure takes for one mail.
const MAX_RECIPIENTS: usize = 50;
/// How long to wait before the first question, which doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Under this name it is remembered that a mail was handed over.
const HANDED_OVER: &str = "handed over";

/// How to reach people by e-mail through Azure Communication Services.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcsEmailConfig {
    /// The resource's address, as `https://name.communication.azure.com`.
    pub endpoint: String,
    /// One of the resource's two keys.
    #[serde(serialize_with = "redact")]
    pub access_key: Secret,
    /// The sender, of a domain that is connected to the resource; without a name, which belongs to
    /// the sender there.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
    /// Who gets a copy, for all to see.
    #[serde(default)]
    pub cc: Vec<String>,
    /// Where answers go, if not to the sender.
    #[serde(default)]
    pub reply_to: Option<String>,
}

impl AcsEmailConfig {
    fn resource(&self) -> Resource<'_> {
        Resource {
            endpoint: &self.endpoint,
            access_key: &self.access_key,
        }
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        self.resource().check(faults);
        email::check_addresses(
            faults,
            &self.from,
            &self.to,
            &self.cc,
            self.reply_to.as_ref(),
        );
        faults.require(
            !self.from.contains('<'),
            "from",
            "must be an address alone: its name is set at the sender's user name in Azure",
        );
        faults.require(
            self.to.len() + self.cc.len() <= MAX_RECIPIENTS,
            "to",
            "and `cc` may name at most 50 recipients: make another channel for more",
        );
    }

    /// Tells whether the sender's domain is one of Azure's own, which take far less.
    pub(crate) fn is_azure_managed(&self) -> bool {
        self.from.trim().ends_with(".azurecomm.net")
    }
}

/// Delivers.
pub(super) async fn send(
    config: &AcsEmailConfig,
    context: &Context<'_>,
) -> Result<String, SendError> {
    let resource = config.resource();
    let operation = acs::uuid_of(&[context.id, &config.endpoint]);
    // A mail that was under way when time ran out is asked after, not sent again.
    if context.delivered.contains(context.id, HANDED_OVER)
        && let Some(outcome) = follow(&resource, context, &operation, Duration::ZERO).await?
    {
        return Ok(outcome);
    }
    let path = format!("/emails:send?api-version={VERSION}");
    let headers = [("operation-id", operation.clone())];
    let body = body(config, context).to_string();
    let answer = resource
        .ask(context, Method::POST, &path, &headers, body)
        .await?;
    let progress = progress(&answer)?;
    // The service may have made an id of its own.
    let operation = progress.id.clone().unwrap_or(operation);
    context.delivered.insert(context.id, HANDED_OVER);
    if let Some(outcome) = progress.outcome(&operation) {
        return outcome;
    }
    let wait = answer.retry_after.unwrap_or(FIRST_WAIT);
    match follow(&resource, context, &operation, wait).await? {
        Some(outcome) => Ok(outcome),
        None => Err(SendError::new(
            SendErrorKind::ProviderFailed,
            format!("Azure took the mail and does not know it any more ({operation})"),
        )),
    }
}

/// Asks until the operation has ended; `None` if there is none of that id.
async fn follow(
    resource: &Resource<'_>,
    context: &Context<'_>,
    operation: &str,
    mut wait: Duration,
) -> Result<Option<String>, SendError> {
    let path = format!("/emails/operations/{operation}?api-version={VERSION}");
    let mut pace = FIRST_WAIT;
    loop {
        tokio::time::sleep(wait).await;
        let answer = resource
            .ask(context, Method::GET, &path, &[], String::new())
            .await?;
        if answer.status == 404 {
            return Ok(None);
        }
        if let Some(outcome) = progress(&answer)?.outcome(operation) {
            return outcome.map(Some);
        }
        pace *= 2;
        wait = answer.retry_after.unwrap_or(pace);
    }
}

/// How an operation stands.
#[derive(Deserialize)]
struct Progress {
    #[serde(default)]
    id: Option<String>,
    status: String,
    #[serde(default)]
    error: Option<Reason>,
}

impl Progress {
    /// Returns what came of it; `None` while it is under way.
    fn outcome(&self, operation: &str) -> Option<Result<String, SendError>> {
        match self.status.as_str() {
            "Succeeded" => Some(Ok(operation.to_owned())),
            "Failed" | "Canceled" => {
                let words = format!("the mail was not sent ({})", self.status);
                let error = SendError::new(SendErrorKind::Refused, words)
                    .hint("check the recipients, and whether the sender's domain is connected");
                let reason = self.error.as_ref();
                Some(Err(match reason {
                    Some(reason) => acs::with_reason(error, reason),
                    None => error,
                }))
            }
            _ => None,
        }
    }
}

fn progress(answer: &Answer) -> Result<Progress, SendError> {
    if answer.status.is_success()
        && let Ok(progress) = serde_json::from_str(&answer.body)
    {
        return Ok(progress);
    }
    Err(acs::refusal(answer))
}

fn body(config: &AcsEmailConfig, context: &Context<'_>) -> Value {
    let Mail {
        subject,
        text,
        html,
        thread,
    } = email::write(&context.message, &config.from);
    let all = |addresses: &[String]| -> Vec<Value> { addresses.iter().map(address).collect() };
    let mut body = json!({
        "senderAddress": config.from.trim(),
        "content": { "subject": subject, "plainText": text, "html": html },
        "recipients": { "to": all(&config.to), "cc": all(&config.cc) },
        "headers": {
            "Auto-Submitted": "auto-generated",
            "References": thread,
            "X-Yunhai-Notification": email::message_id(context.id),
        },
        // Mails about alerts are nobody's marketing.
        "userEngagementTrackingDisabled": true,
    });
    if let Some(reply_to) = &config.reply_to {
        body["replyTo"] = json!([address(reply_to)]);
    }
    body
}

fn address(text: &String) -> Value {
    match text.parse::<Mailbox>() {
        Ok(Mailbox {
            name: Some(name),
            email,
        }) => json!({ "address": email.to_string(), "displayName": name }),
        Ok(Mailbox { email, .. }) => json!({ "address": email.to_string() }),
        Err(_) => json!({ "address": text }),
    }
}
