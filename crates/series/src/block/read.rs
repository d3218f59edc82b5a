//! Reading a block: only the pages that hold the wanted rows are fetched, checked and decoded.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::column::reader::{ColumnReaderImpl, GenericColumnReader};
use parquet::data_type::{DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use tokio::sync::OnceCell;
use yunhai_model::{TimestampMs, stale_nan};

use super::encoding::from_decimals;
use super::points::columns_of_singles;
use super::{BlockMeta, Class, FileKind, FileMeta, Points, Resolution};
use crate::Error;
use crate::catalogue::SeriesId;

/// Where a series's rows are, by its id in this process's catalogue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockSeries {
    pub(crate) id: SeriesId,
    pub(crate) file: FileKind,
    pub(crate) first_row: u64,
    pub(crate) rows: u64,
    pub(crate) min_ms: TimestampMs,
    pub(crate) max_ms: TimestampMs,
}

/// A stored block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) meta: BlockMeta,
    /// Its folder in the object store.
    pub(crate) folder: Path,
    /// Sorted by id.
    series: Vec<BlockSeries>,
    indexes: BTreeMap<FileKind, OnceCell<Arc<FileIndex>>>,
}

/// The rows of some series of one sample file.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) spans: Vec<(SeriesId, Range<usize>)>,
    pub(crate) times: Vec<TimestampMs>,
    /// The columns asked for, in the order of the resolution.
    pub(crate) columns: Vec<Vec<f64>>,
}

impl Decoded {
    /// Returns one series's rows.
    pub(crate) fn points(&self, span: &Range<usize>) -> Points {
        Points {
            times: self.times[span.clone()].to_vec(),
            columns: self
                .columns
                .iter()
                .map(|column| column[span.clone()].to_vec())
                .collect(),
        }
    }
}

impl Block {
    pub(crate) fn new(meta: BlockMeta, folder: Path, mut series: Vec<BlockSeries>) -> Self {
        series.sort_unstable_by_key(|one| one.id);
        let indexes = meta
            .files
            .iter()
            .filter_map(|file| Some((FileKind::of_file(&file.name)?, OnceCell::new())))
            .collect();
        Self {
            meta,
            folder,
            series,
            indexes,
        }
    }

    pub(crate) fn overlaps(&self, start_ms: TimestampMs, end_ms: TimestampMs) -> bool {
        self.meta.min_ms <= end_ms && self.meta.max_ms >= start_ms
    }

    pub(crate) fn series(&self) -> &[BlockSeries] {
        &self.series
    }

    pub(crate) fn find(&self, id: SeriesId) -> Option<&BlockSeries> {
        self.series
            .binary_search_by_key(&id, |one| one.id)
            .ok()
            .map(|at| &self.series[at])
    }

    /// Reads the rows of series (each of this block), one result for each sample file.
    pub(crate) async fn read(
        &self,
        store: &Arc<dyn ObjectStore>,
        wanted: &[BlockSeries],
    ) -> Result<Vec<Decoded>, Error> {
        let mut by_file: BTreeMap<FileKind, Vec<BlockSeries>> = BTreeMap::new();
        for one in wanted {
            by_file.entry(one.file).or_default().push(*one);
        }
        let resolution = self.meta.resolution;
        let mut tasks = Vec::new();
        for (kind, mut wanted) in by_file {
            wanted.sort_unstable_by_key(|one| one.first_row);
            let index = self.index(store, kind).await?;
            let columns = 1 + kind.columns(resolution).len();
            let runs = runs(&wanted);
            let pages = self.fetch(store, kind, &index, &runs, columns).await?;
            let path = self.path(&kind.file_name()).to_string();
            // Decoding takes milliseconds of processor time, too long for the reactor's thread.
            tasks.push(tokio::task::spawn_blocking(move || {
                decode(&index, pages, kind, resolution, &wanted, &runs).map_err(|error| {
                    Error::Damaged {
                        path,
                        reason: error.to_string(),
                    }
                })
            }));
        }
        let mut decoded = Vec::with_capacity(tasks.len());
        for task in tasks {
            decoded.push(task.await.map_err(|error| Error::Damaged {
                path: self.folder.to_string(),
                reason: format!("decoding failed: {error}"),
            })??);
        }
        Ok(decoded)
    }

