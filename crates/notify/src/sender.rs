//! Brings a notification to a channel, and says what the provider really answered.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use url::Url;
use yunhai_model::{Clock, SystemClock};

use crate::channel::pubsub::Tokens;
use crate::channel::{self, Context, Scrubber};
use crate::message::{Message, Space, dialect};
use crate::{ChannelConfig, ChannelKind, Error, Language, Notification, SendError, SendErrorKind};

/// Where the providers' services are, if not at their own addresses: scheme, host and port are
/// replaced, the rest of an address stays.
#[derive(Clone, Debug, Default)]
pub struct BaseUrls {
    /// Instead of `https://oapi.dingtalk.com`.
    pub dingtalk: Option<Url>,
    /// Instead of `https://qyapi.weixin.qq.com`.
    pub wecom: Option<Url>,
    /// Instead of `https://open.feishu.cn`.
    pub feishu: Option<Url>,
    /// Instead of `https://hooks.slack.com`.
    pub slack: Option<Url>,
    /// Instead of `https://api.twilio.com`.
    pub twilio: Option<Url>,
}

/// How to send.
#[derive(Clone, Debug)]
pub struct SenderOptions {
    /// The HTTP client; without one, one is made that follows no redirects.
    pub http: Option<reqwest::Client>,
    /// Other addresses of the providers, for tests and gateways.
    pub base_urls: BaseUrls,
    /// How long one delivery may take.
    pub timeout: Duration,
    /// The language of the messages.
    pub language: Language,
    /// The time zone of the times in the messages.
    pub time_zone: TimeZone,
    /// The time that signatures carry.
    pub clock: Arc<dyn Clock>,
}

impl Default for SenderOptions {
    fn default() -> Self {
        Self {
            http: None,
            base_urls: BaseUrls::default(),
            timeout: Duration::from_secs(15),
            language: Language::default(),
            time_zone: TimeZone::UTC,
            clock: Arc::new(SystemClock),
        }
    }
}

/// A notification that the provider accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The provider's answer, shortened.
    pub answer: String,
}

/// A notification in words, without markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The title.
    pub title: String,
    /// What stands below it; of a message by telephone the whole.
    pub body: String,
}

/// Delivers notifications; a [`Sender`] outside of tests.
#[async_trait]
pub trait ChannelSender: Send + Sync {
    /// Delivers a notification. `id` is the same whenever the same delivery is tried again, and
    /// is passed on where the provider can tell by it that it has the message already.
    async fn send(
        &self,
        channel: &ChannelConfig,
        notification: &Notification,
        id: &str,
    ) -> Result<Delivery, SendError>;
}

/// Delivers notifications over all kinds of channels. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender {
    http: reqwest::Client,
    options: SenderOptions,
    delivered: Arc<Delivered>,
    tokens: Arc<Tokens>,
}

impl Sender {
    /// Makes a sender.
    pub fn new(options: SenderOptions) -> Result<Self, Error> {
        let http = match &options.http {
            Some(http) => http.clone(),
            None => reqwest::Client::builder()
                // A redirect would carry the token to another place.
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(10))
                .user_agent(concat!("Yunhai/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(Error::HttpClient)?,
        };
        Ok(Self {
            http,
            options,
            delivered: Arc::default(),
            tokens: Arc::default(),
        })
    }
}

impl Sender {
    /// Puts a notification into words as a channel of a kind does, but without markup.
    pub fn preview(&self, kind: ChannelKind, notification: &Notification) -> Preview {
        let message = Message {
            notification,
            language: notification.language.unwrap_or(self.options.language),
            time_zone: &self.options.time_zone,
        };
        let body = match kind {
            ChannelKind::Twilio | ChannelKind::AcsSms => message.short(3, 1600),
            ChannelKind::Webhook | ChannelKind::PubSub => {
                format!("{:#}", channel::webhook::payload(notification, 0))
            }
            _ => {
                let parts = message.parts(&dialect::Plain, "\n\n", Space::of_bytes(20_000));
                parts.join("\n\n")
            }
        };
        Preview {
            title: message.title(),
            body,
        }
    }
}

#[async_trait]
impl ChannelSender for Sender {
    async fn send(
        &self,
        channel: &ChannelConfig,
        notification: &Notification,
        id: &str,
    ) -> Result<Delivery, SendError> {
        let scrubber = Scrubber::of(channel);
        let context = Context {
            http: &self.http,
            base_urls: &self.options.base_urls,
            message: Message {
                notification,
                language: notification.language.unwrap_or(self.options.language),
                time_zone: &self.options.time_zone,
            },
            id,
            now_ms: self.options.clock.now_ms(),
            timeout: self.options.timeout,
            delivered: &self.delivered,
            tokens: &self.tokens,
        };
        let outcome = tokio::time::timeout(self.options.timeout, channel::send(channel, &context))
            .await
            .unwrap_or_else(|_| {
                Err(SendError::new(
                    SendErrorKind::TimedOut,
                    format!("no answer within {} s", self.options.timeout.as_secs_f64()),
                ))
            });
        match outcome {
            Ok(answer) => Ok(Delivery {
                answer: scrubber.scrub(&answer),
            }),
            Err(mut error) => {
                error.message = scrubber.scrub(&error.message);
                Err(error)
            }
        }
    }
}

/// Remembers which recipients of a delivery have it, so that trying again for the others does
/// not reach them twice. It forgets the oldest, and everything at a restart.
#[derive(Debug, Default)]
pub(crate) struct Delivered(Mutex<(HashSet<String>, VecDeque<String>)>);

const REMEMBERED_DELIVERIES: usize = 10_000;

impl Delivered {
    pub(crate) fn contains(&self, id: &str, recipient: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.0.contains(&format!("{id} {recipient}"))
    }

    pub(crate) fn insert(&self, id: &str, recipient: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = format!("{id} {recipient}");
        if known.0.insert(key.clone()) {
            known.1.push_back(key);
        }
        if known.1.len() > REMEMBERED_DELIVERIES
            && let Some(oldest) = known.1.pop_front()
        {
            known.0.remove(&oldest);
        }
    }
}
