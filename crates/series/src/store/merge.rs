//! Rewriting blocks: merging several into one, without twins and without what has expired.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use yunhai_model::{Labels, TimestampMs};

use super::flush::{label_order, open_block};
use super::{State, Store};
use crate::Error;
use crate::block::{
    Block, BlockSeries, BlockWriter, CHAINED_SERIES, Class, ClassChooser, Flush, Points, Resolution,
};
use crate::catalogue::SeriesId;

/// A series to be written and where its rows come from, in the order of precedence.
pub(super) struct Part {
    pub(super) labels: Labels,
    pub(super) id: SeriesId,
    pub(super) class: Option<Class>,
}

impl Store {
    /// Writes what is in the blocks, less the series that `is_kept` refuses, into one block that
    /// takes their place. Returns whether that could be done: a block that turns out to be
    /// damaged is set aside, and the caller plans again.
    pub(super) async fn rewrite(
        &self,
        blocks: &[Arc<Block>],
        is_kept: impl Fn(&Labels, &BlockSeries) -> bool,
    ) -> Result<bool, Error> {
        let resolution = blocks[0].meta.resolution;
        // Of raw twins the older block's stays; a newer roll-up knows more than an older one.
        let mut sources = blocks.to_vec();
        sources.sort_by(|a, b| a.meta.id.cmp(&b.meta.id));
        if resolution != Resolution::Raw {
            sources.reverse();
        }
        let parts = {
            let state = self.read();
            plan_parts(&state, &sources, is_kept)
        };
        let mut writer = BlockWriter::new(resolution);
        for metric in parts.chunk_by(|a, b| a.labels.metric_name() == b.labels.metric_name()) {
            let class = match metric[0].class {
                Some(class) if metric.iter().all(|part| part.class == Some(class)) => class,
                _ => {
                    let mut chooser = ClassChooser::default();
                    for batch in metric.chunks(CHAINED_SERIES) {
                        let Some(read) = self.read_parts(&sources, batch).await? else {
                            return Ok(false);
                        };
                        see(&mut chooser, resolution, read.values());
                    }
                    chooser.class()
                }
            };
            for batch in metric.chunks(CHAINED_SERIES) {
                let Some(mut read) = self.read_parts(&sources, batch).await? else {
                    return Ok(false);
                };
                let mut series = Vec::with_capacity(batch.len());
                for part in batch {
                    if let Some(points) = read.remove(&part.id) {
                        series.push((part.labels.clone(), part.id, points));
                    }
                }
                writer = write_batch(writer, class, series).await?;
            }
        }
        let mut flushes: Vec<Flush> = blocks
            .iter()
            .flat_map(|block| block.meta.flushes.iter().cloned())
            .collect();
        flushes.sort_unstable();
        flushes.dedup();
        let replaced = blocks.iter().map(|block| block.meta.id.clone()).collect();
        self.store_block(writer, replaced, flushes, blocks).await?;
        Ok(true)
    }

    /// Stores a finished block and lets it take the place of others.
    pub(super) async fn store_block(
        &self,
        writer: BlockWriter,
        sources: Vec<String>,
        flushes: Vec<Flush>,
        replaced: &[Arc<Block>],
    ) -> Result<(), Error> {
        let id = ulid::Ulid::generate().to_string();
        let draft = tokio::task::spawn_blocking(move || writer.finish(id, sources, flushes))
            .await
            .map_err(|_| Error::Closed)??;
        let block = match draft {
            Some(mut draft) => {
                let folder = self.inner.objects.put(&mut draft).await?;
                tracing::info!(
                    block = %folder,
                    sources = replaced.len(),
                    samples = draft.meta.samples,
                    size_bytes = draft.meta.size_bytes(),
                    resolution = ?draft.meta.resolution,
                    "a block is written"
                );
                Some(Arc::new(open_block(draft, folder)))
            }
            None => None,
        };
        self.replace(replaced, block);
        Ok(())
    }

    /// Takes blocks out of sight; they are deleted when no query reads them any more.
    pub(super) fn replace(&self, replaced: &[Arc<Block>], by: Option<Arc<Block>>) {
        let is_replaced =
            |block: &Arc<Block>| replaced.iter().any(|other| Arc::ptr_eq(other, block));
        let mut state = self.write();
        state.blocks.retain(|block| !is_replaced(block));
        state.blocks.extend(by);
        state.sort_blocks();
        state.retired.extend(replaced.iter().cloned());
    }

