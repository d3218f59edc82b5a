//! The store without a server around it.
//!
//! Four appenders send 3,000 samples a call, each call waits for its log sync, and maintenance runs
//! beside them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use yunhai_model::{ManualClock, Sample};
use yunhai_promql::{MatchOp, Matcher, Queryable, SelectHints};
use yunhai_series::{IncomingSeries, Store, StoreConfig};

use crate::week::{METRICS, ROUNDS, SAMPLES, SERVERS, STEP_MS, Week, floor_bytes, labels};

const APPENDERS: usize = 4;
const ROUNDS_A_CALL: usize = 4;
const START_MS: i64 = 1_700_438_400_000;
const DAY_MS: i64 = 24 * 3600 * 1000;

pub(crate) async fn measure() {
    let week = Arc::new(Week::new());
    println!("samples: {SAMPLES}");
    println!("entropy_floor_bytes_per_sample: {:.3}", floor_bytes());
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
        .map(|at| {
            let servers = at * share..(at + 1) * share;
            tokio::spawn(append_all(store.clone(), week.clone(), servers))
        })
        .collect();
    for appender in appenders {
        appender.await.unwrap();
    }
    println!(
        "appended_samples_per_sec: {:.0}",
        SAMPLES as f64 / start.elapsed().as_secs_f64()
    );
    cancel.cancel();
    maintenance.await.unwrap();

    let start = Instant::now();
    store.flush().await.unwrap();
    // Far enough that the last days are over and are merged as well.
    clock.advance_ms(8 * DAY_MS);
    store.compact().await.unwrap();
    println!("compaction_secs: {:.2}", start.elapsed().as_secs_f64());
    print_size(&store, folder.path());

    let (time, found) = median(async || seven_days_of_one_server(&store, end_ms).await).await;
    assert_eq!(found, ROUNDS);
    println!("range_of_one_series_7d_ms: {:.2}", milliseconds(time));
    let (time, found) = median(async || averages_by_region(&store, end_ms).await).await;
    assert_eq!(found, 10);
    println!("avg_by_500_series_24h_ms: {:.2}", milliseconds(time));
    println!("peak_memory_mib: {:.0}", peak_memory_mib());
    store.close().await.unwrap();
}

/// Flushes and merges a store that no server has open.
pub(crate) async fn compact(folder: &Path, now_ms: i64) {
    // Beyond the out-of-order window, so that the last days count as over.
    let clock = Arc::new(ManualClock::new(now_ms + 8 * DAY_MS));
    let config = StoreConfig::in_directory(folder);
    let store = Store::open(config, clock).await.unwrap();
    store.flush().await.unwrap();
    store.compact().await.unwrap();
    print_size(&store, folder);
    store.close().await.unwrap();
}

async fn append_all(store: Store, week: Arc<Week>, servers: std::ops::Range<usize>) {
    let series: Vec<(usize, usize)> = servers
        .flat_map(|server| (0..METRICS.len()).map(move |metric| (server, metric)))
        .collect();
    let names: Vec<_> = series
        .iter()
        .map(|(server, metric)| labels(*server, *metric))
        .collect();
    let labels: Vec<Vec<(&str, &str)>> = names
        .iter()
        .map(|labels| labels.iter().map(|(n, v)| (*n, v.as_str())).collect())
        .collect();
    for round in (0..ROUNDS).step_by(ROUNDS_A_CALL) {
        let samples: Vec<[Sample; ROUNDS_A_CALL]> = series
            .iter()
            .map(|(server, metric)| {
                let values = week.values(*server, *metric, round..round + ROUNDS_A_CALL);
                std::array::from_fn(|at| Sample {
                    timestamp_ms: START_MS + (round + at) as i64 * STEP_MS,
                    value: values[at],
                })
            })
            .collect();
        let incoming: Vec<IncomingSeries<'_>> = labels
            .iter()
            .zip(&samples)
            .map(|(labels, samples)| IncomingSeries { labels, samples })
            .collect();
        let outcome = store.append_borrowed(&incoming).await.unwrap();
        let first = outcome.rejected.first();
        assert!(outcome.rejected.is_empty(), "{first:?}");
    }
}

/// Selects a week of one server's memory and counts its samples.
async fn seven_days_of_one_server(store: &Store, end_ms: i64) -> usize {
    let one = [
        equal("__name__", METRICS[1]),
        equal("server", "server-0250"),
    ];
    let hints = SelectHints::default();
    let found = store.select(&one, START_MS, end_ms, &hints).await.unwrap();
    assert_eq!(found.len(), 1);
    found[0].samples.len()
}

/// Averages a day of all processors by region and counts the regions.
async fn averages_by_region(store: &Store, end_ms: i64) -> usize {
    let cpu = [equal("__name__", METRICS[0])];
    let hints = SelectHints::default();
    let found = store
        .select(&cpu, end_ms - DAY_MS, end_ms, &hints)
        .await
        .unwrap();
    assert_eq!(found.len(), SERVERS);
    let mut groups: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
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
}

fn print_size(store: &Store, folder: &Path) {
    let stats = store.stats();
    assert!(stats.block_samples as usize >= SAMPLES);
    let per_sample = |bytes: u64| bytes as f64 / stats.block_samples as f64;
    println!("blocks: {}", stats.blocks);
    println!(
        "bytes_per_sample: {:.3}",
        per_sample(raw_bytes(&folder.join("blocks")))
    );
    println!(
        "bytes_per_sample_with_rollups: {:.3}",
        per_sample(stats.block_bytes)
    );
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

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn peak_memory_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(f64::NAN, |kib| kib / 1024.0)
}
