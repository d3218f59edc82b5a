//! A process that is killed at any moment loses no sample that it acknowledged.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use yunhai_model::ManualClock;
use yunhai_series::{Store, StoreConfig};

use crate::support::{DAY_MS, MONDAY_MS, content, labels, series};

const KILLS: u32 = 60;
const BATCH: i64 = 200;
const SERIES: i64 = 5;
/// The folder of the child's store, and its first sample.
const FOLDER: &str = "YUNHAI_SERIES_KILL_FOLDER";
const FIRST: &str = "YUNHAI_SERIES_KILL_FIRST";

async fn open(folder: &str) -> Store {
    let mut config = StoreConfig::in_directory(folder);
    // A small head, so that flushes and merges are always under way.
    config.max_head_samples = 1000;
    config.raw_retention = "10years".parse().unwrap();
    let clock = ManualClock::new(MONDAY_MS + 1000 * DAY_MS);
    Store::open(config, Arc::new(clock)).await.unwrap()
}

fn time_of(number: i64) -> i64 {
    MONDAY_MS + number * 2000
}

/// Not a test of its own: the process that the test below kills.
#[test]
#[ignore = "runs as a child of `no_acknowledged_sample_is_lost_by_a_kill`"]
fn child() {
    let (Ok(folder), Ok(first)) = (std::env::var(FOLDER), std::env::var(FIRST)) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = open(&folder).await;
        let maintained = store.clone();
        tokio::spawn(async move {
            loop {
                maintained.maintain().await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut next: i64 = first.parse().unwrap();
        loop {
            let batch = (0..SERIES)
                .map(|one| {
                    let samples: Vec<(i64, f64)> = (next..next + BATCH)
                        .filter(|number| number % SERIES == one)
                        .map(|number| (time_of(number), number as f64 / 4.0))
                        .collect();
                    series("m", &one.to_string(), &samples)
                })
                .collect();
            let outcome = store.append(batch).await.unwrap();
            assert_eq!(outcome.rejected, []);
            next += BATCH;
            let mut out = std::io::stdout().lock();
            writeln!(out, "acknowledged {next}").unwrap();
            out.flush().unwrap();
        }
    });
}

#[tokio::test]
async fn no_acknowledged_sample_is_lost_by_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut first = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["kill::child", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, folder)
            .env(FIRST, first.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let wanted = random % 25;
        let mut acknowledged = first;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        let mut note = |line: String| {
            // The harness may print before it on the same line.
            if let Some((_, number)) = line.split_once("acknowledged ")
                && let Ok(number) = number.parse()
            {
                acknowledged = number;
                seen += 1;
            }
            seen
        };
        while let Some(Ok(line)) = lines.next() {
            if note(line) > wanted {
                break;
            }
        }
        // A few more microseconds, so that the kill falls anywhere between two answers.
        for _ in 0..random % 200_000 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            note(line);
        }
        assert!(
            acknowledged > first,
            "the child of kill {kill} acknowledged nothing"
        );

        let store = open(folder).await;
        let found = content(&store).await;
        for one in 0..SERIES {
            let samples = &found[&labels("m", &one.to_string())];
            let distinct: BTreeSet<i64> = samples.iter().map(|sample| sample.0).collect();
            assert_eq!(distinct.len(), samples.len(), "each sample is there once");
            for number in (0..acknowledged).filter(|number| number % SERIES == one) {
                assert!(
                    distinct.contains(&time_of(number)),
                    "sample {number} is lost by kill {kill}"
                );
            }
        }
        assert_eq!(
            store
                .stats()
                .damaged
                .iter()
                .filter(|name| !name.contains(".log-"))
                .count(),
            0,
            "only the log's unacknowledged tail may be torn"
        );
        // The batch in flight may or may not have been kept; it is sent again.
        first = acknowledged;
        store.close().await.unwrap();
    }
}
