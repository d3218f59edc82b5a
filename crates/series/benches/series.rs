//! Measures the store in process: 500 servers with 6 metrics, 7 days at 5 minutes.
//!
//! Four metrics are percentages and loads with one or two decimals that wander about, two are byte
//! counters that grow by up to about a mebibyte in a step. Four appenders send 3,000 samples a
//! call, each call waits for its log sync, and maintenance runs beside them. `cargo bench -p
//! yunhai-series` prints one figure a line, name and value parted by a colon.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use yunhai_model::{ManualClock, Sample};
use yunhai_promql::{MatchOp, Matcher, Queryable, SelectHints};
use yunhai_series::{IncomingSeries, Store, StoreConfig};

const SERVERS: usize = 500;
const APPENDERS: usize = 4;
const ROUNDS: usize = 7 * 24 * 12;
const ROUNDS_A_CALL: usize = 4;
const STEP_MS: i64 = 5 * 60 * 1000;
const START_MS: i64 = 1_700_438_400_000;
const METRICS: [&str; 6] = [
    "server_cpu_utilization_percent",
    "server_memory_utilization_percent",
    "server_filesystem_utilization_percent",
    "server_load1",
    "server_network_receive_bytes_total",
    "server_network_transmit_bytes_total",
];

/// A series that wanders.
struct Walk {
    labels: Vec<(&'static str, String)>,
    metric: usize,
    random: u64,
    state: f64,
}

impl Walk {
    fn new(server: usize, metric: usize) -> Self {
        Self {
            labels: vec![
                ("__name__", METRICS[metric].to_owned()),
                ("account", format!("account-{}", server % 7)),
                (
                    "provider",
                    ["aws", "azure", "gcp", "local"][server % 4].to_owned(),
                ),
                ("region", format!("region-{}", server % 10)),
                ("server", format!("server-{server:04}")),
            ],
            metric,
            random: (server * METRICS.len() + metric) as u64 * 0x9e37_79b9_7f4a_7c15 + 1,
            state: 40.0 + (server % 30) as f64,
        }
    }

    /// A number from -1 to 1, small ones more often.
    fn noise(&mut self) -> f64 {
        let mut sum = 0.0;
        for _ in 0..2 {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            sum += (self.random >> 11) as f64 / (1u64 << 53) as f64;
        }
        sum - 1.0
    }

    fn next(&mut self) -> f64 {
        let noise = self.noise();
        let rounded = |value: f64, power: f64| (value * power).round() / power;
        match self.metric {
            0 => {
                self.state = (self.state + noise * 4.0).clamp(0.0, 100.0);
                rounded(self.state, 10.0)
            }
            1 => {
                self.state = (self.state + noise * 0.4).clamp(0.0, 100.0);
                rounded(self.state, 100.0)
            }
            2 => {
                self.state = (self.state + noise * 0.02).clamp(0.0, 100.0);
                rounded(self.state, 100.0)
            }
            3 => {
                self.state = (self.state + noise * 0.3).clamp(0.0, 64.0);
                rounded(self.state, 100.0)
            }
            _ => {
                self.state = (self.state + (noise + 1.0) * 524_288.0).floor();
                self.state
            }
        }
    }
}

async fn append_all(store: Store, servers: std::ops::Range<usize>) {
    let mut walks: Vec<Walk> = servers
        .flat_map(|server| (0..METRICS.len()).map(move |metric| Walk::new(server, metric)))
        .collect();
    for round in (0..ROUNDS).step_by(ROUNDS_A_CALL) {
        let samples: Vec<[Sample; ROUNDS_A_CALL]> = walks
            .iter_mut()
            .map(|walk| {
                std::array::from_fn(|at| Sample {
                    timestamp_ms: START_MS + (round + at) as i64 * STEP_MS,
                    value: walk.next(),
                })
            })
            .collect();
        let labels: Vec<Vec<(&str, &str)>> = walks
            .iter()
            .map(|walk| {
                walk.labels
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect()
            })
            .collect();
        let incoming: Vec<IncomingSeries<'_>> = labels
            .iter()
            .zip(&samples)
            .map(|(labels, samples)| IncomingSeries { labels, samples })
            .collect();
        let outcome = store.append_borrowed(&incoming).await.unwrap();
        assert!(
            outcome.rejected.is_empty(),
            "{:?}",
            outcome.rejected.first()
        );
    }
}

fn equal(name: &str, value: &str) -> Matcher {
    Matcher::new(name, MatchOp::Equal, value).unwrap()
}

/// Returns the median of several runs, and what the last one found.
async fn median<T>(mut run: impl AsyncFnMut() -> T) -> (Duration, T) {
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..31 {
        let start = Instant::now();
        last = Some(run().await);
        times.push(start.elapsed());
    }
    times.sort_unstable();
    (times[times.len() / 2], last.unwrap())
}

/// Returns the size of all files of raw blocks.
fn raw_bytes(blocks: &Path) -> u64 {
    let mut total = 0;
    for block in std::fs::read_dir(blocks).unwrap() {
        let folder = block.unwrap().path();
        let is_raw = std::fs::read_to_string(folder.join("meta.json"))
            .is_ok_and(|meta| meta.contains("\"resolution\":\"raw\""));
        if is_raw {
            for file in std::fs::read_dir(folder).unwrap() {
                total += file.unwrap().metadata().unwrap().len();
            }
        }
    }
    total
}

fn peak_memory_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(f64::NAN, |kib| kib / 1024.0)
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let end_ms = START_MS + (ROUNDS as i64 - 1) * STEP_MS;
    let clock = Arc::new(ManualClock::new(end_ms + STEP_MS));
    let config = StoreConfig::in_directory(folder.path());
    let store = Store::open(config, clock.clone()).await.unwrap();
    let cancel = CancellationToken::new();
    let maintenance = tokio::spawn({
        let (store, cancel) = (store.clone(), cancel.clone());
        async move { store.run_maintenance(cancel).await }
    });

