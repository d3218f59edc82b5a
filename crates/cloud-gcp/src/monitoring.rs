//! What Cloud Monitoring says, as far as it is of use here (`monitoring.v3` of Google's discovery
//! service).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use yunhai_cloud::ErrorKind;
use yunhai_model::TimestampMs;

/// How often Compute Engine measures.
pub(crate) const PERIOD_SECS: u64 = 60;

/// `ListTimeSeriesResponse`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TimeSeriesList {
    pub(crate) time_series: Vec<TimeSeries>,
    pub(crate) execution_errors: Vec<Status>,
    pub(crate) unreachable: Vec<String>,
    pub(crate) next_page_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TimeSeries {
    pub(crate) metric: Labelled,
    pub(crate) resource: Labelled,
    pub(crate) points: Vec<Point>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Labelled {
    pub(crate) labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Point {
    pub(crate) interval: Interval,
    #[serde(default)]
    pub(crate) value: TypedValue,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Interval {
    pub(crate) start_time: Option<jiff::Timestamp>,
    pub(crate) end_time: jiff::Timestamp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TypedValue {
    pub(crate) double_value: Option<Value>,
    pub(crate) int64_value: Option<Value>,
}

/// `google.rpc.Status`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) code: i32,
    pub(crate) message: String,
}

/// A value with the interval that it is of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) from_ms: TimestampMs,
    pub(crate) until_ms: TimestampMs,
    pub(crate) value: f64,
}

impl Point {
    /// Takes the value out; one that is no number is none.
    pub(crate) fn measured(&self) -> Option<Measured> {
        let TypedValue {
            double_value,
            int64_value,
        } = &self.value;
        let value = number(double_value.as_ref().or(int64_value.as_ref())?)?;
        let until_ms = self.interval.end_time.as_millisecond();
        let from = self
            .interval
            .start_time
            .map(jiff::Timestamp::as_millisecond);
        Some(Measured {
            from_ms: from.unwrap_or(until_ms),
            until_ms,
            value,
        })
    }
}

impl Measured {
    /// How long it was measured; what is of a moment only counts as a period.
    pub(crate) fn secs(self) -> f64 {
        match self.until_ms - self.from_ms {
            0 => PERIOD_SECS as f64,
            length_ms => length_ms as f64 / 1000.0,
        }
    }
}

/// Reads a number, which comes as text where JSON cannot hold it; infinity is none.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.parse().ok()?,
        other => other.as_f64()?,
    };
    number.is_finite().then_some(number)
}

impl Status {
    /// Sorts its code, a `google.rpc.Code`.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self.code {
            7 => ErrorKind::Denied,
            8 => ErrorKind::Throttled,
            16 => ErrorKind::Credentials,
            3 | 9 | 11 => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_as_such_and_as_text() {
        for (value, wanted) in [
            (serde_json::json!(0.5), Some(0.5)),
            (serde_json::json!("12"), Some(12.0)),
            (serde_json::json!("NaN"), None),
            (serde_json::json!("Infinity"), None),
            (serde_json::json!(true), None),
        ] {
            assert_eq!(number(&value), wanted, "{value}");
        }
    }
}
