//! A channel's settings: how to reach somebody, checked when they are saved.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use url::Url;
use yunhai_model::Secret;

use crate::channel::acs_email::AcsEmailConfig;
use crate::channel::acs_sms::AcsSmsConfig;
use crate::channel::dingtalk::DingTalkConfig;
use crate::channel::email::EmailConfig;
use crate::channel::feishu::FeishuConfig;
use crate::channel::pubsub::PubSubConfig;
use crate::channel::ses::SesConfig;
use crate::channel::slack::SlackConfig;
use crate::channel::sns::SnsConfig;
use crate::channel::twilio::TwilioConfig;
use crate::channel::webhook::WebhookConfig;
use crate::channel::wecom::WeComConfig;

/// What stands for a secret wherever settings are shown.
pub const REDACTED: &str = "********";

/// How to reach somebody.
///
/// Serialised, its secrets are [`REDACTED`]; only [`ChannelConfig::to_clear_json`] shows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ChannelConfig {
    /// E-mail over SMTP.
    Email(EmailConfig),
    /// Any receiver of Alertmanager's webhooks.
    Webhook(WebhookConfig),
    /// A DingTalk robot.
    DingTalk(DingTalkConfig),
    /// A WeCom robot.
    WeCom(WeComConfig),
    /// A Feishu or Lark robot.
    Feishu(FeishuConfig),
    /// A Slack incoming webhook.
    Slack(SlackConfig),
    /// SMS through Twilio.
    Twilio(TwilioConfig),
    /// E-mail through Amazon SES.
    Ses(SesConfig),
    /// A topic of Amazon SNS, or SMS through it.
    Sns(SnsConfig),
    /// E-mail through Azure Communication Services.
    #[serde(rename = "acs_email")]
    AcsEmail(AcsEmailConfig),
    /// SMS through Azure Communication Services.
    #[serde(rename = "acs_sms")]
    AcsSms(AcsSmsConfig),
    /// A topic of Google Pub/Sub.
    PubSub(PubSubConfig),
}

/// The kind of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // Named like the variants of `ChannelConfig`.
pub enum ChannelKind {
    Email,
    Webhook,
    DingTalk,
    WeCom,
    Feishu,
    Slack,
    Twilio,
    Ses,
    Sns,
    #[serde(rename = "acs_email")]
    AcsEmail,
    #[serde(rename = "acs_sms")]
    AcsSms,
    PubSub,
}

impl ChannelKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Email,
        Self::Webhook,
        Self::DingTalk,
        Self::WeCom,
        Self::Feishu,
        Self::Slack,
        Self::Twilio,
        Self::Ses,
        Self::Sns,
        Self::AcsEmail,
        Self::AcsSms,
        Self::PubSub,
    ];

    /// Whether its messages are texts for people; others carry the notification as data.
    pub fn has_texts(self) -> bool {
        !matches!(self, Self::Webhook | Self::PubSub)
    }

    /// Returns the word that stands for it in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::DingTalk => "dingtalk",
            Self::WeCom => "wecom",
            Self::Feishu => "feishu",
            Self::Slack => "slack",
            Self::Twilio => "twilio",
            Self::Ses => "ses",
            Self::Sns => "sns",
            Self::AcsEmail => "acs_email",
            Self::AcsSms => "acs_sms",
            Self::PubSub => "pubsub",
        }
    }
}

/// One setting that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigFault {
    /// The setting.
    pub field: &'static str,
    /// What is wrong with it, and how it should be.
    pub message: String,
}

/// A channel's settings that cannot work; all faults are named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", describe(.faults))]
pub struct InvalidChannel {
    /// What is wrong.
    pub faults: Vec<ConfigFault>,
}

fn describe(faults: &[ConfigFault]) -> String {
    let lines: Vec<String> = faults
        .iter()
        .map(|fault| format!("`{}` {}", fault.field, fault.message))
        .collect();
    lines.join("; ")
}

impl ChannelConfig {
    /// Returns the channel's kind.
    pub fn kind(&self) -> ChannelKind {
        match self {
            Self::Email(_) => ChannelKind::Email,
            Self::Webhook(_) => ChannelKind::Webhook,
            Self::DingTalk(_) => ChannelKind::DingTalk,
            Self::WeCom(_) => ChannelKind::WeCom,
            Self::Feishu(_) => ChannelKind::Feishu,
            Self::Slack(_) => ChannelKind::Slack,
            Self::Twilio(_) => ChannelKind::Twilio,
            Self::Ses(_) => ChannelKind::Ses,
            Self::Sns(_) => ChannelKind::Sns,
            Self::AcsEmail(_) => ChannelKind::AcsEmail,
            Self::AcsSms(_) => ChannelKind::AcsSms,
            Self::PubSub(_) => ChannelKind::PubSub,
        }
    }