    fn path(&self, file: &str) -> Path {
        self.folder.clone().join(file)
    }

    fn file(&self, kind: FileKind) -> Result<&FileMeta, Error> {
        let name = kind.file_name();
        self.meta
            .files
            .iter()
            .find(|file| file.name == name)
            .ok_or_else(|| Error::Damaged {
                path: self.folder.to_string(),
                reason: format!("its list of series names `{name}`, which it does not have"),
            })
    }

    async fn index(
        &self,
        store: &Arc<dyn ObjectStore>,
        kind: FileKind,
    ) -> Result<Arc<FileIndex>, Error> {
        let file = self.file(kind)?;
        let load = || async {
            let path = self.path(&file.name);
            let tail = store
                .get_range(&path, file.index_offset..file.size_bytes)
                .await
                .map_err(|source| missing_or(path.as_ref(), source))?;
            if crc32fast::hash(&tail) != file.index_crc32 {
                return Err(Error::Damaged {
                    path: path.to_string(),
                    reason: "the checksum of its index is wrong".to_owned(),
                });
            }
            parse_index(&tail, file.size_bytes)
                .map(Arc::new)
                .map_err(|error| Error::Damaged {
                    path: path.to_string(),
                    reason: error.to_string(),
                })
        };
        let cell = self
            .indexes
            .get(&kind)
            .expect("each sample file has a cell");
        cell.get_or_try_init(load).await.cloned()
    }

    /// Fetches and checks the pages that hold the runs in all columns but the first.
    async fn fetch(
        &self,
        store: &Arc<dyn ObjectStore>,
        kind: FileKind,
        index: &FileIndex,
        runs: &[Range<u64>],
        columns: usize,
    ) -> Result<SparseFile, Error> {
        let file = self.file(kind)?;
        let path = self.path(&file.name);
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for column in 1..=columns {
            index.ranges_of(column, runs, &mut ranges);
        }
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup();
        let fetched = store
            .get_ranges(&path, &ranges)
            .await
            .map_err(|source| missing_or(path.as_ref(), source))?;
        let mut parts = Vec::with_capacity(ranges.len());
        for (range, bytes) in ranges.into_iter().zip(fetched) {
            let is_sound = file
                .pages
                .binary_search_by_key(&range.start, |page| page.0)
                .is_ok_and(|at| crc32fast::hash(&bytes) == file.pages[at].2);
            if !is_sound {
                return Err(Error::Damaged {
                    path: path.to_string(),
                    reason: format!("the checksum of the page at byte {} is wrong", range.start),
                });
            }
            parts.push((range.start, bytes));
        }
        Ok(SparseFile {
            size_bytes: file.size_bytes,
            parts,
        })
    }
}

fn missing_or(path: &str, source: object_store::Error) -> Error {
    match source {
        object_store::Error::NotFound { .. } => Error::Damaged {
            path: path.to_owned(),
            reason: "it is missing".to_owned(),
        },
        source => Error::Object {
            action: "read",
            path: path.to_owned(),
            source,
        },
    }
}

/// Joins the rows of neighbouring series.
fn runs(sorted: &[BlockSeries]) -> Vec<Range<u64>> {
    let mut runs: Vec<Range<u64>> = Vec::new();
    for one in sorted {
        let end = one.first_row + one.rows;
        match runs.last_mut() {
            Some(last) if last.end == one.first_row => last.end = end,
            _ => runs.push(one.first_row..end),
        }
    }
    runs
}

/// The footer and the page index of a sample file.
#[derive(Debug)]
pub(crate) struct FileIndex {
    metadata: ParquetMetaData,
    /// The first row of each row group.
    group_starts: Vec<u64>,
}

/// Parses the end of a file.
pub(crate) fn parse_index(tail: &Bytes, size_bytes: u64) -> Result<FileIndex, ParquetError> {
    let mut reader = ParquetMetaDataReader::new()
        .with_column_index_policy(PageIndexPolicy::Skip)
        .with_offset_index_policy(PageIndexPolicy::Required);
    reader.try_parse_sized(tail, size_bytes)?;
    let metadata = reader.finish()?;
    let mut start = 0;
    let mut group_starts = Vec::new();
    for group in metadata.row_groups() {
        group_starts.push(start);
        start += group.num_rows() as u64;
    }
    Ok(FileIndex {
        metadata,
        group_starts,
    })
}

