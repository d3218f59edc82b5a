//! Notification channels and the log of what they were sent.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A notification channel. Its secrets are never shown: `config` has `null` in their place.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Channel {
    /// The channel's id.
    pub id: String,
    /// The channel's name.
    pub name: String,
    /// `email`, `webhook`, `dingtalk`, `wecom`, `feishu`, `slack`, `twilio`, `ses`, `sns`, `acs_email`,
    /// `acs_sms` or `pubsub`.
    pub kind: String,
    /// Whether it is used.
    pub enabled: bool,
    /// Its settings.
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
    /// The language of its messages, `en` or `zh-CN`; the server's if none.
    pub language: Option<String>,
    /// The template of the title; the usual title if none.
    pub title_template: Option<String>,
    /// The template of what stands below the title; the usual text if none.
    pub body_template: Option<String>,
    /// When only what is severe is told at once.
    pub quiet_hours: Option<QuietHours>,
    /// Whether the last delivery or test arrived.
    pub last_ok: Option<bool>,
    /// What the channel answered to it, or why it did not arrive.
    pub last_result: Option<String>,
    /// When it was last used, tests included.
    pub last_used_ms: Option<i64>,
    /// Names this version of what is edited; a change that sends it as `If-Match` is refused where it is
    /// no longer this.
    pub version: String,
}

/// Which channels are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChannelFilter {
    /// Only channels of this kind.
    pub kind: Option<String>,
    /// Only channels that are used, or only those that are not.
    pub enabled: Option<bool>,
}

/// Makes or changes a channel. On a change, secrets left out or `null` stay as they are.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelRequest {
    /// The channel's name.
    pub name: String,
    /// `email`, `webhook`, `dingtalk`, `wecom`, `feishu`, `slack`, `twilio`, `ses`, `sns`, `acs_email`,
    /// `acs_sms` or `pubsub`.
    pub kind: String,
    /// Whether it is used.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Its settings.
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
    /// The language of its messages, `en` or `zh-CN`; the server's if none.
    #[serde(default)]
    pub language: Option<String>,
    /// The template of the title; the usual title if none.
    #[serde(default)]
    pub title_template: Option<String>,
    /// The template of what stands below the title; the usual text if none.
    #[serde(default)]
    pub body_template: Option<String>,
    /// When only what is severe is told at once; never if none.
    #[serde(default)]
    pub quiet_hours: Option<QuietHours>,
}

/// Times of the week in which only what is severe is told at once, and the rest in one summary
/// afterwards.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// The time zone, such as `Asia/Shanghai`.
    pub time_zone: String,
    /// The days on which they begin, from 1 for Monday to 7 for Sunday; none for every day.
    #[serde(default)]
    pub weekdays: Vec<i8>,
    /// When they begin, such as `22:00`.
    pub from: String,
    /// When they end, such as `08:00`; on the next day if that is not after the beginning.
    pub until: String,
    /// The severities of alerts that come through all the same; `critical` unless given.
    #[serde(default = "critical")]
    pub let_through: Vec<String>,
}

fn critical() -> Vec<String> {
    vec!["critical".to_owned()]
}

/// Asks how a sample alert would read on a channel.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelPreviewRequest {
    /// The kind of the channel.
    pub kind: String,
    /// The language of its messages, `en` or `zh-CN`; the server's if none.
    #[serde(default)]
    pub language: Option<String>,
    /// The template of the title; the usual title if none.
    #[serde(default)]
    pub title_template: Option<String>,
    /// The template of what stands below the title; the usual text if none.
    #[serde(default)]
    pub body_template: Option<String>,
}

/// How a sample alert would read, without markup.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChannelPreview {
    /// The title.
    pub title: String,
    /// What stands below it; of an SMS the whole text, of a webhook the data.
    pub body: String,
}

fn enabled() -> bool {
    true
}

/// What a channel answered to a test.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChannelTest {
    /// Whether it took the message.
    pub ok: bool,
    /// What it answered.
    pub answer: String,
}

/// A notification that left or is to leave.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NotificationEntry {
    /// The notification's id.
    pub id: String,
    /// The channel's name.
    pub channel: String,
    /// The channel's id.
    pub channel_id: String,
    /// `pending`, `sending`, `sent`, `failed`, `merged` into a digest or a summary, `held` back by quiet
    /// hours, or `dropped` as it was over before they were.
    pub state: String,
    /// What it says.
    pub summary: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it left.
    pub sent_at_ms: Option<i64>,
    /// When it is tried next.
    pub next_attempt_ms: Option<i64>,
    /// What the channel answered last.
    pub answer: Option<String>,
}

/// Which notifications are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NotificationFilter {
    /// Only notifications in this state.
    pub state: Option<String>,
    /// Only notifications of this channel, by its id.
    pub channel: Option<String>,
}
