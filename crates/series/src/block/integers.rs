//! Column chunks of integers, encoded page by page.
//!
//! The Parquet library writes columns too, but lets nobody choose how DELTA_BINARY_PACKED packs
//! ([`delta_pack`](super::delta_pack)); that choice is a third of a sample file's size. What is
//! written is plain Parquet either way.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, Type, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::delta_pack::{Widths, encode};

/// Beyond so many bits a value, whole bytes never compress to less than tight bits.
const MAX_BITS_FOR_BYTES: usize = 10;

/// A column of integers to be written.
pub(crate) struct IntegerColumn<'a> {
    description: &'a ColumnDescPtr,
    values: &'a [i64],
    levels: Option<&'a [i16]>,
    page_rows: usize,
}

impl<'a> IntegerColumn<'a> {
    /// Describes a column by its values that are not NULL and, where it allows NULL, levels: 0
    /// for a row that has it and 1 for one that has not.
    pub(crate) fn new(
        description: &'a ColumnDescPtr,
        values: &'a [i64],
        levels: Option<&'a [i16]>,
        page_rows: usize,
    ) -> Self {
        Self {
            description,
            values,
            levels,
            page_rows,
        }
    }
}

/// Compresses the pages of a file.
pub(crate) struct PageCompressor {
    level: i32,
    zstd: Compressor<'static>,
}

impl PageCompressor {
    pub(crate) fn new(level: i32) -> Result<Self, ParquetError> {
        Ok(Self {
            level,
            zstd: Compressor::new(level)?,
        })
    }

    /// Writes a column as the next one of a row group.
    pub(crate) fn write(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
        column: &IntegerColumn<'_>,
    ) -> Result<(), ParquetError> {
        let rows = column.levels.map_or(column.values.len(), <[i16]>::len);
        let mut sink = TrackedWrite::new(Vec::new());
        let mut pages = SerializedPageWriter::new(&mut sink);
        let mut index = OffsetIndexBuilder::new();
        let (mut compressed_size, mut uncompressed_size) = (0, 0);
        let mut values = column.values;
        for start in (0..rows).step_by(column.page_rows) {
            let end = (start + column.page_rows).min(rows);
            let levels = column.levels.map(|levels| &levels[start..end]);
            let taken = levels.map_or(end - start, |levels| {
                levels.iter().filter(|level| **level == 1).count()
            });
            let (here, rest) = values.split_at(taken);
            values = rest;
            let (size, content) = self.smallest(here, levels)?;
            let page = Page::DataPage {
                buf: content.into(),
                num_values: (end - start) as u32,
                encoding: Encoding::DELTA_BINARY_PACKED,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            };
            let written = pages.write_page(CompressedPage::new(page, size))?;
            index.append_row_count((end - start) as i64);
            index.append_offset_and_size(written.offset as i64, written.compressed_size as i32);
            compressed_size += written.compressed_size as i64;
            uncompressed_size += written.uncompressed_size as i64;
        }
        pages.close()?;
        let bytes = Bytes::from(sink.into_inner()?);
        let metadata = ColumnChunkMetaData::builder(column.description.clone())
            .set_encodings(vec![Encoding::DELTA_BINARY_PACKED, Encoding::RLE])
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(self.level)?))
            .set_num_values(rows as i64)
            .set_total_compressed_size(compressed_size)
            .set_total_uncompressed_size(uncompressed_size)
            .set_data_page_offset(0)
            .set_statistics(statistics(column, rows))
            .build()?;
        let closed = ColumnCloseResult {
            bytes_written: compressed_size as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(index.build()),
        };
        group.append_column(&bytes, closed)
    }

    /// Encodes and compresses a page; returns its size before compression, too.
    fn smallest(
        &mut self,
        values: &[i64],
        levels: Option<&[i16]>,
    ) -> Result<(usize, Vec<u8>), ParquetError> {
        let levels = levels.map(encode_levels).unwrap_or_default();
        let tight = encode(values, Widths::Exact);
        let may_be_bytes = tight.len() * 8 <= values.len() * MAX_BITS_FOR_BYTES;
        let mut best = self.compress(&levels, &tight)?;
        if may_be_bytes {
            let candidate = self.compress(&levels, &encode(values, Widths::WholeBytes))?;
            if candidate.1.len() < best.1.len() {
                best = candidate;
            }
        }
        Ok(best)
    }

    fn compress(&mut self, levels: &[u8], values: &[u8]) -> Result<(usize, Vec<u8>), ParquetError> {
        let page = [levels, values].concat();
        Ok((page.len(), self.zstd.compress(&page)?))
    }
}

