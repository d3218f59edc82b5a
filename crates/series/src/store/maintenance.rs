//! What the store does on its own: flushing, merging, rolling up, and dropping what has expired.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use yunhai_model::{HumanDuration, Labels, TimestampMs};

use super::Store;
use super::flush::{DAY_MS, label_order};
use super::merge::{Part, see, span_of, write_batch};
use crate::Error;
use crate::block::{
    Block, BlockWriter, CHAINED_SERIES, Class, ClassChooser, Flush, Points, Resolution,
    RollupColumn, round_to,
};
use crate::catalogue::SeriesId;
use crate::config::parse_matchers;
use crate::rollup::roll_up;

/// How often maintenance looks for work without being woken.
const TICK: Duration = Duration::from_secs(30);
/// For so long blocks may go unmerged while the head fills up again and again.
const LONGEST_RUSH: Duration = Duration::from_mins(5);
/// Small blocks of a day that is not over are merged when there are this many.
const MANY_BLOCKS: usize = 12;
/// No merge makes a block of more rows, which bounds its memory.
const MAX_MERGED_SAMPLES: u64 = 32 << 20;
/// A block is rewritten for the sake of expired series when they are this part of its rows.
const REWRITE_SHARE: f64 = 0.25;
/// How far back a roll-up looks for where a counter stood.
const COUNTER_LOOKBACK_MS: i64 = 60 * 60 * 1000;

/// The spans into which blocks are merged once they are over.
fn merge_widths(resolution: Resolution) -> &'static [i64] {
    match resolution {
        Resolution::Raw => &[DAY_MS, 7 * DAY_MS],
        Resolution::FiveMinutes => &[7 * DAY_MS, 28 * DAY_MS],
        Resolution::OneHour => &[28 * DAY_MS, 364 * DAY_MS],
    }
}

