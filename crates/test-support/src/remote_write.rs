//! Bodies of Prometheus's remote write 1.0, also such as no honest client sends.

use prost::Message;

/// A request (`prompb/remote.proto` of Prometheus), as far as it is used here.
#[derive(Clone, PartialEq, Message)]
pub struct WriteRequest {
    /// The series.
    #[prost(message, repeated, tag = "1")]
    pub series: Vec<Series>,
    /// What is told of metrics.
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<Metadata>,
}

/// A series. Names and values are bytes, so that a test can send what is no UTF-8.
#[derive(Clone, PartialEq, Message)]
pub struct Series {
    /// The labels, in the order of their names.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// The samples, in the order of their times.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
}

/// A label.
#[derive(Clone, PartialEq, Message)]
pub struct Label {
    /// Its name.
    #[prost(bytes, tag = "1")]
    pub name: Vec<u8>,
    /// Its value.
    #[prost(bytes, tag = "2")]
    pub value: Vec<u8>,
}

/// A sample.
#[derive(Clone, PartialEq, Message)]
pub struct Sample {
    /// The value.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// When it was, in milliseconds.
    #[prost(int64, tag = "2")]
    pub timestamp_ms: i64,
}

/// What is told of a metric.
#[derive(Clone, PartialEq, Message)]
pub struct Metadata {
    /// `MetricMetadata.MetricType`: 1 counter, 2 gauge.
    #[prost(int32, tag = "1")]
    pub kind: i32,
    /// The metric's name.
    #[prost(string, tag = "2")]
    pub metric: String,
    /// What it is.
    #[prost(string, tag = "4")]
    pub help: String,
}

impl WriteRequest {
    /// Decompresses and decodes a body.
    ///
    /// # Panics
    /// Where it is none.
    pub fn of_body(body: &[u8]) -> Self {
        let bytes = snap::raw::Decoder::new().decompress_vec(body);
        let bytes = bytes.expect("the body is compressed with snappy");
        Self::decode(&*bytes).expect("the body is a request")
    }

    /// Encodes the request.
    pub fn bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    /// Encodes and compresses the request.
    ///
    /// # Panics
    /// Where it is larger than snappy takes.
    pub fn body(&self) -> Vec<u8> {
        snap::raw::Encoder::new()
            .compress_vec(&self.bytes())
            .expect("a request of a test is far below what snappy takes")
    }
}

impl Series {
    /// Makes a series of its labels and samples, each a time in milliseconds and a value.
    pub fn new<Value: AsRef<[u8]>>(
        labels: impl IntoIterator<Item = (impl AsRef<str>, Value)>,
        samples: impl IntoIterator<Item = (i64, f64)>,
    ) -> Self {
        let labels = labels.into_iter().map(|(name, value)| Label {
            name: name.as_ref().as_bytes().to_vec(),
            value: value.as_ref().to_vec(),
        });
        let samples = samples.into_iter().map(|(timestamp_ms, value)| Sample {
            value,
            timestamp_ms,
        });
        Self {
            labels: labels.collect(),
            samples: samples.collect(),
        }
    }

    /// Returns the value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        let mut labels = self.labels.iter();
        let found = labels.find(|label| label.name == name.as_bytes())?;
        std::str::from_utf8(&found.value).ok()
    }
}

/// Encodes one series with its samples, each a time in milliseconds and a value, and compresses it.
pub fn body(labels: &[(&str, &[u8])], samples: &[(i64, f64)]) -> Vec<u8> {
    let series = Series::new(labels.iter().copied(), samples.iter().copied());
    WriteRequest {
        series: vec![series],
        metadata: Vec::new(),
    }
    .body()
}
