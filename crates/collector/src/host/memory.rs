//! Memory and swap from `/proc/meminfo`, paging from `/proc/vmstat`.

use std::collections::HashMap;

use super::{Error, HostConfig, malformed, read_proc};
use crate::recorder::Recorder;

pub(super) fn collect(config: &HostConfig, recorder: &mut Recorder<'_>) -> Result<(), Error> {
    let text = read_proc(config, "meminfo")?;
    let bytes = parse_meminfo(&text);
    let get = |name: &str| bytes.get(name).copied();
    let total = get("MemTotal")
        .filter(|total| *total > 0)
        .ok_or_else(|| malformed(config, "meminfo", "there is no MemTotal"))?;
    let free = get("MemFree").unwrap_or(0);
    let buffers = get("Buffers").unwrap_or(0);
    let cached = get("Cached").unwrap_or(0) + get("SReclaimable").unwrap_or(0);
    // Kernels before 3.14 do not estimate what is available: free and cache come near to it.
    let available = get("MemAvailable")
        .unwrap_or(free + buffers + cached)
        .min(total);
    let used = total - available;
    recorder.record_count("server_memory_total_bytes", &[], total);
    recorder.record_count("server_memory_available_bytes", &[], available);
    recorder.record_count("server_memory_used_bytes", &[], used);
    recorder.record_count("server_memory_free_bytes", &[], free);
    recorder.record_count("server_memory_buffers_bytes", &[], buffers);
    recorder.record_count("server_memory_cached_bytes", &[], cached);
    let ratio = used as f64 / total as f64;
    recorder.record("server_memory_utilization_ratio", &[], ratio);

    if let (Some(total), Some(free)) = (get("SwapTotal"), get("SwapFree")) {
        let used = total.saturating_sub(free);
        recorder.record_count("server_swap_total_bytes", &[], total);
        recorder.record_count("server_swap_used_bytes", &[], used);
        // Without swap there is nothing to be full.
        if total > 0 {
            let ratio = used as f64 / total as f64;
            recorder.record("server_swap_utilization_ratio", &[], ratio);
        }
    }
    collect_paging(config, recorder);
    Ok(())
}

/// Paging counters are a bonus that many containers hide: their absence is no failure.
fn collect_paging(config: &HostConfig, recorder: &mut Recorder<'_>) {
    let Ok(text) = read_proc(config, "vmstat") else {
        return;
    };
    let page_size = procfs::page_size();
    for line in text.lines() {
        let Some((name, count)) = line.split_once(' ') else {
            continue;
        };
        let Ok(count) = count.trim().parse::<u64>() else {
            continue;
        };
        match name {
            "pswpin" => {
                recorder.record_count("server_swap_in_bytes_total", &[], count * page_size);
            }
            "pswpout" => {
                recorder.record_count("server_swap_out_bytes_total", &[], count * page_size);
            }
            "oom_kill" => recorder.record_count("server_oom_kills_total", &[], count),
            _ => {}
        }
    }
}

/// Returns each entry in bytes; lines that are not understood are left out.
fn parse_meminfo(text: &str) -> HashMap<&str, u64> {
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            let mut words = value.split_whitespace();
            let number: u64 = words.next()?.parse().ok()?;
            let unit = if words.next() == Some("kB") { 1024 } else { 1 };
            Some((name, number.checked_mul(unit)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo_is_read_in_bytes_and_odd_lines_are_left_out() {
        let entries = parse_meminfo("MemTotal:  10 kB\nHugePages_Total:  3\nnonsense\nX: y kB\n");
        assert_eq!(entries.get("MemTotal"), Some(&10_240));
        assert_eq!(entries.get("HugePages_Total"), Some(&3));
        assert_eq!(entries.len(), 2);
    }
}