impl Store {
    /// Keeps the store in order until it is cancelled. Failures are logged and tried again.
    pub async fn run_maintenance(&self, cancel: CancellationToken) {
        let mut compacted = tokio::time::Instant::now();
        loop {
            let is_rush = tokio::select! {
                () = cancel.cancelled() => return,
                () = self.inner.wake.notified() => true,
                () = tokio::time::sleep(TICK) => false,
            };
            if self.check_open().is_err() {
                return;
            }
            // While much comes in at once, such as the past of many servers, merging would rewrite
            // days again and again that are not complete yet, and take the time from appending.
            let maintained = if is_rush && compacted.elapsed() < LONGEST_RUSH {
                self.flush_what_is_due().await
            } else {
                let maintained = self.maintain().await;
                compacted = tokio::time::Instant::now();
                maintained
            };
            if let Err(error) = maintained {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "maintenance of the series store failed and will be tried again"
                );
            }
        }
    }

    /// Does all that is due: flushes, merges, roll-ups and retention.
    pub async fn maintain(&self) -> Result<(), Error> {
        self.flush_what_is_due().await?;
        self.compact().await
    }

    async fn flush_what_is_due(&self) -> Result<(), Error> {
        let _maintenance = self.inner.maintenance.lock().await;
        self.flush_due().await
    }

    /// Merges blocks, makes roll-ups and drops what has expired, without flushing first.
    pub async fn compact(&self) -> Result<(), Error> {
        self.check_open()?;
        let _maintenance = self.inner.maintenance.lock().await;
        while let Some(group) = self.next_merge() {
            self.rewrite(&group, |_, _| true).await?;
            drop(group);
            self.delete_retired().await?;
        }
        self.make_rollups().await?;
        while let Some(group) = self.next_merge() {
            self.rewrite(&group, |_, _| true).await?;
            drop(group);
            self.delete_retired().await?;
        }
        self.apply_retention().await?;
        self.delete_retired().await
    }

    /// Finds blocks that should be one.
    fn next_merge(&self) -> Option<Vec<Arc<Block>>> {
        let now_ms = self.inner.clock.now_ms();
        let settled_ms = now_ms - self.inner.config.out_of_order_window.as_millis();
        let state = self.read();
        for resolution in [
            Resolution::Raw,
            Resolution::FiveMinutes,
            Resolution::OneHour,
        ] {
            for width in merge_widths(resolution) {
                let mut spans: BTreeMap<i64, Vec<Arc<Block>>> = BTreeMap::new();
                for block in state
                    .blocks
                    .iter()
                    .filter(|block| block.meta.resolution == resolution)
                {
                    if let Some(span) = span_of(block, *width) {
                        spans.entry(span).or_default().push(block.clone());
                    }
                }
                for (span, mut group) in spans {
                    let is_over = (span + 1) * width <= settled_ms;
                    let wanted = if is_over { 2 } else { MANY_BLOCKS };
                    // Merging into the widest span while it fills would copy the same rows again
                    // and again.
                    if group.len() < wanted || (!is_over && *width > DAY_MS) {
                        continue;
                    }
                    group.sort_by_key(|block| block.meta.samples);
                    let mut total = 0;
                    group.retain(|block| {
                        total += block.meta.samples;
                        total <= MAX_MERGED_SAMPLES
                    });
                    if group.len() >= 2 {
                        return Some(group);
                    }
                }
            }
        }
        None
    }

    /// Rolls up each day that is over and whose raw samples have changed since it was rolled up.
    async fn make_rollups(&self) -> Result<(), Error> {
        let now_ms = self.inner.clock.now_ms();
        let settled_ms = now_ms - self.inner.config.out_of_order_window.as_millis();
        let days: BTreeSet<i64> = {
            let state = self.read();
            let raw = state
                .blocks
                .iter()
                .filter(|block| block.meta.resolution == Resolution::Raw);
            raw.flat_map(|block| {
                block.meta.min_ms.div_euclid(DAY_MS)..=block.meta.max_ms.div_euclid(DAY_MS)
            })
            .filter(|day| (day + 1) * DAY_MS <= settled_ms)
            .collect()
        };
        for day in days {
            for (resolution, kept) in [
                (
                    Resolution::FiveMinutes,
                    self.inner.config.rollup_5m_retention,
                ),
                (Resolution::OneHour, self.inner.config.rollup_1h_retention),
            ] {
                if (day + 1) * DAY_MS > now_ms - kept.as_millis() {
                    self.roll_up_day(day, resolution).await?;
                }
            }
        }
        Ok(())
    }

    async fn roll_up_day(&self, day: i64, resolution: Resolution) -> Result<(), Error> {
        let (start, end) = (day * DAY_MS, (day + 1) * DAY_MS - 1);
        let (sources, wanted, done, old) = {
            let state = self.read();
            let of = |resolution: Resolution, from: TimestampMs| -> Vec<Arc<Block>> {
                let overlaps = |block: &&Arc<Block>| {
                    block.meta.resolution == resolution && block.overlaps(from, end)
                };
                state.blocks.iter().filter(overlaps).cloned().collect()
            };
            let old = of(resolution, start);
            (
                of(Resolution::Raw, start - COUNTER_LOOKBACK_MS),
                flushes_of(&of(Resolution::Raw, start), start, end),
                flushes_of(&old, start, end),
                old,
            )
        };
        if wanted.is_subset(&done) {
            return Ok(());
        }
        let mut parts: Vec<Part> = {
            let state = self.read();
            let ids: BTreeSet<_> = sources
                .iter()
                .flat_map(|block| block.series())
                .filter(|one| one.min_ms <= end && one.max_ms >= start)
                .map(|one| one.id)
                .collect();
            ids.into_iter()
                .map(|id| Part {
                    labels: state.catalogue.labels(id).clone(),
                    id,
                    class: None,
                })
                .collect()
        };
        parts.sort_unstable_by(|a, b| label_order(&a.labels, &b.labels));
        let mut writer = BlockWriter::new(resolution);
        for metric in parts.chunk_by(|a, b| a.labels.metric_name() == b.labels.metric_name()) {
            let is_counter = self
                .inner
                .metadata
                .is_counter(metric[0].labels.metric_name().unwrap_or(""));
            let mut series: Vec<(Labels, SeriesId, Points)> = Vec::with_capacity(metric.len());
            for batch in metric.chunks(CHAINED_SERIES) {
                let Some(mut read) = self.read_parts(&sources, batch).await? else {
                    return Ok(());
                };
                for part in batch {
                    let Some(mut raw) = read.remove(&part.id) else {
                        continue;
                    };
                    raw.trim(start - COUNTER_LOOKBACK_MS, end);
                    let points =
                        roll_up(&raw.times, &raw.columns[0], start, resolution, is_counter);
                    if points.times.is_empty() {
                        continue;
                    }
                    series.push((part.labels.clone(), part.id, points));
                }
            }
            let class = settle_class(resolution, &mut series);
            writer = write_batch(writer, class, series).await?;
        }
        // An older roll-up of the same day alone is replaced unless it knows series that raw
        // blocks have lost; one that is part of a longer block stays, and the newer one's rows win.
        let written: BTreeSet<SeriesId> = writer.ids().iter().copied().collect();
        let replaced: Vec<Arc<Block>> = old
            .into_iter()
            .filter(|block| block.meta.min_ms >= start && block.meta.max_ms <= end)
            .filter(|block| block.series().iter().all(|one| written.contains(&one.id)))
            .collect();
        let sources = replaced.iter().map(|block| block.meta.id.clone()).collect();
        let flushes = wanted.into_iter().collect();
        self.store_block(writer, sources, flushes, &replaced).await
    }

    /// Drops blocks that have expired as a whole, and rewrites those that have in good part.
    async fn apply_retention(&self) -> Result<(), Error> {
        let now_ms = self.inner.clock.now_ms();
        let config = &self.inner.config;
        let mut rules = Vec::new();
        for rule in &config.retention_rules {
            let matchers = parse_matchers(&rule.matchers).map_err(Error::Config)?;
            rules.push((matchers, rule.raw));
        }
        let retention_of = |resolution: Resolution, labels: &Labels| -> HumanDuration {
            match resolution {
                Resolution::Raw => rules
                    .iter()
                    .find(|(matchers, _)| {
                        matchers.iter().all(|matcher| {
                            matcher.matches(labels.get(matcher.name()).unwrap_or(""))
                        })
                    })
                    .map_or(config.raw_retention, |(_, raw)| *raw),
                Resolution::FiveMinutes => config.rollup_5m_retention,
                Resolution::OneHour => config.rollup_1h_retention,
            }
        };
        let blocks = self.read().blocks.clone();
        for block in blocks {
            let resolution = block.meta.resolution;
            let is_expired = |labels: &Labels, max_ms: TimestampMs| {
                max_ms < now_ms - retention_of(resolution, labels).as_millis()
            };
            let (expired, total) = {
                let state = self.read();
                block.series().iter().fold((0, 0), |(expired, total), one| {
                    let labels = state.catalogue.labels(one.id);
                    let is_expired = is_expired(labels, one.max_ms);
                    (
                        expired + if is_expired { one.rows } else { 0 },
                        total + one.rows,
                    )
                })
            };
            if expired == total {
                tracing::info!(block = %block.folder, "a block has expired and is deleted");
                self.replace(std::slice::from_ref(&block), None);
            } else if expired as f64 >= total as f64 * REWRITE_SHARE {
                self.rewrite(std::slice::from_ref(&block), |labels, one| {
                    !is_expired(labels, one.max_ms)
                })
                .await?;
            }
        }
        Ok(())
    }
}

