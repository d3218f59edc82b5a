//! OTLP metrics as Prometheus series, after OpenTelemetry's own rules
//! (<https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>).
//!
//! Sums and histograms must be cumulative, and histograms must have explicit buckets: what is not
//! is left out and named in the answer. `host.name` becomes the label `server`, so that rules and
//! silences by server hold for it; the other attributes of a resource stand in `target_info`.

mod names;

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, HistogramDataPoint, Metric, NumberDataPoint,
    SummaryDataPoint,
};
use yunhai_model::{Labels, Sample, TimeSeries, stale_nan};
use yunhai_series::{MetricKind, MetricMetadata};

use names::{metric_name, sanitize};

/// A request as the store takes it.
#[derive(Debug, Default)]
pub(crate) struct Converted {
    pub(crate) series: Vec<TimeSeries>,
    pub(crate) metadata: Vec<(String, MetricMetadata)>,
    /// Why something was left out, and the metrics that this holds for.
    left_out: BTreeMap<&'static str, Vec<String>>,
    /// How many data points were left out.
    pub(crate) left_out_points: usize,
}

/// Why a sum or a histogram that tells of what has come since the last one is left out.
const NOT_CUMULATIVE: &str = "the temporality is not cumulative; let the SDK send cumulative values \
                              (OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative), or a \
                              Collector make them so (its processor deltatocumulative)";

/// Why an exponential histogram is left out.
const EXPONENTIAL: &str = "exponential histograms are not stored; let the SDK send explicit buckets \
                           (OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=\
                           explicit_bucket_histogram)";

/// How many metrics are named for a reason.
const NAMED: usize = 10;

/// Converts a request.
pub(crate) fn convert(request: ExportMetricsServiceRequest) -> Converted {
    let mut converted = Converted::default();
    for resource_metrics in request.resource_metrics {
        let attributes = resource_metrics
            .resource
            .map(|resource| resource.attributes)
            .unwrap_or_default();
        let base = resource_labels(&attributes);
        let first = converted.series.len();
        for metric in resource_metrics
            .scope_metrics
            .into_iter()
            .flat_map(|scope| scope.metrics)
        {
            converted.add(&base, metric);
        }
        converted.add_target_info(&base, &attributes, first);
    }
    converted
}

/// The series with the attributes of a resource.
const TARGET_INFO: &str = "target_info";

/// The attributes that every series of a resource has as labels.
const NAMING: [&str; 4] = [
    "service.name",
    "service.namespace",
    "service.instance.id",
    "host.name",
];

/// The labels that tell sources apart: `job`, `instance` and `server`.
fn resource_labels(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let get = |key: &str| {
        attributes
            .iter()
            .find(|attribute| attribute.key == key)
            .map(|attribute| text(attribute.value.as_ref()))
            .filter(|value| !value.is_empty())
    };
    let job = match (get("service.namespace"), get("service.name")) {
        (Some(namespace), Some(name)) => Some(format!("{namespace}/{name}")),
        (_, name) => name,
    };
    [
        ("job", job),
        ("instance", get("service.instance.id")),
        ("server", get("host.name")),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some((label.to_owned(), value?)))
    .collect()
}

impl Converted {
    fn add(&mut self, base: &[(String, String)], metric: Metric) {
        let name = metric_name(&metric);
        let Some(data) = metric.data else { return };
        let (kind, points) = match &data {
            Data::Gauge(gauge) => (MetricKind::Gauge, gauge.data_points.len()),
            Data::Sum(sum) if sum.is_monotonic => (MetricKind::Counter, sum.data_points.len()),
            Data::Sum(sum) => (MetricKind::Gauge, sum.data_points.len()),
            Data::Histogram(histogram) => (MetricKind::Histogram, histogram.data_points.len()),
            Data::Summary(summary) => (MetricKind::Summary, summary.data_points.len()),
            Data::ExponentialHistogram(histogram) => {
                return self.leave_out(name, EXPONENTIAL, histogram.data_points.len());
            }
        };
        let temporality = match &data {
            Data::Sum(sum) => sum.aggregation_temporality,
            Data::Histogram(histogram) => histogram.aggregation_temporality,
            _ => AggregationTemporality::Cumulative as i32,
        };
        if temporality != AggregationTemporality::Cumulative as i32 {
            return self.leave_out(name, NOT_CUMULATIVE, points);
        }
        let told = MetricMetadata {
            kind,
            help: metric.description,
            unit: metric.unit,
        };
        self.metadata.push((name.clone(), told));
        match data {
            Data::Gauge(gauge) => self.add_numbers(base, &name, &gauge.data_points),
            Data::Sum(sum) => self.add_numbers(base, &name, &sum.data_points),
            Data::Histogram(histogram) => {
                for point in &histogram.data_points {
                    self.add_histogram(base, &name, point);
                }
            }
            Data::Summary(summary) => {
                for point in &summary.data_points {
                    self.add_summary(base, &name, point);
                }
            }
            Data::ExponentialHistogram(_) => {}
        }
    }

