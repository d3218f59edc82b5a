//! A store in memory, for rule unit tests and for ours.

use async_trait::async_trait;
use yunhai_model::{Labels, Sample, TimeSeries, TimestampMs};

use crate::queryable::{Matcher, Queryable, SelectError, SelectHints};

/// A small in-memory store.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    series: Vec<TimeSeries>,
    places: std::collections::HashMap<Labels, usize>,
}

impl MemoryStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds samples to a series, which it creates where needed. Of two samples with the same time
    /// the later one added holds.
    pub fn append(&mut self, labels: &Labels, samples: impl IntoIterator<Item = Sample>) {
        let place = *self.places.entry(labels.clone()).or_insert_with(|| {
            self.series.push(TimeSeries {
                labels: labels.clone(),
                samples: Vec::new(),
            });
            self.series.len() - 1
        });
        let into = &mut self.series[place].samples;
        let mut is_sorted = true;
        for sample in samples {
            is_sorted &= into
                .last()
                .is_none_or(|last| last.timestamp_ms < sample.timestamp_ms);
            into.push(sample);
        }
        if !is_sorted {
            into.sort_by_key(|sample| sample.timestamp_ms);
            into.dedup_by(|later, kept| {
                let is_same = later.timestamp_ms == kept.timestamp_ms;
                if is_same {
                    *kept = *later;
                }
                is_same
            });
        }
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.series.clear();
        self.places.clear();
    }

    /// All series.
    pub fn series(&self) -> &[TimeSeries] {
        &self.series
    }
}

#[async_trait]
impl Queryable for MemoryStore {
    async fn select(
        &self,
        matchers: &[Matcher],
        start_ms: TimestampMs,
        end_ms: TimestampMs,
        _hints: &SelectHints,
    ) -> Result<Vec<TimeSeries>, SelectError> {
        Ok(self
            .series
            .iter()
            .filter(|series| {
                matchers
                    .iter()
                    .all(|matcher| matcher.matches(series.labels.get(matcher.name()).unwrap_or("")))
            })
            .filter_map(|series| {
                let from = series
                    .samples
                    .partition_point(|sample| sample.timestamp_ms < start_ms);
                let to = series
                    .samples
                    .partition_point(|sample| sample.timestamp_ms <= end_ms);
                (from < to).then(|| TimeSeries {
                    labels: series.labels.clone(),
                    samples: series.samples[from..to].to_vec(),
                })
            })
            .collect())
    }
}