impl FileIndex {
    fn locations(&self, group: usize, column: usize) -> &[PageLocation] {
        self.metadata
            .offset_index()
            .and_then(|groups| groups.get(group)?.get(column))
            .map_or(&[], |index| index.page_locations().as_slice())
    }

    fn dictionary(&self, group: usize, column: usize) -> Option<Range<u64>> {
        let (start, _) = self.metadata.row_group(group).column(column).byte_range();
        let first = self.locations(group, column).first()?.offset as u64;
        (first != start).then_some(start..first)
    }

    /// Returns where all pages of the file are.
    pub(crate) fn page_ranges(&self) -> Vec<Range<u64>> {
        let mut ranges = Vec::new();
        for (group, metadata) in self.metadata.row_groups().iter().enumerate() {
            for column in 0..metadata.num_columns() {
                ranges.extend(self.dictionary(group, column));
                ranges.extend(self.locations(group, column).iter().map(page_range));
            }
        }
        ranges
    }

    /// Adds where the pages of a column with rows of the runs are.
    fn ranges_of(&self, column: usize, runs: &[Range<u64>], into: &mut Vec<Range<u64>>) {
        for group in 0..self.group_starts.len() {
            let locations = self.locations(group, column);
            let mut is_touched = false;
            for run in self.runs_in(group, runs) {
                is_touched = true;
                let first =
                    locations.partition_point(|page| page.first_row_index as u64 <= run.start);
                let end = locations.partition_point(|page| (page.first_row_index as u64) < run.end);
                into.extend(
                    locations[first.saturating_sub(1)..end]
                        .iter()
                        .map(page_range),
                );
            }
            if is_touched {
                into.extend(self.dictionary(group, column));
            }
        }
    }

    /// Cuts the runs to a row group, as rows within it.
    fn runs_in(&self, group: usize, runs: &[Range<u64>]) -> Vec<Range<u64>> {
        let start = self.group_starts[group];
        let end = start + self.metadata.row_group(group).num_rows() as u64;
        runs.iter()
            .filter(|run| run.start < end && run.end > start)
            .map(|run| run.start.max(start) - start..run.end.min(end) - start)
            .collect()
    }
}

fn page_range(page: &PageLocation) -> Range<u64> {
    let start = page.offset as u64;
    start..start + page.compressed_page_size as u64
}

/// A file of which only some parts are here.
struct SparseFile {
    size_bytes: u64,
    parts: Vec<(u64, Bytes)>,
}

impl Length for SparseFile {
    fn len(&self) -> u64 {
        self.size_bytes
    }
}