    /// Adds `target_info`, which keeps the resource's other attributes, so that queries can join
    /// them to what was measured since the series at `first`.
    fn add_target_info(
        &mut self,
        base: &[(String, String)],
        attributes: &[KeyValue],
        first: usize,
    ) {
        let others: Vec<KeyValue> = attributes
            .iter()
            .filter(|attribute| !NAMING.contains(&attribute.key.as_str()))
            .cloned()
            .collect();
        let newest_ms = self.series[first..]
            .iter()
            .flat_map(|series| &series.samples)
            .map(|sample| sample.timestamp_ms)
            .max();
        // What has no name cannot be joined to anything.
        let (Some(newest_ms), false, false) = (newest_ms, base.is_empty(), others.is_empty())
        else {
            return;
        };
        let source = Source::new(base, &others, 0, 0);
        let source = Source {
            timestamp_ms: newest_ms,
            ..source
        };
        self.metadata.push((
            TARGET_INFO.to_owned(),
            MetricMetadata {
                kind: MetricKind::Gauge,
                help: "The attributes of a resource of OpenTelemetry".to_owned(),
                unit: String::new(),
            },
        ));
        self.push(&source, TARGET_INFO, None, 1.0);
    }

    fn leave_out(&mut self, name: String, reason: &'static str, points: usize) {
        let names = self.left_out.entry(reason).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
        self.left_out_points += points;
    }

    /// Tells what was left out and what to do: a sentence for each reason.
    pub(crate) fn left_out(&self) -> Vec<String> {
        let sentence = |(reason, names): (&&str, &Vec<String>)| {
            let named = names[..names.len().min(NAMED)].join(", ");
            match names.len().saturating_sub(NAMED) {
                0 => format!("{named}: {reason}"),
                more => format!("{named} and {more} more: {reason}"),
            }
        };
        self.left_out.iter().map(sentence).collect()
    }

    fn add_numbers(&mut self, base: &[(String, String)], name: &str, points: &[NumberDataPoint]) {
        for point in points {
            let value = match point.value {
                Some(Number::AsDouble(value)) => value,
                Some(Number::AsInt(value)) => value as f64,
                None => continue,
            };
            let source = Source::new(base, &point.attributes, point.time_unix_nano, point.flags);
            self.push(&source, name, None, value);
        }
    }

    fn add_histogram(&mut self, base: &[(String, String)], name: &str, point: &HistogramDataPoint) {
        let source = Source::new(base, &point.attributes, point.time_unix_nano, point.flags);
        let bucket = format!("{name}_bucket");
        let mut cumulative = 0_u64;
        for (count, bound) in point.bucket_counts.iter().zip(&point.explicit_bounds) {
            cumulative += count;
            self.push(
                &source,
                &bucket,
                Some(("le", bound.to_string())),
                cumulative as f64,
            );
        }
        let count = point.count as f64;
        self.push(&source, &bucket, Some(("le", "+Inf".to_owned())), count);
        self.push(&source, &format!("{name}_count"), None, count);
        if let Some(sum) = point.sum {
            self.push(&source, &format!("{name}_sum"), None, sum);
        }
    }

    fn add_summary(&mut self, base: &[(String, String)], name: &str, point: &SummaryDataPoint) {
        let source = Source::new(base, &point.attributes, point.time_unix_nano, point.flags);
        for value in &point.quantile_values {
            let quantile = ("quantile", value.quantile.to_string());
            self.push(&source, name, Some(quantile), value.value);
        }
        self.push(&source, &format!("{name}_count"), None, point.count as f64);
        self.push(&source, &format!("{name}_sum"), None, point.sum);
    }

