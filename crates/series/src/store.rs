//! The store itself: opening and closing it, and its state.

mod append;
mod flush;
mod maintenance;
mod merge;
mod select;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rustc_hash::FxHashMap;
use yunhai_model::{Clock, Sample, TimestampMs};

use crate::block::{Block, BlockSeries, Resolution};
use crate::catalogue::{Catalogue, SeriesId};
use crate::head::{Head, SharedFrozen};
use crate::metadata::MetadataFile;
use crate::objects::Objects;
use crate::wal::{Entry, Wal, replay};
use crate::{Error, MetricMetadata, StoreConfig};

/// Why the store's locks are never poisoned.
pub(crate) const UNPOISONED: &str = "no code panics while it holds the lock";

/// The time-series store. Cheap to clone; the clones are one store.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: StoreConfig,
    clock: Arc<dyn Clock>,
    state: RwLock<State>,
    wal: Wal,
    objects: Objects,
    metadata: MetadataFile,
    /// Held by whoever changes the set of blocks: flush, merge, roll-up, retention.
    maintenance: tokio::sync::Mutex<()>,
    /// Wakes maintenance when the head is large.
    wake: tokio::sync::Notify,
    is_closed: AtomicBool,
    damaged: RwLock<Vec<String>>,
    /// Held open for its lock, which keeps a second process out.
    _lock: File,
}

/// Everything that queries see, changed as a whole.
#[derive(Debug, Default)]
struct State {
    catalogue: Catalogue,
    head: Head,
    /// How often samples were put into the head.
    appends: u64,
    frozen: Option<SharedFrozen>,
    /// In the order of their making, so that of two samples at one time the first stays.
    blocks: Vec<Arc<Block>>,
    /// Blocks that others have replaced, until no query reads them any more.
    retired: Vec<Arc<Block>>,
}

/// Figures about the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Series that anything stored belongs to.
    pub series: usize,
    /// Series with recent samples, which `max_active_series` limits.
    pub active_series: usize,
    /// Samples in memory.
    pub head_samples: usize,
    /// Samples in raw blocks, late twins counted twice until blocks are merged.
    pub block_samples: u64,
    /// Number of blocks, roll-ups among them.
    pub blocks: usize,
    /// Size of the blocks in bytes.
    pub block_bytes: u64,
    /// Size of the write-ahead log.
    pub log_bytes: u64,
    /// Oldest and newest sample that queries can see.
    pub oldest_ms: Option<TimestampMs>,
    /// Newest sample that queries can see.
    pub newest_ms: Option<TimestampMs>,
    /// What was found damaged and set aside since the store was opened.
    pub damaged: Vec<String>,
}

impl Store {
    /// Opens the store in its folder, making it where there is none, and replays the log.
    pub async fn open(config: StoreConfig, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        config.check()?;
        let folder = config.directory.clone();
        let log_folder = folder.join("wal");
        std::fs::create_dir_all(&log_folder).map_err(Error::file(&log_folder))?;
        let lock = lock_folder(&folder)?;

        let mut state = State::default();
        let mut damaged = Vec::new();
        let objects = Objects::open(&config)?;
        let found = objects.find_all().await?;
        damaged.extend(found.damaged);
        for (meta, folder, rows) in found.blocks {
            let series = rows
                .iter()
                .map(|row| BlockSeries {
                    id: state.catalogue.intern(&row.labels),
                    file: row.file,
                    first_row: row.first_row,
                    rows: row.rows,
                    min_ms: row.min_ms,
                    max_ms: row.max_ms,
                })
                .collect();
            state
                .blocks
                .push(Arc::new(Block::new(meta, folder, series)));
        }
        state.sort_blocks();
        let segment = load_log(
            &mut state,
            &log_folder,
            &folder.join("damaged"),
            &mut damaged,
        )?;
        let wal = Wal::start(&log_folder, segment)?;
        Ok(Self {
            inner: Arc::new(Inner {
                metadata: MetadataFile::open(&folder),
                config,
                clock,
                state: RwLock::new(state),
                wal,
                objects,
                maintenance: tokio::sync::Mutex::new(()),
                wake: tokio::sync::Notify::new(),
                is_closed: AtomicBool::new(false),
                damaged: RwLock::new(damaged),
                _lock: lock,
            }),
        })
    }

