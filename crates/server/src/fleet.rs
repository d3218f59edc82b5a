//! The fleet as its newest samples show it: one snapshot, refreshed in the background and shared
//! by all who ask.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use yunhai_api_types::{Consumer, ServerCounts, ServerState, ServerSummary, TopConsumers};
use yunhai_model::{Clock, Labels, Sample, TimeSeries, TimestampMs, is_stale};
use yunhai_promql::{MatchOp, Matcher, Queryable, SelectError, SelectHints};

/// How far back a server's newest sample may lie for the server to count as up: three of the
/// default intervals, so that one late measurement does not make it look down.
pub(crate) const LOOK_BACK_MS: i64 = 15 * 60_000;

/// How far back the first look goes, to know servers that are down since before the start.
const FIRST_LOOK_BACK_MS: i64 = 24 * 3_600_000;

const REFRESH_INTERVAL: Duration = Duration::from_secs(5);

/// How many servers each list of top consumers names.
const TOP: usize = 5;

type SetGauge = fn(&mut ServerSummary, f64);
type RateField = fn(&mut ServerSummary) -> &mut Option<f64>;

/// Where the snapshot is kept.
pub(crate) struct Fleet {
    queryable: Arc<dyn Queryable>,
    clock: Arc<dyn Clock>,
    snapshot: RwLock<Arc<Snapshot>>,
    looks: watch::Sender<u64>,
}

/// The servers at one moment, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    servers: BTreeMap<String, ServerSummary>,
}

impl Fleet {
    pub(crate) fn new(queryable: Arc<dyn Queryable>, clock: Arc<dyn Clock>) -> Self {
        Self {
            queryable,
            clock,
            snapshot: RwLock::default(),
            looks: watch::Sender::new(0),
        }
    }

    /// Returns the newest snapshot.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Follows how often the fleet was looked at.
    pub(crate) fn looks(&self) -> watch::Receiver<u64> {
        self.looks.subscribe()
    }

    /// Refreshes the snapshot until stopped.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(REFRESH_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "cannot refresh the list of servers");
            }
        }
    }

    /// Looks at the newest samples once.
    pub(crate) async fn refresh(&self) -> Result<(), SelectError> {
        let now_ms = self.clock.now_ms();
        let before = self.snapshot();
        let look_back_ms = if before.servers.is_empty() {
            FIRST_LOOK_BACK_MS
        } else {
            LOOK_BACK_MS
        };
        let mut servers: BTreeMap<String, ServerSummary> = before
            .servers
            .iter()
            .map(|(name, server)| (name.clone(), forget_measurements(server)))
            .collect();
        for series in self.select("server_up", now_ms, look_back_ms).await? {
            let Some((server, sample)) = entry(&mut servers, &series) else {
                continue;
            };
            if server
                .last_seen_ms
                .is_none_or(|seen| seen < sample.timestamp_ms)
            {
                server.last_seen_ms = Some(sample.timestamp_ms);
            }
            let fresh = now_ms - sample.timestamp_ms <= LOOK_BACK_MS;
            server.state = if fresh && sample.value > 0.0 {
                ServerState::Up
            } else {
                ServerState::Down
            };
        }
        let gauges: [(&str, SetGauge); 5] = [
            ("server_cpu_utilization_ratio", |server, value| {
                server.cpu_ratio = Some(value);
            }),
            ("server_memory_utilization_ratio", |server, value| {
                server.memory_ratio = Some(value);
            }),
            ("server_filesystem_utilization_ratio", |server, value| {
                server.disk_ratio = Some(server.disk_ratio.map_or(value, |most| most.max(value)));
            }),
            ("server_load1", |server, value| server.load1 = Some(value)),
            ("server_uptime_seconds", |server, value| {
                server.uptime_secs = Some(value);
            }),
        ];
        for (metric, set) in gauges {
            for series in self.select(metric, now_ms, LOOK_BACK_MS).await? {
                if let Some((server, sample)) = entry(&mut servers, &series) {
                    set(server, sample.value);
                }
            }
        }
        let rates: [(&str, RateField); 2] = [
            ("server_network_receive_bytes_total", |server| {
                &mut server.receive_bytes_per_sec
            }),
            ("server_network_transmit_bytes_total", |server| {
                &mut server.transmit_bytes_per_sec
            }),
        ];
        for (metric, field) in rates {
            for series in self.select(metric, now_ms, LOOK_BACK_MS).await? {
                if let (Some(rate), Some((server, _))) =
                    (newest_rate(&series.samples), entry(&mut servers, &series))
                {
                    *field(server).get_or_insert(0.0) += rate;
                }
            }
        }
        let snapshot = Arc::new(Snapshot { servers });
        *self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner) = snapshot;
        self.looks.send_modify(|looks| *looks += 1);
        Ok(())
    }

    async fn select(
        &self,
        metric: &str,
        now_ms: TimestampMs,
        look_back_ms: i64,
    ) -> Result<Vec<TimeSeries>, SelectError> {
        let matcher = Matcher::new(yunhai_model::METRIC_NAME, MatchOp::Equal, metric)
            .map_err(|error| SelectError(error.to_string()))?;
        self.queryable
            .select(
                &[matcher],
                now_ms - look_back_ms,
                now_ms,
                &SelectHints::default(),
            )
            .await
    }
}

