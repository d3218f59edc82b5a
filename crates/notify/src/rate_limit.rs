//! How fast a channel may be used, and keeping to it.
//!
//! The rule is here and knows no clock and no store: who sends keeps a [`SendHistory`] for each
//! [`RateLimits::counted_by`], where all who send over it find the same one.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;
use yunhai_model::{Secret, TimestampMs};

use crate::{ChannelConfig, ChannelKind};

/// At most so many messages in any stretch of time of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many messages.
    pub messages: usize,
    /// In which time.
    pub window: Duration,
}

const fn per_minute(messages: usize) -> RateLimit {
    RateLimit {
        messages,
        window: Duration::from_mins(1),
    }
}

const fn per_hour(messages: usize) -> RateLimit {
    RateLimit {
        messages,
        window: Duration::from_hours(1),
    }
}

/// What Azure takes from senders of its own domains.
const AZURE_MANAGED: [RateLimit; 2] = [per_minute(5), per_hour(10)];

const fn per_second(messages: usize) -> RateLimit {
    RateLimit {
        messages,
        window: Duration::from_secs(1),
    }
}

impl ChannelKind {
    /// Returns the provider's limits; all of them hold. E-mail servers and webhooks publish none,
    /// and Pub/Sub and topics of SNS take more than is ever told.
    pub fn rate_limits(self) -> &'static [RateLimit] {
        match self {
            Self::DingTalk | Self::WeCom => const { &[per_minute(20)] },
            Self::Feishu => const { &[per_second(5), per_minute(100)] },
            // Of SES it is what an account in the sandbox has.
            Self::Slack | Self::Twilio | Self::Ses => const { &[per_second(1)] },
            Self::Sns => const { &[per_second(20)] },
            Self::AcsEmail => const { &[per_minute(30), per_hour(100)] },
            Self::AcsSms => const { &[per_minute(200)] },
            Self::Email | Self::Webhook | Self::PubSub => &[],
        }
    }
}

/// The limits of a channel, and what its provider counts by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// The same for all channels whose messages are counted together, as two channels over one
    /// robot are: a digest, from which no secret can be read.
    pub counted_by: String,
    /// The limits; all of them hold.
    pub limits: Vec<RateLimit>,
}

impl ChannelConfig {
    /// Returns the channel's limits; `None` where there are none.
    pub fn rate_limits(&self) -> Option<RateLimits> {
        let limits = match self {
            Self::AcsEmail(config) if config.is_azure_managed() => &AZURE_MANAGED,
            _ => self.kind().rate_limits(),
        };
        if limits.is_empty() {
            return None;
        }
        let counted_by = match self {
            Self::DingTalk(config) => parameter(&config.webhook_url, "access_token"),
            Self::WeCom(config) => parameter(&config.webhook_url, "key"),
            Self::Feishu(config) => path(&config.webhook_url),
            Self::Slack(config) => path(&config.webhook_url),
            Self::Twilio(config) => {
                let from = config.from.as_ref();
                let from = from.or(config.messaging_service_sid.as_ref());
                let from = from.map_or("", String::as_str);
                format!("{}\0{from}", config.account_sid)
            }
            Self::Ses(config) => format!("{}\0{}", config.access_key_id, config.region),
            Self::Sns(config) if config.topic_arn.is_some() => return None,
            Self::Sns(config) => format!("{}\0{}", config.access_key_id, config.region),
            Self::AcsEmail(config) => config.endpoint.to_lowercase(),
            Self::AcsSms(config) => config.endpoint.to_lowercase(),
            Self::Email(_) | Self::Webhook(_) | Self::PubSub(_) => return None,
        };
        let digest = Sha256::digest(format!("{}\0{counted_by}", self.kind().as_str()));
        let start: [u8; 16] = std::array::from_fn(|at| digest[at]);
        Some(RateLimits {
            counted_by: format!("{:032x}", u128::from_be_bytes(start)),
            limits: limits.to_vec(),
        })
    }
}

/// The part of a robot's address that names the robot, whatever else somebody wrote around it.
fn parameter(url: &Secret, name: &str) -> String {
    let parsed = Url::parse(url.expose().trim()).ok();
    let value = parsed.as_ref().and_then(|url| {
        let mut pairs = url.query_pairs();
        pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    });
    value.unwrap_or_else(|| url.expose().to_owned())
}

fn path(url: &Secret) -> String {
    Url::parse(url.expose().trim())
        .map_or_else(|_| url.expose().to_owned(), |url| url.path().to_owned())
}

/// Clocks do not run quite alike, so that a window here is a little longer there.
const MARGIN: Duration = Duration::from_millis(500);

fn span_ms(window: Duration) -> i64 {
    (window + MARGIN).as_millis() as i64
}

/// When messages were sent that a provider counts together, as far back as its limits reach.
///
/// A caller that is refused waits, and then sends everything that has gathered meanwhile as one
/// digest: [`crate::Notification::merge`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SendHistory(Vec<TimestampMs>);

impl SendHistory {
    /// Returns how many messages may be sent now.
    pub fn room(&self, limits: &[RateLimit], now_ms: TimestampMs) -> usize {
        let room = |limit: &RateLimit| {
            let recent = self.0.iter().rev();
            let recent = recent.take_while(|time| now_ms - **time < span_ms(limit.window));
            limit.messages.saturating_sub(recent.count())
        };
        limits.iter().map(room).min().unwrap_or(usize::MAX)
    }

