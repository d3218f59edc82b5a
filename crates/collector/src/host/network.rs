//! Network traffic per device from `/proc/net/dev`.

use super::{Error, HostConfig, malformed, read_proc};
use crate::recorder::Recorder;

/// The columns of `/proc/net/dev` that are kept: where they stand, and their metric.
const COLUMNS: [(usize, &str); 8] = [
    (0, "server_network_receive_bytes_total"),
    (1, "server_network_receive_packets_total"),
    (2, "server_network_receive_errors_total"),
    (3, "server_network_receive_drops_total"),
    (8, "server_network_transmit_bytes_total"),
    (9, "server_network_transmit_packets_total"),
    (10, "server_network_transmit_errors_total"),
    (11, "server_network_transmit_drops_total"),
];

pub(super) fn collect(config: &HostConfig, recorder: &mut Recorder<'_>) -> Result<(), Error> {
    let text = read_proc(config, "net/dev")?;
    // The two lines of headings have no colon.
    for line in text.lines() {
        let Some((device, counters)) = line.split_once(':') else {
            continue;
        };
        let device = device.trim();
        if is_excluded(device, &config.excluded_network_devices) {
            continue;
        }
        let counters: Vec<u64> = counters
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_| malformed(config, "net/dev", format!("line of device `{device}`")))?;
        for (column, metric) in COLUMNS {
            let count = *counters.get(column).ok_or_else(|| {
                malformed(
                    config,
                    "net/dev",
                    format!("device `{device}` lacks columns"),
                )
            })?;
            recorder.record_count(metric, &[("device", device)], count);
        }
    }
    Ok(())
}

fn is_excluded(device: &str, patterns: &[String]) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => device.starts_with(prefix),
            None => device == pattern,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_excluded_by_name_or_beginning() {
        let patterns = ["lo".to_owned(), "veth*".to_owned()];
        assert!(is_excluded("lo", &patterns));
        assert!(is_excluded("veth12ab", &patterns));
        assert!(!is_excluded("lowpan0", &patterns));
        assert!(!is_excluded("eth0", &patterns));
    }
}
