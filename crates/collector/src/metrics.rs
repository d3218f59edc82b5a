//! The table of every metric that the collectors report.
//!
//! The same table, with its sources, is `docs/formats/metrics.md`; a test keeps the two and what
//! is really collected together.

/// Whether a metric only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// A value that goes up and down.
    Gauge,
    /// A count since the machine started, which falls only when it starts again.
    Counter,
}

impl MetricKind {
    /// Returns the word that Prometheus's metadata has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

/// What a metric is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricUnit {
    /// Things, or a plain yes or no.
    Count,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// A share of a whole, 0 to 1.
    Ratio,
}

impl MetricUnit {
    /// Returns the word that OpenMetrics has for it; a plain count has none.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::Bytes => "bytes",
            Self::Seconds => "seconds",
            Self::Ratio => "ratio",
        }
    }
}

/// What is known about a metric beside its samples.
#[derive(Clone, Copy, Debug)]
pub struct MetricInfo {
    /// Its name.
    pub name: &'static str,
    /// Whether it only grows.
    pub kind: MetricKind,
    /// What it is counted in.
    pub unit: MetricUnit,
    /// The labels that it has beside those of the server or the probe.
    pub labels: &'static [&'static str],
    /// What it says, in one line.
    pub help: &'static str,
}

/// Returns what is known about the metric called `name`.
pub fn metric_info(name: &str) -> Option<&'static MetricInfo> {
    METRICS.iter().find(|metric| metric.name == name)
}

use MetricKind::{Counter, Gauge};
use MetricUnit::{Bytes, Count, Ratio, Seconds};

