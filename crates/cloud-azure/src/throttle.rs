//! How long the Resource Manager wants to be left alone.
//!
//! It limits each subscription by itself and says so before and after: what is left in
//! `x-ms-ratelimit-remaining-*`, and how long to wait in `Retry-After` (learn.microsoft.com,
//! "Understand how Azure Resource Manager throttles requests").

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;

/// Below how many questions that are left one slows down, and by how much.
const FEW_LEFT: u64 = 25;
const SLOW: Duration = Duration::from_secs(1);

/// What is left alone, and until when.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<String, Instant>>);

impl Throttle {
    /// Returns how long something is still to be left alone.
    pub(crate) fn wait(&self, of: &str) -> Option<Duration> {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.get(of)?.checked_duration_since(Instant::now());
        if left.is_none() {
            until.remove(of);
        }
        left
    }

    /// Leaves something alone for a time.
    pub(crate) fn leave_alone(&self, of: &str, how_long: Duration) {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let moment = Instant::now() + how_long;
        let known = until.entry(of.to_owned()).or_insert(moment);
        *known = moment.max(*known);
    }

    /// Slows down when little is left.
    pub(crate) fn heed(&self, of: &str, headers: &HeaderMap) {
        let left = headers
            .iter()
            .filter(|(name, _)| {
                let name = name.as_str();
                name.starts_with("x-ms-ratelimit-remaining-") && !name.ends_with("-resource")
            })
            .filter_map(|(_, value)| value.to_str().ok()?.trim().parse::<u64>().ok())
            .min();
        if left.is_some_and(|left| left < FEW_LEFT) {
            self.leave_alone(of, SLOW);
        }
    }
}

/// Returns how long an answer asks to wait: `Retry-After` in seconds, which is all that Azure uses.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(reqwest::header::RETRY_AFTER)?;
    let seconds: u64 = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn one_slows_down_before_nothing_is_left() {
        let throttle = Throttle::default();
        let mut headers = HeaderMap::new();
        let name = "x-ms-ratelimit-remaining-subscription-reads";
        headers.insert(name, HeaderValue::from_static("11999"));
        throttle.heed("a", &headers);
        assert_eq!(throttle.wait("a"), None);
        headers.insert(name, HeaderValue::from_static("3"));
        throttle.heed("a", &headers);
        assert!(throttle.wait("a").is_some());
        assert_eq!(throttle.wait("b"), None, "another has its own limit");
    }

    #[test]
    fn the_longest_wait_counts() {
        let throttle = Throttle::default();
        throttle.leave_alone("a", Duration::from_mins(1));
        throttle.leave_alone("a", Duration::from_secs(1));
        assert!(throttle.wait("a") > Some(Duration::from_secs(50)));
    }
}
