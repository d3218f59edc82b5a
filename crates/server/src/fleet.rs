//! The fleet as its newest samples show it: one snapshot, refreshed in the background and shared
//! by all who ask.

mod snapshot;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use yunhai_api_types::{ServerState, ServerSummary};
use yunhai_cloud::Provider;
use yunhai_inventory::Inventory;
use yunhai_model::{Clock, Sample, TimeSeries, TimestampMs, is_stale, with_causes};
use yunhai_monitor::ServerDirectory;
use yunhai_promql::{MatchOp, Matcher, Queryable, SelectError, SelectHints};

use crate::collect::LocalHost;
pub(crate) use snapshot::Snapshot;

/// How far back queries look for the newest sample of a series: three of the default intervals.
pub(crate) const LOOK_BACK_MS: i64 = 15 * 60_000;

/// How often the measurements of a server come unless somebody says otherwise, in seconds.
const DEFAULT_INTERVAL_SECS: u64 = 300;

/// After how many intervals without a measurement a server counts as down, so that a late one
/// does not make it look so.
const MISSED_INTERVALS: i64 = 3;

/// However short the interval, this long a server may be silent.
const LEAST_PATIENCE_MS: i64 = 30_000;

/// How far back the first look goes, to know servers that are down since before the start.
const FIRST_LOOK_BACK_MS: i64 = 24 * 3_600_000;

/// How far back the first look goes for when a server that is down was last heard of.
const LAST_SEEN_LOOK_BACK_MS: i64 = 15 * 24 * 3_600_000;

/// How often servers are looked at whose measurements come more rarely than queries look back.
const SLOW_REFRESH_MS: i64 = 60_000;

const REFRESH_INTERVAL: Duration = Duration::from_secs(5);

type SetGauge = fn(&mut ServerSummary, f64);
type RateField = fn(&mut ServerSummary) -> &mut Option<f64>;

/// Where the snapshot is kept.
pub(crate) struct Fleet {
    queryable: Arc<dyn Queryable>,
    clock: Arc<dyn Clock>,
    host: LocalHost,
    directory: ServerDirectory,
    inventory: Inventory,
    snapshot: RwLock<Arc<Snapshot>>,
    slow_looked_at_ms: AtomicI64,
    looks: watch::Sender<u64>,
}

