//! Which metrics of Azure's are asked for, and what they are to us.
//!
//! Source: "Supported metrics for Microsoft.Compute/virtualMachines" (Azure Monitor reference). All
//! of them are measured each minute from outside, so that no extension is needed. The names in the
//! store are those of OpenTelemetry's receiver for Azure Monitor. `docs/formats/metrics.md` has the
//! same table for people.

/// How a value of Azure's becomes one of ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Normalised {
    /// From 0–100 to 0–1.
    Percent,
    /// From what is left, 0–100, to what is used, 0–1.
    PercentLeft,
    /// From a sum over the period to a rate in seconds.
    PerSecond,
    /// As it is.
    Same,
    /// From the share of the period in which it was there to 1 for all of it and 0 for less.
    IsUp,
}

impl Normalised {
    /// Converts a value measured over a period of `period_secs`.
    pub fn convert(self, value: f64, period_secs: f64) -> f64 {
        match self {
            Self::Percent => value / 100.0,
            Self::PercentLeft => 1.0 - value / 100.0,
            Self::PerSecond => value / period_secs,
            Self::Same => value,
            // A mean of ones is not always quite one.
            Self::IsUp => f64::from(u8::from(value > 0.999)),
        }
    }
}

/// A metric that Azure measures of every virtual machine.
#[derive(Clone, Copy, Debug)]
pub struct AzureMetric {
    /// Its name in the namespace `Microsoft.Compute/virtualMachines`.
    pub name: &'static str,
    /// The aggregation that is asked for: `average` or `total`.
    pub aggregation: &'static str,
    /// Its name in the store.
    pub raw: &'static str,
    /// Our metric.
    pub ours: &'static str,
    /// How its value comes about.
    pub normalised: Normalised,
}

/// What is asked about every server.
pub const METRICS: &[AzureMetric] = &[
    AzureMetric {
        name: "Percentage CPU",
        aggregation: "average",
        raw: "azure_percentage_cpu_average",
        ours: "server_cpu_utilization_ratio",
        normalised: Normalised::Percent,
    },
    AzureMetric {
        name: "Available Memory Percentage",
        aggregation: "average",
        raw: "azure_available_memory_percentage_average",
        ours: "server_memory_utilization_ratio",
        normalised: Normalised::PercentLeft,
    },
    AzureMetric {
        name: "Available Memory Bytes",
        aggregation: "average",
        raw: "azure_available_memory_bytes_average",
        ours: "server_memory_available_bytes",
        normalised: Normalised::Same,
    },
    AzureMetric {
        name: "Network In Total",
        aggregation: "total",
        raw: "azure_network_in_total_total",
        ours: "server_network_receive_bytes_per_second",
        normalised: Normalised::PerSecond,
    },
    AzureMetric {
        name: "Network Out Total",
        aggregation: "total",
        raw: "azure_network_out_total_total",
        ours: "server_network_transmit_bytes_per_second",
        normalised: Normalised::PerSecond,
    },
    AzureMetric {
        name: "Disk Read Bytes",
        aggregation: "total",
        raw: "azure_disk_read_bytes_total",
        ours: "server_disk_read_bytes_per_second",
        normalised: Normalised::PerSecond,
    },
    AzureMetric {
        name: "Disk Write Bytes",
        aggregation: "total",
        raw: "azure_disk_write_bytes_total",
        ours: "server_disk_written_bytes_per_second",
        normalised: Normalised::PerSecond,
    },
    AzureMetric {
        name: "VmAvailabilityMetric",
        aggregation: "average",
        raw: "azure_vmavailabilitymetric_average",
        ours: "server_up",
        normalised: Normalised::IsUp,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_ours() {
        let convert = |normalised: Normalised, value| normalised.convert(value, 300.0);
        assert!((convert(Normalised::Percent, 93.0) - 0.93).abs() < 1e-12);
        assert!((convert(Normalised::PercentLeft, 20.0) - 0.8).abs() < 1e-12);
        assert!((convert(Normalised::PerSecond, 600.0) - 2.0).abs() < 1e-12);
        assert!((convert(Normalised::Same, 7.0) - 7.0).abs() < 1e-12);
        assert!(convert(Normalised::IsUp, 0.8).abs() < 1e-12);
        assert!((convert(Normalised::IsUp, 1.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_document_has_the_same_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats/metrics.md");
        let document = std::fs::read_to_string(path).unwrap();
        for metric in METRICS {
            let aggregation = match metric.aggregation {
                "total" => "Total",
                _ => "Average",
            };
            let row = format!(
                "| `{}` | `{}` | {aggregation} | `{}` |",
                metric.raw, metric.name, metric.ours
            );
            assert!(document.contains(&row), "{row}");
        }
        assert_eq!(document.matches("| `azure_").count(), METRICS.len());
    }
}
