//! What CloudWatch knows of instances, in as few calls as it allows.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricStat, ScanBy, StatusCode,
};
use futures::FutureExt as _;
use yunhai_cloud::{
    CloudSeries, CloudServer, Error, ErrorKind, Metrics, MetricsQuery, MetricsRound, Missing,
    PowerState, ServerRef, Usage,
};
use yunhai_model::{Sample, TimestampMs};

use crate::account::AwsAccount;
use crate::cloudwatch_agent::{Listed, Owners};
use crate::concurrent::{self, REGIONS_AT_ONCE};
use crate::error::told;
use crate::table::{EC2_METRICS, Normalised, is_burstable};

/// How many queries a call of GetMetricData takes.
const QUERIES_A_CALL: usize = 500;

/// How many calls are under way at once in a region.
const CALLS_AT_ONCE: usize = 5;

/// What a metric asked for costs, in millionths of a US dollar: 0.01 $ for a thousand.
const METRIC_MICRO_USD: u64 = 10;

/// How CloudWatch measures without being paid for it, and with.
const BASIC_PERIOD_SECS: u64 = 300;
const DETAILED_PERIOD_SECS: u64 = 60;

/// How long after its end a period counts as whole.
const SETTLING_MS: i64 = 120_000;

/// One metric of one server that is asked for.
struct Question {
    server: ServerRef,
    namespace: &'static str,
    name: &'static str,
    statistic: &'static str,
    dimensions: Vec<Dimension>,
    period_secs: u64,
    raw: &'static str,
    ours: Option<(&'static str, Normalised)>,
    labels: BTreeMap<String, String>,
}

#[async_trait]
impl Metrics for AwsAccount {
    async fn estimate(&self, query: MetricsQuery<'_>) -> Usage {
        let mut usage = Usage::default();
        for (region, servers) in running_by_region(query.servers) {
            let (listed, _) = self
                .agent_series(region, query.until_ms, &mut Usage::default())
                .await;
            let questions = questions(&servers, &listed, query.interval_secs).len() as u64;
            usage.calls += questions.div_ceil(QUERIES_A_CALL as u64);
            usage += billed(questions);
        }
        usage
    }

    async fn collect(&self, query: MetricsQuery<'_>) -> MetricsRound {
        let questions = running_by_region(query.servers)
            .into_iter()
            .map(|(region, servers)| self.collect_region(region, servers, query).boxed())
            .collect();
        let mut whole = MetricsRound::default();
        for round in concurrent::all(questions, REGIONS_AT_ONCE).await {
            whole += round;
        }
        whole
    }
}

impl AwsAccount {
    async fn collect_region(
        &self,
        region: &str,
        servers: Vec<&CloudServer>,
        query: MetricsQuery<'_>,
    ) -> MetricsRound {
        let mut round = MetricsRound::default();
        let (listed, missing) = self
            .agent_series(region, query.until_ms, &mut round.usage)
            .await;
        round.missing.extend(missing);
        let questions = questions(&servers, &listed, query.interval_secs);
        // Those of one period have one window, whose end is the end of a period.
        let mut by_period: BTreeMap<u64, Vec<Question>> = BTreeMap::new();
        for question in questions {
            by_period
                .entry(question.period_secs)
                .or_default()
                .push(question);
        }
        let mut calls = Vec::new();
        for (period_secs, questions) in &by_period {
            let Some(window) = window(query.from_ms, query.until_ms, *period_secs) else {
                continue;
            };
            for chunk in questions.chunks(QUERIES_A_CALL) {
                calls.push(self.ask(region, chunk, window).boxed());
            }
        }
        for answer in concurrent::all(calls, CALLS_AT_ONCE).await {
            round += answer;
        }
        round
    }

