//! What a metric is: its type, help and unit, as its source tells them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::RwLock;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A metric's type in Prometheus's terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// Only ever grows, but for resets.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets of cumulative counters.
    Histogram,
    /// A histogram whose buckets are gauges.
    GaugeHistogram,
    /// Quantiles computed by the source.
    Summary,
    /// Facts about the source as labels.
    Info,
    /// One of several states.
    StateSet,
    /// Not told.
    #[default]
    Unknown,
}

/// A metric's type, help and unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricMetadata {
    /// What kind of metric it is.
    pub kind: MetricKind,
    /// What it measures, for people.
    pub help: String,
    /// Its base unit, such as `bytes`; empty where it has none.
    pub unit: String,
}

/// The metadata of all metrics, kept in one file beside the log.
#[derive(Debug)]
pub(crate) struct MetadataFile {
    path: PathBuf,
    metrics: RwLock<BTreeMap<String, MetricMetadata>>,
}

impl MetadataFile {
    /// Reads the file; one that cannot be understood is left aside, as sources tell it again.
    pub(crate) fn open(folder: &Path) -> Self {
        let path = folder.join("metadata.json");
        let metrics = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), error = yunhai_model::with_causes(&error), "metric metadata is damaged and starts anew");
                BTreeMap::new()
            }),
            Err(_) => BTreeMap::new(),
        };
        Self {
            path,
            metrics: RwLock::new(metrics),
        }
    }

    pub(crate) fn get_all(&self) -> BTreeMap<String, MetricMetadata> {
        self.metrics.read().expect(crate::store::UNPOISONED).clone()
    }

    pub(crate) fn is_counter(&self, metric: &str) -> bool {
        match self
            .metrics
            .read()
            .expect(crate::store::UNPOISONED)
            .get(metric)
        {
            Some(known) if known.kind != MetricKind::Unknown => known.kind == MetricKind::Counter,
            _ => ["_total", "_count", "_sum", "_bucket"]
                .iter()
                .any(|suffix| metric.ends_with(suffix)),
        }
    }

    /// Records what is new and writes the file when something is.
    pub(crate) fn record(
        &self,
        told: impl IntoIterator<Item = (String, MetricMetadata)>,
    ) -> Result<(), Error> {
        let mut metrics = self.metrics.write().expect(crate::store::UNPOISONED);
        let mut changed = false;
        for (metric, metadata) in told {
            if metrics.get(&metric) != Some(&metadata) {
                metrics.insert(metric, metadata);
                changed = true;
            }
        }
        if !changed {
            return Ok(());
        }
        let text = serde_json::to_vec_pretty(&*metrics).map_err(|source| Error::Json {
            path: self.path.display().to_string(),
            source,
        })?;
        let draft = self.path.with_extension("json.tmp");
        std::fs::write(&draft, text).map_err(Error::file(&draft))?;
        std::fs::rename(&draft, &self.path).map_err(Error::file(&self.path))
    }
}