impl Fleet {
    pub(crate) fn new(
        queryable: Arc<dyn Queryable>,
        clock: Arc<dyn Clock>,
        host: LocalHost,
        directory: ServerDirectory,
        inventory: Inventory,
    ) -> Self {
        Self {
            queryable,
            clock,
            host,
            directory,
            inventory,
            snapshot: RwLock::default(),
            slow_looked_at_ms: AtomicI64::new(i64::MIN),
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
                tracing::warn!(
                    error = with_causes(&error),
                    "cannot refresh the list of servers"
                );
            }
        }
    }

    /// Looks at the newest samples once.
    pub(crate) async fn refresh(&self) -> Result<(), SelectError> {
        let now_ms = self.clock.now_ms();
        let before = self.snapshot();
        let is_first = before.by_name().is_empty();
        let settings = self.directory.all();
        let of_clouds = self.inventory.servers();
        let slow: Vec<&str> = settings
            .keys()
            .map(String::as_str)
            .chain([self.host.name()])
            .chain(of_clouds.iter().map(|server| server.label.as_str()))
            .filter(|name| self.patience_ms(name) > LOOK_BACK_MS)
            .collect();
        let looked_at_ms = self.slow_looked_at_ms.load(Ordering::Relaxed);
        let is_slow_due = is_first || now_ms.saturating_sub(looked_at_ms) >= SLOW_REFRESH_MS;
        // What was removed, and what its provider says is off, is no server that is down.
        let forgotten_at_ms = |name: &str| {
            let removed = settings.get(name).and_then(|set| set.forgotten_at_ms);
            removed.max(self.inventory.silent_until_ms(name))
        };
        let mut servers: BTreeMap<String, ServerSummary> = before
            .by_name()
            .iter()
            .filter(|(name, server)| forgotten_at_ms(name) < server.last_seen_ms.or(Some(0)))
            .map(|(name, server)| {
                let is_kept = !is_slow_due && slow.contains(&name.as_str());
                let server = if is_kept {
                    server.clone()
                } else {
                    summary::without_measurements(server)
                };
                (name.clone(), server)
            })
            .collect();
        if is_first {
            // Servers that are down for long: only the judgement of them is recent.
            for series in self
                .select("server_reporting", None, now_ms, FIRST_LOOK_BACK_MS)
                .await?
            {
                if let Some((server, sample)) = entry(&mut servers, &series)
                    && forgotten_at_ms(&server.name) < Some(sample.timestamp_ms)
                {
                    server.state = ServerState::Down;
                }
            }
            servers.retain(|_, server| server.state == ServerState::Down);
        }
        let look_back_ms = if is_first {
            FIRST_LOOK_BACK_MS
        } else {
            LOOK_BACK_MS
        };
        let is_wanted = |name: &str, sample: &Sample| {
            !slow.contains(&name) && forgotten_at_ms(name) < Some(sample.timestamp_ms)
        };
        self.look(&mut servers, None, now_ms, look_back_ms, &is_wanted)
            .await?;
        if is_slow_due && !slow.is_empty() {
            let longest_ms = slow.iter().map(|name| self.patience_ms(name)).max();
            let is_wanted =
                |name: &str, sample: &Sample| forgotten_at_ms(name) < Some(sample.timestamp_ms);
            let only = one_of(&slow)?;
            let look_back_ms = longest_ms.unwrap_or(LOOK_BACK_MS);
            self.look(&mut servers, Some(&only), now_ms, look_back_ms, &is_wanted)
                .await?;
            self.slow_looked_at_ms.store(now_ms, Ordering::Relaxed);
        }
        if is_first {
            self.find_last_seen(&mut servers, now_ms).await?;
        }
        let host = self.host.name();
        if !servers.contains_key(host) {
            // It is there before its first measurement.
            servers.insert(host.to_owned(), summary::new(host, &self.host.labels()));
        }
        for server in of_clouds.iter().filter(|one| one.gone_at_ms.is_none()) {
            // Where an agent runs on it, its measurements do not say whose cloud it stands in.
            if let Some(summary) = servers.get_mut(&server.label) {
                summary::set_place_in_cloud(summary, server);
            }
        }
        for server in servers.values_mut() {
            server.interval_secs = self.interval_secs(&server.name);
            server.is_local = server.name == self.host.name();
        }
        let snapshot = Arc::new(Snapshot::new(servers));
        *self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner) = snapshot;
        self.looks.send_modify(|looks| *looks += 1);
        Ok(())
    }

    /// Notes the newest measurements of the servers that `is_wanted` names.
    async fn look(
        &self,
        servers: &mut BTreeMap<String, ServerSummary>,
        only: Option<&Matcher>,
        now_ms: TimestampMs,
        look_back_ms: i64,
        is_wanted: &(dyn Fn(&str, &Sample) -> bool + Sync),
    ) -> Result<(), SelectError> {
        let (mut ended, mut heard) = (BTreeSet::new(), BTreeSet::new());
        for series in self.select("server_up", only, now_ms, look_back_ms).await? {
            let Some((server, sample)) = wanted_entry(servers, &series, is_wanted) else {
                ended.extend(ended_in_cloud(&series, is_wanted).map(str::to_owned));
                continue;
            };
            heard.insert(server.name.clone());
            if server
                .last_seen_ms
                .is_none_or(|seen| seen < sample.timestamp_ms)
            {
                server.last_seen_ms = Some(sample.timestamp_ms);
                summary::set_place(server, &series.labels);
            }
            let fresh = now_ms - sample.timestamp_ms <= self.patience_ms(&server.name);
            server.state = if fresh && sample.value > 0.0 {
                ServerState::Up
            } else {
                ServerState::Down
            };
        }
        for gone in ended.difference(&heard) {
            servers.remove(gone);
        }
        let look_back_ms = only.map_or(LOOK_BACK_MS, |_| look_back_ms);
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
            for series in self.select(metric, only, now_ms, look_back_ms).await? {
                if let Some((server, sample)) = wanted_entry(servers, &series, is_wanted) {
                    set(server, sample.value);
                }
            }
        }
        self.look_at_rates(servers, only, now_ms, look_back_ms, is_wanted)
            .await
    }

    /// Notes how much servers send and receive: machines count bytes, clouds tell rates.
    async fn look_at_rates(
        &self,
        servers: &mut BTreeMap<String, ServerSummary>,
        only: Option<&Matcher>,
        now_ms: TimestampMs,
        look_back_ms: i64,
        is_wanted: &(dyn Fn(&str, &Sample) -> bool + Sync),
    ) -> Result<(), SelectError> {
        let rates: [(&str, &str, RateField); 2] = [
            (
                "server_network_receive_bytes_total",
                "server_network_receive_bytes_per_second",
                |server| &mut server.receive_bytes_per_sec,
            ),
            (
                "server_network_transmit_bytes_total",
                "server_network_transmit_bytes_per_second",
                |server| &mut server.transmit_bytes_per_sec,
            ),
        ];
        for (counter, rate, field) in rates {
            for series in self.select(counter, only, now_ms, look_back_ms).await? {
                if let (Some(rate), Some((server, _))) = (
                    summary::newest_rate(&series.samples),
                    wanted_entry(servers, &series, is_wanted),
                ) {
                    *field(server).get_or_insert(0.0) += rate;
                }
            }
            for series in self.select(rate, only, now_ms, look_back_ms).await? {
                if let Some((server, sample)) = wanted_entry(servers, &series, is_wanted) {
                    // Where both are told, the machine's own count is the finer one.
                    field(server).get_or_insert(sample.value);
                }
            }
        }
        Ok(())
    }

    /// Finds out when servers were last heard of that are down since before the first look.
    async fn find_last_seen(
        &self,
        servers: &mut BTreeMap<String, ServerSummary>,
        now_ms: TimestampMs,
    ) -> Result<(), SelectError> {
        let silent: Vec<String> = servers
            .values()
            .filter(|server| server.last_seen_ms.is_none())
            .map(|server| server.name.clone())
            .collect();
        if silent.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = silent.iter().map(String::as_str).collect();
        let only = one_of(&names)?;
        for series in self
            .select("server_up", Some(&only), now_ms, LAST_SEEN_LOOK_BACK_MS)
            .await?
        {
            let newest = series
                .samples
                .iter()
                .rfind(|sample| !is_stale(sample.value));
            let server = series.labels.get("server");
            if let (Some(newest), Some(server)) = (newest, server)
                && let Some(server) = servers.get_mut(server)
            {
                server.last_seen_ms = server.last_seen_ms.max(Some(newest.timestamp_ms));
            }
        }
        Ok(())
    }

    /// How often the measurements of a server are expected, in seconds.
    fn interval_secs(&self, server: &str) -> u64 {
        if server == self.host.name() {
            return self.host.interval_secs();
        }
        let settings = self.directory.get(server);
        settings
            .interval_secs
            .or_else(|| Some(self.inventory.rhythm_secs(server)?.0))
            .unwrap_or(DEFAULT_INTERVAL_SECS)
    }

    /// For how long a server may be silent before it counts as down.
    fn patience_ms(&self, server: &str) -> i64 {
        let interval_ms = i64::try_from(self.interval_secs(server) * 1000).unwrap_or(i64::MAX);
        // What a cloud measured is dated by the beginning of its period, and comes later.
        let delay_secs = self
            .inventory
            .rhythm_secs(server)
            .map_or(0, |rhythm| rhythm.1);
        interval_ms
            .saturating_mul(MISSED_INTERVALS)
            .saturating_add(delay_secs as i64 * 1000)
            .max(LEAST_PATIENCE_MS)
    }

    async fn select(
        &self,
        metric: &str,
        only: Option<&Matcher>,
        now_ms: TimestampMs,
        look_back_ms: i64,
    ) -> Result<Vec<TimeSeries>, SelectError> {
        let matcher = Matcher::new(yunhai_model::METRIC_NAME, MatchOp::Equal, metric)
            .map_err(|error| SelectError(error.to_string()))?;
        let matchers: Vec<Matcher> = [matcher].into_iter().chain(only.cloned()).collect();
        self.queryable
            .select(
                &matchers,
                now_ms - look_back_ms,
                now_ms,
                &SelectHints::default(),
            )
            .await
    }
}