    /// Asks for at most [`QUERIES_A_CALL`] metrics, all pages of the answer.
    async fn ask(
        &self,
        region: &str,
        questions: &[Question],
        (from_ms, until_ms): (TimestampMs, TimestampMs),
    ) -> MetricsRound {
        let mut round = MetricsRound {
            usage: billed(questions.len() as u64),
            ..MetricsRound::default()
        };
        let mut answers: Vec<Vec<Sample>> = vec![Vec::new(); questions.len()];
        let mut refused: BTreeMap<String, usize> = BTreeMap::new();
        let queries = questions
            .iter()
            .enumerate()
            .map(|(index, question)| question.query(index))
            .collect();
        let mut pages = self
            .clients
            .of(region)
            .cloudwatch
            .get_metric_data()
            .start_time(DateTime::from_millis(from_ms))
            .end_time(DateTime::from_millis(until_ms))
            .scan_by(ScanBy::TimestampAscending)
            .set_metric_data_queries(Some(queries))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            round.usage.calls += 1;
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    round.missing.push(Missing {
                        scope: region.to_owned(),
                        error: told(format!("read the metrics of {region}"), &error),
                    });
                    break;
                }
            };
            for result in page.metric_data_results() {
                let Some(answer) = result.id().and_then(index).and_then(|i| answers.get_mut(i))
                else {
                    continue;
                };
                if matches!(
                    result.status_code(),
                    Some(StatusCode::InternalError | StatusCode::Forbidden)
                ) {
                    let said = result
                        .messages()
                        .first()
                        .and_then(|message| message.value())
                        .or(result.status_code().map(StatusCode::as_str))
                        .unwrap_or_default();
                    *refused.entry(said.to_owned()).or_default() += 1;
                }
                let points = result.timestamps().iter().zip(result.values());
                answer.extend(points.filter_map(|(time, value)| {
                    Some(Sample {
                        timestamp_ms: time.to_millis().ok()?,
                        value: *value,
                    })
                }));
            }
        }
        round
            .missing
            .extend(refused.into_iter().map(|(said, count)| Missing {
                scope: region.to_owned(),
                error: Error::new(
                    ErrorKind::Unavailable,
                    format!("read {count} of the metrics of {region}"),
                    said,
                ),
            }));
        round.series = questions
            .iter()
            .zip(answers)
            .filter(|(_, samples)| !samples.is_empty())
            .flat_map(|(question, samples)| question.series(samples))
            .collect();
        round
    }
}

impl Question {
    fn query(&self, index: usize) -> MetricDataQuery {
        let metric = Metric::builder()
            .namespace(self.namespace)
            .metric_name(self.name)
            .set_dimensions(Some(self.dimensions.clone()))
            .build();
        let statistic = MetricStat::builder()
            .metric(metric)
            .period(self.period_secs as i32)
            .stat(self.statistic)
            .build();
        MetricDataQuery::builder()
            .id(format!("q{index}"))
            .metric_stat(statistic)
            .build()
    }

    /// The provider's own series, and ours where there is one.
    fn series(&self, mut samples: Vec<Sample>) -> Vec<CloudSeries> {
        // Pages may overlap, and their order is not promised.
        samples.sort_by_key(|sample| sample.timestamp_ms);
        samples.dedup_by_key(|sample| sample.timestamp_ms);
        let period_secs = self.period_secs as f64;
        let ours = self.ours.map(|(name, normalised)| CloudSeries {
            server: self.server.clone(),
            metric: name.to_owned(),
            labels: self.labels.clone(),
            samples: samples
                .iter()
                .map(|sample| Sample {
                    timestamp_ms: sample.timestamp_ms,
                    value: normalised.convert(sample.value, period_secs),
                })
                .collect(),
        });
        let raw = CloudSeries {
            server: self.server.clone(),
            metric: self.raw.to_owned(),
            labels: self.labels.clone(),
            samples,
        };
        ours.into_iter().chain([raw]).collect()
    }
}

fn index(id: &str) -> Option<usize> {
    id.strip_prefix('q')?.parse().ok()
}

