//! What a process and those that it has started take of the machine.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};

/// The kernel counts hundredths of a second for every program, whatever its own tick is.
const TICK: Duration = Duration::from_millis(10);

/// What processes have taken by now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) processor_time: Duration,
    pub(crate) resident_bytes: u64,
}

/// What `/proc/PID/stat` says of a process.
struct Stat {
    parent: u32,
    /// Of itself, and of its children that have ended.
    ticks: u32,
}

/// Sums up a process and all that descend from it.
pub(crate) fn usage(root: u32) -> Result<Usage> {
    let stats = all();
    ensure!(stats.contains_key(&root), "process {root} has ended");
    let mut usage = Usage::default();
    for (pid, stat) in &stats {
        if descends(*pid, root, &stats) {
            usage.processor_time += TICK * stat.ticks;
            usage.resident_bytes += resident_bytes(*pid);
        }
    }
    Ok(usage)
}

fn descends(pid: u32, root: u32, stats: &BTreeMap<u32, Stat>) -> bool {
    std::iter::successors(Some(pid), |pid| Some(stats.get(pid)?.parent))
        .take(64)
        .any(|pid| pid == root)
}

fn all() -> BTreeMap<u32, Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            // It may end while it is looked at.
            let text = fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((pid, parse(&text)?))
        })
        .collect()
}

fn parse(text: &str) -> Option<Stat> {
    // The name in brackets may hold anything; the fields after it are numbered from the third on.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11..15)?;
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        ticks: ticks
            .iter()
            .map(|ticks| ticks.parse::<u32>().ok())
            .sum::<Option<u32>>()?,
    })
}

fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_no_field() {
        let text = "42 (a) b (c)) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 1 0 99 1 1";
        let stat = parse(text).unwrap();
        assert_eq!((stat.parent, stat.ticks), (7, 124));
        assert!(parse("42 (a) S").is_none());
    }

    #[test]
    fn this_process_has_taken_something() {
        let usage = usage(std::process::id()).unwrap();
        assert!(usage.resident_bytes > 100_000);
    }
}
