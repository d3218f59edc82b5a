//! From the head to blocks, and what that lets the log forget.

use std::sync::Arc;

use yunhai_model::{Labels, TimestampMs};

use super::Store;
use crate::Error;
use crate::block::{
    Block, BlockDraft, BlockSeries, BlockWriter, ClassChooser, Flush, Points, Resolution,
};
use crate::catalogue::SeriesId;
use crate::head::{Frozen, SharedFrozen};
use crate::wal::RecordBuilder;

/// The span of a regular flush, and its alignment.
const FLUSH_MS: i64 = 2 * 60 * 60 * 1000;
/// No block reaches over midnight UTC when it is made, so that days can be merged and rolled up.
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// What an early flush leaves in the head, where most late samples still find their neighbours.
const KEPT_MS: i64 = 10 * 60 * 1000;

impl Store {
    /// Writes all samples in memory to blocks.
    pub async fn flush(&self) -> Result<(), Error> {
        self.check_open()?;
        let _maintenance = self.inner.maintenance.lock().await;
        self.flush_until(TimestampMs::MAX).await
    }

    /// Flushes what is due: whole spans that the out-of-order window has left behind, or, when
    /// the head is too large, nearly everything. The caller holds the maintenance lock.
    pub(super) async fn flush_due(&self) -> Result<(), Error> {
        let (newest, oldest, samples, is_retry) = {
            let state = self.read();
            let head = &state.head;
            (
                head.newest_ms,
                head.oldest_ms,
                head.samples,
                state.frozen.is_some(),
            )
        };
        let (Some(newest), Some(oldest)) = (newest, oldest) else {
            return if is_retry {
                self.flush_until(TimestampMs::MIN).await
            } else {
                Ok(())
            };
        };
        let window_ms = self.inner.config.out_of_order_window.as_millis();
        let regular_cut = (newest - window_ms).div_euclid(FLUSH_MS) * FLUSH_MS - 1;
        if samples >= self.inner.config.max_head_samples {
            let cut = if newest - oldest > 3 * KEPT_MS {
                newest - KEPT_MS
            } else {
                newest
            };
            self.flush_until(cut).await
        } else if oldest <= regular_cut || is_retry {
            self.flush_until(regular_cut).await
        } else {
            Ok(())
        }
    }

    /// Writes the samples up to a time to blocks. The caller holds the maintenance lock.
    async fn flush_until(&self, cut_ms: TimestampMs) -> Result<(), Error> {
        let Some((frozen, mut series, segment, checkpoint)) = self.freeze(cut_ms) else {
            return Ok(());
        };
        series.sort_unstable_by(|a, b| label_order(&a.0, &b.0));
        let encoding = {
            let frozen = frozen.clone();
            tokio::task::spawn_blocking(move || encode(&frozen, &series))
        };
        let drafts = encoding.await.map_err(|_| Error::Closed)??;
        let mut blocks = Vec::with_capacity(drafts.len());
        for mut draft in drafts {
            let folder = self.inner.objects.put(&mut draft).await?;
            tracing::info!(block = %folder, samples = draft.meta.samples, size_bytes = draft.meta.size_bytes(), "samples are flushed to a block");
            blocks.push(Arc::new(open_block(draft, folder)));
        }
        let inner = self.inner.clone();
        let written =
            tokio::task::spawn_blocking(move || inner.wal.write_checkpoint(segment, &checkpoint));
        written.await.map_err(|_| Error::Closed)??;
        {
            let mut state = self.write();
            state.blocks.extend(blocks);
            state.frozen = None;
            if let Some(newest) = state.head.newest_ms {
                let window_ms = self.inner.config.out_of_order_window.as_millis();
                state.head.drop_idle(newest - window_ms.max(FLUSH_MS));
            }
            state.sort_blocks();
        }
        self.inner.wal.delete_before(segment)
    }

    /// Moves samples out of the head, begins a new segment, and encodes what stays in the head
    /// for a checkpoint. What an earlier failed flush left frozen goes first.
    #[allow(clippy::type_complexity)]
    fn freeze(
        &self,
        cut_ms: TimestampMs,
    ) -> Option<(SharedFrozen, Vec<(Labels, SeriesId)>, u64, Vec<Vec<u8>>)> {
        let mut state = self.write();
        let frozen = if let Some(frozen) = &state.frozen {
            frozen.clone()
        } else {
            let frozen = Arc::new(state.head.freeze(cut_ms));
            if frozen.columns.is_empty() {
                return None;
            }
            state.frozen = Some(frozen.clone());
            frozen
        };
        let series = frozen
            .columns
            .iter()
            .map(|(id, _)| (state.catalogue.labels(*id).clone(), *id))
            .collect();
        let segment = self.inner.wal.rotate();
        Some((frozen, series, segment, state.checkpoint(None)))
    }

