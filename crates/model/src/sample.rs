//! A measured value at a moment, and the marker that a series has ended.

use crate::{Labels, TimestampMs};

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When it was measured.
    pub timestamp_ms: TimestampMs,
    /// What was measured, in the metric's base unit.
    pub value: f64,
}

/// The bit pattern that Prometheus uses to mark a series as stale
/// (`prometheus/model/value/value.go`, `StaleNaN`).
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// Returns the staleness marker.
pub fn stale_nan() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

/// Tells whether a value is the staleness marker, as opposed to an ordinary NaN.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// A series and some of its samples, in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSeries {
    /// What names the series, the metric's name among them.
    pub labels: Labels,
    /// Its samples.
    pub samples: Vec<Sample>,
}
