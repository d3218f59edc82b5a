//! The server seen from outside: what it tells on `/metrics`, its memory, and the processors.

use std::fs;
use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};

use crate::http;

/// Yunhai's own metrics at one moment, in Prometheus's text format.
pub(crate) struct OwnMetrics(String);

impl OwnMetrics {
    pub(crate) fn read(address: SocketAddr) -> Result<Self> {
        let response = http::get(address, "/metrics").context("asking for /metrics")?;
        ensure!(
            response.status == 200,
            "/metrics answered {}",
            response.status
        );
        Ok(Self(response.text()))
    }

    /// The sum of all series of a metric.
    pub(crate) fn sum(&self, metric: &str) -> Result<f64> {
        let mut values = self.series(metric).map(|(_, value)| value).peekable();
        ensure!(values.peek().is_some(), "/metrics has no {metric}");
        Ok(values.sum())
    }

    /// How many of a histogram's observations were at most `limit`, over all its series.
    pub(crate) fn up_to(&self, histogram: &str, limit: &str) -> f64 {
        let bucket = format!("le=\"{limit}\"");
        self.series(&format!("{histogram}_bucket"))
            .filter(|(labels, _)| labels.contains(&bucket))
            .map(|(_, value)| value)
            .sum()
    }

    /// The labels and values of a metric's series.
    fn series(&self, metric: &str) -> impl Iterator<Item = (&str, f64)> {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix(metric)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            let is_whole_name = labels.is_empty() || labels.starts_with('{');
            Some((labels, value.parse().ok()?)).filter(|_| is_whole_name)
        })
    }
}

/// The resident memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    /// The most since the start of the process.
    pub(crate) most: u64,
}

/// Tells how much memory a process takes.
pub(crate) fn resident_bytes(pid: u32) -> Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let bytes = |key: &str| -> Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let kibibytes = line.and_then(|line| line.split_whitespace().next());
        let kibibytes: u64 = kibibytes
            .with_context(|| format!("{path} has no {key}"))?
            .parse()
            .with_context(|| format!("reading {key} of {path}"))?;
        Ok(kibibytes * 1024)
    };
    Ok(Memory {
        now: bytes("VmRSS:")?,
        most: bytes("VmHWM:")?,
    })
}

/// How long processors have worked, in the kernel's ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProcessorTime {
    /// For the server.
    server: u64,
    /// For this program.
    client: u64,
    /// For everything on the machine.
    busy: u64,
    /// Busy or not, over all processors.
    total: u64,
}

/// Shares of one processor, so that two busy processors are 2.
pub(crate) struct Load {
    pub(crate) server: f64,
    pub(crate) client: f64,
    /// What has nothing to do with the benchmark.
    pub(crate) others: f64,
    pub(crate) processors: usize,
}

impl ProcessorTime {
    pub(crate) fn read(server: u32) -> Result<Self> {
        let text = fs::read_to_string("/proc/stat").context("reading /proc/stat")?;
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            // The last two, time of guests, are in the first two already.
            .take(8)
            .filter_map(|number| number.parse().ok())
            .collect();
        ensure!(ticks.len() == 8, "/proc/stat begins with `{line}`");
        let total = ticks.iter().sum();
        Ok(Self {
            server: of_process(&server.to_string())?,
            client: of_process("self")?,
            // Idle and waiting for disks, the fourth and the fifth, are not busy.
            busy: total - ticks[3] - ticks[4],
            total,
        })
    }

    pub(crate) fn load_since(&self, before: &Self) -> Load {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let elapsed = self.total.saturating_sub(before.total).max(1) as f64 / processors as f64;
        let share = |now: u64, before: u64| now.saturating_sub(before) as f64 / elapsed;
        let (server, client) = (
            share(self.server, before.server),
            share(self.client, before.client),
        );
        Load {
            server,
            client,
            others: (share(self.busy, before.busy) - server - client).max(0.0),
            processors,
        }
    }
}

/// A process's time in user mode and in the kernel.
fn of_process(pid: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    // The name in brackets may hold anything; the fields after it are numbered from the third on.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
    let times: Vec<u64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|number| number.parse().ok())
        .collect();
    ensure!(times.len() == 2, "{path} cannot be read");
    Ok(times.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_a_metric_are_summed_and_longer_names_left_out() {
        let metrics = OwnMetrics(
            "# TYPE a_total counter\na_total 2\na_total_seconds 9\n\n\
             b{route=\"/x y\"} 1\nb{route=\"/z\"} 2.5\n"
                .to_owned(),
        );
        assert_eq!(metrics.sum("a_total").ok(), Some(2.0));
        assert_eq!(metrics.sum("b").ok(), Some(3.5));
        let error = metrics.sum("c").unwrap_err().to_string();
        assert_eq!(error, "/metrics has no c");
    }

    #[test]
    fn observations_up_to_a_limit_are_counted() {
        let metrics =
            OwnMetrics("d_bucket{le=\"0.1\"} 4\nd_bucket{le=\"+Inf\"} 7\nd_count 7\n".to_owned());
        assert_eq!(metrics.up_to("d", "0.1").to_bits(), 4.0_f64.to_bits());
    }

    #[test]
    fn a_process_has_memory_and_used_the_processor() {
        let pid = std::process::id();
        let memory = resident_bytes(pid).unwrap();
        assert!(
            memory.now > 100_000 && memory.most >= memory.now,
            "{memory:?}"
        );
        let before = ProcessorTime::read(pid).unwrap();
        let load = ProcessorTime::read(pid).unwrap().load_since(&before);
        assert!(load.server >= 0.0 && load.others >= 0.0);
    }
}