    fn push(
        &mut self,
        source: &Source,
        name: &str,
        extra: Option<(&'static str, String)>,
        value: f64,
    ) {
        let extra = extra.map(|(label, value)| (label.to_owned(), value));
        let value = if source.no_value { stale_nan() } else { value };
        self.series.push(TimeSeries {
            labels: Labels::of_metric(name, source.labels.iter().cloned().chain(extra)),
            samples: vec![Sample {
                timestamp_ms: source.timestamp_ms,
                value,
            }],
        });
    }
}

/// What the samples of one data point share.
struct Source {
    labels: Vec<(String, String)>,
    timestamp_ms: i64,
    no_value: bool,
}

impl Source {
    fn new(base: &[(String, String)], attributes: &[KeyValue], nanos: u64, flags: u32) -> Self {
        let own = attributes.iter().map(|attribute| {
            (
                sanitize(&attribute.key, false),
                text(attribute.value.as_ref()),
            )
        });
        Self {
            // The resource's labels come last: a data point must not pass for another machine.
            labels: own.chain(base.iter().cloned()).collect(),
            timestamp_ms: (nanos / 1_000_000).cast_signed(),
            no_value: flags & DataPointFlags::NoRecordedValueMask as u32 != 0,
        }
    }
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(other) => serde_json::to_string(other).unwrap_or_default(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request as the OpenTelemetry documentation shows it
    /// (`opentelemetry-proto/examples/metrics.json`), with the cases that matter.
    fn request(metrics: &str) -> ExportMetricsServiceRequest {
        serde_json::from_str(&format!(
            r#"{{"resourceMetrics": [{{
                "resource": {{"attributes": [
                    {{"key": "service.name", "value": {{"stringValue": "shop"}}}},
                    {{"key": "service.namespace", "value": {{"stringValue": "prod"}}}},
                    {{"key": "host.name", "value": {{"stringValue": "web-1"}}}}
                ]}},
                "scopeMetrics": [{{"metrics": [{metrics}]}}]
            }}]}}"#
        ))
        .unwrap()
    }

    fn lines(converted: &Converted) -> Vec<String> {
        converted
            .series
            .iter()
            .map(|series| format!("{} {}", series.labels, series.samples[0].value))
            .collect()
    }

    #[test]
    fn counters_and_gauges_take_prometheus_names() {
        let converted = convert(request(
            r#"{"name": "http.requests", "unit": "1", "sum": {"aggregationTemporality": 2, "isMonotonic": true,
                "dataPoints": [{"asInt": "5", "timeUnixNano": "1544712660300000000",
                    "attributes": [{"key": "http.method", "value": {"stringValue": "GET"}}]}]}},
               {"name": "disk.used", "unit": "By", "gauge": {
                "dataPoints": [{"asDouble": 1.5, "timeUnixNano": "1544712660300000000"}]}}"#,
        ));
        assert_eq!(
            lines(&converted),
            [
                r#"http_requests_total{http_method="GET", job="prod/shop", server="web-1"} 5"#,
                r#"disk_used_bytes{job="prod/shop", server="web-1"} 1.5"#,
            ]
        );
        assert_eq!(
            converted.series[0].samples[0].timestamp_ms,
            1_544_712_660_300
        );
        assert_eq!(converted.metadata[0].1.kind, MetricKind::Counter);
    }

    #[test]
    fn histograms_become_cumulative_buckets() {
        let converted = convert(request(
            r#"{"name": "latency", "unit": "s", "histogram": {"aggregationTemporality": 2,
                "dataPoints": [{"count": "6", "sum": 2.5, "bucketCounts": ["1", "2", "3"],
                    "explicitBounds": [0.1, 1], "timeUnixNano": "1000000"}]}}"#,
        ));
        let found = lines(&converted).join("\n");
        for expected in [
            r#"latency_seconds_bucket{job="prod/shop", le="0.1", server="web-1"} 1"#,
            r#"le="1", server="web-1"} 3"#,
            r#"le="+Inf", server="web-1"} 6"#,
            "latency_seconds_count{",
            "latency_seconds_sum{",
        ] {
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn other_attributes_of_the_resource_are_kept_beside() {
        let request = serde_json::from_str(
            r#"{"resourceMetrics": [{
                "resource": {"attributes": [
                    {"key": "service.name", "value": {"stringValue": "shop"}},
                    {"key": "cloud.region", "value": {"stringValue": "cn-hangzhou"}}
                ]},
                "scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [
                    {"asDouble": 1, "timeUnixNano": "2000000"},
                    {"asDouble": 2, "timeUnixNano": "5000000"}]}}]}]
            }]}"#,
        )
        .unwrap();
        let converted = convert(request);
        assert_eq!(
            lines(&converted)[2],
            r#"target_info{cloud_region="cn-hangzhou", job="shop"} 1"#
        );
        assert_eq!(converted.series[2].samples[0].timestamp_ms, 5);
    }

    #[test]
    fn what_cannot_be_stored_is_named() {
        let converted = convert(request(
            r#"{"name": "deltas", "sum": {"aggregationTemporality": 1, "isMonotonic": true,
                "dataPoints": [{"asInt": "5", "timeUnixNano": "1000000"}]}}"#,
        ));
        assert!(converted.series.is_empty());
        assert_eq!(converted.left_out_points, 1);
        let told = converted.left_out();
        assert!(
            told[0].starts_with("deltas_total: the temporality is not"),
            "{told:?}"
        );
    }

    #[test]
    fn many_that_cannot_be_stored_are_counted_after_the_first() {
        let delta = |at| {
            format!(
                r#"{{"name": "m{at}", "sum": {{"aggregationTemporality": 1,
                    "dataPoints": [{{"asInt": "5"}}, {{"asInt": "6"}}]}}}}"#
            )
        };
        let metrics: Vec<String> = (0..12).map(delta).collect();
        let converted = convert(request(&metrics.join(",")));
        let told = converted.left_out();
        assert_eq!((told.len(), converted.left_out_points), (1, 24));
        assert!(
            told[0].starts_with("m0, m1,") && told[0].contains(", m9 and 2 more: "),
            "{told:?}"
        );
    }
}
