//! Which metrics of Amazon's are asked for, and what they are to us.
//!
//! Sources: "List the available CloudWatch metrics for your instances" (EC2 user guide) and
//! "Metrics collected by the CloudWatch agent" (CloudWatch user guide). `docs/formats/metrics.md`
//! has the same tables for people.

/// How a value of Amazon's becomes one of ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Normalised {
    /// From 0–100 to 0–1.
    Percent,
    /// From what is left, 0–100, to what is used, 0–1.
    PercentLeft,
    /// From a sum over the period to a rate in seconds.
    PerSecond,
    /// From 0 for good and 1 for bad to 1 for up and 0 for down.
    IsUp,
}

impl Normalised {
    /// Converts a value measured over a period of `period_secs`.
    pub fn convert(self, value: f64, period_secs: f64) -> f64 {
        match self {
            Self::Percent => value / 100.0,
            Self::PercentLeft => 1.0 - value / 100.0,
            Self::PerSecond => value / period_secs,
            Self::IsUp => f64::from(u8::from(value == 0.0)),
        }
    }
}

/// A metric that EC2 itself measures.
#[derive(Clone, Copy, Debug)]
pub struct Ec2Metric {
    /// Its name in the namespace `AWS/EC2`.
    pub name: &'static str,
    /// The statistic that is asked for.
    pub statistic: &'static str,
    /// Its name in the store, as exporters name it.
    pub raw: &'static str,
    /// Our metric, and how its value comes about.
    pub ours: Option<(&'static str, Normalised)>,
    /// Whether only types of this kind have it.
    pub only_burstable: bool,
}

/// What is asked about every instance.
pub const EC2_METRICS: &[Ec2Metric] = &[
    Ec2Metric {
        name: "CPUUtilization",
        statistic: "Average",
        raw: "aws_ec2_cpuutilization_average",
        ours: Some(("server_cpu_utilization_ratio", Normalised::Percent)),
        only_burstable: false,
    },
    Ec2Metric {
        name: "NetworkIn",
        statistic: "Sum",
        raw: "aws_ec2_network_in_sum",
        ours: Some((
            "server_network_receive_bytes_per_second",
            Normalised::PerSecond,
        )),
        only_burstable: false,
    },
    Ec2Metric {
        name: "NetworkOut",
        statistic: "Sum",
        raw: "aws_ec2_network_out_sum",
        ours: Some((
            "server_network_transmit_bytes_per_second",
            Normalised::PerSecond,
        )),
        only_burstable: false,
    },
    Ec2Metric {
        name: "EBSReadBytes",
        statistic: "Sum",
        raw: "aws_ec2_ebsread_bytes_sum",
        ours: Some(("server_disk_read_bytes_per_second", Normalised::PerSecond)),
        only_burstable: false,
    },
    Ec2Metric {
        name: "EBSWriteBytes",
        statistic: "Sum",
        raw: "aws_ec2_ebswrite_bytes_sum",
        ours: Some((
            "server_disk_written_bytes_per_second",
            Normalised::PerSecond,
        )),
        only_burstable: false,
    },
    Ec2Metric {
        name: "StatusCheckFailed",
        statistic: "Maximum",
        raw: "aws_ec2_status_check_failed_maximum",
        ours: Some(("server_up", Normalised::IsUp)),
        only_burstable: false,
    },
    Ec2Metric {
        name: "CPUCreditBalance",
        statistic: "Average",
        raw: "aws_ec2_cpucredit_balance_average",
        ours: None,
        only_burstable: true,
    },
];

/// A metric that the CloudWatch agent measures within an instance.
#[derive(Clone, Copy, Debug)]
pub struct AgentMetric {
    /// Its name in the namespace `CWAgent`.
    pub name: &'static str,
    /// Its name in the store.
    pub raw: &'static str,
    /// Our metric.
    pub ours: &'static str,
    /// How its value comes about.
    pub normalised: Normalised,
    /// Which of its dimensions become labels, and which.
    pub labels: &'static [(&'static str, &'static str)],
}

const FILE_SYSTEM: &[(&str, &str)] = &[
    ("path", "mountpoint"),
    ("device", "device"),
    ("fstype", "fstype"),
];

/// What is asked about instances on which the CloudWatch agent runs.
pub const AGENT_METRICS: &[AgentMetric] = &[
    AgentMetric {
        name: "mem_used_percent",
        raw: "aws_cwagent_mem_used_percent_average",
        ours: "server_memory_utilization_ratio",
        normalised: Normalised::Percent,
        labels: &[],
    },
    AgentMetric {
        name: "swap_used_percent",
        raw: "aws_cwagent_swap_used_percent_average",
        ours: "server_swap_utilization_ratio",
        normalised: Normalised::Percent,
        labels: &[],
    },
    AgentMetric {
        name: "disk_used_percent",
        raw: "aws_cwagent_disk_used_percent_average",
        ours: "server_filesystem_utilization_ratio",
        normalised: Normalised::Percent,
        labels: FILE_SYSTEM,
    },
    AgentMetric {
        name: "Memory % Committed Bytes In Use",
        raw: "aws_cwagent_memory_committed_bytes_in_use_percent_average",
        ours: "server_memory_utilization_ratio",
        normalised: Normalised::Percent,
        labels: &[],
    },
    AgentMetric {
        name: "LogicalDisk % Free Space",
        raw: "aws_cwagent_logical_disk_free_space_percent_average",
        ours: "server_filesystem_utilization_ratio",
        normalised: Normalised::PercentLeft,
        labels: &[("instance", "mountpoint")],
    },
];

/// File systems in memory, and images that are full by their nature.
pub(crate) const NOT_ON_DISK: &[&str] = &[
    "devtmpfs", "iso9660", "overlay", "ramfs", "squashfs", "tmpfs",
];

/// Tells whether an instance type saves up credits.
pub(crate) fn is_burstable(instance_type: &str) -> bool {
    let family = instance_type.split('.').next().unwrap_or_default();
    matches!(family, "t1" | "t2" | "t3" | "t3a" | "t4g")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_ours() {
        assert!((Normalised::Percent.convert(93.0, 300.0) - 0.93).abs() < 1e-12);
        assert!((Normalised::PercentLeft.convert(20.0, 300.0) - 0.8).abs() < 1e-12);
        assert!((Normalised::PerSecond.convert(600.0, 300.0) - 2.0).abs() < 1e-12);
        assert!((Normalised::IsUp.convert(1.0, 300.0)).abs() < 1e-12);
        assert!((Normalised::IsUp.convert(0.0, 300.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn only_types_with_credits_are_asked_for_them() {
        assert!(is_burstable("t4g.nano"));
        assert!(!is_burstable("trn1.2xlarge"));
        assert!(!is_burstable("m7i.large"));
    }
}
