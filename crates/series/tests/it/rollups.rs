use yunhai_promql::{Queryable, SelectHints};
use yunhai_series::{RetentionRule, Store};

use crate::support::{
    Bench, DAY_MS, HOUR_MS, MINUTE_MS, MONDAY_MS, aggregated, content, equal, files_in, labels,
    series,
};

/// Two days of minutes: a gauge that saws and a counter that is reset every 700 minutes.
async fn two_days(store: &Store) {
    let times = || (0..2 * 24 * 60).map(|minute| MONDAY_MS + minute * MINUTE_MS);
    let gauge: Vec<(i64, f64)> = times()
        .enumerate()
        .map(|(at, time)| (time, (at % 100) as f64))
        .collect();
    let counter: Vec<(i64, f64)> = times()
        .enumerate()
        .map(|(at, time)| (time, (at % 700) as f64 * 10.0))
        .collect();
    for from in (0..gauge.len()).step_by(60) {
        let batch = vec![
            series("gauge", "a", &gauge[from..from + 60]),
            series("requests_total", "a", &counter[from..from + 60]),
        ];
        assert_eq!(store.append(batch).await.unwrap().rejected, []);
    }
}

#[tokio::test]
async fn roll_ups_answer_when_raw_samples_are_gone() {
    let bench = Bench::new();
    bench.clock.set(MONDAY_MS + 2 * DAY_MS);
    let store = bench.open().await;
    two_days(&store).await;
    store.flush().await.unwrap();
    bench.clock.set(MONDAY_MS + 3 * DAY_MS);
    store.compact().await.unwrap();
    assert_eq!(
        aggregated(&store, "gauge", "last_over_time").await.len(),
        2880,
        "raw samples answer"
    );

    bench.clock.set(MONDAY_MS + 30 * DAY_MS);
    store.compact().await.unwrap();
    assert_eq!(store.stats().block_samples, 0, "raw samples have expired");
    assert_eq!(
        aggregated(&store, "gauge", "last_over_time").await.len(),
        576
    );
    let largest = aggregated(&store, "gauge", "max_over_time").await;
    let largest = largest.iter().map(|s| s.1).fold(0.0, f64::max);
    assert!((largest - 99.0).abs() < 1e-9);
    let sum: f64 = aggregated(&store, "gauge", "sum_over_time")
        .await
        .iter()
        .map(|s| s.1)
        .sum();
    let expected: f64 = (0..2880).map(|at| f64::from(at % 100)).sum();
    assert!((sum - expected).abs() < 1e-6);
    assert_eq!(
        aggregated(&store, "gauge", "count_over_time").await.len(),
        2880
    );
    // 2,880 minutes of growth by 10, less the step into each reset, which falls to zero.
    let growth = aggregated(&store, "requests_total", "rate").await;
    let increase = growth.last().unwrap().1 - growth[0].1;
    assert!(
        (increase - (2875.0 - 4.0) * 10.0).abs() < 1e-6,
        "{increase}"
    );
    assert!(
        growth.windows(2).all(|pair| pair[0].1 <= pair[1].1),
        "no reset is left"
    );

    drop(store);
    bench.clock.set(MONDAY_MS + 100 * DAY_MS);
    let store = bench.open().await;
    store.compact().await.unwrap();
    assert_eq!(
        aggregated(&store, "gauge", "last_over_time").await.len(),
        48,
        "hours are left"
    );
    bench.clock.set(MONDAY_MS + 800 * DAY_MS);
    store.compact().await.unwrap();
    assert!(
        aggregated(&store, "gauge", "last_over_time")
            .await
            .is_empty()
    );
    assert_eq!(store.stats().blocks, 0);
    assert!(store.series(&[], i64::MIN, i64::MAX).unwrap().is_empty());
}

/// A sample every five minutes for a day, then one every minute: a gauge, and a counter that is
/// reset every 100 samples.
fn slow_then_fast() -> [Vec<(i64, f64)>; 2] {
    let times: Vec<i64> = (0..288)
        .map(|at| MONDAY_MS + at * 5 * MINUTE_MS)
        .chain((0..1440).map(|minute| MONDAY_MS + DAY_MS + minute * MINUTE_MS))
        .collect();
    let of = |value: &dyn Fn(usize) -> f64| -> Vec<(i64, f64)> {
        let values = times.iter().enumerate();
        values.map(|(at, time)| (*time, value(at))).collect()
    };
    [
        of(&|at| (at * 37 % 1000) as f64 / 10.0),
        of(&|at| (at % 100) as f64 * 3.0),
    ]
}