    /// Ends the store: what was handed in is written, a flush under way is finished, and later
    /// calls fail with [`Error::Closed`].
    pub async fn close(&self) -> Result<(), Error> {
        self.inner.is_closed.store(true, Ordering::SeqCst);
        let _maintenance = self.inner.maintenance.lock().await;
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || inner.wal.close())
            .await
            .map_err(|_| Error::Closed)
    }

    /// Returns a number that grows whenever samples are taken in: while it stays, so do the answers
    /// to queries.
    pub fn appends(&self) -> u64 {
        self.read().appends
    }

    /// Records what sources tell about their metrics.
    pub fn record_metadata(
        &self,
        told: impl IntoIterator<Item = (String, MetricMetadata)>,
    ) -> Result<(), Error> {
        self.inner.metadata.record(told)
    }

    /// Returns what is known about each metric.
    pub fn metadata(&self) -> BTreeMap<String, MetricMetadata> {
        self.inner.metadata.get_all()
    }

    /// Returns figures about the store.
    pub fn stats(&self) -> Stats {
        let state = self.read();
        let (oldest_ms, newest_ms) = state.time_range();
        Stats {
            series: state.catalogue.len(),
            active_series: state.head.active,
            head_samples: state.head.samples
                + state.frozen.as_ref().map_or(0, |frozen| frozen.samples),
            block_samples: state
                .blocks
                .iter()
                .filter(|block| block.meta.resolution == Resolution::Raw)
                .map(|block| block.meta.samples)
                .sum(),
            blocks: state.blocks.len(),
            block_bytes: state
                .blocks
                .iter()
                .map(|block| block.meta.size_bytes())
                .sum(),
            log_bytes: self.inner.wal.size_bytes(),
            oldest_ms,
            newest_ms,
            damaged: self.inner.damaged.read().expect(UNPOISONED).clone(),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.inner.state.read().expect(UNPOISONED)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.inner.state.write().expect(UNPOISONED)
    }

    /// Returns how long the most durable raw samples are kept.
    fn longest_raw_retention_ms(&self) -> i64 {
        let config = &self.inner.config;
        let rules = config.retention_rules.iter().map(|rule| rule.raw);
        rules
            .chain([config.raw_retention])
            .map(yunhai_model::HumanDuration::as_millis)
            .max()
            .unwrap_or(i64::MAX)
    }

    fn check_open(&self) -> Result<(), Error> {
        if self.inner.is_closed.load(Ordering::SeqCst) {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.wal.close();
    }
}

impl State {
    fn sort_blocks(&mut self) {
        self.blocks.sort_by(|a, b| a.meta.id.cmp(&b.meta.id));
    }

    /// Returns the oldest and the newest time that queries can see.
    fn time_range(&self) -> (Option<TimestampMs>, Option<TimestampMs>) {
        let frozen = self.frozen.as_ref();
        let oldest = self
            .head
            .oldest_ms
            .into_iter()
            .chain(frozen.map(|frozen| frozen.oldest_ms));
        let newest = self
            .head
            .newest_ms
            .into_iter()
            .chain(frozen.map(|frozen| frozen.newest_ms));
        (
            oldest
                .chain(self.blocks.iter().map(|block| block.meta.min_ms))
                .min(),
            newest
                .chain(self.blocks.iter().map(|block| block.meta.max_ms))
                .max(),
        )
    }
}

fn lock_folder(folder: &Path) -> Result<File, Error> {
    let path = folder.join("LOCK");
    let lock = File::create(&path).map_err(Error::file(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::InUse(folder.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(Error::File { path, source }),
    }
}

/// Fills the head from the log and returns the number of the next segment.
fn load_log(
    state: &mut State,
    log_folder: &Path,
    damaged_folder: &Path,
    damaged: &mut Vec<String>,
) -> Result<u64, Error> {
    let mut ids: FxHashMap<SeriesId, SeriesId> = FxHashMap::default();
    let (mut samples, mut orphans) = (0usize, 0usize);
    let replayed = replay(log_folder, damaged_folder, |entry| match entry {
        Entry::Series(logged, labels) => {
            let id = state.catalogue.intern(&labels);
            state.head.add(id);
            ids.insert(logged, id);
        }
        Entry::Samples(logged) => {
            for (id, sample) in logged {
                match ids.get(&id) {
                    Some(id) => {
                        insert_replayed(state, *id, sample);
                        samples += 1;
                    }
                    None => orphans += 1,
                }
            }
        }
        Entry::End => {}
    })?;
    if orphans > 0 {
        tracing::error!(
            samples = orphans,
            "the log has samples of series whose names stood in a damaged part; they are lost"
        );
    }
    tracing::info!(
        samples,
        series = state.head.active,
        "the write-ahead log is replayed"
    );
    damaged.extend(replayed.damaged);
    Ok(replayed.last_segment + 1)
}

fn insert_replayed(state: &mut State, id: SeriesId, sample: Sample) {
    // A checkpoint and a segment may both hold a sample; the first value stays, as it did live.
    let _ = state.head.insert(id, None, sample);
}
