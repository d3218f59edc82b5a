//! What a query answers, and its form in the Prometheus HTTP API.

use serde::ser::{SerializeMap, SerializeSeq, SerializeTuple};
use serde::{Serialize, Serializer};
use yunhai_model::{Labels, Sample, TimeSeries, TimestampMs};

use crate::number::GoFloat;

/// The value of a query.
///
/// Serialises as the `data` of the Prometheus HTTP API:
/// `{"resultType": "vector", "result": [{"metric": {…}, "value": [1435781451.781, "1"]}]}`.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryValue {
    /// A number at the time of evaluation.
    Scalar(Sample),
    /// A text at the time of evaluation.
    String {
        /// When it was evaluated.
        timestamp_ms: TimestampMs,
        /// The text.
        value: String,
    },
    /// One value for each series; in the order of `sort` and the like where the expression asks.
    Vector(Vec<InstantSample>),
    /// Series with their values over the range, sorted by labels.
    Matrix(Vec<TimeSeries>),
}

/// A series and its value at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct InstantSample {
    /// What names the series.
    pub labels: Labels,
    /// The time of evaluation.
    pub timestamp_ms: TimestampMs,
    /// The value.
    pub value: f64,
}

/// A value and what the reader should know about how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotated {
    /// The value.
    pub value: QueryValue,
    /// What is probably wrong, such as a quantile outside 0 to 1.
    pub warnings: Vec<String>,
    /// What may be wrong, such as the rate of a metric that is not named like a counter.
    pub infos: Vec<String>,
}

impl QueryValue {
    /// The name of the value's type in the HTTP API.
    pub fn result_type(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "scalar",
            Self::String { .. } => "string",
            Self::Vector(_) => "vector",
            Self::Matrix(_) => "matrix",
        }
    }
}

impl Serialize for QueryValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("resultType", self.result_type())?;
        match self {
            Self::Scalar(sample) => map.serialize_entry("result", &Point::from(*sample))?,
            Self::String {
                timestamp_ms,
                value,
            } => map.serialize_entry("result", &(Seconds(*timestamp_ms), value))?,
            Self::Vector(samples) => map.serialize_entry("result", samples)?,
            Self::Matrix(series) => map.serialize_entry("result", &Matrix(series))?,
        }
        map.end()
    }
}

impl Serialize for InstantSample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("metric", &self.labels)?;
        map.serialize_entry("value", &Point(self.timestamp_ms, self.value))?;
        map.end()
    }
}

struct Matrix<'a>(&'a [TimeSeries]);

impl Serialize for Matrix<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for series in self.0 {
            list.serialize_element(&Series(series))?;
        }
        list.end()
    }
}

struct Series<'a>(&'a TimeSeries);

impl Serialize for Series<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("metric", &self.0.labels)?;
        map.serialize_entry("values", &Points(&self.0.samples))?;
        map.end()
    }
}

struct Points<'a>(&'a [Sample]);

impl Serialize for Points<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|sample| Point::from(*sample)))
    }
}

/// `[seconds, "value"]`
struct Point(TimestampMs, f64);

impl From<Sample> for Point {
    fn from(sample: Sample) -> Self {
        Self(sample.timestamp_ms, sample.value)
    }
}

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element(&Seconds(self.0))?;
        pair.serialize_element(&Text(self.1))?;
        pair.end()
    }
}

struct Text(f64);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&GoFloat(self.0))
    }
}

/// Milliseconds as a JSON number of seconds: `1435781430`, `1435781430.781`.
struct Seconds(TimestampMs);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1000 == 0 {
            serializer.serialize_i64(self.0 / 1000)
        } else {
            serializer.serialize_f64(self.0 as f64 / 1000.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &QueryValue, json: &str) {
        assert_eq!(serde_json::to_string(value).unwrap(), json);
    }

    #[test]
    fn values_have_the_shape_of_the_http_api() {
        let labels = Labels::of_metric("up", [("job", "a")]);
        check(
            &QueryValue::Scalar(Sample {
                timestamp_ms: 1_435_781_451_781,
                value: 1.5,
            }),
            r#"{"resultType":"scalar","result":[1435781451.781,"1.5"]}"#,
        );
        check(
            &QueryValue::String {
                timestamp_ms: 5000,
                value: "a".into(),
            },
            r#"{"resultType":"string","result":[5,"a"]}"#,
        );
        check(
            &QueryValue::Vector(vec![InstantSample {
                labels: labels.clone(),
                timestamp_ms: 5000,
                value: f64::NAN,
            }]),
            r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[5,"NaN"]}]}"#,
        );
        check(
            &QueryValue::Matrix(vec![TimeSeries {
                labels,
                samples: vec![Sample {
                    timestamp_ms: 1,
                    value: f64::INFINITY,
                }],
            }]),
            r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},"values":[[0.001,"+Inf"]]}]}"#,
        );
    }
}
