//! A store in a temporary folder with a clock that the test moves.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use yunhai_model::{Labels, ManualClock, Sample, TimeSeries};
use yunhai_promql::{MatchOp, Matcher, Queryable, SelectHints};
use yunhai_series::{Store, StoreConfig};

/// A Monday at midnight UTC, so that days and hours are easy to count from it.
pub(crate) const MONDAY_MS: i64 = 1_700_438_400_000;
pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::new(MONDAY_MS)),
        }
    }

    pub(crate) async fn open(&self) -> Store {
        self.open_with(|_| {}).await
    }

    pub(crate) async fn open_with(&self, change: impl FnOnce(&mut StoreConfig)) -> Store {
        let mut config = StoreConfig::in_directory(self.folder.path());
        change(&mut config);
        Store::open(config, self.clock.clone()).await.unwrap()
    }

    pub(crate) fn path(&self, below: &str) -> std::path::PathBuf {
        self.folder.path().join(below)
    }
}

pub(crate) fn labels(metric: &str, server: &str) -> Labels {
    Labels::of_metric(metric, [("server", server)])
}

pub(crate) fn series(metric: &str, server: &str, samples: &[(i64, f64)]) -> TimeSeries {
    TimeSeries {
        labels: labels(metric, server),
        samples: samples
            .iter()
            .map(|&(timestamp_ms, value)| Sample {
                timestamp_ms,
                value,
            })
            .collect(),
    }
}

pub(crate) fn all() -> Vec<Matcher> {
    vec![Matcher::new("__name__", MatchOp::NotEqual, "").unwrap()]
}

pub(crate) fn equal(name: &str, value: &str) -> Vec<Matcher> {
    vec![Matcher::new(name, MatchOp::Equal, value).unwrap()]
}

/// Everything in the store, values as bits so that NaN and -0.0 compare.
pub(crate) type Content = BTreeMap<Labels, Vec<(i64, u64)>>;

pub(crate) fn content_of(found: Vec<TimeSeries>) -> Content {
    found
        .into_iter()
        .map(|one| {
            let samples = one
                .samples
                .iter()
                .map(|s| (s.timestamp_ms, s.value.to_bits()));
            (one.labels, samples.collect())
        })
        .collect()
}

pub(crate) async fn content(store: &Store) -> Content {
    let found = store
        .select(&all(), i64::MIN, i64::MAX, &SelectHints::default())
        .await
        .unwrap();
    content_of(found)
}

/// The samples of a metric of two days from Monday on, as a query reads them that puts them together
/// with a function, for which roll-ups may answer.
pub(crate) async fn aggregated(store: &Store, metric: &str, function: &str) -> Vec<(i64, f64)> {
    let hints = SelectHints {
        function: Some(function.to_owned()),
        ..SelectHints::default()
    };
    let (matchers, end_ms) = (equal("__name__", metric), MONDAY_MS + 2 * DAY_MS - 1);
    let found = store.select(&matchers, MONDAY_MS, end_ms, &hints).await;
    let samples = found.unwrap().into_iter().flat_map(|one| one.samples);
    samples
        .map(|sample| (sample.timestamp_ms, sample.value))
        .collect()
}

pub(crate) fn files_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| {
            entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}
