//! What Cloud Monitoring knows of servers: one list for each metric of a whole project.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures::FutureExt as _;
use yunhai_cloud::{
    CloudSeries, CloudServer, Collector, Error, ErrorKind, Metrics, MetricsQuery, MetricsRound,
    Missing, Pages, PowerState, SCOPES_AT_ONCE, Usage, concurrently,
};
use yunhai_model::{Sample, TimestampMs};

use crate::account::GcpAccount;
use crate::lifecycle::Path;
use crate::monitoring::{Measured, PERIOD_SECS, Point, TimeSeriesList};
use crate::table::{Combined, GCE_METRICS, GceMetric, is_disk};

/// How many points a page has at most: half of Google's own limit, as several pages are held in
/// memory at once.
const PAGE: &str = "50000";

/// How many calls are under way at once in a project.
const CALLS_AT_ONCE: usize = 4;

/// How much of the past one call asks for, so that an answer can be held in memory.
const WINDOW_MS: i64 = 4 * 3_600_000;

/// After which time all series of a moment can be had.
const SETTLING_SECS: u64 = 240;

/// How many series the last answer about a metric had, by project: what is paid for is known only
/// afterwards, and stays much the same.
#[derive(Debug, Default)]
pub(crate) struct Returned(Mutex<HashMap<(String, &'static str), u64>>);

impl Returned {
    fn get(&self, project: &str, metric: &GceMetric) -> Option<u64> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(project.to_owned(), metric.kind)).copied()
    }

    fn put(&self, project: &str, metric: &GceMetric, series: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((project.to_owned(), metric.kind), series);
    }
}

/// The servers of a project that run, by zone and number.
type Running<'a> = HashMap<(&'a str, &'a str), &'a CloudServer>;

/// What came of one list.
#[derive(Default)]
struct Answer {
    errors: Vec<Error>,
    unreachable: Vec<String>,
    is_over_budget: bool,
    /// Whether it was not asked for, as the project is asked too much.
    is_left_out: bool,
}

impl Answer {
    fn is_whole(&self) -> bool {
        self.errors.is_empty() && !self.is_over_budget && !self.is_left_out
    }
}

#[async_trait]
impl Metrics for GcpAccount {
    async fn collect(&self, query: MetricsQuery<'_>, collector: &dyn Collector) -> MetricsRound {
        let questions = running(query.servers)
            .into_iter()
            .map(|(project, servers)| {
                self.collect_project(project, servers, query, collector)
                    .boxed()
            })
            .collect();
        let mut whole = MetricsRound::default();
        for round in concurrently(questions, SCOPES_AT_ONCE).await {
            whole += round;
        }
        whole
    }

    fn delay_secs(&self, _: &CloudServer) -> u64 {
        PERIOD_SECS + SETTLING_SECS
    }
}

impl GcpAccount {
    async fn collect_project(
        &self,
        project: &str,
        servers: Running<'_>,
        query: MetricsQuery<'_>,
        collector: &dyn Collector,
    ) -> MetricsRound {
        let is_throttled = AtomicBool::new(false);
        let mut calls = Vec::new();
        for window in windows(query.from_ms, query.until_ms) {
            for metric in GCE_METRICS {
                let settled_ms = query.until_ms - SETTLING_SECS as i64 * 1000;
                let ask = Ask {
                    project,
                    metric,
                    window,
                    settled_ms,
                    servers: &servers,
                    is_throttled: &is_throttled,
                };
                calls.push(self.ask(ask, collector).boxed());
            }
        }
        let mut round = MetricsRound::default();
        let mut errors: Vec<(Error, usize)> = Vec::new();
        let mut unreachable = Vec::new();
        for answer in concurrently(calls, CALLS_AT_ONCE).await {
            if !answer.is_whole() {
                let regions = servers.values().map(|server| server.server.region.clone());
                round.unread.extend(regions);
            }
            round.is_over_budget |= answer.is_over_budget;
            unreachable.extend(answer.unreachable);
            for error in answer.errors {
                let is_same = |known: &Error| known.kind == error.kind && known.said == error.said;
                match errors.iter_mut().find(|(known, _)| is_same(known)) {
                    Some((_, count)) => *count += 1,
                    None => errors.push((error, 1)),
                }
            }
        }
        for (mut error, count) in errors {
            if count > 1 {
                error.attempted = format!("read {count} of the metrics of {project}");
            }
            round.missing.push(missing(project, error));
        }
        unreachable.sort();
        unreachable.dedup();
        for region in unreachable {
            let attempted = format!("read the metrics of {project} in {region}");
            let error = Error::new(
                ErrorKind::Unavailable,
                attempted,
                format!("{region} cannot be reached"),
            );
            round.missing.push(missing(&region, error));
            round.unread.insert(region);
        }
        round
    }

