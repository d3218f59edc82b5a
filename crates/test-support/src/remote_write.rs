//! Bodies of Prometheus's remote write 1.0, also such as no honest client sends.

use prost::Message as _;

/// The schema (`prompb/remote.proto` of Prometheus), as far as it is used here. Names and values are
/// bytes, so that a test can send what is no UTF-8.
#[derive(Clone, PartialEq, prost::Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    series: Vec<Series>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Series {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Label {
    #[prost(bytes, tag = "1")]
    name: Vec<u8>,
    #[prost(bytes, tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

/// Encodes one series with its samples, each a time in milliseconds and a value, and compresses it.
pub fn body(labels: &[(&str, &[u8])], samples: &[(i64, f64)]) -> Vec<u8> {
    let labels = labels.iter().map(|(name, value)| Label {
        name: name.as_bytes().to_vec(),
        value: value.to_vec(),
    });
    let samples = samples
        .iter()
        .map(|&(timestamp, value)| Sample { value, timestamp });
    let request = WriteRequest {
        series: vec![Series {
            labels: labels.collect(),
            samples: samples.collect(),
        }],
    };
    snap::raw::Encoder::new()
        .compress_vec(&request.encode_to_vec())
        .expect("a request of a test is far below what snappy takes")
}