    /// After a failed write of the log: makes everything in memory durable by a checkpoint, so
    /// that samples can be acknowledged again.
    pub(super) async fn heal_log(&self) -> Result<(), Error> {
        let _maintenance = self.inner.maintenance.lock().await;
        if !self.inner.wal.is_broken() {
            return Ok(());
        }
        let (segment, checkpoint) = {
            let state = self.write();
            (
                self.inner.wal.rotate(),
                state.checkpoint(state.frozen.as_deref()),
            )
        };
        let inner = self.inner.clone();
        let written = tokio::task::spawn_blocking(move || {
            inner.wal.write_checkpoint(segment, &checkpoint)?;
            inner.wal.healed();
            inner.wal.delete_before(segment)
        });
        written.await.map_err(|_| Error::Closed)?
    }
}

impl super::State {
    /// Encodes the head, and the frozen part where it is given, as records of a checkpoint.
    fn checkpoint(&self, frozen: Option<&Frozen>) -> Vec<Vec<u8>> {
        const RECORD_BYTES: usize = 1 << 20;
        let mut records = Vec::new();
        let mut record = RecordBuilder::default();
        let frozen = frozen.map_or(&[][..], |frozen| &frozen.columns);
        let columns = frozen
            .iter()
            .map(|(id, column)| (*id, column))
            .chain(self.head.iter().map(|(id, series)| (id, &series.column)));
        for (id, column) in columns {
            record.series(id, self.catalogue.labels(id));
            for (&timestamp_ms, &value) in column.times.iter().zip(&column.values) {
                record.sample(
                    id,
                    yunhai_model::Sample {
                        timestamp_ms,
                        value,
                    },
                );
            }
            if record.len_bytes() > RECORD_BYTES {
                records.push(std::mem::take(&mut record).finish());
            }
        }
        records.push(record.finish());
        records.retain(|record| !record.is_empty());
        records
    }
}

/// The order of a block's series: by metric, so that one metric's series are neighbours.
pub(super) fn label_order(a: &Labels, b: &Labels) -> std::cmp::Ordering {
    (a.metric_name(), a).cmp(&(b.metric_name(), b))
}

/// Makes one block for each day of the frozen samples.
fn encode(frozen: &Frozen, series: &[(Labels, SeriesId)]) -> Result<Vec<BlockDraft>, Error> {
    let mut drafts = Vec::new();
    let days = frozen.oldest_ms.div_euclid(DAY_MS)..=frozen.newest_ms.div_euclid(DAY_MS);
    for day in days {
        let (start, end) = (day * DAY_MS, (day + 1) * DAY_MS);
        let mut writer = BlockWriter::new(Resolution::Raw);
        for metric in series.chunk_by(|a, b| a.0.metric_name() == b.0.metric_name()) {
            let mut chooser = ClassChooser::default();
            let mut parts = Vec::with_capacity(metric.len());
            for (labels, id) in metric {
                let column = frozen
                    .column(*id)
                    .expect("the list was made of these columns");
                let from = column.times.partition_point(|time| *time < start);
                let to = column.times.partition_point(|time| *time < end);
                if from < to {
                    chooser.see(&column.values[from..to]);
                    let mut points = Points::new(Resolution::Raw);
                    points.extend(&column.times[from..to], &[&column.values[from..to]]);
                    parts.push((labels.clone(), *id, points));
                }
            }
            writer.add(chooser.class(), parts)?;
        }
        let id = ulid::Ulid::generate().to_string();
        if let Some(mut draft) = writer.finish(id.clone(), Vec::new(), Vec::new())? {
            draft.meta.flushes = vec![Flush {
                id,
                min_ms: draft.meta.min_ms,
                max_ms: draft.meta.max_ms,
            }];
            drafts.push(draft);
        }
    }
    Ok(drafts)
}

/// Makes a stored draft readable.
pub(super) fn open_block(draft: BlockDraft, folder: object_store::path::Path) -> Block {
    let series = draft
        .rows
        .iter()
        .zip(&draft.ids)
        .map(|(row, id)| BlockSeries {
            id: *id,
            file: row.file,
            first_row: row.first_row,
            rows: row.rows,
            min_ms: row.min_ms,
            max_ms: row.max_ms,
        })
        .collect();
    Block::new(draft.meta, folder, series)
}
