//! Cloud Monitoring: `projects.timeSeries.list`.
//!
//! Metrics, their kinds and labels are those of "Google Cloud metrics: compute" and "Ops Agent
//! metrics" of its documentation.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::discovery::Question;
use super::{Answer, Refusal, World, moment};

/// How far back metrics are kept.
const KEPT_MS: i64 = 6 * 7 * 86_400_000;

/// A minute, in which everything is measured once.
const PERIOD_MS: i64 = 60_000;

/// Type, kind, type of the value, unit, labels.
const METRICS: &[(&str, &str, &str, &str, &[&str])] = &[
    (
        "compute.googleapis.com/instance/cpu/utilization",
        "GAUGE",
        "DOUBLE",
        "10^2.%",
        &["instance_name"],
    ),
    (
        "compute.googleapis.com/instance/network/received_bytes_count",
        "DELTA",
        "INT64",
        "By",
        &["instance_name", "loadbalanced"],
    ),
    (
        "compute.googleapis.com/instance/network/sent_bytes_count",
        "DELTA",
        "INT64",
        "By",
        &["instance_name", "loadbalanced"],
    ),
    (
        "compute.googleapis.com/instance/disk/read_bytes_count",
        "DELTA",
        "INT64",
        "By",
        &[
            "instance_name",
            "device_name",
            "storage_type",
            "device_type",
        ],
    ),
    (
        "compute.googleapis.com/instance/disk/write_bytes_count",
        "DELTA",
        "INT64",
        "By",
        &[
            "instance_name",
            "device_name",
            "storage_type",
            "device_type",
        ],
    ),
    (
        "compute.googleapis.com/instance/uptime",
        "DELTA",
        "DOUBLE",
        "s{uptime}",
        &["instance_name"],
    ),
    (
        "agent.googleapis.com/memory/percent_used",
        "GAUGE",
        "DOUBLE",
        "%",
        &["state"],
    ),
    (
        "agent.googleapis.com/disk/percent_used",
        "GAUGE",
        "DOUBLE",
        "%",
        &["device", "state"],
    ),
];

/// What was measured of a server.
pub(super) struct Series {
    metric: usize,
    project: String,
    metric_labels: BTreeMap<String, String>,
    resource_labels: BTreeMap<String, String>,
    /// Ends of intervals and values, newest first.
    points: Vec<(i64, f64)>,
}

