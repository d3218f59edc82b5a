//! WeCom's group robots: Markdown of 4,096 bytes or text of 2,048, judged by `errcode`.

use serde::{Deserialize, Serialize};
use serde_json::json;
use yunhai_model::Secret;

use super::{Context, address};
use crate::config::{Faults, redact};
use crate::message::{Space, dialect};
use crate::{SendError, SendErrorKind};

/// Limits of the content in bytes of UTF-8.
const MAX_MARKDOWN_BYTES: usize = 4096;
const MAX_TEXT_BYTES: usize = 2048;
/// The word that mentions everybody.
const EVERYBODY: &str = "@all";

/// How to reach a WeCom group robot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeComConfig {
    /// The robot's address, as WeCom shows it, with its `key`.
    #[serde(serialize_with = "redact")]
    pub webhook_url: Secret,
    /// User ids of the people to mention; `@all` for everybody.
    #[serde(default)]
    pub mentioned_users: Vec<String>,
    /// Telephone numbers of the people to mention.
    #[serde(default)]
    pub mentioned_mobiles: Vec<String>,
}

impl WeComConfig {
    pub(crate) fn check(&self, faults: &mut Faults) {
        let field = "webhook_url";
        if let Some(url) = faults.url(field, &self.webhook_url) {
            let has_key = url
                .query_pairs()
                .any(|(name, value)| name == "key" && !value.is_empty());
            faults.require(
                url.path() == "/cgi-bin/webhook/send" && has_key,
                field,
                "is not a robot's address: copy it whole from WeCom, \
                 https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…",
            );
        }
        let is_user =
            |user: &String| !user.is_empty() && user.len() <= 64 && !user.contains(['<', '>', ' ']);
        faults.require(
            self.mentioned_users.iter().all(is_user),
            "mentioned_users",
            "must be user ids as the WeCom address book has them",
        );
        let mobile = |mobile: &String| mobile == EVERYBODY || super::dingtalk::is_mobile(mobile);
        faults.require(
            self.mentioned_mobiles.iter().all(mobile),
            "mentioned_mobiles",
            "must be telephone numbers",
        );
        let mentioned = self.mentioned_users.len() + self.mentioned_mobiles.len();
        faults.require(mentioned <= 10, "mentioned_users", "must be ten at most");
    }

    /// Only plain text can mention everybody, or somebody by a telephone number.
    fn needs_plain_text(&self) -> bool {
        !self.mentioned_mobiles.is_empty()
            || self.mentioned_users.iter().any(|user| user == EVERYBODY)
    }
}

/// Delivers.
pub(super) async fn send(config: &WeComConfig, context: &Context<'_>) -> Result<String, SendError> {
    let url = address(&config.webhook_url, context.base_urls.wecom.as_ref())?;
    let (answer, verdict) = context.ask_robot(url, body(config, context)).await?;
    match verdict.code {
        0 => Ok(answer.report()),
        45_009 => Err(verdict
            .error(SendErrorKind::RateLimited)
            .retry_after(Some(std::time::Duration::from_mins(1)))),
        93_000 => Err(verdict
            .error(SendErrorKind::Unauthorized)
            .hint("the robot's key is not known: copy its address from WeCom again")),
        40_008 | 40_058 => Err(verdict.error(SendErrorKind::Refused)),
        -1 => Err(verdict.error(SendErrorKind::ProviderFailed).at_most(3)),
        _ => Err(verdict.unknown()),
    }
}

fn body(config: &WeComConfig, context: &Context<'_>) -> String {
    let message = &context.message;
    let title = message.title();
    if config.needs_plain_text() {
        let room = Space::of_bytes(MAX_TEXT_BYTES - title.len() - 2);
        let parts = message.parts(&dialect::Plain, "\n\n", room);
        return json!({
            "msgtype": "text",
            "text": {
                "content": format!("{title}\n\n{}", parts.join("\n\n")),
                "mentioned_list": config.mentioned_users,
                "mentioned_mobile_list": config.mentioned_mobiles,
            },
        })
        .to_string();
    }
    let mentions: Vec<String> = config
        .mentioned_users
        .iter()
        .map(|user| format!("<@{user}>"))
        .collect();
    let mentions = mentions.concat();
    let heading = dialect::Dialect::escape(&dialect::WeCom, &title);
    let mut content = format!("### {heading}\n");
    let room = MAX_MARKDOWN_BYTES.saturating_sub(content.len() + mentions.len() + 1);
    let parts = message.parts(&dialect::WeCom, "\n\n", Space::of_bytes(room));
    content.push_str(&parts.join("\n\n"));
    if !mentions.is_empty() {
        content.push('\n');
        content.push_str(&mentions);
    }
    json!({ "msgtype": "markdown", "markdown": { "content": content } }).to_string()
}
