//! What Yunhai says of itself: the table of its own metrics, and their recorder.
//!
//! The same table is in `docs/formats/metrics.md`; tests keep the two and what `/metrics` really
//! shows together.

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;
use metrics::Unit;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use yunhai_collector::process::{ProcessUsage, own_usage};
use yunhai_series::{MetricKind, MetricMetadata};

use crate::app::App;

pub(crate) const SIGN_IN_FAILURES: &str = "yunhai_sign_in_failures_total";
pub(crate) const LOCKOUTS: &str = "yunhai_lockouts_total";
pub(crate) const PERMISSION_DENIALS: &str = "yunhai_permission_denials_total";
pub(crate) const AUDIT_INTACT: &str = "yunhai_audit_intact";
pub(crate) const SAMPLES_INGESTED: &str = "yunhai_samples_ingested_total";
pub(crate) const SAMPLES_REFUSED: &str = "yunhai_samples_refused_total";
pub(crate) const HTTP_REQUESTS: &str = "yunhai_http_requests_total";
pub(crate) const HTTP_REQUEST_DURATION: &str = "yunhai_http_request_duration_seconds";
const SERIES_ACTIVE: &str = "yunhai_series_active";
const SERIES_BLOCKS: &str = "yunhai_series_blocks";
const SERIES_SIZE: &str = "yunhai_series_size_bytes";
const DATABASE_UP: &str = "yunhai_database_up";
const BUILD_INFO: &str = "yunhai_build_info";

/// What is known of a metric beside its samples.
struct OwnMetric {
    name: &'static str,
    kind: Kind,
    #[cfg_attr(not(test), expect(dead_code, reason = "the document has them"))]
    labels: &'static [&'static str],
    help: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Counter => "counter",
            Gauge => "gauge",
            Histogram => "histogram",
        }
    }
}

use Kind::{Counter, Gauge, Histogram};

const fn own(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    help: &'static str,
) -> OwnMetric {
    OwnMetric {
        name,
        kind,
        labels,
        help,
    }
}

/// What is read from the audit log is also written into the series store.
const SECURITY: &[OwnMetric] = &[
    own(
        SIGN_IN_FAILURES,
        Counter,
        &[],
        "Wrong passwords and codes in the audit log, at the sign-in page and where they are asked for again",
    ),
    own(
        LOCKOUTS,
        Counter,
        &[],
        "Locks of user names and of addresses in the audit log",
    ),
    own(
        PERMISSION_DENIALS,
        Counter,
        &[],
        "Requests in the audit log that were refused for want of a permission",
    ),
    own(
        AUDIT_INTACT,
        Gauge,
        &[],
        "1 when the last verification of the audit log found it whole, 0 when it found it damaged",
    ),
];

const METRICS: &[OwnMetric] = &[
    own(
        BUILD_INFO,
        Gauge,
        &["version"],
        "Always 1; the label says which release runs",
    ),
    own(
        DATABASE_UP,
        Gauge,
        &[],
        "1 while the state database answers, 0 while it does not",
    ),
    own(
        HTTP_REQUESTS,
        Counter,
        &["method", "route", "status"],
        "Requests that were answered",
    ),
    own(
        HTTP_REQUEST_DURATION,
        Histogram,
        &["method", "route", "status"],
        "How long answering a request took",
    ),
    own(
        SAMPLES_INGESTED,
        Counter,
        &["source"],
        "Samples that were stored, without those that were there already",
    ),
    own(
        SAMPLES_REFUSED,
        Counter,
        &["source"],
        "Samples that were refused: too old, too far in the future, in conflict, or with labels that cannot be",
    ),
    own(
        SERIES_ACTIVE,
        Gauge,
        &[],
        "Series that have samples in memory",
    ),
    own(SERIES_BLOCKS, Gauge, &[], "Blocks of samples in the store"),
    own(
        SERIES_SIZE,
        Gauge,
        &[],
        "What the blocks and the log of the store take",
    ),
    own(
        "yunhai_alerting_leader",
        Gauge,
        &[],
        "1 on the server that evaluates rules and sends, 0 on one that stands by",
    ),
    own(
        "yunhai_alerting_term",
        Gauge,
        &[],
        "How often another server has begun to evaluate and send",
    ),
    own(
        "yunhai_rule_group_evaluations_total",
        Counter,
        &[],
        "Evaluations of rule groups",
    ),
    own(
        "yunhai_rule_group_evaluations_skipped_total",
        Counter,
        &[],
        "Evaluations of rule groups that did not happen, as the one before was not done in time",
    ),
    own(
        "yunhai_rule_group_evaluation_duration_seconds",
        Histogram,
        &[],
        "How long the evaluation of a rule group took",
    ),
    own(
        "yunhai_rule_evaluations_total",
        Counter,
        &[],
        "Evaluations of single rules",
    ),
    own(
        "yunhai_rule_evaluation_failures_total",
        Counter,
        &[],
        "Evaluations of single rules that failed",
    ),
    own(
        "yunhai_notifications_sent_total",
        Counter,
        &["kind"],
        "Notifications that the receiver accepted",
    ),
    own(
        "yunhai_notifications_failed_total",
        Counter,
        &["kind"],
        "Notifications that were given up",
    ),
    own(
        "yunhai_notification_attempts_failed_total",
        Counter,
        &["kind"],
        "Attempts to send a notification that failed, the last ones of those given up included",
    ),
    own(
        "yunhai_notification_attempt_duration_seconds",
        Histogram,
        &["kind"],
        "How long an attempt to send a notification took",
    ),
    own(
        "yunhai_notifications_pending",
        Gauge,
        &["kind"],
        "Notifications that wait for an attempt; 0 on a server that stands by",
    ),
];