    /// Deletes replaced blocks that no query reads any more. The caller holds the maintenance lock.
    pub(super) async fn delete_retired(&self) -> Result<(), Error> {
        let (unread, folders) = {
            let mut state = self.write();
            let (unread, read): (Vec<_>, Vec<_>) = std::mem::take(&mut state.retired)
                .into_iter()
                .partition(|block| Arc::strong_count(block) == 1);
            state.retired = read;
            let folders: Vec<_> = unread.iter().map(|block| block.folder.clone()).collect();
            (unread, folders)
        };
        for folder in &folders {
            self.inner.objects.delete(folder).await?;
        }
        if !unread.is_empty() {
            let mut state = self.write();
            let State {
                catalogue,
                head,
                frozen,
                blocks,
                ..
            } = &mut *state;
            catalogue.retain(|id| {
                head.get(id).is_some()
                    || frozen
                        .as_ref()
                        .is_some_and(|frozen| frozen.column(id).is_some())
                    || blocks.iter().any(|block| block.find(id).is_some())
            });
        }
        Ok(())
    }

    /// Reads series from several blocks, twins removed. `None` where a block is damaged.
    pub(super) async fn read_parts(
        &self,
        sources: &[Arc<Block>],
        batch: &[Part],
    ) -> Result<Option<FxHashMap<SeriesId, Points>>, Error> {
        let mut gathered: FxHashMap<SeriesId, Points> = FxHashMap::default();
        let Some(resolution) = sources.first().map(|block| block.meta.resolution) else {
            return Ok(Some(gathered));
        };
        for block in sources {
            let wanted: Vec<BlockSeries> = batch
                .iter()
                .filter_map(|part| block.find(part.id).copied())
                .collect();
            if wanted.is_empty() {
                continue;
            }
            let read = block.read(&self.inner.objects.store, &wanted).await;
            let Some(decoded) = self.or_set_aside(block, read).await? else {
                return Ok(None);
            };
            for part in decoded {
                for (id, span) in &part.spans {
                    let columns: Vec<&[f64]> = part
                        .columns
                        .iter()
                        .map(|column| &column[span.clone()])
                        .collect();
                    gathered
                        .entry(*id)
                        .or_insert_with(|| Points::new(resolution))
                        .extend(&part.times[span.clone()], &columns);
                }
            }
        }
        for points in gathered.values_mut() {
            points.settle(resolution);
        }
        Ok(Some(gathered))
    }
}

/// Shows a chooser the values that a class has to hold; counts are integers in any case.
pub(super) fn see<'a>(
    chooser: &mut ClassChooser,
    resolution: Resolution,
    series: impl Iterator<Item = &'a Points>,
) {
    for points in series {
        for (name, column) in resolution.columns().iter().zip(&points.columns) {
            if *name != "count" {
                chooser.see(column);
            }
        }
    }
}

/// Encodes series away from the reactor's threads.
pub(super) async fn write_batch(
    mut writer: BlockWriter,
    class: Class,
    series: Vec<(Labels, SeriesId, Points)>,
) -> Result<BlockWriter, Error> {
    tokio::task::spawn_blocking(move || {
        writer.add(class, series)?;
        Ok(writer)
    })
    .await
    .map_err(|_| Error::Closed)?
}

/// Lists the series of blocks in the order in which a block holds them.
fn plan_parts(
    state: &State,
    sources: &[Arc<Block>],
    is_kept: impl Fn(&Labels, &BlockSeries) -> bool,
) -> Vec<Part> {
    let mut parts: BTreeMap<SeriesId, Part> = BTreeMap::new();
    for block in sources {
        for one in block.series() {
            let labels = state.catalogue.labels(one.id);
            if !is_kept(labels, one) {
                continue;
            }
            parts
                .entry(one.id)
                .and_modify(|part| {
                    if part.class != Some(one.file.class) {
                        part.class = None;
                    }
                })
                .or_insert_with(|| Part {
                    labels: labels.clone(),
                    id: one.id,
                    class: Some(one.file.class),
                });
        }
    }
    let mut parts: Vec<Part> = parts.into_values().collect();
    parts.sort_unstable_by(|a, b| label_order(&a.labels, &b.labels));
    parts
}

/// Tells whether a block's times lie in one span of a width, and which.
pub(super) fn span_of(block: &Block, width_ms: i64) -> Option<TimestampMs> {
    let span = block.meta.min_ms.div_euclid(width_ms);
    (span == block.meta.max_ms.div_euclid(width_ms)).then_some(span)
}
