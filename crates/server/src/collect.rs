//! Measures this machine on a timer and appends what was measured to the series store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yunhai_collector::host::{HostCollector, HostConfig};
use yunhai_collector::metrics::{self, METRICS};
use yunhai_model::{Clock, Labels, Sample, TimeSeries, stale_nan, with_causes};
use yunhai_monitor::ServerDirectory;
use yunhai_series::{MetricKind, MetricMetadata, Store};

use crate::samples::SampleSource;

/// How long after the start the first round comes.
pub(crate) const FIRST_ROUND: Duration = Duration::from_secs(1);

/// How often this machine is measured unless set otherwise, in seconds.
const DEFAULT_INTERVAL_SECS: u64 = 300;

/// This machine: what the configuration says of it, and above that what people set.
#[derive(Clone)]
pub(crate) struct LocalHost {
    name: String,
    configured: Place,
    interval_secs: u64,
    directory: ServerDirectory,
}

/// Where the machine belongs.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    account: Option<String>,
    region: Option<String>,
    tags: BTreeMap<String, String>,
}

impl LocalHost {
    /// Takes what the configuration says.
    pub(crate) fn new(
        config: &HostConfig,
        interval_secs: Option<u64>,
        directory: ServerDirectory,
    ) -> Self {
        Self {
            name: config.server.clone(),
            configured: Place {
                account: config.account.clone(),
                region: config.region.clone(),
                tags: config.tags.clone(),
            },
            interval_secs: interval_secs.unwrap_or(DEFAULT_INTERVAL_SECS).max(1),
            directory,
        }
    }

    /// Returns the machine's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns how often the machine is measured, in seconds.
    pub(crate) fn interval_secs(&self) -> u64 {
        let settings = self.directory.get(&self.name);
        settings.interval_secs.unwrap_or(self.interval_secs)
    }

    /// Returns the labels that the machine's measurements have.
    pub(crate) fn labels(&self) -> Labels {
        let place = self.place();
        let mut config = HostConfig::new(self.name.clone());
        config.account = place.account;
        config.region = place.region;
        config.tags = place.tags;
        Labels::new(config.labels())
    }

    fn place(&self) -> Place {
        let settings = self.directory.get(&self.name);
        Place {
            account: settings.account.or(self.configured.account.clone()),
            region: settings.region.or(self.configured.region.clone()),
            tags: settings.tags.unwrap_or(self.configured.tags.clone()),
        }
    }

    /// Gives a collector the place that people set for the machine.
    pub(crate) fn place_collector(&self, collector: &mut HostCollector) {
        let place = self.place();
        collector.set_place(place.account, place.region, place.tags);
    }
}

/// Measures until stopped. What people set for the machine holds at once.
pub(crate) async fn run(
    collector: Arc<Mutex<HostCollector>>,
    host: LocalHost,
    store: Store,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut changes = host.directory.changes();
    // CPU use is counted between two readings, rates between two samples: a little after the
    // start comes a first round, soon after it a second, then the interval holds.
    let mut warm_up = [Duration::from_secs(15)].into_iter();
    let mut place = host.place();
    let mut written = Vec::new();
    tokio::select! {
        () = stop.cancelled() => return,
        () = tokio::time::sleep(FIRST_ROUND) => {}
    }
    loop {
        let started = Instant::now();
        match collect_once(&collector, &store, &clock).await {
            Ok(series) => written = series,
            Err(error) => tracing::error!(
                error = format!("{error:#}"),
                "cannot store this machine's measurements"
            ),
        }
        let warm_up = warm_up.next();
        loop {
            let interval = Duration::from_secs(host.interval_secs().max(1));
            let interval = warm_up.map_or(interval, |soon| interval.min(soon));
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep_until(started + interval) => break,
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if host.place() != place {
                        // Under the old labels nothing comes any more.
                        end(&store, &clock, &std::mem::take(&mut written)).await;
                        place = host.place();
                        host.place_collector(&mut lock(&collector));
                        break;
                    }
                }
            }
        }
    }
}

/// Measures once, and returns the series that were written.
pub(crate) async fn collect_once(
    collector: &Arc<Mutex<HostCollector>>,
    store: &Store,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Vec<Labels>> {
    let (collector, clock) = (Arc::clone(collector), Arc::clone(clock));
    // Files of the kernel and file systems that hang block the thread that reads them.
    let collection =
        tokio::task::spawn_blocking(move || lock(&collector).collect(clock.now_ms())).await?;
    for failure in &collection.failures {
        tracing::warn!(part = failure.part, error = %failure.error, "a part of this machine was not measured");
    }
    let written = collection
        .series
        .iter()
        .map(|series| series.labels.clone())
        .collect();
    let outcome = store.append(collection.series).await?;
    SampleSource::Local.count(&outcome);
    for rejection in outcome.rejected.iter().take(5) {
        tracing::warn!(%rejection, "a measurement of this machine was refused");
    }
    Ok(written)
}

fn lock(collector: &Mutex<HostCollector>) -> std::sync::MutexGuard<'_, HostCollector> {
    collector.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks series as ended.
async fn end(store: &Store, clock: &Arc<dyn Clock>, series: &[Labels]) {
    let timestamp_ms = clock.now_ms();
    let ends = series
        .iter()
        .map(|labels| end_of(labels, timestamp_ms))
        .collect();
    if let Err(error) = store.append(ends).await {
        tracing::warn!(
            error = with_causes(&error),
            "cannot end the series under this machine's old labels"
        );
    }
}

/// Returns what marks a series as ended.
pub(crate) fn end_of(labels: &Labels, timestamp_ms: i64) -> TimeSeries {
    TimeSeries {
        labels: labels.clone(),
        samples: vec![Sample {
            timestamp_ms,
            value: stale_nan(),
        }],
    }
}

/// What the collector's metrics mean, for the Prometheus API.
pub(crate) fn metadata() -> impl Iterator<Item = (String, MetricMetadata)> {
    METRICS.iter().map(|metric| {
        let told = MetricMetadata {
            kind: match metric.kind {
                metrics::MetricKind::Counter => MetricKind::Counter,
                metrics::MetricKind::Gauge => MetricKind::Gauge,
            },
            help: metric.help.to_owned(),
            unit: metric.unit.as_str().to_owned(),
        };
        (metric.name.to_owned(), told)
    })
}
