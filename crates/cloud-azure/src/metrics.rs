//! What Monitor knows of virtual machines, fifty of them in a call.
//!
//! Microsoft charges for reading metrics by "standard API calls", 0.01 $ for a thousand beyond a
//! first million a month. How many of them a call for several metrics of several resources is, it
//! does not say exactly: here each metric of each server counts as one, and the free ones are left
//! out of account, which is an estimate on the safe side.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures::FutureExt as _;
use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;
use yunhai_cloud::{
    CloudSeries, CloudServer, Collector, Error, ErrorKind, Metrics, MetricsQuery, MetricsRound,
    Missing, PowerState, SCOPES_AT_ONCE, ServerRef, Usage, concurrently, whole_periods,
};
use yunhai_model::{Sample, TimestampMs};

use crate::account::AzureAccount;
use crate::client::{Question, null_as_nothing, subscription_of};
use crate::endpoints::Audience;
use crate::error::kind_of;
use crate::table::{AzureMetric, METRICS};

/// `monitor/data-plane/Microsoft.Insights/stable/2023-10-01/metricBatch.json` of
/// azure-rest-api-specs.
pub(crate) const METRICS_VERSION: &str = "2023-10-01";

/// How many servers a call takes.
const SERVERS_A_CALL: usize = 50;

/// How many periods of each: an answer of a day at five minutes, for all of them, has some
/// megabytes.
const PERIODS_A_CALL: i64 = 288;

/// How many calls are under way at once in a region.
const CALLS_AT_ONCE: usize = 5;

/// What a standard call costs, in millionths of a US dollar.
const CALL_MICRO_USD: u64 = 10;

/// The periods that Azure has and that are of use: of an hour, a mean hides peaks.
const FINE_PERIOD_SECS: u64 = 60;
const COARSE_PERIOD_SECS: u64 = 300;

/// How long after its end a period counts as whole: Azure is late by three minutes.
const SETTLING_MS: i64 = 180_000;

#[async_trait]
impl Metrics for AzureAccount {
    async fn collect(&self, query: MetricsQuery<'_>, collector: &dyn Collector) -> MetricsRound {
        let questions = running_together(query.servers)
            .into_iter()
            .map(|((region, subscription), servers)| {
                self.collect_together(region, subscription, servers, query, collector)
                    .boxed()
            })
            .collect();
        let mut whole = MetricsRound::default();
        for round in concurrently(questions, SCOPES_AT_ONCE).await {
            whole += round;
        }
        whole
    }

    fn delay_secs(&self, _server: &CloudServer) -> u64 {
        FINE_PERIOD_SECS + SETTLING_MS.unsigned_abs() / 1000
    }
}

impl AzureAccount {
    /// Asks about the servers of one subscription in one region.
    async fn collect_together(
        &self,
        region: &str,
        subscription: &str,
        servers: Vec<&CloudServer>,
        query: MetricsQuery<'_>,
        collector: &dyn Collector,
    ) -> MetricsRound {
        let period_secs = period(query.interval_secs);
        let mut calls = Vec::new();
        for window in windows(query.from_ms, query.until_ms, period_secs) {
            for chunk in servers.chunks(SERVERS_A_CALL) {
                calls.push(
                    self.ask_batch(region, subscription, chunk, window, period_secs, collector)
                        .boxed(),
                );
            }
        }
        let mut round = MetricsRound::default();
        for answer in concurrently(calls, CALLS_AT_ONCE).await {
            round += answer;
        }
        round
    }

