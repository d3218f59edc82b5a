//! When to try a failed delivery again.

use std::time::Duration;

use crate::SendError;

/// Waits that double, up to a limit, with a random part so that many do not come back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffPolicy {
    /// The wait after the first failure.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// How often to try in all.
    pub max_attempts: u32,
}

impl Default for BackoffPolicy {
    /// Five seconds doubling to ten minutes, for about a day.
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(5),
            longest_wait: Duration::from_mins(10),
            max_attempts: 150,
        }
    }
}

impl BackoffPolicy {
    /// Returns how long to wait before the next attempt, or `None` to give up.
    ///
    /// `attempts` counts those made, at least 1; `jitter` is a random number from 0 to 1, which
    /// lengthens the wait by up to a fifth. What the provider asks for is a lower bound.
    pub fn next_wait(&self, attempts: u32, error: &SendError, jitter: f64) -> Option<Duration> {
        let allowed = error
            .max_attempts
            .unwrap_or(u32::MAX)
            .min(self.max_attempts);
        if !error.is_retryable || attempts >= allowed {
            return None;
        }
        let doublings = attempts.saturating_sub(1).min(30);
        let wait = self
            .first_wait
            .saturating_mul(1 << doublings)
            .min(self.longest_wait)
            .max(error.retry_after.unwrap_or_default());
        Some(wait.mul_f64(1.0 + 0.2 * jitter.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SendErrorKind;

    #[test]
    fn waits_double_up_to_the_limit() {
        let policy = BackoffPolicy::default();
        let error = SendError::new(SendErrorKind::Unreachable, "no route");
        let waits: Vec<u64> = [1, 2, 3, 20, 149]
            .map(|attempts| policy.next_wait(attempts, &error, 0.0).unwrap().as_secs())
            .into();
        assert_eq!(waits, [5, 10, 20, 600, 600]);
        assert_eq!(policy.next_wait(150, &error, 0.0), None);
        let longest = policy.next_wait(20, &error, 1.0).unwrap();
        assert_eq!(longest, Duration::from_mins(12));
    }

    #[test]
    fn the_provider_s_wishes_are_kept() {
        let policy = BackoffPolicy::default();
        let limited = SendError::new(SendErrorKind::RateLimited, "too fast")
            .retry_after(Some(Duration::from_mins(15)));
        let wait = policy.next_wait(1, &limited, 0.0).unwrap();
        assert_eq!(wait, Duration::from_mins(15));
        let busy = SendError::new(SendErrorKind::ProviderFailed, "busy").at_most(3);
        assert!(policy.next_wait(2, &busy, 0.0).is_some());
        assert_eq!(policy.next_wait(3, &busy, 0.0), None);
        let refused = SendError::new(SendErrorKind::Refused, "no");
        assert_eq!(policy.next_wait(1, &refused, 0.0), None);
    }
}
