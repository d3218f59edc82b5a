//! Writing a block's files.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::DoubleType;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use yunhai_model::{Labels, TimestampMs, is_stale};

use super::chain::{CHAINED_SERIES, chained};
use super::encoding::to_decimal;
use super::integers::{IntegerColumn, PageCompressor};
use super::read::parse_index;
use super::{
    BlockMeta, Class, FORMAT_VERSION, FileKind, FileMeta, Flush, Points, Resolution, RollupColumn,
    SERIES_FILE, SeriesRow, write_series_file,
};
use crate::Error;
use crate::catalogue::SeriesId;

/// Rows that are gathered before they are encoded.
const ROW_GROUP_ROWS: usize = 256 * 1024;
/// Rows of a page of values: small enough that one series costs little to read, large enough to
/// compress.
const PAGE_ROWS: usize = 8192;
/// Rows of a page of timestamps, which are hardly more than their page's header.
const TIME_PAGE_ROWS: usize = 4 * PAGE_ROWS;
/// Finds more in small differences than the usual 3, at a cost that hardly shows beside encoding.
const ZSTD_LEVEL: i32 = 6;

/// A block that is ready to be stored.
#[derive(Debug)]
pub(crate) struct BlockDraft {
    pub(crate) meta: BlockMeta,
    pub(crate) files: Vec<(String, Bytes)>,
    pub(crate) rows: Vec<SeriesRow>,
    /// The ids of the rows' series in this process.
    pub(crate) ids: Vec<SeriesId>,
}

/// Takes series in the order of their metrics and makes a block of them.
pub(crate) struct BlockWriter {
    resolution: Resolution,
    files: BTreeMap<FileKind, SampleFile>,
    rows: Vec<SeriesRow>,
    ids: Vec<SeriesId>,
    min_ms: TimestampMs,
    max_ms: TimestampMs,
    samples: u64,
}

impl BlockWriter {
    pub(crate) fn new(resolution: Resolution) -> Self {
        Self {
            resolution,
            files: BTreeMap::new(),
            rows: Vec::new(),
            ids: Vec::new(),
            min_ms: TimestampMs::MAX,
            max_ms: TimestampMs::MIN,
            samples: 0,
        }
    }

    /// Returns the series added so far.
    pub(crate) fn ids(&self) -> &[SeriesId] {
        &self.ids
    }

    /// Adds series of one metric, in the order of their labels, whose values the class can hold.
    pub(crate) fn add(
        &mut self,
        class: Class,
        series: Vec<(Labels, SeriesId, Points)>,
    ) -> Result<(), Error> {
        let mut series = series.into_iter().peekable();
        while series.peek().is_some() {
            let neighbours: Vec<_> = series.by_ref().take(CHAINED_SERIES).collect();
            for (labels, id, points) in chained(neighbours, |one| one.2.ends()) {
                self.add_one(labels, id, class, &points)?;
            }
        }
        Ok(())
    }

    fn add_one(
        &mut self,
        labels: Labels,
        id: SeriesId,
        class: Class,
        points: &Points,
    ) -> Result<(), Error> {
        let (Some(first), Some(last)) = (points.times.first(), points.times.last()) else {
            return Ok(());
        };
        let number = i32::try_from(self.rows.len()).expect("fewer than 2^31 series in a block");
        let kind = FileKind {
            class,
            is_single: points.are_singles(),
        };
        let columns = kind.columns(self.resolution);
        let file = match self.files.entry(kind) {
            Entry::Occupied(file) => file.into_mut(),
            Entry::Vacant(place) => place.insert(SampleFile::new(class, columns)?),
        };
        self.rows.push(SeriesRow {
            labels,
            file: kind,
            first_row: file.rows,
            rows: points.times.len() as u64,
            min_ms: *first,
            max_ms: *last,
        });
        self.ids.push(id);
        self.min_ms = self.min_ms.min(*first);
        self.max_ms = self.max_ms.max(*last);
        self.samples += points.times.len() as u64;
        let columns: Vec<&[f64]> = if kind.is_single {
            vec![&points.columns[RollupColumn::Last as usize]]
        } else {
            points.columns.iter().map(Vec::as_slice).collect()
        };
        file.add(number, &points.times, &columns)
    }

