use std::path::PathBuf;

use yunhai_model::stale_nan;
use yunhai_promql::{Queryable, SelectHints};
use yunhai_series::{Error, Store};

use crate::support::{
    Bench, DAY_MS, HOUR_MS, MINUTE_MS, MONDAY_MS, all, content, content_of, files_in, labels,
    series,
};

/// Values of each encoding class, with everything odd among the doubles.
fn mixed_series() -> Vec<yunhai_model::TimeSeries> {
    let times = |value: &dyn Fn(i64) -> f64| -> Vec<(i64, f64)> {
        (0..500)
            .map(|at| (MONDAY_MS - 2 * HOUR_MS + at * 10_000, value(at)))
            .collect()
    };
    let odd = [
        f64::NAN,
        f64::INFINITY,
        -0.0,
        0.0,
        stale_nan(),
        5e-324,
        1e300,
    ];
    vec![
        series("bytes_total", "a", &times(&|at| (at * 1_000_003) as f64)),
        series(
            "cpu_ratio",
            "a",
            &times(&|at| ((at * 7) % 10_000) as f64 / 10_000.0),
        ),
        series(
            "cpu_ratio",
            "b",
            &times(&|at| if at == 9 { stale_nan() } else { 0.25 }),
        ),
        series("latency_seconds", "a", &times(&|at| (at as f64).sqrt())),
        series("odd", "a", &times(&|at| odd[at as usize % odd.len()])),
    ]
}

async fn filled(bench: &Bench) -> Store {
    let store = bench.open().await;
    let outcome = store.append(mixed_series()).await.unwrap();
    assert_eq!(outcome.accepted, 2500);
    store
}

fn block_files(bench: &Bench, name: &str) -> Vec<PathBuf> {
    files_in(&bench.path("blocks"))
        .iter()
        .map(|id| bench.path("blocks").join(id).join(name))
        .filter(|path| path.exists())
        .collect()
}

#[tokio::test]
async fn flushed_samples_read_back_bit_for_bit() {
    let bench = Bench::new();
    let store = filled(&bench).await;
    let before = content(&store).await;
    assert_eq!(before, content_of(mixed_series()));
    store.flush().await.unwrap();
    let stats = store.stats();
    assert_eq!((stats.head_samples, stats.block_samples), (0, 2500));
    assert_eq!(content(&store).await, before);
    for name in [
        "samples-d0.parquet",
        "samples-d4.parquet",
        "samples-double.parquet",
    ] {
        assert_eq!(block_files(&bench, name).len(), 1, "{name}");
    }
    drop(store);
    let again = bench.open().await;
    assert_eq!(
        again.stats().head_samples,
        0,
        "the log has forgotten what blocks hold"
    );
    assert_eq!(content(&again).await, before);
    assert_eq!(again.series(&[], i64::MIN, i64::MAX).unwrap().len(), 5);
    let middle = MONDAY_MS - HOUR_MS;
    let found = again
        .select(&all(), middle, middle + MINUTE_MS, &SelectHints::default())
        .await
        .unwrap();
    assert!(found.iter().all(|one| one.samples.len() == 7));
}

#[tokio::test]
async fn late_and_repeated_samples_are_merged_once() {
    let bench = Bench::new();
    let store = filled(&bench).await;
    store.flush().await.unwrap();
    // The same samples again: the head no longer knows them, a merge removes the twins.
    store.append(mixed_series()).await.unwrap();
    let late = vec![series("late", "x", &[(MONDAY_MS - 5 * HOUR_MS, 1.0)])];
    store.append(late).await.unwrap();
    store.flush().await.unwrap();
    assert!(store.stats().block_samples > 2501);
    let before = content(&store).await;
    assert_eq!(before.values().map(Vec::len).sum::<usize>(), 2501);

    bench.clock.advance_ms(2 * DAY_MS);
    store.compact().await.unwrap();
    assert_eq!(store.stats().block_samples, 2501);
    assert_eq!(content(&store).await, before);
    drop(store);
    assert_eq!(content(&bench.open().await).await, before);
}