    async fn ask_batch(
        &self,
        region: &str,
        subscription: &str,
        servers: &[&CloudServer],
        (from_ms, until_ms): (TimestampMs, TimestampMs),
        period_secs: u64,
        collector: &dyn Collector,
    ) -> MetricsRound {
        let mut round = MetricsRound::default();
        if !collector.may_spend(cost(servers.len() as u64)) {
            round.is_over_budget = true;
            round.unread.insert(region.to_owned());
            return round;
        }
        let attempted = format!("read the metrics of {region} in the subscription {subscription}");
        let ids: Vec<&str> = servers.iter().map(|s| s.server.id.as_str()).collect();
        let path = batch_path(subscription, from_ms, until_ms, period_secs);
        let body = json!({ "resourceids": ids });
        let question = Question {
            address: self.client.endpoints.metrics(region, &path),
            audience: Audience::Metrics,
            limit: format!("{subscription}/metrics/{region}"),
            ..self
                .client
                .manager(Method::POST, &path, Some(&body), attempted.as_str())
        };
        let answer = self.client.ask(&question).await.and_then(|answer| {
            serde_json::from_value::<Batch>(answer.body).map_err(|error| {
                let said = format!("the answer is not as agreed upon: {error}");
                Error::new(ErrorKind::Protocol, attempted.as_str(), said)
            })
        });
        let batch = match answer {
            Ok(batch) => batch,
            Err(error) => {
                round.missing.push(missing(region, error));
                round.unread.insert(region.to_owned());
                return round;
            }
        };
        let mut refused: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut series = Vec::new();
        for values in batch.values {
            let id = values.resourceid.to_ascii_lowercase();
            let Some(server) = servers.iter().find(|server| server.server.id == id) else {
                continue;
            };
            for answer in values.value {
                if let Some(error) = answer.refusal() {
                    *refused.entry(error).or_default() += 1;
                }
                if let Some(metric) = METRICS.iter().find(|m| m.name == answer.name.value) {
                    series.extend(answer.series(metric, &server.server, period_secs));
                }
            }
        }
        for ((code, said), count) in refused {
            let attempted = format!(
                "read {count} of the metrics of {region} in the subscription {subscription}"
            );
            let mut error = Error::new(kind_of(&code, &said, 500), attempted, said);
            error.code = Some(code);
            if error.is_transient() {
                round.unread.insert(region.to_owned());
            }
            round.missing.push(missing(region, error));
        }
        collector.take(series).await;
        round
    }
}

/// What a call answers, from `MetricResultsResponse` of `metricBatch.json`.
#[derive(Debug, Deserialize)]
struct Batch {
    values: Vec<ResourceValues>,
}

