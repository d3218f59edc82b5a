//! Time as an argument: code that needs "now" takes a [`Clock`], so that a test supplies it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, UTC.
pub type TimestampMs = i64;

/// Tells the current time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Returns the current time in milliseconds since the Unix epoch.
    fn now_ms(&self) -> TimestampMs;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> TimestampMs {
        // A clock before 1970 is a broken clock; zero keeps order with everything stored later.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_millis() as i64)
    }
}

/// A clock that moves only when told to, for tests and back-tests.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Creates a clock that stands at `now_ms`.
    pub fn new(now_ms: TimestampMs) -> Self {
        Self(AtomicI64::new(now_ms))
    }

    /// Sets the time.
    pub fn set(&self, now_ms: TimestampMs) {
        self.0.store(now_ms, Ordering::SeqCst);
    }

    /// Moves the time by `delta_ms`, which may be negative.
    pub fn advance_ms(&self, delta_ms: i64) {
        self.0.fetch_add(delta_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> TimestampMs {
        self.0.load(Ordering::SeqCst)
    }
}

/// Formats a timestamp as RFC 3339 in UTC with milliseconds; out-of-range values are clamped.
pub fn format_rfc3339(timestamp_ms: TimestampMs) -> String {
    let timestamp = jiff::Timestamp::from_millisecond(timestamp_ms).unwrap_or({
        if timestamp_ms < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        }
    });
    format!("{timestamp:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_has_milliseconds_and_utc() {
        assert_eq!(
            format_rfc3339(1_700_000_000_005),
            "2023-11-14T22:13:20.005Z"
        );
        assert!(format_rfc3339(i64::MAX).starts_with("9999-"));
    }

    #[test]
    fn manual_clock_moves_only_when_told() {
        let clock = ManualClock::new(10);
        clock.advance_ms(-3);
        assert_eq!(clock.now_ms(), 7);
    }
}
