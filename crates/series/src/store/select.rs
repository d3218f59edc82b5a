//! Answering queries.

use std::collections::BTreeSet;

use async_trait::async_trait;
use yunhai_model::{Labels, Sample, TimeSeries, TimestampMs};
use yunhai_promql::{Matcher, Queryable, SelectError, SelectHints};

use super::{State, Store};
use crate::Error;
use crate::catalogue::SeriesId;

#[async_trait]
impl Queryable for Store {
    async fn select(
        &self,
        matchers: &[Matcher],
        start_ms: TimestampMs,
        end_ms: TimestampMs,
        hints: &SelectHints,
    ) -> Result<Vec<TimeSeries>, SelectError> {
        self.select_series(matchers, start_ms, end_ms, hints)
            .await
            .map_err(|error| SelectError(error.to_string()))
    }
}

impl Store {
    async fn select_series(
        &self,
        matchers: &[Matcher],
        start_ms: TimestampMs,
        end_ms: TimestampMs,
        _hints: &SelectHints,
    ) -> Result<Vec<TimeSeries>, Error> {
        self.check_open()?;
        let state = self.read();
        let found = state
            .catalogue
            .select(matchers)
            .into_iter()
            .filter_map(|id| {
                let samples = state.head_samples(id, start_ms, end_ms);
                (!samples.is_empty()).then(|| TimeSeries {
                    labels: state.catalogue.labels(id).clone(),
                    samples,
                })
            })
            .collect();
        Ok(found)
    }

    /// Returns the label sets of the series that satisfy all matchers and have a sample in the
    /// range, sorted.
    pub fn series(
        &self,
        matchers: &[Matcher],
        start_ms: TimestampMs,
        end_ms: TimestampMs,
    ) -> Result<Vec<Labels>, Error> {
        self.check_open()?;
        let state = self.read();
        let mut found: Vec<Labels> = state
            .present(matchers, start_ms, end_ms)
            .map(|id| state.catalogue.labels(id).clone())
            .collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Returns the names of the labels of those series, sorted.
    pub fn label_names(
        &self,
        matchers: &[Matcher],
        start_ms: TimestampMs,
        end_ms: TimestampMs,
    ) -> Result<Vec<String>, Error> {
        self.check_open()?;
        let state = self.read();
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for id in state.present(matchers, start_ms, end_ms) {
            names.extend(state.catalogue.labels(id).iter().map(|(name, _)| name));
        }
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    /// Returns the values that a label has in those series, sorted.
    pub fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        start_ms: TimestampMs,
        end_ms: TimestampMs,
    ) -> Result<Vec<String>, Error> {
        self.check_open()?;
        let state = self.read();
        let values: BTreeSet<&str> = state
            .present(matchers, start_ms, end_ms)
            .filter_map(|id| state.catalogue.labels(id).get(name))
            .collect();
        Ok(values.into_iter().map(str::to_owned).collect())
    }
}

impl State {
    /// Copies a series's samples in memory, in the order of time.
    fn head_samples(
        &self,
        id: SeriesId,
        start_ms: TimestampMs,
        end_ms: TimestampMs,
    ) -> Vec<Sample> {
        let mut samples = Vec::new();
        if let Some(column) = self.frozen.as_ref().and_then(|frozen| frozen.column(id)) {
            column.copy_range(start_ms, end_ms, &mut samples);
        }
        let flushed = samples.len();
        if let Some(series) = self.head.get(id) {
            series.column.copy_range(start_ms, end_ms, &mut samples);
        }
        let is_late = flushed > 0
            && samples
                .get(flushed)
                .is_some_and(|sample| sample.timestamp_ms < samples[flushed - 1].timestamp_ms);
        if is_late {
            samples.sort_by_key(|sample| sample.timestamp_ms);
        }
        samples
    }

    fn present<'a>(
        &'a self,
        matchers: &[Matcher],
        start_ms: TimestampMs,
        end_ms: TimestampMs,
    ) -> impl Iterator<Item = SeriesId> + use<'a> {
        self.catalogue
            .select(matchers)
            .into_iter()
            .filter(move |id| {
                let overlaps = |column: &crate::head::Column| column.overlaps(start_ms, end_ms);
                self.head
                    .get(*id)
                    .is_some_and(|series| overlaps(&series.column))
                    || self
                        .frozen
                        .as_ref()
                        .and_then(|frozen| frozen.column(*id))
                        .is_some_and(overlaps)
            })
    }
}
