//! `series.parquet`: the labels of a block's series and where their rows are.

use std::sync::Arc;

use arrow_array::builder::{
    Int32Builder, Int64Builder, MapBuilder, MapFieldNames, StringBuilder,
    TimestampMillisecondBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMillisecondType};
use arrow_array::{ArrayRef, RecordBatch};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use yunhai_model::{Labels, METRIC_NAME, TimestampMs};

use super::FileKind;
use crate::Error;

/// A series of a block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SeriesRow {
    pub(crate) labels: Labels,
    /// The sample file that has its rows.
    pub(crate) file: FileKind,
    /// Its first row in that file.
    pub(crate) first_row: u64,
    /// How many rows follow, the first one included.
    pub(crate) rows: u64,
    pub(crate) min_ms: TimestampMs,
    pub(crate) max_ms: TimestampMs,
}

/// Encodes the list; a row's place is the number that the sample files call the series by.
pub(crate) fn write_series_file(rows: &[SeriesRow]) -> Result<Bytes, Error> {
    let mut ids = Int32Builder::new();
    let mut metrics = StringBuilder::new();
    let names = MapFieldNames {
        entry: "key_value".to_owned(),
        key: "key".to_owned(),
        value: "value".to_owned(),
    };
    let mut labels = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    let mut files = StringBuilder::new();
    let mut first_rows = Int64Builder::new();
    let mut counts = Int64Builder::new();
    let mut starts = TimestampMillisecondBuilder::new().with_timezone("UTC");
    let mut ends = TimestampMillisecondBuilder::new().with_timezone("UTC");
    for (id, row) in rows.iter().enumerate() {
        ids.append_value(id as i32);
        metrics.append_value(row.labels.metric_name().unwrap_or(""));
        for (name, value) in row.labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
            labels.keys().append_value(name);
            labels.values().append_value(value);
        }
        labels.append(true).map_err(ParquetError::from)?;
        files.append_value(row.file.file_name());
        first_rows.append_value(row.first_row as i64);
        counts.append_value(row.rows as i64);
        starts.append_value(row.min_ms);
        ends.append_value(row.max_ms);
    }
    let columns: [(&str, ArrayRef); 8] = [
        ("series", Arc::new(ids.finish())),
        ("metric", Arc::new(metrics.finish())),
        ("labels", Arc::new(labels.finish())),
        ("file", Arc::new(files.finish())),
        ("first_row", Arc::new(first_rows.finish())),
        ("rows", Arc::new(counts.finish())),
        ("min_timestamp", Arc::new(starts.finish())),
        ("max_timestamp", Arc::new(ends.finish())),
    ];
    let batch = RecordBatch::try_from_iter(columns).map_err(ParquetError::from)?;
    let properties = WriterProperties::builder()
        .set_created_by("yunhai".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?.into())
}

/// Decodes the list.
pub(crate) fn read_series_file(path: &str, bytes: Bytes) -> Result<Vec<SeriesRow>, Error> {
    let damaged = |reason: String| Error::Damaged {
        path: path.to_owned(),
        reason,
    };
    let wrong_parquet = |error: ParquetError| damaged(error.to_string());
    let mut rows = Vec::new();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(wrong_parquet)?;
    for batch in reader {
        let batch = batch.map_err(|error| damaged(error.to_string()))?;
        let column = |name: &str| {
            batch
                .column_by_name(name)
                .ok_or_else(|| damaged(format!("it has no column `{name}`")))
        };
        let not = |name: &str| damaged(format!("its column `{name}` has another type"));
        let metrics = column("metric")?;
        let metrics = metrics
            .as_string_opt::<i32>()
            .ok_or_else(|| not("metric"))?;
        let files = column("file")?;
        let files = files.as_string_opt::<i32>().ok_or_else(|| not("file"))?;
        let labels = column("labels")?;
        let labels = labels.as_map_opt().ok_or_else(|| not("labels"))?;
        let keys = labels
            .keys()
            .as_string_opt::<i32>()
            .ok_or_else(|| not("labels"))?;
        let values = labels
            .values()
            .as_string_opt::<i32>()
            .ok_or_else(|| not("labels"))?;
        let number = |name: &'static str| {
            let column = column(name)?;
            column
                .as_primitive_opt::<Int64Type>()
                .map(|array| array.values().clone())
                .ok_or_else(|| not(name))
        };
        let time = |name: &'static str| {
            let column = column(name)?;
            column
                .as_primitive_opt::<TimestampMillisecondType>()
                .map(|array| array.values().clone())
                .ok_or_else(|| not(name))
        };
        let (first_rows, counts) = (number("first_row")?, number("rows")?);
        let (starts, ends) = (time("min_timestamp")?, time("max_timestamp")?);
        let offsets = labels.value_offsets();
        for at in 0..batch.num_rows() {
            let range = offsets[at] as usize..offsets[at + 1] as usize;
            let pairs = range
                .map(|pair| (keys.value(pair), values.value(pair)))
                .chain([(METRIC_NAME, metrics.value(at))]);
            let file = files.value(at);
            rows.push(SeriesRow {
                labels: Labels::new(pairs),
                file: FileKind::of_file(file)
                    .ok_or_else(|| damaged(format!("`{file}` is not a sample file")))?,
                first_row: first_rows[at] as u64,
                rows: counts[at] as u64,
                min_ms: starts[at],
                max_ms: ends[at],
            });
        }
    }
    Ok(rows)
}
