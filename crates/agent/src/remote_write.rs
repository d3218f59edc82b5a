//! Writes Prometheus remote write 1.0 (`prompb/remote.proto` and `types.proto` of Prometheus).
//!
//! Messages of protobuf that stand one after the other are one message with all their parts, so that
//! rounds of measuring can be kept apart and sent together.

use yunhai_collector::metrics::{METRICS, MetricInfo, MetricKind};
use yunhai_model::TimeSeries;

/// Field numbers with their wire types, as keys of protobuf.
mod key {
    pub(super) const SERIES: u8 = 1 << 3 | 2;
    pub(super) const METADATA: u8 = 3 << 3 | 2;
    pub(super) const LABEL: u8 = 1 << 3 | 2;
    pub(super) const SAMPLE: u8 = 2 << 3 | 2;
    pub(super) const NAME: u8 = 1 << 3 | 2;
    pub(super) const TEXT: u8 = 2 << 3 | 2;
    pub(super) const VALUE: u8 = 1 << 3 | 1;
    pub(super) const TIMESTAMP: u8 = 2 << 3;
    pub(super) const KIND: u8 = 1 << 3;
    pub(super) const METRIC: u8 = 2 << 3 | 2;
    pub(super) const HELP: u8 = 4 << 3 | 2;
    pub(super) const UNIT: u8 = 5 << 3 | 2;
}

/// Returns a `WriteRequest` with these series.
pub(crate) fn request(series: &[TimeSeries]) -> Vec<u8> {
    let (mut request, mut message, mut part) = (Vec::new(), Vec::new(), Vec::new());
    for one in series {
        message.clear();
        for (name, value) in one.labels.iter() {
            part.clear();
            put_bytes(&mut part, key::NAME, name.as_bytes());
            put_bytes(&mut part, key::TEXT, value.as_bytes());
            put_bytes(&mut message, key::LABEL, &part);
        }
        for sample in &one.samples {
            part.clear();
            part.push(key::VALUE);
            part.extend_from_slice(&sample.value.to_le_bytes());
            part.push(key::TIMESTAMP);
            put_varint(&mut part, sample.timestamp_ms.cast_unsigned());
            put_bytes(&mut message, key::SAMPLE, &part);
        }
        put_bytes(&mut request, key::SERIES, &message);
    }
    request
}

/// Returns a `WriteRequest` that tells what the collector's metrics mean.
pub(crate) fn metadata() -> Vec<u8> {
    let (mut request, mut message) = (Vec::new(), Vec::new());
    for metric in METRICS {
        message.clear();
        put_metadata(&mut message, metric);
        put_bytes(&mut request, key::METADATA, &message);
    }
    request
}

fn put_metadata(into: &mut Vec<u8>, metric: &MetricInfo) {
    // `MetricMetadata.MetricType`
    let kind = match metric.kind {
        MetricKind::Counter => 1,
        MetricKind::Gauge => 2,
    };
    into.push(key::KIND);
    put_varint(into, kind);
    put_bytes(into, key::METRIC, metric.name.as_bytes());
    put_bytes(into, key::HELP, metric.help.as_bytes());
    put_bytes(into, key::UNIT, metric.unit.as_str().as_bytes());
}

fn put_bytes(into: &mut Vec<u8>, key: u8, bytes: &[u8]) {
    into.push(key);
    put_varint(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

fn put_varint(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}