/// Every metric of the host collector and of the probes, and what is judged of servers.
pub const METRICS: &[MetricInfo] = &[
    MetricInfo {
        name: "server_up",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "1 when the server answered or measured itself, 0 when it did not",
    },
    MetricInfo {
        name: "server_reporting",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "1 while the server's measurements come as often as expected and say that it is up, 0 otherwise",
    },
    MetricInfo {
        name: "server_info",
        kind: Gauge,
        unit: Count,
        labels: &["hostname", "os", "kernel", "architecture"],
        help: "Always 1; the labels say what the machine is",
    },
    MetricInfo {
        name: "server_collector_success",
        kind: Gauge,
        unit: Count,
        labels: &["part"],
        help: "1 when a part of the measurement succeeded, 0 when it is missing or incomplete",
    },
    MetricInfo {
        name: "server_clock_timestamp_seconds",
        kind: Gauge,
        unit: Seconds,
        labels: &[],
        help: "The server's own clock at the measurement, since the Unix epoch",
    },
    MetricInfo {
        name: "server_clock_skew_seconds",
        kind: Gauge,
        unit: Seconds,
        labels: &[],
        help: "By how much the server's clock is ahead (or, below 0, behind), as far as it can be told",
    },
    MetricInfo {
        name: "server_agent_buffered_bytes",
        kind: Gauge,
        unit: Bytes,
        labels: &[],
        help: "Measurements that wait on the server's disk until they can be sent",
    },
    MetricInfo {
        name: "server_agent_dropped_samples_total",
        kind: Counter,
        unit: Count,
        labels: &[],
        help: "Samples that were dropped since the agent's start because they could not wait any longer",
    },
    MetricInfo {
        name: "server_agent_refused_samples_total",
        kind: Counter,
        unit: Count,
        labels: &[],
        help: "Samples in requests that were refused for good since the agent's start",
    },
    MetricInfo {
        name: "server_uptime_seconds",
        kind: Gauge,
        unit: Seconds,
        labels: &[],
        help: "Time since the machine started",
    },
    MetricInfo {
        name: "server_boot_timestamp_seconds",
        kind: Gauge,
        unit: Seconds,
        labels: &[],
        help: "When the machine started, since the Unix epoch",
    },
    MetricInfo {
        name: "server_cpu_utilization_ratio",
        kind: Gauge,
        unit: Ratio,
        labels: &[],
        help: "Share of all cores' time that was busy since the measurement before, 0 to 1",
    },
    MetricInfo {
        name: "server_cpu_core_utilization_ratio",
        kind: Gauge,
        unit: Ratio,
        labels: &["core"],
        help: "Share of one core's time that was busy since the measurement before, 0 to 1",
    },
    MetricInfo {
        name: "server_cpu_seconds_total",
        kind: Counter,
        unit: Seconds,
        labels: &["mode"],
        help: "Time that all cores together spent in a mode: user, nice, system, idle, iowait, irq, softirq, steal",
    },
    MetricInfo {
        name: "server_cpu_cores",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "Number of cores that are on line",
    },
    MetricInfo {
        name: "server_interrupts_total",
        kind: Counter,
        unit: Count,
        labels: &[],
        help: "Interrupts served",
    },
    MetricInfo {
        name: "server_context_switches_total",
        kind: Counter,
        unit: Count,
        labels: &[],
        help: "Switches from one task to another",
    },
    MetricInfo {
        name: "server_forks_total",
        kind: Counter,
        unit: Count,
        labels: &[],
        help: "Processes and threads started",
    },
    MetricInfo {
        name: "server_load1",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "Tasks running or waiting, averaged over 1 minute",
    },
    MetricInfo {
        name: "server_load5",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "Tasks running or waiting, averaged over 5 minutes",
    },
    MetricInfo {
        name: "server_load15",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "Tasks running or waiting, averaged over 15 minutes",
    },
    MetricInfo {
        name: "server_pressure_waiting_seconds_total",
        kind: Counter,
        unit: Seconds,
        labels: &["resource"],
        help: "Time in which at least one task waited for a resource: cpu, memory, io",
    },
    MetricInfo {
        name: "server_memory_total_bytes",
        kind: Gauge,
        unit: Bytes,
        labels: &[],
        help: "Memory that the system can use",
    },
    MetricInfo {
        name: "server_memory_available_bytes",
        kind: Gauge,
        unit: Bytes,
        labels: &[],
        help: "Memory that programs can still have without swapping",
    },
    MetricInfo {
        name: "server_memory_used_bytes",
        kind: Gauge,
        unit: Bytes,
        labels: &[],
        help: "Memory that is not available: total less available",
    },
    MetricInfo {
        name: "server_memory_free_bytes",
        kind: Gauge,
        unit: Bytes,
        labels: &[],
        help: "Memory that is used for nothing, not even as a cache",
    },
    MetricInfo {
        name: "server_memory_buffers_bytes",
        kind: Gauge,
        unit: Bytes,
        labels: &[],
        help: "Memory that buffers raw disk blocks",
    },
    MetricInfo {
        name: "server_memory_cached_bytes",
        kind: Gauge,
        unit: Bytes,
        labels: &[],
        help: "Memory that caches files, reclaimable kernel memory included",
    },
    MetricInfo {
        name: "server_memory_utilization_ratio",
        kind: Gauge,
        unit: Ratio,
        labels: &[],
        help: "Share of memory that is used, 0 to 1",
    },
    MetricInfo {
        name: "server_swap_total_bytes",
        kind: Gauge,
        unit: Bytes,
        labels: &[],
        help: "Swap space",
    },
    MetricInfo {
        name: "server_swap_used_bytes",
        kind: Gauge,
        unit: Bytes,
        labels: &[],
        help: "Swap space that is used",
    },
    MetricInfo {
        name: "server_swap_utilization_ratio",
        kind: Gauge,
        unit: Ratio,
        labels: &[],
        help: "Share of swap space that is used, 0 to 1; absent where there is no swap",
    },
    MetricInfo {
        name: "server_swap_in_bytes_total",
        kind: Counter,
        unit: Bytes,
        labels: &[],
        help: "Data read back from swap space",
    },
    MetricInfo {
        name: "server_swap_out_bytes_total",
        kind: Counter,
        unit: Bytes,
        labels: &[],
        help: "Data written to swap space",
    },
    MetricInfo {
        name: "server_oom_kills_total",
        kind: Counter,
        unit: Count,
        labels: &[],
        help: "Processes that the kernel killed for want of memory",
    },
    MetricInfo {
        name: "server_filesystem_size_bytes",
        kind: Gauge,
        unit: Bytes,
        labels: &["mountpoint", "device", "fstype"],
        help: "Size of a file system",
    },
    MetricInfo {
        name: "server_filesystem_used_bytes",
        kind: Gauge,
        unit: Bytes,
        labels: &["mountpoint", "device", "fstype"],
        help: "What its files take",
    },
    MetricInfo {
        name: "server_filesystem_available_bytes",
        kind: Gauge,
        unit: Bytes,
        labels: &["mountpoint", "device", "fstype"],
        help: "What an ordinary user can still write",
    },
    MetricInfo {
        name: "server_filesystem_utilization_ratio",
        kind: Gauge,
        unit: Ratio,
        labels: &["mountpoint", "device", "fstype"],
        help: "Used by used and available, as df counts, 0 to 1",
    },
    MetricInfo {
        name: "server_filesystem_inodes",
        kind: Gauge,
        unit: Count,
        labels: &["mountpoint", "device", "fstype"],
        help: "Number of inodes; absent where they are made as needed",
    },
    MetricInfo {
        name: "server_filesystem_inodes_used",
        kind: Gauge,
        unit: Count,
        labels: &["mountpoint", "device", "fstype"],
        help: "Number of inodes in use",
    },
    MetricInfo {
        name: "server_filesystem_read_only",
        kind: Gauge,
        unit: Count,
        labels: &["mountpoint", "device", "fstype"],
        help: "1 when the file system is mounted read-only",
    },
    MetricInfo {
        name: "server_disk_read_bytes_total",
        kind: Counter,
        unit: Bytes,
        labels: &["device"],
        help: "Data read from a disk",
    },
    MetricInfo {
        name: "server_disk_written_bytes_total",
        kind: Counter,
        unit: Bytes,
        labels: &["device"],
        help: "Data written to a disk",
    },
    MetricInfo {
        name: "server_disk_reads_total",
        kind: Counter,
        unit: Count,
        labels: &["device"],
        help: "Read operations completed",
    },
    MetricInfo {
        name: "server_disk_writes_total",
        kind: Counter,
        unit: Count,
        labels: &["device"],
        help: "Write operations completed",
    },
    MetricInfo {
        name: "server_disk_read_time_seconds_total",
        kind: Counter,
        unit: Seconds,
        labels: &["device"],
        help: "Time that all reads took together",
    },
    MetricInfo {
        name: "server_disk_write_time_seconds_total",
        kind: Counter,
        unit: Seconds,
        labels: &["device"],
        help: "Time that all writes took together",
    },
    MetricInfo {
        name: "server_disk_io_time_seconds_total",
        kind: Counter,
        unit: Seconds,
        labels: &["device"],
        help: "Time in which the disk had something to do",
    },
    MetricInfo {
        name: "server_disk_operations_in_progress",
        kind: Gauge,
        unit: Count,
        labels: &["device"],
        help: "Operations that have begun and not ended",
    },
    MetricInfo {
        name: "server_network_receive_bytes_total",
        kind: Counter,
        unit: Bytes,
        labels: &["device"],
        help: "Data received by a network device",
    },
    MetricInfo {
        name: "server_network_receive_packets_total",
        kind: Counter,
        unit: Count,
        labels: &["device"],
        help: "Packets received",
    },
    MetricInfo {
        name: "server_network_receive_errors_total",
        kind: Counter,
        unit: Count,
        labels: &["device"],
        help: "Packets that could not be received for an error",
    },
    MetricInfo {
        name: "server_network_receive_drops_total",
        kind: Counter,
        unit: Count,
        labels: &["device"],
        help: "Packets to be received that were dropped",
    },
    MetricInfo {
        name: "server_network_transmit_bytes_total",
        kind: Counter,
        unit: Bytes,
        labels: &["device"],
        help: "Data sent by a network device",
    },
    MetricInfo {
        name: "server_network_transmit_packets_total",
        kind: Counter,
        unit: Count,
        labels: &["device"],
        help: "Packets sent",
    },
    MetricInfo {
        name: "server_network_transmit_errors_total",
        kind: Counter,
        unit: Count,
        labels: &["device"],
        help: "Packets that could not be sent for an error",
    },
    MetricInfo {
        name: "server_network_transmit_drops_total",
        kind: Counter,
        unit: Count,
        labels: &["device"],
        help: "Packets to be sent that were dropped",
    },
    MetricInfo {
        name: "server_processes",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "Number of processes",
    },
    MetricInfo {
        name: "server_threads",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "Number of tasks that the kernel schedules",
    },
    MetricInfo {
        name: "server_processes_running",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "Tasks that run or could run now",
    },
    MetricInfo {
        name: "server_processes_blocked",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "Tasks that wait for a disk",
    },
    MetricInfo {
        name: "server_file_descriptors_allocated",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "Open files of all processes",
    },
    MetricInfo {
        name: "server_file_descriptors_maximum",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "How many files can be open at once",
    },
    MetricInfo {
        name: "probe_success",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "1 when the target answered as it should, 0 when it did not",
    },
    MetricInfo {
        name: "probe_duration_seconds",
        kind: Gauge,
        unit: Seconds,
        labels: &[],
        help: "How long the whole probe took, name look-up included",
    },
    MetricInfo {
        name: "probe_failure_info",
        kind: Gauge,
        unit: Count,
        labels: &["reason"],
        help: "1 while the probe fails; the label names the kind of failure",
    },
    MetricInfo {
        name: "probe_http_status_code",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "Status of the HTTP answer, after redirects",
    },
    MetricInfo {
        name: "probe_http_body_matched",
        kind: Gauge,
        unit: Count,
        labels: &[],
        help: "1 when the answer's body matched the pattern, 0 when it did not",
    },
    MetricInfo {
        name: "probe_tls_expiry_timestamp_seconds",
        kind: Gauge,
        unit: Seconds,
        labels: &[],
        help: "When the first certificate of the chain expires, since the Unix epoch; also when the chain is not trusted",
    },
];
