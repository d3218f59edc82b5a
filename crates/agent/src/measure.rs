//! Measures the machine in an interval.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yunhai_collector::host::{HostCollector, HostConfig};
use yunhai_model::{Clock, Labels, Sample, TimeSeries, TimestampMs, with_causes};

use crate::remote_write;

/// Utilisation is counted between two readings; the first round follows the start after this time.
const FIRST_ROUND: Duration = Duration::from_secs(1);

/// One round of measuring.
#[derive(Debug)]
pub(crate) struct Round {
    /// A `WriteRequest`.
    pub(crate) request: Vec<u8>,
    pub(crate) samples: u32,
    /// When it was measured, by this machine's clock and by the time that it runs.
    pub(crate) at: (TimestampMs, Instant),
}

/// What the agent counts of its own work.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) buffered_bytes: AtomicU64,
    pub(crate) dropped_samples: AtomicU64,
    pub(crate) refused_samples: AtomicU64,
}

impl Counts {
    fn series(&self, common: &[(String, String)], timestamp_ms: TimestampMs) -> Vec<TimeSeries> {
        let counts = [
            ("server_agent_buffered_bytes", &self.buffered_bytes),
            ("server_agent_dropped_samples_total", &self.dropped_samples),
            ("server_agent_refused_samples_total", &self.refused_samples),
        ];
        counts
            .into_iter()
            .map(|(metric, count)| {
                let common = common
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()));
                TimeSeries {
                    labels: Labels::of_metric(metric, common),
                    samples: vec![Sample {
                        timestamp_ms,
                        value: count.load(Ordering::Relaxed) as f64,
                    }],
                }
            })
            .collect()
    }
}

/// Measures until stopped, or until nobody takes the rounds any more.
pub(crate) async fn run(
    host: HostConfig,
    interval: Duration,
    clock: Arc<dyn Clock>,
    counts: Arc<Counts>,
    rounds: mpsc::Sender<Round>,
    stop: CancellationToken,
) {
    let common = host.labels();
    let mut collector = HostCollector::new(host);
    collector.prime();
    let mut due = Instant::now() + FIRST_ROUND;
    let mut told = String::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(due) => {}
        }
        // A machine that slept, or a file system that hung, does not make up for the rounds it
        // missed.
        due = (due + interval).max(Instant::now());
        let (now_ms, at) = (clock.now_ms(), Instant::now());
        // Files of the kernel and file systems that hang block the thread that reads them.
        let measured = tokio::task::spawn_blocking(move || {
            let collection = collector.collect(now_ms);
            (collector, collection)
        });
        let Ok((used, collection)) = measured.await else {
            tracing::error!("measuring this machine ended badly");
            return;
        };
        collector = used;
        let failures: Vec<String> = collection
            .failures
            .iter()
            .map(|failure| format!("{}: {}", failure.part, with_causes(&failure.error)))
            .collect();
        let failures = failures.join("; ");
        if failures != told {
            if !failures.is_empty() {
                tracing::warn!(failures, "parts of this machine are not measured");
            }
            told = failures;
        }
        let mut series = collection.series;
        series.extend(counts.series(&common, now_ms));
        let round = Round {
            request: remote_write::request(&series),
            samples: series.len() as u32,
            at: (now_ms, at),
        };
        if rounds.send(round).await.is_err() {
            return;
        }
    }
}