    let start = Instant::now();
    let share = SERVERS / APPENDERS;
    let appenders: Vec<_> = (0..APPENDERS)
        .map(|at| tokio::spawn(append_all(store.clone(), at * share..(at + 1) * share)))
        .collect();
    for appender in appenders {
        appender.await.unwrap();
    }
    let ingest = start.elapsed();
    let samples = SERVERS * METRICS.len() * ROUNDS;
    println!("samples: {samples}");
    println!(
        "appended_samples_per_sec: {:.0}",
        samples as f64 / ingest.as_secs_f64()
    );
    cancel.cancel();
    maintenance.await.unwrap();

    let start = Instant::now();
    store.flush().await.unwrap();
    // Far enough that the last day is over and is merged as well.
    clock.advance_ms(2 * 24 * 3600 * 1000);
    store.compact().await.unwrap();
    println!("compaction_secs: {:.2}", start.elapsed().as_secs_f64());
    let stats = store.stats();
    assert_eq!(stats.block_samples as usize, samples);
    let raw = raw_bytes(&folder.path().join("blocks"));
    println!("blocks: {}", stats.blocks);
    println!("bytes_per_sample: {:.3}", raw as f64 / samples as f64);
    println!(
        "bytes_per_sample_with_rollups: {:.3}",
        stats.block_bytes as f64 / samples as f64
    );

    let one = [
        equal("__name__", METRICS[1]),
        equal("server", "server-0250"),
    ];
    let (time, found) = median(async || {
        let hints = SelectHints::default();
        store.select(&one, START_MS, end_ms, &hints).await.unwrap()
    })
    .await;
    assert_eq!((found.len(), found[0].samples.len()), (1, ROUNDS));
    println!(
        "range_of_one_series_7d_ms: {:.2}",
        time.as_secs_f64() * 1000.0
    );

    let cpu = [equal("__name__", METRICS[0])];
    let day_ms = 24 * 3600 * 1000;
    let (time, averages) = median(async || {
        let hints = SelectHints::default();
        let found = store
            .select(&cpu, end_ms - day_ms, end_ms, &hints)
            .await
            .unwrap();
        assert_eq!(found.len(), SERVERS);
        let mut groups: std::collections::BTreeMap<&str, Vec<(f64, f64)>> =
            std::collections::BTreeMap::new();
        for one in &found {
            let region = one.labels.get("region").unwrap_or("");
            let sums = groups
                .entry(region)
                .or_insert_with(|| vec![(0.0, 0.0); one.samples.len()]);
            for (sum, sample) in sums.iter_mut().zip(&one.samples) {
                sum.0 += sample.value;
                sum.1 += 1.0;
            }
        }
        groups.len()
    })
    .await;
    assert_eq!(averages, 10);
    println!(
        "avg_by_500_series_24h_ms: {:.2}",
        time.as_secs_f64() * 1000.0
    );
    println!("peak_memory_mib: {:.0}", peak_memory_mib());
    store.close().await.unwrap();
}