    /// Encodes what is left. `None` where nothing was added.
    pub(crate) fn finish(
        self,
        id: String,
        sources: Vec<String>,
        flushes: Vec<Flush>,
    ) -> Result<Option<BlockDraft>, Error> {
        if self.rows.is_empty() {
            return Ok(None);
        }
        let mut files = Vec::new();
        for (kind, file) in self.files {
            files.push((kind.file_name(), file.finish()?));
        }
        files.push((SERIES_FILE.to_owned(), write_series_file(&self.rows)?));
        let described = files
            .iter()
            .map(|(name, bytes)| describe(name, bytes))
            .collect::<Result<_, ParquetError>>()?;
        let meta = BlockMeta {
            version: FORMAT_VERSION,
            id,
            resolution: self.resolution,
            min_ms: self.min_ms,
            max_ms: self.max_ms,
            series: self.rows.len() as u64,
            samples: self.samples,
            sources,
            flushes,
            files: described,
            crc32: 0,
        };
        Ok(Some(BlockDraft {
            meta,
            files,
            rows: self.rows,
            ids: self.ids,
        }))
    }
}

/// Takes the checksums of a finished file's parts.
fn describe(name: &str, bytes: &Bytes) -> Result<FileMeta, ParquetError> {
    let footer = parquet::file::metadata::ParquetMetaDataReader::new().parse_and_finish(bytes)?;
    let index_offset = footer
        .row_groups()
        .iter()
        .flat_map(parquet::file::metadata::RowGroupMetaData::columns)
        .map(|column| {
            let (start, length) = column.byte_range();
            start + length
        })
        .max()
        .unwrap_or(4);
    let tail = bytes.slice(index_offset as usize..);
    let mut pages = Vec::new();
    // The list of series is read as a whole, so one checksum does for its pages.
    if name == SERIES_FILE {
        pages.push((
            0,
            index_offset as u32,
            crc32fast::hash(&bytes[..index_offset as usize]),
        ));
    } else {
        let index = parse_index(&tail, bytes.len() as u64)?;
        for range in index.page_ranges() {
            let content = &bytes[range.start as usize..range.end as usize];
            pages.push((range.start, content.len() as u32, crc32fast::hash(content)));
        }
        pages.sort_unstable();
    }
    Ok(FileMeta {
        name: name.to_owned(),
        size_bytes: bytes.len() as u64,
        index_offset,
        index_crc32: crc32fast::hash(&tail),
        pages,
    })
}

/// A sample file in the making.
struct SampleFile {
    class: Class,
    columns: &'static [&'static str],
    /// Rows added so far, those in `writer` among them.
    rows: u64,
    series: Vec<i64>,
    gathered: Points,
    writer: Option<SerializedFileWriter<Vec<u8>>>,
    compressor: PageCompressor,
}

