//! Answering queries.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use yunhai_model::{Labels, Sample, TimeSeries, TimestampMs, with_causes};
use yunhai_promql::{Matcher, Queryable, SelectError, SelectHints};

use super::{State, Store, UNPOISONED};
use crate::Error;
use crate::block::{Block, BlockSeries, Decoded, Points, Resolution, settle_samples};
use crate::catalogue::SeriesId;
use crate::rollup::{Reading, to_samples};

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
            .map_err(|error| SelectError(with_causes(&error)))
    }
}

impl Store {
    async fn select_series(
        &self,
        matchers: &[Matcher],
        start_ms: TimestampMs,
        end_ms: TimestampMs,
        hints: &SelectHints,
    ) -> Result<Vec<TimeSeries>, Error> {
        self.check_open()?;
        let reading = Reading::of_function(hints.function.as_deref());
        let Plan { mut found, blocks } = self.read().plan(matchers, start_ms, end_ms, hints);
        // All blocks are read at once; each decodes on threads of its own.
        let reads = blocks.iter().map(|(block, wanted)| async move {
            let read = block.read(&self.inner.objects.store, wanted).await;
            (block, read)
        });
        for (block, read) in futures::future::join_all(reads).await {
            let Some(decoded) = self.or_set_aside(block, read).await? else {
                continue;
            };
            for part in &decoded {
                for (id, span) in &part.spans {
                    if let Some(series) = found.get_mut(id) {
                        series.take(block.meta.resolution, part, span, start_ms, end_ms);
                    }
                }
            }
        }
        Ok(found
            .into_values()
            .filter_map(|series| series.finish(reading, start_ms, end_ms))
            .collect())
    }

