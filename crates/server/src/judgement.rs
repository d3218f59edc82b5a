//! What Yunhai itself says of servers, as series: whether they report, and how their clocks are.

use std::collections::{BTreeMap, BTreeSet};

use yunhai_api_types::{ServerState, ServerSummary};
use yunhai_model::{Labels, Sample, TimeSeries, TimestampMs};

use crate::collect::end_of;
use crate::fleet::Snapshot;

const REPORTING: &str = "server_reporting";
const CLOCK_SKEW: &str = "server_clock_skew_seconds";

/// How often what has not changed is written again.
const REPEAT_MS: i64 = 60_000;

/// Remembers what was written, so that changes are written at once and what ends is ended.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    /// By metric and server.
    written: BTreeMap<(&'static str, String), Written>,
}

#[derive(Debug)]
struct Written {
    labels: Labels,
    value: f64,
    at_ms: TimestampMs,
}

impl Judge {
    /// Returns what is to be written now.
    pub(crate) fn judge(
        &mut self,
        fleet: &Snapshot,
        skews: Vec<(String, f64)>,
        now_ms: TimestampMs,
    ) -> Vec<TimeSeries> {
        let mut series = Vec::new();
        let mut judged = BTreeSet::new();
        for server in fleet.servers() {
            let is_reporting = match server.state {
                ServerState::Up => 1.0,
                ServerState::Down => 0.0,
                ServerState::Unknown => continue,
            };
            let labels = labels_of(REPORTING, server);
            let key = (REPORTING, server.name.clone());
            self.write(&mut series, &key, labels, is_reporting, now_ms);
            judged.insert(key);
        }
        for (name, skew) in skews {
            let labels = match fleet.get(&name) {
                Some(server) if server.is_local => continue,
                Some(server) => labels_of(CLOCK_SKEW, server),
                // All that it sends may be too far in the future to be stored.
                None => Labels::of_metric(CLOCK_SKEW, [("server", name.as_str())]),
            };
            let key = (CLOCK_SKEW, name);
            self.write(&mut series, &key, labels, skew, now_ms);
            judged.insert(key);
        }
        self.written.retain(|key, written| {
            let is_kept = judged.contains(key);
            if !is_kept {
                series.push(end_of(&written.labels, now_ms));
            }
            is_kept
        });
        series
    }

    fn write(
        &mut self,
        series: &mut Vec<TimeSeries>,
        key: &(&'static str, String),
        labels: Labels,
        value: f64,
        now_ms: TimestampMs,
    ) {
        if let Some(written) = self.written.get(key) {
            let is_same = written.labels == labels;
            if !is_same {
                series.push(end_of(&written.labels, now_ms));
            }
            // A skew changes a little all the time; it waits for its turn.
            let has_changed = key.0 == REPORTING && (written.value - value).abs() > 0.5;
            if is_same && !has_changed && now_ms - written.at_ms < REPEAT_MS {
                return;
            }
        }
        series.push(TimeSeries {
            labels: labels.clone(),
            samples: vec![Sample {
                timestamp_ms: now_ms,
                value,
            }],
        });
        let written = Written {
            labels,
            value,
            at_ms: now_ms,
        };
        self.written.insert(key.clone(), written);
    }
}

fn labels_of(metric: &str, server: &ServerSummary) -> Labels {
    let optional = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| (name.to_owned(), value.clone()))
    };
    let tags = server
        .tags
        .iter()
        .map(|(name, value)| (format!("tag_{name}"), value.clone()));
    let labels = [
        ("server".to_owned(), server.name.clone()),
        ("provider".to_owned(), server.provider.clone()),
    ];
    Labels::of_metric(
        metric,
        labels
            .into_iter()
            .chain(optional("account", &server.account))
            .chain(optional("region", &server.region))
            .chain(tags),
    )
}