    /// Asks for one metric of a project within a window, all pages of the answer.
    async fn ask(&self, ask: Ask<'_>, collector: &dyn Collector) -> Answer {
        let mut answer = Answer::default();
        let Ask {
            project, metric, ..
        } = ask;
        if ask.is_throttled.load(Ordering::Relaxed) {
            answer.is_left_out = true;
            return answer;
        }
        let expected = self.returned.get(project, metric);
        let mut paid = expected.unwrap_or(ask.servers.len() as u64).max(1);
        let mut returned = 0;
        if !collector.may_spend(cost(1, paid)) {
            answer.is_over_budget = true;
            return answer;
        }
        let attempted = format!("read {} of {project}", metric.kind);
        let (from_ms, until_ms) = ask.window;
        let mut series: BTreeMap<(String, BTreeMap<String, String>), Vec<Measured>> =
            BTreeMap::new();
        let mut pages = Pages::default();
        loop {
            let address = self
                .client
                .monitoring(&format!("projects/{project}/timeSeries"));
            let mut query = vec![
                ("filter", filter(metric)),
                // The interval begins after its start and ends with its end.
                ("interval.startTime", moment(from_ms - 1)),
                ("interval.endTime", moment(until_ms - 1)),
                ("view", "FULL".to_owned()),
                ("pageSize", PAGE.to_owned()),
            ];
            query.extend(pages.token().map(|token| ("pageToken", token)));
            let page = self.client.get(&attempted, address, query).await;
            let page: TimeSeriesList = match page {
                Ok(page) => page,
                // Metrics of the Ops Agent do not exist where it never ran.
                Err(error) if is_of_no_metric(&error) => break,
                Err(error) => {
                    let is_throttled = error.kind == ErrorKind::Throttled;
                    ask.is_throttled.fetch_or(is_throttled, Ordering::Relaxed);
                    answer.errors.push(error);
                    break;
                }
            };
            returned += page.time_series.len() as u64;
            for found in page.time_series {
                let of = |name: &str| found.resource.labels.get(name).map(String::as_str);
                let (Some(zone), Some(number)) = (of("zone"), of("instance_id")) else {
                    continue;
                };
                let Some(server) = ask.servers.get(&(zone, number)) else {
                    continue;
                };
                let key = (server.server.id.clone(), found.metric.labels);
                let points = found.points.iter().filter_map(Point::measured);
                series.entry(key).or_default().extend(points);
            }
            answer.unreachable.extend(page.unreachable);
            let failures = page.execution_errors.into_iter();
            answer.errors.extend(failures.map(|status| Error {
                kind: status.kind(),
                attempted: attempted.clone(),
                said: status.message,
                code: None,
            }));
            match pages.go_on(page.next_page_token, attempted.clone()) {
                Ok(true) => {
                    let more = returned.saturating_sub(paid);
                    if !collector.may_spend(cost(1, more)) {
                        answer.is_over_budget = true;
                        break;
                    }
                    paid += more;
                }
                Ok(false) => break,
                Err(error) => {
                    answer.errors.push(error);
                    break;
                }
            }
        }
        let more = returned.saturating_sub(paid);
        if more > 0 && !collector.may_spend(cost(0, more)) {
            answer.is_over_budget = true;
        }
        if answer.errors.is_empty() {
            self.returned.put(project, metric, returned);
        }
        collector.take(ask.series(series)).await;
        answer
    }
}

/// One metric of a project within a window.
#[derive(Clone, Copy)]
struct Ask<'a> {
    project: &'a str,
    metric: &'static GceMetric,
    window: (TimestampMs, TimestampMs),
    /// Until when everything can be had that there is.
    settled_ms: TimestampMs,
    servers: &'a Running<'a>,
    /// Set by the first question that is throttled in spite of its patience, for those that follow.
    is_throttled: &'a AtomicBool,
}