    /// Counts one message that is about to be sent, or returns how long to wait before it may be.
    pub fn begin(&mut self, limits: &[RateLimit], now_ms: TimestampMs) -> Result<(), Duration> {
        self.follow_clock(now_ms);
        let longest = limits.iter().map(|limit| span_ms(limit.window)).max();
        let longest = longest.unwrap_or(0);
        self.0.retain(|time| now_ms - time < longest);
        let wait_ms = limits
            .iter()
            .filter_map(|limit| {
                let oldest_allowed = self.0.len().checked_sub(limit.messages)?;
                let free_at = self.0[oldest_allowed] + span_ms(limit.window);
                (free_at > now_ms).then_some(free_at - now_ms)
            })
            .max();
        if let Some(wait_ms) = wait_ms {
            return Err(Duration::from_millis(wait_ms.unsigned_abs()));
        }
        self.0.push(now_ms);
        Ok(())
    }

    /// Notes when the provider had answered a message that was begun: it arrived no later, and
    /// counts from then on, however long it was under way.
    pub fn end(&mut self, begun_ms: TimestampMs, ended_ms: TimestampMs) {
        if let Some(time) = self.0.iter_mut().find(|time| **time == begun_ms) {
            *time = ended_ms.max(begun_ms);
            self.0.sort_unstable();
        }
    }

    /// What lies ahead, because the clock was set back, counts as just now: nothing would be sent
    /// until the clock is there again. Tells whether that changed anything.
    pub fn follow_clock(&mut self, now_ms: TimestampMs) -> bool {
        let is_ahead = self.0.last().is_some_and(|time| *time > now_ms);
        for time in &mut self.0 {
            *time = (*time).min(now_ms);
        }
        is_ahead
    }

    /// Returns when the last message was sent.
    pub fn last_ms(&self) -> Option<TimestampMs> {
        self.0.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limits(kind: ChannelKind) -> &'static [RateLimit] {
        kind.rate_limits()
    }

    #[test]
    fn twenty_a_minute_and_no_more() {
        let limits = limits(ChannelKind::DingTalk);
        let mut history = SendHistory::default();
        for i in 0..20 {
            assert_eq!(history.room(limits, i), 20 - i as usize);
            assert_eq!(history.begin(limits, i), Ok(()));
        }
        let wait = history.begin(limits, 1000).unwrap_err();
        assert_eq!(wait, Duration::from_millis(59_500));
        assert_eq!(history.room(limits, 60_499), 0);
        assert_eq!(history.room(limits, 60_500), 1);
        assert_eq!(history.begin(limits, 60_500), Ok(()));
    }

    #[test]
    fn both_limits_of_feishu_hold() {
        let limits = limits(ChannelKind::Feishu);
        let mut history = SendHistory::default();
        let mut now_ms = 0;
        let mut sent = 0;
        while now_ms < 60_000 {
            let room = history.room(limits, now_ms);
            match history.begin(limits, now_ms) {
                Ok(()) => {
                    assert!(room > 0);
                    sent += 1;
                }
                Err(wait) => {
                    assert_eq!(room, 0);
                    now_ms += wait.as_millis() as i64;
                }
            }
        }
        assert_eq!(sent, 100);
    }

    #[test]
    fn a_message_that_was_long_under_way_counts_from_its_arrival() {
        let limits = limits(ChannelKind::Slack);
        let mut history = SendHistory::default();
        history.begin(limits, 0).unwrap();
        history.end(0, 9000);
        assert_eq!(history.room(limits, 10_499), 0);
        assert_eq!(history.room(limits, 10_500), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nothing_up_and_frees_nothing() {
        let limits = limits(ChannelKind::DingTalk);
        let mut history = SendHistory::default();
        for _ in 0..20 {
            history.begin(limits, 10_000_000).unwrap();
        }
        assert_eq!(
            history.begin(limits, 1000),
            Err(Duration::from_millis(60_500))
        );
        assert!(!history.follow_clock(1000), "it has followed already");
        assert_eq!(history.begin(limits, 61_500), Ok(()));
    }

    fn counted_by(config: serde_json::Value) -> Option<String> {
        let config: ChannelConfig = serde_json::from_value(config).unwrap();
        let limits = config.rate_limits()?;
        assert_eq!(limits.limits, config.kind().rate_limits());
        assert!(!limits.counted_by.contains("abcdef"));
        Some(limits.counted_by)
    }

    #[test]
    fn channels_over_one_robot_are_counted_together() {
        let ding = |url: &str| {
            counted_by(json!({"kind": "dingtalk", "webhook_url": url, "at_all": url.len() > 70}))
        };
        let address = "https://oapi.dingtalk.com/robot/send?access_token=abcdef";
        assert_eq!(ding(address), ding(&format!(" {address}&from=elsewhere")));
        assert_ne!(ding(address), ding(&format!("{address}0")));
        let feishu = |id: &str| {
            let url = format!("https://open.feishu.cn/open-apis/bot/v2/hook/{id}");
            counted_by(json!({"kind": "feishu", "webhook_url": url}))
        };
        assert_eq!(feishu("abcdef"), feishu("abcdef"));
        assert_ne!(feishu("abcdef"), feishu("abcde0"));
        let hook = json!({"kind": "webhook", "url": "https://h/abcdef"});
        assert_eq!(counted_by(hook), None);
    }
}
