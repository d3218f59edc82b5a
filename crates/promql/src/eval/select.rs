//! Instant selectors: the latest sample before each step, if it is fresh and not stale.

use yunhai_model::{Sample, TimestampMs, is_stale};

use super::{ABSENT, Evaluator, Grid, Series};
use crate::ast::Selector;
use crate::engine::Error;

impl Evaluator<'_> {
    pub(crate) fn select_instant(
        &self,
        selector: &Selector,
        grid: Grid,
    ) -> Result<Vec<Series>, Error> {
        self.select_with(selector, grid, |sample| sample.value)
    }

    /// The times, in seconds, of the samples that the selector yields.
    pub(crate) fn select_times(
        &self,
        selector: &Selector,
        grid: Grid,
    ) -> Result<Vec<Series>, Error> {
        self.select_with(selector, grid, |sample| sample.timestamp_ms as f64 / 1000.0)
    }

    fn select_with(
        &self,
        selector: &Selector,
        grid: Grid,
        pick: impl Fn(Sample) -> f64,
    ) -> Result<Vec<Series>, Error> {
        let fetched = &self.selected[selector.id];
        self.check_size(fetched.len(), grid)?;
        let pinned = self.pinned(selector.at);
        let mut selected = Vec::with_capacity(fetched.len());
        for (count, series) in fetched.iter().enumerate() {
            if count % 64 == 0 {
                self.limits.check_time()?;
            }
            let mut values = vec![ABSENT; grid.steps];
            let mut cursor = Cursor::new(&series.samples);
            let mut any = false;
            for (value, time_ms) in values.iter_mut().zip(grid.times()) {
                let reference_ms = pinned.unwrap_or(time_ms) - selector.offset_ms;
                if let Some(sample) = cursor.latest(reference_ms)
                    && self.is_fresh(sample.timestamp_ms, reference_ms)
                    && !is_stale(sample.value)
                {
                    *value = pick(sample);
                    any = true;
                }
            }
            if any {
                selected.push(Series {
                    labels: series.labels.clone(),
                    values,
                });
            }
        }
        Ok(selected)
    }

    fn is_fresh(&self, timestamp_ms: TimestampMs, reference_ms: TimestampMs) -> bool {
        let oldest_ms = reference_ms - self.options.lookback_ms;
        if self.is_v3() {
            timestamp_ms > oldest_ms
        } else {
            timestamp_ms >= oldest_ms
        }
    }
}

/// Goes forward through samples as the steps go forward.
struct Cursor<'a> {
    samples: &'a [Sample],
    /// The number of samples that are not after the last reference.
    passed: usize,
}

impl<'a> Cursor<'a> {
    fn new(samples: &'a [Sample]) -> Self {
        Self { samples, passed: 0 }
    }

    /// The latest sample at or before a moment; moments must not go back.
    fn latest(&mut self, reference_ms: TimestampMs) -> Option<Sample> {
        while self
            .samples
            .get(self.passed)
            .is_some_and(|sample| sample.timestamp_ms <= reference_ms)
        {
            self.passed += 1;
        }
        self.passed.checked_sub(1).map(|at| self.samples[at])
    }
}