fn billed(metrics: u64) -> Usage {
    Usage {
        calls: 0,
        billed: metrics,
        cost_micro_usd: metrics * METRIC_MICRO_USD,
    }
}

/// What is off is not asked about: it would be paid for, and say nothing.
fn running_by_region(servers: &[CloudServer]) -> BTreeMap<&str, Vec<&CloudServer>> {
    let mut by_region: BTreeMap<&str, Vec<&CloudServer>> = BTreeMap::new();
    for server in servers
        .iter()
        .filter(|server| server.state == PowerState::Running)
    {
        by_region
            .entry(&server.server.region)
            .or_default()
            .push(server);
    }
    by_region
}

fn questions(servers: &[&CloudServer], listed: &[Listed], interval_secs: u64) -> Vec<Question> {
    let mut questions = Vec::new();
    for server in servers {
        let period_secs = period(server.is_measured_each_minute, interval_secs);
        let metrics = EC2_METRICS
            .iter()
            .filter(|metric| !metric.only_burstable || is_burstable(&server.instance_type));
        questions.extend(metrics.map(|metric| Question {
            server: server.server.clone(),
            namespace: "AWS/EC2",
            name: metric.name,
            statistic: metric.statistic,
            dimensions: vec![
                    Dimension::builder()
                        .name("InstanceId")
                        .value(&server.server.id)
                        .build(),
                ],
            period_secs,
            raw: metric.raw,
            ours: metric.ours,
            labels: BTreeMap::new(),
        }));
    }
    let owners = Owners::new(servers);
    questions.extend(listed.iter().filter_map(|agent| {
        let server = agent.owner(&owners)?;
        Some(Question {
            server: server.server.clone(),
            namespace: "CWAgent",
            name: agent.metric.name,
            statistic: "Average",
            dimensions: agent.dimensions.clone(),
            period_secs: period(true, interval_secs),
            raw: agent.metric.raw,
            ours: Some((agent.metric.ours, agent.metric.normalised)),
            labels: agent.labels(),
        })
    }));
    questions
}

/// No finer than it is measured, and no finer than it is asked for; CloudWatch wants minutes.
fn period(is_measured_each_minute: bool, interval_secs: u64) -> u64 {
    let finest = if is_measured_each_minute {
        DETAILED_PERIOD_SECS
    } else {
        BASIC_PERIOD_SECS
    };
    let wanted = interval_secs / 60 * 60;
    wanted.clamp(finest, BASIC_PERIOD_SECS)
}

/// The whole periods between two moments; a period that still goes on would be counted in part.
fn window(
    from_ms: TimestampMs,
    until_ms: TimestampMs,
    period_secs: u64,
) -> Option<(TimestampMs, TimestampMs)> {
    let period_ms = period_secs as i64 * 1000;
    let until_ms = (until_ms - SETTLING_MS).div_euclid(period_ms) * period_ms;
    let from_ms = from_ms.div_euclid(period_ms) * period_ms;
    (from_ms < until_ms).then_some((from_ms, until_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_and_settled_periods_are_asked_for() {
        let minute = 60_000;
        assert_eq!(
            window(1, 14 * minute, 300),
            Some((0, 10 * minute)),
            "the period that ended at 10 is whole since 12"
        );
        assert_eq!(
            window(0, 11 * minute, 300),
            Some((0, 5 * minute)),
            "the one that ended at 10 may still change at 11"
        );
        assert_eq!(window(0, 6 * minute, 300), None);
    }

    #[test]
    fn a_period_is_no_finer_than_what_is_measured_or_asked() {
        assert_eq!(period(false, 60), 300);
        assert_eq!(period(true, 60), 60);
        assert_eq!(period(true, 10), 60);
        assert_eq!(period(true, 150), 120);
        assert_eq!(period(true, 3600), 300, "a mean of an hour hides peaks");
    }
}