#[tokio::test]
async fn a_flipped_byte_sets_the_block_aside_and_the_rest_is_served() {
    let bench = Bench::new();
    let store = filled(&bench).await;
    store.flush().await.unwrap();
    store
        .append(vec![series("other", "a", &[(MONDAY_MS, 1.0)])])
        .await
        .unwrap();
    let path = block_files(&bench, "samples-d0.parquet").remove(0);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[200] ^= 0x10;
    std::fs::write(&path, bytes).unwrap();

    let found = content(&store).await;
    assert_eq!(found[&labels("other", "a")].len(), 1);
    let damaged = store.stats().damaged;
    assert!(
        damaged.len() == 1
            && damaged[0].contains("samples-d0.parquet")
            && damaged[0].contains("checksum"),
        "{damaged:?}"
    );
    assert!(
        files_in(&bench.path("blocks"))
            .iter()
            .all(|id| files_in(&bench.path("blocks").join(id)).is_empty())
    );
    assert_eq!(files_in(&bench.path("damaged")).len(), 1);
}

#[tokio::test]
async fn a_missing_cut_or_altered_file_is_found_when_the_store_opens() {
    type Harm = fn(&std::path::Path);
    let harms: [(&str, Harm, &str); 4] = [
        (
            "samples-double.parquet",
            |path| std::fs::remove_file(path).unwrap(),
            "missing",
        ),
        (
            "samples-d0.parquet",
            |path| std::fs::write(path, b"PAR1").unwrap(),
            "bytes in place of",
        ),
        (
            "series.parquet",
            |path| {
                let mut bytes = std::fs::read(path).unwrap();
                bytes[100] ^= 1;
                std::fs::write(path, bytes).unwrap();
            },
            "checksum",
        ),
        (
            "meta.json",
            |path| {
                let text = std::fs::read_to_string(path).unwrap();
                std::fs::write(path, text.replace("\"samples\":2500", "\"samples\":2501")).unwrap();
            },
            "checksum",
        ),
    ];
    for (file, harm, told) in harms {
        let bench = Bench::new();
        let store = filled(&bench).await;
        store.flush().await.unwrap();
        store
            .append(vec![series("other", "a", &[(MONDAY_MS, 1.0)])])
            .await
            .unwrap();
        drop(store);
        harm(&block_files(&bench, file)[0]);
        let again = bench.open().await;
        let damaged = again.stats().damaged;
        assert!(
            damaged.len() == 1 && damaged[0].contains(file) && damaged[0].contains(told),
            "{damaged:?}"
        );
        assert_eq!(content(&again).await.len(), 1);
    }
}

#[tokio::test]
async fn unfinished_blocks_are_deleted_and_newer_formats_are_refused() {
    let bench = Bench::new();
    let store = filled(&bench).await;
    store.flush().await.unwrap();
    drop(store);
    let unfinished = bench.path("blocks/01ARZ3NDEKTSV4RRFFQ69G5FAV");
    std::fs::create_dir(&unfinished).unwrap();
    std::fs::write(unfinished.join("samples-d0.parquet"), b"half").unwrap();
    drop(bench.open().await);
    assert!(!unfinished.join("samples-d0.parquet").exists());

    let meta = block_files(&bench, "meta.json").remove(0);
    let text = std::fs::read_to_string(&meta).unwrap();
    std::fs::write(&meta, text.replace("\"version\":2", "\"version\":3")).unwrap();
    let error = Store::open(
        yunhai_series::StoreConfig::in_directory(bench.folder.path()),
        bench.clock.clone(),
    )
    .await
    .unwrap_err();
    assert!(
        matches!(error, Error::NewerFormat { found: 3, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn blocks_can_live_in_another_store() {
    let bench = Bench::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("file://{}", elsewhere.path().display());
    let store = bench
        .open_with(|config| config.blocks_url.clone_from(&url))
        .await;
    store.append(mixed_series()).await.unwrap();
    store.flush().await.unwrap();
    assert_eq!(files_in(&elsewhere.path().join("blocks")).len(), 1);
    let before = content(&store).await;
    drop(store);
    let again = bench.open_with(|config| config.blocks_url = url).await;
    assert_eq!(content(&again).await, before);
}

#[tokio::test]
async fn a_large_head_is_flushed_without_being_asked() {
    let bench = Bench::new();
    let store = bench
        .open_with(|config| config.max_head_samples = 1000)
        .await;
    for part in 0..6 {
        let samples: Vec<(i64, f64)> = (0..500)
            .map(|at| (MONDAY_MS - DAY_MS + (part * 500 + at) * 10_000, at as f64))
            .collect();
        store
            .append(vec![series("m", "a", &samples)])
            .await
            .unwrap();
    }
    let stats = store.stats();
    assert!(stats.blocks > 0 && stats.head_samples <= 2500, "{stats:?}");
    assert_eq!(content(&store).await[&labels("m", "a")].len(), 3000);
}