    /// Checks the settings; an error names every fault, and no secret.
    pub fn validate(&self) -> Result<(), InvalidChannel> {
        let mut faults = Faults::default();
        match self {
            Self::Email(config) => config.check(&mut faults),
            Self::Webhook(config) => config.check(&mut faults),
            Self::DingTalk(config) => config.check(&mut faults),
            Self::WeCom(config) => config.check(&mut faults),
            Self::Feishu(config) => config.check(&mut faults),
            Self::Slack(config) => config.check(&mut faults),
            Self::Twilio(config) => config.check(&mut faults),
            Self::Ses(config) => config.check(&mut faults),
            Self::Sns(config) => config.check(&mut faults),
            Self::AcsEmail(config) => config.check(&mut faults),
            Self::AcsSms(config) => config.check(&mut faults),
            Self::PubSub(config) => config.check(&mut faults),
        }
        for (path, secret) in self.clone().secrets_mut() {
            if secret.expose() == REDACTED {
                faults.add(
                    "secrets",
                    format!("at {path} hold asterisks: give the real value"),
                );
            }
        }
        if faults.0.is_empty() {
            Ok(())
        } else {
            Err(InvalidChannel { faults: faults.0 })
        }
    }

    /// Returns the paths of all settings that are secret, as JSON pointers into the serialised
    /// form.
    pub fn secret_fields(&self) -> Vec<String> {
        self.clone()
            .secrets_mut()
            .into_iter()
            .map(|(path, _)| path)
            .collect()
    }

    /// Returns the settings with their secrets in the clear, for sealing: never show or log it.
    pub fn to_clear_json(&self) -> Secret {
        let mut json = serde_json::to_value(self).expect("settings are plain data");
        for (path, secret) in self.clone().secrets_mut() {
            if let Some(place) = json.pointer_mut(&path) {
                *place = Value::String(secret.expose().to_owned());
            }
        }
        Secret::new(json.to_string())
    }

    /// Reads what [`ChannelConfig::to_clear_json`] wrote.
    pub fn from_clear_json(json: &Secret) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json.expose())
    }

    /// Returns every secret that is set, with its path.
    pub(crate) fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        let at = |path: &str, secret| (path.to_owned(), secret);
        let mut secrets = match self {
            Self::Email(config) => config
                .password
                .iter_mut()
                .map(|s| at("/password", s))
                .collect(),
            Self::Webhook(config) => config.secrets_mut(),
            Self::DingTalk(config) => robot(&mut config.webhook_url, &mut config.secret),
            Self::Feishu(config) => robot(&mut config.webhook_url, &mut config.secret),
            Self::WeCom(config) => vec![at("/webhook_url", &mut config.webhook_url)],
            Self::Slack(config) => vec![at("/webhook_url", &mut config.webhook_url)],
            Self::Twilio(config) => vec![at("/auth_token", &mut config.auth_token)],
            Self::Ses(config) => vec![at("/secret_access_key", &mut config.secret_access_key)],
            Self::Sns(config) => vec![at("/secret_access_key", &mut config.secret_access_key)],
            Self::AcsEmail(config) => vec![at("/access_key", &mut config.access_key)],
            Self::AcsSms(config) => vec![at("/access_key", &mut config.access_key)],
            Self::PubSub(config) => config
                .service_account_key
                .iter_mut()
                .map(|key| at("/service_account_key", key))
                .collect(),
        };
        secrets.retain(|(_, secret)| !secret.is_empty());
        secrets
    }
}

fn robot<'a>(
    webhook_url: &'a mut Secret,
    secret: &'a mut Option<Secret>,
) -> Vec<(String, &'a mut Secret)> {
    let mut secrets = vec![("/webhook_url".to_owned(), webhook_url)];
    secrets.extend(
        secret
            .iter_mut()
            .map(|secret| ("/secret".to_owned(), secret)),
    );
    secrets
}

/// Serialises a secret as [`REDACTED`], and one that is not set as an empty text.
pub(crate) fn redact<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if secret.is_empty() { "" } else { REDACTED })
}

/// Serialises an optional secret as [`REDACTED`].
#[allow(clippy::ref_option)] // The signature that serde wants.
pub(crate) fn redact_option<S: Serializer>(
    secret: &Option<Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => redact(secret, serializer),
        None => serializer.serialize_none(),
    }
}

/// Gathers what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<ConfigFault>);

impl Faults {
    pub(crate) fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push(ConfigFault {
            field,
            message: message.into(),
        });
    }

    /// Adds a fault unless `is_fine`.
    pub(crate) fn require(&mut self, is_fine: bool, field: &'static str, message: &str) {
        if !is_fine {
            self.add(field, message);
        }
    }

    /// Reads an address that is a secret; the fault does not repeat it.
    pub(crate) fn url(&mut self, field: &'static str, url: &Secret) -> Option<Url> {
        match Url::parse(url.expose().trim()) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(url),
            Ok(_) => {
                self.add(field, "must be an http:// or https:// address");
                None
            }
            Err(error) => {
                self.add(field, format!("is not an address: {error}"));
                None
            }
        }
    }

    /// Checks the address of a service, should there be one.
    pub(crate) fn endpoint(&mut self, field: &'static str, address: Option<&str>) {
        let Some(address) = address else {
            return;
        };
        let is_fine = Url::parse(address.trim()).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        self.require(
            is_fine,
            field,
            "must be an http:// or https:// address without a user and without parameters",
        );
    }
}