impl Ask<'_> {
    /// Google's own series, and ours.
    fn series(
        self,
        found: BTreeMap<(String, BTreeMap<String, String>), Vec<Measured>>,
    ) -> Vec<CloudSeries> {
        let by_id: HashMap<&str, &CloudServer> = self
            .servers
            .values()
            .map(|server| (server.server.id.as_str(), *server))
            .collect();
        let metric = self.metric;
        let mut all = Vec::new();
        let mut sums: BTreeMap<String, BTreeMap<TimestampMs, f64>> = BTreeMap::new();
        for ((id, labels), mut points) in found {
            let is_of_disk = labels.get("device").is_none_or(|device| is_disk(device));
            let Some(server) = by_id.get(id.as_str()).filter(|_| is_of_disk) else {
                continue;
            };
            // They come newest first, and pages may overlap.
            points.sort_by_key(|point| point.until_ms);
            points.dedup_by_key(|point| point.until_ms);
            let converted = points.iter().map(|point| Sample {
                timestamp_ms: point.until_ms,
                value: metric.normalised.convert(point.value, point.secs()),
            });
            match metric.combined {
                Combined::Each => all.push(CloudSeries {
                    server: server.server.clone(),
                    metric: metric.ours.to_owned(),
                    labels: ours(metric, &labels),
                    samples: converted.collect(),
                }),
                // A sum without all of its parts would be too small.
                Combined::Sum => {
                    let of_server = sums.entry(id).or_default();
                    for sample in converted.filter(|s| s.timestamp_ms <= self.settled_ms) {
                        *of_server.entry(sample.timestamp_ms).or_default() += sample.value;
                    }
                }
            }
            all.push(CloudSeries {
                server: server.server.clone(),
                metric: metric.raw.to_owned(),
                labels,
                samples: points
                    .iter()
                    .map(|point| Sample {
                        timestamp_ms: point.until_ms,
                        value: point.value,
                    })
                    .collect(),
            });
        }
        let sums = sums.into_iter().filter_map(|(id, of_server)| {
            Some(CloudSeries {
                server: by_id.get(id.as_str())?.server.clone(),
                metric: metric.ours.to_owned(),
                labels: BTreeMap::new(),
                samples: of_server
                    .into_iter()
                    .map(|(timestamp_ms, value)| Sample {
                        timestamp_ms,
                        value,
                    })
                    .collect(),
            })
        });
        all.extend(sums);
        all.retain(|series| !series.samples.is_empty());
        all
    }
}

fn ours(metric: &GceMetric, labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    metric
        .labels
        .iter()
        .filter_map(|(theirs, ours)| Some(((*ours).to_owned(), labels.get(*theirs)?.clone())))
        .collect()
}

/// The filter that picks a metric of servers: it has to name exactly one type.
pub(crate) fn filter(metric: &GceMetric) -> String {
    let mut filter = format!(
        "metric.type = \"{}\" AND resource.type = \"gce_instance\"",
        metric.kind
    );
    if let Some(state) = metric.state {
        filter = format!("{filter} AND metric.labels.state = \"{state}\"");
    }
    filter
}

/// A moment as Google writes it.
pub(crate) fn moment(at_ms: TimestampMs) -> String {
    jiff::Timestamp::from_millisecond(at_ms)
        .unwrap_or_default()
        .to_string()
}

/// What a call takes: 0.50 $ for a million series returned (since 2 October 2025).
fn cost(calls: u64, series: u64) -> Usage {
    Usage {
        calls,
        billed: series,
        cost_micro_usd: series.div_ceil(2),
    }
}

fn missing(scope: &str, error: Error) -> Missing {
    Missing {
        scope: scope.to_owned(),
        error,
    }
}

fn is_of_no_metric(error: &Error) -> bool {
    error.kind == ErrorKind::NotFound && error.said.contains("Cannot find metric")
}

/// What is off says nothing.
fn running(servers: &[CloudServer]) -> BTreeMap<&str, Running<'_>> {
    let mut by_project: BTreeMap<&str, Running<'_>> = BTreeMap::new();
    for server in servers
        .iter()
        .filter(|server| server.state == PowerState::Running)
    {
        if let Some(Path {
            project,
            zone,
            name,
        }) = Path::of(&server.server.id)
        {
            by_project
                .entry(project)
                .or_default()
                .insert((zone, name), server);
        }
    }
    by_project
}

/// The time between two moments in pieces.
fn windows(from_ms: TimestampMs, until_ms: TimestampMs) -> Vec<(TimestampMs, TimestampMs)> {
    let mut windows = Vec::new();
    let mut from_ms = from_ms;
    while from_ms < until_ms {
        let end_ms = until_ms.min(from_ms + WINDOW_MS);
        windows.push((from_ms, end_ms));
        from_ms = end_ms;
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_window_is_asked_for_in_pieces_without_a_gap() {
        let day_ms = 86_400_000;
        let pieces = windows(1, day_ms);
        assert_eq!(pieces.len(), 6);
        assert_eq!((pieces[0].0, pieces[5].1), (1, day_ms));
        assert!(pieces.windows(2).all(|pair| pair[0].1 == pair[1].0));
        assert_eq!(windows(5, 5), []);
    }

    #[test]
    fn series_are_paid_for_by_the_million() {
        assert_eq!(cost(1, 1_000_000).cost_micro_usd, 500_000);
        assert_eq!(cost(1, 1).cost_micro_usd, 1, "never less than it costs");
        assert_eq!(cost(1, 0).cost_micro_usd, 0);
    }
}
