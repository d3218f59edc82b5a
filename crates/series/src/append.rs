//! What goes into the store, and what came of it.

use std::fmt;

use yunhai_model::{InvalidLabel, Labels, Sample, TimestampMs, format_rfc3339};

/// A series and some of its samples, borrowed from a decoder's buffer.
///
/// The store knows most series already; then no label is copied.
#[derive(Clone, Copy, Debug)]
pub struct IncomingSeries<'a> {
    /// Names and values, best sorted by name without duplicates or empty values, as remote write
    /// demands; unsorted ones cost a copy.
    pub labels: &'a [(&'a str, &'a str)],
    /// The samples, in any order.
    pub samples: &'a [Sample],
}

/// What became of the samples of one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppendOutcome {
    /// How many samples are new and stored.
    pub accepted: usize,
    /// How many samples the store had already, with the same value.
    pub duplicates: usize,
    /// What was refused and why, one entry for each series and reason.
    pub rejected: Vec<Rejection>,
}

impl AppendOutcome {
    /// Returns how many samples were refused.
    pub fn rejected_samples(&self) -> usize {
        self.rejected
            .iter()
            .map(|rejection| rejection.samples)
            .sum()
    }

    pub(crate) fn reject(
        &mut self,
        labels: impl Fn() -> Labels,
        sample: Sample,
        reason: RejectReason,
    ) {
        // Samples of a series come one after the other, so the last entry is the one to extend.
        if let Some(last) = self.rejected.last_mut()
            && last.reason == reason
            && last.labels == labels()
        {
            last.samples += 1;
            return;
        }
        self.rejected.push(Rejection {
            labels: labels(),
            first_timestamp_ms: sample.timestamp_ms,
            samples: 1,
            reason,
        });
    }
}

/// Samples of one series that were refused for one reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// The series.
    pub labels: Labels,
    /// The first of its samples that was refused.
    pub first_timestamp_ms: TimestampMs,
    /// How many were.
    pub samples: usize,
    /// Why.
    pub reason: RejectReason,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sample(s) of {} from {}: {}",
            self.samples,
            self.labels,
            format_rfc3339(self.first_timestamp_ms),
            self.reason
        )
    }
}

/// Why samples were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectReason {
    /// Older than the newest sample of the series less the out-of-order window.
    #[error("too old: the series accepts samples from {} on (its newest less the out-of-order window)", format_rfc3339(*oldest_accepted_ms))]
    TooOld {
        /// The oldest time that would be accepted.
        oldest_accepted_ms: TimestampMs,
    },
    /// Older than the retention of raw samples.
    #[error("too old: raw samples are kept from {} on; lengthen the retention to import older ones", format_rfc3339(*oldest_kept_ms))]
    BeyondRetention {
        /// The oldest time that is kept.
        oldest_kept_ms: TimestampMs,
    },
    /// Ahead of this machine's clock by more than is tolerated.
    #[error("too far in the future: this server's clock allows up to {}; check the clocks", format_rfc3339(*newest_accepted_ms))]
    TooFarInFuture {
        /// The newest time that would be accepted.
        newest_accepted_ms: TimestampMs,
    },
    /// NaN or an infinity, where the configuration does not take them. The marker of stale series, a
    /// NaN too, is always taken.
    #[error("{value} is no finite number; `refuse_non_finite` in the configuration keeps such out")]
    NotFinite {
        /// The number as text, as no NaN is like another.
        value: String,
    },
    /// The series has another value at this time.
    #[error("the series has another value at this time; the first one stays")]
    Conflict,
    /// The store holds as many active series as it may.
    #[error(
        "the limit of {limit} active series (`max_active_series`) is reached; raise it, or drop labels with many values such as request ids"
    )]
    CardinalityLimit {
        /// The limit.
        limit: usize,
    },
    /// The series has no label.
    #[error("a series needs at least one label")]
    NoLabels,
    /// A label is malformed.
    #[error(transparent)]
    Label(InvalidLabelReason),
}

/// A malformed label, comparable and cloneable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidLabelReason(String);

impl From<InvalidLabel> for RejectReason {
    fn from(invalid: InvalidLabel) -> Self {
        Self::Label(InvalidLabelReason(invalid.to_string()))
    }
}
