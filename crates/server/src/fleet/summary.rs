//! One server of the fleet: what its labels and its newest samples say.

use std::collections::BTreeMap;

use yunhai_api_types::{ServerState, ServerSummary};
use yunhai_collector::host::tag_label;
use yunhai_inventory::KnownServer;
use yunhai_model::{Labels, Sample, is_stale};

use super::DEFAULT_INTERVAL_SECS;

/// A server of which nothing is known but its labels.
pub(super) fn new(name: &str, labels: &Labels) -> ServerSummary {
    let mut server = ServerSummary {
        name: name.to_owned(),
        provider: String::new(),
        account: None,
        region: None,
        state: ServerState::Unknown,
        cpu_ratio: None,
        memory_ratio: None,
        disk_ratio: None,
        receive_bytes_per_sec: None,
        transmit_bytes_per_sec: None,
        load1: None,
        uptime_secs: None,
        last_seen_ms: None,
        interval_secs: DEFAULT_INTERVAL_SECS,
        is_local: false,
        tags: BTreeMap::new(),
        alerts: 0,
    };
    set_place(&mut server, labels);
    server
}

/// Takes over where a server belongs from the labels of its newest measurement.
pub(super) fn set_place(server: &mut ServerSummary, labels: &Labels) {
    let optional = |label: &str| labels.get(label).map(str::to_owned);
    server.provider = optional("provider").unwrap_or_default();
    server.account = optional("account");
    server.region = optional("region");
    server.tags = labels
        .iter()
        .filter_map(|(label, value)| {
            Some((label.strip_prefix("tag_")?.to_owned(), value.to_owned()))
        })
        .collect();
}

/// Completes where a server belongs that a cloud account lists. What somebody has told of the machine
/// itself stays.
pub(super) fn set_place_in_cloud(server: &mut ServerSummary, known: &KnownServer) {
    server.provider = known.provider.to_string();
    let place = &known.details.server.region;
    server.account.get_or_insert_with(|| known.account.clone());
    server.region.get_or_insert_with(|| place.clone());
    for (key, value) in &known.details.tags {
        let label = tag_label(key);
        let tag = label.strip_prefix("tag_").unwrap_or(&label);
        let tags = server.tags.entry(tag.to_owned());
        tags.or_insert_with(|| value.clone());
    }
}

/// A server that is known from before keeps its name and place; what it measures is asked anew.
pub(super) fn without_measurements(server: &ServerSummary) -> ServerSummary {
    ServerSummary {
        state: match server.state {
            ServerState::Unknown => ServerState::Unknown,
            ServerState::Up | ServerState::Down => ServerState::Down,
        },
        cpu_ratio: None,
        memory_ratio: None,
        disk_ratio: None,
        receive_bytes_per_sec: None,
        transmit_bytes_per_sec: None,
        load1: None,
        uptime_secs: None,
        ..server.clone()
    }
}

/// Returns a counter's increase a second between its two newest samples.
pub(super) fn newest_rate(samples: &[Sample]) -> Option<f64> {
    let mut newest = samples
        .iter()
        .rev()
        .filter(|sample| !is_stale(sample.value));
    let (last, before) = (newest.next()?, newest.next()?);
    let seconds = (last.timestamp_ms - before.timestamp_ms) as f64 / 1000.0;
    // A counter that fell was reset: it has counted `last` since.
    let increase = if last.value < before.value {
        last.value
    } else {
        last.value - before.value
    };
    (seconds > 0.0).then(|| increase / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_survives_a_reset() {
        let sample = |timestamp_ms, value| Sample {
            timestamp_ms,
            value,
        };
        assert_eq!(
            newest_rate(&[sample(0, 10.0), sample(2000, 30.0)]),
            Some(10.0)
        );
        assert_eq!(
            newest_rate(&[sample(0, 90.0), sample(2000, 30.0)]),
            Some(15.0)
        );
        assert_eq!(newest_rate(&[sample(0, 90.0)]), None);
    }
}