impl ChunkReader for SparseFile {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let at = self.parts.partition_point(|(offset, _)| *offset <= start);
        let (offset, bytes) = at
            .checked_sub(1)
            .map(|at| &self.parts[at])
            .ok_or_else(|| ParquetError::General(format!("no page at byte {start} was fetched")))?;
        let skip = (start - offset) as usize;
        if skip > bytes.len() {
            return Err(ParquetError::EOF(format!(
                "no page at byte {start} was fetched"
            )));
        }
        Ok(Box::new(bytes.slice(skip..).reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let at = self.parts.partition_point(|(offset, _)| *offset <= start);
        at.checked_sub(1)
            .map(|at| &self.parts[at])
            .and_then(|(offset, bytes)| {
                let skip = (start - offset) as usize;
                (skip + length <= bytes.len()).then(|| bytes.slice(skip..skip + length))
            })
            .ok_or_else(|| ParquetError::EOF(format!("no page at byte {start} was fetched")))
    }
}

fn decode(
    index: &FileIndex,
    pages: SparseFile,
    kind: FileKind,
    resolution: Resolution,
    wanted: &[BlockSeries],
    runs: &[Range<u64>],
) -> Result<Decoded, ParquetError> {
    let pages = Arc::new(pages);
    let names = kind.columns(resolution);
    let total: u64 = wanted.iter().map(|one| one.rows).sum();
    let mut decoded = Decoded {
        times: Vec::with_capacity(total as usize),
        columns: vec![Vec::with_capacity(total as usize); names.len()],
        ..Decoded::default()
    };
    for group in 0..index.group_starts.len() {
        let runs = index.runs_in(group, runs);
        if runs.is_empty() {
            continue;
        }
        let column = |number| Column {
            index,
            pages: &pages,
            group,
            number,
            runs: &runs,
        };
        column(1).read::<Int64Type>(&mut decoded.times, None)?;
        for (at, name) in names.iter().enumerate() {
            let into = &mut decoded.columns[at];
            match kind.class {
                _ if *name == "count" => {
                    let mut counts = Vec::new();
                    column(2 + at).read::<Int64Type>(&mut counts, None)?;
                    from_decimals(&counts, 0, into);
                }
                Class::Decimal(scale) => {
                    let (mut numbers, mut levels) = (Vec::new(), Vec::new());
                    column(2 + at).read::<Int64Type>(&mut numbers, Some(&mut levels))?;
                    let mut values = Vec::with_capacity(numbers.len());
                    from_decimals(&numbers, scale, &mut values);
                    spread(values, &levels, into);
                }
                Class::Double => {
                    let (mut values, mut levels) = (Vec::new(), Vec::new());
                    column(2 + at).read::<DoubleType>(&mut values, Some(&mut levels))?;
                    spread(values, &levels, into);
                }
            }
        }
    }
    let mut at = 0;
    for one in wanted {
        let end = at + one.rows as usize;
        decoded.spans.push((one.id, at..end));
        at = end;
    }
    let is_whole =
        decoded.times.len() == at && decoded.columns.iter().all(|column| column.len() == at);
    if !is_whole {
        return Err(ParquetError::General(format!(
            "{} rows were found in place of {at}",
            decoded.times.len()
        )));
    }
    if kind.is_single {
        let values = decoded.columns.pop().unwrap_or_default();
        decoded.columns = columns_of_singles(values);
    }
    Ok(decoded)
}

/// Puts the staleness marker where a NULL was.
fn spread(values: Vec<f64>, levels: &[i16], into: &mut Vec<f64>) {
    if values.len() == levels.len() {
        if into.is_empty() {
            *into = values;
        } else {
            into.extend_from_slice(&values);
        }
        return;
    }
    let mut values = values.into_iter();
    into.extend(levels.iter().map(|level| {
        if *level == 0 {
            stale_nan()
        } else {
            values.next().unwrap_or_else(stale_nan)
        }
    }));
}

/// A column chunk to be read in runs.
struct Column<'a> {
    index: &'a FileIndex,
    pages: &'a Arc<SparseFile>,
    group: usize,
    number: usize,
    runs: &'a [Range<u64>],
}

impl Column<'_> {
    fn read<T: DataType>(
        &self,
        values: &mut Vec<T::T>,
        mut levels: Option<&mut Vec<i16>>,
    ) -> Result<(), ParquetError> {
        let group = self.index.metadata.row_group(self.group);
        let metadata = group.column(self.number);
        let locations = self.index.locations(self.group, self.number).to_vec();
        let pages = SerializedPageReader::new(
            self.pages.clone(),
            metadata,
            group.num_rows() as usize,
            Some(locations),
        )?;
        let mut reader: ColumnReaderImpl<T> =
            GenericColumnReader::new(metadata.column_descr_ptr(), Box::new(pages));
        let mut at = 0;
        for run in self.runs {
            let skip = (run.start - at) as usize;
            if reader.skip_records(skip)? != skip {
                return Err(ParquetError::EOF("the column ends too early".to_owned()));
            }
            let mut left = (run.end - run.start) as usize;
            while left > 0 {
                let (read, _, _) =
                    reader.read_records(left, levels.as_deref_mut(), None, values)?;
                if read == 0 {
                    return Err(ParquetError::EOF("the column ends too early".to_owned()));
                }
                left -= read;
            }
            at = run.end;
        }
        Ok(())
    }
}
