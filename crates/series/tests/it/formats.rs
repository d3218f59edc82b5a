//! Blocks of earlier versions of the format, as earlier releases wrote them.
//!
//! `fixtures/blocks-v1` was written by the last release before version 2: a Monday of two metrics
//! with a sample every ten minutes and one with what only doubles hold, as a raw block and its
//! roll-ups of five minutes and of one hour.

use std::collections::BTreeSet;
use std::path::Path;

use yunhai_model::{TimeSeries, stale_nan};
use yunhai_series::Store;

use crate::support::{
    Bench, DAY_MS, MINUTE_MS, MONDAY_MS, aggregated, content, content_of, files_in, series,
};

/// The samples of a day: those of Monday are in the fixture.
fn day(start_ms: i64) -> Vec<TimeSeries> {
    let every_ten = |value: &dyn Fn(i64) -> f64| -> Vec<(i64, f64)> {
        (0..144)
            .map(|at| (start_ms + at * 10 * MINUTE_MS, value(at)))
            .collect()
    };
    let odd: Vec<(i64, f64)> = [0.1 + 0.2, -0.0, f64::INFINITY, stale_nan()]
        .into_iter()
        .zip(0..)
        .map(|(value, at)| (start_ms + at * MINUTE_MS, value))
        .collect();
    vec![
        series(
            "requests_total",
            "a",
            &every_ten(&|at| (at % 100 * 30) as f64),
        ),
        series(
            "room_celsius",
            "a",
            &every_ten(&|at| 20.0 + (at % 10) as f64 / 10.0),
        ),
        series("odd", "a", &odd),
    ]
}

fn both_days() -> Vec<TimeSeries> {
    let mut days = day(MONDAY_MS);
    for (one, tuesday) in days.iter_mut().zip(day(MONDAY_MS + DAY_MS)) {
        one.samples.extend(tuesday.samples);
    }
    days
}

/// A store that an earlier release has left.
async fn inherited(bench: &Bench) -> Store {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/blocks-v1");
    for block in files_in(&fixture) {
        let to = bench.path("blocks").join(&block);
        std::fs::create_dir_all(&to).unwrap();
        for file in files_in(&fixture.join(&block)) {
            std::fs::copy(fixture.join(&block).join(&file), to.join(&file)).unwrap();
        }
    }
    assert_eq!(
        versions(bench),
        [("1h", 1), ("5m", 1), ("raw", 1)]
            .map(|(resolution, version)| (resolution.to_owned(), version))
            .into()
    );
    bench.clock.set(MONDAY_MS + DAY_MS);
    let store = bench.open().await;
    assert_eq!(store.stats().damaged, Vec::<String>::new());
    store
}

/// The resolutions and versions of the blocks on disk.
fn versions(bench: &Bench) -> BTreeSet<(String, u64)> {
    let folder = bench.path("blocks");
    let metas = files_in(&folder)
        .into_iter()
        .map(|id| folder.join(id).join("meta.json"))
        .filter(|path| path.exists());
    metas
        .map(|path| {
            let meta: serde_json::Value =
                serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            let resolution = meta["resolution"].as_str().unwrap().to_owned();
            (resolution, meta["version"].as_u64().unwrap())
        })
        .collect()
}

async fn rolled_up(store: &Store, metric: &str, function: &str) -> Vec<f64> {
    let samples = aggregated(store, metric, function).await;
    samples.into_iter().map(|(_, value)| value).collect()
}

#[tokio::test]
async fn blocks_of_version_1_are_read_bit_for_bit() {
    let bench = Bench::new();
    let store = inherited(&bench).await;
    assert_eq!(content(&store).await, content_of(day(MONDAY_MS)));
    assert_eq!(store.series(&[], i64::MIN, i64::MAX).unwrap().len(), 3);
    drop(store);

    // Once the raw samples have expired, the roll-ups of the same version answer.
    bench.clock.set(MONDAY_MS + 20 * DAY_MS);
    let store = bench.open().await;
    store.compact().await.unwrap();
    assert!(versions(&bench).iter().all(|(of, _)| of != "raw"));
    let sums = rolled_up(&store, "room_celsius", "sum_over_time").await;
    assert_eq!(sums.len(), 144);
    let expected: f64 = (0..144).map(|at| 20.0 + f64::from(at % 10) / 10.0).sum();
    assert!((sums.iter().sum::<f64>() - expected).abs() < 1e-6);
}

#[tokio::test]
async fn blocks_of_version_1_are_merged_with_new_ones() {
    let bench = Bench::new();
    let store = inherited(&bench).await;
    bench.clock.set(MONDAY_MS + 2 * DAY_MS);
    let written = store.append(day(MONDAY_MS + DAY_MS)).await.unwrap();
    assert_eq!((written.accepted, written.rejected.len()), (292, 0));
    assert_eq!(
        content(&store).await,
        content_of(both_days()),
        "beside the head"
    );
    store.flush().await.unwrap();
    assert!(versions(&bench).contains(&("raw".to_owned(), 2)));
    assert_eq!(
        content(&store).await,
        content_of(both_days()),
        "beside a new block"
    );

    // The week is over, so that its days become one block.
    bench.clock.set(MONDAY_MS + 10 * DAY_MS);
    store.compact().await.unwrap();
    let raw: BTreeSet<_> = versions(&bench)
        .into_iter()
        .filter(|(of, _)| of == "raw")
        .collect();
    assert_eq!(raw, [("raw".to_owned(), 2)].into());
    assert_eq!(content(&store).await, content_of(both_days()), "merged");
    drop(store);
    let store = bench.open().await;
    assert_eq!(content(&store).await, content_of(both_days()), "read again");

    bench.clock.set(MONDAY_MS + 40 * DAY_MS);
    store.compact().await.unwrap();
    assert!(
        versions(&bench)
            .iter()
            .all(|(of, version)| of != "raw" && *version == 2),
        "{:?}",
        versions(&bench)
    );
    let largest = rolled_up(&store, "room_celsius", "max_over_time").await;
    assert_eq!(largest.len(), 288);
    assert!(largest.iter().all(|value| (20.0..=20.9).contains(value)));
    // Each day grows to 99 * 30, begins again, and grows to 43 * 30; so does the day after.
    let growth = rolled_up(&store, "requests_total", "rate").await;
    let increase: f64 = growth
        .windows(2)
        .map(|pair| {
            if pair[1] < pair[0] {
                pair[1]
            } else {
                pair[1] - pair[0]
            }
        })
        .sum();
    assert!(
        (increase - 2.0 * (99.0 + 43.0) * 30.0).abs() < 1e-6,
        "{increase}"
    );
}
