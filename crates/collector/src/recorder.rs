//! Turns measurements into series that all carry the same labels and the same moment.

use yunhai_model::{Labels, Sample, TimeSeries, TimestampMs};

/// Gathers one sample per series.
pub(crate) struct Recorder<'a> {
    common: &'a [(String, String)],
    timestamp_ms: TimestampMs,
    series: Vec<TimeSeries>,
}

impl<'a> Recorder<'a> {
    /// Starts a set of measurements taken at `timestamp_ms`, all with the `common` labels.
    pub(crate) fn new(common: &'a [(String, String)], timestamp_ms: TimestampMs) -> Self {
        Self {
            common,
            timestamp_ms,
            series: Vec::new(),
        }
    }

    /// Records a value; a number that is not finite is left out, since it says nothing.
    pub(crate) fn record(&mut self, metric: &str, labels: &[(&str, &str)], value: f64) {
        if !value.is_finite() {
            return;
        }
        let common = self
            .common
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        self.series.push(TimeSeries {
            labels: Labels::of_metric(metric, common.chain(labels.iter().copied())),
            samples: vec![Sample {
                timestamp_ms: self.timestamp_ms,
                value,
            }],
        });
    }

    /// Records a whole number; above 2^53 it is rounded, as every sample is a double.
    pub(crate) fn record_count(&mut self, metric: &str, labels: &[(&str, &str)], value: u64) {
        self.record(metric, labels, value as f64);
    }

    /// Returns what was recorded.
    pub(crate) fn finish(self) -> Vec<TimeSeries> {
        self.series
    }
}
