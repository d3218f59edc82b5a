//! What is new: the samples in memory that are in the log but in no block yet.

use std::sync::Arc;

use yunhai_model::{Sample, TimestampMs};

use crate::catalogue::SeriesId;

/// The samples of one series in the order of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    pub(crate) times: Vec<TimestampMs>,
    pub(crate) values: Vec<f64>,
}

impl Column {
    /// Copies the samples from `start_ms` to `end_ms` to `into`.
    pub(crate) fn copy_range(
        &self,
        start_ms: TimestampMs,
        end_ms: TimestampMs,
        into: &mut Vec<Sample>,
    ) {
        let from = self.times.partition_point(|time| *time < start_ms);
        let to = self.times.partition_point(|time| *time <= end_ms);
        if from < to {
            into.extend(self.times[from..to].iter().zip(&self.values[from..to]).map(
                |(&timestamp_ms, &value)| Sample {
                    timestamp_ms,
                    value,
                },
            ));
        }
    }

    /// Tells whether a sample lies in the range.
    pub(crate) fn overlaps(&self, start_ms: TimestampMs, end_ms: TimestampMs) -> bool {
        let from = self.times.partition_point(|time| *time < start_ms);
        self.times.get(from).is_some_and(|time| *time <= end_ms)
    }

    fn value_at(&self, timestamp_ms: TimestampMs) -> Option<f64> {
        self.times
            .binary_search(&timestamp_ms)
            .ok()
            .map(|at| self.values[at])
    }
}

/// A series of the head.
#[derive(Debug)]
pub(crate) struct HeadSeries {
    pub(crate) column: Column,
    /// Its newest sample ever seen here, which outlives the flush of that sample.
    pub(crate) latest_ms: TimestampMs,
    /// Whether the current log says what its id means.
    pub(crate) is_logged: bool,
}

/// What a sample met in the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Insertion {
    New,
    Duplicate,
    Conflict,
}

/// All series with recent samples.
#[derive(Debug, Default)]
pub(crate) struct Head {
    series: Vec<Option<Box<HeadSeries>>>,
    pub(crate) active: usize,
    pub(crate) samples: usize,
    pub(crate) newest_ms: Option<TimestampMs>,
    pub(crate) oldest_ms: Option<TimestampMs>,
}

impl Head {
    pub(crate) fn get(&self, id: SeriesId) -> Option<&HeadSeries> {
        self.series.get(id as usize)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, id: SeriesId) -> Option<&mut HeadSeries> {
        self.series.get_mut(id as usize)?.as_deref_mut()
    }

    /// Makes room for a series that is not in the head.
    pub(crate) fn add(&mut self, id: SeriesId) {
        if self.series.len() <= id as usize {
            self.series.resize_with(id as usize + 1, || None);
        }
        let slot = &mut self.series[id as usize];
        if slot.is_none() {
            *slot = Some(Box::new(HeadSeries {
                column: Column::default(),
                latest_ms: TimestampMs::MIN,
                is_logged: false,
            }));
            self.active += 1;
        }
    }

    /// Puts a sample in its place.
    pub(crate) fn insert(
        &mut self,
        id: SeriesId,
        frozen: Option<&Frozen>,
        sample: Sample,
    ) -> Insertion {
        let series = self.series[id as usize]
            .as_mut()
            .expect("a sample is inserted after its series was added");
        let time = sample.timestamp_ms;
        let column = &mut series.column;
        if time <= series.latest_ms {
            // Late: it may be here or in what is being flushed already.
            let known = column
                .value_at(time)
                .or_else(|| frozen?.column(id)?.value_at(time));
            if let Some(known) = known {
                return if known.to_bits() == sample.value.to_bits() {
                    Insertion::Duplicate
                } else {
                    Insertion::Conflict
                };
            }
        }
        match column.times.last() {
            Some(last) if *last > time => {
                let at = column.times.partition_point(|other| *other < time);
                column.times.insert(at, time);
                column.values.insert(at, sample.value);
            }
            _ => {
                column.times.push(time);
                column.values.push(sample.value);
            }
        }
        series.latest_ms = series.latest_ms.max(time);
        self.note(1, time, time);
        Insertion::New
    }