impl SampleFile {
    fn new(class: Class, columns: &'static [&'static str]) -> Result<Self, ParquetError> {
        Ok(Self {
            class,
            columns,
            rows: 0,
            series: Vec::new(),
            gathered: Points {
                times: Vec::new(),
                columns: vec![Vec::new(); columns.len()],
            },
            writer: None,
            compressor: PageCompressor::new(ZSTD_LEVEL)?,
        })
    }

    fn add(&mut self, number: i32, times: &[TimestampMs], columns: &[&[f64]]) -> Result<(), Error> {
        self.gathered.extend(times, columns);
        self.series
            .resize(self.gathered.times.len(), i64::from(number));
        self.rows += times.len() as u64;
        if self.series.len() >= ROW_GROUP_ROWS {
            self.write_row_group()?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Bytes, Error> {
        if !self.series.is_empty() {
            self.write_row_group()?;
        }
        let writer = self.writer.expect("a file is made with its first row");
        Ok(writer.into_inner()?.into())
    }

    fn write_row_group(&mut self) -> Result<(), Error> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.start()?,
        };
        self.write_rows(&mut writer, self.series.len())?;
        self.writer = Some(writer);
        self.series.clear();
        self.gathered.times.clear();
        self.gathered.columns.iter_mut().for_each(Vec::clear);
        Ok(())
    }

    /// Starts the file; doubles get the encoding that is smallest for the first rows.
    fn start(&mut self) -> Result<SerializedFileWriter<Vec<u8>>, Error> {
        if self.class != Class::Double {
            return Ok(self.new_file(Encoding::PLAIN)?);
        }
        let trial_rows = self.series.len().min(64 * 1024);
        let mut best = (usize::MAX, Encoding::PLAIN);
        for encoding in [
            Encoding::RLE_DICTIONARY,
            Encoding::BYTE_STREAM_SPLIT,
            Encoding::PLAIN,
        ] {
            let mut writer = self.new_file(encoding)?;
            self.write_rows(&mut writer, trial_rows)?;
            let size = writer.into_inner()?.len();
            if size < best.0 {
                best = (size, encoding);
            }
        }
        Ok(self.new_file(best.1)?)
    }

    fn new_file(
        &self,
        double_encoding: Encoding,
    ) -> Result<SerializedFileWriter<Vec<u8>>, ParquetError> {
        let values: String = self
            .columns
            .iter()
            .map(|name| match (*name, self.class) {
                ("count", _) => "required int64 count;".to_owned(),
                (name, Class::Decimal(scale)) => {
                    format!("optional int64 {name} (DECIMAL(18,{scale}));")
                }
                (name, Class::Double) => format!("optional double {name};"),
            })
            .collect();
        let schema = parse_message_type(&format!(
            "message samples {{ required int32 series; required int64 timestamp (TIMESTAMP(MILLIS,true)); {values} }}"
        ))?;
        let mut properties = WriterProperties::builder()
            .set_created_by("yunhai".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_dictionary_enabled(double_encoding == Encoding::RLE_DICTIONARY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_write_batch_size(PAGE_ROWS)
            .set_max_row_group_row_count(None);
        if double_encoding != Encoding::RLE_DICTIONARY {
            properties = properties.set_encoding(double_encoding);
        }
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties.build()))
    }

    /// Writes the first of the gathered rows as a row group.
    fn write_rows(
        &mut self,
        writer: &mut SerializedFileWriter<Vec<u8>>,
        rows: usize,
    ) -> Result<(), ParquetError> {
        let descriptions = writer.schema_descr().columns().to_vec();
        let mut group = writer.next_row_group()?;
        // The series is needed to find rows without the list of series only, so never in pieces.
        let series =
            IntegerColumn::new(&descriptions[0], &self.series[..rows], None, ROW_GROUP_ROWS);
        self.compressor.write(&mut group, &series)?;
        let times = IntegerColumn::new(
            &descriptions[1],
            &self.gathered.times[..rows],
            None,
            TIME_PAGE_ROWS,
        );
        self.compressor.write(&mut group, &times)?;
        for (at, (name, column)) in self.columns.iter().zip(&self.gathered.columns).enumerate() {
            let column = &column[..rows];
            if *name == "count" {
                let counts: Vec<i64> = column.iter().map(|count| *count as i64).collect();
                let counts = IntegerColumn::new(&descriptions[2 + at], &counts, None, PAGE_ROWS);
                self.compressor.write(&mut group, &counts)?;
                continue;
            }
            let levels: Vec<i16> = column
                .iter()
                .map(|value| i16::from(!is_stale(*value)))
                .collect();
            let values = column.iter().copied().filter(|value| !is_stale(*value));
            match self.class {
                Class::Decimal(scale) => {
                    let numbers: Vec<i64> = values.map(|value| to_decimal(value, scale)).collect();
                    let numbers = IntegerColumn::new(
                        &descriptions[2 + at],
                        &numbers,
                        Some(&levels),
                        PAGE_ROWS,
                    );
                    self.compressor.write(&mut group, &numbers)?;
                }
                Class::Double => {
                    let values: Vec<f64> = values.collect();
                    let mut column = group
                        .next_column()?
                        .expect("the schema has a column for each that is written");
                    column
                        .typed::<DoubleType>()
                        .write_batch(&values, Some(&levels), None)?;
                    column.close()?;
                }
            }
        }
        group.close()?;
        Ok(())
    }
}