impl Snapshot {
    /// Goes through the servers in the order of their names.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &ServerSummary> {
        self.servers.values()
    }

    /// Returns a server by its name.
    pub(crate) fn get(&self, name: &str) -> Option<&ServerSummary> {
        self.servers.get(name)
    }

    /// Counts the servers by state.
    pub(crate) fn counts(&self) -> ServerCounts {
        let mut counts = ServerCounts::default();
        for server in self.servers.values() {
            counts.total += 1;
            match server.state {
                ServerState::Up => counts.up += 1,
                ServerState::Down => counts.down += 1,
                ServerState::Unknown => counts.unknown += 1,
            }
        }
        counts
    }

    /// Returns who uses the most.
    pub(crate) fn top(&self) -> TopConsumers {
        let top = |value: fn(&ServerSummary) -> Option<f64>| {
            let mut consumers: Vec<Consumer> = self
                .servers
                .values()
                .filter_map(|server| {
                    Some(Consumer {
                        server: server.name.clone(),
                        value: value(server)?,
                    })
                })
                .collect();
            consumers.sort_by(|a, b| b.value.total_cmp(&a.value));
            consumers.truncate(TOP);
            consumers
        };
        TopConsumers {
            cpu: top(|server| server.cpu_ratio),
            memory: top(|server| server.memory_ratio),
            disk: top(|server| server.disk_ratio),
        }
    }
}

fn entry<'a>(
    servers: &'a mut BTreeMap<String, ServerSummary>,
    series: &TimeSeries,
) -> Option<(&'a mut ServerSummary, Sample)> {
    let name = series.labels.get("server")?;
    let sample = *series
        .samples
        .iter()
        .rfind(|sample| !is_stale(sample.value))?;
    if !servers.contains_key(name) {
        servers.insert(name.to_owned(), new_server(name, &series.labels));
    }
    Some((servers.get_mut(name)?, sample))
}

fn new_server(name: &str, labels: &Labels) -> ServerSummary {
    let optional = |label: &str| labels.get(label).map(str::to_owned);
    ServerSummary {
        name: name.to_owned(),
        provider: optional("provider").unwrap_or_default(),
        account: optional("account"),
        region: optional("region"),
        state: ServerState::Unknown,
        cpu_ratio: None,
        memory_ratio: None,
        disk_ratio: None,
        receive_bytes_per_sec: None,
        transmit_bytes_per_sec: None,
        load1: None,
        uptime_secs: None,
        last_seen_ms: None,
        tags: labels
            .iter()
            .filter_map(|(label, value)| {
                Some((label.strip_prefix("tag_")?.to_owned(), value.to_owned()))
            })
            .collect(),
        alerts: 0,
    }
}

/// A server that is known from before keeps its name and place; what it measures is asked anew.
fn forget_measurements(server: &ServerSummary) -> ServerSummary {
    ServerSummary {
        state: if server.last_seen_ms.is_some() {
            ServerState::Down
        } else {
            ServerState::Unknown
        },
        cpu_ratio: None,
        memory_ratio: None,
        disk_ratio: None,
        receive_bytes_per_sec: None,
        transmit_bytes_per_sec: None,
        load1: None,
        uptime_secs: None,
        ..server.clone()
    }
}

/// Returns a counter's increase a second between its two newest samples.
fn newest_rate(samples: &[Sample]) -> Option<f64> {
    let mut newest = samples
        .iter()
        .rev()
        .filter(|sample| !is_stale(sample.value));
    let (last, before) = (newest.next()?, newest.next()?);
    let seconds = (last.timestamp_ms - before.timestamp_ms) as f64 / 1000.0;
    // A counter that fell was reset: it has counted `last` since.
    let increase = if last.value < before.value {
        last.value
    } else {
        last.value - before.value
    };
    (seconds > 0.0).then(|| increase / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_survives_a_reset() {
        let sample = |timestamp_ms, value| Sample {
            timestamp_ms,
            value,
        };
        assert_eq!(
            newest_rate(&[sample(0, 10.0), sample(2000, 30.0)]),
            Some(10.0)
        );
        assert_eq!(
            newest_rate(&[sample(0, 90.0), sample(2000, 30.0)]),
            Some(15.0)
        );
        assert_eq!(newest_rate(&[sample(0, 90.0)]), None);
    }
}