/// Chooses the class of a metric's roll-up.
///
/// Sums of decimals are decimals, but sums of doubles are off in their last bits, so they are
/// rounded to the decimals of the samples: that is nearer to the truth, and far smaller on disk.
fn settle_class(resolution: Resolution, series: &mut [(Labels, SeriesId, Points)]) -> Class {
    let mut of_samples = ClassChooser::default();
    for (_, _, points) in &*series {
        for column in [RollupColumn::Min, RollupColumn::Max, RollupColumn::Last] {
            of_samples.see(&points.columns[column as usize]);
        }
    }
    if let Class::Decimal(scale) = of_samples.class() {
        for (_, _, points) in series.iter_mut() {
            for column in [RollupColumn::Sum, RollupColumn::Increase] {
                round_to(&mut points.columns[column as usize], scale);
            }
        }
    }
    let mut of_all = ClassChooser::default();
    see(&mut of_all, resolution, series.iter().map(|one| &one.2));
    of_all.class()
}

/// Returns the flushes that went into blocks and touch a range.
fn flushes_of(blocks: &[Arc<Block>], start: TimestampMs, end: TimestampMs) -> BTreeSet<Flush> {
    blocks
        .iter()
        .flat_map(|block| &block.meta.flushes)
        .filter(|flush| flush.min_ms <= end && flush.max_ms >= start)
        .cloned()
        .collect()
}