impl Series {
    pub(super) fn new(
        kind: &str,
        (project, zone, number): (&str, &str, &str),
        labels: &[(&str, &str)],
        points: &[(i64, f64)],
    ) -> Self {
        let metric = METRICS.iter().position(|(name, ..)| *name == kind);
        let metric = metric.unwrap_or_else(|| panic!("there is no metric {kind}"));
        for (name, _) in labels {
            assert!(
                METRICS[metric].4.contains(name),
                "{kind} has no label {name}"
            );
        }
        let owned = |labels: &[(&str, &str)]| {
            let labels = labels.iter();
            labels
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let mut points = points.to_vec();
        points.sort_by_key(|(at_ms, _)| -at_ms);
        Self {
            metric,
            project: project.to_owned(),
            metric_labels: owned(labels),
            resource_labels: owned(&[
                ("project_id", project),
                ("zone", zone),
                ("instance_id", number),
            ]),
            points,
        }
    }

    fn json(&self, points: &[(i64, f64)]) -> Value {
        let (kind, metric_kind, value_type, ..) = METRICS[self.metric];
        let points: Vec<Value> = points
            .iter()
            .map(|&(until_ms, value)| {
                let from_ms = if metric_kind == "DELTA" {
                    until_ms - PERIOD_MS
                } else {
                    until_ms
                };
                json!({
                    "interval": { "startTime": moment(from_ms), "endTime": moment(until_ms) },
                    "value": match value_type {
                        // Numbers of 64 bits are text in JSON.
                        "INT64" => json!({ "int64Value": format!("{value:.0}") }),
                        _ => json!({ "doubleValue": value }),
                    },
                })
            })
            .collect();
        let mut series = json!({
            "metric": { "type": kind, "labels": self.metric_labels },
            "resource": { "type": "gce_instance", "labels": self.resource_labels },
            "metricKind": metric_kind,
            "valueType": value_type,
        });
        if !points.is_empty() {
            series["points"] = json!(points);
        }
        series
    }
}

/// Answers `timeSeries.list`.
pub(super) fn answer(world: &mut World, question: &Question) -> Answer {
    let project = question.part_after("projects").unwrap_or_default();
    world.needs(&["monitoring.timeSeries.list"], project)?;
    let (from_ms, until_ms) = interval(world, question)?;
    let text = question.parameter("filter").unwrap_or_default();
    let terms = terms(text)?;
    let kinds: Vec<&String> = terms
        .iter()
        .filter(|(name, _)| name == "metric.type")
        .map(|(_, value)| value)
        .collect();
    let [kind] = kinds[..] else {
        return Err(invalid(format!(
            "Field filter had an invalid value of \"{text}\": must specify a restriction on \
             \"metric.type\" in the filter; see \
             \"https://cloud.google.com/monitoring/api/resources\" for details."
        )));
    };
    let known = METRICS.iter().find(|(name, ..)| name == kind);
    let is_of_project = |series: &&Series| series.project == project;
    let is_of_kind = |series: &&Series| METRICS[series.metric].0 == kind;
    let mut all = world.series.iter().filter(is_of_project).filter(is_of_kind);
    let exists = kind.starts_with("compute.") || all.next().is_some();
    let Some((.., unit, _)) = known.filter(|_| exists) else {
        let message = format!(
            "Cannot find metric(s) that match type = \"{kind}\". If a metric was created recently, \
             it could take up to 10 minutes to become available. Please try again soon."
        );
        return Err(Refusal::new(404, "notFound", message));
    };
    let found = world
        .series
        .iter()
        .filter(is_of_project)
        .filter(|series| terms.iter().all(|term| series.matches(term)));
    let is_full = question.parameter("view") != Some("HEADERS");
    let mut pieces: Vec<(&Series, (i64, f64))> = Vec::new();
    for series in found {
        let within = |(at_ms, _): &&(i64, f64)| from_ms < *at_ms && *at_ms <= until_ms;
        let points = series.points.iter().filter(within);
        // With headers only, a series counts once.
        let most = if is_full { usize::MAX } else { 1 };
        pieces.extend(points.take(most).map(|point| (series, *point)));
    }
    let wanted = question
        .parameter("pageSize")
        .and_then(|size| size.parse().ok());
    let page = wanted.unwrap_or(100_000).clamp(1, 100_000).min(world.page);
    let token = question.parameter("pageToken").unwrap_or("points-0");
    let from = token
        .strip_prefix("points-")
        .and_then(|at| at.parse::<usize>().ok());
    let from = from.ok_or_else(|| invalid(format!("the page token `{token}` is none")))?;
    let pieces_left = pieces.get(from..).unwrap_or_default();
    let now = &pieces_left[..pieces_left.len().min(page)];
    let mut list: Vec<Value> = Vec::new();
    for of_series in now.chunk_by(|one, other| std::ptr::eq(one.0, other.0)) {
        let points: Vec<(i64, f64)> = of_series.iter().map(|(_, point)| *point).collect();
        let points = if is_full { &points[..] } else { &[] };
        list.push(of_series[0].0.json(points));
    }
    let mut answer = json!({ "unit": unit });
    if !list.is_empty() {
        answer["timeSeries"] = json!(list);
    }
    if world.repeats_pages {
        answer["nextPageToken"] = json!("points-0");
    } else if pieces_left.len() > page {
        answer["nextPageToken"] = json!(format!("points-{}", from + page));
    }
    if !world.execution_errors.is_empty() {
        let errors = world.execution_errors.iter();
        let errors = errors.map(|message| json!({ "code": 14, "message": message }));
        answer["executionErrors"] = errors.collect();
    }
    if !world.metrics_unreachable.is_empty() {
        answer["unreachable"] = json!(world.metrics_unreachable);
    }
    Ok(answer)
}

impl Series {
    fn matches(&self, (name, wanted): &(String, String)) -> bool {
        let of = |labels: &BTreeMap<String, String>, label: &str| {
            labels.get(label).is_some_and(|value| value == wanted)
        };
        let label = name.rsplit('.').next().unwrap_or_default();
        match name.as_str() {
            "metric.type" => METRICS[self.metric].0 == wanted,
            "resource.type" => wanted == "gce_instance",
            _ if name.starts_with("metric.label") => of(&self.metric_labels, label),
            _ => of(&self.resource_labels, label),
        }
    }
}

fn invalid(message: String) -> Refusal {
    Refusal::new(400, "invalid", message)
}

fn interval(world: &World, question: &Question) -> Result<(i64, i64), Refusal> {
    let of = |name: &str| -> Option<i64> {
        let at: jiff::Timestamp = question.parameter(name)?.parse().ok()?;
        Some(at.as_millisecond())
    };
    let until_ms = of("interval.endTime")
        .ok_or_else(|| invalid("Field interval.endTime had an invalid value".to_owned()))?;
    let from_ms = of("interval.startTime")
        .ok_or_else(|| invalid("Field interval.startTime had an invalid value".to_owned()))?;
    let now_ms = world.now_ms();
    if from_ms >= until_ms || from_ms < now_ms - KEPT_MS {
        return Err(invalid(
            "Field interval had an invalid value: the start time must be before the end time and \
             within the retention period"
                .to_owned(),
        ));
    }
    Ok((from_ms, until_ms))
}

/// Reads a filter: comparisons for equality, joined by `AND`.
fn terms(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let bad = || {
        invalid(format!(
            "Field filter had an invalid value of \"{text}\": syntax"
        ))
    };
    text.split(" AND ")
        .map(|term| {
            let (name, value) = term.split_once('=').ok_or_else(bad)?;
            let (name, value) = (name.trim(), value.trim());
            let is_name = matches!(name, "metric.type" | "resource.type")
                || [
                    "metric.labels.",
                    "metric.label.",
                    "resource.labels.",
                    "resource.label.",
                ]
                .iter()
                .any(|prefix| {
                    name.strip_prefix(prefix)
                        .is_some_and(|label| !label.is_empty())
                });
            let value = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'));
            let value = value.filter(|value| !value.contains('"')).ok_or_else(bad)?;
            if is_name {
                Ok((name.to_owned(), value.to_owned()))
            } else {
                Err(bad())
            }
        })
        .collect()
}
