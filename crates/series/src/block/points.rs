//! The rows of one series on their way into or out of a block.

use yunhai_model::{Sample, TimestampMs, stale_nan};

use super::{Resolution, RollupColumn};

/// Times and, for each value column of the resolution, the values; NULL is the staleness marker.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Points {
    pub(crate) times: Vec<TimestampMs>,
    pub(crate) columns: Vec<Vec<f64>>,
}

impl Points {
    pub(crate) fn new(resolution: Resolution) -> Self {
        Self {
            times: Vec::new(),
            columns: vec![Vec::new(); resolution.columns().len()],
        }
    }

    /// Tells whether each row of a roll-up stands for one sample, whose value then says all.
    pub(crate) fn are_singles(&self) -> bool {
        let counts = self.columns.get(RollupColumn::Count as usize);
        counts.is_some_and(|counts| {
            counts
                .iter()
                .all(|count| (count - 1.0).abs() < f64::EPSILON)
        })
    }

    /// Returns the first and the last value.
    pub(crate) fn ends(&self) -> (f64, f64) {
        let values = &self.columns[0];
        let end = |value: Option<&f64>| value.copied().unwrap_or(0.0);
        (end(values.first()), end(values.last()))
    }

    /// Adds rows; the order is made good by [`Points::settle`].
    pub(crate) fn extend(&mut self, times: &[TimestampMs], columns: &[&[f64]]) {
        self.times.extend_from_slice(times);
        for (ours, theirs) in self.columns.iter_mut().zip(columns) {
            ours.extend_from_slice(theirs);
        }
    }

    /// Sorts the rows and keeps the first of those that stand for the same moment, which for a
    /// roll-up is the same bucket.
    pub(crate) fn settle(&mut self, resolution: Resolution) {
        let bucket = |time: TimestampMs| time.div_euclid(resolution.bucket_ms());
        if self
            .times
            .windows(2)
            .all(|pair| bucket(pair[0]) < bucket(pair[1]))
        {
            return;
        }
        let mut order: Vec<usize> = (0..self.times.len()).collect();
        order.sort_by_key(|at| bucket(self.times[*at]));
        order.dedup_by_key(|at| bucket(self.times[*at]));
        self.times = order.iter().map(|at| self.times[*at]).collect();
        for column in &mut self.columns {
            *column = order.iter().map(|at| column[*at]).collect();
        }
    }

    /// Keeps the rows of a range.
    pub(crate) fn trim(&mut self, start_ms: TimestampMs, end_ms: TimestampMs) {
        let from = self.times.partition_point(|time| *time < start_ms);
        let to = self.times.partition_point(|time| *time <= end_ms).max(from);
        for column in &mut self.columns {
            column.truncate(to);
            column.drain(..from);
        }
        self.times.truncate(to);
        self.times.drain(..from);
    }
}

/// Returns the columns of roll-up rows that stand for one sample each. How a counter grew is left
/// out, as the values tell it.
pub(crate) fn columns_of_singles(values: Vec<f64>) -> Vec<Vec<f64>> {
    let rows = values.len();
    let mut columns = vec![values; RollupColumn::Count as usize + 1];
    columns[RollupColumn::Increase as usize] = vec![stale_nan(); rows];
    columns[RollupColumn::Count as usize] = vec![1.0; rows];
    columns
}

/// Brings samples of several sources into order; of several at one time the first source's stays.
pub(crate) fn settle_samples(samples: &mut Vec<Sample>) {
    if samples
        .windows(2)
        .all(|pair| pair[0].timestamp_ms < pair[1].timestamp_ms)
    {
        return;
    }
    samples.sort_by_key(|sample| sample.timestamp_ms);
    samples.dedup_by_key(|sample| sample.timestamp_ms);
}
