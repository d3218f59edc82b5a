use yunhai_model::{Sample, stale_nan};
use yunhai_promql::{Queryable, SelectHints};
use yunhai_series::{Error, IncomingSeries, RejectReason, Store, StoreConfig};

use crate::support::{
    Bench, HOUR_MS, MINUTE_MS, MONDAY_MS, content, equal, files_in, labels, series,
};

#[tokio::test]
async fn acknowledged_samples_survive_a_reopen() {
    let bench = Bench::new();
    let store = bench.open().await;
    let values = [
        1.5,
        f64::NAN,
        f64::INFINITY,
        -0.0,
        stale_nan(),
        f64::MIN_POSITIVE,
    ];
    let samples: Vec<(i64, f64)> = values
        .iter()
        .enumerate()
        .map(|(at, value)| (MONDAY_MS + at as i64, *value))
        .collect();
    let outcome = store
        .append(vec![series("m", "a", &samples)])
        .await
        .unwrap();
    assert_eq!((outcome.accepted, outcome.duplicates), (6, 0));
    let before = content(&store).await;
    store.close().await.unwrap();
    assert!(matches!(
        store.append(Vec::new()).await.unwrap_err(),
        Error::Closed
    ));
    drop(store);

    let again = bench.open().await;
    assert_eq!(content(&again).await, before);
    assert_eq!(before[&labels("m", "a")].len(), 6);
}

#[tokio::test]
async fn duplicates_are_harmless_and_conflicts_are_told() {
    let bench = Bench::new();
    let store = bench.open().await;
    let batch = vec![series("m", "a", &[(MONDAY_MS, 1.0)])];
    store.append(batch.clone()).await.unwrap();
    let outcome = store.append(batch).await.unwrap();
    assert_eq!((outcome.accepted, outcome.duplicates), (0, 1));
    let outcome = store
        .append(vec![series("m", "a", &[(MONDAY_MS, 2.0)])])
        .await
        .unwrap();
    assert_eq!(outcome.rejected[0].reason, RejectReason::Conflict);
}

#[tokio::test]
async fn samples_outside_the_window_are_rejected_with_the_reason() {
    let bench = Bench::new();
    let store = bench.open().await;
    let outcome = store
        .append(vec![
            series(
                "m",
                "a",
                &[
                    (MONDAY_MS, 1.0),
                    (MONDAY_MS - HOUR_MS, 1.0),
                    (MONDAY_MS - 3 * HOUR_MS, 1.0),
                ],
            ),
            series("m", "b", &[(MONDAY_MS + 11 * MINUTE_MS, 1.0)]),
            series("m", "c", &[(MONDAY_MS - 20 * 24 * HOUR_MS, 1.0)]),
        ])
        .await
        .unwrap();
    assert_eq!(outcome.accepted, 2);
    let reasons: Vec<String> = outcome.rejected.iter().map(ToString::to_string).collect();
    assert!(
        reasons[0].contains("too old") && reasons[0].contains("m{server=\"a\"}"),
        "{reasons:?}"
    );
    assert!(
        reasons[1].contains("future") && reasons[1].contains("2023-11-20T00:10:00.000Z"),
        "{reasons:?}"
    );
    assert!(reasons[2].contains("retention"), "{reasons:?}");
}

#[tokio::test]
async fn numbers_that_are_not_finite_are_refused_where_they_are_not_wanted() {
    let bench = Bench::new();
    let store = bench
        .open_with(|config| config.refuse_non_finite = true)
        .await;
    let samples = [1.0, f64::NAN, f64::NEG_INFINITY, stale_nan()];
    let samples: Vec<(i64, f64)> = (MONDAY_MS..).zip(samples).collect();
    let first = store
        .append(vec![series("m", "a", &samples)])
        .await
        .unwrap();
    let more = vec![series("m", "a", &[(MONDAY_MS + 9, f64::INFINITY)])];
    let second = store.append(more).await.unwrap();
    assert_eq!((first.accepted, second.accepted), (2, 0));
    let rejected = first.rejected.iter().chain(&second.rejected);
    let reasons: Vec<String> = rejected.map(ToString::to_string).collect();
    for (reason, value) in reasons.iter().zip(["NaN", "-inf", "inf"]) {
        assert!(
            reason.contains(&format!("{value} is no finite number"))
                && reason.contains("m{server=\"a\"}"),
            "{reasons:?}"
        );
    }
    assert_eq!(reasons.len(), 3);
    assert_eq!(content(&store).await[&labels("m", "a")].len(), 2);
}

#[tokio::test]
async fn the_cardinality_limit_says_what_to_do_and_spares_known_series() {
    let bench = Bench::new();
    let store = bench.open_with(|config| config.max_active_series = 2).await;
    let outcome = store
        .append(vec![
            series("m", "a", &[(MONDAY_MS, 1.0)]),
            series("m", "b", &[(MONDAY_MS, 1.0)]),
            series("m", "c", &[(MONDAY_MS, 1.0), (MONDAY_MS + 1, 1.0)]),
            series("m", "a", &[(MONDAY_MS + 1, 1.0)]),
        ])
        .await
        .unwrap();
    assert_eq!((outcome.accepted, outcome.rejected_samples()), (3, 2));
    let text = outcome.rejected[0].to_string();
    assert!(
        text.contains("limit of 2") && text.contains("max_active_series"),
        "{text}"
    );
}