#[derive(Debug, Deserialize)]
struct ResourceValues {
    resourceid: String,
    value: Vec<MetricAnswer>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetricAnswer {
    name: Name,
    #[serde(default, deserialize_with = "null_as_nothing")]
    timeseries: Vec<Series>,
    #[serde(default)]
    error_code: Option<String>,
    #[serde(default)]
    error_message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Name {
    value: String,
}

#[derive(Debug, Deserialize)]
struct Series {
    #[serde(default, deserialize_with = "null_as_nothing")]
    data: Vec<Point>,
}

#[derive(Debug, Deserialize)]
struct Point {
    #[serde(rename = "timeStamp")]
    time: Timestamp,
    #[serde(default)]
    average: Option<f64>,
    #[serde(default)]
    total: Option<f64>,
}

impl MetricAnswer {
    fn refusal(&self) -> Option<(String, String)> {
        let code = self.error_code.as_deref().filter(|c| *c != "Success")?;
        let said = self.error_message.as_deref().unwrap_or(code);
        Some((code.to_owned(), said.to_owned()))
    }

    /// Azure's own series and ours. What has no value was not measured.
    fn series(
        &self,
        metric: &AzureMetric,
        server: &ServerRef,
        period_secs: u64,
    ) -> Vec<CloudSeries> {
        let points = self.timeseries.iter().flat_map(|series| &series.data);
        let mut samples: Vec<Sample> = points
            .filter_map(|point| {
                let value = match metric.aggregation {
                    "total" => point.total,
                    _ => point.average,
                };
                Some(Sample {
                    timestamp_ms: point.time.as_millisecond(),
                    value: value?,
                })
            })
            .collect();
        if samples.is_empty() {
            return Vec::new();
        }
        samples.sort_by_key(|sample| sample.timestamp_ms);
        samples.dedup_by_key(|sample| sample.timestamp_ms);
        let series = |name: &str, samples: Vec<Sample>| CloudSeries {
            server: server.clone(),
            metric: name.to_owned(),
            labels: BTreeMap::new(),
            samples,
        };
        let converted = samples
            .iter()
            .map(|sample| Sample {
                timestamp_ms: sample.timestamp_ms,
                value: metric.normalised.convert(sample.value, period_secs as f64),
            })
            .collect();
        vec![series(metric.ours, converted), series(metric.raw, samples)]
    }
}

fn batch_path(
    subscription: &str,
    from_ms: TimestampMs,
    until_ms: TimestampMs,
    period_secs: u64,
) -> String {
    let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("starttime", &yunhai_model::format_rfc3339(from_ms))
        .append_pair("endtime", &yunhai_model::format_rfc3339(until_ms))
        .append_pair("interval", &format!("PT{}M", period_secs / 60))
        .append_pair("metricnamespace", "Microsoft.Compute/virtualMachines")
        .append_pair("metricnames", &names.join(","))
        .append_pair("aggregation", "average,total")
        .append_pair("api-version", METRICS_VERSION);
    format!(
        "/subscriptions/{subscription}/metrics:getBatch?{}",
        query.finish()
    )
}

fn missing(region: &str, error: Error) -> Missing {
    Missing {
        scope: region.to_owned(),
        error,
    }
}

/// What a call about so many servers takes.
fn cost(servers: u64) -> Usage {
    let billed = servers * METRICS.len() as u64;
    Usage {
        calls: 1,
        billed,
        cost_micro_usd: billed * CALL_MICRO_USD,
    }
}

/// What is off is not asked about. A call takes servers of one subscription and one region.
fn running_together(servers: &[CloudServer]) -> BTreeMap<(&str, &str), Vec<&CloudServer>> {
    let mut together: BTreeMap<(&str, &str), Vec<&CloudServer>> = BTreeMap::new();
    for server in servers
        .iter()
        .filter(|server| server.state == PowerState::Running)
    {
        if let Some(subscription) = subscription_of(&server.server.id) {
            together
                .entry((&server.server.region, subscription))
                .or_default()
                .push(server);
        }
    }
    together
}

/// No finer than it is asked for.
fn period(interval_secs: u64) -> u64 {
    if interval_secs < COARSE_PERIOD_SECS {
        FINE_PERIOD_SECS
    } else {
        COARSE_PERIOD_SECS
    }
}

/// The whole periods between two moments, in pieces whose answer is bearable. A period that still
/// goes on would be counted in part.
fn windows(
    from_ms: TimestampMs,
    until_ms: TimestampMs,
    period_secs: u64,
) -> Vec<(TimestampMs, TimestampMs)> {
    whole_periods(from_ms, until_ms - SETTLING_MS, period_secs, PERIODS_A_CALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_and_settled_periods_are_asked_for() {
        let minute = 60_000;
        assert_eq!(windows(1, 13 * minute, 300), [(0, 10 * minute)]);
        assert_eq!(
            windows(0, 12 * minute, 300),
            [(0, 5 * minute)],
            "the one that ended at 10 may still change at 12"
        );
        assert_eq!(windows(0, 7 * minute, 300), []);
    }

    #[test]
    fn a_day_of_minutes_is_asked_for_in_pieces_without_a_gap() {
        let day_ms = 86_400_000;
        let pieces = windows(0, day_ms + SETTLING_MS, 60);
        assert_eq!(pieces.len(), 5);
        assert_eq!((pieces[0].0, pieces[4].1), (0, day_ms));
        assert!(pieces.windows(2).all(|pair| pair[0].1 == pair[1].0));
    }

    #[test]
    fn a_point_without_a_value_is_none() {
        let answer = json!({
            "name": { "value": "Percentage CPU" },
            "errorCode": "Success",
            "timeseries": [{ "data": [
                { "timeStamp": "2026-11-01T00:05:00Z", "average": 50.0 },
                { "timeStamp": "2026-11-01T00:00:00Z" },
                { "timeStamp": "2026-11-01T00:10:00Z", "average": null },
            ]}],
        });
        let answer: MetricAnswer = serde_json::from_value(answer).expect("it is an answer");
        assert_eq!(answer.refusal(), None);
        let server = ServerRef {
            region: "westeurope".to_owned(),
            id: "/subscriptions/a".to_owned(),
        };
        let series = answer.series(&METRICS[0], &server, 300);
        assert_eq!(series.len(), 2);
        assert_eq!(series[0].samples.len(), 1);
        assert!((series[0].samples[0].value - 0.5).abs() < 1e-12);
    }
}