    /// Passes on what was read of a block, or sets the block aside where it is damaged.
    pub(super) async fn or_set_aside<T>(
        &self,
        block: &Arc<Block>,
        read: Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(Error::Damaged { path, reason }) => {
                let was_known = {
                    let mut state = self.write();
                    let before = state.blocks.len();
                    state.blocks.retain(|other| !Arc::ptr_eq(other, block));
                    before != state.blocks.len()
                };
                if was_known {
                    let damaged = format!("{path}: {reason}");
                    self.inner.damaged.write().expect(UNPOISONED).push(damaged);
                    self.inner
                        .objects
                        .set_aside(&block.meta.id, &path, &reason)
                        .await;
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
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

/// Tells which roll-up answers as well as raw samples would, if any does: the step skips its
/// buckets, the range holds so many of them that the two at its edges hardly count, and the
/// function reads buckets without loss. Instant queries, rules among them, read raw samples.
fn preferred(hints: &SelectHints) -> Option<Resolution> {
    const MANY_BUCKETS: i64 = 20;
    if Reading::of_function(hints.function.as_deref()) == Reading::Last {
        return None;
    }
    [Resolution::OneHour, Resolution::FiveMinutes]
        .into_iter()
        .find(|resolution| {
            let bucket_ms = resolution.bucket_ms();
            hints.step_ms >= bucket_ms && hints.range_ms >= MANY_BUCKETS * bucket_ms
        })
}

/// What a query has to gather.
struct Plan {
    found: BTreeMap<SeriesId, Gathered>,
    /// The blocks to read and their series that are wanted, in the order of precedence.
    blocks: Vec<(Arc<Block>, Vec<BlockSeries>)>,
}

/// A series's samples as they come in.
struct Gathered {
    labels: Labels,
    /// From here on raw samples answer, before it roll-ups.
    raw_start_ms: TimestampMs,
    rollups: BTreeMap<Resolution, Points>,
    raw: Vec<Sample>,
    head: Vec<Sample>,
}

impl Gathered {
    fn take(
        &mut self,
        resolution: Resolution,
        part: &Decoded,
        span: &Range<usize>,
        start_ms: TimestampMs,
        end_ms: TimestampMs,
    ) {
        if resolution != Resolution::Raw {
            let mut points = part.points(span);
            points.trim(start_ms, end_ms);
            let columns: Vec<&[f64]> = points.columns.iter().map(Vec::as_slice).collect();
            self.rollups
                .entry(resolution)
                .or_insert_with(|| Points::new(resolution))
                .extend(&points.times, &columns);
            return;
        }
        let start_ms = start_ms.max(self.raw_start_ms);
        let times = &part.times[span.clone()];
        let from = span.start + times.partition_point(|time| *time < start_ms);
        let to = span.start + times.partition_point(|time| *time <= end_ms);
        if from < to {
            let rows = part.times[from..to].iter().zip(&part.columns[0][from..to]);
            self.raw.extend(rows.map(|(&timestamp_ms, &value)| Sample {
                timestamp_ms,
                value,
            }));
        }
    }

    /// Puts what came in into the order of time; `None` where nothing did.
    fn finish(
        mut self,
        reading: Reading,
        start_ms: TimestampMs,
        end_ms: TimestampMs,
    ) -> Option<TimeSeries> {
        self.raw.append(&mut self.head);
        settle_samples(&mut self.raw);
        let mut samples = self.raw;
        let mut limit_ms = self.raw_start_ms;
        for (resolution, mut points) in self.rollups {
            points.settle(resolution);
            // A bucket that raw samples cover in part is left to them.
            let bucket_ms = resolution.bucket_ms();
            points.trim(
                start_ms,
                limit_ms.div_euclid(bucket_ms).saturating_mul(bucket_ms) - 1,
            );
            let mut older = to_samples(&points, resolution, reading);
            older.retain(|sample| (start_ms..=end_ms).contains(&sample.timestamp_ms));
            if let Some(first) = points.times.first() {
                limit_ms = first.div_euclid(bucket_ms) * bucket_ms;
            }
            older.append(&mut samples);
            samples = older;
        }
        (!samples.is_empty()).then_some(TimeSeries {
            labels: self.labels,
            samples,
        })
    }
}

impl State {
    fn plan(
        &self,
        matchers: &[Matcher],
        start_ms: TimestampMs,
        end_ms: TimestampMs,
        hints: &SelectHints,
    ) -> Plan {
        let ids = self.catalogue.select(matchers);
        let overlapping = |resolution: Resolution| {
            self.blocks.iter().filter(move |block| {
                block.meta.resolution == resolution && block.overlaps(start_ms, end_ms)
            })
        };
        let rollups: Vec<Resolution> = preferred(hints).map_or_else(
            || vec![Resolution::FiveMinutes, Resolution::OneHour],
            |resolution| vec![resolution],
        );
        let has_rollups = rollups
            .iter()
            .any(|resolution| overlapping(*resolution).next().is_some());

        let mut found = BTreeMap::new();
        for id in &ids {
            let raw_start_ms = if has_rollups {
                self.raw_start(*id, start_ms, preferred(hints))
            } else {
                TimestampMs::MIN
            };
            let gathered = Gathered {
                labels: self.catalogue.labels(*id).clone(),
                raw_start_ms,
                rollups: BTreeMap::new(),
                raw: Vec::new(),
                head: self.head_samples(*id, start_ms.max(raw_start_ms), end_ms),
            };
            found.insert(*id, gathered);
        }

        let mut blocks = Vec::new();
        let mut want =
            |block: &Arc<Block>, is_wanted: &dyn Fn(&BlockSeries, TimestampMs) -> bool| {
                let wanted: Vec<BlockSeries> = ids
                    .iter()
                    .filter_map(|id| block.find(*id))
                    .filter(|one| one.min_ms <= end_ms && one.max_ms >= start_ms)
                    .filter(|one| is_wanted(one, found[&one.id].raw_start_ms))
                    .copied()
                    .collect();
                if !wanted.is_empty() {
                    blocks.push((block.clone(), wanted));
                }
            };
        for block in overlapping(Resolution::Raw) {
            want(block, &|one, raw_start_ms| one.max_ms >= raw_start_ms);
        }
        if has_rollups {
            for resolution in rollups {
                // A newer roll-up knows more than an older one of the same time.
                let newest_first: Vec<_> = overlapping(resolution).collect();
                for block in newest_first.into_iter().rev() {
                    want(block, &|one, raw_start_ms| {
                        start_ms < raw_start_ms && one.min_ms < raw_start_ms
                    });
                }
            }
        }
        Plan { found, blocks }
    }

    /// Returns from when on a series's raw samples are to answer.
    fn raw_start(
        &self,
        id: SeriesId,
        start_ms: TimestampMs,
        preferred: Option<Resolution>,
    ) -> TimestampMs {
        let of = |resolution: Resolution| {
            self.blocks
                .iter()
                .filter(move |block| block.meta.resolution == resolution)
                .filter_map(move |block| block.find(id))
        };
        let columns = self
            .frozen
            .as_ref()
            .and_then(|frozen| frozen.column(id))
            .into_iter()
            .chain(self.head.get(id).map(|series| &series.column));
        let raw_start_ms = of(Resolution::Raw)
            .map(|one| one.min_ms)
            .chain(columns.filter_map(|column| column.times.first().copied()))
            .min()
            .unwrap_or(TimestampMs::MAX);
        let rolled_up = preferred.and_then(|resolution| {
            let first = of(resolution).map(|one| one.min_ms).min()?;
            let last = of(resolution).map(|one| one.max_ms).max()?;
            let bucket_ms = resolution.bucket_ms();
            let end_ms = (last.div_euclid(bucket_ms) + 1) * bucket_ms;
            (first <= start_ms.max(raw_start_ms) + bucket_ms).then_some(end_ms)
        });
        rolled_up.unwrap_or(raw_start_ms)
    }

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
                    || self.blocks.iter().any(|block| {
                        block.overlaps(start_ms, end_ms)
                            && block
                                .find(*id)
                                .is_some_and(|one| one.min_ms <= end_ms && one.max_ms >= start_ms)
                    })
            })
    }
}
