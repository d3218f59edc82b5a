//! Slack's incoming webhooks: blocks, with a text for where blocks are not shown; success is the
//! body `ok`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use yunhai_model::Secret;

use super::{Context, address, exchange};
use crate::config::{Faults, redact};
use crate::message::{Space, dialect};
use crate::{SendError, SendErrorKind};

/// Slack takes 50 blocks, each of 3,000 characters.
const SPACE: Space = Space {
    bytes: 20_000,
    bytes_per_alert: 2_900,
    alerts: 40,
};

/// How to reach a Slack channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackConfig {
    /// The address of the incoming webhook.
    #[serde(serialize_with = "redact")]
    pub webhook_url: Secret,
    /// Whom to mention: `channel`, `here`, or the ids of users (`U…`) and groups (`S…`).
    #[serde(default)]
    pub mentions: Vec<String>,
}

impl SlackConfig {
    pub(crate) fn check(&self, faults: &mut Faults) {
        if let Some(url) = faults.url("webhook_url", &self.webhook_url) {
            faults.require(
                url.path().len() > 1,
                "webhook_url",
                "is not a webhook's address: copy it whole from Slack, \
                 https://hooks.slack.com/services/…",
            );
        }
        faults.require(
            self.mentions.iter().all(|who| mention(who).is_some()),
            "mentions",
            "must be `channel`, `here`, or ids of users (U…) and groups (S…)",
        );
    }
}

fn mention(who: &str) -> Option<String> {
    let is_id = who.len() > 5
        && who
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    match who {
        "channel" | "here" => Some(format!("<!{who}>")),
        id if is_id && id.starts_with(['U', 'W']) => Some(format!("<@{id}>")),
        id if is_id && id.starts_with('S') => Some(format!("<!subteam^{id}>")),
        _ => None,
    }
}

/// Delivers.
pub(super) async fn send(config: &SlackConfig, context: &Context<'_>) -> Result<String, SendError> {
    let url = address(&config.webhook_url, context.base_urls.slack.as_ref())?;
    let answer = exchange(context.http.post(url).json(&body(config, context))).await?;
    let words = answer.body.trim();
    if answer.status == 200 && words == "ok" {
        return Ok(answer.report());
    }
    let hint = match words {
        "channel_not_found" => "the channel is gone: make a new webhook",
        "channel_is_archived" => "the channel is archived: make a webhook for another one",
        "action_prohibited" => "an administrator forbids this: ask them, or use another channel",
        "no_service" | "invalid_token" | "no_active_hooks" => {
            "the webhook was taken back: make a new one"
        }
        _ => "",
    };
    let mut error = answer.http_failure().unwrap_or_else(|| {
        SendError::new(
            SendErrorKind::OddAnswer,
            format!("the answer is not `ok`: {}", answer.report()),
        )
        .at_most(5)
    });
    if !hint.is_empty() {
        error = error.code(words).hint(hint);
    }
    Err(error)
}

fn body(config: &SlackConfig, context: &Context<'_>) -> Value {
    let message = &context.message;
    let title = message.title();
    let parts = message.parts(&dialect::Slack, "\n", SPACE);
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": title, "emoji": true },
    })];
    let section =
        |text: String| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } });
    let mentions: Vec<String> = config
        .mentions
        .iter()
        .filter_map(|who| mention(who))
        .collect();
    if !mentions.is_empty() {
        blocks.push(section(mentions.join(" ")));
    }
    blocks.extend(parts.alerts.into_iter().map(section));
    if let Some(footer) = parts.footer {
        blocks.push(json!({
            "type": "context",
            "elements": [{ "type": "mrkdwn", "text": footer }],
        }));
    }
    let text = dialect::Dialect::escape(&dialect::Slack, &title);
    json!({ "text": text, "blocks": blocks })
}
