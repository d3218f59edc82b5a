//! CPU time from `/proc/stat`, and what else the kernel counts there.

use super::{Error, HostConfig, malformed, read_proc};
use crate::recorder::Recorder;

/// The modes in the order of `/proc/stat`; guest time stands in `user` and `nice` already.
const MODES: [&str; 8] = [
    "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal",
];
const IDLE: usize = 3;
const IOWAIT: usize = 4;

/// Ticks spent in each mode.
type Ticks = [u64; MODES.len()];

/// Remembers the last reading, since utilisation is a difference.
#[derive(Debug, Default)]
pub(super) struct CpuCollector {
    last: Option<Reading>,
}

#[derive(Debug, Default)]
struct Reading {
    total: Ticks,
    /// Each core's number and ticks; numbers have gaps where a core is offline.
    cores: Vec<(String, Ticks)>,
}

impl CpuCollector {
    pub(super) fn collect(
        &mut self,
        config: &HostConfig,
        recorder: &mut Recorder<'_>,
    ) -> Result<(), Error> {
        let text = read_proc(config, "stat")?;
        let reading = parse(&text).map_err(|reason| malformed(config, "stat", reason))?;
        let ticks_per_second = procfs::ticks_per_second() as f64;
        for (mode, ticks) in MODES.iter().zip(reading.total) {
            let seconds = ticks as f64 / ticks_per_second;
            recorder.record("server_cpu_seconds_total", &[("mode", mode)], seconds);
        }
        recorder.record_count("server_cpu_cores", &[], reading.cores.len() as u64);
        if let Some(last) = &self.last {
            if let Some(ratio) = utilization(&last.total, &reading.total) {
                recorder.record("server_cpu_utilization_ratio", &[], ratio);
            }
            for (core, ticks) in &reading.cores {
                let before = last.cores.iter().find(|(name, _)| name == core);
                if let Some(ratio) = before.and_then(|(_, before)| utilization(before, ticks)) {
                    let labels = [("core", core.as_str())];
                    recorder.record("server_cpu_core_utilization_ratio", &labels, ratio);
                }
            }
        }
        for line in text.lines() {
            let metric = match line.split_whitespace().next() {
                Some("intr") => "server_interrupts_total",
                Some("ctxt") => "server_context_switches_total",
                Some("processes") => "server_forks_total",
                _ => continue,
            };
            if let Some(count) = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()) {
                recorder.record_count(metric, &[], count);
            }
        }
        self.last = Some(reading);
        Ok(())
    }
}

fn parse(text: &str) -> Result<Reading, String> {
    let mut reading = Reading::default();
    let mut has_total = false;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("cpu") else {
            continue;
        };
        let (core, counters) = rest
            .split_once(' ')
            .ok_or("a `cpu` line without counters")?;
        let mut ticks = Ticks::default();
        // Old kernels have fewer columns; what is missing stays zero.
        for (slot, word) in ticks.iter_mut().zip(counters.split_whitespace()) {
            *slot = word
                .parse()
                .map_err(|_| format!("`{word}` in line `{line}` is not a count"))?;
        }
        if core.is_empty() {
            reading.total = ticks;
            has_total = true;
        } else {
            reading.cores.push((core.to_owned(), ticks));
        }
    }
    if has_total {
        Ok(reading)
    } else {
        Err("no line begins with `cpu`".to_owned())
    }
}

/// Returns the share of time that was neither idle nor waiting for a disk, or `None` where no
/// time has passed.
fn utilization(before: &Ticks, after: &Ticks) -> Option<f64> {
    // The kernel's idle and iowait counters may step back a little; a step back counts as none.
    let spent: Vec<u64> = before
        .iter()
        .zip(after)
        .map(|(before, after)| after.saturating_sub(*before))
        .collect();
    let total: u64 = spent.iter().sum();
    let idle = spent[IDLE] + spent[IOWAIT];
    (total > 0).then(|| (total - idle) as f64 / total as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utilization_is_the_share_of_time_not_idle() {
        let before = [100, 0, 100, 800, 0, 0, 0, 0];
        let after = [130, 0, 110, 850, 10, 0, 0, 0];
        assert_eq!(utilization(&before, &after), Some(0.4));
        assert_eq!(utilization(&after, &after), None);
    }

    #[test]
    fn a_counter_that_steps_back_counts_as_none() {
        let before = [100, 0, 0, 800, 50, 0, 0, 0];
        let after = [110, 0, 0, 810, 40, 0, 0, 0];
        assert_eq!(utilization(&before, &after), Some(0.5));
    }

    #[test]
    fn short_lines_of_old_kernels_and_gaps_between_cores_are_read() {
        let reading = parse("cpu  1 2 3 4\ncpu0 1 2 3 4\ncpu7 0 0 0 0\nintr 5\n").unwrap();
        assert_eq!(reading.total, [1, 2, 3, 4, 0, 0, 0, 0]);
        assert_eq!(reading.cores[1].0, "7");
        assert!(parse("intr 5\n").is_err());
        assert!(parse("cpu  1 x 3 4\n").unwrap_err().contains("`x`"));
    }
}
