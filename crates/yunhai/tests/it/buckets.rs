//! A whole server whose old samples live in a bucket.

use std::fmt::Write as _;

use serde_json::Value;
use yunhai_test_support::buckets::{Bucket, BucketKind};
use yunhai_test_support::remote_write::body;

use crate::program::{Home, exists};
use crate::writer::Writer;

/// How many samples one request brings, how many requests there are, and how far apart the samples
/// lie.
const BATCH: i64 = 500;
const BATCHES: i64 = 6;
const STEP_MS: i64 = 10_000;

fn count(home: &Home) -> i64 {
    let query = [
        "monitor",
        "query",
        "count_over_time(kept[2d])",
        "--format",
        "json",
    ];
    let found: Value = serde_json::from_str(&home.run(&query).done()).unwrap();
    let value = found["data"]["result"][0]["value"][1].as_str();
    value.map_or(0, |count| count.parse().unwrap())
}

/// Writes more than the head may hold, so that blocks go to the bucket, and starts the server again:
/// with all it had, then with the bucket alone.
fn keep_samples_in(kind: BucketKind) {
    let bucket = Bucket::start(kind).unwrap();
    let home = Home::new();
    let mut config = format!(
        "[series]\nmax_head_samples = 1000\nblocks_url = \"{}\"\n[series.blocks_settings]\n",
        bucket.url
    );
    for (name, value) in &bucket.settings {
        // A JSON text is a TOML text too.
        let _ = writeln!(config, "{name} = {}", Value::from(value.as_str()));
    }
    home.write("yunhai.toml", config);
    let on_it = ["--config", "yunhai.toml"];

    let server = home.serve_signed_in(&on_it);
    let writer = Writer::new(&home, &server);
    let first_ms = jiff::Timestamp::now().as_millisecond() - 86_400_000;
    for batch in 0..BATCHES {
        let samples: Vec<(i64, f64)> = (batch * BATCH..(batch + 1) * BATCH)
            .map(|at| (first_ms + at * STEP_MS, at as f64))
            .collect();
        let (status, answer) = writer.write(body(&[("__name__", b"kept")], &samples));
        assert_eq!(status, 204, "{answer}");
    }
    assert_eq!(count(&home), BATCHES * BATCH);
    assert_eq!(server.stop(), 0);
    assert!(
        exists(&home.path("data/series"), "wal") && !exists(&home.path("data/series"), "blocks"),
        "the log is local, blocks are not"
    );

    let server = home.serve(&on_it);
    home.login(&server);
    assert_eq!(count(&home), BATCHES * BATCH, "after a restart");
    assert_eq!(server.stop(), 0);

    std::fs::remove_dir_all(home.path("data/series")).unwrap();
    let server = home.serve(&on_it);
    home.login(&server);
    let kept = count(&home);
    assert!(kept >= 1000, "only {kept} samples came from the bucket");
    assert_eq!(server.stop(), 0);
    let log = std::fs::read_to_string(home.path("server.log")).unwrap();
    for secret in bucket.wrong_secret.keys() {
        assert!(!log.contains(&bucket.settings[secret]), "{log}");
    }
}

#[test]
fn a_server_keeps_its_samples_in_s3() {
    keep_samples_in(BucketKind::S3);
}

#[test]
fn a_server_keeps_its_samples_in_azure() {
    keep_samples_in(BucketKind::Azure);
}

#[test]
fn a_server_keeps_its_samples_in_google() {
    keep_samples_in(BucketKind::Google);
}