#[tokio::test]
async fn series_with_one_sample_a_bucket_are_kept_as_they_are() {
    let bench = Bench::new();
    bench.clock.set(MONDAY_MS + 2 * DAY_MS);
    let store = bench.open().await;
    let [gauge, counter] = slow_then_fast();
    for range in [0..288, 288..288 + 1440] {
        store
            .append(vec![
                series("gauge", "a", &gauge[range.clone()]),
                series("requests_total", "a", &counter[range]),
            ])
            .await
            .unwrap();
    }
    store.flush().await.unwrap();
    bench.clock.set(MONDAY_MS + 3 * DAY_MS);
    store.compact().await.unwrap();
    let files: Vec<String> = files_in(&bench.path("blocks"))
        .iter()
        .flat_map(|id| files_in(&bench.path("blocks").join(id)))
        .collect();
    assert!(
        files.iter().any(|name| name == "singles-d1.parquet"),
        "{files:?}"
    );

    bench.clock.set(MONDAY_MS + 30 * DAY_MS);
    store.compact().await.unwrap();
    assert_eq!(store.stats().block_samples, 0, "raw samples have expired");
    // Twice: from a block of each day, and from one that holds rows of both kinds.
    for round in 0..2 {
        let kept = aggregated(&store, "gauge", "last_over_time").await;
        assert_eq!(kept.len(), 2 * 288);
        assert_eq!(kept[..288], gauge[..288], "round {round}");
        assert_eq!(
            aggregated(&store, "gauge", "min_over_time").await[..288],
            gauge[..288]
        );
        let counted = aggregated(&store, "gauge", "count_over_time").await;
        assert_eq!(counted.len(), 288 + 1440);
        let sum: f64 = counted.iter().map(|sample| sample.1).sum();
        let expected: f64 = gauge.iter().map(|sample| sample.1).sum();
        assert!((sum - expected).abs() < 1e-6, "{sum} of {expected}");
        let growth = aggregated(&store, "requests_total", "increase").await;
        let grown: f64 = growth
            .windows(2)
            .map(|pair| {
                if pair[1].1 < pair[0].1 {
                    pair[1].1
                } else {
                    pair[1].1 - pair[0].1
                }
            })
            .sum();
        let expected: f64 = counter
            .windows(2)
            .map(|pair| (pair[1].1 - pair[0].1).max(0.0))
            .sum();
        // The first buckets of the faster day hold samples before which growth is not counted.
        assert!((grown - expected).abs() <= 12.0, "{grown} of {expected}");
        bench.clock.set(MONDAY_MS + 40 * DAY_MS);
        store.compact().await.unwrap();
    }
}

#[tokio::test]
async fn wide_ranges_with_wide_steps_read_roll_ups_and_agree_with_raw() {
    let bench = Bench::new();
    bench.clock.set(MONDAY_MS + 2 * DAY_MS);
    let store = bench.open().await;
    two_days(&store).await;
    store.flush().await.unwrap();
    bench.clock.set(MONDAY_MS + 3 * DAY_MS);
    store.compact().await.unwrap();
    let hints = SelectHints {
        step_ms: HOUR_MS,
        range_ms: DAY_MS,
        function: Some("max_over_time".to_owned()),
    };
    let found = store
        .select(
            &equal("__name__", "gauge"),
            MONDAY_MS,
            MONDAY_MS + 2 * DAY_MS,
            &hints,
        )
        .await
        .unwrap();
    assert_eq!(found[0].samples.len(), 48);
}

#[tokio::test]
async fn late_samples_of_a_day_are_rolled_up_again() {
    let bench = Bench::new();
    bench.clock.set(MONDAY_MS + 3 * DAY_MS);
    let store = bench.open().await;
    store
        .append(vec![series("m", "a", &[(MONDAY_MS, 1.0)])])
        .await
        .unwrap();
    store.flush().await.unwrap();
    store.compact().await.unwrap();
    store
        .append(vec![series("m", "b", &[(MONDAY_MS, 2.0)])])
        .await
        .unwrap();
    store.flush().await.unwrap();
    store.compact().await.unwrap();
    let blocks = store.stats().blocks;
    store.compact().await.unwrap();
    assert_eq!(
        store.stats().blocks,
        blocks,
        "nothing changed, nothing is written"
    );
    bench.clock.set(MONDAY_MS + 40 * DAY_MS);
    store.compact().await.unwrap();
    assert_eq!(content(&store).await.len(), 2);
}

#[tokio::test]
async fn rules_shorten_and_lengthen_the_life_of_some_series() {
    let bench = Bench::new();
    let store = bench
        .open_with(|config| {
            config.rollup_5m_retention = "1s".parse().unwrap();
            config.rollup_1h_retention = "1s".parse().unwrap();
            config.retention_rules = vec![
                RetentionRule {
                    matchers: vec!["__name__=~debug.*".to_owned()],
                    raw: "1d".parse().unwrap(),
                },
                RetentionRule {
                    matchers: vec!["server=vip".to_owned()],
                    raw: "90d".parse().unwrap(),
                },
            ];
        })
        .await;
    let sample = [(MONDAY_MS, 1.0)];
    let batch = ["debug_x", "cpu"].map(|metric| series(metric, "a", &sample));
    store.append(batch.to_vec()).await.unwrap();
    store
        .append(vec![series("cpu", "vip", &sample)])
        .await
        .unwrap();
    store.flush().await.unwrap();
    bench.clock.set(MONDAY_MS + 2 * DAY_MS);
    store.compact().await.unwrap();
    assert_eq!(
        content(&store).await.into_keys().collect::<Vec<_>>(),
        [labels("cpu", "a"), labels("cpu", "vip")]
    );
    bench.clock.set(MONDAY_MS + 30 * DAY_MS);
    store.compact().await.unwrap();
    assert_eq!(
        content(&store).await.into_keys().collect::<Vec<_>>(),
        [labels("cpu", "vip")]
    );
    bench.clock.set(MONDAY_MS + 91 * DAY_MS);
    store.compact().await.unwrap();
    assert!(content(&store).await.is_empty());
    assert!(
        files_in(&bench.path("blocks"))
            .iter()
            .all(|id| files_in(&bench.path("blocks").join(id)).is_empty())
    );
}
