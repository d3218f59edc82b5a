//! Blocks: what is old, as Parquet files in the object store.
//!
//! A block is the folder `blocks/<ULID>/` with one sample file for each type of values, the list
//! of its series, and `meta.json`, which is written last: a block without it does not exist.

mod chain;
mod delta_pack;
mod encoding;
mod integers;
mod meta;
mod points;
mod read;
mod series_file;
mod write;

pub(crate) use chain::CHAINED_SERIES;
pub(crate) use encoding::{Class, ClassChooser, FileKind, round_to};
pub(crate) use meta::{BlockMeta, FORMAT_VERSION, FileMeta, Flush, Resolution, RollupColumn};
pub(crate) use points::{Points, settle_samples};
pub(crate) use read::{Block, BlockSeries, Decoded};
pub(crate) use series_file::{SeriesRow, read_series_file, write_series_file};
pub(crate) use write::{BlockDraft, BlockWriter};

/// The list of a block's series.
pub(crate) const SERIES_FILE: &str = "series.parquet";
/// The file that makes a block visible.
pub(crate) const META_FILE: &str = "meta.json";