/// Matches one of several servers.
fn one_of(servers: &[&str]) -> Result<Matcher, SelectError> {
    let names: Vec<String> = servers.iter().map(|name| escape(name)).collect();
    Matcher::new("server", MatchOp::Regex, names.join("|"))
        .map_err(|error| SelectError(error.to_string()))
}

/// Writes a text such that a regular expression matches it literally.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Returns the server of a series with the series' newest sample, unless the series has ended.
fn entry<'a>(
    servers: &'a mut BTreeMap<String, ServerSummary>,
    series: &TimeSeries,
) -> Option<(&'a mut ServerSummary, Sample)> {
    wanted_entry(servers, series, &|_, _| true)
}

/// Returns the server of a series that was ended since nobody asks its cloud about it any more: it is
/// no server that is down.
fn ended_in_cloud<'a>(
    series: &'a TimeSeries,
    is_wanted: &(dyn Fn(&str, &Sample) -> bool + Sync),
) -> Option<&'a str> {
    let name = series.labels.get("server")?;
    let newest = series.samples.last()?;
    let is_of_cloud = series.labels.get("provider")?.parse::<Provider>().is_ok();
    (is_of_cloud && is_stale(newest.value) && is_wanted(name, newest)).then_some(name)
}

fn wanted_entry<'a>(
    servers: &'a mut BTreeMap<String, ServerSummary>,
    series: &TimeSeries,
    is_wanted: &(dyn Fn(&str, &Sample) -> bool + Sync),
) -> Option<(&'a mut ServerSummary, Sample)> {
    let name = series.labels.get("server")?;
    let sample = *series.samples.last()?;
    if is_stale(sample.value) || !is_wanted(name, &sample) {
        return None;
    }
    if !servers.contains_key(name) {
        servers.insert(name.to_owned(), summary::new(name, &series.labels));
    }
    Some((servers.get_mut(name)?, sample))
}