    /// Puts samples behind all that a series has; they must be in the order of time and newer.
    pub(crate) fn extend(&mut self, id: SeriesId, samples: &[Sample]) {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return;
        };
        let series = self.series[id as usize]
            .as_mut()
            .expect("samples are put in after their series was added");
        let column = &mut series.column;
        column
            .times
            .extend(samples.iter().map(|sample| sample.timestamp_ms));
        column
            .values
            .extend(samples.iter().map(|sample| sample.value));
        series.latest_ms = last.timestamp_ms;
        self.note(samples.len(), first.timestamp_ms, last.timestamp_ms);
    }

    fn note(&mut self, samples: usize, oldest_ms: TimestampMs, newest_ms: TimestampMs) {
        let (oldest, newest) = (self.oldest_ms, self.newest_ms);
        self.samples += samples;
        self.newest_ms = Some(newest.map_or(newest_ms, |newest| newest.max(newest_ms)));
        self.oldest_ms = Some(oldest.map_or(oldest_ms, |oldest| oldest.min(oldest_ms)));
    }

    /// Moves the samples up to `cut_ms` out of the head, for a flush.
    pub(crate) fn freeze(&mut self, cut_ms: TimestampMs) -> Frozen {
        let mut frozen = Frozen::default();
        self.oldest_ms = None;
        for (id, slot) in self.series.iter_mut().enumerate() {
            let Some(series) = slot else { continue };
            let column = &mut series.column;
            let split = column.times.partition_point(|time| *time <= cut_ms);
            if split > 0 {
                let rest_times = column.times.split_off(split);
                let rest_values = column.values.split_off(split);
                let moved = Column {
                    times: std::mem::replace(&mut column.times, rest_times),
                    values: std::mem::replace(&mut column.values, rest_values),
                };
                frozen.samples += split;
                frozen.oldest_ms = frozen.oldest_ms.min(moved.times[0]);
                frozen.newest_ms = frozen.newest_ms.max(moved.times[split - 1]);
                frozen.columns.push((id as SeriesId, moved));
            }
            if let Some(first) = column.times.first() {
                self.oldest_ms = Some(self.oldest_ms.map_or(*first, |oldest| oldest.min(*first)));
            }
        }
        self.samples -= frozen.samples;
        frozen
    }

    /// Forgets series without samples whose newest one is older than `before_ms`.
    pub(crate) fn drop_idle(&mut self, before_ms: TimestampMs) {
        for slot in &mut self.series {
            if slot.as_ref().is_some_and(|series| {
                series.column.times.is_empty() && series.latest_ms < before_ms
            }) {
                *slot = None;
                self.active -= 1;
            }
        }
    }

    /// Goes through the series in the order of their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SeriesId, &HeadSeries)> {
        self.series
            .iter()
            .enumerate()
            .filter_map(|(id, slot)| Some((id as SeriesId, slot.as_deref()?)))
    }
}

/// What is on its way from the head to a block; queries still see it here.
#[derive(Debug)]
pub(crate) struct Frozen {
    /// Sorted by id.
    pub(crate) columns: Vec<(SeriesId, Column)>,
    pub(crate) samples: usize,
    pub(crate) oldest_ms: TimestampMs,
    pub(crate) newest_ms: TimestampMs,
}

impl Default for Frozen {
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            samples: 0,
            oldest_ms: TimestampMs::MAX,
            newest_ms: TimestampMs::MIN,
        }
    }
}

impl Frozen {
    pub(crate) fn column(&self, id: SeriesId) -> Option<&Column> {
        self.columns
            .binary_search_by_key(&id, |(other, _)| *other)
            .ok()
            .map(|at| &self.columns[at].1)
    }
}

/// A shared frozen part, as the store's state holds it.
pub(crate) type SharedFrozen = Arc<Frozen>;

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(timestamp_ms: i64, value: f64) -> Sample {
        Sample {
            timestamp_ms,
            value,
        }
    }

    #[test]
    fn late_samples_find_their_place_and_twins_are_told() {
        let mut head = Head::default();
        head.add(0);
        for time in [10, 30, 20] {
            assert_eq!(head.insert(0, None, sample(time, 1.0)), Insertion::New);
        }
        assert_eq!(head.insert(0, None, sample(20, 1.0)), Insertion::Duplicate);
        assert_eq!(head.insert(0, None, sample(20, 2.0)), Insertion::Conflict);
        assert_eq!(head.get(0).unwrap().column.times, [10, 20, 30]);

        let frozen = head.freeze(20);
        assert_eq!(
            (frozen.samples, head.samples, head.oldest_ms),
            (2, 1, Some(30))
        );
        assert_eq!(
            head.insert(0, Some(&frozen), sample(10, 1.0)),
            Insertion::Duplicate
        );
        assert_eq!(
            head.insert(0, Some(&frozen), sample(15, 1.0)),
            Insertion::New
        );
        assert_eq!(head.get(0).unwrap().column.times, [15, 30]);
    }
}
