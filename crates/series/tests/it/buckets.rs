//! Blocks in buckets: one suite over S3, Azure and Google.

use std::sync::Arc;

use yunhai_model::with_causes;
use yunhai_series::{Error, Store, StoreConfig};
use yunhai_test_support::buckets::{Bucket, BucketKind};

use crate::support::{Bench, DAY_MS, HOUR_MS, MINUTE_MS, MONDAY_MS, content, series};

fn in_bucket(bucket: &Bucket) -> impl Fn(&mut StoreConfig) {
    let (url, settings) = (bucket.url.clone(), bucket.settings.clone());
    move |config| {
        config.blocks_url.clone_from(&url);
        config.blocks_settings.0.clone_from(&settings);
    }
}

/// A sample each minute for some days up to now.
fn days(metric: &str, days: i64) -> yunhai_model::TimeSeries {
    let minutes = days * DAY_MS / MINUTE_MS;
    let samples: Vec<(i64, f64)> = (0..minutes)
        .map(|at| {
            (
                MONDAY_MS - (minutes - at) * MINUTE_MS,
                (at % 97) as f64 / 8.0,
            )
        })
        .collect();
    series(metric, "a", &samples)
}

async fn check_life_in(kind: BucketKind) {
    let bucket = Bucket::start(kind).unwrap();
    let configure = in_bucket(&bucket);
    let bench = Bench::new();
    let store = bench.open_with(&configure).await;
    store
        .append(vec![days("requests_total", 3), days("load", 3)])
        .await
        .unwrap();
    let written = content(&store).await;
    store.flush().await.unwrap();
    assert_eq!(content(&store).await, written, "queried from the bucket");
    assert!(store.stats().blocks >= 3);
    assert!(
        !bench.path("blocks").exists(),
        "nothing stays beside the log"
    );
    store.close().await.unwrap();
    drop(store);

    let store = bench.open_with(&configure).await;
    assert_eq!(store.stats().damaged, Vec::<String>::new());
    assert_eq!(
        store.stats().head_samples,
        0,
        "everything comes from blocks"
    );
    assert_eq!(content(&store).await, written, "after a restart");
    store.close().await.unwrap();
    drop(store);

    // Another machine has the bucket alone.
    let elsewhere = Bench::new();
    let store = elsewhere.open_with(&configure).await;
    assert_eq!(content(&store).await, written, "without the local folder");

    // Merging, rolling up and dropping rewrite and delete objects.
    elsewhere.clock.set(MONDAY_MS + 2 * HOUR_MS);
    store.maintain().await.unwrap();
    assert_eq!(content(&store).await, written, "after merging");
    elsewhere.clock.set(MONDAY_MS + 3000 * DAY_MS);
    store.maintain().await.unwrap();
    store.close().await.unwrap();
    drop(store);
    let store = elsewhere.open_with(&configure).await;
    assert!(content(&store).await.is_empty(), "all has expired");
    assert_eq!(store.stats().blocks, 0);
    store.close().await.unwrap();
}

#[tokio::test]
async fn blocks_live_in_s3() {
    check_life_in(BucketKind::S3).await;
}

#[tokio::test]
async fn blocks_live_in_azure() {
    check_life_in(BucketKind::Azure).await;
}

#[tokio::test]
async fn blocks_live_in_google() {
    check_life_in(BucketKind::Google).await;
}

/// Opens a store that cannot be opened and returns what an operator reads.
async fn refusal(bucket: &Bucket, change: impl FnOnce(&mut StoreConfig)) -> String {
    let bench = Bench::new();
    let mut config = StoreConfig::in_directory(bench.folder.path());
    in_bucket(bucket)(&mut config);
    change(&mut config);
    let error = Store::open(config, Arc::clone(&bench.clock) as _)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    with_causes(&error)
}

async fn check_refusals_of(kind: BucketKind, refused: &str) {
    let bucket = Bucket::start(kind).unwrap();
    let text = refusal(&bucket, |config| {
        config.blocks_url = config.blocks_url.replace("blocks", "nowhere");
    })
    .await;
    assert!(text.contains("://nowhere/series/eu`; check"), "{text}");
    assert!(text.contains("404"), "{text}");

    let text = refusal(&bucket, |config| {
        config.blocks_settings.0.extend(bucket.wrong_secret.clone());
    })
    .await;
    assert!(text.contains("://blocks/series/eu`; check"), "{text}");
    assert!(text.contains(refused), "{text}");
    for (name, secret) in bucket.settings.iter().chain(&bucket.wrong_secret) {
        if bucket.wrong_secret.contains_key(name) {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(!text.contains("PRIVATE KEY"), "{text}");
}

#[tokio::test]
async fn a_wrong_bucket_or_key_of_s3_is_told_at_the_start() {
    check_refusals_of(BucketKind::S3, "403").await;
}

#[tokio::test]
async fn a_wrong_container_or_key_of_azure_is_told_at_the_start() {
    check_refusals_of(BucketKind::Azure, "403").await;
}

#[tokio::test]
async fn a_wrong_bucket_or_key_of_google_is_told_at_the_start() {
    check_refusals_of(BucketKind::Google, "401").await;
}

#[tokio::test]
async fn a_wrong_signature_of_azure_is_told_without_it() {
    let bucket = Bucket::start(BucketKind::Azure).unwrap();
    let text = refusal(&bucket, |config| {
        config.blocks_settings.0.remove("azure_storage_account_key");
        config.blocks_settings.0.insert(
            "azure_storage_sas_key".to_owned(),
            "sv=2023-11-03&ss=b&srt=sco&sp=rwdl&se=2099-01-01T00:00:00Z&sig=aHVudGVyMg%3D%3D"
                .to_owned(),
        );
    })
    .await;
    assert!(text.contains("403"), "{text}");
    assert!(
        !text.contains("aHVudGVyMg") && !text.contains("sig="),
        "{text}"
    );
}
