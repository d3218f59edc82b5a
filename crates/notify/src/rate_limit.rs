//! How fast a channel may be used, and keeping to it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use yunhai_model::TimestampMs;

use crate::ChannelKind;

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

const fn per_second(messages: usize) -> RateLimit {
    RateLimit {
        messages,
        window: Duration::from_secs(1),
    }
}

impl ChannelKind {
    /// Returns the provider's limits for one channel; all of them hold. E-mail servers and
    /// webhooks publish none.
    pub fn rate_limits(self) -> &'static [RateLimit] {
        match self {
            Self::DingTalk | Self::WeCom => const { &[per_minute(20)] },
            Self::Feishu => const { &[per_second(5), per_minute(100)] },
            Self::Slack | Self::Twilio => const { &[per_second(1)] },
            Self::Email | Self::Webhook => &[],
        }
    }
}

/// Messages need different times to arrive, so that a window here is a little longer there.
const MARGIN: Duration = Duration::from_millis(500);

/// Counts the messages sent over each channel.
///
/// A caller that is refused waits, and then sends everything that has gathered meanwhile as one
/// digest: [`crate::Notification::merge`].
#[derive(Debug, Default)]
pub struct Limiter {
    sent: Mutex<HashMap<String, VecDeque<TimestampMs>>>,
}

impl Limiter {
    /// Makes a limiter that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one message over `channel` now, or returns how long to wait before it may be sent.
    ///
    /// `channel` is what the provider counts by: two channels with the same robot should share it.
    pub fn try_acquire(
        &self,
        channel: &str,
        kind: ChannelKind,
        now_ms: TimestampMs,
    ) -> Result<(), Duration> {
        let limits = kind.rate_limits();
        let Some(longest) = limits.iter().map(|limit| limit.window).max() else {
            return Ok(());
        };
        // A panic elsewhere leaves the counts as they are: still the best that is known.
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let times = sent.entry(channel.to_owned()).or_default();
        let span = |window: Duration| (window + MARGIN).as_millis() as i64;
        while times
            .front()
            .is_some_and(|time| now_ms - time >= span(longest))
        {
            times.pop_front();
        }
        let wait_ms = limits
            .iter()
            .filter_map(|limit| {
                let oldest_allowed = times.len().checked_sub(limit.messages)?;
                let free_at = times[oldest_allowed] + span(limit.window);
                (free_at > now_ms).then_some(free_at - now_ms)
            })
            .max();
        if let Some(wait_ms) = wait_ms {
            return Err(Duration::from_millis(wait_ms.unsigned_abs()));
        }
        times.push_back(now_ms);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_a_minute_and_no_more() {
        let limiter = Limiter::new();
        for i in 0..20 {
            assert_eq!(limiter.try_acquire("a", ChannelKind::DingTalk, i), Ok(()));
        }
        let wait = limiter
            .try_acquire("a", ChannelKind::DingTalk, 1000)
            .unwrap_err();
        assert_eq!(wait, Duration::from_millis(59_500));
        assert_eq!(
            limiter.try_acquire("b", ChannelKind::DingTalk, 1000),
            Ok(())
        );
        assert_eq!(
            limiter.try_acquire("a", ChannelKind::DingTalk, 60_500),
            Ok(())
        );
    }

    #[test]
    fn both_limits_of_feishu_hold() {
        let limiter = Limiter::new();
        let mut now_ms = 0;
        let mut sent = 0;
        while now_ms < 60_000 {
            match limiter.try_acquire("a", ChannelKind::Feishu, now_ms) {
                Ok(()) => sent += 1,
                Err(wait) => now_ms += wait.as_millis() as i64,
            }
        }
        assert_eq!(sent, 100);
    }

    #[test]
    fn webhooks_are_not_limited() {
        let limiter = Limiter::new();
        for _ in 0..1000 {
            assert_eq!(limiter.try_acquire("a", ChannelKind::Webhook, 0), Ok(()));
        }
    }
}
