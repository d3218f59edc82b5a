//! DingTalk's custom robots: Markdown, signed with a time in milliseconds, judged by `errcode`.

use serde::{Deserialize, Serialize};
use serde_json::json;
use yunhai_model::Secret;

use super::{Context, address, fitting, sign};
use crate::config::{Faults, redact, redact_option};
use crate::message::{Space, dialect};
use crate::{SendError, SendErrorKind};

/// The longest request that DingTalk takes is 20,000 bytes; this leaves some for its frame.
const MAX_BODY_BYTES: usize = 19_000;
/// Nobody reads more in a chat.
const MAX_TEXT_BYTES: usize = 8_000;

/// How to reach a DingTalk robot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DingTalkConfig {
    /// The robot's address, as DingTalk shows it, with its `access_token`.
    #[serde(serialize_with = "redact")]
    pub webhook_url: Secret,
    /// The secret (`SEC…`) of a robot that wants signatures.
    #[serde(default, serialize_with = "redact_option")]
    pub secret: Option<Secret>,
    /// The word that a robot with a keyword wants in every message.
    #[serde(default)]
    pub keyword: Option<String>,
    /// Telephone numbers of the people to mention.
    #[serde(default)]
    pub at_mobiles: Vec<String>,
    /// Whether to mention everybody.
    #[serde(default)]
    pub at_all: bool,
}

impl DingTalkConfig {
    pub(crate) fn check(&self, faults: &mut Faults) {
        let field = "webhook_url";
        if let Some(url) = faults.url(field, &self.webhook_url) {
            let has_token = url
                .query_pairs()
                .any(|(name, value)| name == "access_token" && !value.is_empty());
            faults.require(
                url.path() == "/robot/send" && has_token,
                field,
                "is not a robot's address: copy it whole from DingTalk, \
                 https://oapi.dingtalk.com/robot/send?access_token=…",
            );
        }
        faults.require(
            self.at_mobiles.iter().all(|mobile| is_mobile(mobile)),
            "at_mobiles",
            "must be telephone numbers: digits, with a `+` and the country's code if abroad",
        );
    }
}

/// Tells whether a text is a telephone number as chat robots take it.
pub(super) fn is_mobile(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text).replace('-', "");
    (5..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Delivers.
pub(super) async fn send(
    config: &DingTalkConfig,
    context: &Context<'_>,
) -> Result<String, SendError> {
    let mut url = address(&config.webhook_url, context.base_urls.dingtalk.as_ref())?;
    if let Some(secret) = config.secret.as_ref().filter(|secret| !secret.is_empty()) {
        let timestamp = context.now_ms.to_string();
        let secret = secret.expose();
        let signature = sign(secret, &format!("{timestamp}\n{secret}"));
        url.query_pairs_mut()
            .append_pair("timestamp", &timestamp)
            .append_pair("sign", &signature);
    }
    let body = fitting(MAX_BODY_BYTES, MAX_TEXT_BYTES, |room| {
        body(config, context, room)
    });
    let (answer, verdict) = context.ask_robot(url, body).await?;
    match verdict.code {
        0 => Ok(answer.report()),
        310_000 => Err(verdict.error(SendErrorKind::Unauthorized).hint(
            "check the robot's secret, its keyword, its list of addresses, and this machine's clock",
        )),
        300_001 | 300_005 => Err(verdict
            .error(SendErrorKind::Unauthorized)
            .hint("there is no such robot: copy its address from DingTalk again")),
        // Over the limit a robot is silenced for ten minutes; knocking does not help.
        130_101 => Err(verdict
            .error(SendErrorKind::RateLimited)
            .retry_after(Some(std::time::Duration::from_mins(10)))),
        -1 => Err(verdict.error(SendErrorKind::ProviderFailed).at_most(3)),
        _ => Err(verdict.unknown()),
    }
}

fn body(config: &DingTalkConfig, context: &Context<'_>, room: usize) -> String {
    let message = &context.message;
    let title = context.title_with(config.keyword.as_deref());
    let markup = dialect::DingTalk;
    // DingTalk mentions only those whose number also stands in the text.
    let mut mentions: Vec<String> = config
        .at_mobiles
        .iter()
        .map(|mobile| format!("@{mobile}"))
        .collect();
    if config.at_all {
        mentions.push("@all".to_owned());
    }
    // The keyword is looked for as it is, so that it must not be escaped.
    let heading = match &config.keyword {
        Some(keyword) if title.starts_with(keyword.as_str()) => {
            let rest = dialect::Dialect::escape(&markup, &title[keyword.len()..]);
            format!("{keyword}{rest}")
        }
        _ => dialect::Dialect::escape(&markup, &title),
    };
    let parts = message.parts(&markup, "\n\n", Space::of_bytes(room));
    let mut text = format!("#### {heading}\n\n{}", parts.join("\n\n"));
    if !mentions.is_empty() {
        text.push_str("\n\n");
        text.push_str(&mentions.join(" "));
    }
    json!({
        "msgtype": "markdown",
        "markdown": { "title": title, "text": text },
        "at": { "atMobiles": config.at_mobiles, "isAtAll": config.at_all },
    })
    .to_string()
}
