//! Which metrics of Google's are asked for, and what they are to us.
//!
//! Sources: "Google Cloud metrics: compute" and "Ops Agent metrics" of Cloud Monitoring's
//! documentation. `docs/formats/metrics.md` has the same table for people.

/// How a value of Google's becomes one of ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Normalised {
    /// It is the same.
    Same,
    /// From 0–100 to 0–1.
    Percent,
    /// From a sum over the interval to a rate in seconds.
    PerSecond,
    /// From how long it ran within the interval to 1 for up and 0 for down.
    IsUp,
}

impl Normalised {
    /// Converts a value measured over an interval of `interval_secs`.
    pub fn convert(self, value: f64, interval_secs: f64) -> f64 {
        match self {
            Self::Same => value,
            Self::Percent => value / 100.0,
            Self::PerSecond => value / interval_secs,
            Self::IsUp => f64::from(u8::from(value > 0.0)),
        }
    }
}

/// What becomes of several series of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combined {
    /// Each is one of ours.
    Each,
    /// Their sum is.
    Sum,
}

/// A metric of servers.
#[derive(Clone, Copy, Debug)]
pub struct GceMetric {
    /// Its type at Google.
    pub kind: &'static str,
    /// The only value of its label `state` that is asked for.
    pub state: Option<&'static str>,
    /// Its name in the store, as Prometheus's exporter for Cloud Monitoring names it.
    pub raw: &'static str,
    /// Our metric.
    pub ours: &'static str,
    /// How its value comes about.
    pub normalised: Normalised,
    /// Whether several series of a server are one of ours.
    pub combined: Combined,
    /// Which of its labels become labels of ours, and which.
    pub labels: &'static [(&'static str, &'static str)],
}

/// A metric that Compute Engine itself measures.
const fn measured(
    kind: &'static str,
    raw: &'static str,
    ours: &'static str,
    normalised: Normalised,
    combined: Combined,
) -> GceMetric {
    GceMetric {
        kind,
        state: None,
        raw,
        ours,
        normalised,
        combined,
        labels: &[],
    }
}

/// What is asked about the servers of a project, one call for each.
pub const GCE_METRICS: &[GceMetric] = &[
    measured(
        "compute.googleapis.com/instance/cpu/utilization",
        "stackdriver_gce_instance_compute_googleapis_com_instance_cpu_utilization",
        "server_cpu_utilization_ratio",
        Normalised::Same,
        Combined::Each,
    ),
    measured(
        "compute.googleapis.com/instance/network/received_bytes_count",
        "stackdriver_gce_instance_compute_googleapis_com_instance_network_received_bytes_count",
        "server_network_receive_bytes_per_second",
        Normalised::PerSecond,
        Combined::Sum,
    ),
    measured(
        "compute.googleapis.com/instance/network/sent_bytes_count",
        "stackdriver_gce_instance_compute_googleapis_com_instance_network_sent_bytes_count",
        "server_network_transmit_bytes_per_second",
        Normalised::PerSecond,
        Combined::Sum,
    ),
    measured(
        "compute.googleapis.com/instance/disk/read_bytes_count",
        "stackdriver_gce_instance_compute_googleapis_com_instance_disk_read_bytes_count",
        "server_disk_read_bytes_per_second",
        Normalised::PerSecond,
        Combined::Sum,
    ),
    measured(
        "compute.googleapis.com/instance/disk/write_bytes_count",
        "stackdriver_gce_instance_compute_googleapis_com_instance_disk_write_bytes_count",
        "server_disk_written_bytes_per_second",
        Normalised::PerSecond,
        Combined::Sum,
    ),
    measured(
        "compute.googleapis.com/instance/uptime",
        "stackdriver_gce_instance_compute_googleapis_com_instance_uptime",
        "server_up",
        Normalised::IsUp,
        Combined::Each,
    ),
    GceMetric {
        kind: "agent.googleapis.com/memory/percent_used",
        state: Some("used"),
        raw: "stackdriver_gce_instance_agent_googleapis_com_memory_percent_used",
        ours: "server_memory_utilization_ratio",
        normalised: Normalised::Percent,
        combined: Combined::Each,
        labels: &[],
    },
    GceMetric {
        kind: "agent.googleapis.com/disk/percent_used",
        state: Some("used"),
        raw: "stackdriver_gce_instance_agent_googleapis_com_disk_percent_used",
        ours: "server_filesystem_utilization_ratio",
        normalised: Normalised::Percent,
        combined: Combined::Each,
        labels: &[("device", "device")],
    },
];

/// Tells whether a device of the Ops Agent is a disk: not memory, and no image that is full by its
/// nature.
pub(crate) fn is_disk(device: &str) -> bool {
    let name = device.trim_start_matches("/dev/");
    !name.starts_with("loop")
        && !matches!(
            name,
            "devtmpfs" | "none" | "overlay" | "ramfs" | "shm" | "squashfs" | "tmpfs" | "udev"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_ours() {
        assert!((Normalised::Same.convert(0.93, 60.0) - 0.93).abs() < 1e-12);
        assert!((Normalised::Percent.convert(93.0, 60.0) - 0.93).abs() < 1e-12);
        assert!((Normalised::PerSecond.convert(600.0, 60.0) - 10.0).abs() < 1e-12);
        assert!((Normalised::IsUp.convert(60.0, 60.0) - 1.0).abs() < 1e-12);
        assert!(Normalised::IsUp.convert(0.0, 60.0).abs() < 1e-12);
    }

    #[test]
    fn names_are_those_of_the_exporter() {
        for metric in GCE_METRICS {
            let name = metric.kind.replace(['.', '/'], "_");
            assert_eq!(metric.raw, format!("stackdriver_gce_instance_{name}"));
        }
    }

    #[test]
    fn what_is_no_disk_is_left_out() {
        assert!(is_disk("/dev/sda1"));
        assert!(is_disk("nvme0n1p1"));
        assert!(!is_disk("/dev/loop3"));
        assert!(!is_disk("tmpfs"));
    }
}