/// What the process takes, under the names that Prometheus's own libraries give it.
const PROCESS: [OwnMetric; 6] = [
    own(
        "process_cpu_seconds_total",
        Counter,
        &[],
        "Time of the processors that the process has taken",
    ),
    own(
        "process_resident_memory_bytes",
        Gauge,
        &[],
        "Memory that the process has in RAM",
    ),
    own(
        "process_virtual_memory_bytes",
        Gauge,
        &[],
        "Address space that the process has reserved",
    ),
    own(
        "process_open_fds",
        Gauge,
        &[],
        "Files, sockets and pipes that the process has open",
    ),
    own(
        "process_max_fds",
        Gauge,
        &[],
        "How many it may have open; absent where there is no limit",
    ),
    own(
        "process_start_time_seconds",
        Gauge,
        &[],
        "When the process began, since the Unix epoch",
    ),
];

/// Registers what the metrics mean.
fn describe() {
    for metric in METRICS.iter().chain(SECURITY) {
        let (name, unit) = (metric.name, metric.unit());
        match metric.kind {
            Counter => metrics::describe_counter!(name, unit, metric.help),
            Gauge => metrics::describe_gauge!(name, unit, metric.help),
            Histogram => metrics::describe_histogram!(name, unit, metric.help),
        }
    }
}

/// What the metrics mean that are written into the series store, for the Prometheus API.
pub(crate) fn metadata() -> impl Iterator<Item = (String, MetricMetadata)> {
    SECURITY.iter().map(|metric| {
        let told = MetricMetadata {
            kind: match metric.kind {
                Counter => MetricKind::Counter,
                Gauge => MetricKind::Gauge,
                Histogram => MetricKind::Histogram,
            },
            help: metric.help.to_owned(),
            unit: String::new(),
        };
        (metric.name.to_owned(), told)
    })
}

impl OwnMetric {
    fn unit(&self) -> Unit {
        if self.name.ends_with("_seconds") {
            Unit::Seconds
        } else if self.name.ends_with("_bytes") {
            Unit::Bytes
        } else {
            Unit::Count
        }
    }
}

/// Writes all metrics in Prometheus's text format.
pub(crate) fn render(app: &App) -> String {
    let stats = app.store.stats();
    let size_bytes = stats.block_bytes + stats.log_bytes;
    let is_database_up = !app.health.is_database_away();
    metrics::gauge!(SERIES_ACTIVE).set(stats.active_series as f64);
    metrics::gauge!(SERIES_BLOCKS).set(stats.blocks as f64);
    metrics::gauge!(SERIES_SIZE).set(size_bytes as f64);
    metrics::gauge!(DATABASE_UP).set(f64::from(u8::from(is_database_up)));
    let mut page = app.own_metrics.render();
    if let Some(usage) = own_usage() {
        add_process(&mut page, &usage);
    }
    page
}

/// Adds what the process takes. The recorder knows no counters with fractions.
fn add_process(page: &mut String, usage: &ProcessUsage) {
    let values = [
        Some(usage.cpu_seconds),
        Some(usage.resident_bytes as f64),
        Some(usage.virtual_bytes as f64),
        Some(usage.open_files as f64),
        usage.open_files_limit.map(|limit| limit as f64),
        Some(usage.started_at_seconds),
    ];
    for (metric, value) in PROCESS.iter().zip(values) {
        let (name, kind, help) = (metric.name, metric.kind.as_str(), metric.help);
        if let Some(value) = value {
            let _ = write!(
                page,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n"
            );
        }
    }
}

/// The recorder belongs to the process, so there is one for all servers in it.
pub(crate) fn recorder() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets(&[
            0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
        ])?
        .build_recorder();
    let handle = HANDLE.get_or_init(|| recorder.handle()).clone();
    // A second server that starts at the same moment finds the recorder set.
    let _ = metrics::set_global_recorder(recorder).context("metrics");
    describe();
    metrics::gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// Sums up what histograms have recorded. Otherwise every record would be kept until somebody
/// scrapes `/metrics`, which may be never.
pub(crate) async fn drain(handle: &PrometheusHandle, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => handle.run_upkeep(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_table_of_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats/metrics.md");
        let document = std::fs::read_to_string(path).unwrap();
        let written: Vec<&str> = document
            .lines()
            .filter(|line| line.starts_with("| `yunhai_") || line.starts_with("| `process_"))
            .collect();
        let mut expected = String::new();
        for metric in SECURITY.iter().chain(METRICS).chain(&PROCESS) {
            let kind = metric.kind.as_str();
            let labels = metric.labels.iter().map(|name| format!("`{name}`"));
            let labels = labels.collect::<Vec<_>>().join(", ");
            let (name, help) = (metric.name, metric.help);
            writeln!(expected, "| `{name}` | {kind} | {labels} | {help} |").unwrap();
        }
        assert_eq!(written.join("\n") + "\n", expected);
    }
}