#[tokio::test]
async fn borrowed_and_owned_labels_name_the_same_series() {
    let bench = Bench::new();
    let store = bench.open().await;
    store
        .append(vec![series("m", "a", &[(MONDAY_MS, 1.0)])])
        .await
        .unwrap();
    let sample = |at: i64| {
        [Sample {
            timestamp_ms: MONDAY_MS + at,
            value: 2.0,
        }]
    };
    let (one, two, three) = (sample(1), sample(2), sample(3));
    let incoming = [
        IncomingSeries {
            labels: &[("__name__", "m"), ("server", "a")],
            samples: &one,
        },
        IncomingSeries {
            labels: &[("server", "a"), ("__name__", "m"), ("x", "")],
            samples: &two,
        },
        IncomingSeries {
            labels: &[("__name__", "m"), ("0x", "a")],
            samples: &three,
        },
        IncomingSeries {
            labels: &[],
            samples: &three,
        },
    ];
    let outcome = store.append_borrowed(&incoming).await.unwrap();
    assert_eq!((outcome.accepted, outcome.rejected.len()), (2, 2));
    assert!(
        outcome.rejected[0]
            .to_string()
            .contains("`0x` is not a label name")
    );
    assert_eq!(content(&store).await[&labels("m", "a")].len(), 3);
}

#[tokio::test]
async fn a_torn_tail_is_set_aside_and_the_rest_is_served() {
    let bench = Bench::new();
    let store = bench.open().await;
    for at in 0..3 {
        store
            .append(vec![series("m", "a", &[(MONDAY_MS + at, 1.0)])])
            .await
            .unwrap();
    }
    store.close().await.unwrap();
    drop(store);
    let segment = bench.path("wal/0000000001.log");
    let bytes = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &bytes[..bytes.len() - 3]).unwrap();

    let again = bench.open().await;
    assert_eq!(content(&again).await[&labels("m", "a")].len(), 2);
    assert_eq!(again.stats().damaged.len(), 1);
    assert_eq!(files_in(&bench.path("damaged")).len(), 1);
    drop(again);
    assert!(
        bench.open().await.stats().damaged.is_empty(),
        "it is reported once"
    );
}

#[tokio::test]
async fn a_flipped_byte_in_the_log_costs_one_record() {
    let bench = Bench::new();
    let store = bench.open().await;
    let mut sizes = Vec::new();
    for at in 0..3 {
        store
            .append(vec![series("m", "a", &[(MONDAY_MS + at, 1.0)])])
            .await
            .unwrap();
        sizes.push(
            std::fs::metadata(bench.path("wal/0000000001.log"))
                .unwrap()
                .len(),
        );
    }
    drop(store);
    let segment = bench.path("wal/0000000001.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[sizes[1] as usize - 1] ^= 0x40;
    std::fs::write(&segment, bytes).unwrap();

    let again = bench.open().await;
    let times: Vec<i64> = content(&again).await[&labels("m", "a")]
        .iter()
        .map(|s| s.0 - MONDAY_MS)
        .collect();
    assert_eq!(times, [0, 2]);
    assert_eq!(again.stats().damaged.len(), 1);
}

#[tokio::test]
async fn labels_are_listed_for_the_range_that_has_samples() {
    let bench = Bench::new();
    let store = bench.open().await;
    store
        .append(vec![
            series("cpu", "a", &[(MONDAY_MS, 1.0)]),
            series("mem", "b", &[(MONDAY_MS - HOUR_MS, 1.0)]),
        ])
        .await
        .unwrap();
    assert_eq!(
        store.label_names(&[], i64::MIN, i64::MAX).unwrap(),
        ["__name__", "server"]
    );
    assert_eq!(
        store
            .label_values("server", &[], MONDAY_MS, MONDAY_MS)
            .unwrap(),
        ["a"]
    );
    assert_eq!(
        store
            .label_values("server", &equal("__name__", "mem"), 0, MONDAY_MS)
            .unwrap(),
        ["b"]
    );
    assert_eq!(
        store.series(&[], 0, MONDAY_MS).unwrap(),
        [labels("cpu", "a"), labels("mem", "b")]
    );
    let found = store
        .select(
            &equal("server", "b"),
            MONDAY_MS,
            MONDAY_MS,
            &SelectHints::default(),
        )
        .await
        .unwrap();
    assert!(found.is_empty());
}

#[tokio::test]
async fn a_second_process_is_kept_out() {
    let bench = Bench::new();
    let _store = bench.open().await;
    let second = Store::open(
        StoreConfig::in_directory(bench.folder.path()),
        bench.clock.clone(),
    )
    .await;
    assert!(matches!(second.unwrap_err(), Error::InUse(_)));
}
