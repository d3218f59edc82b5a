//! Notification channels: e-mail, chat robots, SMS, webhooks, topics of clouds.
//!
//! A [`Notification`] is what there is to tell, a [`ChannelConfig`] is how to reach somebody, and
//! a [`Sender`] brings the one to the other and says what the provider really answered. Whom to
//! tell and when, and keeping notifications until they are delivered, is the caller's; what the
//! caller needs for it is here: how fast a channel may be used ([`SendHistory`]), how to put many
//! notifications into one ([`Notification::merge`]), and whether a failure can pass and how often
//! to try at most ([`SendError`]).

mod channel;
mod config;
mod error;
mod message;
mod notification;
mod rate_limit;
mod sender;

pub use channel::acs_email::AcsEmailConfig;
pub use channel::acs_sms::AcsSmsConfig;
pub use channel::dingtalk::DingTalkConfig;
pub use channel::email::{EmailConfig, EmailSecurity};
pub use channel::feishu::FeishuConfig;
pub use channel::pubsub::PubSubConfig;
pub use channel::ses::SesConfig;
pub use channel::slack::SlackConfig;
pub use channel::sns::SnsConfig;
pub use channel::twilio::TwilioConfig;
pub use channel::webhook::{WebhookAuthorization, WebhookConfig};
pub use channel::wecom::WeComConfig;
pub use config::{ChannelConfig, ChannelKind, ConfigFault, InvalidChannel, REDACTED};
pub use error::{Error, SendError, SendErrorKind};
pub use message::Language;
pub use notification::{AlertStatus, Notification, NotifiedAlert};
pub use rate_limit::{RateLimit, RateLimits, SendHistory};
pub use sender::{BaseUrls, ChannelSender, Delivery, Preview, Sender, SenderOptions};
