//! Measures this machine on a timer and appends what was measured to the series store.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yunhai_collector::host::HostCollector;
use yunhai_collector::metrics::METRICS;
use yunhai_model::Clock;
use yunhai_series::{MetricKind, MetricMetadata, Store};

/// How long after the start the first round comes.
pub(crate) const FIRST_ROUND: Duration = Duration::from_secs(1);

/// Measures until stopped. A change of the interval holds at once.
pub(crate) async fn run(
    collector: Arc<Mutex<HostCollector>>,
    store: Store,
    clock: Arc<dyn Clock>,
    mut interval_secs: watch::Receiver<u64>,
    stop: CancellationToken,
) {
    // CPU use is counted between two readings, rates between two samples: a little after the
    // start comes a first round, soon after it a second, then the interval holds.
    let mut warm_up = [Duration::from_secs(15)].into_iter();
    tokio::select! {
        () = stop.cancelled() => return,
        () = tokio::time::sleep(FIRST_ROUND) => {}
    }
    loop {
        let started = Instant::now();
        if let Err(error) = collect_once(&collector, &store, &clock).await {
            tracing::error!(%error, "cannot store this machine's measurements");
        }
        let interval = Duration::from_secs((*interval_secs.borrow_and_update()).max(1));
        let interval = warm_up.next().map_or(interval, |soon| interval.min(soon));
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(started + interval) => {}
            changed = interval_secs.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// Measures once.
pub(crate) async fn collect_once(
    collector: &Arc<Mutex<HostCollector>>,
    store: &Store,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<()> {
    let (collector, clock) = (Arc::clone(collector), Arc::clone(clock));
    // Files of the kernel and file systems that hang block the thread that reads them.
    let collection = tokio::task::spawn_blocking(move || {
        collector
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .collect(clock.now_ms())
    })
    .await?;
    for failure in &collection.failures {
        tracing::warn!(part = failure.part, error = %failure.error, "a part of this machine was not measured");
    }
    let outcome = store.append(collection.series).await?;
    for rejection in outcome.rejected.iter().take(5) {
        tracing::warn!(%rejection, "a measurement of this machine was refused");
    }
    Ok(())
}

/// What the collector's metrics mean, for the Prometheus API.
pub(crate) fn metadata() -> impl Iterator<Item = (String, MetricMetadata)> {
    METRICS.iter().map(|metric| {
        let told = MetricMetadata {
            kind: match metric.kind.as_str() {
                "counter" => MetricKind::Counter,
                _ => MetricKind::Gauge,
            },
            help: metric.help.to_owned(),
            unit: metric.unit.as_str().to_owned(),
        };
        (metric.name.to_owned(), told)
    })
}
