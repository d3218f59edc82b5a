//! Feishu's and Lark's custom robots: a card, signed with a time in seconds, judged by `code`.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use yunhai_model::Secret;

use super::{Context, address, fitting, sign};
use crate::config::{Faults, redact, redact_option};
use crate::message::dialect::safe_url;
use crate::message::{Space, dialect};
use crate::{AlertStatus, SendError, SendErrorKind};

/// The longest request that Feishu takes is 20 KB.
const MAX_BODY_BYTES: usize = 20_000;
/// Nobody reads more in a chat.
const MAX_TEXT_BYTES: usize = 8_000;

/// How to reach a Feishu or Lark robot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeishuConfig {
    /// The robot's address, as Feishu shows it.
    #[serde(serialize_with = "redact")]
    pub webhook_url: Secret,
    /// The secret of a robot that verifies signatures.
    #[serde(default, serialize_with = "redact_option")]
    pub secret: Option<Secret>,
    /// The word that a robot with a keyword wants in every message.
    #[serde(default)]
    pub keyword: Option<String>,
    /// Open ids (`ou_…`) of the people to mention; `all` for everybody.
    #[serde(default)]
    pub mentioned_users: Vec<String>,
}

impl FeishuConfig {
    pub(crate) fn check(&self, faults: &mut Faults) {
        let field = "webhook_url";
        if let Some(url) = faults.url(field, &self.webhook_url) {
            let id = url.path().strip_prefix("/open-apis/bot/v2/hook/");
            faults.require(
                id.is_some_and(|id| !id.is_empty()),
                field,
                "is not a robot's address: copy it whole from Feishu, \
                 https://open.feishu.cn/open-apis/bot/v2/hook/…",
            );
        }
        let is_user = |user: &String| {
            user == "all"
                || (user.starts_with("ou_")
                    && user.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        };
        faults.require(
            self.mentioned_users.iter().all(is_user),
            "mentioned_users",
            "must be open ids, `ou_…`, or `all`",
        );
    }
}

/// Delivers.
pub(super) async fn send(
    config: &FeishuConfig,
    context: &Context<'_>,
) -> Result<String, SendError> {
    let url = address(&config.webhook_url, context.base_urls.feishu.as_ref())?;
    let body = fitting(MAX_BODY_BYTES, MAX_TEXT_BYTES, |room| {
        body(config, context, room).to_string()
    });
    let (answer, verdict) = context.ask_robot(url, body).await?;
    match verdict.code {
        0 => Ok(answer.report()),
        19_001 => Err(verdict
            .error(SendErrorKind::Unauthorized)
            .hint("there is no such robot: copy its address from Feishu again")),
        19_021 => Err(verdict
            .error(SendErrorKind::Unauthorized)
            .hint("the signature was refused: check the robot's secret and this machine's clock")),
        19_022 => Err(verdict
            .error(SendErrorKind::Unauthorized)
            .hint("this machine's address is not in the robot's list")),
        19_024 => Err(verdict
            .error(SendErrorKind::Refused)
            .hint("the robot wants a keyword: set it in the channel")),
        9_499 => Err(verdict.error(SendErrorKind::Refused)),
        11_232 => Err(verdict.error(SendErrorKind::RateLimited)),
        _ => Err(verdict.unknown()),
    }
}

fn body(config: &FeishuConfig, context: &Context<'_>, room: usize) -> Value {
    let message = &context.message;
    let title = context.title_with(config.keyword.as_deref());
    let parts = message.parts(&dialect::Feishu, "\n\n", Space::of_bytes(room));
    let mut content = parts.join("\n\n");
    for user in &config.mentioned_users {
        let _ = write!(content, "\n<at id={user}></at>");
    }
    let colour = match message.notification.status {
        AlertStatus::Firing => "red",
        AlertStatus::Resolved => "green",
    };
    let mut elements = vec![json!({ "tag": "markdown", "content": content })];
    if let Some(url) = safe_url(&message.notification.external_url) {
        elements.push(json!({
            "tag": "action",
            "actions": [{
                "tag": "button",
                "type": "primary",
                "text": { "tag": "plain_text", "content": message.words().open_yunhai },
                "url": url,
            }],
        }));
    }
    let mut body = json!({
        "msg_type": "interactive",
        "card": {
            "config": { "wide_screen_mode": true },
            "header": {
                "title": { "tag": "plain_text", "content": title },
                "template": colour,
            },
            "elements": elements,
        },
    });
    if let Some(secret) = config.secret.as_ref().filter(|secret| !secret.is_empty()) {
        let timestamp = (context.now_ms / 1000).to_string();
        // Unlike elsewhere, the time and the secret are the key, and nothing is the message.
        let signature = sign(&format!("{timestamp}\n{}", secret.expose()), "");
        body["timestamp"] = Value::String(timestamp);
        body["sign"] = Value::String(signature);
    }
    body
}