fn statistics(column: &IntegerColumn<'_>, rows: usize) -> Statistics {
    let nulls = Some((rows - column.values.len()) as u64);
    let (min, max) = (
        column.values.iter().min().copied(),
        column.values.iter().max().copied(),
    );
    if column.description.physical_type() == Type::INT32 {
        let narrow = |value: Option<i64>| value.map(|value| value as i32);
        Statistics::int32(narrow(min), narrow(max), None, nulls, false)
    } else {
        Statistics::int64(min, max, None, nulls, false)
    }
}

/// Encodes definition levels of one bit as Parquet's RLE and bit-packing hybrid with its length.
fn encode_levels(levels: &[i16]) -> Vec<u8> {
    let mut runs = Vec::new();
    let put_varint = |mut value: usize, runs: &mut Vec<u8>| {
        while value >= 0x80 {
            runs.push(value as u8 | 0x80);
            value >>= 7;
        }
        runs.push(value as u8);
    };
    if levels.iter().all(|level| *level == 1) {
        put_varint(levels.len() << 1, &mut runs);
        runs.push(1);
    } else {
        put_varint((levels.len().div_ceil(8) << 1) | 1, &mut runs);
        runs.extend(levels.chunks(8).map(|bits| {
            bits.iter()
                .enumerate()
                .fold(0_u8, |byte, (at, level)| byte | (*level as u8) << at)
        }));
    }
    let mut encoded = (runs.len() as u32).to_le_bytes().to_vec();
    encoded.append(&mut runs);
    encoded
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::column::reader::get_typed_column_reader;
    use parquet::data_type::Int64Type;
    use parquet::file::properties::WriterProperties;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use proptest::prelude::*;

    use super::*;

    /// Writes a column and reads it back with the library.
    fn check(rows: &[Option<i64>], page_rows: usize) {
        let schema = parse_message_type("message m { optional int64 value; }").unwrap();
        let mut writer = SerializedFileWriter::new(
            Vec::new(),
            Arc::new(schema),
            Arc::new(WriterProperties::new()),
        )
        .unwrap();
        let description = writer.schema_descr().column(0);
        let values: Vec<i64> = rows.iter().copied().flatten().collect();
        let levels: Vec<i16> = rows.iter().map(|row| i16::from(row.is_some())).collect();
        let mut group = writer.next_row_group().unwrap();
        let column = IntegerColumn::new(&description, &values, Some(&levels), page_rows);
        PageCompressor::new(3)
            .unwrap()
            .write(&mut group, &column)
            .unwrap();
        group.close().unwrap();
        let file = Bytes::from(writer.into_inner().unwrap());

        let reader = SerializedFileReader::new(file).unwrap();
        let group = reader.get_row_group(0).unwrap();
        let mut column = get_typed_column_reader::<Int64Type>(group.get_column_reader(0).unwrap());
        let (mut read, mut read_levels) = (Vec::new(), Vec::new());
        let (count, ..) = column
            .read_records(rows.len() + 1, Some(&mut read_levels), None, &mut read)
            .unwrap();
        assert_eq!(count, rows.len());
        assert_eq!((read, read_levels), (values, levels));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_written_reads_back(
            rows in proptest::collection::vec(
                prop_oneof![
                    4 => (0_i64..200).prop_map(Some),
                    2 => any::<i32>().prop_map(|value| Some(i64::from(value))),
                    1 => any::<i64>().prop_map(Some),
                    1 => Just(Some(i64::MIN)),
                    1 => Just(None),
                ],
                1..2000,
            ),
            page_rows in 1_usize..1200,
        ) {
            check(&rows, page_rows);
        }
    }

    #[test]
    fn long_even_columns_and_columns_of_null_read_back() {
        let even: Vec<Option<i64>> = (0..20_000).map(|at| Some(at * 300_000)).collect();
        check(&even, 8192);
        check(&vec![None; 3000], 1000);
    }
}
