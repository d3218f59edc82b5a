//! Counts notifications for Yunhai's own metrics, by the kind of their channel. The channel's name
//! is left out: whoever scrapes need not know whom alerts reach.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use yunhai_notify::ChannelKind;

/// Notifications that arrived.
const SENT: &str = "yunhai_notifications_sent_total";
/// Notifications that were given up.
const FAILED: &str = "yunhai_notifications_failed_total";
/// Attempts that failed.
const FAILED_ATTEMPTS: &str = "yunhai_notification_attempts_failed_total";
/// How long an attempt takes.
const ATTEMPT_DURATION: &str = "yunhai_notification_attempt_duration_seconds";
/// Notifications that wait.
const PENDING: &str = "yunhai_notifications_pending";

/// The kind of a channel that is gone.
pub(super) const UNKNOWN_KIND: &str = "unknown";

/// Returns the kind of a channel: one of those that there are, so that the metrics stay few.
pub(super) fn kind_of(config: &Value) -> &'static str {
    let kind = config.get("kind").and_then(Value::as_str);
    kinds()
        .find(|known| Some(*known) == kind)
        .unwrap_or(UNKNOWN_KIND)
}

fn kinds() -> impl Iterator<Item = &'static str> {
    ChannelKind::ALL
        .into_iter()
        .map(ChannelKind::as_str)
        .chain([UNKNOWN_KIND])
}

/// Makes all counters known at zero, so that a scrape sees their first increase.
pub(super) fn begin_counting() {
    for kind in kinds() {
        for counter in [SENT, FAILED, FAILED_ATTEMPTS] {
            metrics::counter!(counter, "kind" => kind).increment(0);
        }
    }
    tell_pending([].into_iter());
}

/// Counts an attempt.
pub(super) fn count_attempt(kind: &'static str, took: Duration, has_arrived: bool) {
    metrics::histogram!(ATTEMPT_DURATION, "kind" => kind).record(took);
    let failed = u64::from(!has_arrived);
    metrics::counter!(FAILED_ATTEMPTS, "kind" => kind).increment(failed);
}

/// Counts a notification that arrived or was given up.
pub(super) fn count_finished(kind: &'static str, has_arrived: bool) {
    let counter = if has_arrived { SENT } else { FAILED };
    metrics::counter!(counter, "kind" => kind).increment(1);
}

/// Tells how many notifications wait, each given by the kind of its channel.
pub(super) fn tell_pending(waiting: impl Iterator<Item = &'static str>) {
    let mut numbers: BTreeMap<&str, u32> = kinds().map(|kind| (kind, 0)).collect();
    for kind in waiting {
        *numbers.entry(kind).or_default() += 1;
    }
    for (kind, number) in numbers {
        metrics::gauge!(PENDING, "kind" => kind).set(f64::from(number));
    }
}
