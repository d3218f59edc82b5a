//! What CloudWatch knows of instances, in as few calls as it allows.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricStat, ScanBy, StatusCode,
};
use futures::FutureExt as _;
use yunhai_cloud::{
    CloudSeries, CloudServer, Collector, Error, ErrorKind, Metrics, MetricsQuery, MetricsRound,
    Missing, Pages, PowerState, SCOPES_AT_ONCE, ServerRef, Usage, concurrently, whole_periods,
};
use yunhai_model::{Sample, TimestampMs};

use crate::account::AwsAccount;
use crate::cloudwatch_agent::{Listed, Owners};
use crate::error::told;
use crate::table::{EC2_METRICS, Normalised, is_burstable};

/// How many queries a call of GetMetricData takes.
const QUERIES_A_CALL: usize = 500;

/// How many periods of each: the answer has at most 100,800 points a page.
const PERIODS_A_CALL: i64 = 200;

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
    async fn collect(&self, query: MetricsQuery<'_>, collector: &dyn Collector) -> MetricsRound {
        let questions = running_by_region(query.servers)
            .into_iter()
            .map(|(region, servers)| {
                self.collect_region(region, servers, query, collector)
                    .boxed()
            })
            .collect();
        let mut whole = MetricsRound::default();
        for round in concurrently(questions, SCOPES_AT_ONCE).await {
            whole += round;
        }
        whole
    }

    fn delay_secs(&self, server: &CloudServer) -> u64 {
        let period_secs = period(server.is_measured_each_minute, 0);
        period_secs + SETTLING_MS.unsigned_abs() / 1000
    }
}

impl AwsAccount {
    async fn collect_region(
        &self,
        region: &str,
        servers: Vec<&CloudServer>,
        query: MetricsQuery<'_>,
        collector: &dyn Collector,
    ) -> MetricsRound {
        let (listed, mut round) = self.agent_series(region, query.until_ms, collector).await;
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
            for window in windows(query.from_ms, query.until_ms, *period_secs) {
                for chunk in questions.chunks(QUERIES_A_CALL) {
                    calls.push(self.ask(region, chunk, window, collector).boxed());
                }
            }
        }
        for answer in concurrently(calls, CALLS_AT_ONCE).await {
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
        collector: &dyn Collector,
    ) -> MetricsRound {
        let mut round = MetricsRound::default();
        if !collector.may_spend(cost(questions.len() as u64)) {
            round.is_over_budget = true;
            round.unread.insert(region.to_owned());
            return round;
        }
        let mut answers: Vec<Vec<Sample>> = vec![Vec::new(); questions.len()];
        let mut refused: BTreeMap<(bool, String), usize> = BTreeMap::new();
        let queries = questions
            .iter()
            .enumerate()
            .map(|(index, question)| question.query(index))
            .collect();
        let request = self
            .clients
            .of(region)
            .cloudwatch
            .get_metric_data()
            .start_time(DateTime::from_millis(from_ms))
            .end_time(DateTime::from_millis(until_ms))
            .scan_by(ScanBy::TimestampAscending)
            .set_metric_data_queries(Some(queries));
        let mut pages = Pages::default();
        loop {
            let attempted = format!("read the metrics of {region}");
            let page = request.clone().set_next_token(pages.token()).send().await;
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    round.missing.push(missing(region, told(attempted, &error)));
                    round.unread.insert(region.to_owned());
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
                    let is_denied = result.status_code() == Some(&StatusCode::Forbidden);
                    *refused.entry((is_denied, said.to_owned())).or_default() += 1;
                }
                let points = result.timestamps().iter().zip(result.values());
                answer.extend(points.filter_map(|(time, value)| {
                    Some(Sample {
                        timestamp_ms: time.to_millis().ok()?,
                        value: *value,
                    })
                }));
            }
            match pages.go_on(page.next_token, attempted) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    round.missing.push(missing(region, error));
                    round.unread.insert(region.to_owned());
                    break;
                }
            }
        }
        for ((is_denied, said), count) in refused {
            let kind = if is_denied {
                ErrorKind::Denied
            } else {
                ErrorKind::Unavailable
            };
            let attempted = format!("read {count} of the metrics of {region}");
            let error = Error::new(kind, attempted, said);
            round.missing.push(missing(region, error));
        }
        let series = questions
            .iter()
            .zip(answers)
            .filter(|(_, samples)| !samples.is_empty())
            .flat_map(|(question, samples)| question.series(samples))
            .collect();
        collector.take(series).await;
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

pub(crate) fn missing(region: &str, error: Error) -> Missing {
    Missing {
        scope: region.to_owned(),
        error,
    }
}

fn index(id: &str) -> Option<usize> {
    id.strip_prefix('q')?.parse().ok()
}

/// What a call for so many metrics takes.
fn cost(metrics: u64) -> Usage {
    Usage {
        calls: 1,
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

/// The whole periods between two moments, in pieces whose answer fits one page. A period that still
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
        assert_eq!(
            windows(1, 14 * minute, 300),
            [(0, 10 * minute)],
            "the period that ended at 10 is whole since 12"
        );
        assert_eq!(
            windows(0, 11 * minute, 300),
            [(0, 5 * minute)],
            "the one that ended at 10 may still change at 11"
        );
        assert_eq!(windows(0, 6 * minute, 300), []);
    }

    #[test]
    fn a_long_window_is_asked_for_in_pieces_without_a_gap() {
        let day_ms = 86_400_000;
        let pieces = windows(0, day_ms + SETTLING_MS, 60);
        assert_eq!(pieces.len(), 8);
        assert_eq!((pieces[0].0, pieces[7].1), (0, day_ms));
        assert!(pieces.windows(2).all(|pair| pair[0].1 == pair[1].0));
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
